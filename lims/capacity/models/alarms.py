"""Alarms that were raised, and the thresholds that somebody has changed."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lims.capacity.alarms.rules import KINDS
from lims.places.models import Campaign, Place
from lims.tables import Base, Keyed, one_of, word

OPEN = text("ended_at IS NULL")


class Alarm(Keyed, Base):
    """Something that was beyond its threshold, from when to when, and who has seen it."""

    __tablename__ = "alarm"
    kind: Mapped[str] = mapped_column(word(32))
    # a printed code, a team's name; empty where it is about the place
    subject: Mapped[str] = mapped_column(String(60), default="")
    place_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    campaign_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("campaign.id"))
    # as they were when it was last looked at
    numbers: Mapped[dict[str, Any]] = mapped_column(JSON)
    raised_at: Mapped[datetime]
    looked_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    seen_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    seen_at: Mapped[datetime | None]
    seen_note: Mapped[str] = mapped_column(String(500), default="")
    place: Mapped[Place] = relationship(lazy="joined", innerjoin=True)
    campaign: Mapped[Campaign | None] = relationship()
    __table_args__ = (
        one_of("kind", KINDS),
        CheckConstraint("(seen_at IS NULL) = (seen_by_id IS NULL)", name="seen_by_somebody"),
        # one open alarm of a kind for each subject
        Index(
            "uq_alarm_open",
            "kind",
            "place_id",
            "subject",
            unique=True,
            sqlite_where=OPEN,
            postgresql_where=OPEN,
        ),
        Index(None, "ended_at", "raised_at"),
    )


class AlarmThreshold(Keyed, Base):
    """A kind's thresholds as a province has set them, or that it wants no such alarm."""

    __tablename__ = "alarm_threshold"
    kind: Mapped[str] = mapped_column(word(32))
    province_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    limits: Mapped[dict[str, float]] = mapped_column(JSON)
    is_active: Mapped[bool] = mapped_column(default=True)
    changed_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    changed_at: Mapped[datetime]
    __table_args__ = (one_of("kind", KINDS), UniqueConstraint("kind", "province_id"))
