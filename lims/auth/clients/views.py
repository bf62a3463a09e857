"""Pages for programs' tokens: list, make, revoke. A token is shown once, on the page that made it."""

from __future__ import annotations

import uuid
from typing import cast

from apiflask import APIFlask
from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import IntegerField, SelectField, SelectMultipleField, StringField, widgets
from wtforms.validators import InputRequired

from lims import api_document, clock
from lims.auth import scopes as rules
from lims.auth.clients import actions, queries
from lims.errors import InvalidInput, LimsError
from lims.extensions import db
from lims.language import say, say_error
from lims.security import current_actor, needs

clients = Blueprint("clients", __name__, url_prefix="/clients")
PAGE = 50


class ClientForm(FlaskForm):
    """A new token: what the program is called, for which account it speaks, what it may, and for how long."""

    name = StringField(_l("Name of the program"), [InputRequired(_l("Enter a name."))])
    account = SelectField(_l("Account"), validate_choice=True)
    scopes = SelectMultipleField(
        _l("What it may do"),
        widget=widgets.ListWidget(prefix_label=False),
        option_widget=widgets.CheckboxInput(),
    )
    days = IntegerField(_l("Days until it ends"), [InputRequired(_l("Enter a whole number."))], default=90)


@clients.get("")
@needs("manage_clients")
def list_clients() -> str:
    """List programs, the newest first, with how their tokens stand."""
    found = queries.list_clients(db.session(), before=_before(), most=PAGE)
    now = clock.now()
    standings = {
        client.id: rules.standing(now=now, expires_at=client.expires_at, revoked_at=client.revoked_at)
        for client in found
    }
    more_url = url_for("clients.list_clients", before=found[-1].id) if len(found) == PAGE else None
    return render_template(
        "auth/clients.html",
        clients=found,
        standings=standings,
        words=rules.STANDINGS,
        scope_words=rules.SCOPES,
        more_url=more_url,
    )


@clients.get("/addresses")
def list_addresses() -> str:
    """Show every address of the API, what it takes and the scope it asks for; its description for people."""
    return render_template(
        "auth/addresses.html",
        addresses=api_document.list_addresses(cast(APIFlask, current_app)),
        scope_words=rules.SCOPES,
    )


def _before() -> uuid.UUID | None:
    text = request.args.get("before", "")
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        raise InvalidInput("This is not an id.", field="before") from None


@clients.route("/new", methods=["GET", "POST"])
@needs("manage_clients")
def add_client() -> str | tuple[str, int]:
    """Show the form, or make a token and show it, once."""
    form = ClientForm()
    form.account.choices = [
        (str(user.id), f"{user.username} ({user.display_name})")
        for user in queries.list_service_accounts(db.session())
    ]
    form.scopes.choices = [(scope, say(words)) for scope, words in rules.SCOPES.items()]
    if not form.validate_on_submit():
        return render_template("auth/new_client.html", form=form), (422 if form.errors else 200)
    try:
        made = actions.add_client(
            actor=current_actor(),
            name=form.name.data or "",
            user_id=uuid.UUID(form.account.data),
            scopes=form.scopes.data or [],
            days=form.days.data or 0,
        )
    except LimsError as error:
        getattr(form, error.field or "name", form.name).errors = [say_error(error)]
        return render_template("auth/new_client.html", form=form), error.status
    client = queries.get_client(db.session(), api_client_id=uuid.UUID(made["id"]))
    return render_template("auth/client_token.html", client=client, token=made["token"])


@clients.post("/<uuid:api_client_id>/revocation")
@needs("manage_clients")
def revoke_client(api_client_id: uuid.UUID) -> Response:
    """End a program's token at once."""
    actions.revoke_client(actor=current_actor(), api_client_id=api_client_id)
    flash(_("The token is revoked: it works no longer."), "good")
    return redirect(url_for("clients.list_clients"))
