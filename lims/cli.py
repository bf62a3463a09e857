"""The command `lims`: which commands there are, and how they fail.

Each command lives with its package; it is imported only when it is asked for, so that `lims codes check` starts at
once. A command that needs the application is decorated with `flask.cli.with_appcontext`. Whatever is refused is one
sentence on standard error and an exit status other than 0.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click
from apiflask import APIFlask
from flask.cli import ScriptInfo
from sqlalchemy.exc import DBAPIError, OperationalError

import lims
from lims.config import SettingsError
from lims.errors import LimsError

# name → module:attribute of its command
COMMANDS = {
    "admin": "lims.auth.commands:admin",
    "assay": "lims.pooling.commands:assay_group",
    "audit": "lims.commands.custody:audit_group",
    "capacity": "lims.capacity.commands:capacity_group",
    "certificate": "lims.results.certificates.commands:certificate_group",
    "clients": "lims.auth.clients.commands:clients_group",
    "codes": "lims.commands.codes:codes_group",
    "db": "lims.commands.database:db_group",
    "demo": "lims.demo.commands:demo",
    "exports": "lims.exports.commands:exports_group",
    "instruments": "lims.pooling.instrument_commands:instruments_group",
    "import": "lims.intake.commands:import_group",
    "journey": "lims.journey.commands:journey",
    "keys": "lims.results.certificates.key_commands:keys_group",
    "labels": "lims.intake.commands:labels_group",
    "pooling": "lims.pooling.prevalence_commands:pooling_group",
    "outbox": "lims.outbox.commands:outbox_group",
    "places": "lims.places.commands:places",
    "report": "lims.capacity.reports.commands:report_group",
    "reconcile": "lims.capacity.commands:reconcile_command",
    "retention": "lims.personal.commands:retention_group",
    "run": "lims.commands.server:run",
    "serve": "lims.commands.server:serve",
    "worker": "lims.outbox.commands:worker",
}
# what scripts of earlier installations call them
FORMER_NAMES = {"assays": "assay"}


class Commands(click.Group):
    """Commands imported by name, their refusals told in one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names, in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None where there is no such name."""
        cmd_name = FORMER_NAMES.get(cmd_name, cmd_name)
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; turn what was refused into one sentence.

        Raises:
            click.ClickException: says what was refused; click prints it and exits with 1.
        """
        try:
            return super().invoke(ctx)
        except (LimsError, SettingsError) as error:
            raise click.ClickException(str(error)) from error
        except DBAPIError as error:
            raise click.ClickException(_say_database_error(error)) from error


def _say_database_error(error: DBAPIError) -> str:
    """Return one sentence for what the database refused."""
    reason = str(error.orig).strip().splitlines()[0] if error.orig else str(error)
    if any(
        words in reason for words in ("no such table", "no such column", "has no column", "does not exist")
    ):
        return f"The database is not of this version ({reason}). Run `lims db upgrade` first."
    if isinstance(error, OperationalError):
        return f"The database does not answer: {reason}. Check DATABASE_URL."
    return f"The database refused: {reason}."


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(lims.__version__, prog_name="lims")
@click.pass_context
def main(ctx: click.Context) -> None:
    """A laboratory information management system for pooled PCR testing.

    Settings come from the environment: SECRET_KEY, DATABASE_URL, LIMS_INSTANCE (folder), PORT, BASE_URL,
    TRUSTED_PROXIES, DEMO.

    Example: lims codes check T3K9F2C5N
    """

    def make() -> APIFlask:
        from lims.commands.application import release

        app = lims.create_app()
        ctx.call_on_close(lambda: release(app))
        return app

    ctx.obj = ScriptInfo(create_app=make)


if __name__ == "__main__":
    main()
