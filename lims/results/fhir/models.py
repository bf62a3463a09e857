"""Numbers by which other systems know a person or a declaration of ours."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lims.tables import Base, Keyed, one_of, word


class ForeignIdentifier(Keyed, Base):
    """A number of another system, as a hospital's patient or order number.

    It is found by a blind index and sealed under the person's own key, so that it is erased with the identity.
    """

    __tablename__ = "foreign_identifier"
    kind: Mapped[str] = mapped_column(word())
    system: Mapped[str] = mapped_column(String(200))
    value_index: Mapped[bytes] = mapped_column(LargeBinary(32))
    value_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), index=True)
    declaration_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("declaration.id"), index=True)
    # of an order: keyed hash of what was sent, so that the same number with other content is refused
    content_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    sent_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    received_at: Mapped[datetime]
    __table_args__ = (
        # two requests at one moment do not take one order twice
        UniqueConstraint("kind", "system", "value_index"),
        one_of("kind", ("person", "order")),
        CheckConstraint("(kind = 'order') = (declaration_id IS NOT NULL)", name="order_has_its_declaration"),
    )
