"""A page that was opened with a secret may show more without the secret: for half an hour, by a ticket.

The ticket stands in the page's own forms. It names a thing, and only this installation can write one.
"""

from __future__ import annotations

import hmac
import uuid
from datetime import datetime, timedelta

from lims.errors import InvalidInput
from lims.vault import Vault

LASTS = timedelta(minutes=30)


def make_ticket(vault: Vault, *, purpose: str, key: uuid.UUID, now: datetime) -> str:
    """Return a ticket for a thing that was just opened.

    Args:
        vault: keyed work of this installation.
        purpose: what it opens; a ticket of another purpose opens nothing.
        key: of the thing.
        now: from when its half hour counts.
    """
    text = f"{key.hex}.{int((now + LASTS).timestamp())}"
    return f"{text}.{vault.digest(text, purpose=purpose).hex()}"


def read_ticket(vault: Vault, ticket: str, *, purpose: str, now: datetime) -> uuid.UUID:
    """Return the key of a ticket's thing.

    Raises:
        InvalidInput: it is none of ours, or its half hour is over.
    """
    text, _, mac = ticket.rpartition(".")
    key, _, until = text.partition(".")
    genuine = hmac.compare_digest(mac.encode(), vault.digest(text, purpose=purpose).hex().encode())
    if not genuine or int(until) < now.timestamp():
        raise InvalidInput(
            "This page was open for too long. Enter the result code and the date of birth once more.",
            field="ticket",
        )
    return uuid.UUID(hex=key)
