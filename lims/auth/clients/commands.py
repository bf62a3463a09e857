"""Programs' tokens from the command line."""

from __future__ import annotations

import uuid

import click
from flask.cli import with_appcontext

from lims.auth import queries as auth_queries
from lims.auth.actors import SYSTEM
from lims.auth.clients import actions, queries
from lims.auth.clients.api import describe
from lims.auth.scopes import LONGEST_DAYS, SCOPES
from lims.commands.output import json_option, say
from lims.extensions import db


@click.group("clients")
def clients_group() -> None:
    """Make, list and revoke the tokens of programs that use the API.

    Example: lims clients add "Hospital system" --account hospital --scope see_laboratory --days 90
    """


@clients_group.command("add")
@click.argument("name")
@click.option(
    "--account", required=True, help="User name of a program's account (lims admin create --service)."
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(tuple(SCOPES)),
    metavar="SCOPE",
    help="What it may do; give it once for each.",
)
@click.option(
    "--days", default=90, show_default=True, type=click.IntRange(1, LONGEST_DAYS), help="Until it ends."
)
@json_option
@with_appcontext
def add(name: str, account: str, scopes: tuple[str, ...], days: int, as_json: bool) -> None:
    """Make a token for the program NAME and print it: it is shown once and kept nowhere.

    Example: lims clients add "Hospital system" --account hospital --scope see_laboratory --scope exchange
    """
    user = auth_queries.get_user(db.session(), username=account)
    made = actions.add_client(actor=SYSTEM, name=name, user_id=user.id, scopes=scopes, days=days)
    say(
        made,
        as_json=as_json,
        sentence=f"{made['token']}\nKeep it now: it is shown once. It works until {made['expires_at']}.",
    )


@clients_group.command("list")
@json_option
@with_appcontext
def list_all(as_json: bool) -> None:
    """List the programs, the newest first, with how their tokens stand.

    Example: lims clients list --json
    """
    rows: list[dict[str, object]] = []
    before: uuid.UUID | None = None
    while found := queries.list_clients(db.session(), before=before):
        before = found[-1].id
        rows += [describe(client) for client in found]
    say(rows, as_json=as_json, sentence=lambda: "\n".join(_line(row) for row in rows) or "No program.")


def _line(row: dict[str, object]) -> str:
    used = row["last_used_at"] or "never"
    return f"{row['id']} {row['name']} ({row['username']}): {row['standing']}, until {row['expires_at']}, used {used}"


@clients_group.command("revoke")
@click.argument("client_id", metavar="ID", type=click.UUID)
@with_appcontext
def revoke(client_id: uuid.UUID) -> None:
    """End the token of the program ID at once.

    Example: lims clients revoke 01890a5d-ac96-774b-bcce-b302099a8057
    """
    actions.revoke_client(actor=SYSTEM, api_client_id=client_id)
    say({}, as_json=False, sentence="The token is revoked: it works no longer.")
