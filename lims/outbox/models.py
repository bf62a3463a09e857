"""Messages on their way to people, staff and other systems; who is on call; where other systems listen.

A message holds no personal data: a person's telephone is read when it is sent, so that erasing the person erases it.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lims.outbox import rules
from lims.places.models import Campaign, Place
from lims.tables import Base, Keyed, one_of, word


class Webhook(Keyed, Base):
    """An address of another system, which is told of releases in a place and all below it."""

    __tablename__ = "webhook"
    name: Mapped[str] = mapped_column(String(80))
    url: Mapped[str] = mapped_column(String(500))
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    # empty: everywhere
    place_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("place.id"))
    events: Mapped[list[str]] = mapped_column(JSON)
    is_active: Mapped[bool] = mapped_column(default=True)
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    place: Mapped[Place | None] = relationship()


class OnCall(Keyed, Base):
    """Who is told of positives at once, day and night: a telephone or a mailbox of a laboratory or a commune."""

    __tablename__ = "on_call"
    place_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"), index=True)
    channel: Mapped[str] = mapped_column(word())
    # of what: alarms and positives at once, or the steering committee's reports when they are made
    hears: Mapped[str] = mapped_column(word(), default="alarms")
    address_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    # the end of the address, by which its owner knows it
    hint: Mapped[str] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(80))
    is_active: Mapped[bool] = mapped_column(default=True)
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    place: Mapped[Place] = relationship(lazy="joined", innerjoin=True)
    __table_args__ = (one_of("channel", ("sms", "email")), one_of("hears", rules.HEARS))


class Message(Keyed, Base):
    """One message to one receiver, written with the change that it tells of."""

    __tablename__ = "message"
    kind: Mapped[str] = mapped_column(word())
    channel: Mapped[str] = mapped_column(word())
    template: Mapped[str] = mapped_column(word())
    # what may be told once only
    key: Mapped[str] = mapped_column(String(120), unique=True)
    # its receiver, one of three; no foreign key to the person, as this package knows nothing of people's tables
    person_id: Mapped[uuid.UUID | None]
    on_call_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("on_call.id"))
    webhook_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("webhook.id"), index=True)
    # what it tells of: a result, a run
    subject_kind: Mapped[str] = mapped_column(word())
    subject_id: Mapped[uuid.UUID] = mapped_column(index=True)
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaign.id"))
    laboratory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    # empty where it tells of people of several communes
    commune_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("place.id"))
    # messages to one telephone, written together, leave as one; empty: it leaves alone
    letter_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    # codes, ids and numbers for its text
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    status: Mapped[str] = mapped_column(word(), default="queued")
    urgency: Mapped[int]
    attempts: Mapped[int] = mapped_column(default=0)
    run_at: Mapped[datetime]
    # while it is in a worker's hand; one that died has lost it after this moment
    locked_until: Mapped[datetime | None]
    worker: Mapped[str] = mapped_column(String(80), default="")
    provider_id: Mapped[str | None] = mapped_column(String(120), index=True)
    last_error: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    campaign: Mapped[Campaign] = relationship()
    laboratory: Mapped[Place] = relationship(foreign_keys=[laboratory_id])
    commune: Mapped[Place | None] = relationship(foreign_keys=[commune_id])
    webhook: Mapped[Webhook | None] = relationship()
    on_call: Mapped[OnCall | None] = relationship()
    __table_args__ = (
        one_of("kind", rules.KINDS),
        one_of("channel", rules.CHANNELS),
        one_of("status", rules.MESSAGE.words),
        CheckConstraint(
            "(kind = 'sms') = (person_id IS NOT NULL) AND (kind = 'alert') = (on_call_id IS NOT NULL) "
            "AND (kind = 'webhook') = (webhook_id IS NOT NULL)",
            name="one_receiver",
        ),
        CheckConstraint("(status = 'sending') = (locked_until IS NOT NULL)", name="in_hand_while_sending"),
        CheckConstraint("sent_at IS NULL OR attempts > 0", name="sent_by_an_attempt"),
        # a worker's next: of each urgency the one that waits longest
        Index(None, "status", "urgency", "run_at"),
        # a laboratory's and a commune's worklist
        Index(None, "laboratory_id", "status", "created_at"),
        Index(None, "commune_id", "status", "created_at"),
    )
