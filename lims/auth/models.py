"""Accounts, what they are assigned to, sessions kept on the server, and programs with tokens of their own."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lims.auth.rules import ROLES
from lims.tables import Base, Keyed, one_of, word


class User(Keyed, Base):
    """An account of staff, or of a program (a service account, which never signs in). Residents have none."""

    __tablename__ = "user_account"
    username: Mapped[str] = mapped_column(String(64), unique=True)
    display_name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str] = mapped_column(String(200))
    badge_code: Mapped[str | None] = mapped_column(String(9), unique=True)
    language: Mapped[str] = mapped_column(String(2), default="vi")
    is_active: Mapped[bool] = mapped_column(default=True)
    is_demo: Mapped[bool] = mapped_column(default=False)
    is_service: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime]
    assignments: Mapped[list[Assignment]] = relationship(back_populates="user", lazy="selectin")


class Assignment(Keyed, Base):
    """A role of an account, at a place and all places below it; no place: everywhere."""

    __tablename__ = "assignment"
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    role: Mapped[str] = mapped_column(word())
    place_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("place.id"))
    user: Mapped[User] = relationship(back_populates="assignments")
    __table_args__ = (UniqueConstraint("user_id", "role", "place_id"), one_of("role", ROLES))


class SignIn(Keyed, Base):
    """A session, kept here and not in the cookie, so that signing out or closing the account ends it at once.

    `kind` tells a browser's session from a program's token; one is never taken for the other.
    """

    __tablename__ = "sign_in"
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    kind: Mapped[str] = mapped_column(word())
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    started_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    __table_args__ = (one_of("kind", ("browser", "program")),)


class ApiClient(Keyed, Base):
    """A program that speaks for a service account with a token of its own, narrowed to some permissions.

    The token itself is kept nowhere. `scopes` are words of `auth.rules.PERMISSIONS`; a client may never do more than
    its account may at that moment.
    """

    __tablename__ = "api_client"
    name: Mapped[str] = mapped_column(String(80))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime]
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    user: Mapped[User] = relationship(foreign_keys=[user_id], lazy="joined")
    __table_args__ = (CheckConstraint("expires_at > created_at", name="expires_later"),)


class Throttle(Base):
    """Failed tries of one key (an address, a code, an account name; hashed) within one window of time."""

    __tablename__ = "throttle"
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    window_started_at: Mapped[datetime]
    failures: Mapped[int]
    __table_args__ = (Index(None, "window_started_at"),)
