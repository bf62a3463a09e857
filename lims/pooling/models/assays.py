"""Assays, and the kits' lots they are run with."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lims.places.models import Place
from lims.tables import Base, Keyed, one_of, word

AGREED = text("status = 'agreed'")


class Assay(Keyed, Base):
    """A kit's rules, versioned: never changed, only followed by the next version; agreed by two people."""

    __tablename__ = "assay"
    name: Mapped[str] = mapped_column(String(80))
    version: Mapped[int]
    definition: Mapped[dict[str, Any]] = mapped_column(JSON)
    status: Mapped[str] = mapped_column(word(), default="draft")
    drafted_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    agreed_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("name", "version"),
        Index("uq_assay_agreed", "name", unique=True, sqlite_where=AGREED, postgresql_where=AGREED),
        one_of("status", ("draft", "agreed", "retired")),
        CheckConstraint("agreed_by_id IS NULL OR agreed_by_id <> drafted_by_id", name="two_people_agree"),
    )


class KitLot(Keyed, Base):
    """A lot of a kit in a laboratory: until when it may be used, and for how many reactions."""

    __tablename__ = "kit_lot"
    laboratory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    # of all its versions
    assay_name: Mapped[str] = mapped_column(String(80))
    lot: Mapped[str] = mapped_column(String(40))
    expires_on: Mapped[date]
    reactions: Mapped[int]
    withdrawn_reason: Mapped[str] = mapped_column(String(200), default="")
    withdrawn_at: Mapped[datetime | None]
    added_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    added_at: Mapped[datetime]
    laboratory: Mapped[Place] = relationship()
    __table_args__ = (
        UniqueConstraint("laboratory_id", "assay_name", "lot"),
        CheckConstraint("reactions BETWEEN 1 AND 1000000", name="reactions_possible"),
    )


class ControlLimits(Keyed, Base):
    """Mean and spread of a control's Ct for one lot on one instrument, frozen when a supervisor approved them."""

    __tablename__ = "control_limits"
    laboratory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    assay_name: Mapped[str] = mapped_column(String(80))
    kit_lot: Mapped[str] = mapped_column(String(40))
    instrument: Mapped[str] = mapped_column(String(80))
    control: Mapped[str] = mapped_column(word())
    target: Mapped[str] = mapped_column(String(40))
    mean: Mapped[float]
    sd: Mapped[float]
    count: Mapped[int]
    # Westgard rules whose violation holds the release of the run
    blocking: Mapped[list[str]] = mapped_column(JSON)
    approved_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    approved_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint(
            "laboratory_id",
            "assay_name",
            "kit_lot",
            "instrument",
            "control",
            "target",
            name="uq_control_limits_chart",
        ),
        CheckConstraint("sd >= 0 AND count >= 2", name="spread_possible"),
    )
