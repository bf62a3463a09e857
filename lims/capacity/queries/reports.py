"""Reports that were made, and when a province wants them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from lims import clock
from lims.auth.actors import Actor
from lims.capacity.models.reports import Report, ReportPlan
from lims.places.models import Campaign
from lims.uncounted import Uncounted

PAGE = 60


def list_reports(
    session: Session, *, actor: Actor, kind: str = "", before: date | None = None
) -> Sequence[Report]:
    """Return the reports of the actor's provinces, the latest days first, without what they say.

    Args:
        session: reading session.
        actor: only reports of whole provinces that are theirs.
        kind: only these; '' for all.
        before: days before this one: the page after.
    """
    query = (
        select(Report).options(defer(Report.content)).order_by(Report.first_on.desc(), Report.kind, Report.id)
    )
    if not actor.everywhere:
        query = query.where(Report.province_id.in_(actor.place_ids))
    if kind:
        query = query.where(Report.kind == kind)
    if before is not None:
        query = query.where(Report.first_on < before)
    return session.scalars(query.limit(PAGE)).all()


def find_report(session: Session, *, province_id: uuid.UUID, kind: str, first_on: date) -> Report | None:
    """Return a report as it was made, or None."""
    return session.scalars(
        select(Report).where(
            Report.province_id == province_id, Report.kind == kind, Report.first_on == first_on
        )
    ).one_or_none()


def map_plans(session: Session) -> dict[uuid.UUID, ReportPlan]:
    """Return when provinces want their reports, where they have said so."""
    return {row.province_id: row for row in session.scalars(select(ReportPlan))}


def is_counted(session: Session, last_on: date) -> bool:
    """Tell whether everything that was written down until the end of a local day is in the figures."""
    ended_at = datetime.combine(last_on + timedelta(days=1), time(), clock.ZONE)
    waiting = select(Uncounted.id).where(Uncounted.recorded_at < ended_at)
    return not session.scalar(select(waiting.exists()))


def list_reporting_provinces(session: Session) -> Sequence[uuid.UUID]:
    """Return the provinces with an open campaign."""
    return session.scalars(select(Campaign.province_id).where(Campaign.is_open).distinct()).all()


def list_made(session: Session, *, first_on: date, kind: str) -> Sequence[uuid.UUID]:
    """Return the provinces whose report of a day or week is made."""
    return session.scalars(
        select(Report.province_id).where(Report.kind == kind, Report.first_on == first_on)
    ).all()
