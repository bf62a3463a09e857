"""Alarms and their thresholds for programs."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from lims.capacity.alarms import actions
from lims.capacity.alarms.rules import KINDS
from lims.capacity.alarms.telling import say_alarm
from lims.capacity.api import capacity_api
from lims.capacity.models.alarms import Alarm
from lims.capacity.queries import alarms as queries
from lims.extensions import db
from lims.security import current_actor, needs

Kind = Literal[
    "backlog_old",
    "arrivals_above_capacity",
    "box_late",
    "box_warm",
    "team_silent",
    "positivity_shift",
    "coverage_low",
    "tubes_without_names",
    "names_without_tubes",
]


class AlarmsAsked(BaseModel):
    """Which alarms to list: those that are open, or over."""

    ended: bool = False
    kind: Kind | None = None


class AlarmOut(BaseModel):
    """An alarm, its sentence in the caller's language, and who has seen it."""

    id: uuid.UUID
    kind: str
    sentence: str
    subject: str
    place_id: uuid.UUID
    place: str
    campaign_id: uuid.UUID | None
    raised_at: datetime
    ended_at: datetime | None
    seen_at: datetime | None


class AlarmsOut(BaseModel):
    """At most 50 alarms: open ones, the longest first; those that are over, the latest first."""

    alarms: list[AlarmOut]


class SeenIn(BaseModel):
    """What is done about an alarm."""

    client_id: uuid.UUID
    note: str = Field(default="", max_length=500)


class SeenOut(BaseModel):
    """An alarm and when it was seen."""

    alarm: uuid.UUID
    seen_at: datetime


class ThresholdIn(BaseModel):
    """A kind's thresholds in a province; every number of the kind."""

    client_id: uuid.UUID
    province_id: uuid.UUID
    kind: Kind = Field(examples=["box_late"])
    limits: dict[str, float] = Field(examples=[{"hours": 6}])
    is_active: bool = True


class ThresholdOut(BaseModel):
    """A kind's thresholds as they hold from now on."""

    kind: str
    limits: dict[str, float]
    is_active: bool


class PresetOut(ThresholdOut):
    """A kind's thresholds in a province; `changed` tells whether somebody has set them."""

    province_id: uuid.UUID
    changed: bool


class ThresholdsOut(BaseModel):
    """The thresholds of the caller's provinces."""

    thresholds: list[PresetOut]


def _alarm(row: Alarm) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "kind": row.kind,
        "sentence": say_alarm(row.kind, subject=row.subject, place=row.place.name, numbers=row.numbers),
        "subject": row.subject,
        "place_id": str(row.place_id),
        "place": row.place.name,
        "campaign_id": row.campaign_id and str(row.campaign_id),
        "raised_at": row.raised_at.isoformat(),
        "ended_at": row.ended_at and row.ended_at.isoformat(),
        "seen_at": row.seen_at and row.seen_at.isoformat(),
    }


@capacity_api.get("/alarms")
@capacity_api.input(AlarmsAsked, location="query")
@capacity_api.output(AlarmsOut)
@capacity_api.doc(summary="What is beyond its threshold among your places, or was")
@needs("see_board")
def list_alarms(query_data: AlarmsAsked) -> dict[str, Any]:
    """Return alarms."""
    rows = queries.list_alarms(
        db.session(), actor=current_actor(), ended=query_data.ended, kind=query_data.kind or ""
    )
    return {"alarms": [_alarm(row) for row in rows]}


@capacity_api.post("/alarms/<uuid:alarm_id>/seen")
@capacity_api.input(SeenIn)
@capacity_api.output(SeenOut)
@capacity_api.doc(summary="Note that somebody has seen an alarm")
@needs("see_board")
def mark_alarm_seen(alarm_id: uuid.UUID, json_data: SeenIn) -> dict[str, str]:
    """Note it; the alarm stays open until it is over."""
    return actions.mark_seen(
        actor=current_actor(), client_id=json_data.client_id, alarm_id=alarm_id, note=json_data.note
    )


@capacity_api.get("/alarms/thresholds")
@capacity_api.output(ThresholdsOut)
@capacity_api.doc(summary="From which numbers on something is an alarm in your provinces")
@needs("manage_campaign")
def list_thresholds() -> dict[str, Any]:
    """Return the thresholds of every kind in every province of the caller."""
    session = db.session()
    changed = queries.map_thresholds(session)
    found = []
    for province in queries.list_provinces(session, actor=current_actor()):
        for name, kind in KINDS.items():
            row = changed.get((name, province.id))
            presets = {threshold.name: threshold.preset for threshold in kind.thresholds}
            found.append(
                {
                    "province_id": str(province.id),
                    "kind": name,
                    "limits": row.limits if row else presets,
                    "is_active": row.is_active if row else True,
                    "changed": row is not None,
                }
            )
    return {"thresholds": found}


@capacity_api.post("/alarms/thresholds")
@capacity_api.input(ThresholdIn)
@capacity_api.output(ThresholdOut)
@capacity_api.doc(summary="Change from which numbers on a kind is an alarm in a province")
@needs("manage_campaign")
def set_threshold(json_data: ThresholdIn) -> dict[str, Any]:
    """Change it."""
    return actions.set_threshold(
        actor=current_actor(),
        client_id=json_data.client_id,
        province_id=json_data.province_id,
        kind=json_data.kind,
        limits=json_data.limits,
        is_active=json_data.is_active,
    )
