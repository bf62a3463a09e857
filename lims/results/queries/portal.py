"""What a person's reading needs, in the same number of statements whether the code exists or not.

The statements are made once, as the portal is read more than anything else.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Executable, bindparam, func, select
from sqlalchemy.orm import Session, aliased

from lims.intake.birth_dates import BirthDate
from lims.intake.models import Box, BoxTube, Declaration, Person, ResultCode, Sample, Tube
from lims.places.models import Campaign, Place
from lims.pooling.models import Pool, PoolMember, Run, Well
from lims.results.models import Result
from lims.results.reading import Advice, Facts


@dataclass(frozen=True)
class Reader:
    """Whose code it is.

    Args:
        code_id: key of the live code.
        declaration_id: what the code was issued for.
        born: the second fact.
    """

    code_id: uuid.UUID
    declaration_id: uuid.UUID
    born: BirthDate


_OF_LIVE_CODES = (
    select(ResultCode.id, ResultCode.declaration_id, Person.birth_on, Person.birth_precision)
    .join(Declaration, Declaration.id == ResultCode.declaration_id)
    .join(Person, Person.id == Declaration.person_id)
    .where(ResultCode.revoked_at.is_(None), Person.erased_at.is_(None))
)
_READER = _OF_LIVE_CODES.where(ResultCode.code_hash == bindparam("code_hash"))
_OPENED = _OF_LIVE_CODES.where(ResultCode.id.in_(bindparam("code_ids", expanding=True)))


def find_reader(session: Session, *, code_hash: bytes) -> Reader | None:
    """Return who a live result code belongs to, or None: one statement either way."""
    row = session.connection().execute(_READER, {"code_hash": code_hash}).one_or_none()
    if row is None:
        return None
    return Reader(row.id, row.declaration_id, BirthDate.of(row.birth_on, row.birth_precision))


def map_readers(session: Session, *, code_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Reader]:
    """Return who some codes belong to, by the codes' keys; those that were revoked meanwhile are left out."""
    rows = session.connection().execute(_OPENED, {"code_ids": list(code_ids)})
    return {
        row.id: Reader(row.id, row.declaration_id, BirthDate.of(row.birth_on, row.birth_precision))
        for row in rows
    }


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
        detected_advice, second_test_advice: the campaign's own words; empty: the product's.
    """

    facts: Facts
    result_id: uuid.UUID | None
    unread: bool
    commune_id: uuid.UUID
    declaration_code: str
    laboratory: str
    detected_advice: Advice
    second_test_advice: Advice


def _facts_statement() -> Executable:
    member, pool = aliased(PoolMember), aliased(Pool)
    second_test = (
        select(member.pool_id)
        .join(pool, pool.id == member.pool_id)
        .where(member.tube_id == Tube.id, pool.status != "void", pool.parent_id.is_not(None))
        .exists()
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
    released_before = (
        select(earlier.id)
        .where(
            earlier.sample_id == Sample.id, earlier.status == "superseded", earlier.released_at.is_not(None)
        )
        .order_by(earlier.version.desc())
        .limit(1)
        .correlate(Sample)
        .scalar_subquery()
    )
    before = aliased(Result)
    return (
        select(
            Declaration.code,
            Declaration.status,
            Declaration.resample_reason,
            Declaration.created_at,
            Declaration.commune_id,
            Campaign.validity_hours,
            Campaign.detected_advice_vi,
            Campaign.detected_advice_en,
            Campaign.second_test_advice_vi,
            Campaign.second_test_advice_en,
            Sample.sampled_at,
            Sample.status.label("sample_status"),
            dispatched_at.label("dispatched_at"),
            func.coalesce(arrived_at, Tube.received_at).label("received_at"),
            in_test_at.label("in_test_at"),
            second_test.label("second_test"),
            Result.id.label("result_id"),
            Result.status.label("result_status"),
            Result.finding,
            Result.hold_reason,
            Result.verified_at,
            Result.released_at,
            Result.first_read_at,
            before.finding.label("before"),
            before.released_at.label("before_released_at"),
            Place.name.label("laboratory"),
        )
        .join(Campaign, Campaign.id == Declaration.campaign_id)
        .outerjoin(Sample, (Sample.declaration_id == Declaration.id) & (Sample.status != "void"))
        .outerjoin(Tube, Tube.id == Sample.tube_id)
        .outerjoin(Result, (Result.sample_id == Sample.id) & (Result.status != "superseded"))
        .outerjoin(before, before.id == released_before)
        .outerjoin(Place, Place.id == Result.laboratory_id)
        .where(Declaration.id == bindparam("declaration_id"))
        .order_by(Sample.attempt.desc(), Sample.recorded_at.desc())
        .limit(1)
    )


_FACTS = _facts_statement()


def get_facts(session: Session, *, declaration_id: uuid.UUID) -> Found:
    """Return what is known of a declaration's latest sample, in one statement."""
    row = session.connection().execute(_FACTS, {"declaration_id": declaration_id}).one()
    released = row.result_status == "released"
    facts = Facts(
        declaration_status=row.status,
        asked_again=row.status == "open" and row.sampled_at is not None,
        declared_at=row.created_at,
        collected_at=row.sampled_at,
        dispatched_at=row.dispatched_at,
        received_at=row.received_at,
        in_test_at=row.in_test_at,
        result_status=row.result_status,
        finding=row.finding,
        verified_at=row.verified_at,
        released_at=row.released_at,
        tested_again=row.result_status == "withdrawn" and row.sample_status == "bound",
        needs_second_test=bool(row.second_test) or row.hold_reason == "confirmation",
        is_amended=row.before is not None,
        before=row.before,
        before_released_at=row.before_released_at,
        resample_reason=row.resample_reason,
        validity_hours=row.validity_hours,
    )
    return Found(
        facts=facts,
        result_id=row.result_id if released else None,
        unread=released and row.first_read_at is None,
        commune_id=row.commune_id,
        declaration_code=row.code,
        laboratory=row.laboratory or "",
        detected_advice=Advice(row.detected_advice_vi, row.detected_advice_en),
        second_test_advice=Advice(row.second_test_advice_vi, row.second_test_advice_en),
    )


def list_sites_of_commune(session: Session, *, commune_id: uuid.UUID, most: int = 5) -> Sequence[str]:
    """Return the names of the open collection sites of a commune: where a new sample is taken."""
    return session.scalars(
        select(Place.name)
        .where(Place.parent_id == commune_id, Place.kind == "site", Place.is_open)
        .order_by(Place.name_key)
        .limit(most)
    ).all()
