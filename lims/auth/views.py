"""Signing in and out."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired

from lims.auth import actions, passwords, queries, sessions, throttles
from lims.errors import InvalidInput, LimsError
from lims.extensions import db
from lims.language import say_error
from lims.security import current_actor

auth = Blueprint("auth", __name__)


class SignInForm(FlaskForm):
    """User name and password."""

    username = StringField(_l("User name"), [InputRequired(_l("Enter your user name."))])
    password = PasswordField(_l("Password"), [InputRequired(_l("Enter your password."))])
    next = HiddenField()


def sign_in_user(*, username: str, password: str, address: str, kind: str) -> str:
    """Check a name and password and start a session.

    Returns:
        The session's token.

    Raises:
        InvalidInput: wrong; the same sentence and the same work whichever was.
        TooManyTries: too many failures for this account or address.
    """
    username = username.strip().lower()
    with throttles.limited({throttles.SIGN_IN_ACCOUNT: username, throttles.SIGN_IN_ADDRESS: address}):
        user = queries.find_user(db.session(), username=username)
        stored = user.password_hash if user and user.is_active else None
        if not passwords.check_password(password, stored=stored) or user is None:
            raise InvalidInput("The user name or the password is wrong. Try again.", field="password")
    actor = queries.get_actor(db.session(), user_id=user.id)
    return actions.start_session(actor=actor, user_id=user.id, kind=kind)


def _safe_next(target: str) -> str:
    """Return where to go after signing in: a path of this site, or the home."""
    parts = urlsplit(target)
    inside = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc
    return target if inside else url_for("pages.home")


@auth.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> str | tuple[str, int] | Response:
    """Show the form, or start a session with a new token."""
    form = SignInForm(next=request.args.get("next", ""))
    if not form.validate_on_submit():
        return render_template("auth/sign_in.html", form=form), (422 if form.errors else 200)
    try:
        token = sign_in_user(
            username=form.username.data or "",
            password=form.password.data or "",
            address=request.remote_addr or "",
            kind="browser",
        )
    except LimsError as error:
        form.password.errors = [say_error(error)]
        return render_template("auth/sign_in.html", form=form), error.status
    _end_current()
    session.pop("csrf_token", None)
    session.pop("language", None)
    answer = redirect(_safe_next(form.next.data or ""))
    answer.set_cookie(
        sessions.cookie_name(),
        token,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
        path="/",
    )
    return answer


def _end_current() -> None:
    token, kind = sessions.read_token(request)
    if kind == "browser":
        actions.end_session(actor=current_actor(), token=token)


@auth.post("/sign-out")
def sign_out() -> Response:
    """End the session here and now; the old cookie is dead on every worker."""
    _end_current()
    session.clear()
    answer = redirect(url_for("pages.index"))
    answer.delete_cookie(sessions.cookie_name(), path="/")
    return answer
