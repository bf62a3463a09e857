"""What the alarms look at, read for all places at once: as many statements for one laboratory as for all."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lims.auth.actors import SYSTEM
from lims.capacity.counting.parts import FINE, NOWHERE, TOTAL
from lims.capacity.figures import LaboratoryFigures, Scope
from lims.capacity.models.counts import Counted, DayCount
from lims.capacity.queries.figures import read_laboratories
from lims.field.models import Device, Enrolment
from lims.intake.models import Box, Sample, Tube
from lims.places.models import Campaign, Laboratory, Place
from lims.pooling.prevalence import PoolCounts

BASELINE_DAYS = 14
"""Of a laboratory's own pools, before the day that is looked at."""
TEMPERATURES_OF = timedelta(hours=24)


@dataclass(frozen=True)
class WatchedLaboratory:
    """A laboratory, and what it could do.

    Args:
        province_id: where it lies.
        campaign_id: the open campaign whose samples it tests; None where there is none.
        screening_per_day: reactions.
        figures: of now.
    """

    province_id: uuid.UUID
    campaign_id: uuid.UUID | None
    screening_per_day: int
    pool_size: int
    figures: LaboratoryFigures


def list_laboratories(session: Session) -> list[WatchedLaboratory]:
    """Return all laboratories of provinces with an open campaign."""
    campaigns = {
        row.province_id: row
        for row in session.execute(
            select(Campaign.province_id, Campaign.id, Campaign.pool_size)
            .where(Campaign.is_open)
            .order_by(Campaign.created_at)
        )
    }
    rows = {
        row.place_id: row
        for row in session.execute(
            select(Laboratory.place_id, Laboratory.screening_per_day, Place.province_id).join(
                Place, Place.id == Laboratory.place_id
            )
        )
    }
    return [
        WatchedLaboratory(
            province_id=rows[figures.id].province_id,
            campaign_id=campaigns[rows[figures.id].province_id].id,
            screening_per_day=rows[figures.id].screening_per_day,
            pool_size=campaigns[rows[figures.id].province_id].pool_size,
            figures=figures,
        )
        for figures in read_laboratories(session, actor=SYSTEM, scope=Scope())
        if rows[figures.id].province_id in campaigns
    ]


def map_pools(session: Session, *, first_on: date, last_on: date) -> dict[uuid.UUID, list[PoolCounts]]:
    """Return each laboratory's screening pools with a clear finding, by size, on some local days."""
    rows = session.execute(
        select(DayCount.laboratory_id, DayCount.measure, DayCount.detail, func.sum(DayCount.number))
        .where(
            DayCount.grain == TOTAL,
            DayCount.day.between(first_on, last_on),
            DayCount.measure.in_(("pools_tested", "pools_positive")),
        )
        .group_by(DayCount.laboratory_id, DayCount.measure, DayCount.detail)
    )
    counts: defaultdict[uuid.UUID, dict[tuple[str, int], int]] = defaultdict(dict)
    for laboratory_id, measure, size, number in rows:
        counts[laboratory_id][measure, int(size)] = int(number)
    return {
        key: [
            PoolCounts(size=size, tested=number, positive=found.get(("pools_positive", size), 0))
            for (measure, size), number in sorted(found.items())
            if measure == "pools_tested" and number
        ]
        for key, found in counts.items()
    }


@dataclass(frozen=True)
class WatchedBox:
    """A box on the road, or received within a day.

    Args:
        code: printed.
        laboratory_id, province_id, campaign_id: where it goes, and whose it is.
        dispatched_at: None once it was received.
        temperatures_c: out and in, where they were measured.
        coldest_c, warmest_c: of its campaign.
    """

    code: str
    laboratory_id: uuid.UUID
    province_id: uuid.UUID
    campaign_id: uuid.UUID
    dispatched_at: datetime | None
    temperatures_c: tuple[float | None, float | None]
    coldest_c: float
    warmest_c: float


def list_boxes(session: Session, *, now: datetime) -> list[WatchedBox]:
    """Return the boxes on the road and those received within a day."""
    rows = session.execute(
        select(Box, Campaign.coldest_c, Campaign.warmest_c, Campaign.province_id)
        .join(Campaign, Campaign.id == Box.campaign_id)
        .where(
            Campaign.is_open,
            Box.laboratory_id.in_(select(Laboratory.place_id)),
            (Box.status == "dispatched")
            | (Box.status.in_(("received", "reconciled")) & (Box.received_at > now - TEMPERATURES_OF)),
        )
    )
    return [
        WatchedBox(
            code=box.code,
            laboratory_id=box.laboratory_id,
            province_id=province_id,
            campaign_id=box.campaign_id,
            dispatched_at=box.dispatched_at if box.status == "dispatched" else None,
            temperatures_c=(box.temperature_out_c, box.temperature_in_c),
            coldest_c=coldest_c,
            warmest_c=warmest_c,
        )
        for box, coldest_c, warmest_c, province_id in rows
        if box.laboratory_id is not None
    ]


@dataclass(frozen=True)
class WatchedTeam:
    """A team of today and when the last of its phones was heard of."""

    team: str
    site_id: uuid.UUID
    province_id: uuid.UUID
    campaign_id: uuid.UUID
    last_seen_at: datetime


def list_teams(session: Session, *, day: date) -> list[WatchedTeam]:
    """Return the teams that work today and have used a phone, by site and team."""
    rows = session.execute(
        select(
            Enrolment.team,
            Enrolment.place_id,
            Enrolment.campaign_id,
            Campaign.province_id,
            func.max(Device.last_seen_at).label("last_seen_at"),
        )
        .join(Device, Device.enrolment_id == Enrolment.id)
        .join(Campaign, Campaign.id == Enrolment.campaign_id)
        .where(Enrolment.day == day, Enrolment.withdrawn_at.is_(None), Device.withdrawn_at.is_(None))
        .group_by(Enrolment.team, Enrolment.place_id, Enrolment.campaign_id, Campaign.province_id)
    )
    return [
        WatchedTeam(row.team, row.place_id, row.province_id, row.campaign_id, row.last_seen_at)
        for row in rows
    ]


@dataclass(frozen=True)
class WatchedCommune:
    """People of a commune in one campaign: declared, and sampled; since when."""

    commune_id: uuid.UUID
    province_id: uuid.UUID
    campaign_id: uuid.UUID
    declared: int
    sampled: int
    first_on: date


def list_communes(session: Session) -> list[WatchedCommune]:
    """Return the communes of open campaigns in which somebody declared."""
    rows = session.execute(
        select(
            DayCount.commune_id,
            DayCount.campaign_id,
            Campaign.province_id,
            DayCount.measure,
            func.sum(DayCount.number).label("number"),
            func.min(DayCount.day).label("first_on"),
        )
        .join(Campaign, Campaign.id == DayCount.campaign_id)
        .where(
            Campaign.is_open,
            DayCount.grain == FINE,
            DayCount.commune_id != NOWHERE,
            DayCount.measure.in_(("declared", "collected")),
        )
        .group_by(DayCount.commune_id, DayCount.campaign_id, Campaign.province_id, DayCount.measure)
    ).all()
    found: defaultdict[tuple[uuid.UUID, uuid.UUID, uuid.UUID], dict[str, tuple[int, date]]] = defaultdict(
        dict
    )
    for row in rows:
        found[row.commune_id, row.province_id, row.campaign_id][row.measure] = (int(row.number), row.first_on)
    return [
        WatchedCommune(
            commune_id=commune_id,
            province_id=province_id,
            campaign_id=campaign_id,
            declared=measures["declared"][0],
            sampled=measures.get("collected", (0, None))[0],
            first_on=measures["declared"][1],
        )
        for (commune_id, province_id, campaign_id), measures in found.items()
        if "declared" in measures
    ]


# of a campaign that is over, nobody is waited for
_OPEN = select(Campaign.id).where(Campaign.is_open)


def count_nameless_tubes(session: Session, *, before: datetime) -> dict[uuid.UUID, int]:
    """Return how many tubes each laboratory has received before a moment that still have no name."""
    named = select(Sample.id).where(Sample.tube_id == Tube.id, Sample.status != "void").exists()
    rows = session.execute(
        select(Tube.laboratory_id, func.count())
        .where(
            Tube.laboratory_id.in_(select(Laboratory.place_id)),
            Tube.campaign_id.in_(_OPEN),
            Tube.status == "received",
            Tube.received_at < before,
            ~named,
        )
        .group_by(Tube.laboratory_id)
    )
    return {key: int(number) for key, number in rows if key is not None}


def count_people_without_tubes(session: Session, *, before: datetime) -> Mapping[uuid.UUID, int]:
    """Return how many samples of each site were taken before a moment and have not come to a laboratory."""
    rows = session.execute(
        select(Counted.site_id, func.count())
        .where(
            Counted.station.in_(("at_the_site", "on_the_road")),
            Counted.collected_at < before,
            Counted.campaign_id.in_(_OPEN),
        )
        .group_by(Counted.site_id)
    )
    return {key: int(number) for key, number in rows if key != NOWHERE}


def map_provinces(session: Session, *, place_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Return the province of each place."""
    rows = session.execute(select(Place.id, Place.province_id).where(Place.id.in_(place_ids)))
    return {row.id: row.province_id for row in rows if row.province_id is not None}
