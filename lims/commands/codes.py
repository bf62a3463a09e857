"""Printed codes from the command line."""

from __future__ import annotations

import click

from lims import codes
from lims.commands.output import json_option, say


@click.group("codes")
def codes_group() -> None:
    """Check printed codes.

    Example: lims codes check T3K9F2C5N
    """


@codes_group.command("check")
@click.argument("code")
@json_option
def check(code: str, as_json: bool) -> None:
    """Tell what CODE is, or what is wrong with it.

    Typed with blanks or in small letters it is read all the same. A wrong code exits with 1.

    Example: lims codes check "t3k 9f2 c5n" --json
    """
    found = codes.parse(code)
    figures = {"code": found.text, "kind": found.kind, "grouped": codes.grouped(found.text)}
    say(figures, as_json=as_json, sentence=f"{figures['grouped']} is a sound code of a {found.kind}.")
