"""Dispatch for programs: where boxes should go, choices by hand, laboratories closed and opened, hours and ways."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from lims.capacity.api import capacity_api
from lims.capacity.dispatch import actions, board, planning
from lims.capacity.dispatch.board import Board, Row
from lims.capacity.dispatch.speeds import LEAST_MINUTES, MOST_MINUTES
from lims.capacity.dispatch.telling import say_line
from lims.capacity.queries import dispatch as queries
from lims.capacity.queries.dispatch import LaboratoryFacts
from lims.errors import NotFound
from lims.extensions import db
from lims.security import current_actor, needs


class DispatchAsked(BaseModel):
    """Of which province; the caller's first where it is left out."""

    province_id: uuid.UUID | None = None


class OverruleOut(BaseModel):
    """Where somebody wants a box to go."""

    laboratory_id: uuid.UUID
    reason: str
    by: str
    at: datetime


class BoxOut(BaseModel):
    """A box that needs a laboratory, and what the newest plan says of it in the caller's language.

    `word` is why: only, waits, road, hours, slower, same, others, later, unfinished; without a laboratory
    no_laboratory, no_way, no_right, closed or no_capacity; empty where the box is not planned yet.
    """

    box: str
    status: str
    origin_id: uuid.UUID
    tubes: int
    samples: int
    confirms: bool
    since: datetime
    laboratory_id: uuid.UUID | None
    done_at: datetime | None
    word: str
    sentence: str
    by_hand: bool
    overrule: OverruleOut | None


class LaboratoryOut(BaseModel):
    """A laboratory now; quantities in samples, hours of the local day."""

    id: uuid.UUID
    name: str
    can_confirm: bool
    waiting: int
    waiting_to_confirm: int
    coming: int
    per_hour: float
    left_today: float
    opens_hour: int
    closes_hour: int
    days: str
    closed_at: datetime | None
    closed_reason: str


class DispatchOut(BaseModel):
    """The newest plan of a province laid over what there is now; sums in sample minutes."""

    province_id: uuid.UUID
    plan: uuid.UUID | None
    planned_at: datetime | None
    is_stale: bool
    way: str
    cost: float | None
    simple_cost: float | None
    bound: float | None
    boxes: list[BoxOut]
    laboratories: list[LaboratoryOut]


class PlanIn(BaseModel):
    """For which province to plan."""

    client_id: uuid.UUID
    province_id: uuid.UUID


class PlanOut(BaseModel):
    """A plan; `way` is simple, solver or moves; `left` boxes go nowhere."""

    plan: uuid.UUID
    planned_at: datetime
    way: str
    boxes: int
    left: int


class OverruleIn(BaseModel):
    """A laboratory chosen for a box by hand."""

    client_id: uuid.UUID
    box: str = Field(max_length=40)
    laboratory_id: uuid.UUID
    reason: str = Field(min_length=1, max_length=200)


class EndOverruleIn(BaseModel):
    """A box for which nothing is to be chosen by hand any more."""

    client_id: uuid.UUID
    box: str = Field(max_length=40)


class ClosureIn(BaseModel):
    """A laboratory that has failed, and why."""

    client_id: uuid.UUID
    laboratory_id: uuid.UUID
    reason: str = Field(min_length=1, max_length=200)


class EndClosureIn(BaseModel):
    """A laboratory that works again."""

    client_id: uuid.UUID
    laboratory_id: uuid.UUID


class HoursIn(BaseModel):
    """When a laboratory works: local hours, and days as digits from 1 (Monday) to 7."""

    client_id: uuid.UUID
    laboratory_id: uuid.UUID
    opens_hour: int = Field(ge=0, le=23)
    closes_hour: int = Field(ge=1, le=24)
    days: str = Field(pattern="^[1-7]{1,7}$")


class HoursOut(BaseModel):
    """When a laboratory works from now on."""

    laboratory_id: uuid.UUID
    opens_hour: int
    closes_hour: int
    days: str


class WayIn(BaseModel):
    """Minutes from a place, or from all places in it, to a laboratory."""

    client_id: uuid.UUID
    origin_id: uuid.UUID
    laboratory_id: uuid.UUID
    minutes: int = Field(ge=LEAST_MINUTES, le=MOST_MINUTES)


class WayOut(BaseModel):
    """Minutes of a way from now on."""

    origin_id: uuid.UUID
    laboratory_id: uuid.UUID
    minutes: int


def _box(row: Row, shown: Board) -> dict[str, Any]:
    line, held = row.line, row.box.overruled
    return {
        "box": row.box.code,
        "status": row.box.status,
        "origin_id": str(row.box.origin_id),
        "tubes": row.box.tubes,
        "samples": row.box.samples,
        "confirms": row.box.confirms,
        "since": row.box.since.isoformat(),
        "laboratory_id": line and line.laboratory_id and str(line.laboratory_id),
        "done_at": line and line.done_at and line.done_at.isoformat(),
        "word": line.word if line else "",
        "sentence": say_line(line, shown.names) if line else "",
        "by_hand": line.by_hand if line else False,
        "overrule": held
        and {
            "laboratory_id": str(held.laboratory_id),
            "reason": held.reason,
            "by": held.by,
            "at": held.at.isoformat(),
        },
    }


def _laboratory(one: LaboratoryFacts, shown: Board) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "name": one.name,
        "can_confirm": one.can_confirm,
        "waiting": one.waiting,
        "waiting_to_confirm": one.waiting_to_confirm,
        "coming": shown.coming_samples.get(one.id, 0),
        "per_hour": one.screening.per_hour,
        "left_today": one.screening.left_today,
        "opens_hour": one.hours.opens,
        "closes_hour": one.hours.closes,
        "days": one.hours.days,
        "closed_at": one.closed and one.closed.at.isoformat(),
        "closed_reason": one.closed.reason if one.closed else "",
    }


@capacity_api.get("/dispatch")
@capacity_api.input(DispatchAsked, location="query")
@capacity_api.output(DispatchOut)
@capacity_api.doc(
    summary="Where each box that is ready should go, and what waits at each laboratory", responses=[404, 422]
)
@needs("see_board")
def show_dispatch(query_data: DispatchAsked) -> dict[str, Any]:
    """Return dispatch of a province as it is now."""
    actor, session = current_actor(), db.session()
    provinces = queries.list_provinces(session, actor=actor)
    wanted = query_data.province_id
    province = next((one for one in provinces if wanted in (None, one.id)), None)
    if province is None:
        raise NotFound(queries.NOT_THERE, field="province_id")
    shown = board.read_board(session, actor=actor, province_id=province.id)
    plan = shown.plan
    return {
        "province_id": str(province.id),
        "plan": plan and str(plan.id),
        "planned_at": plan and plan.planned_at.isoformat(),
        "is_stale": shown.is_stale,
        "way": plan.way if plan else "",
        "cost": plan and plan.cost,
        "simple_cost": plan and plan.simple_cost,
        "bound": plan and plan.bound,
        "boxes": [_box(row, shown) for row in shown.rows],
        "laboratories": [_laboratory(one, shown) for one in shown.laboratories],
    }


@capacity_api.post("/dispatch/plans")
@capacity_api.input(PlanIn)
@capacity_api.output(PlanOut)
@capacity_api.doc(summary="Work out where all boxes of a province should go", responses=[404, 409, 422])
@needs("manage_campaign")
def plan_dispatch(json_data: PlanIn) -> dict[str, Any]:
    """Make a plan from what there is now."""
    return planning.plan_dispatch(
        actor=current_actor(), client_id=json_data.client_id, province_id=json_data.province_id
    )


@capacity_api.post("/dispatch/overrules")
@capacity_api.input(OverruleIn)
@capacity_api.output(PlanOut)
@capacity_api.doc(
    summary="Choose a laboratory for a box by hand; all others are worked out again",
    responses=[404, 409, 422],
)
@needs("manage_campaign")
def overrule_box(json_data: OverruleIn) -> dict[str, Any]:
    """Keep the choice and plan again."""
    answer = actions.overrule_box(
        actor=current_actor(),
        client_id=json_data.client_id,
        box_code=json_data.box,
        laboratory_id=json_data.laboratory_id,
        reason=json_data.reason,
    )
    return _plan(json_data.client_id, answer)


@capacity_api.post("/dispatch/overrules/end")
@capacity_api.input(EndOverruleIn)
@capacity_api.output(PlanOut)
@capacity_api.doc(
    summary="Take back what was chosen for a box by hand; all are worked out again", responses=[404, 409, 422]
)
@needs("manage_campaign")
def end_overrule(json_data: EndOverruleIn) -> dict[str, Any]:
    """Take the choice back and plan again."""
    answer = actions.end_overrule(
        actor=current_actor(), client_id=json_data.client_id, box_code=json_data.box
    )
    return _plan(json_data.client_id, answer)


@capacity_api.post("/dispatch/closures")
@capacity_api.input(ClosureIn)
@capacity_api.output(PlanOut)
@capacity_api.doc(
    summary="Close a laboratory that has failed; its waiting boxes are worked out again",
    responses=[404, 409, 422],
)
@needs("manage_campaign")
def close_laboratory(json_data: ClosureIn) -> dict[str, Any]:
    """Close it and plan again."""
    answer = actions.close_laboratory(
        actor=current_actor(),
        client_id=json_data.client_id,
        laboratory_id=json_data.laboratory_id,
        reason=json_data.reason,
    )
    return _plan(json_data.client_id, answer)


@capacity_api.post("/dispatch/closures/end")
@capacity_api.input(EndClosureIn)
@capacity_api.output(PlanOut)
@capacity_api.doc(
    summary="Open a laboratory again; all boxes are worked out again", responses=[404, 409, 422]
)
@needs("manage_campaign")
def open_laboratory(json_data: EndClosureIn) -> dict[str, Any]:
    """Open it and plan again."""
    answer = actions.open_laboratory(
        actor=current_actor(), client_id=json_data.client_id, laboratory_id=json_data.laboratory_id
    )
    return _plan(json_data.client_id, answer)


def _plan(client_id: uuid.UUID, answer: dict[str, str]) -> dict[str, Any]:
    return planning.plan_dispatch(
        actor=current_actor(), client_id=client_id, province_id=uuid.UUID(answer["province_id"])
    )


@capacity_api.post("/dispatch/hours")
@capacity_api.input(HoursIn)
@capacity_api.output(HoursOut)
@capacity_api.doc(summary="Change when a laboratory works", responses=[404, 409, 422])
@needs("manage_campaign")
def set_hours(json_data: HoursIn) -> dict[str, Any]:
    """Change it; the next plan keeps to it."""
    return actions.set_hours(
        actor=current_actor(),
        client_id=json_data.client_id,
        laboratory_id=json_data.laboratory_id,
        opens_hour=json_data.opens_hour,
        closes_hour=json_data.closes_hour,
        days=json_data.days,
    )


@capacity_api.post("/dispatch/ways")
@capacity_api.input(WayIn)
@capacity_api.output(WayOut)
@capacity_api.doc(
    summary="Enter how long a box takes from a place to a laboratory", responses=[404, 409, 422]
)
@needs("manage_campaign")
def set_travel_time(json_data: WayIn) -> dict[str, Any]:
    """Enter it; the next plan keeps to it."""
    return actions.set_travel_time(
        actor=current_actor(),
        client_id=json_data.client_id,
        origin_id=json_data.origin_id,
        laboratory_id=json_data.laboratory_id,
        minutes=json_data.minutes,
    )
