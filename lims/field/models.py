"""Enrolments, phones, and every scan a phone has sent, raw and judged."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lims.auth.models import User
from lims.field import rules
from lims.places.models import Campaign, Place
from lims.tables import Base, Keyed, one_of, word

NOT_JUDGED = text("verdict IS NULL")


class Enrolment(Keyed, Base):
    """The right of one collector to use one phone at one site for one day; the code is kept as its SHA-256."""

    __tablename__ = "enrolment"
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"))
    place_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    team: Mapped[str] = mapped_column(String(60))
    day: Mapped[date]
    expires_at: Mapped[datetime]
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    user: Mapped[User] = relationship(foreign_keys=[user_id], lazy="joined", innerjoin=True)
    campaign: Mapped[Campaign] = relationship()
    place: Mapped[Place] = relationship(lazy="joined", innerjoin=True)
    device: Mapped[Device | None] = relationship(back_populates="enrolment")
    __table_args__ = (
        # the day's sheet of a site, and the coordinator's page
        Index(None, "day", "place_id"),
    )


class Device(Keyed, Base):
    """A phone that has used an enrolment: its token's hash, its public key, and what it last told of itself."""

    __tablename__ = "device"
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"), unique=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    # an uncompressed point of P-256
    public_key: Mapped[bytes] = mapped_column(LargeBinary(65), unique=True)
    label: Mapped[str] = mapped_column(String(80), default="")
    enrolled_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    last_seen_at: Mapped[datetime]
    unsent: Mapped[int] = mapped_column(default=0)
    # how far its clock was behind the server's when it last spoke, in milliseconds
    offset_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    app_version: Mapped[str] = mapped_column(word(16), default="")
    enrolment: Mapped[Enrolment] = relationship(back_populates="device", lazy="joined", innerjoin=True)
    __table_args__ = (CheckConstraint("unsent >= 0", name="unsent_not_negative"),)


class FieldScan(Keyed, Base):
    """One slip of a phone, its key made by the phone: as it came (sealed), what it says, and what was answered."""

    __tablename__ = "field_scan"
    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("device.id"))
    seq: Mapped[int]
    kind: Mapped[str] = mapped_column(word())
    content_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    raw_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    collector_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_account.id"))
    session_id: Mapped[uuid.UUID | None]
    tube_code: Mapped[str | None] = mapped_column(String(9), index=True)
    declaration_code: Mapped[str | None] = mapped_column(String(9), index=True)
    # which asking of the person the claim answers; empty where the declaration is not known
    attempt: Mapped[int | None]
    # the scan that this one takes back, or whose person this one binds
    of_scan_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    taken_back: Mapped[bool] = mapped_column(default=False)
    # by the phone's own clock, and corrected
    device_at: Mapped[datetime]
    occurred_at: Mapped[datetime]
    # as the phone had measured it; a clock that began again in 1970 is far off
    offset_ms: Mapped[int | None] = mapped_column(BigInteger)
    received_at: Mapped[datetime]
    carried_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    verdict: Mapped[str | None] = mapped_column(word(8))
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    device: Mapped[Device] = relationship()
    __table_args__ = (
        one_of("kind", rules.SCAN_KINDS),
        one_of("verdict", rules.VERDICTS),
        CheckConstraint("(verdict IS NULL) = (answer IS NULL)", name="judged_says_what"),
        # a phone's record, and how many in the last hour
        Index(None, "device_id", "occurred_at"),
        # what was kept and not judged yet, in the order of scanning
        Index(
            "ix_field_scan_not_judged",
            "device_id",
            "seq",
            sqlite_where=NOT_JUDGED,
            postgresql_where=NOT_JUDGED,
        ),
    )
