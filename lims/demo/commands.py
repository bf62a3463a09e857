"""The demonstration from the command line."""

from __future__ import annotations

import dataclasses

import click
from flask.cli import with_appcontext

from lims import database
from lims.auth import queries as auth_queries
from lims.commands.output import json_option, say
from lims.demo import campaign, keys
from lims.extensions import db, settings


@click.command("demo")
@click.option("--people", default=campaign.PEOPLE, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option("--prevalence", default=campaign.PREVALENCE, show_default=True, type=click.FloatRange(0, 1))
@click.option(
    "--seed", default=campaign.SEED, show_default=True, help="The same seed plays the same campaign."
)
@json_option
@with_appcontext
def demo(people: int, prevalence: float, seed: int, as_json: bool) -> None:
    """Fill an empty database with a campaign of Quảng Ninh, played through the actions.

    8 laboratories (6,186 screening and 550 confirmation reactions a day), 177 communes, people in all stages. Only with
    DEMO=1, as its accounts have open passwords.

    Example: DEMO=1 LIMS_INSTANCE=/tmp/day lims demo --people 20000
    """
    if not settings().demo:
        raise click.ClickException("Set DEMO=1: the demonstration brings accounts with open passwords.")
    database.upgrade()
    if auth_queries.count_users(db.session()):
        raise click.ClickException("The database is not empty. The demonstration wants a new one.")
    played = campaign.play(people=people, prevalence=prevalence, seed=seed, quiet=as_json)
    keys.make_keys()
    figures = dataclasses.asdict(played)
    figures["people_per_second"] = round(played.people / max(played.seconds, 0.001), 1)
    say(
        figures,
        as_json=as_json,
        sentence=f"{played.people} people in {played.batches} batches, {played.infected} infected, "
        f"in {played.seconds:.0f} s ({figures['people_per_second']} a second).",
    )
