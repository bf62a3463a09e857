"""Everything that is kept of one person, for that person."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from lims import clock
from lims.auth.models import Assignment
from lims.field.models import Device, Enrolment
from lims.intake.birth_dates import BirthDate
from lims.intake.contacts.models import DueTest, FollowUp
from lims.intake.models import Declaration, Person, PersonAccess, ResultCode, Sample, Tube
from lims.personal.models import DataRequest, PersonCorrection
from lims.places.models import Campaign, Place
from lims.results.models import Result

MOST_ACCESSES = 500


@dataclass(frozen=True)
class Owner:
    """Whose code it is: what it was issued for, and the second fact."""

    declaration_id: uuid.UUID
    born: BirthDate


def find_owner(session: Session, *, code_hash: bytes) -> Owner | None:
    """Return who a live result code belongs to, or None: one statement either way."""
    row = session.execute(
        select(Declaration.id, Person.birth_on, Person.birth_precision)
        .select_from(ResultCode)
        .join(Declaration, Declaration.id == ResultCode.declaration_id)
        .join(Person, Person.id == Declaration.person_id)
        .where(ResultCode.code_hash == code_hash, ResultCode.revoked_at.is_(None), Person.erased_at.is_(None))
    ).one_or_none()
    return None if row is None else Owner(row.id, BirthDate.of(row.birth_on, row.birth_precision))


def find_person(session: Session, *, declaration_id: uuid.UUID) -> Person | None:
    """Return the person of a declaration whose identity was not erased."""
    return session.scalars(
        select(Person)
        .join(Declaration, Declaration.person_id == Person.id)
        .where(Declaration.id == declaration_id, Person.erased_at.is_(None))
    ).first()


def list_declarations(session: Session, *, person_id: uuid.UUID) -> Sequence[Declaration]:
    """Return a person's declarations with campaign and commune, the newest first."""
    return session.scalars(
        select(Declaration)
        .where(Declaration.person_id == person_id)
        .options(joinedload(Declaration.campaign), joinedload(Declaration.commune))
        .order_by(Declaration.created_at.desc(), Declaration.id)
    ).all()


def list_samples(session: Session, *, person_id: uuid.UUID) -> Sequence[Any]:
    """Return `code` of the tube, `sampled_at`, `status`, `place` of a person's samples, the newest first."""
    return session.execute(
        select(Tube.code, Sample.sampled_at, Sample.status, Place.name.label("place"))
        .join(Tube, Tube.id == Sample.tube_id)
        .join(Place, Place.id == Sample.place_id)
        .where(Sample.person_id == person_id)
        .order_by(Sample.sampled_at.desc(), Sample.id)
    ).all()


def list_follow_ups(session: Session, *, person_id: uuid.UUID) -> Sequence[FollowUp]:
    """Return what a person was ever followed up for, with campaign and commune, the newest first."""
    return (
        session.scalars(
            select(FollowUp)
            .where(FollowUp.person_id == person_id)
            .options(joinedload(FollowUp.campaign), joinedload(FollowUp.commune))
            .order_by(FollowUp.id.desc())
        )
        .unique()
        .all()
    )


def map_due_days(session: Session, *, person_id: uuid.UUID) -> dict[uuid.UUID, list[date]]:
    """Return the days of the tests of each follow-up of a person."""
    found: defaultdict[uuid.UUID, list[date]] = defaultdict(list)
    for row in session.execute(
        select(DueTest.follow_up_id, DueTest.due_on)
        .where(DueTest.person_id == person_id)
        .order_by(DueTest.due_on)
    ):
        found[row.follow_up_id].append(row.due_on)
    return found


def list_results(session: Session, *, person_id: uuid.UUID) -> Sequence[Any]:
    """Return what was ever released of a person: `finding`, `status`, `version`, `released_at`, `laboratory`."""
    laboratory = aliased(Place)
    return session.execute(
        select(
            Result.finding,
            Result.status,
            Result.version,
            Result.released_at,
            Sample.sampled_at,
            laboratory.name.label("laboratory"),
        )
        .join(Sample, Sample.id == Result.sample_id)
        .join(laboratory, laboratory.id == Result.laboratory_id)
        .where(Sample.person_id == person_id, Result.released_at.is_not(None))
        .order_by(Result.released_at.desc(), Result.id)
    ).all()


def list_accesses(session: Session, *, person_id: uuid.UUID) -> Sequence[PersonAccess]:
    """Return who has read a person's data, the latest first, at most 500."""
    return session.scalars(
        select(PersonAccess)
        .where(PersonAccess.person_id == person_id)
        .order_by(PersonAccess.accessed_at.desc(), PersonAccess.id)
        .limit(MOST_ACCESSES)
    ).all()


def map_workplaces(
    session: Session, *, user_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[tuple[str, str]]]:
    """Return role and name of the place of some accounts: what a person is told instead of a name."""
    found: defaultdict[uuid.UUID, list[tuple[str, str]]] = defaultdict(list)
    rows = session.execute(
        select(Assignment.user_id, Assignment.role, Place.name)
        .outerjoin(Place, Place.id == Assignment.place_id)
        .where(Assignment.user_id.in_(user_ids))
        .order_by(Assignment.user_id, Assignment.role, Place.name)
    )
    for row in rows:
        found[row.user_id].append((row.role, row.name or ""))
    return found


def list_phones(session: Session, *, declarations: Collection[Declaration]) -> Sequence[Any]:
    """Return `day`, `place`, `team` of the collectors' phones that carried the name on their site's list.

    Phones carry the list of a site's commune for a day; this is told from their enrolment, as a line for each person
    and phone would be millions.
    """
    if not declarations:
        return []
    one_day = timedelta(days=1)
    conditions = [
        (Enrolment.campaign_id == one.campaign_id)
        & or_(Place.parent_id == one.commune_id, Place.id == one.commune_id)
        & (Enrolment.day >= clock.local(one.created_at).date() - one_day)
        for one in declarations
    ]
    return session.execute(
        select(Enrolment.day, Place.name.label("place"), Enrolment.team)
        .join(Place, Place.id == Enrolment.place_id)
        .join(Device, Device.enrolment_id == Enrolment.id)
        .where(or_(*conditions))
        .distinct()
        .order_by(Enrolment.day.desc(), Place.name, Enrolment.team)
        .limit(100)
    ).all()


def list_corrections(session: Session, *, person_id: uuid.UUID) -> Sequence[PersonCorrection]:
    """Return the corrections of a person's data, the latest first."""
    return session.scalars(
        select(PersonCorrection)
        .where(PersonCorrection.person_id == person_id)
        .order_by(PersonCorrection.version.desc())
    ).all()


def list_requests(session: Session, *, person_id: uuid.UUID) -> Sequence[DataRequest]:
    """Return what a person has asked for, the latest first."""
    return session.scalars(
        select(DataRequest)
        .where(DataRequest.person_id == person_id)
        .order_by(DataRequest.asked_at.desc(), DataRequest.id)
    ).all()


def get_campaign_terms(session: Session, *, campaign_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Any]:
    """Return `ends_on` and `retention_days` of some campaigns."""
    rows = session.execute(
        select(Campaign.id, Campaign.ends_on, Campaign.retention_days).where(Campaign.id.in_(campaign_ids))
    )
    return {row.id: row for row in rows}
