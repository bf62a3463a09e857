"""Pages for setting up: campaigns with their policy, laboratories with their capacities, sites."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Optional

from lims.errors import LimsError
from lims.extensions import db
from lims.language import say_error
from lims.places import actions, queries
from lims.places.models import Laboratory
from lims.security import current_actor, needs

places = Blueprint("places", __name__)
_NUMBER = _l("Enter a whole number.")


class SentOnce(FlaskForm):
    """A form with an id of its own, so that sending it twice does it once."""

    client_id = HiddenField()

    def sent_id(self) -> uuid.UUID:
        """Return the id the page was given; a new one where it cannot be read."""
        try:
            return uuid.UUID(self.client_id.data)
        except (TypeError, ValueError):
            return uuid.uuid4()


class CampaignForm(SentOnce):
    """A campaign and its policy."""

    name = StringField(_l("Name of the campaign"), [InputRequired(_l("Enter a name."))])
    province_id = SelectField(_l("Province"))
    starts_on = DateField(_l("First day"), [InputRequired(_l("Enter a date."))])
    ends_on = DateField(_l("Last day"), [Optional()])
    pool_size = IntegerField(_l("Tubes in a pool, at most"), [InputRequired(_NUMBER)], default=10)
    mixed_tube_size = IntegerField(
        _l("People in a mixed tube, at most"), [InputRequired(_NUMBER)], default=10
    )
    symptomatic_alone = BooleanField(_l("People with symptoms are tested alone"), default=True)
    contacts_alone = BooleanField(_l("Contacts are tested alone"))
    confirm_all_members = BooleanField(_l("All members of a positive pool go on to be confirmed"))
    positive_pool_strategy = SelectField(
        _l("A positive pool is resolved by testing"),
        choices=[
            SelectChoice("singles", _l("each kept tube alone")),
            SelectChoice("halves", _l("two halves first, then each tube of the positive one")),
            SelectChoice("second_swab", _l("the second swab taken at the same visit, else the kept tube")),
        ],
    )
    validity_hours = IntegerField(_l("Hours that a result is valid"), [InputRequired(_NUMBER)], default=72)
    hold_limit_hours = IntegerField(
        _l("Hours until a sample is too old"), [InputRequired(_NUMBER)], default=48
    )


class TellingForm(SentOnce):
    """What a campaign's people are told, and how long their identities are kept."""

    detected_advice_vi = TextAreaField(
        _l("What to do next when detected, in Vietnamese"),
        description=_l(
            "Shown under the result. Empty: stay at home, the health station calls, 115 if it is hard to breathe."
        ),
    )
    detected_advice_en = TextAreaField(_l("The same in English"))
    second_test_advice_vi = TextAreaField(
        _l("What to do while a second test is needed, and where to go, in Vietnamese"),
        description=_l(
            "For members of a positive pool that is not resolved yet. Empty: stay at home, you need not go anywhere."
        ),
    )
    second_test_advice_en = TextAreaField(_l("The same in English"))
    tells_people = BooleanField(_l("People who gave a telephone are told by SMS that a result is ready"))
    quiet_from_hour = IntegerField(
        _l("No SMS to people from this hour of the day"),
        [InputRequired(_NUMBER)],
        description=_l("0 to 23. Alerts of positives to staff on call are sent day and night."),
    )
    quiet_until_hour = IntegerField(_l("until this hour"), [InputRequired(_NUMBER)])
    certificate_hours = IntegerField(
        _l("Hours that a certificate can be verified, from the sampling on"), [InputRequired(_NUMBER)]
    )
    retention_days = IntegerField(
        _l("Days from the campaign’s end until identities are erased"),
        [Optional()],
        description=_l("Empty: never by itself. Counts, pools and the chain of custody stay."),
    )


class LaboratoryForm(SentOnce):
    """A laboratory and what it can do in a day."""

    province_id = SelectField(_l("Province"))
    code = StringField(_l("Code"), [InputRequired(_l("Enter a short code, as QN01."))])
    name = StringField(_l("Name"), [InputRequired(_l("Enter a name."))])
    screening_per_day = IntegerField(_l("Screening reactions a day"), [InputRequired(_NUMBER)], default=0)
    confirmation_per_day = IntegerField(
        _l("Confirmation reactions a day"), [InputRequired(_NUMBER)], default=0
    )
    can_confirm = BooleanField(_l("May confirm"))


class CapacityForm(SentOnce):
    """What a laboratory can do in a day."""

    screening_per_day = IntegerField(_l("Screening reactions a day"), [InputRequired(_NUMBER)])
    confirmation_per_day = IntegerField(_l("Confirmation reactions a day"), [InputRequired(_NUMBER)])
    can_confirm = BooleanField(_l("May confirm"))


class SiteForm(SentOnce):
    """A collection site."""

    commune_id = SelectField(_l("Commune"))
    name = StringField(_l("Name of the site"), [InputRequired(_l("Enter a name."))])


@places.get("/campaigns")
@needs("manage_campaign")
def list_campaigns() -> str:
    """Show campaigns, laboratories and sites."""
    actor = current_actor()
    return render_template(
        "places/campaigns.html",
        campaigns=[item for item in queries.list_campaigns(db.session()) if actor.sees(item.province_id)],
        laboratories=queries.list_laboratories(db.session(), actor=actor),
        sites=queries.list_sites(db.session(), actor=actor),
    )


@places.route("/campaigns/new", methods=["GET", "POST"])
@needs("manage_campaign")
def create_campaign() -> str | tuple[str, int] | Response:
    """Show the form, or open a campaign."""
    form = CampaignForm()
    form.province_id.choices = _provinces()
    return _answer(form, _("New campaign"), actions.create_campaign)


@places.route("/campaigns/<uuid:campaign_id>/telling", methods=["GET", "POST"])
@needs("manage_campaign")
def set_telling(campaign_id: uuid.UUID) -> str | tuple[str, int] | Response:
    """Show what a campaign's people are told, or change it."""
    campaign = queries.get_campaign(db.session(), campaign_id=campaign_id, actor=current_actor())
    form = TellingForm(obj=campaign)
    return _answer(form, campaign.name, actions.set_telling, campaign_id=campaign_id)


@places.post("/campaigns/<uuid:campaign_id>/close")
@needs("manage_campaign")
def close_campaign(campaign_id: uuid.UUID) -> Response:
    """Close a campaign for new declarations."""
    actions.close_campaign(actor=current_actor(), campaign_id=campaign_id)
    flash(_("The campaign is closed. What was sampled is still tested."), "good")
    return redirect(url_for("places.list_campaigns"))


@places.route("/laboratories/new", methods=["GET", "POST"])
@needs("manage_campaign")
def create_laboratory() -> str | tuple[str, int] | Response:
    """Show the form, or add a laboratory."""
    form = LaboratoryForm()
    form.province_id.choices = _provinces()
    return _answer(form, _("New laboratory"), actions.create_laboratory)


@places.route("/laboratories/<uuid:laboratory_id>/capacity", methods=["GET", "POST"])
@needs("manage_campaign")
def set_capacity(laboratory_id: uuid.UUID) -> str | tuple[str, int] | Response:
    """Show what a laboratory can do in a day, or change it."""
    laboratory: Laboratory = queries.get_laboratory(
        db.session(), laboratory_id=laboratory_id, actor=current_actor()
    )
    form = CapacityForm(obj=laboratory)
    return _answer(form, laboratory.place.name, actions.set_capacity, laboratory_id=laboratory_id)


@places.route("/sites/new", methods=["GET", "POST"])
@needs("manage_campaign")
def create_site() -> str | tuple[str, int] | Response:
    """Show the form, or open a collection site."""
    form = SiteForm()
    actor = current_actor()
    form.commune_id.choices = [
        (str(commune.id), commune.full_name)
        for commune in queries.list_communes(db.session(), most=12_000)
        if actor.sees(commune.id)
    ]
    return _answer(form, _("New site"), actions.create_site)


def _provinces() -> list[tuple[str, str]]:
    actor = current_actor()
    return [(str(item.id), item.name) for item in queries.list_provinces(db.session()) if actor.sees(item.id)]


def _answer(
    form: SentOnce, title: str, action: Callable[..., object], **more: object
) -> str | tuple[str, int] | Response:
    """Show a form, or do what it asks; a refusal is shown at its field."""
    form.client_id.data = form.client_id.data or str(uuid.uuid4())
    if not form.validate_on_submit():
        return render_template("places/form.html", form=form, title=title), (422 if form.errors else 200)
    values = {
        name: uuid.UUID(value) if name.endswith("_id") else value
        for name, value in form.data.items()
        if name not in ("client_id", "csrf_token")
    }
    try:
        action(actor=current_actor(), client_id=form.sent_id(), **values, **more)
    except LimsError as error:
        if error.field not in form:
            raise
        form[error.field].errors = [say_error(error)]
        return render_template("places/form.html", form=form, title=title), error.status
    flash(_("Saved."), "good")
    return redirect(url_for("places.list_campaigns"))
