"""The journey from the command line."""

from __future__ import annotations

import random
from typing import Any

import click
import httpx

from lims.commands.output import json_option, say
from lims.demo.province import PASSWORD
from lims.journey.caller import JourneyError
from lims.journey.program import Journey, Outcome, Plan


@click.command("journey")
@click.option(
    "--url", default="http://127.0.0.1:8000", show_default=True, help="A running server with demo accounts."
)
@click.option("--people", default=200, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option("--prevalence", default=0.02, show_default=True, type=click.FloatRange(0, 1))
@click.option(
    "--clients", default=4, show_default=True, type=click.IntRange(1, 64), help="How many work at once."
)
@click.option(
    "--seed", default=None, type=int, help="Of people and readings; drawn and printed when left out."
)
@click.option("--password", default=PASSWORD, envvar="LIMS_PASSWORD", help="Of the demonstration's accounts.")
@click.option("--patience", default=120.0, show_default=True, help="Seconds that one request is tried.")
@json_option
def journey(
    url: str,
    people: int,
    prevalence: float,
    clients: int,
    seed: int | None,
    password: str,
    patience: float,
    as_json: bool,
) -> None:
    """Bring people from the declaration to the reading of their result, over HTTP as real clients would.

    Prints people per second for each station and proves at the end that everybody has a true result or a named reason
    why not; else it exits with 1. A server that is killed and started again on the way is waited for.

    Example: lims journey --url http://127.0.0.1:8000 --people 2000 --prevalence 0.02 --clients 4 --json
    """
    plan = Plan(
        url=url.rstrip("/"),
        people=people,
        prevalence=prevalence,
        clients=clients,
        seed=random.randrange(10**6) if seed is None else seed,
        password=password,
        patience_s=patience,
    )
    click.echo(f"Seed {plan.seed}", err=True)
    try:
        outcome = Journey(plan, say=lambda line: click.echo(line, err=True)).go()
    except (JourneyError, httpx.HTTPError) as error:
        raise click.ClickException(str(error)) from error
    say(as_figures(outcome), as_json=as_json, sentence=lambda: as_text(outcome))
    if not outcome.is_proved:
        raise click.ClickException(
            f"Not proved: {len(outcome.unaccounted)} unaccounted, {len(outcome.wrong)} wrong findings, "
            f"reconciliation {'holds' if outcome.reconciliation_holds else 'does not hold'}."
        )


def as_figures(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as what JSON holds."""
    return {
        "people": outcome.plan.people,
        "prevalence": outcome.plan.prevalence,
        "clients": outcome.plan.clients,
        "seed": outcome.plan.seed,
        "seconds": outcome.seconds,
        "stations": [
            {
                "station": station.name,
                "people": station.people,
                "seconds": round(station.seconds, 2),
                "people_per_second": station.people_per_second,
            }
            for station in outcome.tally.stations.values()
        ],
        "released": dict(outcome.released),
        "reasons": dict(outcome.reasons),
        "unaccounted": outcome.unaccounted,
        "wrong": outcome.wrong,
        "reconciliation_holds": outcome.reconciliation_holds,
        "proved": outcome.is_proved,
    }


def as_text(outcome: Outcome) -> str:
    """Return an outcome as a table and two sentences."""
    lines = [f"{'station':<14}{'people':>8}{'seconds':>10}{'people/s':>10}"]
    lines += [
        f"{station.name:<14}{station.people:>8}{station.seconds:>10.1f}{station.people_per_second:>10.1f}"
        for station in outcome.tally.stations.values()
    ]
    released = ", ".join(f"{count} {finding}" for finding, count in sorted(outcome.released.items()))
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(outcome.reasons.items())) or "nobody"
    lines.append(
        f"{outcome.released.total()} released ({released}); without a result, the reason named: {reasons}."
    )
    lines.append(
        f"{outcome.plan.people} people declared, {len(outcome.unaccounted)} unaccounted, {outcome.seconds} s."
    )
    return "\n".join(lines)
