"""What people ask of their own data, and what their data were before a correction."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lims.intake.models import Declaration, Person
from lims.personal import rules
from lims.places.models import Place
from lims.tables import Base, Keyed, one_of, word


class DataRequest(Keyed, Base):
    """A person's request about their own data. Its words are sealed under the person's key and die with it."""

    __tablename__ = "data_request"
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), index=True)
    # whose result code opened the page; its commune handles the request
    declaration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("declaration.id"))
    commune_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    kind: Mapped[str] = mapped_column(word())
    status: Mapped[str] = mapped_column(word(), default="open")
    note_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    asked_at: Mapped[datetime]
    answer_due_at: Mapped[datetime]
    done_due_at: Mapped[datetime]
    answered_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    answered_at: Mapped[datetime | None]
    decision: Mapped[str | None] = mapped_column(word())
    # what the person is told
    answer_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    settled_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    settled_at: Mapped[datetime | None]
    person: Mapped[Person] = relationship()
    declaration: Mapped[Declaration] = relationship()
    commune: Mapped[Place] = relationship()
    __table_args__ = (
        one_of("kind", rules.REQUEST_KINDS),
        one_of("status", rules.REQUEST.words),
        one_of("decision", rules.DECISIONS),
        CheckConstraint("(status = 'settled') = (decision IS NOT NULL)", name="settled_says_how"),
        CheckConstraint("(status = 'settled') = (settled_at IS NOT NULL)", name="settled_says_when"),
        # the worklist of a commune, the most urgent first
        Index(None, "status", "commune_id", "done_due_at"),
    )


class PersonCorrection(Keyed, Base):
    """What a person's data were before a correction, sealed under the person's key; which fields, in clear."""

    __tablename__ = "person_correction"
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    version: Mapped[int]
    fields: Mapped[list[str]] = mapped_column(JSON)
    before_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    request_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("data_request.id"))
    corrected_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    corrected_at: Mapped[datetime]
    __table_args__ = (
        Index("uq_person_correction_person_id_version", "person_id", "version", unique=True),
        CheckConstraint("version >= 1", name="version_counts_from_one"),
    )
