"""Accounts from the command line: how the first administrator of an installation comes to be."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import with_appcontext

from lims.auth import actions, passwords, queries
from lims.auth.actors import SYSTEM
from lims.auth.rules import ROLES
from lims.commands.output import json_option, say
from lims.extensions import db
from lims.places import queries as place_queries


@click.group("admin")
def admin() -> None:
    """Create and list accounts of staff.

    Example: lims admin create mai --name "Nguyễn Thị Mai"
    """


@admin.command("create")
@click.argument("username")
@click.option("--name", required=True, help="Name shown on pages and release records.")
@click.option("--role", "roles", multiple=True, type=click.Choice(ROLES), help="Default: administrator.")
@click.option("--place", "place_code", default="", help="KIND:CODE the roles hold for, as province:22.")
@click.option(
    "--password", envvar="LIMS_PASSWORD", help="Asked for when left out; LIMS_PASSWORD for scripts."
)
@click.option(
    "--service", is_flag=True, help="For a program: no password; it speaks by `lims clients` tokens."
)
@json_option
@with_appcontext
def create(
    username: str,
    name: str,
    roles: tuple[str, ...],
    place_code: str,
    password: str | None,
    service: bool,
    as_json: bool,
) -> None:
    """Create the account USERNAME.

    Example: lims admin create lan --name "Trần Thị Lan" --role coordinator --place province:22
    """
    if not service:
        password = password or click.prompt("Password", hide_input=True, confirmation_prompt=True)
        passwords.check_strength(password, username=username)
    place_id = None
    if place_code:
        kind, _, code = place_code.partition(":")
        place = place_queries.find_place(db.session(), kind=kind, code=code)
        if place is None:
            raise click.ClickException(
                f"There is no place {place_code}. Write it as KIND:CODE, as province:22."
            )
        place_id = place.id
    made = actions.create_user(
        actor=SYSTEM,
        username=username,
        display_name=name,
        password_hash="" if service else passwords.hash_password(password or ""),
        roles=[(role, place_id) for role in roles or ("administrator",)],
        is_service=service,
    )
    ready = (
        f"The program's account {username} is ready."
        if service
        else f"The account {username} is ready; its badge is {made['badge_code']}."
    )
    say(
        {"username": username, **made},
        as_json=as_json,
        sentence=ready,
    )


@admin.command("password")
@click.argument("username")
@click.option("--password", envvar="LIMS_PASSWORD", prompt=True, hide_input=True, confirmation_prompt=True)
@with_appcontext
def set_password(username: str, password: str) -> None:
    """Set the password of the account USERNAME and end all its sessions.

    Example: lims admin password lan
    """
    user = queries.get_user(db.session(), username=username)
    passwords.check_strength(password, username=user.username)
    actions.set_password(actor=SYSTEM, user_id=user.id, password_hash=passwords.hash_password(password))
    say({}, as_json=False, sentence=f"The password of {user.username} is set; all its sessions are ended.")


@admin.command("list")
@click.option("--role", default="", help="Only accounts with this role.")
@json_option
@with_appcontext
def list_accounts(role: str, as_json: bool) -> None:
    """List the accounts, with their roles.

    Example: lims admin list --role supervisor --json
    """
    accounts: list[dict[str, object]] = []
    after = ""
    while users := queries.list_users(db.session(), role=role, after=after):
        after = users[-1].username
        accounts += [
            {
                "username": user.username,
                "name": user.display_name,
                "roles": sorted({assignment.role for assignment in user.assignments}),
                "is_active": user.is_active,
                "is_demo": user.is_demo,
                "is_service": user.is_service,
            }
            for user in users
        ]
    say(
        accounts,
        as_json=as_json,
        sentence=lambda: "\n".join(_line(account) for account in accounts) or "No account.",
    )


def _line(account: dict[str, Any]) -> str:
    closed = "" if account["is_active"] else " (closed)"
    return f"{account['username']}: {account['name']}, {', '.join(account['roles'])}{closed}"
