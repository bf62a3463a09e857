"""Who is followed up, of whom, since when and how it is known; the days of their tests; the dated schedules."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lims.intake.contacts import rules
from lims.intake.models import Declaration, Person
from lims.places.models import Campaign, Place
from lims.tables import Base, Keyed, one_of, word

OPEN_LINK = text("status = 'open' AND of_id IS NOT NULL")


class FollowUp(Keyed, Base):
    """A person in a class, for some days: a case (F0), a contact of another follow-up (F1 to F3), or in quarantine."""

    __tablename__ = "follow_up"
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), index=True)
    # whose rapid-response team it is: where the person was declared for
    commune_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    contact_class: Mapped[str] = mapped_column(word())
    # of whom; empty for a case, for quarantine, and where the other one is not in this system
    of_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("follow_up.id"), index=True)
    # the last contact, the first day of quarantine, or the day of the sample that was detected
    since: Mapped[date]
    known_by: Mapped[str] = mapped_column(word())
    # of a case opened by a result
    sample_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("sample.id"), unique=True)
    # of a case: when its contacts were listed, or it was said that there are none
    listed_at: Mapped[datetime | None]
    # reported last; the person comes first until a sample is taken
    symptoms: Mapped[list[str]] = mapped_column(JSON)
    # the day of the test for them: of the report, or the next where a sample of that day was there already
    symptoms_on: Mapped[date | None]
    status: Mapped[str] = mapped_column(word(), default="open")
    opened_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    opened_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(word())
    ended_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    commune: Mapped[Place] = relationship()
    campaign: Mapped[Campaign] = relationship()
    of: Mapped[FollowUp | None] = relationship(remote_side="FollowUp.id")
    __table_args__ = (
        one_of("contact_class", rules.CLASSES),
        one_of("known_by", rules.KNOWN_BY),
        one_of("status", rules.STATUSES),
        one_of("end_reason", rules.END_REASONS),
        CheckConstraint("(status = 'ended') = (end_reason IS NOT NULL)", name="ended_says_why"),
        CheckConstraint("of_id IS NULL OR contact_class IN ('f1', 'f2', 'f3')", name="link_has_class"),
        # the same person is not twice a contact of the same one
        Index(
            "uq_follow_up_one_open_link",
            "of_id",
            "person_id",
            unique=True,
            sqlite_where=OPEN_LINK,
            postgresql_where=OPEN_LINK,
        ),
        Index(None, "commune_id", "status", "contact_class"),
    )


class DueTest(Keyed, Base):
    """One test of a follow-up's schedule; done once a sample of the person was taken on its day or later."""

    __tablename__ = "due_test"
    follow_up_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("follow_up.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    commune_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    # counted from the follow-up's first day
    day: Mapped[int]
    due_on: Mapped[date]
    # the declaration made beforehand for it
    declaration_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("declaration.id"))
    follow_up: Mapped[FollowUp] = relationship()
    declaration: Mapped[Declaration | None] = relationship()
    __table_args__ = (
        UniqueConstraint("follow_up_id", "day"),
        CheckConstraint("day >= 0", name="day_not_before_the_first"),
        Index(None, "commune_id", "due_on"),
        Index(None, "person_id", "due_on"),
    )


class FollowUpSchedule(Keyed, Base):
    """The days of a class's tests in a campaign, valid from a day; never changed, a later version takes its place."""

    __tablename__ = "follow_up_schedule"
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"))
    contact_class: Mapped[str] = mapped_column(word())
    valid_from: Mapped[date]
    version: Mapped[int]
    days: Mapped[list[int]] = mapped_column(JSON)
    set_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    set_at: Mapped[datetime]
    __table_args__ = (
        one_of("contact_class", rules.CLASSES),
        CheckConstraint("version >= 1", name="version_counts_from_one"),
        UniqueConstraint("campaign_id", "contact_class", "valid_from", "version"),
    )
