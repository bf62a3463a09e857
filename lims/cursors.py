"""Where a page of a list ended: the moment and the key of its last row, as one text in an address. Pure."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from lims.errors import InvalidInput

_BAR = "|"


def write_cursor(at: datetime, key: uuid.UUID) -> str:
    """Return the text behind which the next page begins.

    Args:
        at: moment that the list is sorted by, with its zone.
        key: of the row.
    """
    return f"{at.isoformat()}{_BAR}{key}"


def read_cursor(text: str) -> tuple[datetime, uuid.UUID] | None:
    """Return where the page before ended, the moment in UTC; None for the first page.

    Args:
        text: as `write_cursor` wrote it, or whatever came instead; '' for the first page.

    Raises:
        InvalidInput: it is none, or a moment that is outside the calendar in UTC, which no database takes.
    """
    if not text:
        return None
    moment, _bar, key = text.partition(_BAR)
    try:
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise ValueError("without a zone")
        return at.astimezone(UTC), uuid.UUID(key)
    except (ValueError, OverflowError):
        raise InvalidInput("Open the list from its beginning.", field="after") from None
