"""Assays from the command line: how an installation comes to have one, and what it makes of an instrument's file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from flask.cli import ScriptInfo, with_appcontext
from sqlalchemy.exc import DBAPIError

from lims.auth import queries as auth_queries
from lims.auth.actors import Actor
from lims.commands.output import json_option, say
from lims.config import SettingsError
from lims.extensions import db
from lims.names import fold
from lims.pooling.actions.assays import install_seed_assays
from lims.pooling.assays import Assay as Rules
from lims.pooling.assays import read_definition
from lims.pooling.file_calls import FileCalls, call_file
from lims.pooling.instruments import read_run_file
from lims.pooling.instruments.run_file import RunFile
from lims.pooling.models import Assay
from lims.pooling.queries import assays as queries
from lims.pooling.seed_assays import list_seed_assays


@click.group("assay")
def assay_group() -> None:
    """Install the assays that come with the product, list all, and apply one to an instrument's file.

    Example: lims assay list --json
    """


@assay_group.command("install")
@click.argument("drafter")
@click.argument("agreer")
@json_option
@with_appcontext
def install(drafter: str, agreer: str, as_json: bool) -> None:
    """Put the product's own assays in: DRAFTER drafts them, AGREER agrees.

    DRAFTER and AGREER are the user names of two supervisors, who have both compared the cut-offs and controls with
    the leaflet of their kit. An assay that is there already is left as it is.

    Example: lims assay install hoa binh
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


@assay_group.command("list")
@json_option
@with_appcontext
def list_assays(as_json: bool) -> None:
    """List every version of every assay: those in state agreed may be used.

    Example: lims assay list --json
    """
    figures = [_describe(assay) for assay in queries.list_assays(db.session())]
    say(
        figures,
        as_json=as_json,
        sentence=lambda: (
            "\n".join(_line(assay) for assay in figures) or "No assay. See `lims assay install --help`."
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


@assay_group.command("call")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--assay", "name", required=True, help="Its name, as `lims assay list` writes it, or a part of it."
)
@json_option
@click.pass_context
def call_file_command(context: click.Context, file: Path, name: str, as_json: bool) -> None:
    """Apply an assay's rules to FILE, as a thermocycler exports it; nothing is kept.

    The installation's agreed version is taken; without an installation, the rules that come with the product.

    Example: lims assay call run.rdml --assay "CDC N1 N2 RP" --json
    """
    kit, version = _find_kit(context, name)
    read = read_run_file(file.read_bytes(), file_name=file.name)
    called = call_file(kit, read)
    figures = {
        "file": str(file),
        "assay": kit.name,
        "version": version,
        "valid": called.valid,
        "problems": [str(problem) for problem in called.problems],
        "controls": [
            {
                "wells": one.wells,
                "kind": one.kind,
                "right": not one.problems,
                "reasons": [str(problem) for problem in one.problems],
            }
            for one in called.controls
        ],
        "samples": [
            {
                "sample": one.sample,
                "wells": list(one.wells),
                "finding": one.call.finding,
                "reason": str(one.call),
            }
            for one in called.samples
        ],
        "unknown_targets": list(called.unknown_targets),
        "file_problems": [str(problem) for problem in read.problems],
    }
    say(figures, as_json=as_json, sentence=lambda: _sentences(called, read))


def _sentences(called: FileCalls, read: RunFile) -> str:
    lines = ["The run is valid." if called.valid else "The run is not valid: nothing of it may be reported."]
    lines += [f"  {problem}" for problem in called.problems]
    lines += [
        f"{one.sample} ({'+'.join(one.wells)}): {one.call.finding}. {one.call}" for one in called.samples
    ]
    if called.unknown_targets:
        lines.append(f"Not used, as the assay has no such target: {', '.join(called.unknown_targets)}")
    lines += [f"Not read: {problem}" for problem in read.problems]
    return "\n".join(lines)


def _list_agreed(context: click.Context) -> list[tuple[Rules, int | None]]:
    """Return the agreed assays of the installation; none where there is no installation, and none is made here."""
    try:
        with context.ensure_object(ScriptInfo).load_app().app_context():
            file = db.engine.url.database if db.engine.dialect.name == "sqlite" else None
            if file and not Path(file).exists():
                return []
            return [
                (read_definition(one.definition), one.version)
                for one in queries.list_agreed_assays(db.session())
            ]
    except (SettingsError, DBAPIError):
        return []


def _find_kit(context: click.Context, name: str) -> tuple[Rules, int | None]:
    """Return the agreed version of an assay, else the rules that come with the product."""
    wanted = fold(name)
    known = _list_agreed(context)
    names = {kit.name for kit, _version in known}
    known += [(kit, None) for kit in list_seed_assays() if kit.name not in names]
    exact = [one for one in known if fold(one[0].name) == wanted]
    found = exact or [one for one in known if wanted and wanted in fold(one[0].name)]
    if len(found) != 1:
        raise click.ClickException(
            f"“{name}” is {'no' if not found else 'more than one'} assay. There are: "
            + ", ".join(kit.name for kit, _version in known)
        )
    return found[0]
