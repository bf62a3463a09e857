"""Refusals for programs: problem details (RFC 9457), with the word, the sentence and the field of every refusal."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, jsonify

MEDIA_TYPE = "application/problem+json"


def answer_problem(status: int, *, code: str, message: str, field: str = "", **more: object) -> Response:
    """Return a refusal as a program reads it.

    Args:
        status: HTTP status.
        code: a word for programs, as not_found.
        message: a sentence for people, in the language asked for; it is the `detail` of RFC 9457, too.
        field: the value at fault, as scans.0.tube; empty for none.
        more: further members.
    """
    answer = jsonify(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=message,
        code=code,
        message=message,
        field=field,
        **more,
    )
    answer.status_code = status
    answer.mimetype = MEDIA_TYPE
    return answer
