"""`lims capacity forecast`: the forecast of the live state on the command line."""

from __future__ import annotations

import uuid

import click
from flask.cli import with_appcontext

from lims.auth.actors import SYSTEM
from lims.capacity.forecast.asking import USUAL_DAYS, USUAL_REPLICATIONS, Asked, answer
from lims.capacity.forecast.telling import as_figures, tell
from lims.capacity.queries.forecast import read_start
from lims.commands.output import json_option, say
from lims.extensions import db


@click.command("forecast")
@click.option("--campaign", "campaign_id", type=click.UUID, help="The newest open one where it is left out.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same forecast.")
@click.option("--replications", type=int, default=USUAL_REPLICATIONS, show_default=True, help="Runs.")
@click.option("--days", type=int, default=USUAL_DAYS, show_default=True, help="How far ahead, 1 to 14.")
@click.option("--prevalence", type=float, help="Share infected; measured where it is left out.")
@click.option("--pool-size", type=int, help="The campaign's where it is left out.")
@click.option("--more-shifts", type=int, default=0, show_default=True, help="Shifts added.")
@click.option("--more-laboratories", type=int, default=0, show_default=True, help="Laboratories added.")
@click.option(
    "--arrivals-percent", type=int, default=100, show_default=True, help="Samples to come, of those of late."
)
@json_option
@with_appcontext
def forecast_command(
    campaign_id: uuid.UUID | None,
    seed: int,
    replications: int,
    days: int,
    prevalence: float | None,
    pool_size: int | None,
    more_shifts: int,
    more_laboratories: int,
    arrivals_percent: int,
    as_json: bool,
) -> None:
    """Tell what is released by hour, what waits at the end of each day, the bottleneck, and what would help.

    A simulation from the live state, box by box; nothing is changed.

    Example: lims capacity forecast --days 7 --replications 20 --seed 1 --json
    """
    start = read_start(db.session(), actor=SYSTEM, campaign_id=campaign_id)
    told = answer(
        start.state,
        start.assumptions,
        Asked(
            days=days,
            seed=seed,
            replications=replications,
            prevalence=prevalence,
            pool_size=pool_size,
            more_shifts=more_shifts,
            more_laboratories=more_laboratories,
            arrivals_percent=arrivals_percent,
        ),
        waits=False,
    )
    figures = as_figures(told) | {
        "campaign_id": str(start.campaign.id),
        "prevalence_is_assumed": start.estimate is None,
        "confirms_elsewhere": start.confirms_elsewhere,
    }
    say(figures, as_json=as_json, sentence=lambda: tell(told))
