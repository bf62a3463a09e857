"""Alarms and their thresholds, of the actor's places."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lims.auth.actors import Actor
from lims.capacity.models.alarms import Alarm, AlarmThreshold
from lims.errors import NotFound
from lims.places.models import Place

PAGE = 50


def list_alarms(
    session: Session,
    *,
    actor: Actor,
    ended: bool = False,
    kind: str = "",
    after: tuple[datetime, uuid.UUID] | None = None,
) -> Sequence[Alarm]:
    """Return a page of alarms: what is open, the longest first, or what has ended, the latest first.

    Args:
        session: reading session.
        actor: whose places.
        ended: those that are over.
        kind: only these; '' for all.
        after: `raised_at` and key of the last line of the page before.
    """
    query = select(Alarm).where(Alarm.ended_at.is_not(None) if ended else Alarm.ended_at.is_(None))
    if not actor.everywhere:
        query = query.where(Alarm.place_id.in_(actor.place_ids))
    if kind:
        query = query.where(Alarm.kind == kind)
    order = (Alarm.raised_at.desc(), Alarm.id.desc()) if ended else (Alarm.raised_at, Alarm.id)
    if after is not None:
        at, key = after
        query = query.where(
            (Alarm.raised_at < at) | ((Alarm.raised_at == at) & (Alarm.id < key))
            if ended
            else (Alarm.raised_at > at) | ((Alarm.raised_at == at) & (Alarm.id > key))
        )
    return session.scalars(query.order_by(*order).limit(PAGE)).all()


def count_open(session: Session, *, actor: Actor) -> tuple[int, int]:
    """Return how many alarms are open in the actor's places, and how many of them nobody has seen."""
    query = select(func.count(), func.count().filter(Alarm.seen_at.is_(None))).where(Alarm.ended_at.is_(None))
    if not actor.everywhere:
        query = query.where(Alarm.place_id.in_(actor.place_ids))
    row = session.execute(query).one()
    return int(row[0]), int(row[1])


def get_alarm(session: Session, *, actor: Actor, alarm_id: uuid.UUID, lock: bool = False) -> Alarm:
    """Return an alarm of the actor's places.

    Raises:
        NotFound: there is none.
    """
    query = select(Alarm).where(Alarm.id == alarm_id)
    if lock:
        query = query.with_for_update(of=Alarm)
    alarm = session.scalars(query).one_or_none()
    if alarm is None or not actor.sees(alarm.place_id):
        raise NotFound("There is no such alarm among your places. Choose one of the list.", field="alarm")
    return alarm


def list_open(session: Session) -> Sequence[Alarm]:
    """Return all open alarms, locked."""
    return session.scalars(
        select(Alarm).where(Alarm.ended_at.is_(None)).order_by(Alarm.id).with_for_update(of=Alarm)
    ).all()


def map_thresholds(session: Session) -> dict[tuple[str, uuid.UUID], AlarmThreshold]:
    """Return the thresholds that were changed, by kind and province."""
    return {(row.kind, row.province_id): row for row in session.scalars(select(AlarmThreshold))}


def list_limits(session: Session, *, kind: str, name: str) -> list[float]:
    """Return what provinces have set for one threshold of a kind."""
    rows = session.scalars(select(AlarmThreshold.limits).where(AlarmThreshold.kind == kind))
    return [float(limits[name]) for limits in rows]


def list_provinces(session: Session, *, actor: Actor) -> Sequence[Place]:
    """Return the provinces whose thresholds the actor may change: those that are their own places."""
    query = select(Place).where(Place.kind == "province").order_by(Place.name_key)
    if not actor.everywhere:
        query = query.where(Place.id.in_(actor.place_ids))
    return session.scalars(query).all()
