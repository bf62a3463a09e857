"""What is reported for one sample, versioned: amended by a new version, never overwritten."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lims.intake.models import Sample
from lims.pooling.models import Pool, Run
from lims.pooling.rules import FINDINGS
from lims.results import rules
from lims.tables import Base, Keyed, one_of, word

CURRENT = text("status <> 'superseded'")


class Result(Keyed, Base):
    """One version of what is reported for a sample. It hangs on a pool that was called, never on a list's row."""

    __tablename__ = "result"
    sample_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sample.id"))
    version: Mapped[int]
    status: Mapped[str] = mapped_column(word(), default="preliminary")
    finding: Mapped[str] = mapped_column(word())
    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pool.id"), index=True)
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("run.id"))
    laboratory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    entered_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    verified_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    verified_at: Mapped[datetime | None]
    released_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    released_at: Mapped[datetime | None]
    # what whoever released a positive says to have seen
    look: Mapped[str | None] = mapped_column(word())
    hold_reason: Mapped[str | None] = mapped_column(word())
    # of a hold that a supervisor set; all of it stays when the hold has ended
    hold_note: Mapped[str] = mapped_column(String(500), default="")
    held_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    held_at: Mapped[datetime | None]
    hold_ended_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    hold_ended_at: Mapped[datetime | None]
    hold_end_note: Mapped[str] = mapped_column(String(500), default="")
    amendment_reason: Mapped[str] = mapped_column(String(500), default="")
    withdrawn_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    withdrawn_at: Mapped[datetime | None]
    # in a supervisor's words, or the word of what withdrew it; also of one that was replaced since
    withdrawal_reason: Mapped[str] = mapped_column(String(500), default="")
    first_read_at: Mapped[datetime | None]
    # by the health station, where somebody could not read it online
    told_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    told_at: Mapped[datetime | None]
    sample: Mapped[Sample] = relationship()
    pool: Mapped[Pool] = relationship()
    run: Mapped[Run] = relationship()
    __table_args__ = (
        UniqueConstraint("sample_id", "version"),
        Index("uq_result_current", "sample_id", unique=True, sqlite_where=CURRENT, postgresql_where=CURRENT),
        one_of("status", rules.RESULT.words),
        one_of("finding", FINDINGS),
        one_of("hold_reason", rules.HOLD_REASONS),
        one_of("look", rules.LOOKS),
        CheckConstraint("verified_by_id IS NULL OR verified_by_id <> entered_by_id", name="four_eyes"),
        CheckConstraint("released_at IS NULL OR verified_at IS NOT NULL", name="verified_before_released"),
        CheckConstraint("told_at IS NULL OR released_at IS NOT NULL", name="told_after_release"),
        CheckConstraint("(status = 'held') = (hold_reason IS NOT NULL)", name="held_says_why"),
        CheckConstraint(
            "finding <> 'detected' OR released_at IS NULL OR look IS NOT NULL", name="detected_was_looked_at"
        ),
        Index(None, "laboratory_id", "status", "finding", "created_at"),
        Index(None, "run_id", "status"),
    )
