"""Keys that sign certificates, and the certificates that were issued."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lims.results.certificates.rules import SIGNING_KEY
from lims.results.models import Result
from lims.tables import Base, Keyed, one_of, word

ACTIVE = text("state = 'active'")
NOT_REVOKED = text("revoked_at IS NULL")


class SigningKey(Keyed, Base):
    """A key pair that signs certificates. The private key is sealed, and destroyed when the key signs no more."""

    __tablename__ = "signing_key"
    name: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(word(), default="requested")
    # the first 8 bytes of the certificate's SHA-256; none until the root has signed the request
    kid: Mapped[bytes | None] = mapped_column(LargeBinary(8), unique=True)
    certificate: Mapped[bytes | None] = mapped_column(LargeBinary)
    root_certificate: Mapped[bytes | None] = mapped_column(LargeBinary)
    private_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    not_before: Mapped[datetime | None]
    not_after: Mapped[datetime | None]
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str] = mapped_column(String(200), default="")
    __table_args__ = (
        one_of("state", SIGNING_KEY.words),
        CheckConstraint(
            "state = 'requested' OR (kid IS NOT NULL AND certificate IS NOT NULL AND root_certificate IS NOT NULL)",
            name="signed_by_a_root",
        ),
        CheckConstraint(
            "(state IN ('requested', 'active')) = (private_sealed IS NOT NULL)", name="private_while_it_signs"
        ),
        Index("uq_signing_key_active", "state", unique=True, sqlite_where=ACTIVE, postgresql_where=ACTIVE),
    )


class Certificate(Keyed, Base):
    """One certificate of one version of a result; its text is sealed under the person's own key."""

    __tablename__ = "certificate"
    result_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("result.id"))
    signing_key_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("signing_key.id"), index=True)
    uvci: Mapped[str] = mapped_column(String(72))
    # what the revocation list names: the first 16 bytes of the UVCI's SHA-256
    uvci_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    text_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    revoked_at: Mapped[datetime | None]
    revoked_reason: Mapped[str | None] = mapped_column(String(500))
    result: Mapped[Result] = relationship()
    signing_key: Mapped[SigningKey] = relationship()
    __table_args__ = (
        UniqueConstraint("uvci"),
        CheckConstraint("expires_at > issued_at", name="expires_later"),
        CheckConstraint("(revoked_at IS NULL) = (revoked_reason IS NULL)", name="revoked_says_why"),
        Index(
            "uq_certificate_live",
            "result_id",
            unique=True,
            sqlite_where=NOT_REVOKED,
            postgresql_where=NOT_REVOKED,
        ),
        # all certificates of a result; the revocation list
        Index(None, "result_id"),
        Index(None, "revoked_at", "expires_at"),
    )
