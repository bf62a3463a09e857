"""Requests of people about their data: a place's worklist, one of them, what is overdue, what is in the way."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import Session, joinedload

from lims.auth.actors import Actor
from lims.errors import NotFound
from lims.intake.models import Declaration, Discrepancy, Person, Sample
from lims.personal.models import DataRequest
from lims.personal.rules import Held
from lims.places.models import Campaign
from lims.results.models import Result

PAGE = 50


def list_requests(
    session: Session, *, actor: Actor, settled: bool = False, after: tuple[datetime, uuid.UUID] | None = None
) -> Sequence[DataRequest]:
    """Return requests of the actor's places, the one that is due first on top; settled ones the latest first."""
    query = select(DataRequest).options(
        joinedload(DataRequest.person), joinedload(DataRequest.declaration), joinedload(DataRequest.commune)
    )
    if settled:
        query = query.where(DataRequest.status == "settled").order_by(
            DataRequest.settled_at.desc(), DataRequest.id
        )
    else:
        query = query.where(DataRequest.status != "settled").order_by(DataRequest.done_due_at, DataRequest.id)
        if after is not None:
            moment, key = after
            query = query.where(
                or_(
                    DataRequest.done_due_at > moment,
                    (DataRequest.done_due_at == moment) & (DataRequest.id > key),
                )
            )
    return session.scalars(_within(query, actor).limit(PAGE)).unique().all()


def _within(query: Select[DataRequest], actor: Actor) -> Select[DataRequest]:
    return query if actor.everywhere else query.where(DataRequest.commune_id.in_(actor.place_ids))


def get_request(session: Session, *, actor: Actor, request_id: uuid.UUID, lock: bool = False) -> DataRequest:
    """Return a request of the actor's places.

    Raises:
        NotFound: there is none among them.
    """
    query = select(DataRequest).where(DataRequest.id == request_id)
    if lock:
        query = query.with_for_update(of=DataRequest)
    found = session.scalars(query).first()
    missing = NotFound("There is no such request among your places.")
    if found is None:
        raise missing
    actor.check_place(found.commune_id, missing=missing)
    return found


def find_pending(session: Session, *, person_id: uuid.UUID, kind: str) -> DataRequest | None:
    """Return a person's request of a kind that is not settled, or None."""
    return session.scalars(
        select(DataRequest).where(
            DataRequest.person_id == person_id, DataRequest.kind == kind, DataRequest.status != "settled"
        )
    ).first()


def count_overdue(session: Session, *, now: datetime, actor: Actor | None = None) -> int:
    """Return how many requests are past one of their terms: not answered in time, or not done."""
    query = (
        select(func.count())
        .select_from(DataRequest)
        .where(
            or_(
                (DataRequest.status == "open") & (DataRequest.answer_due_at < now),
                (DataRequest.status != "settled") & (DataRequest.done_due_at < now),
            )
        )
    )
    if actor is not None and not actor.everywhere:
        query = query.where(DataRequest.commune_id.in_(actor.place_ids))
    return session.scalar(query) or 0


def lock_person(session: Session, *, person_id: uuid.UUID) -> Person:
    """Return a person, held until the transaction ends.

    Raises:
        NotFound: the identity was erased.
    """
    person = session.scalars(select(Person).where(Person.id == person_id).with_for_update(of=Person)).first()
    if person is None or person.erased_at is not None:
        raise NotFound("The identity of this person was erased. Nothing is left to change.")
    return person


def find_held(session: Session, *, person_id: uuid.UUID) -> Held:
    """Return what of a person cannot be erased yet."""
    waiting = session.scalar(
        select(func.count())
        .select_from(Sample)
        .outerjoin(Result, (Result.sample_id == Sample.id) & (Result.status != "superseded"))
        .where(
            Sample.person_id == person_id,
            or_(
                Sample.status == "bound",
                (Sample.status == "resulted") & Result.status.in_(("preliminary", "verified", "held")),
            ),
        )
    )
    detected = session.scalar(
        select(
            exists(
                select(Result.id)
                .join(Sample, Sample.id == Result.sample_id)
                .join(Campaign, Campaign.id == Sample.campaign_id)
                .where(
                    Sample.person_id == person_id,
                    Result.status == "released",
                    Result.finding == "detected",
                    Campaign.is_open,
                )
            )
        )
    )
    open_ones = session.scalar(
        select(func.count())
        .select_from(Discrepancy)
        .outerjoin(Declaration, Declaration.id == Discrepancy.declaration_id)
        .where(
            Discrepancy.status == "open",
            or_(
                Declaration.person_id == person_id,
                Discrepancy.tube_id.in_(select(Sample.tube_id).where(Sample.person_id == person_id)),
            ),
        )
    )
    return Held(
        samples_waiting=waiting or 0,
        detected_in_open_campaign=bool(detected),
        open_discrepancies=open_ones or 0,
    )
