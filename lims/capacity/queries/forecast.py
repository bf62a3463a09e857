"""What a forecast starts from: where samples stand now, how many come, what the laboratories can do and when."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from lims import clock
from lims.auth.actors import Actor
from lims.capacity.dispatch.speeds import ASSUMED
from lims.capacity.figures import HourFigures, LaboratoryFigures, Scope
from lims.capacity.forecast.values import HOURS, Assumptions, LaboratoryState, State
from lims.capacity.histograms import Histogram
from lims.capacity.models.dispatch import LaboratoryClosure, LaboratoryHours
from lims.capacity.queries.advice import get_advised_campaign
from lims.capacity.queries.figures import (
    read_day,
    read_hours,
    read_laboratories,
    read_pools,
    read_standing,
)
from lims.intake.models import Sample
from lims.places.models import Campaign, Laboratory, Place
from lims.pooling.prevalence import Prevalence, estimate_prevalence
from lims.results.models import Result

DAYS = 7
"""Days, today included, that tell how things have gone of late."""
LEAST_MEASURED = 50
"""Samples that a leg needs to have been gone by, before its median is believed."""
LONGEST_SIGNING = 480.0
"""Minutes; what took longer lay over night, which the simulation adds by itself."""


@dataclass(frozen=True)
class Start:
    """What a forecast starts from.

    Args:
        campaign: whose policy holds.
        state, assumptions: plain values of the simulation.
        estimate: the prevalence of the last days; None where no pool was called, and 1 % is supposed.
        days: so many days of arrivals were averaged.
        confirms_elsewhere: the reader's laboratories may not confirm and others do, whose queues they do not see.
        without_hours: names of the laboratories that have not said when they work.
    """

    campaign: Campaign
    state: State
    assumptions: Assumptions
    estimate: Prevalence | None
    days: int
    confirms_elsewhere: bool
    without_hours: Sequence[str]


def read_start(session: Session, *, actor: Actor, campaign_id: uuid.UUID | None = None) -> Start:
    """Return what a forecast of a campaign starts from, in the actor's places.

    Args:
        session: reading session.
        actor: whose places.
        campaign_id: None for the newest open one.

    Raises:
        NotFound: there is no such campaign among the actor's places.
    """
    campaign = get_advised_campaign(session, actor=actor, campaign_id=campaign_id)
    scope = Scope(campaign_ids=frozenset({campaign.id}), province_id=campaign.province_id)
    rows = read_laboratories(session, actor=actor, scope=scope)
    whole = read_standing(session, actor=actor, scope=scope)
    known = _map_laboratories(session, [row.id for row in rows])
    hours = _map_hours(session, known)
    closed = _list_closed(session, known)
    to_confirm = _count_to_confirm(session, campaign.id, known)
    elsewhere = not any(one.can_confirm for one in known.values()) and _may_others_confirm(
        session, campaign.province_id, known
    )
    laboratories = [
        _read_laboratory(
            row,
            known[row.id],
            hours=hours.get(row.id),
            is_closed=row.id in closed,
            to_confirm=0 if elsewhere else to_confirm.get(row.id, 0),
            elsewhere=elsewhere,
        )
        for row in rows
        if row.id in known
    ]
    if not any(one.share for one in laboratories):
        laboratories = [_share_by_capacity(one) for one in laboratories]
    standing = sum(one.standing for one in laboratories)
    at_the_site = min(whole["at_the_site"], max(0, sum(whole.values()) - standing))
    collected, days, road_minutes = _read_arrivals(session, actor, scope)
    estimate = _estimate(session, actor, scope)
    local = clock.local(clock.now())
    return Start(
        campaign=campaign,
        state=State(
            minute=60 * local.hour + local.minute,
            laboratories=laboratories,
            collected_by_hour=collected,
            at_the_site=at_the_site,
            held=max(0, sum(whole.values()) - standing - at_the_site),
        ),
        assumptions=_assume(session, actor, scope, campaign, estimate, road_minutes),
        estimate=estimate,
        days=days,
        confirms_elsewhere=elsewhere,
        without_hours=[row.name for row in rows if row.id in known and row.id not in hours],
    )


def _map_laboratories(session: Session, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Laboratory]:
    """Return the laboratories whose place is open."""
    query = (
        select(Laboratory)
        .join(Place, Place.id == Laboratory.place_id)
        .where(Laboratory.place_id.in_(ids), Place.is_open)
    )
    return {one.place_id: one for one in session.scalars(query).unique()}


def _map_hours(session: Session, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, LaboratoryHours]:
    rows = session.scalars(select(LaboratoryHours).where(LaboratoryHours.laboratory_id.in_(list(ids))))
    return {row.laboratory_id: row for row in rows}


def _list_closed(session: Session, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    query = select(LaboratoryClosure.laboratory_id).where(
        LaboratoryClosure.laboratory_id.in_(list(ids)), LaboratoryClosure.opened_at.is_(None)
    )
    return set(session.scalars(query))


def _count_to_confirm(
    session: Session, campaign_id: uuid.UUID, ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, int]:
    """Count the detected samples that wait for their confirmation, by the laboratory that detected them."""
    rows = session.execute(
        select(Result.laboratory_id, func.count())
        .join(Sample, Sample.id == Result.sample_id)
        .where(
            Result.laboratory_id.in_(list(ids)),
            Result.status == "held",
            Result.hold_reason == "confirmation",
            Sample.campaign_id == campaign_id,
        )
        .group_by(Result.laboratory_id)
    )
    return {key: number for key, number in rows if key}


def _may_others_confirm(session: Session, province_id: uuid.UUID, ids: Collection[uuid.UUID]) -> bool:
    query = select(
        exists(
            select(Laboratory.place_id)
            .join(Place, Place.id == Laboratory.place_id)
            .where(
                Place.province_id == province_id,
                Place.is_open,
                Laboratory.can_confirm,
                Laboratory.place_id.not_in(list(ids)),
            )
        )
    )
    return bool(session.scalar(query))


def _read_laboratory(
    row: LaboratoryFigures,
    known: Laboratory,
    *,
    hours: LaboratoryHours | None,
    is_closed: bool,
    to_confirm: int,
    elsewhere: bool,
) -> LaboratoryState:
    standing = row.day.standing
    received = sum(hour.counts.get("received", 0) for hour in row.hours)
    worked = None
    if hours is not None:
        worked = float((hours.closes_hour - hours.opens_hour) % HOURS or HOURS)
    return LaboratoryState(
        key=str(row.id),
        name=row.name,
        screening_per_day=0 if is_closed else known.screening_per_day,
        confirmation_per_day=0 if is_closed else known.confirmation_per_day,
        # what is confirmed elsewhere leaves this laboratory, and the reader's view
        can_confirm=known.can_confirm or elsewhere,
        opens_hour=None if hours is None else hours.opens_hour,
        worked_hours=worked,
        share=0.0 if is_closed else float(received),
        on_the_road=standing["on_the_road"],
        received=standing["received"],
        pooled=standing["pooled"],
        on_plate=standing["on_plate"],
        to_retest=standing["next_test"],
        to_confirm=min(to_confirm, standing["held"]),
        to_verify=standing["to_verify"],
        to_release=standing["to_release"],
    )


def _share_by_capacity(one: LaboratoryState) -> LaboratoryState:
    """Return a laboratory that gets new samples by its capacity, as none has received any of late."""
    return replace(one, share=float(one.screening_per_day))


def _read_arrivals(session: Session, actor: Actor, scope: Scope) -> tuple[list[float], int, float | None]:
    """Return the mean number of samples by local hour, over how many days, and the minutes of the way.

    Who works in a laboratory sees what it received: that is put back by the way, to when it was collected.
    """
    until = clock.now().replace(minute=0, second=0, microsecond=0)
    hours = read_hours(session, actor=actor, scope=scope, since=until - timedelta(days=DAYS), until=until)
    leg = _read_legs(session, actor, scope).get("collected_received")
    minutes = _find_median(leg)
    sees_sites = actor.everywhere or "coordinator" in actor.roles
    counts = _sum_by_hour(hours, "collected" if sees_sites else "received")
    seen = _count_seen(hours)
    back = 0 if sees_sites else round((minutes or 120.0) / 60)
    means = [count / max(1, times) for count, times in zip(counts, seen, strict=True)]
    return [means[(hour + back) % HOURS] for hour in range(HOURS)], max(1, *seen), minutes


def _sum_by_hour(hours: Sequence[HourFigures], measure: str) -> list[int]:
    counts = [0] * HOURS
    for hour in hours:
        counts[clock.local(hour.begins_at).hour] += hour.counts.get(measure, 0)
    return counts


def _count_seen(hours: Sequence[HourFigures]) -> list[int]:
    """Return how often each local hour has come since there has been anything.

    Not days: of a campaign that began yesterday at 08:00 most hours have come once, and a mean over two days would be
    half of what comes.
    """
    first = next((number for number, hour in enumerate(hours) if any(hour.counts.values())), len(hours))
    seen = [0] * HOURS
    for hour in hours[first:]:
        seen[clock.local(hour.begins_at).hour] += 1
    return seen


def _read_legs(session: Session, actor: Actor, scope: Scope) -> Mapping[str, Histogram]:
    today = clock.today()
    first = today - timedelta(days=DAYS - 1)
    return read_day(session, actor=actor, scope=scope, first_on=first, last_on=today).legs


def _find_median(leg: Histogram | None) -> float | None:
    return leg.quantile(0.5) if leg is not None and leg.total >= LEAST_MEASURED else None


def _estimate(session: Session, actor: Actor, scope: Scope) -> Prevalence | None:
    today = clock.today()
    first = today - timedelta(days=DAYS - 1)
    pools = read_pools(session, actor=actor, scope=scope, first_on=first, last_on=today)
    return estimate_prevalence(pools) if pools else None


def _assume(
    session: Session,
    actor: Actor,
    scope: Scope,
    campaign: Campaign,
    estimate: Prevalence | None,
    road_minutes: float | None,
) -> Assumptions:
    legs = _read_legs(session, actor, scope)
    usual = Assumptions(prevalence=ASSUMED, pool_size=campaign.pool_size)
    verify, release = _find_median(legs.get("tested_verified")), _find_median(legs.get("verified_released"))
    return Assumptions(
        prevalence=ASSUMED if estimate is None else min(1.0, max(0.0, estimate.firth)),
        pool_size=campaign.pool_size,
        strategy=campaign.positive_pool_strategy,
        confirm_all_members=campaign.confirm_all_members,
        road_minutes=usual.road_minutes if road_minutes is None else road_minutes,
        verify_minutes=min(LONGEST_SIGNING, usual.verify_minutes if verify is None else verify),
        release_minutes=min(LONGEST_SIGNING, usual.release_minutes if release is None else release),
    )
