"""Places from the command line."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from lims.auth.actors import SYSTEM
from lims.commands.output import json_option, say
from lims.places import actions
from lims.places.loading import list_divisions


@click.group("places")
def places() -> None:
    """Load provinces, districts and communes.

    Example: lims places load 22 24
    """


@places.command("load")
@click.argument("province_codes", nargs=-1)
@click.option("--all", "load_all", is_flag=True, help="All 63 provinces of the 2021 edition.")
@json_option
@with_appcontext
def load(province_codes: tuple[str, ...], load_all: bool, as_json: bool) -> None:
    """Load the provinces PROVINCE_CODES of the 2021 edition (22 is Quảng Ninh); twice changes nothing.

    Example: lims places load 22
    """
    wanted = (
        [division.code for division in list_divisions(kind="province")] if load_all else list(province_codes)
    )
    if not wanted:
        raise click.UsageError("Name provinces by their codes, or say --all.")
    total = {"province": 0, "district": 0, "commune": 0}
    for code in wanted:
        for kind, count in actions.load_provinces(actor=SYSTEM, province_codes=[code]).items():
            total[kind] += count
    say(
        total,
        as_json=as_json,
        sentence=f"Added {total['province']} provinces, {total['district']} districts and {total['commune']} communes.",
    )
