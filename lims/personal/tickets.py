"""A page that was opened with a result code may ask for more without showing the code again: for half an hour.

The ticket stands in the page's own forms. It names a declaration, and only this installation can write one.
"""

from __future__ import annotations

import hmac
import uuid
from datetime import datetime, timedelta

from lims.errors import InvalidInput
from lims.vault import Vault

LASTS = timedelta(minutes=30)
PURPOSE = "my-data-ticket"


def make_ticket(vault: Vault, *, declaration_id: uuid.UUID, now: datetime) -> str:
    """Return a ticket for a declaration that was just opened with its code and birth date."""
    text = f"{declaration_id.hex}.{int((now + LASTS).timestamp())}"
    return f"{text}.{vault.digest(text, purpose=PURPOSE).hex()}"


def read_ticket(vault: Vault, ticket: str, *, now: datetime) -> uuid.UUID:
    """Return the declaration of a ticket.

    Raises:
        InvalidInput: it is none of ours, or its half hour is over.
    """
    text, _, mac = ticket.rpartition(".")
    key, _, until = text.partition(".")
    genuine = hmac.compare_digest(mac.encode(), vault.digest(text, purpose=PURPOSE).hex().encode())
    if not genuine or int(until) < now.timestamp():
        raise InvalidInput(
            "This page was open for too long. Enter the result code and the date of birth once more.",
            field="ticket",
        )
    return uuid.UUID(hex=key)
