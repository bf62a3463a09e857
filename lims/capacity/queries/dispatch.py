"""What dispatch works with, read at one moment: boxes ready or on the road, laboratories, ways; and the plans made.

What waits at a laboratory and what it has done today come from `queries.figures`, as on every page.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, joinedload

from lims import clock, codes
from lims.auth.actors import SYSTEM, Actor
from lims.auth.models import User
from lims.capacity.dispatch.hours import ALWAYS, Hours
from lims.capacity.dispatch.speeds import Speed, find_way
from lims.capacity.figures import LaboratoryFigures, Scope
from lims.capacity.models.dispatch import (
    DispatchOverrule,
    DispatchPlan,
    DispatchPlanBox,
    LaboratoryClosure,
    LaboratoryHours,
    TravelTime,
)
from lims.capacity.queries.figures import read_laboratories, read_pools
from lims.errors import NotFound
from lims.intake.models import Box, BoxTube, Sample, Tube
from lims.intake.queries import boxes as box_queries
from lims.msgid import N_
from lims.places.models import Campaign, Laboratory, Place
from lims.pooling.models import Pool, PoolMember
from lims.pooling.prevalence import PoolCounts

NOT_THERE = N_("There is no such province among your places. Choose one from the list.")
PREVALENCE_DAYS = 7
"""Days whose pools tell how many people a reaction is enough for."""
_BEFORE_TEST = ("received", "pooled", "on_plate", "next_test")


@dataclass(frozen=True)
class Overruled:
    """Where somebody wants a box to go.

    Args:
        laboratory_id: where.
        reason: why, in their words.
        by: their name.
        at: when.
    """

    laboratory_id: uuid.UUID
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True)
class BoxFacts:
    """A sealed box that has not left, or one on the road.

    Args:
        id, code, status: of the box.
        origin_id, origin: where it was packed.
        laboratory_id: where it is on its way to; None while it has not left.
        since: when it was sealed, or sent.
        tubes, samples: in it.
        confirms: a tube in it waits for its confirmation.
        overruled: where somebody wants it to go.
        ways: minutes to each laboratory, and whether that is only a guess.
    """

    id: uuid.UUID
    code: str
    status: str
    origin_id: uuid.UUID
    origin: str
    laboratory_id: uuid.UUID | None
    since: datetime
    tubes: int
    samples: int
    confirms: bool
    overruled: Overruled | None
    ways: Mapping[uuid.UUID, tuple[int, bool]] = field(repr=False)


@dataclass(frozen=True)
class Closed:
    """Why and since when a laboratory is closed.

    Args:
        reason: in somebody's words.
        at: since when.
        by: who closed it.
    """

    reason: str
    at: datetime
    by: str


@dataclass(frozen=True)
class LaboratoryFacts:
    """A laboratory now.

    Args:
        id, name: the place.
        can_confirm: whether it has the right.
        screening, confirming: how fast it is.
        hours: when it works.
        waiting: samples there that are to be screened.
        waiting_to_confirm: tubes there that are to be confirmed.
        closed: why it is closed; None while it is open.
    """

    id: uuid.UUID
    name: str
    can_confirm: bool
    screening: Speed
    confirming: Speed
    hours: Hours
    waiting: int
    waiting_to_confirm: int
    closed: Closed | None


@dataclass(frozen=True)
class Facts:
    """All that a plan is made from.

    Args:
        now: when it was read.
        boxes: sealed or on the road, the one that waits longest first.
        laboratories: by name.
    """

    now: datetime
    boxes: Sequence[BoxFacts]
    laboratories: Sequence[LaboratoryFacts]

    @property
    def closed_ids(self) -> frozenset[uuid.UUID]:
        """Laboratories that are closed."""
        return frozenset(one.id for one in self.laboratories if one.closed)

    @property
    def ready(self) -> list[BoxFacts]:
        """Boxes that need a place: not sent yet, or on the road to a laboratory that has closed."""
        closed = self.closed_ids
        return [box for box in self.boxes if box.status == "sealed" or box.laboratory_id in closed]

    @property
    def coming(self) -> list[BoxFacts]:
        """Boxes on the road to a laboratory that is open."""
        closed = self.closed_ids
        return [box for box in self.boxes if box.status == "dispatched" and box.laboratory_id not in closed]


def list_provinces(session: Session, *, actor: Actor) -> Sequence[Place]:
    """Return the provinces in which an actor works, by name."""
    query = select(Place).where(Place.kind == "province").order_by(Place.name_key)
    if not actor.everywhere:
        works = select(Place.province_id).where(Place.id.in_(actor.place_ids))
        query = query.where(Place.id.in_(works))
    return session.scalars(query).all()


def get_province(session: Session, *, actor: Actor, province_id: uuid.UUID) -> Place:
    """Return a province that an actor leads.

    Raises:
        NotFound: there is none such among the actor's places.
    """
    place = session.get(Place, province_id)
    if place is None or place.kind != "province" or not actor.sees(place.id):
        raise NotFound(NOT_THERE, field="province_id")
    return place


def read_facts(session: Session, *, province_id: uuid.UUID) -> Facts:
    """Return what a plan for a province is made from."""
    now = clock.now()
    found = (
        session.execute(
            select(Box)
            .join(Campaign, Campaign.id == Box.campaign_id)
            .where(
                Box.status.in_(("sealed", "dispatched")),
                Box.origin_id.is_not(None),
                Campaign.province_id == province_id,
            )
            .options(joinedload(Box.origin))
            .order_by(Box.sealed_at, Box.code)
        )
        .scalars()
        .all()
    )
    boxes = [box for box in found if box.origin is not None]
    places = session.scalars(
        select(Laboratory)
        .join(Place, Place.id == Laboratory.place_id)
        .where(Place.is_open, Place.province_id == province_id)
        .order_by(Place.name_key, Place.code)
    ).all()
    ids = [box.id for box in boxes]
    contents = _count_contents(session, ids)
    confirming = _find_confirming(session, ids)
    overruled = map_overruled(session, box_ids=ids)
    ways = _map_ways(session, [box.origin for box in boxes if box.origin], [one.place for one in places])
    return Facts(
        now=now,
        boxes=[
            BoxFacts(
                id=box.id,
                code=box.code,
                status=box.status,
                origin_id=box.origin.id,
                origin=box.origin.name,
                laboratory_id=box.laboratory_id,
                since=box.dispatched_at or box.sealed_at or box.minted_at,
                tubes=contents[box.id][0],
                samples=contents[box.id][1],
                confirms=box.id in confirming,
                overruled=overruled.get(box.id),
                ways=ways[box.origin.id],
            )
            for box in boxes
            if box.origin
        ],
        laboratories=_read_laboratories(session, province_id, places),
    )


def _count_contents(session: Session, box_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[int, int]]:
    """Return tubes and samples of each box; a mixed tube holds what its collector counted."""
    people = case((Tube.mode == "mixed", func.coalesce(Tube.closed_count, 1)), else_=1)
    rows = session.execute(
        select(BoxTube.box_id, func.count(), func.sum(people))
        .join(Tube, Tube.id == BoxTube.tube_id)
        .where(BoxTube.box_id.in_(box_ids), BoxTube.state == "packed")
        .group_by(BoxTube.box_id)
    )
    found = dict.fromkeys(box_ids, (0, 0))
    return found | {key: (int(tubes), int(samples)) for key, tubes, samples in rows}


def _find_confirming(session: Session, box_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return the boxes with a tube that waits for its confirmation."""
    return {
        key
        for key in session.scalars(
            select(Tube.box_id)
            .join(PoolMember, PoolMember.tube_id == Tube.id)
            .join(Pool, Pool.id == PoolMember.pool_id)
            .where(
                Tube.box_id.in_(box_ids),
                Tube.status == "boxed",
                Pool.purpose == "confirm",
                Pool.status == "closed",
            )
        )
        if key
    }


def map_overruled(session: Session, *, box_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Overruled]:
    """Return where somebody wants boxes to go, by box."""
    rows = session.execute(
        select(DispatchOverrule, User.display_name)
        .outerjoin(User, User.id == DispatchOverrule.overruled_by_id)
        .where(DispatchOverrule.box_id.in_(box_ids), DispatchOverrule.ended_at.is_(None))
    )
    return {
        row.box_id: Overruled(row.laboratory_id, row.reason, name or "", row.overruled_at)
        for row, name in rows
    }


def _map_ways(
    session: Session, origins: Collection[Place], laboratories: Collection[Place]
) -> dict[uuid.UUID, dict[uuid.UUID, tuple[int, bool]]]:
    """Return minutes from each origin to each other laboratory, and whether that is a guess."""
    entered = {
        (row.origin_id, row.laboratory_id): row.minutes
        for row in session.execute(
            select(TravelTime.origin_id, TravelTime.laboratory_id, TravelTime.minutes).where(
                TravelTime.laboratory_id.in_([one.id for one in laboratories])
            )
        )
    }
    chains = {one.id: _list_chain(one) for one in (*origins, *laboratories)}
    districts = {
        key: next((one.id for one in chain if one.kind == "district"), None) for key, chain in chains.items()
    }
    return {
        origin.id: {
            one.id: find_way(
                [entered.get((place.id, one.id)) for place in chains[origin.id]],
                same_district=districts[origin.id] is not None and districts[origin.id] == districts[one.id],
            )
            for one in laboratories
            if one.id != origin.id
        }
        for origin in origins
    }


def _list_chain(place: Place) -> list[Place]:
    """Return a place and what it lies in, the nearest first."""
    found, at = [], place
    while True:
        found.append(at)
        if at.parent is None:
            return found
        at = at.parent


def _read_laboratories(
    session: Session, province_id: uuid.UUID, places: Sequence[Laboratory]
) -> list[LaboratoryFacts]:
    ids = [one.place_id for one in places]
    scope = Scope(province_id=province_id)
    figures = {row.id: row for row in read_laboratories(session, actor=SYSTEM, scope=scope)}
    campaign = session.scalars(
        select(Campaign)
        .where(Campaign.province_id == province_id, Campaign.is_open)
        .order_by(Campaign.created_at.desc())
    ).first()
    today = clock.today()
    pools: list[PoolCounts] = read_pools(
        session,
        actor=SYSTEM,
        scope=scope,
        first_on=today - timedelta(days=PREVALENCE_DAYS - 1),
        last_on=today,
    )
    hours = {
        row.laboratory_id: Hours(row.opens_hour, row.closes_hour, row.days)
        for row in session.scalars(select(LaboratoryHours).where(LaboratoryHours.laboratory_id.in_(ids)))
    }
    closed = {
        row.laboratory_id: Closed(row.reason, row.closed_at, name or "")
        for row, name in session.execute(
            select(LaboratoryClosure, User.display_name)
            .outerjoin(User, User.id == LaboratoryClosure.closed_by_id)
            .where(LaboratoryClosure.laboratory_id.in_(ids), LaboratoryClosure.opened_at.is_(None))
        )
    }
    confirms, bound = _count_confirms(session, ids)
    found = []
    for one in places:
        now, works = figures.get(one.place_id), hours.get(one.place_id, ALWAYS)
        to_confirm = confirms[one.place_id]
        screened, confirmed = _count_reactions(now)
        found.append(
            LaboratoryFacts(
                id=one.place_id,
                name=one.place.name,
                can_confirm=one.can_confirm,
                screening=Speed.of_screening(
                    one.screening_per_day,
                    used=screened,
                    hours=works,
                    pools=pools,
                    size=campaign.pool_size if campaign else 1,
                    strategy=campaign.positive_pool_strategy if campaign else "singles",
                    policy="members" if campaign and campaign.confirm_all_members else "positives",
                ),
                confirming=Speed.of_confirming(one.confirmation_per_day, used=confirmed, hours=works),
                hours=works,
                waiting=max(0, _count_standing(now) - bound[one.place_id]),
                waiting_to_confirm=to_confirm if one.can_confirm else 0,
                closed=closed.get(one.place_id),
            )
        )
    return found


def _count_standing(now: LaboratoryFigures | None) -> int:
    return sum(now.day.standing[station] for station in _BEFORE_TEST) if now else 0


def _count_reactions(now: LaboratoryFigures | None) -> tuple[int, int]:
    """Return today's reactions to screen and to confirm."""
    if now is None:
        return 0, 0
    confirmed = now.day.total("reactions", "confirm")
    return now.day.total("reactions") - confirmed, confirmed


def _count_confirms(
    session: Session, laboratory_ids: Collection[uuid.UUID]
) -> tuple[Counter[uuid.UUID], Counter[uuid.UUID]]:
    """Return how much waits for its confirmation in each laboratory, be it on a plate: tubes, and samples still bound.

    A sample with a result stands as held where it was detected; one that is still bound, as the campaign confirms all
    members of a pool, stands among those before their test.
    """
    waits = (
        Tube.laboratory_id.in_(laboratory_ids),
        Tube.status.in_(("received", "stored")),
        Pool.purpose == "confirm",
        Pool.status.in_(("closed", "on_plate")),
    )
    tubes = (
        select(Tube.laboratory_id, func.count())
        .join(PoolMember, PoolMember.tube_id == Tube.id)
        .join(Pool, Pool.id == PoolMember.pool_id)
        .where(*waits)
        .group_by(Tube.laboratory_id)
    )
    bound = tubes.join(Sample, Sample.tube_id == Tube.id).where(Sample.status == "bound")
    counted, before_test = (
        Counter({key: number for key, number in session.execute(query) if key}) for query in (tubes, bound)
    )
    return counted, before_test


def find_plan(session: Session, *, province_id: uuid.UUID) -> DispatchPlan | None:
    """Return the newest plan of a province."""
    return session.scalars(
        select(DispatchPlan)
        .where(DispatchPlan.province_id == province_id)
        .order_by(DispatchPlan.planned_at.desc(), DispatchPlan.id.desc())
        .limit(1)
    ).first()


def changed_since(session: Session, *, province_id: uuid.UUID, moment: datetime) -> bool:
    """Tell whether a laboratory of a province was closed or opened, or a choice made by hand, after a moment."""
    closures = (
        select(LaboratoryClosure.id)
        .join(Place, Place.id == LaboratoryClosure.laboratory_id)
        .where(
            Place.province_id == province_id,
            func.coalesce(LaboratoryClosure.opened_at, LaboratoryClosure.closed_at) > moment,
        )
        .limit(1)
    )
    choices = (
        select(DispatchOverrule.id)
        .join(Place, Place.id == DispatchOverrule.laboratory_id)
        .where(
            Place.province_id == province_id,
            func.coalesce(DispatchOverrule.ended_at, DispatchOverrule.overruled_at) > moment,
        )
        .limit(1)
    )
    return session.scalar(closures) is not None or session.scalar(choices) is not None


@dataclass(frozen=True)
class Advised:
    """What the newest plan says of one box.

    Args:
        line: the plan's line.
        planned_at: when the plan was made.
        names: of the laboratories that it names.
    """

    line: DispatchPlanBox
    planned_at: datetime
    names: Mapping[uuid.UUID, str]


def find_advised(session: Session, *, box: Box) -> Advised | None:
    """Return what the newest plan says of a sealed box; None where it says nothing, or the laboratory has closed."""
    plan = session.execute(
        select(DispatchPlan.id, DispatchPlan.planned_at)
        .where(DispatchPlan.province_id == box.campaign.province_id)
        .order_by(DispatchPlan.planned_at.desc(), DispatchPlan.id.desc())
        .limit(1)
    ).first()
    line = plan and session.get(DispatchPlanBox, (plan.id, box.id))
    if not line or not plan:
        return None
    closed = select(LaboratoryClosure.id).where(
        LaboratoryClosure.laboratory_id == line.laboratory_id, LaboratoryClosure.opened_at.is_(None)
    )
    if session.scalar(closed) is not None:
        return None
    return Advised(line, plan.planned_at, map_names(session, [line.laboratory_id, line.other_id]))


def map_names(session: Session, place_ids: Collection[uuid.UUID | None]) -> dict[uuid.UUID, str]:
    """Return the names of some places by key."""
    ids = {key for key in place_ids if key}
    rows = session.execute(select(Place.id, Place.name).where(Place.id.in_(ids)))
    return {row.id: row.name for row in rows}


def lock_box(session: Session, *, actor: Actor, code: str) -> Box:
    """Lock a box of a province that an actor leads.

    Raises:
        InvalidInput: it is not a box's code.
        NotFound: no such box among the actor's.
    """
    box = box_queries.lock_box(session, code=code)
    if not actor.sees(box.campaign.province_id):
        raise NotFound(box_queries.NOT_THERE, field="box", code=codes.grouped(box.code))
    return box


def is_confirming(session: Session, *, box: Box) -> bool:
    """Tell whether a tube in a box waits for its confirmation."""
    return bool(_find_confirming(session, [box.id]))


def find_overrule(session: Session, *, box_id: uuid.UUID) -> DispatchOverrule | None:
    """Return what holds for a box, locked."""
    return session.scalars(
        select(DispatchOverrule)
        .where(DispatchOverrule.box_id == box_id, DispatchOverrule.ended_at.is_(None))
        .with_for_update()
    ).first()


def find_closure(session: Session, *, laboratory_id: uuid.UUID) -> LaboratoryClosure | None:
    """Return why a laboratory is closed now, locked."""
    return session.scalars(
        select(LaboratoryClosure)
        .where(LaboratoryClosure.laboratory_id == laboratory_id, LaboratoryClosure.opened_at.is_(None))
        .with_for_update()
    ).first()


def find_travel_time(
    session: Session, *, origin_id: uuid.UUID, laboratory_id: uuid.UUID
) -> TravelTime | None:
    """Return the minutes that somebody has entered from a place to a laboratory."""
    return session.scalars(
        select(TravelTime).where(TravelTime.origin_id == origin_id, TravelTime.laboratory_id == laboratory_id)
    ).first()


def list_travel_times(session: Session, *, province_id: uuid.UUID) -> Sequence[TravelTime]:
    """Return the minutes that were entered in a province, by laboratory and origin."""
    target = select(Place.id).where(Place.province_id == province_id, Place.kind == "laboratory")
    rows = session.scalars(select(TravelTime).where(TravelTime.laboratory_id.in_(target))).all()
    return sorted(rows, key=lambda row: (row.laboratory.name_key, row.origin.name_key))


def list_origins(session: Session, *, province_id: uuid.UUID) -> Sequence[Place]:
    """Return where boxes may come from in a province: districts, communes, sites and laboratories."""
    order = case({"district": 1, "laboratory": 2, "site": 3, "commune": 4}, value=Place.kind)
    return session.scalars(
        select(Place)
        .where(
            Place.province_id == province_id,
            Place.is_open,
            Place.kind.in_(("district", "laboratory", "site", "commune")),
        )
        .order_by(order, Place.name_key, Place.code)
        .limit(2000)
    ).all()


def count_by_laboratory(boxes: Sequence[BoxFacts]) -> dict[uuid.UUID, int]:
    """Return how many samples are on the road to each laboratory."""
    found: defaultdict[uuid.UUID, int] = defaultdict(int)
    for box in boxes:
        if box.laboratory_id:
            found[box.laboratory_id] += box.samples
    return found
