"""Results of one list: a household, a box, or what a commune declared; always of the actor's laboratories only."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from lims import codes
from lims.auth.actors import Actor
from lims.errors import InvalidInput, NotFound
from lims.intake.models import Box, BoxTube, Declaration, Sample
from lims.places.models import Place
from lims.pooling.models import Run
from lims.results.models import Result
from lims.results.queries.desk import WAITING
from lims.results.rules import LISTS


@dataclass(frozen=True)
class ResultList:
    """Which list.

    Args:
        kind: a word of `rules.LISTS`.
        key: the household's or the box's code as it is kept, or the commune's id.
        title: its code, or the commune's name.
    """

    kind: str
    key: str
    title: str


def get_list(session: Session, *, actor: Actor, kind: str, key: str) -> ResultList:
    """Return a list of which the actor's laboratories have a result.

    Args:
        session: reading or writing session.
        actor: whose laboratories count.
        kind: a word of `rules.LISTS`.
        key: a household's or a box's code however it is written, or a commune's id.

    Raises:
        InvalidInput: an unknown kind, or not the code of such a list.
        NotFound: no result of it is among the actor's places.
    """
    if kind not in LISTS:
        raise InvalidInput("Choose which kind of list it is.", field="kind")
    found = ResultList(kind, *_read_key(session, kind, key))
    if session.scalar(select(Result.id).where(*list_criteria(found, actor=actor)).limit(1)) is None:
        raise NotFound("No result of this list is among your places.", field="key")
    return found


def _read_key(session: Session, kind: str, key: str) -> tuple[str, str]:
    if kind != "commune":
        code = codes.parse(key, expect=kind, field="key").text
        return code, codes.grouped(code)
    try:
        commune_id = uuid.UUID(key)
    except ValueError:
        raise InvalidInput("Choose a commune of the list.", field="key") from None
    name = session.scalar(select(Place.name).where(Place.id == commune_id, Place.kind == "commune"))
    if name is None:
        raise NotFound("No result of this list is among your places.", field="key")
    return str(commune_id), name


def list_criteria(wanted: ResultList, *, actor: Actor) -> list[ColumnElement[bool]]:
    """Return the conditions on `Result` for what is current of a list and may be seen by an actor."""
    samples = select(Sample.id)
    if wanted.kind == "household":
        samples = samples.join(Declaration, Declaration.id == Sample.declaration_id).where(
            Declaration.household_code == wanted.key
        )
    elif wanted.kind == "box":
        samples = (
            samples.join(BoxTube, BoxTube.tube_id == Sample.tube_id)
            .join(Box, Box.id == BoxTube.box_id)
            .where(Box.code == wanted.key)
        )
    else:
        samples = samples.where(Sample.commune_id == uuid.UUID(wanted.key))
    criteria = [Result.sample_id.in_(samples), Result.status != "superseded"]
    return criteria if actor.everywhere else [*criteria, Result.laboratory_id.in_(actor.place_ids)]


def waiting_criteria() -> list[ColumnElement[bool]]:
    """Return the conditions on `Result` for what waits for a next step."""
    return [Result.status.in_(WAITING)]


def list_runs_of_list(
    session: Session, *criteria: ColumnElement[bool], most: int = 20
) -> Sequence[tuple[Run, int]]:
    """Return the runs that what waits of a list hangs on, the oldest first, each with how many results wait.

    Args:
        session: reading session.
        criteria: of `list_criteria`.
        most: runs returned.
    """
    counts = (
        select(Result.run_id, func.count().label("waiting"))
        .where(*criteria, Result.status.in_(WAITING))
        .group_by(Result.run_id)
        .subquery()
    )
    rows = session.execute(
        select(Run, counts.c.waiting)
        .join(counts, counts.c.run_id == Run.id)
        .order_by(Run.reviewed_at, Run.id)
        .limit(most)
    ).unique()
    return [(run, waiting) for run, waiting in rows]


def count_findings_of_list(session: Session, *criteria: ColumnElement[bool]) -> dict[tuple[str, str], int]:
    """Return how many results of a list there are by (status, finding)."""
    rows = session.execute(
        select(Result.status, Result.finding, func.count())
        .where(*criteria)
        .group_by(Result.status, Result.finding)
    ).all()
    return {(status, finding): count for status, finding, count in rows}


def count_waiting_by_commune(
    session: Session, *, actor: Actor, most: int = 50
) -> Sequence[tuple[uuid.UUID, str, int]]:
    """Return the communes of which results wait in the actor's laboratories: key, name and how many, most first."""
    query = (
        select(Place.id, Place.name, func.count())
        .join(Sample, Sample.commune_id == Place.id)
        .join(Result, Result.sample_id == Sample.id)
        .where(Result.status.in_(WAITING))
        .group_by(Place.id, Place.name)
        .order_by(func.count().desc(), Place.name)
        .limit(most)
    )
    if not actor.everywhere:
        query = query.where(Result.laboratory_id.in_(actor.place_ids))
    return [(key, name, count) for key, name, count in session.execute(query)]
