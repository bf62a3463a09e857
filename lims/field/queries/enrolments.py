"""Reading enrolments: one for its QR, a day's for the sheet, and what a list of collectors refers to."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from lims import clock
from lims.auth.actors import Actor
from lims.auth.models import Assignment, User
from lims.errors import NotFound
from lims.field.enrolling import Holder
from lims.field.models import Device, Enrolment
from lims.field.queries.devices import places_above
from lims.msgid import N_
from lims.places.models import Campaign, Place

NOT_THERE = N_("There is no such enrolment among your places. Go back to the list of teams.")
NO_PHONE = N_("There is no such phone among your places. Go back to the list of teams.")
MOST_ON_SHEET = 2_000


def get_enrolment(
    session: Session, *, actor: Actor, enrolment_id: uuid.UUID, lock: bool = False
) -> Enrolment:
    """Return an enrolment of the actor's places with its phone, if one used it; with a lock, both are held.

    Raises:
        NotFound: there is none.
    """
    query = select(Enrolment).where(Enrolment.id == enrolment_id).options(joinedload(Enrolment.device))
    if lock:
        # and only then read: a phone that used it while this waited is seen
        for held in (
            select(Enrolment.id).where(Enrolment.id == enrolment_id),
            select(Device.id).where(Device.enrolment_id == enrolment_id),
        ):
            session.execute(held.with_for_update())
    found = session.scalars(query).unique().first()
    missing = NotFound(NOT_THERE, field="enrolment_id")
    if found is None:
        raise missing
    actor.check_place(found.place_id, missing=missing)
    return found


def get_device(session: Session, *, actor: Actor, device_id: uuid.UUID, lock: bool = False) -> Device:
    """Return a phone of the actor's places.

    Raises:
        NotFound: there is none.
    """
    query = select(Device).where(Device.id == device_id)
    if lock:
        query = query.with_for_update(of=Device)
    found = session.scalars(query).first()
    missing = NotFound(NO_PHONE, field="device_id")
    if found is None:
        raise missing
    actor.check_place(found.enrolment.place_id, missing=missing)
    return found


def list_unused(
    session: Session, *, actor: Actor, day: date, place_id: uuid.UUID | None = None, team: str = ""
) -> Sequence[Enrolment]:
    """Return the enrolments of a day that a phone can still use, by site, team and name.

    Returns:
        At most one more than a sheet takes.
    """
    query = (
        select(Enrolment)
        .join(User, User.id == Enrolment.user_id)
        .join(Place, Place.id == Enrolment.place_id)
        .where(
            Enrolment.day == day,
            Enrolment.withdrawn_at.is_(None),
            Enrolment.expires_at > clock.now(),
            ~select(Device.id).where(Device.enrolment_id == Enrolment.id).exists(),
        )
        .order_by(Place.name_key, Enrolment.team, User.display_name, Enrolment.id)
        .limit(MOST_ON_SHEET + 1)
    )
    if not actor.everywhere:
        query = query.where(Enrolment.place_id.in_(actor.place_ids))
    if place_id is not None:
        query = query.where(Enrolment.place_id == place_id)
    if team:
        query = query.where(Enrolment.team == team)
    return session.scalars(query).all()


def list_collectors(
    session: Session, *, place_id: uuid.UUID, user_ids: Collection[uuid.UUID] | None = None
) -> Sequence[Any]:
    """Return the open accounts that may collect at a site, by name.

    Args:
        session: reading or writing session.
        place_id: the site.
        user_ids: only those among these; None: all.

    Returns:
        `id, display_name, badge_code` of at most 2,000.
    """
    places = places_above(place_id)
    query = (
        select(User.id, User.display_name, User.badge_code)
        .join(Assignment, Assignment.user_id == User.id)
        .where(
            User.is_active,
            Assignment.role == "collector",
            or_(Assignment.place_id.in_(select(places.c.id)), Assignment.place_id.is_(None)),
        )
        .distinct()
        .order_by(User.display_name, User.id)
        .limit(2_000)
    )
    if user_ids is not None:
        query = query.where(User.id.in_(sorted(user_ids)))
    return session.execute(query).all()


def map_holders(session: Session, *, badges: Collection[str]) -> dict[str, Holder]:
    """Return whose some badges are, by code: only open accounts that collect somewhere."""
    rows = session.execute(
        select(User.badge_code, User.id, User.display_name, Assignment.place_id)
        .join(Assignment, Assignment.user_id == User.id)
        .where(User.badge_code.in_(sorted(badges)), User.is_active, Assignment.role == "collector")
    )
    found: dict[str, Holder] = {}
    for code, user_id, name, place_id in rows:
        badge = str(code)
        before = found[badge].places if badge in found else frozenset()
        found[badge] = Holder(user_id, name, before | {place_id})
    return found


def lock_lists(session: Session, *, campaign_id: uuid.UUID) -> None:
    """Take the turn to enrol a list in a campaign, so that the same list sent twice at one moment finds the other's.

    Whoever only refers to the campaign is not kept waiting.
    """
    session.execute(
        select(Campaign.id).where(Campaign.id == campaign_id).with_for_update(of=Campaign, key_share=True)
    )


def list_enrolled(session: Session, *, day: date, place_ids: Collection[uuid.UUID]) -> Sequence[Any]:
    """Return `user_id, display_name, team, place_id` of a day's enrolments at some sites that nobody withdrew."""
    return session.execute(
        select(User.id, User.display_name, Enrolment.team, Enrolment.place_id)
        .join(User, User.id == Enrolment.user_id)
        .where(
            Enrolment.day == day, Enrolment.place_id.in_(sorted(place_ids)), Enrolment.withdrawn_at.is_(None)
        )
    ).all()
