"""The page on which people read their results."""

from __future__ import annotations

from flask import render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField

from lims.errors import LimsError
from lims.language import say_error
from lims.results import portal
from lims.results.views import results


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


@results.route("/results", methods=["GET", "POST"])
def read() -> str | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """Let a person read a result, or see where the sample is."""
    form = ReadingForm()
    if request.method == "GET":
        return render_template("results/read.html", form=form)
    try:
        answer = portal.read_result(
            result_code=form.result_code.data or "",
            birth_date=portal.join_birth_date(
                day=form.birth_day.data or "",
                month=form.birth_month.data or "",
                year=form.birth_year.data or "",
            ),
            address=request.remote_addr or "",
        )
    except LimsError as error:
        form.blame(error)
        if not (form.result_code.data or "").strip():
            form.result_code.errors = [_("Enter the result code of your slip.")]
        return render_template("results/read.html", form=form), error.status
    return render_template("results/answer.html", answer=answer, told=answer.told)
