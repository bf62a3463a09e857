"""`lims capacity scenario`: what a number of cases asks for, and what breaks first."""

from __future__ import annotations

import json
from typing import Any, TextIO

import click
from flask.cli import with_appcontext

from lims import clock
from lims.capacity.scenarios.calculation import STATIONS, Plan, calculate_plan
from lims.capacity.scenarios.figures import as_figures, say_in_english
from lims.capacity.scenarios.queries import list_live_laboratories
from lims.capacity.scenarios.rules import read_scenario
from lims.commands.output import json_option, say
from lims.errors import InvalidInput
from lims.extensions import db

LARGEST = 1_000_000


@click.command("scenario")
@click.argument("file", type=click.File(encoding="utf-8"))
@json_option
def scenario_command(file: TextIO, as_json: bool) -> None:
    """Calculate a scenario: what each day asks for, what is carried over, what breaks first, when all is done.

    FILE is one JSON object; docs/guides/planning.md shows one. Without laboratories in it, those of this system are
    taken. Nothing is kept.

    Example: lims capacity scenario scenario.json --json
    """
    document = _read(file)
    if isinstance(document, dict) and document.get("laboratories") is None:
        document["laboratories"] = _list_live()
    plan = calculate_plan(read_scenario(document, starts_on=clock.today()))
    say(
        as_figures(plan) | {"first_break": say_in_english(plan)},
        as_json=as_json,
        sentence=lambda: _tell(plan),
    )


# only where it is asked for: a file with laboratories needs no database
@with_appcontext
def _list_live() -> list[dict[str, Any]]:
    return list_live_laboratories(db.session(), actor=None)


def _read(file: TextIO) -> Any:
    try:
        text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise InvalidInput("The file is too large for a scenario.", field="scenario")
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput(
            "The file is no JSON. The guide on planning shows a scenario.", field="scenario"
        ) from None


def _tell(plan: Plan) -> str:
    lines = [
        say_in_english(plan),
        f"{plan.totals['cases']} cases; each asks for {plan.confirmations_per_case} confirmations, "
        f"{plan.case_days:.1f} days of all there are.",
        f"{plan.totals['people']} people to sample with up to {plan.totals['samplers']} samplers a day, "
        f"{plan.totals['tubes']} tubes, {plan.totals['boxes']} boxes, {plan.totals['kits']} kits.",
        "day  date        " + "".join(f"{name + ' asked/done/waiting':>34}" for name in STATIONS),
    ]
    for day in plan.days:
        stations = "".join(
            f"{one.asked:>16.0f}{one.done:>9.0f}{one.waiting:>9.0f}" for one in day.stations.values()
        )
        lines.append(f"{day.number:>3}  {day.on}  {stations}")
    return "\n".join(lines)
