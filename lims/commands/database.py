"""The database from the command line."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from lims import database
from lims.commands.output import json_option, say


@click.group("db")
def db_group() -> None:
    """Create the database's tables, or bring them to this version.

    Example: DATABASE_URL=sqlite:////var/lib/lims/lims.sqlite lims db upgrade
    """


@db_group.command("upgrade")
@json_option
@with_appcontext
def upgrade(as_json: bool) -> None:
    """Bring the database to the newest migration.

    Example: lims db upgrade
    """
    before = database.current_revision()
    database.upgrade()
    after = database.current_revision()
    done = f"The database went from {before or 'empty'} to {after}."
    say(
        {"before": before, "after": after},
        as_json=as_json,
        sentence=f"The database is at {after} already." if before == after else done,
    )
