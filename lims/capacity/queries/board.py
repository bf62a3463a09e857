"""The board: what stands where, what was done today, what waits longest. A few grouped statements over what is open."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from sqlalchemy import case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from lims import clock
from lims.auth.actors import Actor
from lims.capacity.rules import Load
from lims.intake.models import Box, Declaration, Sample, Tube
from lims.msgid import N_
from lims.places.models import Campaign, Laboratory, Place
from lims.pooling.models import Pool, PoolMember, Run, Well
from lims.results.models import Result

# In the order of a sample's way; the first two belong to no laboratory yet.
STATIONS = (
    ("at_the_site", N_("At the collection site")),
    ("on_the_road", N_("On the road")),
    ("received", N_("Received")),
    ("pooled", N_("In a pool")),
    ("on_plate", N_("On a plate")),
    ("next_test", N_("Waits for its next test or for names")),
    ("to_verify", N_("To be verified")),
    ("held", N_("On hold")),
    ("to_release", N_("To be released")),
)
_OF_RESULT = {"preliminary": "to_verify", "verified": "to_release", "held": "held"}


@dataclass(frozen=True)
class Waiting:
    """What waits longest.

    Args:
        tube: printed code.
        since: when it was taken.
        laboratory: where it lies; empty before the laboratory.
    """

    tube: str
    since: datetime
    laboratory: str


@dataclass(frozen=True)
class AtLaboratory:
    """One laboratory on the board.

    Args:
        id, name: the place.
        stations: samples by station.
        screening, confirmation: its day in reactions.
        released_today: results released since midnight.
        oldest: what waits longest there; None where nothing waits.
    """

    id: uuid.UUID
    name: str
    stations: dict[str, int]
    screening: Load
    confirmation: Load
    released_today: int
    oldest: Waiting | None

    @property
    def standing(self) -> int:
        """Samples at all its stations."""
        return sum(self.stations.values())


@dataclass(frozen=True)
class Board:
    """All figures of the board at one moment.

    Args:
        at: when it was read.
        declared, sampled, released: people, in the campaigns seen.
        released_today: results since midnight.
        stations: samples by station, over all laboratories and sites.
        laboratories: one line for each, by name.
        oldest: what waits longest of all.
    """

    at: datetime
    declared: int
    sampled: int
    released: int
    released_today: int
    stations: dict[str, int]
    laboratories: Sequence[AtLaboratory]
    oldest: Waiting | None


def read_board(session: Session, *, actor: Actor) -> Board:
    """Return the board of the actor's places: seven statements, whatever the number of samples and laboratories."""
    campaigns = _list_campaign_ids(session, actor)
    laboratories = _list_laboratories(session, actor)
    keys = [row.place_id for row in laboratories]
    midnight = local_midnight()
    standing = _count_standing(session, campaigns, keys, whole=_sees_campaigns(actor))
    used = _count_reactions(session, keys, midnight)
    released_today = _count_released_today(session, keys, midnight)
    oldest = _find_oldest(session, keys)
    declared, sampled, released = _count_people(session, campaigns)
    rows = [
        AtLaboratory(
            id=row.place_id,
            name=row.place.name,
            stations={name: standing[row.place_id][name] for name, _ in STATIONS if name != "at_the_site"},
            screening=_load(used[row.place_id], "screen", row.screening_per_day),
            confirmation=_load(used[row.place_id], "confirm", row.confirmation_per_day),
            released_today=released_today.get(row.place_id, 0),
            oldest=oldest.get(row.place_id),
        )
        for row in laboratories
    ]
    totals: defaultdict[str, int] = defaultdict(int)
    for stations in standing.values():
        for name, count in stations.items():
            totals[name] += count
    return Board(
        at=clock.now(),
        declared=declared,
        sampled=sampled,
        released=released,
        released_today=sum(released_today.values()),
        stations={name: totals[name] for name, _ in STATIONS},
        laboratories=rows,
        oldest=min(oldest.values(), key=lambda waiting: waiting.since, default=None),
    )


def local_midnight() -> datetime:
    """Return when today began in the campaign's zone, in UTC."""
    return datetime.combine(clock.today(), time.min, tzinfo=clock.ZONE).astimezone(UTC)


def _load(counts: dict[tuple[str, bool], int], kind: str, capacity: int) -> Load:
    return Load(used=counts[kind, True], planned=counts[kind, False], capacity=capacity)


def _sees_campaigns(actor: Actor) -> bool:
    """Whether more than laboratories is seen: what lies at sites belongs to those who coordinate."""
    return actor.everywhere or "coordinator" in actor.roles


def _list_campaign_ids(session: Session, actor: Actor) -> list[uuid.UUID]:
    """Return the campaigns of the provinces in which the actor works."""
    query = select(Campaign.id)
    if not actor.everywhere:
        provinces = select(Place.province_id).where(Place.id.in_(actor.place_ids))
        query = query.where(Campaign.province_id.in_(provinces))
    return list(session.scalars(query))


def _list_laboratories(session: Session, actor: Actor) -> Sequence[Laboratory]:
    query = select(Laboratory).join(Place, Place.id == Laboratory.place_id).order_by(Place.name_key)
    if not actor.everywhere:
        query = query.where(Place.id.in_(actor.place_ids))
    return session.scalars(query).all()


def _count_standing(
    session: Session, campaigns: Collection[uuid.UUID], laboratories: Collection[uuid.UUID], *, whole: bool
) -> defaultdict[uuid.UUID | None, defaultdict[str, int]]:
    """Count the samples without a released result by laboratory and station: two statements over what is open."""
    counts: defaultdict[uuid.UUID | None, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    past = aliased(PoolMember)
    tested = exists(select(past.tube_id).where(past.tube_id == Tube.id, past.in_test.is_(False)))
    at_site = or_(Tube.status == "used", Box.status.in_(("open", "sealed")))
    station = case(
        (Pool.status == "on_plate", "on_plate"),
        (Pool.status.in_(("open", "closed")), "pooled"),
        (tested, "next_test"),
        (Tube.status.in_(("received", "stored")), "received"),
        (at_site, "at_the_site"),
        else_="on_the_road",
    )
    place = func.coalesce(Pool.laboratory_id, Tube.laboratory_id, Box.laboratory_id)
    open_samples = (
        select(place.label("place"), station.label("station"))
        .select_from(Sample)
        .join(Tube, Tube.id == Sample.tube_id)
        .outerjoin(Box, Box.id == Tube.box_id)
        .outerjoin(PoolMember, (PoolMember.tube_id == Tube.id) & PoolMember.in_test)
        .outerjoin(Pool, Pool.id == PoolMember.pool_id)
        .where(Sample.campaign_id.in_(campaigns), Sample.status == "bound")
        .subquery()
    )
    rows = session.execute(
        select(open_samples.c.place, open_samples.c.station, func.count()).group_by(
            open_samples.c.place, open_samples.c.station
        )
    ).all()
    for key, name, count in rows:
        if key in laboratories:
            counts[key][name] += count
        elif whole:
            counts[None][name] += count
    results = session.execute(
        select(Result.laboratory_id, Result.status, func.count())
        .where(Result.laboratory_id.in_(laboratories), Result.status.in_(_OF_RESULT))
        .group_by(Result.laboratory_id, Result.status)
    )
    for key, status, count in results:
        counts[key][_OF_RESULT[status]] += count
    return counts


def _count_reactions(
    session: Session, laboratories: Collection[uuid.UUID], midnight: datetime
) -> defaultdict[uuid.UUID, defaultdict[tuple[str, bool], int]]:
    """Count today's reactions: (laboratory) → (screen or confirm, done) → wells of pools.

    Done is what was entered since midnight; planned is what stands on plates that are planned or running.
    """
    counts: defaultdict[uuid.UUID, defaultdict[tuple[str, bool], int]] = defaultdict(lambda: defaultdict(int))
    is_open = Run.status.in_(("planned", "running"))
    rows = session.execute(
        select(Run.laboratory_id, Pool.purpose, is_open, func.count())
        .select_from(Run)
        .join(Well, Well.run_id == Run.id)
        .join(Pool, Pool.id == Well.pool_id)
        .where(
            Run.laboratory_id.in_(laboratories),
            Run.status != "void",
            or_(is_open, Run.entered_at >= midnight),
        )
        .group_by(Run.laboratory_id, Pool.purpose, is_open)
    )
    for key, purpose, open_now, count in rows:
        counts[key]["confirm" if purpose == "confirm" else "screen", not open_now] += count
    return counts


def _count_released_today(
    session: Session, laboratories: Collection[uuid.UUID], midnight: datetime
) -> dict[uuid.UUID, int]:
    return dict(
        session.execute(
            select(Result.laboratory_id, func.count())
            .where(
                Result.laboratory_id.in_(laboratories),
                Result.status == "released",
                Result.released_at >= midnight,
            )
            .group_by(Result.laboratory_id)
        ).all()
    )


def _find_oldest(session: Session, laboratories: Collection[uuid.UUID]) -> dict[uuid.UUID, Waiting]:
    """Return, for each laboratory, the tube with a waiting sample that was taken first."""
    ranked = (
        select(
            Tube.code,
            Sample.sampled_at,
            Tube.laboratory_id,
            Place.name,
            func.row_number()
            .over(partition_by=Tube.laboratory_id, order_by=(Sample.sampled_at, Tube.code))
            .label("place_in_line"),
        )
        .select_from(Sample)
        .join(Tube, Tube.id == Sample.tube_id)
        .join(Place, Place.id == Tube.laboratory_id)
        .where(Sample.status == "bound", Tube.laboratory_id.in_(laboratories))
        .subquery()
    )
    rows = session.execute(select(ranked).where(ranked.c.place_in_line == 1))
    return {
        row.laboratory_id: Waiting(tube=row.code, since=row.sampled_at, laboratory=row.name) for row in rows
    }


def _count_people(session: Session, campaigns: Collection[uuid.UUID]) -> tuple[int, int, int]:
    """Return how many declarations there are, how many were ever sampled, how many have a released result."""
    by_status = dict(
        session.execute(
            select(Declaration.status, func.count())
            .where(Declaration.campaign_id.in_(campaigns))
            .group_by(Declaration.status)
        ).all()
    )
    sampled = by_status.get("sampled", 0) + by_status.get("closed", 0)
    return sum(by_status.values()), sampled, by_status.get("closed", 0)
