"""Making a letter of a message, at the moment it is sent: the address is opened now and kept nowhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from lims import clock
from lims.outbox import mail_text, sms_text
from lims.outbox.letters import Letter
from lims.outbox.models import Message, OnCall, Webhook
from lims.outbox.stations import answers
from lims.vault import Vault

ADDRESS_COLUMN = "on_call.address"
SECRET_COLUMN = "webhook.secret"  # noqa: S105  (the name of a column)


@dataclass(frozen=True)
class Paper:
    """What letters are written on.

    Args:
        vault: opens addresses and secrets.
        base_url: of the portal.
    """

    vault: Vault
    base_url: str


def find_phone(session: Session, *, message: Message, paper: Paper) -> str:
    """Return the telephone that a message to a person goes to; '' where there is none, or no longer."""
    return answers.find_phone(session, paper.vault, message.person_id) if message.person_id else ""


def write_to_people(messages: Sequence[Message], *, phone: str, paper: Paper) -> Letter:
    """Return messages to one telephone as they leave: one letter.

    Args:
        messages: of one template, at least one.
        phone: E.164.
        paper: what it is written on.
    """
    first, *others = messages
    text = sms_text.say_to_people(
        first.template,
        declaration_codes=[str(message.data["declaration"]) for message in messages],
        base_url=paper.base_url,
    )
    return Letter(
        first.id,
        first.channel,
        first.attempts,
        address=phone,
        text=text,
        with_ids=tuple(message.id for message in others),
        letter_id=first.letter_id,
    )


def write_letter(session: Session, *, message: Message, paper: Paper) -> Letter | None:
    """Return an alert or an event as it leaves; None where its receiver has been taken off the list."""
    write = {"alert": _to_staff, "webhook": _to_system}[message.kind]
    return write(session, message, paper)


def _to_staff(session: Session, message: Message, paper: Paper) -> Letter | None:
    entry = session.get(OnCall, message.on_call_id)
    if entry is None or not entry.is_active:
        return None
    address = paper.vault.unseal_record(
        entry.address_sealed, record_id=entry.id, column=ADDRESS_COLUMN
    ).decode()
    subject, text = "", sms_text.say_alert(message.template, message.data)
    if message.channel == "email":
        subject, text = mail_text.say_alert(message.template, message.data, base_url=paper.base_url)
    return Letter(
        message.id,
        message.channel,
        message.attempts,
        address=address,
        text=text,
        subject=subject,
        letter_id=message.letter_id,
    )


def _to_system(session: Session, message: Message, paper: Paper) -> Letter | None:
    webhook = session.get(Webhook, message.webhook_id)
    if webhook is None or not webhook.is_active:
        return None
    body = {
        "id": str(message.id),
        "event": message.template,
        "created_at": clock.local(message.created_at).isoformat(),
        "data": message.data,
    }
    secret = paper.vault.unseal_record(
        webhook.secret_sealed, record_id=webhook.id, column=SECRET_COLUMN
    ).decode()
    return Letter(
        message.id,
        message.channel,
        message.attempts,
        address=webhook.url,
        text=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        event=message.template,
        secret=secret,
        webhook_id=webhook.id,
    )
