"""The board: what stands where, how fast it goes, each laboratory's day. Its figures come from `queries.figures`; what
is not counted there (plates at work, kits, capacities) is read beside them, and is as small as a day."""

from __future__ import annotations

import math
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lims import clock
from lims.auth.actors import Actor
from lims.capacity.effective import Effective, calculate_effective
from lims.capacity.figures import DayFigures, HourFigures, LaboratoryFigures, Oldest, Scope
from lims.capacity.measures import STATIONS
from lims.capacity.pace import (
    Leg,
    Pace,
    estimate_of,
    estimate_share,
    find_size_in_use,
    measure_pace,
    read_legs,
)
from lims.capacity.queries import figures
from lims.capacity.rules import Load
from lims.errors import InvalidInput
from lims.places.models import Campaign, Laboratory
from lims.pooling.models import KitLot, Pool, Run, Well
from lims.pooling.prevalence import PoolCounts, Prevalence
from lims.pooling.queries.kit_lots import count_used

HOURS = 24
DAYS = 14
"""Days that the board draws."""
PACE_DAYS = 7
"""Days from which positivity and the use of kits are measured."""
SHOWN_DAYS = 365
"""How far back a day may be chosen."""
CONFIRMING = "confirm"


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
class Kits:
    """What a laboratory has left in usable lots.

    Args:
        left: reactions.
        per_day: reactions used a day over the last days, without controls.
    """

    left: int
    per_day: float

    @property
    def days_left(self) -> float | None:
        """Days it lasts at that pace; None where nothing was used."""
        return self.left / self.per_day if self.per_day else None

    @property
    def lasts(self) -> float:
        """The same to sort by: what is not used lasts longest."""
        return self.left / self.per_day if self.per_day else math.inf


@dataclass(frozen=True)
class AtLaboratory:
    """One laboratory on the board.

    Args:
        id, name: the place.
        stations: samples by station.
        screening, confirmation: its day in reactions.
        received_today, released_today: samples and results of the day.
        oldest: what waits longest there; None where nothing waits.
        pace: what came and went in the last 24 hours.
        effective: people a day that its screening is enough for; None where no prevalence is known.
        kits: what it has left; None where no usable lot is kept.
    """

    id: uuid.UUID
    name: str
    stations: Mapping[str, int]
    screening: Load
    confirmation: Load
    received_today: int
    released_today: int
    oldest: Waiting | None
    pace: Pace
    effective: Effective | None
    kits: Kits | None

    @property
    def standing(self) -> int:
        """Samples at all its stations."""
        return sum(self.stations.values())


@dataclass(frozen=True)
class Positivity:
    """Positive pools and infected people of the last days.

    Args:
        first_on: of these days.
        pools, pools_positive: screening pools with a clear finding.
        of_pools: share of positive pools with its interval; None without any.
        of_people: share of infected people with its interval; None where nobody was tested.
        from_pools: whether `of_people` was estimated from pools, or else counted from released results.
    """

    first_on: date
    pools: int
    pools_positive: int
    of_pools: Prevalence | None
    of_people: Prevalence | None
    from_pools: bool


@dataclass(frozen=True)
class Board:
    """All figures of the board at one moment.

    Args:
        at: when it was read.
        counted_until: up to when every change is in the figures.
        day: of the day's figures; standing is that of its end, or of now.
        declared, sampled, released: people so far, up to that day.
        counts: (measure, detail) → number of the day.
        stations: samples by station, over all laboratories and sites.
        oldest_by_station: what waits longest at each; of a past day nothing.
        oldest: what waits longest of all.
        pace: of what is at laboratories.
        legs: how long each took on the day.
        positivity: of the last days.
        pool_size: in use; None where no campaign is seen.
        effective: people a day that all laboratories together are enough for.
        discrepancies: open now.
        hours: the last 24, oldest first.
        days: the last days with what happened on each.
        laboratories: one line for each, by name.
        narrowed: whether it is of a commune, a site or a team, to which neither reactions nor pools belong.
    """

    at: datetime
    counted_until: datetime
    day: date
    declared: int
    sampled: int
    released: int
    counts: Mapping[tuple[str, str], int]
    stations: Mapping[str, int]
    oldest_by_station: Mapping[str, Waiting]
    oldest: Waiting | None
    pace: Pace
    legs: Sequence[Leg]
    positivity: Positivity
    pool_size: int | None
    effective: Effective | None
    discrepancies: int
    hours: Sequence[HourFigures]
    days: Sequence[tuple[date, Mapping[str, int]]]
    laboratories: Sequence[AtLaboratory]
    narrowed: bool

    @property
    def is_today(self) -> bool:
        """Whether the day is the present one."""
        return self.day == clock.local(self.at).date()

    @property
    def hours_end(self) -> datetime:
        """When the last of the hours ends."""
        return self.hours[-1].begins_at + timedelta(hours=1)

    @property
    def waiting(self) -> int:
        """Samples without a released result."""
        return sum(self.stations.values())

    @property
    def to_sample(self) -> int:
        """Declared and not sampled yet."""
        return max(0, self.declared - self.sampled)

    def total(self, measure: str, detail: str | None = None) -> int:
        """Return a measure's number of the day, of one detail or of all."""
        return _total(self.counts, measure, detail)

    @property
    def rejected(self) -> dict[str, int]:
        """Rejected tubes of the day by reason, most first."""
        found = {reason: number for (measure, reason), number in self.counts.items() if measure == "rejected"}
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def read_board(
    session: Session, *, actor: Actor, scope: Scope | None = None, day: date | None = None
) -> Board:
    """Return the board of the actor's places: as many statements, whatever the number of samples and laboratories.

    Args:
        session: reading session.
        actor: whose places.
        scope: which part of them; None for all.
        day: of the day's figures; None for today.

    Raises:
        InvalidInput: the day is to come, or too long ago.
    """
    scope, day = scope or Scope(), check_day(day)
    whole = replace(scope, commune_id=None, site_id=None, team=None)
    narrowed = whole != scope
    far = _read_days(session, actor, scope, day)
    of_pools = _read_days(session, actor, whole, day, days=PACE_DAYS) if narrowed else far
    of_day = figures.read_day(session, actor=actor, scope=scope, first_on=day, last_on=day)
    hours = figures.read_hours(session, actor=actor, scope=scope, **_last_hours(day))
    laboratories = figures.read_laboratories(session, actor=actor, scope=scope, day=day)
    full = figures.read_laboratories(session, actor=actor, scope=whole, day=day) if narrowed else laboratories
    positivity = _measure_positivity(far, of_pools, day, narrowed=narrowed)
    campaign = _find_campaign(session, actor, scope)
    size = find_size_in_use(_pools(of_pools, day)) or (campaign.pool_size if campaign else None)
    counts = _add_up(far)
    names = {row.id: row.name for row in laboratories}
    rows = _list_rows(session, laboratories, full, of_pools, positivity, size, campaign)
    # what waited on a past day is not known any more, only how much did
    found = figures.find_oldest_by_station(session, actor=actor, scope=scope) if day == clock.today() else {}
    oldest = {station: _waiting(one, names) for station, one in found.items()}
    return Board(
        at=clock.now(),
        counted_until=figures.counted_until(session),
        day=day,
        declared=_total(counts, "declared"),
        sampled=_total(counts, "collected"),
        released=_total(counts, "released"),
        counts=of_day.counts,
        stations=of_day.standing,
        oldest_by_station=oldest,
        oldest=min(oldest.values(), key=lambda one: (one.since, one.tube), default=None),
        pace=measure_pace(of_day.standing, hours),
        legs=read_legs(of_day.legs),
        positivity=positivity,
        pool_size=size,
        effective=_effective(
            sum(row.screening.capacity for row in rows),
            sum(row.confirmation.capacity for row in rows),
            positivity,
            size,
            campaign,
        ),
        discrepancies=_total(counts, "discrepancies_opened") - _total(counts, "discrepancies_settled"),
        hours=hours,
        days=[(one, _by_measure(numbers)) for one, numbers in far[-DAYS:]],
        laboratories=rows,
        narrowed=narrowed,
    )


def check_day(day: date | None) -> date:
    """Return a day that has figures; today for None.

    Raises:
        InvalidInput: it is to come, or too long ago.
    """
    today = clock.today()
    if day is None:
        return today
    if not today - timedelta(days=SHOWN_DAYS) <= day <= today:
        raise InvalidInput(
            "Choose a day that has begun, at most %(most)s days ago.", field="day", most=SHOWN_DAYS
        )
    return day


_Days = list[tuple[date, Mapping[tuple[str, str], int]]]


def _read_days(
    session: Session, actor: Actor, scope: Scope, day: date, days: int = figures.MOST_DAYS
) -> _Days:
    first_on = day - timedelta(days=days - 1)
    return figures.read_days(session, actor=actor, scope=scope, first_on=first_on, last_on=day)


def _last_hours(day: date) -> dict[str, datetime]:
    """Return the last 24 hours; of a past day the hours of that day."""
    if day == clock.today():
        until = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    else:
        until = datetime.combine(day + timedelta(days=1), time.min, tzinfo=clock.ZONE)
    return {"since": until - timedelta(hours=HOURS), "until": until}


def _total(counts: Mapping[tuple[str, str], int], measure: str, detail: str | None = None) -> int:
    return sum(
        number
        for (name, word), number in counts.items()
        if name == measure and (detail is None or word == detail)
    )


def _add_up(days: _Days) -> dict[tuple[str, str], int]:
    found: defaultdict[tuple[str, str], int] = defaultdict(int)
    for _day, numbers in days:
        for key, number in numbers.items():
            found[key] += number
    return found


def _by_measure(counts: Mapping[tuple[str, str], int]) -> dict[str, int]:
    found: defaultdict[str, int] = defaultdict(int)
    for (measure, _detail), number in counts.items():
        found[measure] += number
    return dict(found)


def _pools(days: _Days, day: date) -> list[PoolCounts]:
    counts = _add_up([one for one in days if one[0] > day - timedelta(days=PACE_DAYS)])
    return [
        PoolCounts(size=int(size), tested=number, positive=counts.get(("pools_positive", size), 0))
        for (measure, size), number in sorted(counts.items())
        if measure == "pools_tested" and number
    ]


@lru_cache(maxsize=64)
def _estimate(pools: tuple[PoolCounts, ...]) -> Prevalence | None:
    return estimate_of(pools)


def _measure_positivity(own: _Days, of_pools: _Days, day: date, *, narrowed: bool) -> Positivity:
    pools = _pools(of_pools, day)
    tested, positive = sum(one.tested for one in pools), sum(one.positive for one in pools)
    of_people = _estimate(tuple(pools))
    if narrowed:
        # a pool has no commune: people of one are counted by their results
        counts = _add_up([one for one in own if one[0] > day - timedelta(days=PACE_DAYS)])
        detected = _total(counts, "released", "detected")
        of_people = estimate_share(detected + _total(counts, "released", "not_detected"), detected)
    return Positivity(
        first_on=day - timedelta(days=PACE_DAYS - 1),
        pools=tested,
        pools_positive=positive,
        of_pools=_estimate((PoolCounts(size=1, tested=tested, positive=positive),)),
        of_people=of_people,
        from_pools=not narrowed,
    )


def _find_campaign(session: Session, actor: Actor, scope: Scope) -> Campaign | None:
    """Return the campaign whose policy holds: the one chosen, or the newest open one that is seen."""
    seen = figures.list_campaign_ids(session, actor=actor, scope=scope)
    query = select(Campaign).order_by(Campaign.is_open.desc(), Campaign.starts_on.desc(), Campaign.id)
    if seen is not None:
        query = query.where(Campaign.id.in_(seen))
    return session.scalars(query.limit(1)).first()


def _effective(
    screening: int,
    confirmation: int | None,
    positivity: Positivity,
    size: int | None,
    campaign: Campaign | None,
) -> Effective | None:
    """Return for how many people a day so many reactions are enough; None where no prevalence is known."""
    if positivity.of_people is None or size is None or campaign is None:
        return None
    return calculate_effective(
        screening,
        size=size,
        prevalence=positivity.of_people.firth,
        strategy=campaign.positive_pool_strategy,
        confirmations=confirmation,
        policy="members" if campaign.confirm_all_members else "positives",
    )


def _list_rows(
    session: Session,
    laboratories: Sequence[LaboratoryFigures],
    full: Sequence[LaboratoryFigures],
    days: _Days,
    positivity: Positivity,
    size: int | None,
    campaign: Campaign | None,
) -> list[AtLaboratory]:
    keys = [row.id for row in laboratories]
    capacities = {
        row.place_id: row
        for row in session.execute(
            select(Laboratory.place_id, Laboratory.screening_per_day, Laboratory.confirmation_per_day).where(
                Laboratory.place_id.in_(keys)
            )
        )
    }
    planned = _count_planned(session, keys)
    kits = _count_kits(session, keys)
    whole = {row.id: row for row in full}
    return [
        AtLaboratory(
            id=row.id,
            name=row.name,
            stations={name: row.day.standing[name] for name in STATIONS if name != "at_the_site"},
            screening=Load(
                used=_count_reactions(whole[row.id].day, confirming=False),
                planned=planned[row.id, False],
                capacity=capacities[row.id].screening_per_day,
            ),
            confirmation=Load(
                used=_count_reactions(whole[row.id].day, confirming=True),
                planned=planned[row.id, True],
                capacity=capacities[row.id].confirmation_per_day,
            ),
            received_today=row.day.total("received"),
            released_today=row.day.total("released"),
            oldest=_waiting(row.oldest, {row.id: row.name})
            if row.oldest and row.day.last_on == clock.today()
            else None,
            pace=measure_pace(
                row.day.standing, row.hours if row.day.last_on == clock.today() else _as_hours(row.day)
            ),
            effective=_effective(capacities[row.id].screening_per_day, None, positivity, size, campaign),
            kits=kits.get(row.id),
        )
        for row in laboratories
    ]


def _as_hours(day: DayFigures) -> list[HourFigures]:
    """Return a past day's own figures as one of so many hours, so that its pace is that of the day."""
    begins = datetime.combine(day.first_on, time.min, tzinfo=clock.ZONE)
    whole = {measure: day.total(measure) for measure in ("received", "released", "rejected")}
    return [HourFigures(begins + timedelta(hours=hour), whole if hour == 0 else {}) for hour in range(HOURS)]


def _count_reactions(day: DayFigures, *, confirming: bool) -> int:
    return sum(
        number
        for (measure, purpose), number in day.counts.items()
        if measure == "reactions" and (purpose == CONFIRMING) == confirming
    )


def _count_planned(
    session: Session, laboratories: Collection[uuid.UUID]
) -> defaultdict[tuple[uuid.UUID, bool], int]:
    """Count the reactions on plates that are planned or running: (laboratory, whether they confirm) → wells."""
    counts: defaultdict[tuple[uuid.UUID, bool], int] = defaultdict(int)
    rows = session.execute(
        select(Run.laboratory_id, Pool.purpose, func.count())
        .select_from(Run)
        .join(Well, Well.run_id == Run.id)
        .join(Pool, Pool.id == Well.pool_id)
        .where(Run.laboratory_id.in_(laboratories), Run.status.in_(("planned", "running")))
        .group_by(Run.laboratory_id, Pool.purpose)
    )
    for key, purpose, count in rows:
        counts[key, purpose == CONFIRMING] += count
    return counts


def _count_kits(session: Session, laboratories: Collection[uuid.UUID]) -> dict[uuid.UUID, Kits]:
    """Return what each laboratory has left in lots that are neither expired nor withdrawn, and its use a day."""
    lots = session.execute(
        select(KitLot.id, KitLot.laboratory_id, KitLot.reactions).where(
            KitLot.laboratory_id.in_(laboratories),
            KitLot.withdrawn_at.is_(None),
            KitLot.expires_on >= clock.today(),
        )
    ).all()
    keys = [lot.id for lot in lots]
    used = count_used(session, lot_ids=keys)
    lately = count_used(session, lot_ids=keys, hours=24 * PACE_DAYS)
    left: defaultdict[uuid.UUID, int] = defaultdict(int)
    pace: defaultdict[uuid.UUID, int] = defaultdict(int)
    for lot in lots:
        left[lot.laboratory_id] += max(0, lot.reactions - used.get(lot.id, 0))
        pace[lot.laboratory_id] += lately.get(lot.id, 0)
    return {key: Kits(left=number, per_day=pace[key] / PACE_DAYS) for key, number in left.items()}


def _waiting(found: Oldest, names: Mapping[uuid.UUID, str]) -> Waiting:
    return Waiting(
        tube=found.tube,
        since=found.collected_at,
        laboratory=names.get(found.laboratory_id, "") if found.laboratory_id else "",
    )
