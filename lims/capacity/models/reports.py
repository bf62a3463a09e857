"""Reports as they were made, and when a province wants them."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lims.capacity.reports.content import KINDS
from lims.places.models import Place
from lims.tables import Base, Keyed, one_of, word


class Report(Keyed, Base):
    """A report of a province as it was made: it is never changed, what is known since is shown beside it."""

    __tablename__ = "report"
    kind: Mapped[str] = mapped_column(word())
    province_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    # the day, or the first day of the week
    first_on: Mapped[date]
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    # empty where it was made by itself
    made_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    made_at: Mapped[datetime]
    province: Mapped[Place] = relationship(lazy="joined", innerjoin=True)
    __table_args__ = (one_of("kind", KINDS), UniqueConstraint("province_id", "kind", "first_on"))


class ReportPlan(Base):
    """From which hour on a province's reports are made by themselves, or that none are."""

    __tablename__ = "report_plan"
    province_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"), primary_key=True)
    # local; the weekly one follows on Monday
    hour: Mapped[int]
    is_active: Mapped[bool]
    changed_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    changed_at: Mapped[datetime]
    __table_args__ = (CheckConstraint("hour BETWEEN 0 AND 23", name="hour_possible"),)
