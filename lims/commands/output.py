"""What commands print: sentences for people, or one JSON document for scripts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document instead of sentences."
)


def say(figures: Any, *, as_json: bool, sentence: str | Callable[[], str], one_line: bool = False) -> None:
    """Print figures.

    Args:
        figures: what JSON holds.
        as_json: True for one JSON document.
        sentence: the text for people, or a function that makes it.
        one_line: True where documents are collected in a file, one a line.
    """
    if as_json:
        click.echo(json.dumps(figures, ensure_ascii=False, indent=None if one_line else 2, default=str))
    else:
        click.echo(sentence if isinstance(sentence, str) else sentence())
