"""Raising and ending alarms, noting that somebody has seen one, changing a threshold."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.capacity.alarms import rules, telling
from lims.capacity.alarms.rules import Finding
from lims.capacity.alarms.watching import find_alarms
from lims.capacity.models.alarms import Alarm, AlarmThreshold
from lims.capacity.queries import alarms as queries
from lims.errors import AlreadyDone, InvalidInput, NotFound
from lims.outbox import stations
from lims.outbox.queries.receivers import find_on_call
from lims.outbox.queueing import Draft, queue_messages
from lims.places.models import Campaign, Place
from lims.tables import new_id
from lims.transaction import action

TEMPLATE = "capacity_alarm"
ENDS_AFTER = timedelta(minutes=15)
"""So long it is no alarm any more before it ends, so that what swings around a threshold is told of once."""
LONGEST_NOTE = 500


@action
def watch(session: Session, *, actor: Actor) -> dict[str, int]:
    """Look at everything: raise what is new and alert staff on call, go on with what lasts, end what is over.

    Args:
        actor: the system.

    Returns:
        `raised`, `lasting` and `ended`.
    """
    now = clock.now()
    found = {(item.kind, item.place_id, item.subject): item for item in find_alarms(session)}
    known = {(row.kind, row.place_id, row.subject): row for row in queries.list_open(session)}
    ended = 0
    for key, alarm in known.items():
        if key in found:
            alarm.numbers, alarm.looked_at = _numbers(found[key]), now
        elif now - alarm.looked_at >= ENDS_AFTER:
            alarm.ended_at = now
            audit.note(session, "alarm", alarm.id, "ended", kind=alarm.kind)
            ended += 1
    fresh = [_raise(session, item) for key, item in found.items() if key not in known]
    session.flush()
    _alert(session, fresh)
    return {"raised": len(fresh), "lasting": len(known) - ended, "ended": ended}


def _numbers(item: Finding) -> dict[str, Any]:
    return {**item.numbers, "tube": item.tube} if item.tube else dict(item.numbers)


def _raise(session: Session, item: Finding) -> Alarm:
    now = clock.now()
    alarm = Alarm(
        id=new_id(),
        kind=item.kind,
        subject=item.subject,
        place_id=item.place_id,
        campaign_id=item.campaign_id,
        numbers=_numbers(item),
        raised_at=now,
        looked_at=now,
    )
    session.add(alarm)
    audit.note(session, "alarm", alarm.id, "raised", kind=item.kind, place=str(item.place_id))
    return alarm


def _alert(session: Session, alarms: Sequence[Alarm]) -> None:
    """Write an alert to everybody on call for the place of each alarm, or for a place above it."""
    if not alarms:
        return
    places = {
        place.id: place
        for place in session.scalars(select(Place).where(Place.id.in_({alarm.place_id for alarm in alarms})))
    }
    on_call = find_on_call(session, place_ids=places.keys())
    campaigns = _map_campaigns(session, {place.province_id for place in places.values() if place.province_id})
    drafts = []
    for alarm in alarms:
        place = places[alarm.place_id]
        campaign_id = alarm.campaign_id or campaigns.get(place.province_id)
        if campaign_id is None:
            continue
        drafts += [
            Draft(
                kind="alert",
                channel=channel,
                template=TEMPLATE,
                key=f"{TEMPLATE}:{alarm.id}:{entry_id}",
                subject_kind="alarm",
                subject_id=alarm.id,
                campaign_id=campaign_id,
                laboratory_id=place.id,
                commune_id=place.id if place.kind == "commune" else None,
                receiver_id=entry_id,
                data=telling.prepare(
                    alarm.kind, subject=alarm.subject, place=place.name, numbers=alarm.numbers
                ),
            )
            for entry_id, channel in on_call.get(place.id, ())
        ]
    queue_messages(session, drafts)


def _map_campaigns(session: Session, province_ids: set[uuid.UUID]) -> Mapping[uuid.UUID | None, uuid.UUID]:
    """Return the newest open campaign of each province, for alarms that are of no campaign alone."""
    rows = session.execute(
        select(Campaign.province_id, Campaign.id)
        .where(Campaign.is_open, Campaign.province_id.in_(province_ids))
        .order_by(Campaign.created_at)
    )
    return {row.province_id: row.id for row in rows}


@action
def mark_seen(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, alarm_id: uuid.UUID, note: str = ""
) -> dict[str, str]:
    """Note that somebody has seen an alarm and what they do about it; it stays open until it is over.

    Args:
        actor: who has seen it.
        client_id: id made by the sender.
        alarm_id: an open alarm of the actor's places.
        note: what is done, up to 500 characters.

    Returns:
        `alarm` and `seen_at`.

    Raises:
        NotFound: no such alarm in the actor's places.
        AlreadyDone: somebody has seen it before, or it is over.
        InvalidInput: the note is too long.
    """
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise InvalidInput("Write at most %(most)s characters.", field="note", most=LONGEST_NOTE)
    alarm = queries.get_alarm(session, actor=actor, alarm_id=alarm_id, lock=True)
    if alarm.seen_at is not None or alarm.ended_at is not None:
        raise AlreadyDone("Somebody has seen this alarm already, or it is over. Nothing was changed.")
    alarm.seen_by_id, alarm.seen_at, alarm.seen_note = actor.user_id, clock.now(), note
    audit.note(session, "alarm", alarm.id, "seen", kind=alarm.kind)
    return {"alarm": str(alarm.id), "seen_at": alarm.seen_at.isoformat()}


@action
def set_threshold(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    province_id: uuid.UUID,
    kind: str,
    limits: Mapping[str, float],
    is_active: bool = True,
) -> dict[str, Any]:
    """Change from which numbers on a kind is an alarm in a province, or that it is none there.

    Args:
        actor: who changes it.
        client_id: id made by the sender.
        province_id: one of the actor's places.
        kind: key of `rules.KINDS`.
        limits: each threshold of the kind.
        is_active: False: no such alarm is raised.

    Returns:
        `kind`, `limits` and `is_active`.

    Raises:
        NotFound: no such province among the actor's places.
        InvalidInput: a number is not possible; names the field.
    """
    kept = rules.check_threshold(kind, limits)
    province = session.get(Place, province_id)
    if province is None or province.kind != "province" or not actor.sees(province_id):
        raise NotFound("There is no such province among your places.", field="province_id")
    row = session.scalars(
        select(AlarmThreshold)
        .where(AlarmThreshold.kind == kind, AlarmThreshold.province_id == province_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        row = AlarmThreshold(id=new_id(), kind=kind, province_id=province_id)
        session.add(row)
    row.limits, row.is_active = kept, is_active
    row.changed_by_id, row.changed_at = actor.user_id, clock.now()
    audit.note(session, "alarm_threshold", row.id, "changed", kind=kind, limits=kept, is_active=is_active)
    return {"kind": kind, "limits": kept, "is_active": is_active}


def _is_open(session: Session, _template: str, alarm_id: uuid.UUID) -> bool:
    """Tell whether an alarm still holds when its message leaves."""
    return session.scalar(select(Alarm.id).where(Alarm.id == alarm_id, Alarm.ended_at.is_(None))) is not None


stations.answer_for(TEMPLATE, _is_open)
