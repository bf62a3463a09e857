"""Reading samples: who was just scanned, what a collector did today, whose samples a tube holds."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from lims.errors import NotFound
from lims.intake.models import Declaration, Person, Sample, Tube


@dataclass(frozen=True)
class PersonShown:
    """What a collector sees after a scan, to check the person: name and year of birth, nothing more."""

    name: str
    birth_year: int
    status: str  # of the declaration
    person_id: uuid.UUID


@dataclass(frozen=True)
class Scan:
    """One of a collector's last scans that can be taken back."""

    client_id: uuid.UUID
    tube_code: str
    tube_status: str
    declaration_code: str
    person_id: uuid.UUID
    name: str
    slot: int
    sampled_at: datetime


def map_people_shown(
    session: Session, *, declaration_codes: Collection[str], province_id: uuid.UUID | None
) -> dict[str, PersonShown]:
    """Return name and year of birth by declaration code, in one statement; unknown codes are not in it."""
    rows = session.execute(
        select(Declaration.code, Declaration.status, Person.id, Person.name, Person.birth_on)
        .join(Person, Person.id == Declaration.person_id)
        .join(Declaration.campaign)
        .where(
            Declaration.code.in_(sorted(declaration_codes)), Declaration.campaign.has(province_id=province_id)
        )
    )
    return {row.code: PersonShown(row.name, row.birth_on.year, row.status, row.id) for row in rows}


def lock_own_scan(session: Session, *, collected_by_id: uuid.UUID | None, client_id: uuid.UUID) -> Sample:
    """Lock the sample that a collector's own scan made.

    Raises:
        NotFound: the scan made no sample, or another person's did.
    """
    sample = session.scalars(
        select(Sample)
        .where(Sample.client_id == client_id, Sample.collected_by_id == collected_by_id)
        .with_for_update(of=Sample)
    ).first()
    if sample is None:
        raise NotFound("There is no such scan of yours to take back.", field="scan_client_id")
    return sample


def list_samples_of_tubes(session: Session, *, tube_ids: Collection[uuid.UUID]) -> Sequence[Sample]:
    """Return the samples that count of some tubes, by tube and slot."""
    return session.scalars(
        select(Sample)
        .where(Sample.tube_id.in_(sorted(tube_ids)), Sample.status != "void")
        .order_by(Sample.tube_id, Sample.slot)
    ).all()


def list_samples_of_declaration(session: Session, *, declaration_id: uuid.UUID) -> Sequence[Sample]:
    """Return the samples that count of a declaration, the latest asking last."""
    return session.scalars(
        select(Sample)
        .where(Sample.declaration_id == declaration_id, Sample.status != "void")
        .options(joinedload(Sample.tube))
        .order_by(Sample.attempt)
    ).all()


def list_last_scans(
    session: Session, *, collected_by_id: uuid.UUID | None, place_id: uuid.UUID, day: date, most: int = 12
) -> list[Scan]:
    """Return a collector's last scans of a day at a place, the latest first."""
    rows = session.execute(
        select(
            Sample.client_id,
            Tube.code,
            Tube.status,
            Declaration.code,
            Person.id,
            Person.name,
            Sample.slot,
            Sample.sampled_at,
        )
        .join(Tube, Tube.id == Sample.tube_id)
        .join(Declaration, Declaration.id == Sample.declaration_id)
        .join(Person, Person.id == Sample.person_id)
        .where(
            Sample.place_id == place_id,
            Sample.sampled_on == day,
            Sample.collected_by_id == collected_by_id,
            Sample.status == "bound",
        )
        .order_by(Sample.recorded_at.desc(), Sample.sampled_at.desc(), Sample.id.desc())
        .limit(most)
    )
    return [Scan(*row) for row in rows]


def count_collected(
    session: Session, *, place_id: uuid.UUID, day: date, collected_by_id: uuid.UUID | None = None
) -> int:
    """Return how many samples were taken at a place on a day, by all or by one collector."""
    query = (
        select(func.count())
        .select_from(Sample)
        .where(Sample.place_id == place_id, Sample.sampled_on == day, Sample.status != "void")
    )
    if collected_by_id is not None:
        query = query.where(Sample.collected_by_id == collected_by_id)
    return session.scalar(query) or 0
