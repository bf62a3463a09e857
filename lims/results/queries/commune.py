"""The list of a commune's health station: whose result is released, and who was told."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, or_, select, tuple_
from sqlalchemy.orm import Session, contains_eager, joinedload

from lims.auth.actors import Actor
from lims.errors import InvalidInput, NotFound
from lims.intake.models import Person, Sample
from lims.results.models import Result

PAGE = 200
FINDINGS = ("detected", "not_detected", "inconclusive", "invalid")
UNTOLD = and_(
    Result.told_at.is_(None),
    or_(Result.first_read_at.is_(None), Result.first_read_at < Result.released_at),
)
"""Neither read on the portal nor told by the health station, in this version."""


@dataclass(frozen=True)
class CommuneFilter:
    """What the list is narrowed to.

    Args:
        commune_id: where the people were declared; None while none is chosen.
        untold: only those who do not know it yet.
        finding: only this one; '' for all.
        after: the cursor of the page before; '' for the first.
    """

    commune_id: uuid.UUID | None
    untold: bool = True
    finding: str = ""
    after: str = ""


def list_commune_results(
    session: Session, *, actor: Actor, wanted: CommuneFilter
) -> tuple[Sequence[Result], str]:
    """Return a page of released results with their people, by given name as Vietnamese lists go.

    People whose identity was erased, or who asked that their data be only kept, are on no list.

    Args:
        session: reading session.
        actor: whose communes may be read.
        wanted: filter and page.

    Returns:
        At most 200 results, and the cursor of the next page ('' at the end).

    Raises:
        NotFound: the commune is not among the actor's places.
        InvalidInput: the cursor is none.
    """
    if wanted.commune_id is None or not actor.sees(wanted.commune_id):
        raise NotFound("There is no such commune among your places.", field="commune")
    query = (
        select(Result)
        .join(Result.sample)
        .join(Sample.person)
        .options(
            contains_eager(Result.sample).contains_eager(Sample.person),
            contains_eager(Result.sample).options(joinedload(Sample.declaration)),
        )
        .where(
            Sample.commune_id == wanted.commune_id,
            Result.status == "released",
            Person.erased_at.is_(None),
            Person.restricted_at.is_(None),
        )
        .order_by(Person.name_key, Result.id)
        .limit(PAGE + 1)
    )
    if wanted.untold:
        query = query.where(UNTOLD)
    if wanted.finding:
        query = query.where(Result.finding == wanted.finding)
    if wanted.after:
        query = query.where(tuple_(Person.name_key, Result.id) > tuple_(*_read_cursor(wanted.after)))
    rows = session.scalars(query).unique().all()
    page = rows[:PAGE]
    return page, _cursor(page[-1]) if len(rows) > PAGE else ""


def find_amended(session: Session, *, sample_ids: Collection[uuid.UUID]) -> frozenset[uuid.UUID]:
    """Return which samples had an earlier version that was released."""
    earlier = select(Result.sample_id).where(
        Result.sample_id.in_(sample_ids), Result.status == "superseded", Result.released_at.is_not(None)
    )
    return frozenset(session.scalars(earlier))


def lock_to_tell(session: Session, *, actor: Actor, result_ids: Collection[uuid.UUID]) -> Sequence[Any]:
    """Return `id, status, told_at` of some results of the actor's communes, held until the transaction ends.

    Raises:
        NotFound: one of them is not there, or not in the actor's communes.
    """
    query = (
        select(Result.id, Result.status, Result.told_at)
        .join(Sample, Sample.id == Result.sample_id)
        .where(Result.id.in_(result_ids))
        .order_by(Result.id)
        .with_for_update(of=Result)
    )
    if not actor.everywhere:
        query = query.where(Sample.commune_id.in_(actor.place_ids))
    rows = session.execute(query).all()
    if len(rows) != len(set(result_ids)):
        raise NotFound("There is no such result among your places.", field="results")
    return rows


def _cursor(last: Result) -> str:
    return f"{last.sample.person.name_key.hex()}.{last.id.hex}"


def _read_cursor(text: str) -> tuple[bytes, uuid.UUID]:
    key, _, identity = text.partition(".")
    try:
        return bytes.fromhex(key), uuid.UUID(identity)
    except ValueError:
        raise InvalidInput(
            "This page of the list does not exist. Start the list again.", field="after"
        ) from None
