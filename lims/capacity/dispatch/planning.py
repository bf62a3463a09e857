"""Making a plan: what there is becomes a problem, it is solved outside any transaction, and the answer is kept.

Solving may take seconds, and on SQLite nobody else could write meanwhile; hence a plan is worked out from one reading
and kept in a transaction of its own. A box that was sent meanwhile is no harm: plans are advice.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from lims import clock
from lims.auth.actors import Actor
from lims.capacity.dispatch.actions import PlannedBox, answer_plan, keep_plan
from lims.capacity.dispatch.choosing import Chosen, choose
from lims.capacity.dispatch.explaining import explain
from lims.capacity.dispatch.hours import Hours, Numbers, count_capacities
from lims.capacity.dispatch.problem import Bench, Box, Laboratory
from lims.capacity.dispatch.speeds import Speed
from lims.capacity.models.dispatch import DispatchPlan
from lims.capacity.queries import dispatch as queries
from lims.capacity.queries.dispatch import BoxFacts, Facts, LaboratoryFacts
from lims.extensions import db


def plan_dispatch(*, actor: Actor, client_id: uuid.UUID, province_id: uuid.UUID) -> dict[str, Any]:
    """Work out where all boxes of a province that need a place should go, and keep it as its newest plan.

    Args:
        actor: who asks for it.
        client_id: id made by the sender; it becomes the plan's.
        province_id: one of the actor's places.

    Returns:
        As of `keep_plan`.

    Raises:
        NotFound: no such province among the actor's places.
    """
    db.session.rollback()  # what the request has read before may be older than what it has just changed
    session = db.session()
    queries.get_province(session, actor=actor, province_id=province_id)
    known = session.get(DispatchPlan, client_id)
    if known is not None and known.province_id == province_id:
        return answer_plan(known)
    facts = queries.read_facts(session, province_id=province_id)
    db.session.rollback()
    chosen, lines = work_out(facts)
    return keep_plan(
        actor=actor,
        plan_id=client_id,
        province_id=province_id,
        planned_at=facts.now,
        chosen=chosen,
        lines=lines,
    )


def work_out(facts: Facts) -> tuple[Chosen, list[PlannedBox]]:
    """Return the choice for all boxes that need a place, and the lines of its plan, in their order."""
    boxes = [_pose_box(box, facts) for box in facts.ready]
    laboratories = [_pose_laboratory(one, facts) for one in facts.laboratories]
    chosen = choose(boxes, laboratories)
    fixed = {box.id: box.fixed for box in boxes}
    said = {one.box_id: one for one in explain(boxes, laboratories, chosen.choice)}
    left = {one.box_id: one.why for one in chosen.left}
    lines = []
    for box in boxes:
        one = said.get(box.id)
        if one is None:
            lines.append(PlannedBox(box.id, None, None, left[box.id]))
            continue
        lines.append(
            PlannedBox(
                box_id=box.id,
                laboratory_id=one.laboratory_id,
                done_at=None if one.done is None else facts.now + timedelta(minutes=one.done),
                word=one.word,
                by_hand=fixed[box.id] == one.laboratory_id,
                other_id=one.other_id,
                minutes=round(one.minutes),
                number=one.number,
            )
        )
    return chosen, lines


def _pose_box(box: BoxFacts, facts: Facts) -> Box:
    return Box(
        id=box.id,
        code=box.code,
        samples=float(max(1, box.samples)),
        ready=(box.since - facts.now).total_seconds() / 60,
        minutes={key: float(minutes) for key, (minutes, _guessed) in box.ways.items()},
        confirms=box.confirms,
        fixed=box.overruled.laboratory_id if box.overruled else None,
    )


def _pose_laboratory(one: LaboratoryFacts, facts: Facts) -> Laboratory:
    coming: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    for box in facts.coming:
        if box.laboratory_id == one.id:
            minutes, _guessed = box.ways[one.id]
            arrives = box.since + timedelta(minutes=minutes)
            coming[box.confirms].append(
                (max(0.0, (arrives - facts.now).total_seconds() / 60), float(box.samples))
            )
    return Laboratory(
        id=one.id,
        screening=Bench(
            _count(one.screening, one.hours, facts.now), float(one.waiting), tuple(coming[False])
        ),
        confirming=Bench(
            _count(one.confirming, one.hours, facts.now), float(one.waiting_to_confirm), tuple(coming[True])
        )
        if one.can_confirm
        else None,
        is_closed=one.closed is not None,
    )


def _count(speed: Speed, hours: Hours, now: datetime) -> Numbers:
    return count_capacities(hours, clock.local(now), per_hour=speed.per_hour, left_today=speed.left_today)
