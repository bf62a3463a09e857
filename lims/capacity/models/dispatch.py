"""When laboratories work and when they have failed, how far it is to them, plans of boxes and what overruled them."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lims.capacity.dispatch.choosing import WAYS
from lims.capacity.dispatch.explaining import WORDS
from lims.intake.models import Box
from lims.places.models import Place
from lims.tables import Base, Keyed, one_of, word

STILL_CLOSED = text("opened_at IS NULL")
STILL_HOLDS = text("ended_at IS NULL")


class LaboratoryHours(Base):
    """When a laboratory works, in local time; without a row it works day and night."""

    __tablename__ = "laboratory_hours"
    laboratory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"), primary_key=True)
    opens_hour: Mapped[int]
    # not after the other: on the next day
    closes_hour: Mapped[int]
    # days of the week, as "1234567"; 1 is Monday
    days: Mapped[str] = mapped_column(String(7))
    changed_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    changed_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint(
            "opens_hour BETWEEN 0 AND 23 AND closes_hour BETWEEN 1 AND 24", name="hours_of_a_day"
        ),
        CheckConstraint("days <> ''", name="opens_some_day"),
    )


class LaboratoryClosure(Keyed, Base):
    """A laboratory that has failed, from when to when and why."""

    __tablename__ = "laboratory_closure"
    laboratory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    reason: Mapped[str] = mapped_column(String(200))
    closed_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    closed_at: Mapped[datetime]
    opened_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    opened_at: Mapped[datetime | None]
    __table_args__ = (
        Index(
            "uq_laboratory_closure_open",
            "laboratory_id",
            unique=True,
            sqlite_where=STILL_CLOSED,
            postgresql_where=STILL_CLOSED,
        ),
    )


class TravelTime(Keyed, Base):
    """How long a box takes from a place, or from all places in it, to a laboratory; the nearest place counts."""

    __tablename__ = "travel_time"
    origin_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    laboratory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    minutes: Mapped[int]
    changed_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    changed_at: Mapped[datetime]
    origin: Mapped[Place] = relationship(foreign_keys=[origin_id], lazy="joined", innerjoin=True)
    laboratory: Mapped[Place] = relationship(foreign_keys=[laboratory_id], lazy="joined", innerjoin=True)
    __table_args__ = (
        UniqueConstraint("origin_id", "laboratory_id"),
        CheckConstraint("minutes BETWEEN 1 AND 2880", name="minutes_possible"),
    )


class DispatchPlan(Keyed, Base):
    """Where all boxes of a province that were ready should go, as it was worked out at a moment."""

    __tablename__ = "dispatch_plan"
    province_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    planned_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    planned_at: Mapped[datetime]
    # how it was found; sums of the finishing times of all samples in sample minutes, and what none is below
    way: Mapped[str] = mapped_column(word())
    cost: Mapped[float]
    simple_cost: Mapped[float]
    bound: Mapped[float | None]
    boxes: Mapped[list[DispatchPlanBox]] = relationship(back_populates="plan", lazy="selectin")
    __table_args__ = (one_of("way", WAYS), Index(None, "province_id", "planned_at"))


class DispatchPlanBox(Base):
    """A box in a plan: where to, done when, and why not elsewhere; without a laboratory only why."""

    __tablename__ = "dispatch_plan_box"
    plan_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("dispatch_plan.id"), primary_key=True)
    box_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("box.id"), primary_key=True)
    laboratory_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("place.id"))
    done_at: Mapped[datetime | None]
    word: Mapped[str] = mapped_column(word())
    by_hand: Mapped[bool]
    other_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("place.id"))
    minutes: Mapped[int]
    number: Mapped[int]
    plan: Mapped[DispatchPlan] = relationship(back_populates="boxes")
    box: Mapped[Box] = relationship()
    __table_args__ = (one_of("word", WORDS), Index(None, "box_id"))


class DispatchOverrule(Keyed, Base):
    """Where somebody wants a box to go, whatever a plan says; it holds until it is taken back or replaced."""

    __tablename__ = "dispatch_overrule"
    box_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("box.id"))
    laboratory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    reason: Mapped[str] = mapped_column(String(200))
    overruled_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    overruled_at: Mapped[datetime]
    ended_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        Index(
            "uq_dispatch_overrule_holds",
            "box_id",
            unique=True,
            sqlite_where=STILL_HOLDS,
            postgresql_where=STILL_HOLDS,
        ),
    )
