"""Starting the server: in production, and as a demonstration."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from lims import serving
from lims.commands.application import opened
from lims.config import Settings

_OPTIONS = (
    click.option(
        "--host", default="127.0.0.1", envvar="HOST", show_default=True, help="Address to listen on."
    ),
    click.option("--port", default=8000, envvar="PORT", show_default=True, type=click.IntRange(1, 65535)),
    click.option(
        "--workers",
        default=0,
        envvar="WORKERS",
        type=click.IntRange(0, 64),
        help="Processes; 0 for what fits this machine.",
    ),
)


def listening(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a server."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command("serve")
@listening
def serve(host: str, port: int, workers: int) -> None:
    """Serve in production.

    Refuses to start without SECRET_KEY, on a database with demonstration accounts or of another version, and on an
    SQLite library that can corrupt its file. It creates no account: see `lims admin create`.

    Example: SECRET_KEY=$(cat /etc/lims/key) BASE_URL=https://lims.example lims serve --workers 4
    """
    settings = Settings.from_environment({**os.environ, "PORT": str(port), "DEMO": ""})
    with opened(settings):
        serving.check_production()
        serving.serve(settings, host=host, port=port, workers=workers)


@click.command("run")
@listening
@click.option(
    "--people", default=600, show_default=True, help="People of the demonstration, where it is loaded."
)
def run(host: str, port: int, workers: int, people: int) -> None:
    """Serve the demonstration: bring the database up to date, fill an empty one, print the sign-ins.

    Demonstration data with open passwords go only into an empty database that is meant for it: the SQLite file of
    its own (DATABASE_URL not set), or another one with DEMO=1.

    Example: lims run --port 8010
    """
    from lims.demo import start

    settings = start.read_settings(os.environ, port=port)
    with opened(settings):
        serving.check_engine()
        start.prepare(settings, people=people)
        for line in start.describe(settings):
            click.echo(line)
        with start.sending(settings):
            serving.serve(settings, host=host, port=port, workers=workers)
