"""People, declarations, tubes, samples, boxes, and what did not fit.

Where a thing is belongs to the tube; whose it is and what was found belongs to the sample (DESIGN §3).
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lims.intake import rules
from lims.places.models import Campaign, Place
from lims.tables import Base, Keyed, one_of, word

NOT_VOID = text("status <> 'void'")
LIVE_CODE = text("revoked_at IS NULL")


def _unless_void(*columns: str) -> Index:
    """Return a UNIQUE index over the rows that still count."""
    return Index(
        f"uq_sample_{'_'.join(columns)}",
        *columns,
        unique=True,
        sqlite_where=NOT_VOID,
        postgresql_where=NOT_VOID,
    )


class Person(Keyed, Base):
    """Whoever is tested. Phone and address are sealed under the person's own key; a phone is never unique."""

    __tablename__ = "person"
    name: Mapped[str] = mapped_column(String(120))
    name_key: Mapped[bytes] = mapped_column(LargeBinary)
    name_folded: Mapped[str] = mapped_column(String(120), index=True)
    # the first day of what is known: 1 January where only the year is
    birth_on: Mapped[date]
    birth_precision: Mapped[str] = mapped_column(word())
    sex: Mapped[str] = mapped_column(word())
    commune_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    person_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    address_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    address_index: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    # their identity was erased: the name is empty and the key is gone, counts and custody stay
    erased_at: Mapped[datetime | None]
    # they asked that their data be only kept: no file that is taken away names them
    restricted_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    commune: Mapped[Place] = relationship(lazy="joined", innerjoin=True)
    identities: Mapped[list[PersonIdentity]] = relationship(back_populates="person", lazy="selectin")
    __table_args__ = (
        one_of("birth_precision", ("day", "month", "year")),
        one_of("sex", rules.SEXES),
        # the list of a commune's people, in the Vietnamese order, keyset-paged
        Index(None, "commune_id", "name_key", "id"),
    )


class PersonIdentity(Keyed, Base):
    """A number of an identity paper; one person may have an old and a new one."""

    __tablename__ = "person_identity"
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[str] = mapped_column(word())
    number_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    number_index: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    # keyed hash of the name and birth date that the number was given with
    bearer_index: Mapped[bytes] = mapped_column(LargeBinary(32))
    person: Mapped[Person] = relationship(back_populates="identities")
    __table_args__ = (
        UniqueConstraint("person_id", "number_index"),
        # two requests at one moment do not make one person twice; a number given by two people stays possible
        UniqueConstraint("number_index", "bearer_index"),
        one_of("kind", ("cccd", "cmnd", "passport", "other")),
    )


class Declaration(Keyed, Base):
    """What a person states before sampling; its code is the QR that collectors scan."""

    __tablename__ = "declaration"
    code: Mapped[str] = mapped_column(String(9), unique=True)
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), index=True)
    commune_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    household_code: Mapped[str | None] = mapped_column(String(9), index=True)
    status: Mapped[str] = mapped_column(word(), default="open")
    # why a new sample is asked for; empty until then
    resample_reason: Mapped[str] = mapped_column(word(), default="")
    attempt: Mapped[int] = mapped_column(default=1)
    symptoms: Mapped[list[str]] = mapped_column(JSON)
    has_symptoms: Mapped[bool]
    is_contact: Mapped[bool]
    declared_by: Mapped[str] = mapped_column(word())
    declared_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    # which text was agreed to (lims/intake/consent.py), how, and when
    consent_version: Mapped[str] = mapped_column(word())
    consent_given: Mapped[str] = mapped_column(word(), default="ticked")
    consented_at: Mapped[datetime]
    client_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    # keyed hash of an imported row, so that the same list creates nothing twice
    natural_key: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    campaign: Mapped[Campaign] = relationship()
    commune: Mapped[Place] = relationship(foreign_keys=[commune_id])
    __table_args__ = (
        UniqueConstraint("campaign_id", "natural_key"),
        one_of("status", rules.DECLARATION.words),
        one_of("declared_by", rules.DECLARED_BY),
        one_of("consent_given", rules.CONSENT_WAYS),
        CheckConstraint("attempt >= 1", name="attempt_counts_from_one"),
        Index(None, "commune_id", "status", "created_at"),
        Index(None, "campaign_id", "status"),
    )


class ResultCode(Keyed, Base):
    """The secret of the resident's part, kept only as a keyed hash; a lost one is revoked and issued anew."""

    __tablename__ = "result_code"
    declaration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("declaration.id"))
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    issued_at: Mapped[datetime]
    issued_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    revoked_at: Mapped[datetime | None]
    declaration: Mapped[Declaration] = relationship()
    __table_args__ = (
        Index(
            "uq_result_code_one_live",
            "declaration_id",
            unique=True,
            sqlite_where=LIVE_CODE,
            postgresql_where=LIVE_CODE,
        ),
    )


class PeopleImport(Keyed, Base):
    """A list of people that was read: every row is accepted, repeated or refused, never dropped."""

    __tablename__ = "people_import"
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"))
    commune_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("place.id"))
    file_name: Mapped[str] = mapped_column(String(200))
    file_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    rows_read: Mapped[int]
    accepted: Mapped[int]
    repeated: Mapped[int]
    refused: Mapped[int]
    refused_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    imported_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    imported_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("rows_read = accepted + repeated + refused", name="every_row_accounted_for"),
        Index(None, "imported_by_id", "imported_at"),
    )


class TubeLot(Keyed, Base):
    """A batch of printed tube codes; its mode, single or mixed, is that of all its tubes."""

    __tablename__ = "tube_lot"
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"), index=True)
    mode: Mapped[str] = mapped_column(word())
    tube_count: Mapped[int]
    place_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("place.id"))
    minted_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    minted_at: Mapped[datetime]
    place: Mapped[Place | None] = relationship()
    __table_args__ = (
        one_of("mode", rules.MODES),
        CheckConstraint("tube_count BETWEEN 1 AND 100000", name="size_possible"),
    )


class Box(Keyed, Base):
    """The sealed transport container of tubes, on its way from a site or a laboratory to a laboratory."""

    __tablename__ = "box"
    code: Mapped[str] = mapped_column(String(9), unique=True)
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"))
    status: Mapped[str] = mapped_column(word(), default="open")
    # empty until the first tube is packed: until then it is only a printed label
    origin_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("place.id"))
    laboratory_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("place.id"))
    sealed_count: Mapped[int | None]
    packed_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    courier_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    temperature_out_c: Mapped[float | None]
    temperature_in_c: Mapped[float | None]
    minted_at: Mapped[datetime]
    sealed_at: Mapped[datetime | None]
    dispatched_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    reconciled_at: Mapped[datetime | None]
    campaign: Mapped[Campaign] = relationship()
    origin: Mapped[Place | None] = relationship(foreign_keys=[origin_id])
    laboratory: Mapped[Place | None] = relationship(foreign_keys=[laboratory_id])
    __table_args__ = (
        one_of("status", rules.BOX.words),
        Index(None, "laboratory_id", "status"),
        Index(None, "origin_id", "status"),
    )


class Tube(Keyed, Base):
    """The physical container: one sample, or up to the policy's number when swabs are mixed at collection."""

    __tablename__ = "tube"
    code: Mapped[str] = mapped_column(String(9), unique=True)
    lot_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tube_lot.id"), index=True)
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"))
    mode: Mapped[str] = mapped_column(word())
    status: Mapped[str] = mapped_column(word(), default="printed")
    # the one collection session that fills it
    session_id: Mapped[uuid.UUID | None]
    # how many people its collector closed it with; empty while it is being filled
    closed_count: Mapped[int | None]
    place_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("place.id"))
    collected_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    collected_at: Mapped[datetime | None]
    box_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("box.id"), index=True)
    laboratory_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("place.id"))
    received_at: Mapped[datetime | None]
    # the rack and the place in it, as "3-07": in the order received, then where it is kept
    rack_position: Mapped[str] = mapped_column(String(12), default="")
    storage_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("storage.id"))
    rejection_reason: Mapped[str] = mapped_column(word(), default="")
    campaign: Mapped[Campaign] = relationship()
    place: Mapped[Place | None] = relationship(foreign_keys=[place_id])
    laboratory: Mapped[Place | None] = relationship(foreign_keys=[laboratory_id])
    box: Mapped[Box | None] = relationship()
    storage: Mapped[Storage | None] = relationship()
    samples: Mapped[list[Sample]] = relationship(back_populates="tube", order_by="Sample.slot")
    __table_args__ = (
        one_of("mode", rules.MODES),
        one_of("status", rules.TUBE.words),
        CheckConstraint(
            "mode = 'mixed' OR closed_count IS NULL OR closed_count = 1", name="single_holds_one"
        ),
        # a laboratory's tubes that wait, oldest first; a site's tubes not yet on the road
        Index(None, "laboratory_id", "status", "received_at"),
        Index(None, "place_id", "status", "collected_at"),
    )


class Storage(Keyed, Base):
    """Where a laboratory keeps tubes: a refrigerator or a freezer with its temperature."""

    __tablename__ = "storage"
    laboratory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    name: Mapped[str] = mapped_column(String(40))
    temperature_c: Mapped[float]
    __table_args__ = (UniqueConstraint("laboratory_id", "name"),)


class SecondSwab(Base):
    """A second tube of the same person, taken at the same visit and kept until the first one's pool is positive."""

    __tablename__ = "second_swab"
    tube_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tube.id"), primary_key=True)
    second_tube_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tube.id"), unique=True)
    noted_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    noted_at: Mapped[datetime]
    __table_args__ = (CheckConstraint("tube_id <> second_tube_id", name="two_tubes"),)


class BoxTube(Base):
    """A tube's place in one box: packed, and what the laboratory found."""

    __tablename__ = "box_tube"
    box_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("box.id"), primary_key=True)
    tube_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tube.id"), primary_key=True)
    state: Mapped[str] = mapped_column(word(), default="packed")
    packed_at: Mapped[datetime]
    tube: Mapped[Tube] = relationship(lazy="joined", innerjoin=True)
    __table_args__ = (
        one_of("state", ("packed", "taken_out", "received", "missing", "extra", "damaged", "rejected")),
        Index(None, "tube_id"),
    )


class Sample(Keyed, Base):
    """One person's specimen, taken once: whose it is and what was found."""

    __tablename__ = "sample"
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"))
    declaration_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("declaration.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    tube_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tube.id"))
    slot: Mapped[int]
    attempt: Mapped[int]
    status: Mapped[str] = mapped_column(word(), default="bound")
    finding: Mapped[str | None] = mapped_column(word())
    place_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    commune_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    collected_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    sampled_on: Mapped[date]
    sampled_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    client_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    declaration: Mapped[Declaration] = relationship()
    person: Mapped[Person] = relationship()
    tube: Mapped[Tube] = relationship(back_populates="samples")
    __table_args__ = (
        one_of("status", rules.SAMPLE.words),
        one_of("finding", ("detected", "not_detected", "inconclusive", "invalid")),
        CheckConstraint("slot BETWEEN 1 AND 20", name="slot_possible"),
        # the database's own word on "a tube's slot holds one person" and "one sample a person, day and asking"
        _unless_void("tube_id", "slot"),
        _unless_void("declaration_id", "attempt"),
        _unless_void("person_id", "sampled_on", "attempt"),
        Index(None, "campaign_id", "status"),
        Index(None, "commune_id", "status"),
        Index(None, "place_id", "sampled_on"),
    )


class Discrepancy(Keyed, Base):
    """A scan or a record that does not fit, kept whole until a person settles it."""

    __tablename__ = "discrepancy"
    kind: Mapped[str] = mapped_column(word())
    campaign_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("campaign.id"))
    place_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("place.id"))
    tube_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("tube.id"), index=True)
    declaration_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("declaration.id"), index=True)
    box_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("box.id"), index=True)
    # a pool, a run; no foreign keys, as intake knows nothing of the laboratory's tables
    pool_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    run_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    holds_results: Mapped[bool]
    # codes and numbers for the list; the scan itself is sealed
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    raw_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    status: Mapped[str] = mapped_column(word(), default="open")
    opened_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    opened_at: Mapped[datetime]
    settlement: Mapped[str | None] = mapped_column(word())
    settled_note: Mapped[str] = mapped_column(String(500), default="")
    settled_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    settled_at: Mapped[datetime | None]
    place: Mapped[Place | None] = relationship()
    tube: Mapped[Tube | None] = relationship()
    declaration: Mapped[Declaration | None] = relationship()
    box: Mapped[Box | None] = relationship()
    __table_args__ = (
        one_of("kind", rules.DISCREPANCY_KINDS),
        one_of("status", ("open", "settled")),
        one_of("settlement", rules.SETTLEMENTS),
        CheckConstraint("(status = 'settled') = (settlement IS NOT NULL)", name="settled_says_how"),
        Index(None, "status", "place_id", "opened_at"),
    )


class PersonAccess(Keyed, Base):
    """Somebody of the staff, or a program, has read a person's data; shown to that person on request.

    Not an event: reading changes nothing of the chain of custody, and is told to that person.
    """

    __tablename__ = "person_access"
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    # the account; empty for the system
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    # where it was shown, a word of `intake.rules.ACCESSES`
    shown_by: Mapped[str] = mapped_column(word())
    accessed_at: Mapped[datetime]
    __table_args__ = (one_of("shown_by", rules.ACCESSES), Index(None, "person_id", "accessed_at"))
