"""Pools and their tubes, and what was extracted together."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lims.intake.models import Tube
from lims.places.models import Campaign, Place
from lims.pooling import rules
from lims.tables import Base, Keyed, one_of, word

IN_TEST = text("in_test")


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


class Extraction(Keyed, Base):
    """Pools whose RNA was extracted together, with the control that went through it with them."""

    __tablename__ = "extraction"
    code: Mapped[str] = mapped_column(String(9), unique=True)
    laboratory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    kit_lot: Mapped[str] = mapped_column(String(40), default="")
    instrument: Mapped[str] = mapped_column(String(80), default="")
    made_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    made_at: Mapped[datetime]
    # its control failed, or a person gave it up: what was extracted is extracted again
    failed_at: Mapped[datetime | None]
    failure: Mapped[str] = mapped_column(String(200), default="")
    laboratory: Mapped[Place] = relationship()
    pools: Mapped[list[ExtractedPool]] = relationship(
        back_populates="extraction", order_by="ExtractedPool.position"
    )
    __table_args__ = (Index(None, "laboratory_id", "made_at"),)


class ExtractedPool(Base):
    """A pool's place in an extraction; one that is extracted again is in a later one too."""

    __tablename__ = "extracted_pool"
    extraction_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("extraction.id"), primary_key=True)
    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pool.id"), primary_key=True, index=True)
    position: Mapped[int]
    extraction: Mapped[Extraction] = relationship(back_populates="pools")
    pool: Mapped[Pool] = relationship()
    __table_args__ = (UniqueConstraint("extraction_id", "position"),)
