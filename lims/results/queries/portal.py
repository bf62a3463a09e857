"""What a person's reading needs, in the same number of statements whether the code exists or not."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, exists, func, select
from sqlalchemy.orm import Session, aliased

from lims.intake.birth_dates import BirthDate
from lims.intake.models import Box, BoxTube, Declaration, Person, ResultCode, Sample, Tube
from lims.places.models import Campaign, Place
from lims.pooling.models import Pool, PoolMember, Run, Well
from lims.results.models import Result
from lims.results.reading import Facts


@dataclass(frozen=True)
class Reader:
    """Whose code it is.

    Args:
        declaration_id: what the code was issued for.
        born: the second fact.
    """

    declaration_id: uuid.UUID
    born: BirthDate


_READER = (
    select(Declaration.id, Person.birth_on, Person.birth_precision)
    .select_from(ResultCode)
    .join(Declaration, Declaration.id == ResultCode.declaration_id)
    .join(Person, Person.id == Declaration.person_id)
    .where(ResultCode.code_hash == bindparam("code_hash"), ResultCode.revoked_at.is_(None))
)


def find_reader(session: Session, *, code_hash: bytes) -> Reader | None:
    """Return who a live result code belongs to, or None: one statement either way."""
    row = session.connection().execute(_READER, {"code_hash": code_hash}).one_or_none()
    return None if row is None else Reader(row.id, BirthDate.of(row.birth_on, row.birth_precision))


@dataclass(frozen=True)
class Found:
    """The latest sample of a declaration.

    Args:
        facts: what `reading.tell` needs.
        result_id: the current version, if it is released.
        unread: it was never read before.
        commune_id: where a new sample would be taken.
        declaration_code: shown where a new sample is needed.
        laboratory: where it was tested.
    """

    facts: Facts
    result_id: uuid.UUID | None
    unread: bool
    commune_id: uuid.UUID
    declaration_code: str
    laboratory: str


def get_facts(session: Session, *, declaration_id: uuid.UUID) -> Found:
    """Return what is known of a declaration's latest sample, in one statement."""
    member, pool = aliased(PoolMember), aliased(Pool)
    second_test = exists(
        select(member.pool_id)
        .join(pool, pool.id == member.pool_id)
        .where(member.tube_id == Tube.id, pool.status != "void", pool.parent_id.is_not(None))
    )
    in_test_at = (
        select(func.min(func.coalesce(Run.started_at, Run.planned_at)))
        .join(Well, Well.run_id == Run.id)
        .join(PoolMember, PoolMember.pool_id == Well.pool_id)
        .where(PoolMember.tube_id == Tube.id)
        .correlate(Tube)
        .scalar_subquery()
    )
    # a tube that went on to a second laboratory travelled twice; its person is told of the first time
    of_its_boxes = select(func.min(Box.dispatched_at)).join(BoxTube, BoxTube.box_id == Box.id)
    dispatched_at = of_its_boxes.where(BoxTube.tube_id == Tube.id).correlate(Tube).scalar_subquery()
    arrived = select(func.min(Box.received_at)).join(BoxTube, BoxTube.box_id == Box.id)
    found = BoxTube.state.not_in(("packed", "taken_out", "missing"))
    arrived_at = arrived.where(BoxTube.tube_id == Tube.id, found).correlate(Tube).scalar_subquery()
    earlier = aliased(Result)
    amended = exists(
        select(earlier.id).where(
            earlier.sample_id == Sample.id, earlier.status == "superseded", earlier.released_at.is_not(None)
        )
    )
    row = session.execute(
        select(
            Declaration,
            Campaign.validity_hours,
            Sample.sampled_at,
            Sample.status.label("sample_status"),
            dispatched_at.label("dispatched_at"),
            func.coalesce(arrived_at, Tube.received_at).label("received_at"),
            in_test_at.label("in_test_at"),
            second_test.label("second_test"),
            amended.label("amended"),
            Result,
            Place.name.label("laboratory"),
        )
        .join(Campaign, Campaign.id == Declaration.campaign_id)
        .outerjoin(Sample, (Sample.declaration_id == Declaration.id) & (Sample.status != "void"))
        .outerjoin(Tube, Tube.id == Sample.tube_id)
        .outerjoin(Result, (Result.sample_id == Sample.id) & (Result.status != "superseded"))
        .outerjoin(Place, Place.id == Result.laboratory_id)
        .where(Declaration.id == declaration_id)
        .order_by(Sample.attempt.desc(), Sample.recorded_at.desc())
        .limit(1)
    ).one()
    declaration, result = row.Declaration, row.Result
    asked_again = declaration.status == "open" and row.sampled_at is not None
    facts = Facts(
        declaration_status=declaration.status,
        asked_again=asked_again,
        declared_at=declaration.created_at,
        collected_at=row.sampled_at,
        dispatched_at=row.dispatched_at,
        received_at=row.received_at,
        in_test_at=row.in_test_at,
        result_status=result.status if result else None,
        finding=result.finding if result else None,
        verified_at=result.verified_at if result else None,
        released_at=result.released_at if result else None,
        needs_second_test=bool(row.second_test) or bool(result and result.hold_reason == "confirmation"),
        is_amended=bool(row.amended),
        validity_hours=row.validity_hours,
    )
    released = result is not None and result.status == "released"
    return Found(
        facts=facts,
        result_id=result.id if released else None,
        unread=released and result.first_read_at is None,
        commune_id=declaration.commune_id,
        declaration_code=declaration.code,
        laboratory=row.laboratory or "",
    )


def list_sites_of_commune(session: Session, *, commune_id: uuid.UUID, most: int = 5) -> Sequence[str]:
    """Return the names of the open collection sites of a commune: where a new sample is taken."""
    return session.scalars(
        select(Place.name)
        .where(Place.parent_id == commune_id, Place.kind == "site", Place.is_open)
        .order_by(Place.name_key)
        .limit(most)
    ).all()
