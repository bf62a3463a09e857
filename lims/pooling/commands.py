"""Assays from the command line: how an installation comes to have one that plates may be filled with."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import with_appcontext

from lims.auth import queries as auth_queries
from lims.auth.actors import Actor
from lims.commands.output import json_option, say
from lims.extensions import db
from lims.pooling.actions.assays import install_seed_assays
from lims.pooling.models import Assay
from lims.pooling.queries import assays as queries


@click.group("assays")
def assays_group() -> None:
    """Install the assays that come with the product, and list all.

    Example: lims assays list --json
    """


@assays_group.command("install")
@click.argument("drafter")
@click.argument("agreer")
@json_option
@with_appcontext
def install(drafter: str, agreer: str, as_json: bool) -> None:
    """Put the product's own assays in: DRAFTER drafts them, AGREER agrees.

    DRAFTER and AGREER are the user names of two supervisors, who have both compared the cut-offs and controls with
    the leaflet of their kit. An assay that is there already is left as it is.

    Example: lims assays install hoa binh
    """
    first, second = _get_supervisor(drafter), _get_supervisor(agreer)
    if first.user_id == second.user_id:
        raise click.ClickException("An assay is agreed by a second person. Name two different accounts.")
    made = {answer["name"] for answer in install_seed_assays(actor=first, second=second)}
    figures = [_describe(assay) for assay in queries.list_assays(db.session()) if assay.name in made]
    say(
        figures,
        as_json=as_json,
        sentence=lambda: (
            "\n".join(_line(assay) for assay in figures)
            or "Nothing was new: the product's assays are all there already."
        ),
    )


def _get_supervisor(username: str) -> Actor:
    user = auth_queries.find_user(db.session(), username=username)
    if user is None or not user.is_active:
        raise click.ClickException(f"There is no open account {username}. `lims admin list` shows them.")
    actor = auth_queries.get_actor(db.session(), user_id=user.id)
    if not actor.can("verify_results"):
        raise click.ClickException(
            f"The account {username} is not a supervisor's. Only they agree on assays."
        )
    return actor


@assays_group.command("list")
@json_option
@with_appcontext
def list_assays(as_json: bool) -> None:
    """List every version of every assay: those in state agreed may be used.

    Example: lims assays list --json
    """
    figures = [_describe(assay) for assay in queries.list_assays(db.session())]
    say(
        figures,
        as_json=as_json,
        sentence=lambda: (
            "\n".join(_line(assay) for assay in figures) or "No assay. See `lims assays install --help`."
        ),
    )


def _describe(assay: Assay) -> dict[str, Any]:
    return {
        "assay_id": str(assay.id),
        "name": assay.name,
        "version": assay.version,
        "status": assay.status,
        "definition": assay.definition,
    }


def _line(assay: dict[str, Any]) -> str:
    return f"{assay['name']}, version {assay['version']}: {assay['status']}"
