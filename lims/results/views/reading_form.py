"""The form of the page on which people read their results."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField

from lims.errors import LimsError
from lims.language import say_error

FIELDS = ("result_code", "birth_day", "birth_month", "birth_year")


class ReadingForm(FlaskForm):
    """A result code and a birth date in three small fields."""

    result_code = StringField(_l("Result code"))
    birth_day = StringField(_l("Day"))
    birth_month = StringField(_l("Month"))
    birth_year = StringField(_l("Year"))

    def blame(self, error: LimsError) -> None:
        """Put a refusal beside the field it is about."""
        field = "birth_year" if error.field == "birth_date" else error.field
        blamed = {"birth_month": self.birth_month, "birth_year": self.birth_year}.get(field, self.result_code)
        blamed.errors = [say_error(error)]
        if not (self.result_code.data or "").strip():
            self.result_code.errors = [_("Enter the result code of your slip.")]
