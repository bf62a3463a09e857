"""What a report is made of: the figures of its days, by day, by laboratory and by commune, from the one place."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lims.auth.actors import Actor
from lims.capacity.counting.parts import FINE, NOWHERE
from lims.capacity.figures import Scope
from lims.capacity.models.counts import DayCount
from lims.capacity.queries.figures import list_campaign_ids, read_day, read_days
from lims.capacity.reports.values import Counts, LaboratoryOfReport, ReportFigures
from lims.errors import NotFound
from lims.places.models import Campaign, Laboratory, Place


def read_report_figures(
    session: Session,
    *,
    actor: Actor,
    province_id: uuid.UUID,
    first_on: date,
    last_on: date,
    shown_days: int,
    known_on: date | None,
) -> ReportFigures:
    """Return the figures of some days in one province.

    Args:
        session: reading session.
        actor: who reads; of other places than theirs nothing is counted.
        province_id: of the report.
        first_on, last_on: the report's days, both included.
        shown_days: how many days up to the last one are shown one by one.
        known_on: as it was known at the end of that day; None: as it is known now.

    Raises:
        NotFound: there is no such province among the actor's places.
    """
    province = get_province(session, actor=actor, province_id=province_id)
    scope = Scope(province_id=province.id)
    campaigns = session.scalars(
        select(Campaign.name)
        .where(Campaign.province_id == province.id)
        .order_by(Campaign.starts_on, Campaign.name)
    ).all()
    return ReportFigures(
        province=province.name,
        campaigns=campaigns,
        whole=read_day(
            session, actor=actor, scope=scope, first_on=first_on, last_on=last_on, known_on=known_on
        ),
        days=read_days(
            session,
            actor=actor,
            scope=scope,
            first_on=last_on - timedelta(days=shown_days - 1),
            last_on=last_on,
            known_on=known_on,
        ),
        laboratories=_list_laboratories(session, actor, province.id, first_on, last_on, known_on),
        communes=_list_communes(session, actor, scope, first_on, last_on, known_on),
    )


def get_province(session: Session, *, actor: Actor, province_id: uuid.UUID) -> Place:
    """Return a province in which the actor works.

    Raises:
        NotFound: there is none such.
    """
    found = next((row for row in list_provinces(session, actor=actor) if row.id == province_id), None)
    if found is None:
        raise NotFound(
            "There is no such province among your places. Choose one of the list.", field="province_id"
        )
    return found


def list_provinces(session: Session, *, actor: Actor) -> Sequence[Place]:
    """Return the provinces with a campaign in which the actor works, by name."""
    query = select(Place).where(Place.id.in_(select(Campaign.province_id))).order_by(Place.name_key)
    if not actor.everywhere:
        query = query.where(Place.id.in_(select(Place.province_id).where(Place.id.in_(actor.place_ids))))
    return session.scalars(query).all()


def _list_laboratories(
    session: Session,
    actor: Actor,
    province_id: uuid.UUID,
    first_on: date,
    last_on: date,
    known_on: date | None,
) -> list[LaboratoryOfReport]:
    query = (
        select(Laboratory)
        .join(Place, Place.id == Laboratory.place_id)
        .where(Place.province_id == province_id)
        .order_by(Place.name_key)
    )
    if not actor.everywhere:
        query = query.where(Place.id.in_(actor.place_ids))
    return [
        LaboratoryOfReport(
            name=row.place.name,
            screening_per_day=row.screening_per_day,
            confirmation_per_day=row.confirmation_per_day,
            figures=read_day(
                session,
                actor=actor,
                scope=Scope(province_id=province_id, laboratory_id=row.place_id),
                first_on=first_on,
                last_on=last_on,
                known_on=known_on,
            ),
        )
        for row in session.scalars(query)
    ]


def _list_communes(
    session: Session, actor: Actor, scope: Scope, first_on: date, last_on: date, known_on: date | None
) -> list[tuple[str, Counts]]:
    """Return what happened in each commune; of those where nothing did, and to whoever leads no campaign, nothing."""
    if not (actor.everywhere or "coordinator" in actor.roles):
        return []
    query = (
        select(
            DayCount.commune_id, DayCount.measure, DayCount.detail, func.sum(DayCount.number).label("number")
        )
        .where(
            DayCount.grain == FINE,
            DayCount.day.between(first_on, last_on),
            DayCount.commune_id != NOWHERE,
            DayCount.measure.in_(("declared", "collected", "released")),
        )
        .group_by(DayCount.commune_id, DayCount.measure, DayCount.detail)
    )
    campaigns = list_campaign_ids(session, actor=actor, scope=scope)
    if campaigns is not None:
        query = query.where(DayCount.campaign_id.in_(campaigns))
    if known_on is not None:
        query = query.where(DayCount.known_on <= known_on)
    counts: defaultdict[uuid.UUID, dict[tuple[str, str], int]] = defaultdict(dict)
    for row in session.execute(query):
        if row.number:
            counts[row.commune_id][row.measure, row.detail] = int(row.number)
    places = session.execute(
        select(Place.id, Place.name).where(Place.id.in_(counts)).order_by(Place.name_key)
    )
    return [(row.name, counts[row.id]) for row in places]
