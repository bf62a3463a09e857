"""What every table is made of: the declarative base, keys, moments, and states as checked words.

Own `DeclarativeBase` instead of `db.Model`, so that models are plain SQLAlchemy and mypy reads them.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, DateTime, Dialect, MetaData, String, TypeDecorator, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Moment(TypeDecorator[datetime]):
    """An aware UTC moment on every engine; SQLite would otherwise forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Parent of all models."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: Moment(), uuid.UUID: Uuid()}


def new_id() -> uuid.UUID:
    """Return a new key: a version 7 UUID (RFC 9562), so that index pages fill in order of time."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (2**48 - 1)) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


class Keyed:
    """A row with a key made by the program: phones make them offline, provinces merge."""

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)


def word(length: int = 24) -> String:
    """Return the column type of a state, a kind or another short fixed word."""
    return String(length)


def one_of(column: str, words: Iterable[str], name: str | None = None) -> CheckConstraint:
    """Return the CHECK that keeps a column to its words (NULL passes)."""
    listed = ", ".join(f"'{item}'" for item in words)
    return CheckConstraint(f"{column} IN ({listed})", name=name or f"{column}_known")
