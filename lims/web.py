"""What all pages share: Flask's configuration, errors as pages or JSON, template filters and the frame's values."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from babel.dates import get_day_names
from flask import Flask, current_app, g, render_template, request, url_for
from flask_babel import get_locale, gettext, ngettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

import lims
from lims import clock, codes
from lims.config import Settings
from lims.errors import LimsError, SignInNeeded, TooManyTries
from lims.language import say_error
from lims.navigation import navigation_for
from lims.problems import answer_problem
from lims.security import current_actor, is_api

# Statuses with a page of their own in templates/errors/.
PAGES = frozenset({400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503})
# Refusals in a shape of their own, by the beginning of the address; named by the package that answers there.
_answers: dict[str, Callable[[str, str, str], Any]] = {}


def answer_refusals_with(prefix: str, answer: Callable[[str, str, str], Any]) -> None:
    """Name what makes the body of a refusal below an address.

    Args:
        prefix: beginning of the address, as "/fhir".
        answer: takes the refusal's word, its sentence in the reader's language and the field at fault.
    """
    _answers[prefix] = answer


def flask_config(settings: Settings) -> dict[str, Any]:
    """Return Flask's own configuration for these settings."""
    return {
        "SECRET_KEY": settings.secret_key,
        "MAX_CONTENT_LENGTH": settings.upload_bytes,
        "MAX_FORM_MEMORY_SIZE": 2 * 1024 * 1024,
        "SESSION_COOKIE_NAME": "lims-form",
        "SESSION_COOKIE_SECURE": settings.secure_cookies,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "WTF_CSRF_TIME_LIMIT": None,
        # Without a version in its address (modules import each other so) a file is asked for again, by its ETag.
        "SEND_FILE_MAX_AGE_DEFAULT": 0,
        "TEMPLATES_AUTO_RELOAD": settings.demo,
    }


def short_time(moment: datetime | None) -> str:
    """Return "08:42 today", or the day and the time, in the campaign's zone."""
    if moment is None:
        return "–"
    local = clock.local(moment)
    time = f"{local:%H:%M}"
    if local.date() == clock.today():
        return gettext("%(time)s today", time=time)
    return f"{time} {local.day}/{local.month}"


def full_time(moment: datetime | None) -> str:
    """Return the full date and time."""
    return "" if moment is None else f"{day_time(moment)}:{clock.local(moment):%S}"


def day_time(moment: datetime | None) -> str:
    """Return weekday, date, hour and minute, as people read it: "Thứ Hai 16/8/2021 08:42"."""
    if moment is None:
        return ""
    # the pattern by hand: Babel reads it anew for each moment, and a page may hold hundreds
    local = clock.local(moment)
    weekday = get_day_names("wide", locale=get_locale() or "vi")[local.weekday()]
    return f"{weekday} {local.day}/{local.month}/{local.year} {local:%H:%M}"


def age(moment: datetime | None) -> str:
    """Return how long ago a moment was: "3 h 12 min"."""
    if moment is None:
        return "–"
    minutes = max(0, int((clock.now() - moment).total_seconds() // 60))
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return ngettext("%(num)s day", "%(num)s days", hours // 24)
    if hours:
        return gettext("%(hours)s h %(minutes)s min", hours=hours, minutes=rest)
    return gettext("%(minutes)s min", minutes=rest)


def _frame() -> dict[str, Any]:
    """Return what templates/base.html needs on every page."""
    actor = current_actor()
    signed_in = actor.user_id is not None
    return {
        "actor": actor if signed_in else None,
        "navigation": navigation_for(actor, request.endpoint or ""),
        "home_url": url_for("pages.home" if signed_in else "pages.index"),
        "search_url": url_for("pages.search") if signed_in else None,
        "sign_in_url": url_for("auth.sign_in"),
        "sign_out_url": url_for("auth.sign_out"),
        "language_url": url_for("pages.set_language"),
        "language": str(get_locale()),
        "version": lims.__version__,
        "new_client_id": uuid.uuid4,
    }


def sprite_url() -> str:
    """Return the address of the icons' sprite, made once a request: a page may hold a hundred icons."""
    if "sprite_url" not in g:
        g.sprite_url = url_for("static", filename="vendor/bootstrap-icons/sprite.svg")
    return str(g.sprite_url)


def _version_of_static(endpoint: str, values: dict[str, Any]) -> None:
    """Give each static file's address its time of change, so that a browser may keep it and still gets the new one."""
    if endpoint == "static" and "filename" in values:
        file = Path(current_app.static_folder or "") / values["filename"]
        if file.is_file():
            values["v"] = f"{int(file.stat().st_mtime):x}"


def _show(status: int, code: str, sentence: str, field: str = "") -> tuple[Any, int]:
    for prefix, answer in _answers.items():
        if request.path.startswith(prefix):
            return answer(code, sentence, field), status
    if is_api():
        return answer_problem(status, code=code, message=sentence, field=field), status
    page = status if status in PAGES else (500 if status >= 500 else 400)
    return render_template(f"errors/{page}.html", error_message=sentence, back_url=_page_before()), status


def _page_before() -> str:
    """Return the page of ours that sent a refused form, so that the refusal is no dead end; '' where there is none."""
    before = urlsplit(request.referrer or "")
    if request.method != "POST" or before.netloc != request.host:
        return ""
    return urlunsplit(("", "", before.path, before.query, ""))


def _show_refusal(error: LimsError) -> tuple[Any, int] | tuple[Any, int, dict[str, str]]:
    page, status = _show(error.status, error.code, say_error(error), error.field)
    if isinstance(error, SignInNeeded) and is_api():
        return page, status, {"WWW-Authenticate": "Bearer"}
    if isinstance(error, TooManyTries):
        return page, status, {"Retry-After": str(error.wait_seconds)}
    return page, status


def _show_http_error(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error
    sentences = {
        400: gettext("The request cannot be understood."),
        404: gettext("There is no such page. Check the address, or go to the start page."),
        405: gettext("This address does not answer that kind of request."),
        413: gettext("What you sent is too large. Split the file and send the parts."),
        415: gettext("Send JSON, with the header Content-Type: application/json."),
    }
    sentence = sentences.get(error.code, gettext("Something went wrong. Nothing was changed. Try again."))
    page, status = _show(error.code, error.name.lower().replace(" ", "_"), sentence)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        return page, status, {"Allow": ", ".join(sorted(error.valid_methods))}
    return page, status


def _show_csrf_error(_error: CSRFError) -> Any:
    return _show(
        400, "csrf", gettext("This page has been open too long. Load it again; nothing was changed.")
    )


def _show_crash(_error: Exception) -> Any:
    """Answer what nobody foresaw without its details; Flask has logged it by now."""
    sentence = gettext("Something went wrong here, not with you. Nothing was changed. Try again in a moment.")
    return _show(500, "internal_error", sentence)


def init_app(app: Flask) -> None:
    """Attach errors, filters and the frame."""
    app.register_error_handler(LimsError, _show_refusal)
    app.register_error_handler(CSRFError, _show_csrf_error)
    app.register_error_handler(HTTPException, _show_http_error)
    app.register_error_handler(500, _show_crash)
    app.context_processor(_frame)
    app.url_defaults(_version_of_static)
    app.jinja_env.filters.update(
        short_time=short_time, full_time=full_time, day_time=day_time, age=age, grouped=codes.grouped
    )
    app.jinja_env.globals.update(now=clock.now, sprite_url=sprite_url)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
