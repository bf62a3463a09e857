"""Reading what did not fit: the worklist, one of them, and which samples an open one holds."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session, joinedload

from lims.auth.actors import Actor
from lims.errors import NotFound
from lims.intake.models import Box, Declaration, Discrepancy, Sample, Tube


def _within(query: Select[Discrepancy], actor: Actor) -> Select[Discrepancy]:
    """Narrow to what was found at, or now lies at, one of the actor's places."""
    if actor.everywhere:
        return query
    return (
        query.outerjoin(Tube, Tube.id == Discrepancy.tube_id)
        .outerjoin(Box, Box.id == Discrepancy.box_id)
        .where(
            or_(
                Discrepancy.place_id.in_(actor.place_ids),
                Tube.laboratory_id.in_(actor.place_ids),
                Tube.place_id.in_(actor.place_ids),
                Box.laboratory_id.in_(actor.place_ids),
                Box.origin_id.in_(actor.place_ids),
            )
        )
    )


def list_discrepancies(
    session: Session,
    *,
    actor: Actor,
    status: str = "open",
    kind: str = "",
    after: tuple[datetime, uuid.UUID] | None = None,
    most: int = 50,
) -> Sequence[Discrepancy]:
    """Return discrepancies, the oldest first, keyset-paged.

    Args:
        session: reading session.
        actor: who asks.
        status: "open" or "settled".
        kind: only of this kind; empty for all.
        after: `opened_at` and key of the last one seen.
        most: rows returned.
    """
    query = (
        _within(select(Discrepancy), actor)
        .where(Discrepancy.status == status)
        .options(
            joinedload(Discrepancy.place),
            joinedload(Discrepancy.tube),
            joinedload(Discrepancy.box),
            joinedload(Discrepancy.declaration).lazyload(Declaration.person),
        )
        .order_by(Discrepancy.opened_at, Discrepancy.id)
        .limit(most)
    )
    if kind:
        query = query.where(Discrepancy.kind == kind)
    if after:
        query = query.where(tuple_(Discrepancy.opened_at, Discrepancy.id) > tuple_(*after))
    return session.scalars(query).unique().all()


def count_open_by_kind(session: Session, *, actor: Actor) -> dict[str, int]:
    """Return how many are open, by kind, for the filter and the home page."""
    rows = _within(select(Discrepancy), actor).where(Discrepancy.status == "open").subquery()
    counted = session.execute(select(rows.c.kind, func.count()).group_by(rows.c.kind))
    return {row[0]: row[1] for row in counted}


def get_discrepancy(
    session: Session, *, actor: Actor, discrepancy_id: uuid.UUID, lock: bool = False
) -> Discrepancy:
    """Return one, as the actor may see it.

    Raises:
        NotFound: there is none, or none of its places is the actor's.
    """
    query = _within(select(Discrepancy), actor).where(Discrepancy.id == discrepancy_id)
    if lock:
        query = query.with_for_update(of=Discrepancy)
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("There is no such discrepancy among your places.", field="discrepancy_id")
    return found


def find_held_samples(session: Session, *, sample_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return which of some samples an open discrepancy holds, with its kind (DESIGN §3, rule 6).

    A discrepancy holds every sample of its tube and every sample of its declaration's person that counts.
    """
    holding = and_(Discrepancy.status == "open", Discrepancy.holds_results)
    by_tube = (
        select(Sample.id, Discrepancy.kind, Discrepancy.opened_at)
        .join(Discrepancy, Discrepancy.tube_id == Sample.tube_id)
        .where(Sample.id.in_(sorted(sample_ids)), holding)
    )
    by_person = (
        select(Sample.id, Discrepancy.kind, Discrepancy.opened_at)
        .join(Declaration, Declaration.person_id == Sample.person_id)
        .join(Discrepancy, Discrepancy.declaration_id == Declaration.id)
        .where(Sample.id.in_(sorted(sample_ids)), holding)
    )
    held: dict[uuid.UUID, str] = {}
    for sample_id, kind, _ in session.execute(by_tube.union_all(by_person).order_by("opened_at")):
        held.setdefault(sample_id, kind)
    return held


def list_of_run(session: Session, *, run_id: uuid.UUID) -> Sequence[Discrepancy]:
    """Return what is open about a run or one of its pools, the oldest first."""
    return session.scalars(
        select(Discrepancy)
        .where(Discrepancy.run_id == run_id, Discrepancy.status == "open")
        .order_by(Discrepancy.opened_at, Discrepancy.id)
    ).all()
