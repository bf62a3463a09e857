"""Reading programs with tokens of their own."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from lims.auth.models import ApiClient, User
from lims.auth.scopes import SOON
from lims.errors import NotFound


def find_live_client(session: Session, *, token_hash: bytes, now: datetime) -> ApiClient | None:
    """Return the program of a token that is neither revoked, ended, nor of a closed account; None for any other."""
    return session.scalars(
        select(ApiClient)
        .join(User, User.id == ApiClient.user_id)
        .where(
            ApiClient.token_hash == token_hash,
            ApiClient.revoked_at.is_(None),
            ApiClient.expires_at > now,
            User.is_active,
            User.is_service,
        )
    ).first()


def get_client(session: Session, *, api_client_id: uuid.UUID, lock: bool = False) -> ApiClient:
    """Return a program.

    Raises:
        NotFound: there is no such program.
    """
    client = session.get(ApiClient, api_client_id, with_for_update={"of": ApiClient} if lock else None)
    if client is None:
        raise NotFound("There is no such program.")
    return client


def list_clients(
    session: Session, *, before: uuid.UUID | None = None, most: int = 100
) -> Sequence[ApiClient]:
    """Return programs, the newest first, keyset-paged: those made before one of them."""
    query = select(ApiClient).order_by(ApiClient.id.desc()).limit(most)
    if before is not None:
        query = query.where(ApiClient.id < before)
    return session.scalars(query).all()


def ending_soon(now: datetime) -> Select[int]:
    """Return the query that counts the tokens in use that end within `scopes.SOON`."""
    return (
        select(func.count())
        .select_from(ApiClient)
        .where(ApiClient.revoked_at.is_(None), ApiClient.expires_at > now, ApiClient.expires_at <= now + SOON)
    )


def list_service_accounts(session: Session, *, most: int = 500) -> Sequence[User]:
    """Return the open accounts of programs, by user name."""
    return session.scalars(
        select(User).where(User.is_service, User.is_active).order_by(User.username).limit(most)
    ).all()
