"""Summaries: how many samples stand where, and what happened by hour and by day; written by the folding only.

A key's column that does not apply holds `NOWHERE` or an empty text, never NULL, so that the key is unique on every
engine. `grain` 0 counts by campaign and laboratory, 1 by commune, site and team as well: the board of a province reads
as few rows as it has laboratories, however many teams are at work.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from lims.tables import Base, word

WAITING = text("station <> ''")


def _waiting(*columns: str) -> Index:
    """Return an index over what stands at a station, in the order in which it was taken."""
    return Index(None, *columns, "collected_at", "id", sqlite_where=WAITING, postgresql_where=WAITING)


class Counted(Base):
    """One thing as it was counted last: where it stands and what has happened to it.

    `collected_at` is that of a sample, else the moment the thing began. `happened` is written by
    `lims.capacity.counting.parts.write`.
    """

    __tablename__ = "counted"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(word())
    station: Mapped[str] = mapped_column(word(), default="")
    campaign_id: Mapped[uuid.UUID]
    # where it lies
    laboratory_id: Mapped[uuid.UUID]
    commune_id: Mapped[uuid.UUID]
    site_id: Mapped[uuid.UUID]
    team: Mapped[str] = mapped_column(String(60), default="")
    collected_at: Mapped[datetime]
    happened: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        # what waits longest, of all and of each place; the list behind a number
        _waiting(),
        _waiting("station"),
        _waiting("laboratory_id"),
        _waiting("laboratory_id", "station"),
        _waiting("commune_id"),
    )


class CountingTurn(Base):
    """One row: whoever folds holds it until the end, so that one sample is not counted by two at once."""

    __tablename__ = "counting_turn"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    folded_at: Mapped[datetime | None]


class _Places:
    """The places of a key."""

    grain: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    campaign_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    laboratory_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    commune_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    site_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    team: Mapped[str] = mapped_column(String(60), primary_key=True)


class Level(_Places, Base):
    """How many samples stand at a station now."""

    __tablename__ = "level"
    station: Mapped[str] = mapped_column(word(), primary_key=True, sort_order=-1)
    number: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (Index(None, "grain", "laboratory_id"), Index(None, "commune_id"))


class HourCount(_Places, Base):
    """How often something happened in an hour, as known now."""

    __tablename__ = "hour_count"
    # the hour's begin, in UTC
    hour_at: Mapped[datetime] = mapped_column(primary_key=True, sort_order=-3)
    measure: Mapped[str] = mapped_column(word(), primary_key=True, sort_order=-2)
    detail: Mapped[str] = mapped_column(word(), primary_key=True, sort_order=-1)
    number: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (
        Index(None, "grain", "hour_at"),
        Index(None, "commune_id", "hour_at"),
        Index(None, "site_id", "hour_at"),
    )


class DayCount(_Places, Base):
    """How often something happened on a local day; what became known on a later day is a row of its own.

    Its measure `standing` is the change of a station on that day, with the station as its detail.
    """

    __tablename__ = "day_count"
    day: Mapped[date] = mapped_column(primary_key=True, sort_order=-4)
    measure: Mapped[str] = mapped_column(word(), primary_key=True, sort_order=-3)
    detail: Mapped[str] = mapped_column(word(), primary_key=True, sort_order=-2)
    known_on: Mapped[date] = mapped_column(primary_key=True, sort_order=-1)
    number: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (
        Index(None, "grain", "day"),
        Index(None, "commune_id", "day"),
        Index(None, "site_id", "day"),
    )


class LegCount(_Places, Base):
    """How many samples ended a leg of their way on a local day, by the bucket of how long it took."""

    __tablename__ = "leg_count"
    day: Mapped[date] = mapped_column(primary_key=True, sort_order=-4)
    leg: Mapped[str] = mapped_column(word(), primary_key=True, sort_order=-3)
    bucket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-2)
    known_on: Mapped[date] = mapped_column(primary_key=True, sort_order=-1)
    number: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (
        Index(None, "grain", "day"),
        Index(None, "commune_id", "day"),
        Index(None, "site_id", "day"),
    )
