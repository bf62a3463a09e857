"""Who is on call, and where other systems listen: the writes."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.errors import AlreadyDone, InvalidInput
from lims.extensions import vault
from lims.outbox.addresses import hint, read_address
from lims.outbox.models import OnCall, Webhook
from lims.outbox.queries.receivers import get_on_call, get_webhook
from lims.outbox.rules import EVENTS
from lims.outbox.writing import ADDRESS_COLUMN, SECRET_COLUMN
from lims.places.queries import get_place
from lims.tables import new_id
from lims.transaction import action

LONGEST_LABEL, LONGEST_URL = 80, 500


@action
def add_on_call(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    place_id: uuid.UUID,
    channel: str,
    address: str,
    label: str,
) -> dict[str, str]:
    """Put somebody on the on-call list of a place: positives there, and below it, are told to them at once.

    Args:
        actor: who leads there.
        client_id: id made by the sender.
        place_id: a laboratory, a commune, or a place above them.
        channel: "sms" or "email".
        address: telephone or mailbox, as typed.
        label: whose it is, as "Trực xét nghiệm".

    Returns:
        `id` of the entry.

    Raises:
        NotFound: no such place among the actor's.
        InvalidInput: an address or a label that cannot be one.
    """
    place = get_place(session, place_id=place_id)
    actor.check_place(place.id)
    if channel not in ("sms", "email"):
        raise InvalidInput("Choose SMS or e-mail.", field="channel")
    label, address = label.strip(), read_address(address, channel=channel)
    if not 1 <= len(label) <= LONGEST_LABEL:
        raise InvalidInput(
            "Write whose number it is, in at most %(most)s characters.", field="label", most=LONGEST_LABEL
        )
    key = new_id()
    session.add(
        OnCall(
            id=key,
            place_id=place.id,
            channel=channel,
            address_sealed=vault().seal_record(address.encode(), record_id=key, column=ADDRESS_COLUMN),
            hint=hint(address, channel=channel),
            label=label,
            is_active=True,
            created_by_id=actor.user_id,
            created_at=clock.now(),
        )
    )
    audit.note(session, "on_call", key, "added", place=place.id, kind=channel)
    return {"id": str(key)}


@action
def end_on_call(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, on_call_id: uuid.UUID
) -> dict[str, str]:
    """Take somebody off the on-call list; what was not sent to them yet is not sent any more.

    Raises:
        NotFound: no such entry in the actor's places.
        AlreadyDone: it was taken off before.
    """
    entry = get_on_call(session, actor=actor, on_call_id=on_call_id, lock=True)
    if not entry.is_active:
        raise AlreadyDone("%(label)s is not on call any more.", field="on_call_id", label=entry.label)
    entry.is_active = False
    audit.note(session, "on_call", entry.id, "ended", place=entry.place_id)
    return {"id": str(entry.id)}


@action
def add_webhook(
    session: Session,
    *,
    actor: Actor,
    name: str,
    url: str,
    events: Sequence[str],
    place_id: uuid.UUID | None,
) -> dict[str, str]:
    """Let another system hear of releases; its secret is answered once and kept sealed.

    Not repeatable by a client-made id: the answer, with the secret, would have to be kept.

    Args:
        actor: administrator.
        name: of the other system, at most 80 characters.
        url: where it listens; http only within the networks of the settings, which is looked at when it is used.
        events: words of `rules.EVENTS`, at least one.
        place_id: whose releases, with all below; None for all.

    Returns:
        `id` and `secret`.

    Raises:
        InvalidInput: a name, an address or an event that cannot be one.
        NotFound: no such place.
    """
    name, url = name.strip(), url.strip()
    if not 1 <= len(name) <= LONGEST_LABEL:
        raise InvalidInput(
            "Write the other system's name, in at most %(most)s characters.", field="name", most=LONGEST_LABEL
        )
    check_webhook_url(url)
    if not events or any(event not in EVENTS for event in events):
        raise InvalidInput("Choose at least one event of the list.", field="events")
    if place_id is not None:
        actor.check_place(get_place(session, place_id=place_id).id)
    key, secret = new_id(), f"whsec_{secrets.token_urlsafe(32)}"
    session.add(
        Webhook(
            id=key,
            name=name,
            url=url,
            secret_sealed=vault().seal_record(secret.encode(), record_id=key, column=SECRET_COLUMN),
            place_id=place_id,
            events=sorted(set(events), key=EVENTS.index),
            is_active=True,
            created_by_id=actor.user_id,
            created_at=clock.now(),
        )
    )
    audit.note(session, "webhook", key, "added", place=place_id, name=name)
    return {"id": str(key), "secret": secret}


def check_webhook_url(url: str) -> None:
    """Refuse what is no address of a web server; whether it may be reached is decided when it is used.

    Raises:
        InvalidInput: it is none.
    """
    wrong = InvalidInput("Write the address as https://example.org/path, without a password.", field="url")
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        # what will call it reads it by stricter rules: no control characters, and hosts by IDNA
        sound = sound and bool(httpx.URL(url).host)
    except (ValueError, httpx.InvalidURL):
        raise wrong from None
    if (
        not sound
        or parts.username
        or parts.fragment
        or not url.isascii()
        or len(url) > LONGEST_URL
        or " " in url
    ):
        raise wrong


@action
def end_webhook(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, webhook_id: uuid.UUID
) -> dict[str, str]:
    """Tell another system nothing any more; what was not sent yet is not sent.

    Raises:
        NotFound: there is no such webhook.
        AlreadyDone: it was ended before.
    """
    webhook = get_webhook(session, webhook_id=webhook_id, lock=True)
    if not webhook.is_active:
        raise AlreadyDone("The webhook %(name)s has ended already.", field="webhook_id", name=webhook.name)
    webhook.is_active = False
    audit.note(session, "webhook", webhook.id, "ended", name=webhook.name)
    return {"id": str(webhook.id)}
