"""The edge: what is refused before any page or address of the API sees it, and how a wrong body is answered.

Control characters, NUL among them, and halves of characters are refused in every text that comes in: SQLite would
store them, PostgreSQL would crash on them (STACK.md). Line breaks and tabs stay, for notes and pasted lists. Bodies
that do not have the shape of the API's description are answered like every other refusal: a word, the field, a
sentence in the reader's language that says what to send instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask import request
from flask_babel import gettext
from pydantic import ValidationError

from lims.errors import InvalidInput
from lims.language import say
from lims.msgid import N_
from lims.problems import answer_problem
from lims.security import is_api
from lims.texts import FORBIDDEN, check_text, walk_texts

MOST_MISTAKES = 100

OBJECT = N_("Send a JSON object with the fields that the API's description names.")
MOMENT = N_("Send a date and time with its zone, such as 2021-08-16T08:30:00+07:00.")
DATE = N_("Send a date, such as 2021-08-16.")
NUMBER = N_("Send a number.")
WHOLE = N_("Send a whole number.")
IDENTIFIER = N_("Send an id: a UUID of 32 hexadecimal digits.")
TRUTH = N_("Send true or false.")
UNCLEAR = N_("This value cannot be understood. The API's description says what it may be.")
# pydantic's words for what is wrong → our sentences; the parameters are those of pydantic's context
SENTENCES: Mapping[str, str] = {
    "missing": N_("This value is missing. Send it."),
    "string_type": N_("Send a text."),
    "string_too_long": N_("Too long: at most %(max_length)s characters."),
    "string_too_short": N_("Too short: at least %(min_length)s characters."),
    "too_long": N_("Too many at once: at most %(max_length)s. Send the rest after them."),
    "too_short": N_("Too few: send at least %(min_length)s."),
    "greater_than": N_("The number must be greater than %(gt)s."),
    "greater_than_equal": N_("The number must be at least %(ge)s."),
    "less_than": N_("The number must be less than %(lt)s."),
    "less_than_equal": N_("The number must be at most %(le)s."),
    "literal_error": N_("Choose one of these: %(expected)s."),
    "list_type": N_("Send a list."),
    "finite_number": NUMBER,
    "float_type": NUMBER,
    "float_parsing": NUMBER,
    "int_type": WHOLE,
    "int_parsing": WHOLE,
    "int_parsing_size": WHOLE,
    "int_from_float": WHOLE,
    "bool_type": TRUTH,
    "bool_parsing": TRUTH,
    "uuid_type": IDENTIFIER,
    "uuid_parsing": IDENTIFIER,
    "model_type": OBJECT,
    "model_attributes_type": OBJECT,
    "dict_type": OBJECT,
    "timezone_aware": MOMENT,
    "datetime_type": MOMENT,
    "datetime_parsing": MOMENT,
    "datetime_from_date_parsing": MOMENT,
    "datetime_object_invalid": MOMENT,
    "date_type": DATE,
    "date_parsing": DATE,
    "date_from_datetime_parsing": DATE,
}


def _read_json() -> Any:
    """Return the body as JSON, None where it is none: the address itself answers that."""
    try:
        return request.get_json(force=True, silent=True)
    except RecursionError:
        raise InvalidInput(OBJECT) from None


def _check_request() -> None:
    """Refuse what holds control characters, whatever part of the request it stands in."""
    if request.endpoint == "static":
        return
    for name, text in (request.view_args or {}).items():
        check_text(str(text), field=name)
    for name, text in request.args.items(multi=True):
        check_text(name, field="")
        check_text(text, field=name)
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if is_api():
        for name, text in walk_texts(_read_json()):
            check_text(text, field=FORBIDDEN.sub("", name))
        return
    for name, text in request.form.items(multi=True):
        check_text(name, field="")
        check_text(text, field=name)
    for name, file in request.files.items(multi=True):
        check_text(file.filename or "", field=name)


def _mistake(error: Mapping[str, Any]) -> dict[str, str]:
    """Return one of pydantic's errors as the field and a sentence in the reader's language."""
    words = {name: value for name, value in error.get("ctx", {}).items() if name != "error"}
    return {
        "field": ".".join(str(part) for part in error["loc"]),
        "message": say(SENTENCES.get(error["type"], UNCLEAR), words),
    }


def _show_misshapen(error: HTTPError) -> tuple[Any, int]:
    """Answer a body of another shape than described: the first mistake, and all of them."""
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        sentence = gettext("The request cannot be understood.")
        return answer_problem(error.status_code, code="bad_request", message=sentence), error.status_code
    found = cause.errors(include_url=False, include_input=False)[:MOST_MISTAKES]
    mistakes = [_mistake(one) for one in found]
    answer = answer_problem(error.status_code, code="invalid_input", **mistakes[0], mistakes=mistakes)
    return answer, error.status_code


def init_app(app: APIFlask) -> None:
    """Attach the checks; after `lims.security`, so that nobody learns anything without signing in."""
    app.before_request(_check_request)
    app.error_processor(_show_misshapen)
