"""Which files were taken away: who, when, what, how many rows, and the hash that a cut file does not have."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lims.auth.models import User
from lims.exports import rules
from lims.tables import Base, Keyed, one_of, word


class Export(Keyed, Base):
    """One file that was asked for. Without an end it was cut off on its way: nobody has the whole of it."""

    __tablename__ = "export"
    kind: Mapped[str] = mapped_column(word())
    format: Mapped[str] = mapped_column(word(8))
    # campaign and days, as keys and dates; never a name that was searched for
    filters: Mapped[dict[str, Any]] = mapped_column(JSON)
    asked_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    asked_at: Mapped[datetime]
    rows_expected: Mapped[int]
    rows_written: Mapped[int | None]
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    finished_at: Mapped[datetime | None]
    asked_by: Mapped[User | None] = relationship()
    __table_args__ = (
        one_of("kind", rules.KINDS),
        one_of("format", rules.FORMATS),
        CheckConstraint("rows_expected >= 0", name="count_possible"),
        CheckConstraint(
            "(finished_at IS NULL) = (sha256 IS NULL) AND (finished_at IS NULL) = (rows_written IS NULL)",
            name="finished_says_what",
        ),
        CheckConstraint("rows_written IS NULL OR rows_written = rows_expected", name="every_row_written"),
        Index(None, "asked_by_id", "asked_at"),
        Index(None, "asked_at"),
    )
