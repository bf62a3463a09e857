"""Every figure of the board, the alarms, the forecasts and the reports is read here, from the folded summaries.

What was changed a moment ago is counted by `lims worker` within seconds; `counted_until` tells up to when all of it is.
A read of some days costs what these days have of places, however many samples there are.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select, tuple_, union_all
from sqlalchemy.orm import Session

from lims import clock
from lims.auth.actors import Actor
from lims.capacity.counting.parts import FINE, NOWHERE, STANDING, TOTAL
from lims.capacity.figures import DayFigures, HourFigures, LaboratoryFigures, Oldest, Scope
from lims.capacity.histograms import Histogram
from lims.capacity.measures import STATIONS
from lims.capacity.models.counts import Counted, DayCount, HourCount, LegCount, Level
from lims.errors import InvalidInput
from lims.intake.models import Sample, Tube
from lims.places.models import Campaign, Laboratory, Place
from lims.pooling.prevalence import PoolCounts
from lims.uncounted import Uncounted

MOST_DAYS = 400
"""Days that may be asked for at once."""
MOST_WAITING = 500


@dataclass(frozen=True)
class WaitingSample:
    """A line of the list behind a station's number.

    Args:
        sample_id: its key.
        tube: printed code.
        station: where it stands.
        laboratory_id: where it lies; None before a laboratory.
        collected_at: when it was taken.
    """

    sample_id: uuid.UUID
    tube: str
    station: str
    laboratory_id: uuid.UUID | None
    collected_at: datetime


@dataclass(frozen=True)
class _Limits:
    """What of the summaries an actor may see of a scope.

    Args:
        campaign_ids: only these; None for all.
        laboratory_ids: only these; None for all.
        columns: other columns of the key and their values.
    """

    campaign_ids: frozenset[uuid.UUID] | None
    laboratory_ids: frozenset[uuid.UUID] | None
    columns: Mapping[str, Any] = field(default_factory=dict)

    @property
    def grain(self) -> int:
        """Which rows of the summaries hold it."""
        return FINE if self.columns else TOTAL

    def of(self, model: type[Any], *, with_grain: bool = True) -> list[ColumnElement[bool]]:
        """Return the conditions on a table."""
        found: list[ColumnElement[bool]] = [model.grain == self.grain] if with_grain else []
        if self.campaign_ids is not None:
            found.append(model.campaign_id.in_(self.campaign_ids))
        if self.laboratory_ids is not None:
            found.append(model.laboratory_id.in_(self.laboratory_ids))
        return found + [getattr(model, name) == value for name, value in self.columns.items()]


def read_day(
    session: Session,
    *,
    actor: Actor,
    scope: Scope,
    first_on: date,
    last_on: date,
    known_on: date | None = None,
) -> DayFigures:
    """Return what happened on some local days and where everything stood at their end.

    Args:
        session: reading session.
        actor: whose places are counted.
        scope: which part of them.
        first_on, last_on: both included, at most `MOST_DAYS`.
        known_on: as it was known at the end of that day; None: as it is known now.

    Raises:
        InvalidInput: the last day is before the first, or there are too many.
    """
    _check_days(first_on, last_on)
    limits = _limit(session, actor, scope)
    return DayFigures(
        first_on=first_on,
        last_on=last_on,
        known_on=known_on,
        counts=_read_counts(session, limits, first_on, last_on, known_on).get(None, {}),
        legs=_read_legs(session, limits, first_on, last_on, known_on).get(None, {}),
        standing=_read_standing(session, limits, min(last_on, known_on or last_on)).get(None, _nothing()),
    )


def read_days(
    session: Session,
    *,
    actor: Actor,
    scope: Scope,
    first_on: date,
    last_on: date,
    known_on: date | None = None,
) -> list[tuple[date, Mapping[tuple[str, str], int]]]:
    """Return what happened on each of some local days, oldest first; one statement for all of them.

    Args and errors as of `read_day`; each day with (measure, detail) → number.
    """
    _check_days(first_on, last_on)
    limits = _limit(session, actor, scope)
    found: defaultdict[date, dict[tuple[str, str], int]] = defaultdict(dict)
    query = (
        select(DayCount.day, DayCount.measure, DayCount.detail, func.sum(DayCount.number))
        .where(*limits.of(DayCount), DayCount.day.between(first_on, last_on), DayCount.measure != STANDING)
        .group_by(DayCount.day, DayCount.measure, DayCount.detail)
    )
    if known_on is not None:
        query = query.where(DayCount.known_on <= known_on)
    for day, measure, detail, number in session.execute(query):
        if number:
            found[day][measure, detail] = int(number)
    days = (last_on - first_on).days + 1
    return [(first_on + timedelta(days=n), found[first_on + timedelta(days=n)]) for n in range(days)]


def read_hours(
    session: Session, *, actor: Actor, scope: Scope, since: datetime, until: datetime
) -> list[HourFigures]:
    """Return what happened in each hour, oldest first, those without anything included.

    Args:
        session: reading session.
        actor: whose places are counted.
        scope: which part of them.
        since: aware; the hour it lies in is the first.
        until: aware; the hour that begins then is not in it any more.

    Raises:
        InvalidInput: `until` is not after `since`, or there are too many hours.
    """
    if not timedelta(0) < until - since <= timedelta(days=MOST_DAYS):
        raise InvalidInput(
            "Choose an end after the begin, at most %(most)s days later.", field="until", most=MOST_DAYS
        )
    limits = _limit(session, actor, scope)
    return _read_hours(session, limits, since, until).get(None) or _fill_hours({}, since, until)


def read_standing(session: Session, *, actor: Actor, scope: Scope) -> dict[str, int]:
    """Return how many samples stand at each station now, in the order of their way.

    Args:
        session: reading session.
        actor: whose places are counted.
        scope: which part of them.
    """
    return _read_level(session, _limit(session, actor, scope)).get(None, _nothing())


def read_laboratories(
    session: Session, *, actor: Actor, scope: Scope, day: date | None = None
) -> list[LaboratoryFigures]:
    """Return the actor's laboratories, by name: as many statements for one as for all.

    Args:
        session: reading session.
        actor: whose laboratories.
        scope: which part of them; what a commune or a team sent there, if it names one.
        day: of the figures; None for today. The hours are the last 24, whatever the day.
    """
    day = day or clock.today()
    limits = _limit(session, actor, scope)
    query = select(Place.id, Place.name).join(Laboratory, Laboratory.place_id == Place.id)
    if not actor.everywhere:
        query = query.where(Place.id.in_(actor.place_ids))
    if scope.laboratory_id is not None:
        query = query.where(Place.id == scope.laboratory_id)
    if scope.province_id is not None:
        query = query.where(Place.province_id == scope.province_id)
    places = session.execute(query.order_by(Place.name_key)).all()
    until = _hour(clock.now()) + timedelta(hours=1)
    since = until - timedelta(hours=24)
    counts = _read_counts(session, limits, day, day, None, by_laboratory=True)
    legs = _read_legs(session, limits, day, day, None, by_laboratory=True)
    standing = _read_standing(session, limits, day, by_laboratory=True)
    hours = _read_hours(session, limits, since, until, by_laboratory=True)
    oldest = _find_oldest_of(session, limits, [row.id for row in places])
    return [
        LaboratoryFigures(
            id=row.id,
            name=row.name,
            day=DayFigures(
                first_on=day,
                last_on=day,
                known_on=None,
                counts=counts.get(row.id, {}),
                legs=legs.get(row.id, {}),
                standing=standing.get(row.id, _nothing()),
            ),
            hours=hours.get(row.id) or _fill_hours({}, since, until),
            oldest=oldest.get(row.id),
        )
        for row in places
    ]


def find_oldest(session: Session, *, actor: Actor, scope: Scope, station: str | None = None) -> Oldest | None:
    """Return the sample that waits longest; None where nothing waits.

    Args:
        session: reading session.
        actor: whose places.
        scope: which part of them.
        station: only there; None for all stations.
    """
    rows = _list_waiting(session, _limit(session, actor, scope), station, None, 1)
    return next((Oldest(one.tube, one.station, one.laboratory_id, one.collected_at) for one in rows), None)


def find_oldest_by_station(session: Session, *, actor: Actor, scope: Scope) -> dict[str, Oldest]:
    """Return what waits longest at each station: one look into the index for each, in one statement.

    Args:
        session: reading session.
        actor: whose places.
        scope: which part of them.
    """
    limits = _limit(session, actor, scope)
    firsts = [
        select(Counted.id, Counted.station, Counted.laboratory_id, Counted.collected_at)
        .where(*limits.of(Counted, with_grain=False), Counted.station == station, Counted.station != "")
        .order_by(Counted.collected_at, Counted.id)
        .limit(1)
        .subquery()
        for station in STATIONS
    ]
    rows = session.execute(union_all(*(select(first) for first in firsts))).all()
    tubes = _map_tubes(session, [row.id for row in rows])
    return {
        row.station: Oldest(tubes[row.id], row.station, _known(row.laboratory_id), row.collected_at)
        for row in rows
        if row.id in tubes
    }


def list_waiting(
    session: Session,
    *,
    actor: Actor,
    scope: Scope,
    station: str | None = None,
    after: tuple[datetime, uuid.UUID] | None = None,
    most: int = 50,
) -> list[WaitingSample]:
    """Return the samples behind a station's number, the oldest first.

    Args:
        session: reading session.
        actor: whose places.
        scope: which part of them.
        station: key of `measures.STATIONS`; None for all.
        after: `collected_at` and `sample_id` of the last line of the page before.
        most: lines, at most `MOST_WAITING`.

    Raises:
        InvalidInput: there is no such station.
    """
    if station is not None and station not in STATIONS:
        raise InvalidInput("There is no such station. Choose one of the board.", field="station")
    limits = _limit(session, actor, scope)
    return _list_waiting(session, limits, station, after, max(1, min(most, MOST_WAITING)))


def read_pools(
    session: Session,
    *,
    actor: Actor,
    scope: Scope,
    first_on: date,
    last_on: date,
    known_on: date | None = None,
) -> list[PoolCounts]:
    """Return the screening pools with a clear finding by size, as `pooling.prevalence` estimates from.

    A pool has no commune: of a scope with a commune, a site or a team there are none.

    Args and errors as of `read_day`.
    """
    _check_days(first_on, last_on)
    counts = _read_counts(session, _limit(session, actor, scope), first_on, last_on, known_on).get(None, {})
    tested: defaultdict[int, int] = defaultdict(int)
    for (measure, detail), number in counts.items():
        if measure == "pools_tested":
            tested[int(detail)] += number
    return [
        PoolCounts(size=size, tested=number, positive=counts.get(("pools_positive", str(size)), 0))
        for size, number in sorted(tested.items())
        if number
    ]


def counted_until(session: Session) -> datetime:
    """Return the moment up to which every change is in the figures."""
    return session.scalar(select(func.min(Uncounted.recorded_at))) or clock.now()


def list_campaign_ids(session: Session, *, actor: Actor, scope: Scope) -> frozenset[uuid.UUID] | None:
    """Return the campaigns of a scope that the actor sees; None for all there are."""
    if actor.everywhere and scope.province_id is None:
        return scope.campaign_ids
    query = select(Campaign.id)
    if not actor.everywhere:
        # those of the provinces in which they work
        provinces = select(Place.province_id).where(Place.id.in_(actor.place_ids))
        query = query.where(Campaign.province_id.in_(provinces))
    if scope.province_id is not None:
        query = query.where(Campaign.province_id == scope.province_id)
    seen = frozenset(session.scalars(query))
    return seen if scope.campaign_ids is None else seen & scope.campaign_ids


def _limit(session: Session, actor: Actor, scope: Scope) -> _Limits:
    """Return what an actor may see: those who coordinate all of their campaigns, others their laboratories'."""
    laboratories: frozenset[uuid.UUID] | None = None
    if not (actor.everywhere or "coordinator" in actor.roles):
        laboratories = frozenset(
            session.scalars(select(Laboratory.place_id).where(Laboratory.place_id.in_(actor.place_ids)))
        )
    if scope.laboratory_id is not None:
        wanted = frozenset({scope.laboratory_id})
        laboratories = wanted if laboratories is None else laboratories & wanted
    columns = {"commune_id": scope.commune_id, "site_id": scope.site_id, "team": scope.team}
    return _Limits(
        campaign_ids=list_campaign_ids(session, actor=actor, scope=scope),
        laboratory_ids=laboratories,
        columns={name: value for name, value in columns.items() if value is not None},
    )


def _check_days(first_on: date, last_on: date) -> None:
    if not 0 <= (last_on - first_on).days < MOST_DAYS:
        raise InvalidInput(
            "Choose a last day that is not before the first, at most %(most)s days.",
            field="last_on",
            most=MOST_DAYS,
        )


def _nothing() -> dict[str, int]:
    return dict.fromkeys(STATIONS, 0)


def _place(model: type[Any], by_laboratory: bool) -> list[Any]:
    """Return what the rows of a statement are divided by."""
    return [model.laboratory_id] if by_laboratory else []


def _key(row: Sequence[Any], by_laboratory: bool) -> tuple[uuid.UUID | None, list[Any]]:
    """Return the laboratory of a row, or None for all together, and the rest."""
    return (row[0], list(row[1:])) if by_laboratory else (None, list(row))


_ByPlace = dict[uuid.UUID | None, Any]


def _read_counts(
    session: Session,
    limits: _Limits,
    first_on: date,
    last_on: date,
    known_on: date | None,
    *,
    by_laboratory: bool = False,
) -> _ByPlace:
    own = [*_place(DayCount, by_laboratory), DayCount.measure, DayCount.detail]
    query = (
        select(*own, func.sum(DayCount.number))
        .where(*limits.of(DayCount), DayCount.day.between(first_on, last_on), DayCount.measure != STANDING)
        .group_by(*own)
    )
    if known_on is not None:
        query = query.where(DayCount.known_on <= known_on)
    found: _ByPlace = {}
    for row in session.execute(query):
        key, (measure, detail, number) = _key(row, by_laboratory)
        if number:
            found.setdefault(key, {})[measure, detail] = int(number)
    return found


def _read_legs(
    session: Session,
    limits: _Limits,
    first_on: date,
    last_on: date,
    known_on: date | None,
    *,
    by_laboratory: bool = False,
) -> _ByPlace:
    own = [*_place(LegCount, by_laboratory), LegCount.leg, LegCount.bucket]
    query = (
        select(*own, func.sum(LegCount.number))
        .where(*limits.of(LegCount), LegCount.day.between(first_on, last_on))
        .group_by(*own)
    )
    if known_on is not None:
        query = query.where(LegCount.known_on <= known_on)
    buckets: defaultdict[uuid.UUID | None, dict[str, dict[int, int]]] = defaultdict(dict)
    for row in session.execute(query):
        key, (leg, bucket, number) = _key(row, by_laboratory)
        if number:
            buckets[key].setdefault(leg, {})[bucket] = int(number)
    return {key: {leg: Histogram(numbers) for leg, numbers in legs.items()} for key, legs in buckets.items()}


def _read_level(session: Session, limits: _Limits, *, by_laboratory: bool = False) -> _ByPlace:
    own = [*_place(Level, by_laboratory), Level.station]
    rows = session.execute(select(*own, func.sum(Level.number)).where(*limits.of(Level)).group_by(*own))
    found: _ByPlace = {}
    for row in rows:
        key, (station, number) = _key(row, by_laboratory)
        found.setdefault(key, _nothing())[station] = int(number)
    return found


def _read_standing(session: Session, limits: _Limits, day: date, *, by_laboratory: bool = False) -> _ByPlace:
    """Return what stood where at the end of a day: what stands there now, without what has changed since."""
    found = _read_level(session, limits, by_laboratory=by_laboratory)
    if day >= clock.today():
        return found
    own = [*_place(DayCount, by_laboratory), DayCount.detail]
    rows = session.execute(
        select(*own, func.sum(DayCount.number))
        .where(*limits.of(DayCount), DayCount.day > day, DayCount.measure == STANDING)
        .group_by(*own)
    )
    for row in rows:
        key, (station, number) = _key(row, by_laboratory)
        found.setdefault(key, _nothing())[station] -= int(number)
    return found


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _read_hours(
    session: Session, limits: _Limits, since: datetime, until: datetime, *, by_laboratory: bool = False
) -> _ByPlace:
    own = [*_place(HourCount, by_laboratory), HourCount.hour_at, HourCount.measure]
    rows = session.execute(
        select(*own, func.sum(HourCount.number))
        .where(*limits.of(HourCount), HourCount.hour_at >= _hour(since), HourCount.hour_at < until)
        .group_by(*own)
    )
    counts: defaultdict[uuid.UUID | None, dict[datetime, dict[str, int]]] = defaultdict(dict)
    for row in rows:
        key, (hour, measure, number) = _key(row, by_laboratory)
        if number:
            counts[key].setdefault(hour, {})[measure] = int(number)
    return {key: _fill_hours(hours, since, until) for key, hours in counts.items()}


def _fill_hours(
    counts: Mapping[datetime, Mapping[str, int]], since: datetime, until: datetime
) -> list[HourFigures]:
    """Return every hour of a time, empty where nothing happened."""
    found = []
    hour = _hour(since)
    while hour < until:
        found.append(HourFigures(hour, counts.get(hour, {})))
        hour += timedelta(hours=1)
    return found


def _list_waiting(
    session: Session,
    limits: _Limits,
    station: str | None,
    after: tuple[datetime, uuid.UUID] | None,
    most: int,
) -> list[WaitingSample]:
    query = (
        select(Counted.id, Counted.station, Counted.laboratory_id, Counted.collected_at)
        .where(*limits.of(Counted, with_grain=False), Counted.station != "")
        .order_by(Counted.collected_at, Counted.id)
        .limit(most)
    )
    if station is not None:
        query = query.where(Counted.station == station)
    if after is not None:
        query = query.where(tuple_(Counted.collected_at, Counted.id) > tuple_(*after))
    rows = session.execute(query).all()
    tubes = _map_tubes(session, [row.id for row in rows])
    return [
        WaitingSample(row.id, tubes[row.id], row.station, _known(row.laboratory_id), row.collected_at)
        for row in rows
        if row.id in tubes
    ]


def _map_tubes(session: Session, sample_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    rows = session.execute(
        select(Sample.id, Tube.code)
        .join(Tube, Tube.id == Sample.tube_id)
        .where(Sample.id.in_(list(sample_ids)))
    )
    return {row.id: row.code for row in rows}


def _known(place_id: uuid.UUID) -> uuid.UUID | None:
    return None if place_id == NOWHERE else place_id


def _find_oldest_of(
    session: Session, limits: _Limits, laboratory_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, Oldest]:
    """Return what each laboratory has in its hands for longest: one look into the index for each, in one statement.

    Not what is still to come, and not what is on hold: neither can be tested next.
    """
    first = (
        select(Counted.id)
        .where(
            *limits.of(Counted, with_grain=False),
            Counted.station != "",
            Counted.station.not_in(("at_the_site", "on_the_road", "held")),
            Counted.laboratory_id == Laboratory.place_id,
        )
        .order_by(Counted.collected_at, Counted.id)
        .limit(1)
        .correlate(Laboratory)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Counted.id, Counted.station, Counted.laboratory_id, Counted.collected_at)
        .select_from(Laboratory)
        .join(Counted, Counted.id == first)
        .where(Laboratory.place_id.in_(laboratory_ids))
    ).all()
    tubes = _map_tubes(session, [row.id for row in rows])
    return {
        row.laboratory_id: Oldest(tubes[row.id], row.station, row.laboratory_id, row.collected_at)
        for row in rows
        if row.id in tubes
    }
