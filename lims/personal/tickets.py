"""The ticket of "My data": a page that was opened with a result code may ask for more without showing it again."""

from __future__ import annotations

import uuid
from datetime import datetime

from lims import tickets
from lims.vault import Vault

LASTS = tickets.LASTS
PURPOSE = "my-data-ticket"


def make_ticket(vault: Vault, *, declaration_id: uuid.UUID, now: datetime) -> str:
    """Return a ticket for a declaration that was just opened with its code and birth date."""
    return tickets.make_ticket(vault, purpose=PURPOSE, key=declaration_id, now=now)


def read_ticket(vault: Vault, ticket: str, *, now: datetime) -> uuid.UUID:
    """Return the declaration of a ticket.

    Raises:
        InvalidInput: it is none of ours, or its half hour is over.
    """
    return tickets.read_ticket(vault, ticket, purpose=PURPOSE, now=now)
