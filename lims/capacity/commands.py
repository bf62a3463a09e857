"""`lims reconcile`: is everybody and every tube in exactly one class? And the group `lims capacity`."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click
from flask.cli import with_appcontext

from lims.capacity.advice_commands import advise_command
from lims.capacity.counting.commands import fold_command, rebuild_command
from lims.capacity.forecast.commands import forecast_command
from lims.capacity.queries.reconciliation import reconcile
from lims.capacity.rules import CLASS_WORDS, Identity
from lims.capacity.scenarios.commands import scenario_command
from lims.capacity.status_command import status_command
from lims.extensions import db


@click.group("capacity")
def capacity_group() -> None:
    """What is waiting, how fast it goes, what comes, and whether it can be done.

    Example: lims capacity rebuild --check
    """


# one line for each command; each lives in the module of its task
capacity_group.add_command(advise_command)
capacity_group.add_command(fold_command)
capacity_group.add_command(forecast_command)
capacity_group.add_command(rebuild_command)
capacity_group.add_command(status_command)
capacity_group.add_command(scenario_command)


@click.command("reconcile", epilog="Example: lims reconcile --json")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@with_appcontext
def reconcile_command(as_json: bool) -> None:
    """Count people and tubes by class; exit 1 on a row in none or in two classes."""
    identities = reconcile(db.session())
    click.echo(json.dumps(as_figures(identities), ensure_ascii=False) if as_json else _as_text(identities))
    faults = sum(identity.fault_count for identity in identities)
    if faults or not all(identity.holds for identity in identities):
        click.echo(f"{faults} rows are in none or in two classes.", err=True)
        raise SystemExit(1)


def as_figures(identities: Sequence[Identity]) -> dict[str, object]:
    """Return the identities as what JSON holds; the API answers the same."""
    return {
        "holds": all(identity.holds for identity in identities),
        "identities": [
            {
                "name": identity.name,
                "total": identity.total,
                "classes": dict(identity.classes),
                "fault_count": identity.fault_count,
                "faults": [{"key": fault.key, "classes": list(fault.classes)} for fault in identity.faults],
            }
            for identity in identities
        ],
    }


def _as_text(identities: Sequence[Identity]) -> str:
    lines = []
    for identity in identities:
        lines.append(f"{identity.title}: {identity.total}")
        lines += [f"  {count:>9}  {CLASS_WORDS[name]}" for name, count in identity.classes.items()]
        lines += [
            f"  DEFECT     {fault.key} is in {' and '.join(fault.classes) or 'no class'}"
            for fault in identity.faults
        ]
    return "\n".join(lines)
