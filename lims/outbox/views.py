"""Pages of messages: what waits for a decision, who is not told yet, who is on call, which systems listen."""

from __future__ import annotations

import uuid
from datetime import timedelta

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectField, SelectMultipleField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, ListWidget

from lims import clock
from lims.config import SettingsError
from lims.errors import LimsError
from lims.extensions import db, settings
from lims.language import say_error, say_word
from lims.outbox.actions import receivers, settling
from lims.outbox.drivers.choosing import find_gateway
from lims.outbox.queries import messages as queries
from lims.outbox.queries import receivers as receiver_queries
from lims.outbox.rules import EVENTS, MESSAGE
from lims.places import queries as place_queries
from lims.places.views import SentOnce
from lims.security import current_actor, needs

outbox = Blueprint("outbox", __name__)


class OnCallForm(SentOnce):
    """Who is to be told of positives."""

    place_id = SelectField(_l("Laboratory or place"))
    label = StringField(_l("Whose number or mailbox"), [InputRequired(_l("Write whose number it is."))])
    channel = RadioField(
        _l("Told by"),
        choices=[SelectChoice("sms", _l("SMS")), SelectChoice("email", _l("E-mail"))],
        default="sms",
    )
    hears = RadioField(
        _l("Told of"),
        choices=[
            SelectChoice("alarms", _l("positives and alarms, at once")),
            SelectChoice("reports", _l("reports, when they are made")),
        ],
        default="alarms",
    )
    address = StringField(
        _l("Telephone or mailbox"), [InputRequired(_l("Write a telephone number or a mailbox."))]
    )


class WebhookForm(FlaskForm):
    """Another system that is to hear of releases."""

    name = StringField(_l("Name of the other system"), [InputRequired(_l("Enter a name."))])
    url = StringField(_l("Its address (https://…)"), [InputRequired(_l("Enter the address."))])
    place_id = SelectField(_l("Releases of"))
    events = SelectMultipleField(
        _l("Events"),
        choices=[SelectChoice(event, event) for event in EVENTS],
        default=list(EVENTS),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )


@outbox.get("/messages")
@needs("see_messages")
def list_messages() -> str:
    """Show what waits for a decision, how much is on its way, and who is not told yet."""
    actor, session = current_actor(), db.session()
    status = request.args.get("status", "")
    status = status if status in MESSAGE.words else ""
    found = queries.list_messages(
        session, actor=actor, status=status, after=request.args.get("after", type=uuid.UUID)
    )
    return render_template(
        "outbox/messages.html",
        messages=found,
        status=status,
        states=MESSAGE.words,
        counts=queries.count_by_status(session, actor=actor, since=clock.now() - timedelta(days=1)),
        untold=queries.count_untold(session, actor=actor),
        ages=queries.AGES,
        gateway=_say_gateway(),
        more_url=url_for("outbox.list_messages", status=status, after=found[-1].id)
        if len(found) == queries.PAGE
        else None,
    )


def _say_gateway() -> str:
    """Return what is to be known of how SMS leave: "sandbox", "file", "none", "broken", or '' where all is well."""
    try:
        gateway = find_gateway(settings())
    except SettingsError as error:
        current_app.logger.error("%s", error)
        return "broken"
    if gateway is not None:
        return "sandbox" if gateway.sandbox else ""
    return "file" if settings().outbox_file else "none"


@outbox.post("/messages/<uuid:message_id>/again")
@needs("see_messages")
def send_again(message_id: uuid.UUID) -> Response:
    """Queue a message once more."""
    settling.send_again(actor=current_actor(), client_id=SentOnce().sent_id(), message_id=message_id)
    flash(_("The message is queued again."), "good")
    return redirect(url_for("outbox.list_messages"))


@outbox.post("/messages/<uuid:message_id>/settle")
@needs("see_messages")
def settle_message(message_id: uuid.UUID) -> Response:
    """Note that a message has arrived, or was told otherwise."""
    settling.settle_message(actor=current_actor(), client_id=SentOnce().sent_id(), message_id=message_id)
    flash(_("Noted: it has arrived. Nothing more is sent."), "good")
    return redirect(url_for("outbox.list_messages"))


@outbox.route("/on-call", methods=["GET", "POST"])
@needs("manage_on_call")
def list_on_call() -> str | tuple[str, int] | Response:
    """Show who is on call, or put somebody on the list."""
    actor, session = current_actor(), db.session()
    form = OnCallForm()
    form.place_id.choices = [
        (str(place.id), f"{place.full_name} ({say_word(place.kind)})")
        for place in place_queries.list_workplaces(session)
        if actor.sees(place.id) and place.kind != "site"
    ]
    form.client_id.data = form.client_id.data or str(uuid.uuid4())
    status = 200
    if form.validate_on_submit():
        try:
            receivers.add_on_call(
                actor=actor,
                client_id=form.sent_id(),
                place_id=uuid.UUID(form.place_id.data),
                channel=form.channel.data,
                address=form.address.data or "",
                label=form.label.data or "",
                hears=form.hears.data,
            )
        except LimsError as error:
            if error.field not in form:
                raise
            form[error.field].errors = [say_error(error)]
            status = error.status
        else:
            flash(
                _("On the list: told of every report when it is made.")
                if form.hears.data == "reports"
                else _("On call from now on: told of every positive at once, day and night."),
                "good",
            )
            return redirect(url_for("outbox.list_on_call"))
    elif form.errors:
        status = 422
    listed = receiver_queries.list_on_call(db.session(), actor=actor)
    return render_template("outbox/on_call.html", form=form, on_call=listed), status


@outbox.post("/on-call/<uuid:on_call_id>/end")
@needs("manage_on_call")
def end_on_call(on_call_id: uuid.UUID) -> Response:
    """Take somebody off the list."""
    receivers.end_on_call(actor=current_actor(), client_id=SentOnce().sent_id(), on_call_id=on_call_id)
    flash(_("Taken off the on-call list."), "good")
    return redirect(url_for("outbox.list_on_call"))


@outbox.route("/webhooks", methods=["GET", "POST"])
@needs("manage_webhooks")
def list_webhooks() -> str | tuple[str, int]:
    """Show which systems listen, or add one; its secret is shown on this one answer and never again."""
    form, secret, status = WebhookForm(), "", 200
    form.place_id.choices = [("", _("everywhere"))] + [
        (str(place.id), f"{place.full_name} ({say_word(place.kind)})")
        for place in place_queries.list_workplaces(db.session())
        if place.kind != "site"
    ]
    if form.validate_on_submit():
        try:
            secret = receivers.add_webhook(
                actor=current_actor(),
                name=form.name.data or "",
                url=form.url.data or "",
                events=form.events.data or [],
                place_id=uuid.UUID(form.place_id.data) if form.place_id.data else None,
            )["secret"]
            form = WebhookForm(formdata=None)
            form.place_id.choices = [("", _("everywhere"))]
        except LimsError as error:
            if error.field not in form:
                raise
            form[error.field].errors = [say_error(error)]
            status = error.status
    elif form.errors:
        status = 422
    webhooks = receiver_queries.list_webhooks(db.session())
    return render_template("outbox/webhooks.html", form=form, webhooks=webhooks, secret=secret), status


@outbox.post("/webhooks/<uuid:webhook_id>/end")
@needs("manage_webhooks")
def end_webhook(webhook_id: uuid.UUID) -> Response:
    """Tell another system nothing any more."""
    receivers.end_webhook(actor=current_actor(), client_id=SentOnce().sent_id(), webhook_id=webhook_id)
    flash(_("The webhook has ended."), "good")
    return redirect(url_for("outbox.list_webhooks"))
