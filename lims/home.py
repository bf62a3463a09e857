"""How much waits at each station of an actor: one indexed count per station shown on the home page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from lims import clock
from lims.auth.actors import Actor
from lims.auth.clients.queries import ending_soon
from lims.capacity.models.alarms import Alarm
from lims.field.models import Device, Enrolment
from lims.field.queries.teams import is_live
from lims.intake.contacts.models import DueTest
from lims.intake.contacts.queries import count_waiting as count_waiting_tests
from lims.intake.models import Box, Declaration, Discrepancy, Sample, Tube
from lims.outbox.models import Message
from lims.outbox.rules import STUCK
from lims.personal.models import DataRequest
from lims.pooling.models import Pool, PoolMember, Run
from lims.results.models import Result

Counted = tuple[Select[int], InstrumentedAttribute[object] | None]


def _people(_actor: Actor) -> Counted:
    return select(func.count()).where(Declaration.status == "open"), Declaration.commune_id


def _sampled_today(actor: Actor) -> Counted:
    mine = select(func.count()).where(
        Sample.collected_by_id == actor.user_id,
        Sample.sampled_on == clock.today(),
        Sample.status != "void",
    )
    return mine, Sample.place_id


def _phones(_actor: Actor) -> Counted:
    # a day's enrolments end on the morning after it
    days = (clock.today(), clock.today() - timedelta(days=1))
    in_contact = (
        select(func.count())
        .select_from(Device)
        .join(Enrolment, Enrolment.id == Device.enrolment_id)
        .where(Enrolment.day.in_(days), is_live(clock.now()))
    )
    return in_contact, Enrolment.place_id


def _boxes(_actor: Actor) -> Counted:
    return select(func.count()).where(Box.status.in_(("open", "sealed"))), Box.origin_id


def _arriving(_actor: Actor) -> Counted:
    return select(func.count()).where(Box.status.in_(("dispatched", "received"))), Box.laboratory_id


def _tubes(_actor: Actor) -> Counted:
    in_pool = (
        select(PoolMember.tube_id)
        .join(Pool, Pool.id == PoolMember.pool_id)
        .where(PoolMember.tube_id == Tube.id, Pool.status != "void")
    )
    return select(func.count()).where(Tube.status == "received", ~exists(in_pool)), Tube.laboratory_id


def _runs(_actor: Actor) -> Counted:
    return select(func.count()).where(Run.status.in_(("planned", "running", "imported"))), Run.laboratory_id


def _pools(_actor: Actor) -> Counted:
    return select(func.count()).where(Pool.status == "closed"), Pool.laboratory_id


def _results(_actor: Actor) -> Counted:
    return select(func.count()).where(Result.status.in_(("preliminary", "verified"))), Result.laboratory_id


def _discrepancies(_actor: Actor) -> Counted:
    return select(func.count()).where(Discrepancy.status == "open"), Discrepancy.place_id


def _ending_tokens(_actor: Actor) -> Counted:
    return ending_soon(clock.now()), None


def _messages(_actor: Actor) -> Counted:
    return select(func.count()).where(Message.status.in_(STUCK)), Message.laboratory_id


def _alarms(_actor: Actor) -> Counted:
    return select(func.count()).where(Alarm.ended_at.is_(None), Alarm.seen_at.is_(None)), Alarm.place_id


def _data_requests(_actor: Actor) -> Counted:
    return select(func.count()).where(DataRequest.status != "settled"), DataRequest.commune_id


def _due_tests(_actor: Actor) -> Counted:
    return count_waiting_tests(today=clock.today()), DueTest.commune_id


COUNTS: Mapping[str, Callable[[Actor], Counted]] = {
    "intake.list_people": _people,
    "intake.list_follow_ups": _due_tests,
    "intake.collect": _sampled_today,
    "field.list_teams": _phones,
    "intake.list_boxes": _boxes,
    "intake.receive": _arriving,
    "pooling.pool_station": _tubes,
    "pooling.list_pools": _pools,
    "pooling.list_runs": _runs,
    "results.list_to_verify": _results,
    "intake.list_discrepancies": _discrepancies,
    "personal.list_requests": _data_requests,
    "outbox.list_messages": _messages,
    "capacity.list_alarms": _alarms,
    "clients.list_clients": _ending_tokens,
}


def count_waiting(session: Session, *, actor: Actor, endpoint: str) -> int | None:
    """Return how much waits at a station, within the actor's places; None where nothing is counted.

    Args:
        session: reading session.
        actor: who asks.
        endpoint: the station's page.
    """
    if endpoint not in COUNTS:
        return None
    query, place = COUNTS[endpoint](actor)
    if place is not None and not actor.everywhere:
        query = query.where(place.in_(actor.place_ids))
    return session.scalar(query)
