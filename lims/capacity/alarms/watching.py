"""Looking at everything that can be an alarm, and saying what is one at this moment. Reads only."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from lims import clock
from lims.capacity.alarms import rules
from lims.capacity.alarms.rules import KINDS, Finding
from lims.capacity.queries import alarms as queries
from lims.capacity.queries import watched
from lims.capacity.queries.watched import WatchedLaboratory
from lims.pooling.prevalence import PoolCounts, estimate_prevalence
from lims.pooling.strategies import expected_reactions

Limits = Callable[[str, uuid.UUID], Mapping[str, float] | None]
"""A kind and a province: its thresholds, or None where that province wants no such alarm."""


def find_alarms(session: Session) -> list[Finding]:
    """Return everything that is an alarm now, in all open campaigns."""
    limits = _read_limits(session)
    return [
        *_of_laboratories(session, limits),
        *_of_boxes(session, limits),
        *_of_teams(session, limits),
        *_of_communes(session, limits),
        *_of_tubes_and_names(session, limits),
    ]


def _read_limits(session: Session) -> Limits:
    changed = queries.map_thresholds(session)

    def limits(kind: str, province_id: uuid.UUID) -> Mapping[str, float] | None:
        row = changed.get((kind, province_id))
        if row is None:
            return {threshold.name: threshold.preset for threshold in KINDS[kind].thresholds}
        return row.limits if row.is_active else None

    return limits


def _of_laboratories(session: Session, limits: Limits) -> Iterator[Finding]:
    today = clock.today()
    before = watched.map_pools(
        session, first_on=today - timedelta(days=watched.BASELINE_DAYS), last_on=today - timedelta(days=1)
    )
    pools = watched.map_pools(session, first_on=today, last_on=today)
    for laboratory in watched.list_laboratories(session):
        yield from _of_backlog(laboratory, limits)
        yield from _of_arrivals(laboratory, limits, before.get(laboratory.figures.id, []))
        yield from _of_positivity(laboratory, limits, pools, before)


def _of_backlog(laboratory: WatchedLaboratory, limits: Limits) -> Iterator[Finding]:
    here, oldest = limits("backlog_old", laboratory.province_id), laboratory.figures.oldest
    if here is None or oldest is None:
        return
    hours = rules.is_backlog_old(oldest.collected_at, now=clock.now(), limits=here)
    if hours is not None:
        # the tube is in the sentence; the alarm is the laboratory's, whichever tube is the oldest
        yield _at(laboratory, "backlog_old", {"hours": hours}, tube=oldest.tube)


def _of_arrivals(
    laboratory: WatchedLaboratory, limits: Limits, before: Sequence[PoolCounts]
) -> Iterator[Finding]:
    here = limits("arrivals_above_capacity", laboratory.province_id)
    if here is None:
        return
    whole_hours = [hour.counts.get("received", 0) for hour in laboratory.figures.hours[:-1]]
    found = rules.is_above_capacity(
        whole_hours, people_per_day=_people_per_day(laboratory, before), limits=here
    )
    if found is not None:
        received, possible = found
        yield _at(
            laboratory,
            "arrivals_above_capacity",
            {"received": received, "possible": possible, "hours": int(here["hours"])},
        )


def _people_per_day(laboratory: WatchedLaboratory, before: Sequence[PoolCounts]) -> float:
    prevalence = estimate_prevalence(before).firth if any(row.tested for row in before) else 0.0
    return laboratory.screening_per_day / expected_reactions(
        "singles", size=laboratory.pool_size, prevalence=prevalence
    )


def _of_positivity(
    laboratory: WatchedLaboratory,
    limits: Limits,
    pools: Mapping[uuid.UUID, Sequence[PoolCounts]],
    before: Mapping[uuid.UUID, Sequence[PoolCounts]],
) -> Iterator[Finding]:
    here, key = limits("positivity_shift", laboratory.province_id), laboratory.figures.id
    if here is None:
        return
    others = [row for some in (pools, before) for other, rows in some.items() if other != key for row in rows]
    shift = rules.find_shift(pools.get(key, []), own=before.get(key, []), others=others, limits=here)
    if shift is not None:
        yield _at(
            laboratory,
            "positivity_shift",
            {
                "positive": shift.positive,
                "tested": shift.tested,
                "own": round(shift.own, 1),
                "others": round(shift.others, 1),
            },
        )


def _at(laboratory: WatchedLaboratory, kind: str, numbers: Mapping[str, float], *, tube: str = "") -> Finding:
    return Finding(
        kind=kind,
        subject="",
        place_id=laboratory.figures.id,
        campaign_id=laboratory.campaign_id,
        numbers=numbers,
        tube=tube,
    )


def _of_boxes(session: Session, limits: Limits) -> Iterator[Finding]:
    now = clock.now()
    for box in watched.list_boxes(session, now=now):
        late = limits("box_late", box.province_id)
        if late is not None and box.dispatched_at is not None:
            hours = (now - box.dispatched_at) / timedelta(hours=1)
            if hours > late["hours"]:
                yield Finding("box_late", box.code, box.laboratory_id, box.campaign_id, {"hours": int(hours)})
        warm = limits("box_warm", box.province_id)
        if warm is None:
            continue
        temperature = rules.is_too_warm(
            box.temperatures_c, coldest_c=box.coldest_c, warmest_c=box.warmest_c, limits=warm
        )
        if temperature is not None:
            yield Finding(
                "box_warm", box.code, box.laboratory_id, box.campaign_id, {"temperature": temperature}
            )


def _of_teams(session: Session, limits: Limits) -> Iterator[Finding]:
    now = clock.now()
    first_hour, last_hour = rules.WORKING_HOURS
    if not first_hour <= clock.local(now).hour < last_hour:
        return
    for team in watched.list_teams(session, day=clock.today()):
        here = limits("team_silent", team.province_id)
        minutes = (now - team.last_seen_at) / timedelta(minutes=1)
        if here is not None and minutes > here["minutes"]:
            yield Finding("team_silent", team.team, team.site_id, team.campaign_id, {"minutes": int(minutes)})


def _of_communes(session: Session, limits: Limits) -> Iterator[Finding]:
    today = clock.today()
    for commune in watched.list_communes(session):
        here = limits("coverage_low", commune.province_id)
        if here is None:
            continue
        numbers = rules.is_coverage_low(
            declared=commune.declared,
            sampled=commune.sampled,
            days=(today - commune.first_on).days,
            limits=here,
        )
        if numbers is not None:
            yield Finding("coverage_low", "", commune.commune_id, commune.campaign_id, numbers)


def _of_tubes_and_names(session: Session, limits: Limits) -> Iterator[Finding]:
    """Counted once for each number of hours that some province has set."""
    now = clock.now()
    for kind, count in (
        ("tubes_without_names", watched.count_nameless_tubes),
        ("names_without_tubes", watched.count_people_without_tubes),
    ):
        yield from _of_count(session, limits, kind, count, now)


def _of_count(
    session: Session,
    limits: Limits,
    kind: str,
    count: Callable[..., Mapping[uuid.UUID, int]],
    now: datetime,
) -> Iterator[Finding]:
    preset = {threshold.name: threshold.preset for threshold in KINDS[kind].thresholds}
    hours = {preset["hours"], *queries.list_limits(session, kind=kind, name="hours")}
    counted = {span: count(session, before=now - timedelta(hours=span)) for span in hours}
    provinces = watched.map_provinces(
        session, place_ids=sorted({key for found in counted.values() for key in found})
    )
    for place_id, province_id in provinces.items():
        here = limits(kind, province_id)
        if here is None:
            continue
        number = counted[here["hours"]].get(place_id, 0)
        if number > here["number"]:
            yield Finding(kind, "", place_id, None, {"number": number, "hours": int(here["hours"])})
