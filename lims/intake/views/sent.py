"""What a form sent, read: ids and numbers, refused by name when they are none."""

from __future__ import annotations

import uuid

from flask import request

from lims.errors import InvalidInput


def sent_id(name: str = "client_id") -> uuid.UUID:
    """Return an id of the form.

    Raises:
        InvalidInput: it is missing or no id.
    """
    try:
        return uuid.UUID(request.form.get(name, ""))
    except ValueError:
        raise InvalidInput("This page was open for too long. Send it once more.", field=name) from None


def sent_number(name: str) -> float | None:
    """Return a number of the form, a comma read as the decimal point; None where nothing was written.

    Raises:
        InvalidInput: it is not a number.
    """
    text = request.form.get(name, "").strip().replace(",", ".")
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise InvalidInput("Write a number, as in 4 or 4.5.", field=name) from None
