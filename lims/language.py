"""Languages: Vietnamese first, English second; errors and words from pure modules translated where they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from flask import Flask, g, request, session
from flask_babel import format_decimal, gettext
from flask_babel.speaklater import LazyString

from lims.clock import ZONE
from lims.errors import LimsError
from lims.extensions import babel
from lims.words import WORDS

LANGUAGES = ("vi", "en")
DEFAULT = "vi"
# Parameters of messages that are words of ours. What somebody typed, an account called `run` say, stays as it is.
SPOKEN = ("state", "wanted", "kind", "reason", "condition", "finding", "mode", "purpose", "role")
# Parameters that are message ids themselves, as a field's name.
MESSAGES = ("field_label",)
# Parameters that are quantities; years, lines and versions have no separators.
COUNTED = (
    "most",
    "count",
    "last",
    "limit",
    "needed",
    "free",
    "max_length",
    "min_length",
    "ge",
    "gt",
    "le",
    "lt",
)


def choose() -> str:
    """Return this request's language: chosen here, else a program's header, the account's, or Vietnamese."""
    if session.get("language") in LANGUAGES:
        return str(session["language"])
    if "Authorization" in request.headers and request.accept_languages:
        # a program says what it wants; a browser's header is that of the machine, not of the user
        return request.accept_languages.best_match(LANGUAGES) or DEFAULT
    actor = g.get("actor")
    if actor and actor.user_id and actor.language in LANGUAGES:
        return str(actor.language)
    if request.path.startswith(("/api/", "/fhir")):
        return request.accept_languages.best_match(LANGUAGES) or DEFAULT
    return DEFAULT


def say_word(value: object) -> str:
    """Return a state, finding, role, reason or kind in the reader's language; other values as they are."""
    text = str(value)
    return gettext(WORDS[text]) if text in WORDS else text


def label_word(word: str) -> LazyString:
    """Return a word as the label of a choice: with a capital, in the language of whoever will be shown the form."""
    return LazyString(lambda: say_word(word).capitalize())


def say_error(error: LimsError) -> str:
    """Return an error's sentence in the reader's language, the words among its parameters translated too."""
    return say(error.message, error.parameters)


def say(message: str, parameters: Mapping[str, object] | None = None) -> str:
    """Return a message id kept in a table or a pure module (a call's reason) in the reader's language."""
    spoken = {name: _say_parameter(name, value) for name, value in (parameters or {}).items()}
    return gettext(message, **spoken)


def _say_parameter(name: str, value: object) -> object:
    """Return a word in the reader's language, a quantity with its separators, anything else as it is."""
    if name in SPOKEN:
        return say_word(value)
    if name in MESSAGES and value:
        return gettext(str(value))
    if name in COUNTED and isinstance(value, int):
        return format_decimal(value)
    if isinstance(value, float) and isfinite(value):
        return format_decimal(value)
    return value


def init_app(app: Flask) -> None:
    """Attach Flask-Babel and give templates the words."""
    app.config["BABEL_DEFAULT_LOCALE"] = DEFAULT
    app.config["BABEL_DEFAULT_TIMEZONE"] = str(ZONE)
    babel.init_app(app, locale_selector=choose)
    app.jinja_env.globals.update(say_word=say_word, say=say)
    app.jinja_env.filters["word"] = say_word
