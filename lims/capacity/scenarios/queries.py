"""Scenarios that were kept, and what the laboratories can do now."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.auth.actors import Actor
from lims.capacity.models.scenarios import KeptScenario
from lims.errors import NotFound
from lims.places.models import Place
from lims.places.queries import list_laboratories

MOST = 200
MOST_COMPARED = 6


def list_live_laboratories(
    session: Session, *, actor: Actor | None, province_id: uuid.UUID | None = None
) -> list[dict[str, Any]]:
    """Return the open laboratories with their capacities as a scenario's document names them.

    Args:
        session: reading session.
        actor: only their places; None for all.
        province_id: only of this province.
    """
    return [
        {
            "name": one.place.name,
            "screening_per_day": one.screening_per_day,
            "confirmation_per_day": one.confirmation_per_day,
        }
        for one in list_laboratories(session, actor=actor, province_id=province_id)
    ]


def list_scenarios(session: Session, *, actor: Actor) -> Sequence[KeptScenario]:
    """Return the kept scenarios of the provinces in which the actor works, the newest first."""
    query = select(KeptScenario).order_by(KeptScenario.kept_at.desc(), KeptScenario.id)
    return session.scalars(_among(query, actor).limit(MOST)).unique().all()


def get_scenario(
    session: Session, *, actor: Actor, scenario_id: uuid.UUID, lock: bool = False
) -> KeptScenario:
    """Return a kept scenario.

    Raises:
        NotFound: there is none in the provinces in which the actor works.
    """
    query = _among(select(KeptScenario).where(KeptScenario.id == scenario_id), actor)
    found = session.scalars(query.with_for_update(of=KeptScenario) if lock else query).one_or_none()
    if found is None:
        raise NotFound("There is no such scenario. Choose one from the list.", field="scenario_id")
    return found


def list_chosen(session: Session, *, actor: Actor, scenario_ids: Collection[uuid.UUID]) -> list[KeptScenario]:
    """Return at most `MOST_COMPARED` kept scenarios, in the order of the list; others' are left out."""
    return [one for one in list_scenarios(session, actor=actor) if one.id in scenario_ids][:MOST_COMPARED]


def list_own_provinces(session: Session, *, actor: Actor) -> Sequence[Place]:
    """Return the provinces in which the actor works, by name."""
    query = select(Place).where(Place.kind == "province").order_by(Place.name_key)
    if not actor.everywhere:
        works = select(Place.province_id).where(Place.id.in_(actor.place_ids))
        query = query.where(Place.id.in_(works))
    return session.scalars(query).unique().all()


def _among(query: Any, actor: Actor) -> Any:
    if actor.everywhere:
        return query
    works = select(Place.province_id).where(Place.id.in_(actor.place_ids))
    return query.where(KeptScenario.province_id.in_(works))
