"""The question pages of a declaration: one form a step. What they check is the rules' word, not their own."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    HiddenField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields import SelectChoice
from wtforms.widgets import CheckboxInput, ListWidget

from lims.errors import InvalidInput
from lims.intake.rules import SYMPTOMS
from lims.language import say_error
from lims.words import WORDS

SEXES = [
    SelectChoice("female", _l("Female")),
    SelectChoice("male", _l("Male")),
    SelectChoice("unknown", _l("Not stated")),
]
WHO_DECLARES = [SelectChoice("self", _l("For myself")), SelectChoice("relative", _l("For a relative"))]
YES_NO = [SelectChoice("no", _l("No")), SelectChoice("yes", _l("Yes"))]


class StepForm(FlaskForm):
    """A step; `fields_of` says which of its inputs show a mistake of which field of the declaration."""

    fields_of: dict[str, str] = {}

    def show_mistakes(self, mistakes: Iterable[InvalidInput]) -> bool:
        """Put the mistakes of this step's fields beside their inputs.

        Args:
            mistakes: all mistakes of the declaration so far.

        Returns:
            Whether there are any for this step.
        """
        found = False
        for mistake in mistakes:
            name = self.fields_of.get(mistake.field, mistake.field)
            if name in self:
                self[name].errors = [*self[name].errors, say_error(mistake)]
                found = True
        return found


class CardForm(FlaskForm):
    """What a scanner reads from an identity card."""

    card = TextAreaField(_l("QR of the identity card"))


class WhoForm(StepForm):
    """Who is to be tested."""

    fields_of = {"birth_date": "birth_year"}
    declared_by = RadioField(_l("I declare"), choices=WHO_DECLARES, default="self", validate_choice=False)
    campaign_id = SelectField(_l("Campaign"), validate_choice=False)
    name = StringField(_l("Full name"))
    birth_day = StringField(_l("Day"))
    birth_month = StringField(_l("Month"))
    birth_year = StringField(_l("Year"))
    sex = RadioField(_l("Sex"), choices=SEXES, default="unknown", validate_choice=False)
    identity_number = StringField(_l("Identity number"))


class PlaceForm(StepForm):
    """Where the person lives and can be reached."""

    commune_code = SelectField(_l("Commune"), validate_choice=False)
    address = StringField(_l("House, street, hamlet"))
    phone = StringField(_l("Telephone"))


class HealthForm(StepForm):
    """How the person is."""

    symptoms = SelectMultipleField(
        _l("Which symptoms are there today?"),
        choices=[SelectChoice(word, _l(WORDS[word])) for word in SYMPTOMS],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        validate_choice=False,
    )
    is_contact = RadioField(
        _l("Near somebody infected in the last 14 days?"), choices=YES_NO, default="no", validate_choice=False
    )


class CheckForm(StepForm):
    """The last word."""

    consent = BooleanField(_l("I agree to the text above."))
    # of the text above, as it was when the page was opened
    consent_version = HiddenField()


class WithdrawForm(FlaskForm):
    """Why a declaration is taken back."""

    client_id = HiddenField()
    reason = SelectField(_l("Reason"), validate_choice=False)


class ReissueForm(FlaskForm):
    """A new result code for somebody whose identity was checked."""

    client_id = HiddenField()
    identity_checked = BooleanField(_l("I have checked the identity of this person."))
