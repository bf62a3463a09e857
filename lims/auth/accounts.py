"""Pages for accounts: list, create, close. They belong to the blueprint of `lims.auth.views`."""

from __future__ import annotations

import uuid

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField, SelectField, StringField
from wtforms.validators import InputRequired

from lims.auth import actions, passwords, queries
from lims.auth.rules import ROLES
from lims.auth.views import auth
from lims.errors import InvalidInput, LimsError, NotAllowed
from lims.extensions import db
from lims.language import say_error, say_word
from lims.places import queries as place_queries
from lims.security import current_actor, needs

PAGE = 50


class AccountForm(FlaskForm):
    """A new account with one role at one place; more are given by the command line."""

    display_name = StringField(_l("Full name"), [InputRequired(_l("Enter the full name."))])
    username = StringField(_l("User name"), [InputRequired(_l("Enter a user name."))])
    password = PasswordField(_l("Password"), [InputRequired(_l("Enter a password."))])
    role = SelectField(_l("Role"), validate_choice=True)
    place_id = SelectField(_l("Place"), validate_choice=True)


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
    username, password = form.username.data or "", form.password.data or ""
    passwords.check_strength(password, username=username)
    place_id = uuid.UUID(form.place_id.data) if form.place_id.data else None
    if place_id is None and form.role.data != "administrator":
        raise InvalidInput("Choose the place where this role works.", field="place_id")
    actions.create_user(
        actor=current_actor(),
        username=username,
        display_name=form.display_name.data or "",
        password_hash=passwords.hash_password(password),
        roles=[(form.role.data, place_id)],
    )
    return username


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
