"""Reading places, laboratories and campaigns. Lists are in the Vietnamese order of their names."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any, TypeVar

from sqlalchemy import Select, case, select
from sqlalchemy.orm import Session

from lims import names
from lims.auth.actors import Actor
from lims.errors import NotFound
from lims.places.models import EDITION_2021, Campaign, Laboratory, Place

Query = TypeVar("Query", bound=Select[Any])


def get_place(session: Session, *, place_id: uuid.UUID, kind: str | None = None) -> Place:
    """Return a place by its key.

    Args:
        session: reading or writing session.
        place_id: key.
        kind: one of `models.KINDS` where only that kind will do.

    Raises:
        NotFound: there is no such place, or it is of another kind.
    """
    place = session.get(Place, place_id)
    if place is None or (kind is not None and place.kind != kind):
        raise NotFound("There is no such place. Choose one from the list.", field="place_id")
    return place


def find_place(session: Session, *, kind: str, code: str, edition: str = EDITION_2021) -> Place | None:
    """Return a place by (edition, kind, code), or None; a bare code is ambiguous between editions."""
    return session.scalars(
        select(Place).where(Place.edition == edition, Place.kind == kind, Place.code == code)
    ).first()


def get_commune(session: Session, *, code: str, edition: str = EDITION_2021) -> Place:
    """Return a commune by its five-digit code.

    Raises:
        NotFound: the edition has no such commune, or its province was not loaded.
    """
    place = find_place(session, kind="commune", code=code.strip(), edition=edition)
    if place is None:
        raise NotFound(
            "There is no commune with the code %(code)s here. Choose it from the list.",
            field="commune_code",
            code=code,
        )
    return place


def map_places(
    session: Session, *, kind: str, codes: Collection[str], edition: str = EDITION_2021
) -> dict[str, Place]:
    """Return the places of some codes by code, in one statement; unknown codes are not in it."""
    rows = session.scalars(
        select(Place).where(Place.edition == edition, Place.kind == kind, Place.code.in_(sorted(codes)))
    )
    return {place.code: place for place in rows}


def list_provinces(session: Session, *, edition: str = EDITION_2021) -> Sequence[Place]:
    """Return the provinces loaded."""
    return session.scalars(_named("province").where(Place.edition == edition)).all()


def list_communes(
    session: Session,
    *,
    province_id: uuid.UUID | None = None,
    campaign_id: uuid.UUID | None = None,
    text: str = "",
    most: int = 400,
) -> Sequence[Place]:
    """Return communes with the district and province they lie in.

    Args:
        session: reading session.
        province_id: only of this province.
        campaign_id: only of this campaign's province.
        text: part of a name, with or without marks, or the beginning of a code.
        most: rows returned; the largest province has 577.
    """
    query = _named("commune")
    if campaign_id is not None:
        province_id = get_campaign(session, campaign_id=campaign_id).province_id
    if province_id is not None:
        query = query.where(Place.province_id == province_id)
    if text.strip():
        query = query.where(
            Place.name_folded.contains(names.fold(text), autoescape=True)
            | Place.code.startswith(text.strip(), autoescape=True)
        )
    return session.scalars(query.limit(most)).all()


def list_workplaces(session: Session, *, most: int = 2000) -> Sequence[Place]:
    """Return every open place that an account can be assigned to, the largest kinds first."""
    order = case({"province": 1, "laboratory": 2, "district": 3, "site": 4, "commune": 5}, value=Place.kind)
    return session.scalars(
        select(Place).where(Place.is_open).order_by(order, Place.name_key, Place.code).limit(most)
    ).all()


def list_sites(
    session: Session, *, actor: Actor | None = None, province_id: uuid.UUID | None = None, most: int = 1000
) -> Sequence[Place]:
    """Return the open collection sites.

    Args:
        session: reading session.
        actor: only those among this actor's places; None: all.
        province_id: only of this province.
        most: rows returned.
    """
    query = _open_among(_named("site"), actor, province_id)
    return session.scalars(query.limit(most)).all()


def get_laboratory(session: Session, *, laboratory_id: uuid.UUID, actor: Actor | None = None) -> Laboratory:
    """Return a laboratory with its capacities; with an actor, only one of the actor's places.

    Raises:
        NotFound: there is no such laboratory.
    """
    laboratory = session.get(Laboratory, laboratory_id)
    if laboratory is None or (actor and not actor.sees(laboratory.place_id)):
        raise NotFound("There is no such laboratory. Choose one from the list.", field="laboratory_id")
    return laboratory


def list_laboratories(
    session: Session,
    *,
    actor: Actor | None = None,
    province_id: uuid.UUID | None = None,
    can_confirm: bool | None = None,
) -> Sequence[Laboratory]:
    """Return the open laboratories with their capacities.

    Args:
        session: reading session.
        actor: only those among this actor's places; None: all, as for choosing where to send a box.
        province_id: only of this province.
        can_confirm: only those with, or without, the right to confirm.
    """
    of_places = select(Laboratory).join(Place, Place.id == Laboratory.place_id)
    query = _open_among(of_places.order_by(Place.name_key, Place.code), actor, province_id)
    if can_confirm is not None:
        query = query.where(Laboratory.can_confirm == can_confirm)
    return session.scalars(query).unique().all()


def get_campaign(session: Session, *, campaign_id: uuid.UUID, actor: Actor | None = None) -> Campaign:
    """Return a campaign; with an actor, only one of the actor's provinces.

    Raises:
        NotFound: there is no such campaign.
    """
    campaign = session.get(Campaign, campaign_id)
    if campaign is None or (actor and not actor.sees(campaign.province_id)):
        raise NotFound("There is no such campaign. Choose one from the list.", field="campaign_id")
    return campaign


def get_campaign_around(session: Session, *, campaign_id: uuid.UUID, actor: Actor) -> Campaign:
    """Return a campaign in whose province the actor works, be it in one commune.

    Raises:
        NotFound: there is no such campaign.
    """
    campaign = get_campaign(session, campaign_id=campaign_id)
    works = select(Place.id).where(Place.province_id == campaign.province_id, Place.id.in_(actor.place_ids))
    if not actor.everywhere and session.scalar(works.limit(1)) is None:
        raise NotFound("There is no such campaign. Choose one from the list.", field="campaign_id")
    return campaign


def list_open_campaigns(session: Session, *, province_id: uuid.UUID | None = None) -> Sequence[Campaign]:
    """Return the campaigns people can declare for now, the newest first."""
    query = select(Campaign).where(Campaign.is_open).order_by(Campaign.starts_on.desc(), Campaign.id)
    if province_id is not None:
        query = query.where(Campaign.province_id == province_id)
    return session.scalars(query).unique().all()


def list_campaigns(session: Session, *, most: int = 200) -> Sequence[Campaign]:
    """Return all campaigns, the newest first."""
    return (
        session.scalars(select(Campaign).order_by(Campaign.starts_on.desc(), Campaign.id).limit(most))
        .unique()
        .all()
    )


def _named(kind: str) -> Select[Place]:
    """Return the query for the places of a kind, in the order of their names."""
    return select(Place).where(Place.kind == kind).order_by(Place.name_key, Place.code)


def _open_among(query: Query, actor: Actor | None, province_id: uuid.UUID | None) -> Query:
    """Return a query narrowed to open places, of an actor and of a province where these are given."""
    query = query.where(Place.is_open)
    if province_id is not None:
        query = query.where(Place.province_id == province_id)
    if actor is not None and not actor.everywhere:
        query = query.where(Place.id.in_(actor.place_ids))
    return query
