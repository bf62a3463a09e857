"""Which laboratory a page is about, and what follows a form that was sent."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from flask import flash, redirect, request
from werkzeug.wrappers import Response

from lims.errors import LimsError, NotFound
from lims.extensions import db
from lims.language import say_error
from lims.places.models import Laboratory
from lims.places.queries import list_laboratories
from lims.security import current_actor


def choose_laboratory() -> tuple[Laboratory, Sequence[Laboratory]]:
    """Return the laboratory of this page, from the address or the actor's first, and those to choose from.

    Raises:
        NotFound: the actor has no laboratory, or not this one.
    """
    choices = list_laboratories(db.session(), actor=current_actor())
    wanted = request.values.get("laboratory_id", type=uuid.UUID)
    chosen = next((one for one in choices if wanted is None or one.place_id == wanted), None)
    if chosen is None:
        raise NotFound("Your account belongs to no laboratory. Ask your coordinator.", field="laboratory_id")
    return chosen, choices


def sent_id() -> uuid.UUID:
    """Return the client-made id of a form; a new one where it cannot be read."""
    try:
        return uuid.UUID(request.form.get("client_id", ""))
    except ValueError:
        return uuid.uuid4()


def do_and_go(step: Callable[[], Any], *, said: str, to: str) -> Response:
    """Do one action, say how it went, and go to a page.

    Args:
        step: calls the action.
        said: what to say when it worked, translated.
        to: address of the page.
    """
    try:
        step()
        flash(said, "success")
    except LimsError as error:
        flash(say_error(error), "error")
    return redirect(to)
