"""What the forms of the release desk share: their id, one step with its answer, and what stayed behind."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request
from werkzeug.wrappers import Response

from lims import codes
from lims.errors import InvalidInput, LimsError
from lims.language import say, say_error


def read_plate(run_code: str) -> str:
    """Return the printed code of a plate from a URL.

    Raises:
        InvalidInput: it is no code of a plate.
    """
    return codes.parse(run_code, expect="plate", field="run_code").text


def read_sent_id() -> uuid.UUID:
    """Return the id the form was given.

    Raises:
        InvalidInput: it has none.
    """
    try:
        return uuid.UUID(request.form.get("client_id", ""))
    except ValueError:
        raise InvalidInput("Load the page again, then send the form once more.", field="client_id") from None


def do(step: Callable[[], str], *, back: str) -> Response:
    """Run a step and go back to a page that says what happened."""
    try:
        flash(step(), "success")
    except LimsError as error:
        flash(say_error(error), "error")
    return redirect(back)


def say_blocked(verdicts: list[dict[str, Any]]) -> None:
    """Say why results stayed behind: each reason once."""
    for sentence in dict.fromkeys(
        say(verdict["message"], verdict["parameters"])
        for verdict in verdicts
        if verdict["verdict"] == "wrong"
    ):
        flash(sentence, "warning")
