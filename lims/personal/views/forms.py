"""Forms of people's own data and of those who handle their requests."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice

from lims.errors import LimsError
from lims.language import label_word, say_error
from lims.personal.rules import DECISIONS, REQUEST_KINDS


class Blaming(FlaskForm):
    """A form that puts a refusal beside its field, or above all."""

    def blame(self, error: LimsError) -> None:
        """Show a refusal where it belongs."""
        name = "birth_year" if error.field == "birth_date" and "birth_year" in self else error.field
        if name in self:
            self[name].errors = [say_error(error)]
        else:
            self.form_errors = [say_error(error)]


class OpeningForm(Blaming):
    """A result code and a birth date in three small fields."""

    result_code = StringField(_l("Result code"))
    birth_day = StringField(_l("Day"))
    birth_month = StringField(_l("Month"))
    birth_year = StringField(_l("Year"))


class AskingForm(Blaming):
    """What a person asks for."""

    ticket = HiddenField()
    kind = RadioField(
        _l("What do you ask for?"),
        choices=[SelectChoice(word, label_word(word)) for word in REQUEST_KINDS],
        validate_choice=False,
    )
    note = TextAreaField(_l("In your own words"))


class CorrectionForm(Blaming):
    """How a person's data should be."""

    name = StringField(_l("Full name"))
    birth_date = StringField(_l("Date of birth"))
    phone = StringField(_l("Telephone"))
    address = StringField(_l("House, street, hamlet"))


class AnswerForm(Blaming):
    """What the person is told meanwhile."""

    answer = TextAreaField(_l("What the person is told"))


class SettlementForm(CorrectionForm):
    """What is decided; the values count for a correction alone."""

    decision = SelectField(
        _l("Decision"),
        # none is proposed: an erasure that is granted by haste cannot be taken back
        choices=[SelectChoice("", "–"), *(SelectChoice(word, label_word(word)) for word in DECISIONS)],
        validate_choice=False,
    )
    answer = TextAreaField(_l("What the person is told"))
