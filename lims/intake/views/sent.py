"""What a form sent, read: ids and numbers, refused by name when they are none; and a refusal beside its field."""

from __future__ import annotations

import uuid

from flask import request

from lims.errors import InvalidInput, LimsError
from lims.language import say_error
from lims.msgid import N_

# Fields of the forms of boxes and reception that show a refusal beside themselves.
FIELDS = frozenset({"laboratory_id", "temperature_c", "badge", "tubes", "reason"})
OPEN_TOO_LONG = N_("This page was open for too long. Send it once more.")


def sent_id(name: str = "client_id", *, missing: str = OPEN_TOO_LONG) -> uuid.UUID:
    """Return an id of the form.

    Args:
        name: of the field.
        missing: msgid said where there is none; for a choice, what to choose.

    Raises:
        InvalidInput: it is missing or no id.
    """
    try:
        return uuid.UUID(request.form.get(name, ""))
    except ValueError:
        raise InvalidInput(missing, field=name) from None


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


def mistakes_of(refusal: LimsError | None) -> dict[str, str]:
    """Return a refusal's sentence by the field it stands beside; by '' where it is of none of the form's fields.

    A place that does not exist is the laboratory chosen: no other place is in these forms.
    """
    if refusal is None:
        return {}
    field = "laboratory_id" if refusal.field == "place_id" else refusal.field
    return {field if field in FIELDS else "": say_error(refusal)}
