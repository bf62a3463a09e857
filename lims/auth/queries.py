"""Reading accounts and sessions."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session, aliased

from lims.auth.actors import Actor
from lims.auth.models import Assignment, SignIn, Throttle, User
from lims.errors import NotFound
from lims.places.models import Place

IDLE = timedelta(hours=10)


def find_live_session(session: Session, *, token_hash: bytes, kind: str, now: datetime) -> SignIn | None:
    """Return the session of a token if it is neither ended, expired, idle too long, nor of a closed account."""
    return session.scalars(
        select(SignIn)
        .join(User, User.id == SignIn.user_id)
        .where(
            SignIn.token_hash == token_hash,
            SignIn.kind == kind,
            SignIn.ended_at.is_(None),
            SignIn.expires_at > now,
            or_(SignIn.kind == "program", SignIn.last_seen_at > now - IDLE),
            User.is_active,
        )
    ).first()


def get_actor(session: Session, *, user_id: uuid.UUID) -> Actor:
    """Return an account as an actor, with every place below those it is assigned to.

    Raises:
        NotFound: there is no such account.
    """
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("There is no such account.")
    roots = {assignment.place_id for assignment in user.assignments}
    return Actor(
        user_id=user.id,
        display_name=user.display_name,
        roles=frozenset(assignment.role for assignment in user.assignments),
        place_ids=_places_below(session, {root for root in roots if root}),
        everywhere=None in roots,
        language=user.language,
    )


def _places_below(session: Session, roots: set[uuid.UUID]) -> frozenset[uuid.UUID]:
    if not roots:
        return frozenset()
    tree = select(Place.id).where(Place.id.in_(roots)).cte("tree", recursive=True)
    below = aliased(Place)
    tree = tree.union(select(below.id).where(below.parent_id == tree.c.id))
    return frozenset(session.scalars(select(tree.c.id)))


def find_user(session: Session, *, username: str) -> User | None:
    """Return the account of a name, however it is written, or None."""
    return session.scalars(select(User).where(User.username == username.strip().lower())).first()


def get_user(session: Session, *, username: str = "", user_id: uuid.UUID | None = None) -> User:
    """Return the account of a name or a key.

    Raises:
        NotFound: there is no such account.
    """
    user = session.get(User, user_id) if user_id else find_user(session, username=username)
    if user is None:
        raise NotFound("There is no such account.", field="user")
    return user


def list_users(session: Session, *, role: str = "", after: str = "", most: int = 100) -> Sequence[User]:
    """Return accounts by name, keyset-paged after a user name."""
    query = select(User).where(User.username > after).order_by(User.username).limit(most)
    if role:
        query = query.where(User.id.in_(select(Assignment.user_id).where(Assignment.role == role)))
    return session.scalars(query).all()


def count_demo_users(session: Session) -> int:
    """Return how many accounts have an open demo password; production starts only with none."""
    return session.scalar(select(func.count()).select_from(User).where(User.is_demo)) or 0


def count_users(session: Session) -> int:
    """Return how many accounts there are."""
    return session.scalar(select(func.count()).select_from(User)) or 0


class Counted(NamedTuple):
    """A counter of failed tries.

    Args:
        key: what is counted, hashed.
        window_started_at: since when.
        failures: how many.
    """

    key: str
    window_started_at: datetime
    failures: int


_THROTTLE = select(Throttle.key, Throttle.window_started_at, Throttle.failures).where(
    Throttle.key.in_(bindparam("keys", expanding=True))
)


def find_throttle(session: Session, *, keys: Sequence[str]) -> Sequence[Counted]:
    """Return the counters of failed tries of some keys."""
    return [Counted(*row) for row in session.connection().execute(_THROTTLE, {"keys": keys})]


def map_assigned_places(session: Session, *, users: Sequence[User]) -> dict[uuid.UUID, str]:
    """Return the names of the places that some accounts are assigned to, in one statement."""
    ids = {assignment.place_id for user in users for assignment in user.assignments if assignment.place_id}
    return {
        place.id: place.name
        for place in session.execute(select(Place.id, Place.name).where(Place.id.in_(ids)))
    }


def map_display_names(session: Session, *, user_ids: Collection[uuid.UUID | None]) -> dict[uuid.UUID, str]:
    """Return the names shown for some accounts, by their keys."""
    wanted = {user_id for user_id in user_ids if user_id is not None}
    rows = session.execute(select(User.id, User.display_name).where(User.id.in_(wanted)))
    return {row.id: row.display_name for row in rows}
