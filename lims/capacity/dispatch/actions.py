"""Keeping a plan; choosing for a box by hand; closing and opening a laboratory; its hours and the ways to it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.capacity.dispatch.choosing import Chosen
from lims.capacity.dispatch.hours import check_hours
from lims.capacity.dispatch.speeds import check_minutes
from lims.capacity.models.dispatch import (
    DispatchOverrule,
    DispatchPlan,
    DispatchPlanBox,
    LaboratoryClosure,
    LaboratoryHours,
    TravelTime,
)
from lims.capacity.queries import dispatch as queries
from lims.codes import grouped
from lims.errors import AlreadyDone, ClientIdReused, InvalidInput, NotFound, Refused
from lims.intake.models import Box
from lims.places import queries as place_queries
from lims.places.models import Laboratory, Place
from lims.tables import new_id
from lims.transaction import action

LONGEST_REASON = 200


@dataclass(frozen=True)
class PlannedBox:
    """A line of a plan, with columns as of `models.dispatch.DispatchPlanBox`."""

    box_id: uuid.UUID
    laboratory_id: uuid.UUID | None
    done_at: datetime | None
    word: str
    by_hand: bool = False
    other_id: uuid.UUID | None = None
    minutes: int = 0
    number: int = 0


def answer_plan(plan: DispatchPlan) -> dict[str, Any]:
    """Return what is answered of a plan: `plan`, `planned_at`, `way`, `boxes` and `left`."""
    return {
        "plan": str(plan.id),
        "planned_at": plan.planned_at.isoformat(),
        "way": plan.way,
        "boxes": len(plan.boxes),
        "left": sum(line.laboratory_id is None for line in plan.boxes),
    }


@action
def keep_plan(
    session: Session,
    *,
    actor: Actor,
    plan_id: uuid.UUID,
    province_id: uuid.UUID,
    planned_at: datetime,
    chosen: Chosen,
    lines: Sequence[PlannedBox],
) -> dict[str, Any]:
    """Keep a plan as the newest of its province.

    Args:
        actor: who asked for it.
        plan_id: made by the sender; a plan that is there already is answered again.
        province_id: one of the actor's places.
        planned_at: when what it is made from was read.
        chosen: how it was found.
        lines: one for each box.

    Returns:
        `plan`, `planned_at`, `way`, `boxes`, how many it has, and `left`, how many of them go nowhere.

    Raises:
        NotFound: no such province among the actor's places.
        ClientIdReused: the id is that of a plan for another province.
    """
    queries.get_province(session, actor=actor, province_id=province_id)
    known = session.get(DispatchPlan, plan_id)
    if known is not None:
        if known.province_id != province_id:
            raise ClientIdReused("This id was used for something else. Make a new one and send it again.")
        return answer_plan(known)
    plan = DispatchPlan(
        id=plan_id,
        province_id=province_id,
        planned_by_id=actor.user_id,
        planned_at=planned_at,
        way=chosen.way,
        cost=chosen.cost,
        simple_cost=chosen.simple_cost,
        bound=chosen.bound,
        boxes=[
            DispatchPlanBox(
                box_id=line.box_id,
                laboratory_id=line.laboratory_id,
                done_at=line.done_at,
                word=line.word,
                by_hand=line.by_hand,
                other_id=line.other_id,
                minutes=line.minutes,
                number=line.number,
            )
            for line in lines
        ],
    )
    session.add(plan)
    audit.note(session, "dispatch_plan", plan.id, "boxes_planned", boxes=len(lines), way=chosen.way)
    return answer_plan(plan)


@action
def overrule_box(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    box_code: str,
    laboratory_id: uuid.UUID,
    reason: str,
) -> dict[str, str]:
    """Choose a laboratory for a box by hand; every plan keeps to it until it is taken back.

    Args:
        actor: who chooses.
        client_id: id made by the sender.
        box_code: a box that has not arrived.
        laboratory_id: another laboratory of the province than the one it comes from.
        reason: why, up to 200 characters.

    Returns:
        `box`, `laboratory`, its name, and `province_id`.

    Raises:
        NotFound: no such box, or no such laboratory, in the actor's province.
        InvalidInput: without a reason, or the laboratory it comes from.
        Refused: the box is open or has arrived; the laboratory is closed, may not confirm what is in the box, or can do
            0 reactions a day of the kind that it needs.
    """
    box = queries.lock_box(session, actor=actor, code=box_code)
    reason = _check_reason(reason)
    place, laboratory = _get_laboratory(session, laboratory_id, box.campaign.province_id)
    if place.id == box.origin_id:
        raise InvalidInput("Choose another laboratory of the campaign's province.", field="laboratory_id")
    _check_choosable(session, box, place, laboratory)
    now = clock.now()
    before = queries.find_overrule(session, box_id=box.id)
    if before is not None:
        before.ended_at, before.ended_by_id = now, actor.user_id
        session.flush()
    session.add(
        DispatchOverrule(
            id=new_id(),
            box_id=box.id,
            laboratory_id=place.id,
            reason=reason,
            overruled_by_id=actor.user_id,
            overruled_at=now,
        )
    )
    audit.note(session, "box", box.id, "overruled", laboratory=str(place.id), reason=reason)
    return {"box": box.code, "laboratory": place.name, "province_id": str(box.campaign.province_id)}


def _check_choosable(session: Session, box: Box, place: Place, laboratory: Laboratory) -> None:
    if box.status not in ("sealed", "dispatched"):
        raise Refused(
            "Box %(code)s is %(state)s. Only a sealed box, or one on the road, is sent somewhere else.",
            field="box",
            code=grouped(box.code),
            state=box.status,
        )
    if queries.find_closure(session, laboratory_id=place.id) is not None:
        raise Refused(
            "%(laboratory)s is closed. Open it first, or choose another laboratory.",
            field="laboratory_id",
            laboratory=place.name,
        )
    confirms = queries.is_confirming(session, box=box)
    if confirms and not laboratory.can_confirm:
        raise Refused(
            "Box %(code)s carries tubes to be confirmed, and %(laboratory)s may not confirm. Choose one that may.",
            field="laboratory_id",
            code=grouped(box.code),
            laboratory=place.name,
        )
    if confirms and not laboratory.confirmation_per_day:
        raise Refused(
            "Box %(code)s carries tubes to be confirmed, and %(laboratory)s can do 0 confirmations a day. Enter what "
            "it can do in a day with the campaign, or choose another laboratory.",
            field="laboratory_id",
            code=grouped(box.code),
            laboratory=place.name,
        )
    if not confirms and not laboratory.screening_per_day:
        raise Refused(
            "%(laboratory)s can do 0 screening reactions a day. Enter what it can do in a day with the campaign, or "
            "choose another laboratory.",
            field="laboratory_id",
            laboratory=place.name,
        )


@action
def end_overrule(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, box_code: str
) -> dict[str, str]:
    """Take back what was chosen for a box by hand; the next plan chooses again.

    Args:
        actor: who takes it back.
        client_id: id made by the sender.
        box_code: the box.

    Returns:
        `box` and `province_id`.

    Raises:
        NotFound: no such box in the actor's province.
        AlreadyDone: nothing was chosen for it by hand, or it was taken back.
    """
    box = queries.lock_box(session, actor=actor, code=box_code)
    held = queries.find_overrule(session, box_id=box.id)
    if held is None:
        raise AlreadyDone(
            "Nothing is chosen by hand for box %(code)s. Nothing was changed.",
            field="box",
            code=grouped(box.code),
        )
    held.ended_at, held.ended_by_id = clock.now(), actor.user_id
    audit.note(session, "box", box.id, "overrule_ended")
    return {"box": box.code, "province_id": str(box.campaign.province_id)}


@action
def close_laboratory(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    laboratory_id: uuid.UUID,
    reason: str,
) -> dict[str, str]:
    """Note that a laboratory has failed: no plan sends a box there until it is opened again.

    Args:
        actor: who closes it.
        client_id: id made by the sender.
        laboratory_id: of a province that the actor leads.
        reason: why, up to 200 characters.

    Returns:
        `laboratory`, its name, and `province_id`.

    Raises:
        NotFound: no such laboratory in the actor's province.
        InvalidInput: without a reason.
        AlreadyDone: it is closed already.
    """
    place = _get_own(session, actor, laboratory_id)
    reason = _check_reason(reason)
    if queries.find_closure(session, laboratory_id=place.id) is not None:
        raise AlreadyDone(
            "%(laboratory)s is closed already. Nothing was changed.",
            field="laboratory_id",
            laboratory=place.name,
        )
    session.add(
        LaboratoryClosure(
            id=new_id(),
            laboratory_id=place.id,
            reason=reason,
            closed_by_id=actor.user_id,
            closed_at=clock.now(),
        )
    )
    audit.note(session, "laboratory", place.id, "closed", reason=reason)
    return {"laboratory": place.name, "province_id": str(place.province_id)}


@action
def open_laboratory(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, laboratory_id: uuid.UUID
) -> dict[str, str]:
    """Note that a laboratory works again.

    Args:
        actor: who opens it.
        client_id: id made by the sender.
        laboratory_id: of a province that the actor leads.

    Returns:
        `laboratory`, its name, and `province_id`.

    Raises:
        NotFound: no such laboratory in the actor's province.
        AlreadyDone: it is not closed.
    """
    place = _get_own(session, actor, laboratory_id)
    closure = queries.find_closure(session, laboratory_id=place.id)
    if closure is None:
        raise AlreadyDone(
            "%(laboratory)s is open already. Nothing was changed.",
            field="laboratory_id",
            laboratory=place.name,
        )
    closure.opened_at, closure.opened_by_id = clock.now(), actor.user_id
    audit.note(session, "laboratory", place.id, "reopened")
    return {"laboratory": place.name, "province_id": str(place.province_id)}


@action
def set_hours(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    laboratory_id: uuid.UUID,
    opens_hour: int,
    closes_hour: int,
    days: str,
) -> dict[str, Any]:
    """Change when a laboratory works.

    Args:
        actor: who changes it.
        client_id: id made by the sender.
        laboratory_id: of a province that the actor leads.
        opens_hour: 0 to 23, local time.
        closes_hour: 1 to 24; not after `opens_hour`: on the next day.
        days: of the week, digits 1 (Monday) to 7.

    Returns:
        `laboratory_id`, `opens_hour`, `closes_hour` and `days`.

    Raises:
        NotFound: no such laboratory in the actor's province.
        InvalidInput: no day has such hours; names the field.
    """
    place = _get_own(session, actor, laboratory_id)
    hours = check_hours(opens_hour, closes_hour, days)
    row = session.get(LaboratoryHours, place.id, with_for_update=True)
    if row is None:
        row = LaboratoryHours(laboratory_id=place.id)
        session.add(row)
    row.opens_hour, row.closes_hour, row.days = hours.opens, hours.closes, hours.days
    row.changed_by_id, row.changed_at = actor.user_id, clock.now()
    audit.note(
        session, "laboratory", place.id, "hours_set", opens=hours.opens, closes=hours.closes, on=hours.days
    )
    return {
        "laboratory_id": str(place.id),
        "opens_hour": hours.opens,
        "closes_hour": hours.closes,
        "days": hours.days,
    }


@action
def set_travel_time(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    origin_id: uuid.UUID,
    laboratory_id: uuid.UUID,
    minutes: int,
) -> dict[str, Any]:
    """Enter how long a box takes from a place, or from all places in it, to a laboratory.

    Args:
        actor: who enters it.
        client_id: id made by the sender.
        origin_id: a district, commune, site or laboratory of the same province.
        laboratory_id: of a province that the actor leads.
        minutes: 1 to 2,880.

    Returns:
        `origin_id`, `laboratory_id` and `minutes`.

    Raises:
        NotFound: no such places in the actor's province.
        InvalidInput: impossible minutes, or both are the same place.
    """
    place = _get_own(session, actor, laboratory_id)
    origin = session.get(Place, origin_id)
    if origin is None or origin.province_id != place.province_id or origin.kind == "province":
        raise NotFound(
            "There is no such place in this province. Choose one from the list.", field="origin_id"
        )
    if origin.id == place.id:
        raise InvalidInput("Choose two different places.", field="origin_id")
    check_minutes(minutes)
    row = queries.find_travel_time(session, origin_id=origin.id, laboratory_id=place.id)
    if row is None:
        row = TravelTime(id=new_id(), origin_id=origin.id, laboratory_id=place.id)
        session.add(row)
    row.minutes, row.changed_by_id, row.changed_at = minutes, actor.user_id, clock.now()
    audit.note(session, "laboratory", place.id, "way_set", origin=str(origin.id), minutes=minutes)
    return {"origin_id": str(origin.id), "laboratory_id": str(place.id), "minutes": minutes}


def _get_own(session: Session, actor: Actor, laboratory_id: uuid.UUID) -> Place:
    """Return a laboratory of a province that the actor leads, locked."""
    place = session.get(Place, laboratory_id, with_for_update={"of": Place})
    if place is None or place.kind != "laboratory" or not actor.sees(place.province_id):
        raise NotFound("There is no such laboratory. Choose one from the list.", field="laboratory_id")
    return place


def _get_laboratory(
    session: Session, laboratory_id: uuid.UUID, province_id: uuid.UUID
) -> tuple[Place, Laboratory]:
    laboratory = place_queries.get_laboratory(session, laboratory_id=laboratory_id)
    if laboratory.place.province_id != province_id or not laboratory.place.is_open:
        raise NotFound("There is no such laboratory. Choose one from the list.", field="laboratory_id")
    return laboratory.place, laboratory


def _check_reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise InvalidInput("Write the reason, so that others understand it.", field="reason")
    if len(reason) > LONGEST_REASON:
        raise InvalidInput("Write at most %(most)s characters.", field="reason", most=LONGEST_REASON)
    return reason
