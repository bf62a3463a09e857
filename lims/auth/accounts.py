"""Pages for accounts: list, create, close. They belong to the blueprint of `lims.auth.views`."""

from __future__ import annotations

import uuid

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, PasswordField, SelectField, StringField
from wtforms.validators import EqualTo, InputRequired

from lims import labels
from lims.auth import actions, passwords, queries, throttles
from lims.auth.models import User
from lims.auth.rules import ROLES
from lims.auth.views import auth
from lims.errors import InvalidInput, LimsError, NotAllowed
from lims.extensions import db
from lims.language import say_error, say_word
from lims.places import queries as place_queries
from lims.security import current_actor, needs

PAGE = 50
MOST_BADGES = 500


class AccountForm(FlaskForm):
    """A new account with one role at one place; more are given by the command line."""

    display_name = StringField(_l("Full name"), [InputRequired(_l("Enter the full name."))])
    username = StringField(_l("User name"), [InputRequired(_l("Enter a user name."))])
    password = PasswordField(_l("Password"))
    role = SelectField(_l("Role"), validate_choice=True)
    place_id = SelectField(_l("Place"), validate_choice=True)
    is_service = BooleanField(_l("This account is for a program"))


@auth.get("/accounts")
@needs("manage_accounts")
def list_accounts() -> str:
    """List accounts by user name, by role if asked."""
    role = request.args.get("role", "")
    users = queries.list_users(db.session(), role=role, after=request.args.get("after", ""), most=PAGE)
    places = queries.map_assigned_places(db.session(), users=users)
    more_url = (
        url_for("auth.list_accounts", role=role, after=users[-1].username) if len(users) == PAGE else None
    )
    return render_template(
        "auth/accounts.html", users=users, places=places, roles=ROLES, role=role, more_url=more_url
    )


@auth.route("/accounts/new", methods=["GET", "POST"])
@needs("manage_accounts")
def create_account() -> str | tuple[str, int] | Response:
    """Show the form, or create an account."""
    form = AccountForm()
    form.role.choices = [(role, say_word(role)) for role in ROLES]
    form.place_id.choices = [("", _("everywhere"))] + [
        (str(place.id), f"{place.full_name} ({say_word(place.kind)})")
        for place in place_queries.list_workplaces(db.session())
    ]
    if not form.validate_on_submit():
        return render_template("auth/new_account.html", form=form), (422 if form.errors else 200)
    try:
        made = _create(form)
    except LimsError as error:
        getattr(form, error.field, form.username).errors = [say_error(error)]
        return render_template("auth/new_account.html", form=form), error.status
    flash(_("The account %(username)s is ready.", username=made), "good")
    return redirect(url_for("auth.list_accounts"))


def _create(form: AccountForm) -> str:
    username, password, is_service = form.username.data or "", form.password.data or "", form.is_service.data
    if not is_service:
        if not password:
            raise InvalidInput("Enter a password.", field="password")
        passwords.check_strength(password, username=username)
    place_id = uuid.UUID(form.place_id.data) if form.place_id.data else None
    if place_id is None and form.role.data != "administrator":
        raise InvalidInput("Choose the place where this role works.", field="place_id")
    actions.create_user(
        actor=current_actor(),
        username=username,
        display_name=form.display_name.data or "",
        password_hash="" if is_service else passwords.hash_password(password),
        roles=[(form.role.data, place_id)],
        is_service=is_service,
    )
    return username


@auth.get("/accounts/badges.pdf")
@needs("manage_accounts")
def print_badges() -> Response:
    """Print the badges of one account (?user=…), or of all accounts of a role (?role=…)."""
    wanted = request.args.get("user", "")
    users = (
        [queries.get_user(db.session(), username=wanted)]
        if wanted
        else queries.list_users(db.session(), role=request.args.get("role", ""), most=MOST_BADGES + 1)
    )
    if len(users) > MOST_BADGES:
        raise InvalidInput(
            "These are more than %(most)s accounts. Choose a role, and print its badges.",
            field="role",
            most=MOST_BADGES,
        )
    badges = [
        labels.Label(user.badge_code, (user.display_name, ", ".join(_spoken_roles(user))))
        for user in users
        if user.badge_code and user.is_active
    ]
    if not badges:
        raise InvalidInput("There is no open account here whose badge could be printed.", field="user")
    return Response(labels.box_sheet_pdf(badges, title=_("Staff badges")), mimetype="application/pdf")


def _spoken_roles(user: User) -> list[str]:
    return [say_word(role) for role in sorted({assignment.role for assignment in user.assignments})]


class PasswordForm(FlaskForm):
    """One's own new password, typed twice, and the one it replaces."""

    old = PasswordField(_l("Password until now"), [InputRequired(_l("Enter your password."))])
    password = PasswordField(_l("New password"), [InputRequired(_l("Enter a password."))])
    again = PasswordField(
        _l("New password again"),
        [EqualTo("password", _l("The two passwords differ. Type the new one again."))],
    )


@auth.route("/own-password", methods=["GET", "POST"])
@needs("home")
def set_own_password() -> str | tuple[str, int] | Response:
    """Show the form, or set one's own password, which ends all sessions of the account, this one included."""
    form = PasswordForm()
    if not form.validate_on_submit():
        return render_template("auth/own_password.html", form=form), (422 if form.errors else 200)
    actor = current_actor()
    user = queries.get_user(db.session(), user_id=actor.user_id)
    try:
        with throttles.limited({throttles.SIGN_IN_ACCOUNT: user.username}):
            if not passwords.check_password(form.old.data or "", stored=user.password_hash):
                raise InvalidInput("The password until now is wrong. Try again.", field="old")
        passwords.check_strength(form.password.data or "", username=user.username)
    except LimsError as error:
        getattr(form, error.field or "old", form.old).errors = [say_error(error)]
        return render_template("auth/own_password.html", form=form), error.status
    new_hash = passwords.hash_password(form.password.data or "")
    actions.set_password(actor=actor, user_id=user.id, password_hash=new_hash)
    flash(_("The new password is set. Sign in with it."), "good")
    return redirect(url_for("auth.sign_in"))


@auth.post("/accounts/<uuid:user_id>/active")
@needs("manage_accounts")
def set_account_active(user_id: uuid.UUID) -> Response:
    """Close an account, which ends its sessions at once, or reopen it."""
    if user_id == current_actor().user_id:
        raise NotAllowed("You cannot close your own account. Ask another administrator.")
    is_active = request.form.get("active") == "yes"
    actions.set_user_active(actor=current_actor(), user_id=user_id, is_active=is_active)
    flash(
        _("The account is open again.") if is_active else _("The account is closed, its sessions are ended."),
        "good",
    )
    return redirect(url_for("auth.list_accounts"))
