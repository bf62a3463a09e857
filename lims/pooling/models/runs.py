"""Plates and runs: wells, what was handed in for them, readings, curves and calls.

A plate goes through a thermocycler once, so plate and run are one row.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lims.places.models import Campaign, Place
from lims.pooling import rules
from lims.pooling.models.assays import Assay
from lims.pooling.models.pools import Extraction, Pool
from lims.tables import Base, Keyed, one_of, word


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
    # the lot of that number, where the laboratory keeps account of its lots
    kit_lot_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("kit_lot.id"), index=True)
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
    withdrawn_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    withdrawn_at: Mapped[datetime | None]
    withdrawal: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
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
    # the extraction that the pool came from, or that the control speaks for, as it was when the plate was planned
    extraction_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("extraction.id"))
    run: Mapped[Run] = relationship(back_populates="wells")
    pool: Mapped[Pool | None] = relationship()
    extraction: Mapped[Extraction | None] = relationship()
    __table_args__ = (CheckConstraint("(pool_id IS NULL) <> (control IS NULL)", name="pool_or_control"),)


class ResultFile(Keyed, Base):
    """What was handed in for a run, as it came, with its hash: kept before it is read, whatever comes of it."""

    __tablename__ = "result_file"
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("run.id"), index=True)
    file_name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    received_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    received_at: Mapped[datetime]
    run: Mapped[Run] = relationship()


class FileImport(Base):
    """What became of a file that was handed in: read and matched to the plate, looked at, accepted.

    Accepted, it is one version of the run's readings; a second one is a new version beside the first.
    """

    __tablename__ = "file_import"
    file_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("result_file.id"), primary_key=True)
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("run.id"))
    status: Mapped[str] = mapped_column(word())
    version: Mapped[int | None]
    format: Mapped[str] = mapped_column(String(40), default="")
    instrument: Mapped[str] = mapped_column(String(80), default="")
    started_at: Mapped[str] = mapped_column(String(40), default="")
    matched_by: Mapped[str] = mapped_column(word(), default="")
    # why it was refused, or what a person should know: code, message, parameters, sheet, row, column
    problems: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    # target → threshold; what the curves' values are
    thresholds: Mapped[dict[str, float] | None] = mapped_column(JSON(none_as_null=True))
    quantity: Mapped[str] = mapped_column(String(12), default="")
    # how its columns were read, where a person has named them
    column_map: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    file: Mapped[ResultFile] = relationship(lazy="joined", innerjoin=True)
    run: Mapped[Run] = relationship()
    __table_args__ = (
        UniqueConstraint("run_id", "version"),
        one_of("status", rules.FILE.words),
        CheckConstraint("(status = 'accepted') = (version IS NOT NULL)", name="accepted_is_a_version"),
    )


class Reading(Base):
    """Ct of one target in one well, in one version of a run's readings; no Ct is NULL, the text is kept beside."""

    __tablename__ = "reading"
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("run.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[str] = mapped_column(String(3), primary_key=True)
    target: Mapped[str] = mapped_column(String(40), primary_key=True)
    ct: Mapped[float | None]
    raw_ct: Mapped[str] = mapped_column(String(40), default="")
    # the instrument's own marks
    flags: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    __table_args__ = (CheckConstraint("ct IS NULL OR ct BETWEEN 0 AND 60", name="ct_possible"),)


class AmplificationCurve(Base):
    """The curve of one target in one well: single-precision values of consecutive cycles, little-endian."""

    __tablename__ = "amplification_curve"
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("run.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[str] = mapped_column(String(3), primary_key=True)
    target: Mapped[str] = mapped_column(String(40), primary_key=True)
    first_cycle: Mapped[int]
    points: Mapped[bytes] = mapped_column(LargeBinary)


class Instrument(Keyed, Base):
    """A laboratory's cycler whose export is read by columns that a technician has named once."""

    __tablename__ = "instrument"
    laboratory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    name: Mapped[str] = mapped_column(String(80))
    column_map: Mapped[dict[str, Any]] = mapped_column(JSON)
    mapped_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    mapped_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("laboratory_id", "name"),)


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
