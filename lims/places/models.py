"""Where things happen: administrative places by edition, sites, laboratories, and the campaign with its policy."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lims.places import rules
from lims.tables import Base, Keyed, one_of, word

KINDS = ("province", "district", "commune", "site", "laboratory")
EDITION_2021 = "2021"


class Place(Keyed, Base):
    """A province, district, commune, site or laboratory.

    Keyed by (edition, kind, code): the 2025 reform reused almost every commune code of 2021 for another commune.
    `province_id` repeats the root of the parents: transactions and tenants stay inside one province.
    """

    __tablename__ = "place"
    edition: Mapped[str] = mapped_column(String(4), default=EDITION_2021)
    kind: Mapped[str] = mapped_column(word())
    code: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(120))
    name_key: Mapped[bytes] = mapped_column(LargeBinary)
    name_folded: Mapped[str] = mapped_column(String(120), index=True)
    parent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("place.id"), index=True)
    province_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    is_open: Mapped[bool] = mapped_column(default=True)
    parent: Mapped[Place | None] = relationship(remote_side="Place.id", lazy="joined", join_depth=2)
    __table_args__ = (UniqueConstraint("edition", "kind", "code"), one_of("kind", KINDS))

    @property
    def full_name(self) -> str:
        """The name with what it lies in, as commune names are not unique.

        A site often carries its commune's name at its end: that is not said twice.
        """
        within = self.parent
        if within and f" {self.name}".casefold().endswith(f" {within.name}".casefold()):
            within = within.parent
        return f"{self.name}, {within.full_name}" if within else self.name


class Laboratory(Base):
    """What a place of kind laboratory can do in a day, in reactions."""

    __tablename__ = "laboratory"
    place_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"), primary_key=True)
    screening_per_day: Mapped[int]
    confirmation_per_day: Mapped[int]
    can_confirm: Mapped[bool]
    place: Mapped[Place] = relationship(lazy="joined", innerjoin=True)
    __table_args__ = (
        CheckConstraint("screening_per_day >= 0 AND confirmation_per_day >= 0", name="capacity_not_negative"),
        CheckConstraint("can_confirm OR confirmation_per_day = 0", name="confirms_only_with_the_right"),
    )


class Campaign(Keyed, Base):
    """A testing drive in one province, with its pooling policy."""

    __tablename__ = "campaign"
    name: Mapped[str] = mapped_column(String(120))
    province_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    is_open: Mapped[bool] = mapped_column(default=True)
    pool_size: Mapped[int] = mapped_column(default=10)
    mixed_tube_size: Mapped[int] = mapped_column(default=10)
    symptomatic_alone: Mapped[bool] = mapped_column(default=True)
    contacts_alone: Mapped[bool] = mapped_column(default=False)
    confirm_all_members: Mapped[bool] = mapped_column(default=False)
    # how a positive pool is resolved; a tube mixed at collection is always resampled
    positive_pool_strategy: Mapped[str] = mapped_column(word(), default="singles")
    validity_hours: Mapped[int] = mapped_column(default=72)
    hold_limit_hours: Mapped[int] = mapped_column(default=48)
    coldest_c: Mapped[float] = mapped_column(default=2.0)
    warmest_c: Mapped[float] = mapped_column(default=8.0)
    # what to do next, in the campaign's own words; empty: the product's
    detected_advice_vi: Mapped[str] = mapped_column(String(1000), default="")
    detected_advice_en: Mapped[str] = mapped_column(String(1000), default="")
    second_test_advice_vi: Mapped[str] = mapped_column(String(1000), default="")
    second_test_advice_en: Mapped[str] = mapped_column(String(1000), default="")
    # people are told that a result is ready, but not at night: from this hour to that one, local time
    tells_people: Mapped[bool] = mapped_column(default=True)
    quiet_from_hour: Mapped[int] = mapped_column(default=21)
    quiet_until_hour: Mapped[int] = mapped_column(default=6)
    # how long a signed certificate can be verified, from the sampling on
    certificate_hours: Mapped[int] = mapped_column(default=72)
    # after its end, so many days until identities are erased; empty: never by itself
    retention_days: Mapped[int | None]
    identities_erased_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    province: Mapped[Place] = relationship(lazy="joined", innerjoin=True)
    __table_args__ = (
        CheckConstraint("pool_size BETWEEN 1 AND 20", name="pool_size_possible"),
        CheckConstraint("mixed_tube_size BETWEEN 1 AND 20", name="mixed_tube_size_possible"),
        CheckConstraint("validity_hours > 0 AND hold_limit_hours > 0", name="limits_positive"),
        CheckConstraint(
            "quiet_from_hour BETWEEN 0 AND 23 AND quiet_until_hour BETWEEN 0 AND 23",
            name="quiet_hours_possible",
        ),
        CheckConstraint("certificate_hours BETWEEN 1 AND 8760", name="certificate_hours_possible"),
        CheckConstraint("retention_days IS NULL OR retention_days >= 0", name="retention_possible"),
        one_of("positive_pool_strategy", rules.STRATEGIES),
        Index(None, "province_id", "is_open"),
    )
