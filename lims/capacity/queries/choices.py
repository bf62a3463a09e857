"""What the figures can be narrowed to: campaigns, provinces, communes, laboratories and teams that an actor sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from lims.auth.actors import Actor
from lims.capacity.figures import Scope
from lims.capacity.queries.figures import list_campaign_ids
from lims.field.models import Enrolment
from lims.places.models import Campaign, Place

TEAM_DAYS = 7


@dataclass(frozen=True)
class Choices:
    """What may be chosen.

    Args:
        campaigns: the newest first.
        provinces, communes, laboratories: by name; communes of the provinces of the campaigns seen, only to whoever
            leads campaigns.
        teams: of the last days.
    """

    campaigns: Sequence[Campaign]
    provinces: Sequence[Place]
    communes: Sequence[Place]
    laboratories: Sequence[Place]
    teams: Sequence[str]


def list_choices(session: Session, *, actor: Actor, scope: Scope, day: date) -> Choices:
    """Return what an actor may narrow figures to.

    Args:
        session: reading session.
        actor: whose places.
        scope: communes are those of its province, where one is chosen.
        day: teams are those of the week up to it.
    """
    seen = list_campaign_ids(session, actor=actor, scope=Scope())
    query = select(Campaign).order_by(Campaign.is_open.desc(), Campaign.starts_on.desc(), Campaign.id)
    campaigns = session.scalars(query if seen is None else query.where(Campaign.id.in_(seen))).unique().all()
    provinces = sorted({row.province for row in campaigns}, key=lambda place: place.name_key)
    leads = actor.everywhere or "coordinator" in actor.roles
    wanted = [row for row in provinces if scope.province_id in (None, row.id)]
    # a country has ten thousand communes: they are offered once a province is chosen
    communes = _of_kind("commune", wanted) if leads and len(wanted) == 1 else None
    laboratories = _of_kind("laboratory", wanted)
    if not actor.everywhere:
        laboratories = laboratories.where(Place.id.in_(actor.place_ids))
    teams = (
        select(Enrolment.team)
        .where(
            Enrolment.campaign_id.in_([row.id for row in campaigns]),
            Enrolment.day.between(day - timedelta(days=TEAM_DAYS), day),
        )
        .distinct()
        .order_by(Enrolment.team)
    )
    return Choices(
        campaigns=campaigns,
        provinces=provinces,
        communes=session.scalars(communes).unique().all() if communes is not None else (),
        laboratories=session.scalars(laboratories).unique().all(),
        teams=session.scalars(teams).all(),
    )


def _of_kind(kind: str, provinces: Sequence[Place]) -> Select[Place]:
    return (
        select(Place)
        .where(Place.kind == kind, Place.province_id.in_([row.id for row in provinces]))
        .order_by(Place.name_key)
    )
