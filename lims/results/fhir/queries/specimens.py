"""Samples and pools, as Specimens are made of them: first all samples, then all pools."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import Session, aliased

from lims.audit import Event
from lims.auth.actors import Actor
from lims.intake.models import Sample, Tube
from lims.places.models import Place
from lims.pooling.models import Pool, PoolMember
from lims.results.fhir.dialect import Dialect
from lims.results.fhir.facts import PoolFacts, SampleFacts
from lims.results.fhir.queries.changes import changed_within, map_changes
from lims.results.fhir.queries.pages import list_keys
from lims.results.fhir.queries.scopes import sees_pool, sees_sample
from lims.results.fhir.search import Search, Token


def list_samples(
    session: Session, *, actor: Actor, dialect: Dialect, search: Search, after: uuid.UUID | None, most: int
) -> Sequence[uuid.UUID]:
    """Return keys of samples, at most `most`."""
    own = aliased(Sample)
    tubes = select(own.id).join(Event, Event.subject_id == own.tube_id).where(own.status != "void")
    query = select(Sample.id).where(sees_sample(actor), changed_within(search, Sample.id, tubes))
    if search.ids is not None:
        query = query.where(Sample.id.in_(search.ids))
    for _, people in search.references:
        query = query.where(Sample.person_id.in_(people))
    if search.identifiers is not None:
        codes = _codes(search.identifiers, dialect.systems["tube"])
        query = query.where(Sample.tube_id.in_(select(Tube.id).where(Tube.code.in_(codes))))
    return list_keys(session, query, Sample.id, after=after, most=most)


def list_pools(
    session: Session, *, actor: Actor, dialect: Dialect, search: Search, after: uuid.UUID | None, most: int
) -> Sequence[uuid.UUID]:
    """Return keys of closed pools of several people, at most `most`; a pool belongs to no patient."""
    if search.references:
        return []
    query = _select_pools(actor).where(changed_within(search, Pool.id))
    if search.ids is not None:
        query = query.where(Pool.id.in_(search.ids))
    if search.identifiers is not None:
        query = query.where(Pool.code.in_(_codes(search.identifiers, dialect.systems["pool"])))
    return list_keys(session, query, Pool.id, after=after, most=most)


def _select_pools(actor: Actor) -> Select[uuid.UUID]:
    """A test of one person is no pool to others; members of an open one may still change."""
    return select(Pool.id).where(sees_pool(actor), holds_several(), Pool.closed_at.is_not(None))


def holds_several() -> ColumnElement[bool]:
    """Return the condition on `Pool` that several people's specimens are mixed in it."""
    mixed = (
        select(PoolMember.pool_id)
        .join(Tube, Tube.id == PoolMember.tube_id)
        .where(PoolMember.pool_id == Pool.id, Tube.mode == "mixed")
    )
    return or_(Pool.member_count > 1, exists(mixed.correlate(Pool)))


def _codes(tokens: Collection[Token], system: str) -> list[str]:
    return [token.value for token in tokens if token.system in (None, system)]


def read_samples(session: Session, *, actor: Actor, keys: Sequence[uuid.UUID]) -> list[SampleFacts]:
    """Return some samples that the actor sees, in the order of their keys."""
    rows = session.execute(
        select(
            Sample,
            Tube.id.label("tube_id"),
            Tube.code,
            Tube.status.label("tube_status"),
            Tube.rejection_reason,
            Tube.received_at,
            Place.name.label("place"),
        )
        .join(Tube, Tube.id == Sample.tube_id)
        .join(Place, Place.id == Sample.place_id)
        .where(Sample.id.in_(keys), sees_sample(actor))
        .order_by(Sample.id)
    ).all()
    changes = map_changes(
        session, subject_ids=[row.Sample.id for row in rows] + list({row.tube_id for row in rows})
    )
    return [
        SampleFacts(
            id=row.Sample.id,
            status=row.Sample.status,
            person_id=row.Sample.person_id,
            declaration_id=row.Sample.declaration_id,
            tube_code=row.code,
            tube_status=row.tube_status,
            rejection_reason=row.rejection_reason,
            place_id=row.Sample.place_id,
            place=row.place,
            sampled_at=row.Sample.sampled_at,
            received_at=row.received_at,
            changed_at=max(
                row.Sample.recorded_at,
                *(changes.get(key, row.Sample.recorded_at) for key in (row.Sample.id, row.tube_id)),
            ),
        )
        for row in rows
    ]


def read_pools(session: Session, *, actor: Actor, keys: Sequence[uuid.UUID]) -> list[PoolFacts]:
    """Return some pools of the actor's laboratories, in the order of their keys."""
    rows = session.scalars(
        select(Pool).where(Pool.id.in_(_select_pools(actor).where(Pool.id.in_(keys)))).order_by(Pool.id)
    ).all()
    ids = [row.id for row in rows]
    members: defaultdict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for row in session.execute(
        select(PoolMember.pool_id, Sample.id)
        .join(Sample, Sample.tube_id == PoolMember.tube_id)
        .where(PoolMember.pool_id.in_(ids), Sample.status != "void")
        .order_by(PoolMember.pool_id, PoolMember.position, Sample.slot)
    ):
        members[row.pool_id].append(row.id)
    changes = map_changes(session, subject_ids=ids)
    return [
        PoolFacts(
            id=row.id,
            code=row.code,
            status=row.status,
            sample_ids=tuple(members[row.id]),
            closed_at=row.closed_at,
            laboratory_id=row.laboratory_id,
            changed_at=max(row.opened_at, changes.get(row.id, row.opened_at)),
        )
        for row in rows
        if row.laboratory_id is not None
    ]
