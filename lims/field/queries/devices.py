"""Reading phones: by token, by key, and what a packet holds."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from lims.auth.models import Assignment, User
from lims.auth.rules import PERMISSIONS
from lims.field.models import Device, Enrolment
from lims.field.rules import TOKEN_LASTS
from lims.intake.models import Declaration, Person, Tube, TubeLot
from lims.places.models import Laboratory, Place

MOST_PEOPLE = 5_000
MOST_TUBES = 5_000
MOST_BADGES = 2_000


def find_live_device(session: Session, *, token_hash: bytes, now: datetime) -> Device | None:
    """Return the phone of a token unless it, its enrolment or its account is withdrawn, or the token too old."""
    return session.scalars(
        select(Device)
        .join(Enrolment, Enrolment.id == Device.enrolment_id)
        .join(User, User.id == Enrolment.user_id)
        .where(
            Device.token_hash == token_hash,
            Device.withdrawn_at.is_(None),
            Enrolment.withdrawn_at.is_(None),
            Enrolment.expires_at > now - TOKEN_LASTS,
            User.is_active,
        )
    ).first()


def get_device(session: Session, *, device_id: uuid.UUID) -> Device:
    """Return a phone that is known to be there, with its enrolment and campaign."""
    return session.scalars(
        select(Device)
        .where(Device.id == device_id)
        .options(joinedload(Device.enrolment).joinedload(Enrolment.campaign))
    ).one()


def map_devices(session: Session, *, device_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Device]:
    """Return some phones with their enrolments, in one statement; unknown keys are not in it."""
    rows = session.scalars(
        select(Device)
        .where(Device.id.in_(sorted(device_ids)))
        .options(joinedload(Device.enrolment).joinedload(Enrolment.campaign))
        .execution_options(populate_existing=True)
    )
    return {device.id: device for device in rows}


def list_roster(session: Session, *, enrolment: Enrolment) -> tuple[Sequence[Any], bool]:
    """Return who may come to a site: `code, name, birth_on, household_code, status, attempt`, and whether all fit.

    Those still to be sampled come first, so that they are not the ones left out; then whoever was sampled since the
    campaign began, so that a phone without network can say so before the swab.
    """
    commune_id = enrolment.place_id if enrolment.place.kind == "commune" else enrolment.place.parent_id
    rows = session.execute(
        select(
            Declaration.code,
            Person.name,
            Person.birth_on,
            Declaration.household_code,
            Declaration.status,
            Declaration.attempt,
        )
        .join(Person, Person.id == Declaration.person_id)
        .where(
            Declaration.campaign_id == enrolment.campaign_id,
            Declaration.commune_id == commune_id,
            Declaration.status.in_(("open", "sampled", "closed")),
        )
        .order_by(case((Declaration.status == "open", 0), else_=1), Person.name_key, Declaration.code)
        .limit(MOST_PEOPLE + 1)
    ).all()
    return rows[:MOST_PEOPLE], len(rows) > MOST_PEOPLE


def list_unused_tubes(session: Session, *, enrolment: Enrolment) -> dict[str, list[str]]:
    """Return the codes of printed tubes of the lots given to a site or to a place above it, by mode."""
    lots = places_above(enrolment.place_id)
    rows = session.execute(
        select(Tube.mode, Tube.code)
        .join(TubeLot, TubeLot.id == Tube.lot_id)
        .where(
            TubeLot.campaign_id == enrolment.campaign_id,
            TubeLot.place_id.in_(select(lots.c.id)),
            Tube.status == "printed",
        )
        .order_by(Tube.code)
        .limit(MOST_TUBES)
    )
    found: dict[str, list[str]] = {"single": [], "mixed": []}
    for row in rows:
        found[row.mode].append(row.code)
    return found


def list_badges(session: Session, *, place_id: uuid.UUID, permission: str) -> Sequence[Any]:
    """Return `badge_code, display_name` of the open accounts that have a permission at a place, by name."""
    roles = [role for role, permissions in PERMISSIONS.items() if permission in permissions]
    places = places_above(place_id)
    rows = session.execute(
        select(User.badge_code, User.display_name)
        .join(Assignment, Assignment.user_id == User.id)
        .where(
            User.is_active,
            User.badge_code.is_not(None),
            Assignment.role.in_(roles),
            or_(Assignment.place_id.in_(select(places.c.id)), Assignment.place_id.is_(None)),
        )
        .distinct()
        .order_by(User.display_name, User.badge_code)
        .limit(MOST_BADGES)
    )
    return rows.all()


def list_laboratories(session: Session, *, province_id: uuid.UUID) -> Sequence[Any]:
    """Return `id, name` of a province's open laboratories."""
    return session.execute(
        select(Place.id, Place.name)
        .join(Laboratory, Laboratory.place_id == Place.id)
        .where(Place.province_id == province_id, Place.is_open)
        .order_by(Place.name_key, Place.code)
    ).all()


def map_users_by_badge(session: Session, *, badges: Collection[str]) -> dict[str, uuid.UUID]:
    """Return the open accounts of some badges."""
    rows = session.execute(
        select(User.badge_code, User.id).where(User.badge_code.in_(sorted(badges)), User.is_active)
    )
    return {str(row.badge_code): row.id for row in rows}


def find_home_place(session: Session, *, user_id: uuid.UUID | None) -> uuid.UUID | None:
    """Return a place an account is assigned to, where a scan's own place is not known; None for everywhere."""
    return session.scalar(
        select(Assignment.place_id)
        .where(Assignment.user_id == user_id, Assignment.place_id.is_not(None))
        .order_by(Assignment.id)
        .limit(1)
    )


def places_above(place_id: uuid.UUID) -> Any:
    """Return a place and every place above it, as a query's table with the column `id`."""
    tree = select(Place.id, Place.parent_id).where(Place.id == place_id).cte("above", recursive=True)
    above = aliased(Place)
    return tree.union(select(above.id, above.parent_id).where(above.id == tree.c.parent_id))
