"""What an advice on the pool size is made from: an area's screening pools, and the reactions of a day."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from lims import clock
from lims.auth.actors import Actor
from lims.capacity.advice import SIZES, Accuracy, Advice, Measured, advise
from lims.capacity.figures import Scope
from lims.capacity.queries.figures import read_pools
from lims.errors import InvalidInput, NotFound
from lims.intake.models import Sample, Tube
from lims.places.models import Campaign, Laboratory, Place
from lims.pooling.models import Pool, PoolMember
from lims.pooling.prevalence import PoolCounts, Prevalence, estimate_prevalence

MOST_DAYS = 60
LONGEST_HELD_DAYS = 7
"""So long before its pool was called a sample may have been taken."""


@dataclass(frozen=True)
class AreaPools:
    """Screening pools with a clear finding.

    Args:
        pools: by size.
        left_out: pools that hold tubes of other areas as well, so that they say nothing of this one alone.
    """

    pools: Sequence[PoolCounts]
    left_out: int = 0


@dataclass(frozen=True)
class AdviceRead:
    """An advice with what it rests on.

    Args:
        campaign: which.
        area: a district or a commune; None for the whole campaign.
        days: so many local days, today included.
        pools: what was counted.
        estimate: the prevalence; None where no pool was called.
        reactions: screening reactions a day of the actor's laboratories.
        advice: None where no pool was called.
    """

    campaign: Campaign
    area: Place | None
    days: int
    pools: AreaPools
    estimate: Prevalence | None
    reactions: int
    advice: Advice | None


def read_advice(
    session: Session,
    *,
    actor: Actor,
    campaign_id: uuid.UUID | None,
    area_id: uuid.UUID | None,
    days: int,
    test: Accuracy,
) -> AdviceRead:
    """Return the advice for a campaign or a part of it, from its pools of the last days.

    Args:
        session: reading session.
        actor: whose places.
        campaign_id: None for the first that the actor sees.
        area_id: a district or a commune; None for the whole campaign.
        days: 1 to `MOST_DAYS`, today included.
        test: what the test can do; how positive pools are resolved is the campaign's.

    Raises:
        NotFound: no such campaign or area among the actor's places.
        InvalidInput: a number is impossible; names the field.
    """
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInput("Choose 1 to %(most)s days.", field="days", most=MOST_DAYS)
    campaign = get_advised_campaign(session, actor=actor, campaign_id=campaign_id)
    area = None
    if area_id is not None:
        areas = list_areas(session, actor=actor, province_id=campaign.province_id)
        area = next((place for place in areas if place.id == area_id), None)
        if area is None:
            raise NotFound("There is no such commune or district among your places.", field="area_id")
    pools = count_area_pools(session, actor=actor, campaign_id=campaign.id, area=area, days=days)
    reactions = sum_capacities(session, actor=actor, province_id=campaign.province_id)[0]
    test = replace(test, strategy=campaign.positive_pool_strategy)
    # refuses impossible shares also where there is nothing to advise yet
    advise(Measured(0.0, 0.0, 0.0), test=test)
    estimate = estimate_prevalence(pools.pools) if pools.pools else None
    advice = None
    if estimate is not None:
        interval = estimate.interval
        share = min(max(estimate.firth, interval.low), interval.high)
        advice = advise(
            Measured(share, interval.low, interval.high, interval.confidence),
            sizes=SIZES,
            test=test,
            size=campaign.pool_size,
            reactions=reactions,
        )
    return AdviceRead(campaign, area, days, pools, estimate, reactions, advice)


def list_advised_campaigns(session: Session, *, actor: Actor) -> Sequence[Campaign]:
    """Return the campaigns of the provinces in which the actor works, open ones first, then the newest."""
    query = select(Campaign).order_by(Campaign.is_open.desc(), Campaign.starts_on.desc(), Campaign.id)
    if not actor.everywhere:
        provinces = select(Place.province_id).where(Place.id.in_(actor.place_ids))
        query = query.where(Campaign.province_id.in_(provinces))
    return session.scalars(query.limit(200)).unique().all()


def list_areas(session: Session, *, actor: Actor, province_id: uuid.UUID) -> Sequence[Place]:
    """Return the districts of a province and their communes, each district before its communes.

    Args:
        session: reading session.
        actor: only their places; who works in a laboratory has none, and asks for the whole campaign.
        province_id: of the campaign.
    """
    query = select(Place).where(
        Place.province_id == province_id, Place.kind.in_(("district", "commune")), Place.is_open
    )
    if not actor.everywhere:
        query = query.where(Place.id.in_(actor.place_ids))
    places = session.scalars(query.order_by(Place.name_key)).unique().all()
    districts = [place for place in places if place.kind == "district"]
    below: defaultdict[uuid.UUID | None, list[Place]] = defaultdict(list)
    for place in places:
        if place.kind == "commune":
            below[place.parent_id].append(place)
    known = {district.id for district in districts}
    loose = [place for key, group in below.items() if key not in known for place in group]
    return [place for one in districts for place in (one, *below[one.id])] + loose


def count_area_pools(
    session: Session, *, actor: Actor, campaign_id: uuid.UUID, area: Place | None, days: int
) -> AreaPools:
    """Return the pools of the last local days, today included, by size.

    Those of a whole campaign come from the folded summaries. A pool has no commune: of an area count the pools whose
    tubes were all taken there. It is read from the samples of the area's sites on these days.

    Args:
        session: reading session.
        actor: whose places; who does not coordinate sees their laboratories' pools.
        campaign_id: one that the actor sees.
        area: a district or a commune; None for the whole campaign.
        days: 1 or more.
    """
    last_on = clock.today()
    first_on = last_on - timedelta(days=days - 1)
    if area is None:
        scope = Scope(campaign_ids=frozenset({campaign_id}))
        return AreaPools(read_pools(session, actor=actor, scope=scope, first_on=first_on, last_on=last_on))
    communes = select(Place.id).where(Place.parent_id == area.id, Place.kind == "commune")
    sites = select(Place.id).where(
        Place.kind == "site",
        Place.parent_id.in_(communes) if area.kind == "district" else Place.parent_id == area.id,
    )
    begins_at = datetime.combine(first_on, time.min, tzinfo=clock.ZONE)
    within = (
        select(Pool.id, Pool.member_count, Pool.finding, func.count(Tube.id.distinct()).label("tubes"))
        .join(PoolMember, PoolMember.pool_id == Pool.id)
        .join(Tube, Tube.id == PoolMember.tube_id)
        .join(Sample, Sample.tube_id == Tube.id)
        .where(
            Sample.place_id.in_(sites),
            Sample.sampled_on >= first_on - timedelta(days=LONGEST_HELD_DAYS),
            Sample.status != "void",
            Tube.mode != "mixed",
            Pool.campaign_id == campaign_id,
            Pool.purpose == "screen",
            Pool.status.in_(("called", "resolved")),
            Pool.finding.in_(("detected", "not_detected")),
            Pool.called_at >= begins_at,
        )
        .group_by(Pool.id, Pool.member_count, Pool.finding)
    )
    if not (actor.everywhere or "coordinator" in actor.roles):
        within = within.where(Pool.laboratory_id.in_(actor.place_ids))
    pools = within.subquery()
    whole = pools.c.tubes == pools.c.member_count
    positive = func.sum(case((pools.c.finding == "detected", 1), else_=0))
    rows = session.execute(
        select(whole, pools.c.member_count, func.count(), positive).group_by(whole, pools.c.member_count)
    ).all()
    return AreaPools(
        sorted(
            (PoolCounts(size, tested, int(found)) for is_whole, size, tested, found in rows if is_whole),
            key=lambda group: group.size,
        ),
        left_out=sum(tested for is_whole, _size, tested, _found in rows if not is_whole),
    )


def sum_capacities(
    session: Session, *, actor: Actor, province_id: uuid.UUID | None = None
) -> tuple[int, int, int]:
    """Return screening reactions and confirmations a day of the open laboratories, and how many these are.

    Args:
        session: reading session.
        actor: only their laboratories.
        province_id: only of this province; None for all.
    """
    query = (
        select(
            func.coalesce(func.sum(Laboratory.screening_per_day), 0),
            func.coalesce(func.sum(Laboratory.confirmation_per_day), 0),
            func.count(),
        )
        .join(Place, Place.id == Laboratory.place_id)
        .where(Place.is_open)
    )
    if province_id is not None:
        query = query.where(Place.province_id == province_id)
    if not actor.everywhere:
        query = query.where(Place.id.in_(actor.place_ids))
    screening, confirmations, number = session.execute(query).one()
    return int(screening), int(confirmations), int(number)


def get_advised_campaign(session: Session, *, actor: Actor, campaign_id: uuid.UUID | None) -> Campaign:
    """Return a campaign of the actor's provinces; the first of the list where none is asked for.

    Raises:
        NotFound: there is no such campaign, or none at all.
    """
    found = list_advised_campaigns(session, actor=actor)
    if not found:
        raise NotFound("Your places have no campaign. Ask your coordinator.", field="campaign_id")
    if campaign_id is None:
        return found[0]
    chosen = next((one for one in found if one.id == campaign_id), None)
    if chosen is None:
        raise NotFound("There is no such campaign. Choose one from the list.", field="campaign_id")
    return chosen
