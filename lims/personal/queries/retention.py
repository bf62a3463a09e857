"""Whose identities are due to be erased, and whose were."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from lims.field.models import Device, Enrolment, FieldScan
from lims.intake.models import Declaration, PeopleImport, Person
from lims.personal.rules import REFUSED_ROWS_DAYS
from lims.places.models import Campaign


def list_due_campaigns(session: Session, *, today: date) -> Sequence[Campaign]:
    """Return the campaigns whose term is over and whose records are not erased yet, the oldest first."""
    ended = session.scalars(
        select(Campaign)
        .where(
            Campaign.retention_days.is_not(None),
            Campaign.ends_on.is_not(None),
            Campaign.identities_erased_at.is_(None),
        )
        .order_by(Campaign.ends_on, Campaign.id)
    ).unique()
    return [campaign for campaign in ended if is_over(campaign, today=today)]


def is_over(campaign: Campaign, *, today: date) -> bool:
    """Tell whether a campaign's term has ended."""
    if campaign.ends_on is None or campaign.retention_days is None:
        return False
    return campaign.ends_on + timedelta(days=campaign.retention_days) < today


def _of_over_campaigns(session: Session, today: date) -> list[uuid.UUID]:
    """Return all campaigns whose term is over, the erased ones included."""
    ended = session.scalars(
        select(Campaign).where(Campaign.retention_days.is_not(None), Campaign.ends_on.is_not(None))
    ).unique()
    return [campaign.id for campaign in ended if is_over(campaign, today=today)]


def _due_people(session: Session, today: date) -> Select[uuid.UUID]:
    """Return the query for people who declared, and only in campaigns whose term is over."""
    over = _of_over_campaigns(session, today)
    here, elsewhere = aliased(Declaration), aliased(Declaration)
    declared = select(here.id).where(here.person_id == Person.id).exists()
    still_kept = (
        select(elsewhere.id)
        .where(elsewhere.person_id == Person.id, elsewhere.campaign_id.not_in(over))
        .exists()
    )
    return select(Person.id).where(Person.erased_at.is_(None), declared, ~still_kept)


def list_due_people(session: Session, *, today: date, most: int) -> Sequence[uuid.UUID]:
    """Return people to be erased now, some at a time."""
    return session.scalars(_due_people(session, today).order_by(Person.id).limit(most)).all()


def count_due_people(session: Session, *, today: date) -> int:
    """Return how many people are to be erased now."""
    return session.scalar(select(func.count()).select_from(_due_people(session, today).subquery())) or 0


def count_old_refused_rows(session: Session, *, now: datetime) -> int:
    """Return how many lists still hold refused rows that nobody mended in time."""
    return (
        session.scalar(
            select(func.count())
            .select_from(PeopleImport)
            .where(
                PeopleImport.refused_sealed.is_not(None),
                PeopleImport.imported_at < now - timedelta(days=REFUSED_ROWS_DAYS),
            )
        )
        or 0
    )


def list_erased(session: Session) -> tuple[Sequence[Any], Sequence[Any]]:
    """Return `id, erased_at` of all erased people and of all campaigns whose records were erased."""
    people = session.execute(
        select(Person.id, Person.erased_at).where(Person.erased_at.is_not(None)).order_by(Person.id)
    ).all()
    campaigns = session.execute(
        select(Campaign.id, Campaign.identities_erased_at.label("erased_at"))
        .where(Campaign.identities_erased_at.is_not(None))
        .order_by(Campaign.id)
    ).all()
    return people, campaigns


def list_campaigns(session: Session) -> Sequence[Campaign]:
    """Return all campaigns."""
    return session.scalars(select(Campaign)).unique().all()


def list_waiting_phones(session: Session, *, campaign_id: uuid.UUID) -> Sequence[uuid.UUID]:
    """Return the phones of a campaign with scans that are not judged yet."""
    return session.scalars(
        select(FieldScan.device_id)
        .join(Device, Device.id == FieldScan.device_id)
        .join(Enrolment, Enrolment.id == Device.enrolment_id)
        .where(Enrolment.campaign_id == campaign_id, FieldScan.verdict.is_(None))
        .distinct()
    ).all()
