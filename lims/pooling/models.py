"""Pools, plates and runs, readings and calls, assays.

A single test, a retest and a confirmation are pools of one tube with their purpose and parent. A plate goes through
a thermocycler once, so plate and run are one row.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lims.intake.models import Tube
from lims.places.models import Campaign, Place
from lims.pooling import rules
from lims.tables import Base, Keyed, one_of, word

IN_TEST = text("in_test")


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
        one_of("status", ("draft", "agreed", "retired")),
        CheckConstraint("agreed_by_id IS NULL OR agreed_by_id <> drafted_by_id", name="two_people_agree"),
    )


class Pool(Keyed, Base):
    """Tubes mixed into one reaction: one tube, or up to the policy's size. Members are frozen when it closes."""

    __tablename__ = "pool"
    code: Mapped[str] = mapped_column(String(9), unique=True)
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"))
    # where it is tested; empty for a confirmation until its tube has come to a laboratory that may confirm
    laboratory_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("place.id"))
    purpose: Mapped[str] = mapped_column(word())
    parent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("pool.id"), index=True)
    attempt: Mapped[int] = mapped_column(default=1)
    new_extraction: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(word(), default="open")
    finding: Mapped[str | None] = mapped_column(word())
    size_limit: Mapped[int]
    member_count: Mapped[int] = mapped_column(default=0)
    opened_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    called_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    campaign: Mapped[Campaign] = relationship()
    laboratory: Mapped[Place | None] = relationship()
    parent: Mapped[Pool | None] = relationship(remote_side="Pool.id")
    members: Mapped[list[PoolMember]] = relationship(back_populates="pool", order_by="PoolMember.position")
    __table_args__ = (
        one_of("purpose", rules.PURPOSES),
        one_of("status", rules.POOL.words),
        one_of("finding", rules.FINDINGS),
        CheckConstraint("size_limit BETWEEN 1 AND 20", name="size_limit_possible"),
        CheckConstraint("member_count BETWEEN 0 AND size_limit", name="not_overfull"),
        CheckConstraint("purpose = 'screen' OR parent_id IS NOT NULL", name="answers_another"),
        # a laboratory's worklist, most urgent first
        Index(None, "laboratory_id", "status", "purpose", "opened_at"),
        Index(None, "status", "purpose"),
    )


class PoolMember(Base):
    """A tube's place in a pool. `in_test` until the pool is called or void: a tube is in one such pool only."""

    __tablename__ = "pool_member"
    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pool.id"), primary_key=True)
    tube_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tube.id"), primary_key=True)
    position: Mapped[int]
    in_test: Mapped[bool] = mapped_column(default=True)
    added_at: Mapped[datetime]
    pool: Mapped[Pool] = relationship(back_populates="members")
    tube: Mapped[Tube] = relationship()
    __table_args__ = (
        UniqueConstraint("pool_id", "position"),
        CheckConstraint("position BETWEEN 1 AND 20", name="position_possible"),
        Index(
            "uq_pool_member_in_test", "tube_id", unique=True, sqlite_where=IN_TEST, postgresql_where=IN_TEST
        ),
        Index(None, "tube_id"),
    )


class Run(Keyed, Base):
    """A plate put through a thermocycler once."""

    __tablename__ = "run"
    code: Mapped[str] = mapped_column(String(9), unique=True)
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"))
    laboratory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    assay_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("assay.id"))
    size: Mapped[int]
    status: Mapped[str] = mapped_column(word(), default="planned")
    kit_lot: Mapped[str] = mapped_column(String(40), default="")
    instrument: Mapped[str] = mapped_column(String(80), default="")
    readings_version: Mapped[int] = mapped_column(default=0)
    failure: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    planned_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    planned_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    entered_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    entered_at: Mapped[datetime | None]
    reviewed_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    reviewed_at: Mapped[datetime | None]
    verified_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    verified_at: Mapped[datetime | None]
    assay: Mapped[Assay] = relationship(lazy="joined", innerjoin=True)
    laboratory: Mapped[Place] = relationship()
    campaign: Mapped[Campaign] = relationship()
    wells: Mapped[list[Well]] = relationship(back_populates="run", order_by="Well.position")
    __table_args__ = (
        one_of("status", rules.RUN.words),
        CheckConstraint("size IN (96, 384)", name="size_known"),
        # four eyes (DESIGN §3, rule 10)
        CheckConstraint("verified_by_id IS NULL OR verified_by_id <> entered_by_id", name="four_eyes"),
        Index(None, "laboratory_id", "status", "planned_at"),
    )


class Well(Base):
    """One well of a plate: a pool or a control."""

    __tablename__ = "well"
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("run.id"), primary_key=True)
    position: Mapped[str] = mapped_column(String(3), primary_key=True)
    pool_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("pool.id"), index=True)
    control: Mapped[str | None] = mapped_column(word())
    run: Mapped[Run] = relationship(back_populates="wells")
    pool: Mapped[Pool | None] = relationship()
    __table_args__ = (CheckConstraint("(pool_id IS NULL) <> (control IS NULL)", name="pool_or_control"),)


class ResultFile(Keyed, Base):
    """What was handed in for a run, as it came, with its hash; a second one is a new version beside the first."""

    __tablename__ = "result_file"
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("run.id"))
    version: Mapped[int]
    file_name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    received_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    received_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("run_id", "version"),)


class Reading(Base):
    """Ct of one target in one well, in one version of a run's readings; no Ct is NULL, the text is kept beside."""

    __tablename__ = "reading"
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("run.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[str] = mapped_column(String(3), primary_key=True)
    target: Mapped[str] = mapped_column(String(40), primary_key=True)
    ct: Mapped[float | None]
    raw_ct: Mapped[str] = mapped_column(String(40), default="")
    __table_args__ = (CheckConstraint("ct IS NULL OR ct BETWEEN 0 AND 60", name="ct_possible"),)


class WellCall(Base):
    """What the assay's version made of one well, with the sentence that explains it."""

    __tablename__ = "well_call"
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("run.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[str] = mapped_column(String(3), primary_key=True)
    assay_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("assay.id"))
    finding: Mapped[str] = mapped_column(word())
    reason: Mapped[str] = mapped_column(String(300))
    reason_parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    __table_args__ = (one_of("finding", rules.FINDINGS),)
