"""The page on which people read their results: one, or those of a household, each opened by its own birth date."""

from __future__ import annotations

from flask import render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField

from lims.errors import InvalidInput, LimsError
from lims.language import choose, say_error
from lims.results import portal
from lims.results.reading import choose_advice
from lims.results.views import results


class ReadingForm(FlaskForm):
    """A result code and a birth date in three small fields."""

    result_code = StringField(_l("Result code"))
    birth_day = StringField(_l("Day"))
    birth_month = StringField(_l("Month"))
    birth_year = StringField(_l("Year"))

    @property
    def is_empty(self) -> bool:
        """Whether nobody is asked for: the page is only shown anew."""
        typed = (self.result_code, self.birth_day, self.birth_month, self.birth_year)
        return not any((field.data or "").strip() for field in typed)

    def blame(self, error: LimsError) -> None:
        """Put a refusal beside the field it is about."""
        field = "birth_year" if error.field == "birth_date" else error.field
        blamed = {"birth_month": self.birth_month, "birth_year": self.birth_year}.get(field, self.result_code)
        blamed.errors = [say_error(error)]
        if not (self.result_code.data or "").strip():
            self.result_code.errors = [_("Enter the result code of your slip.")]


@results.route("/results", methods=["GET", "POST"])
def read() -> str | tuple[str, int]:
    """Let a person read a result, or see where the sample is; those that are open on the page stay open."""
    form = ReadingForm()
    if request.method == "GET":
        return render_template("results/read.html", form=form)
    given = request.form.getlist("opened")
    try:
        fresh = None if given and form.is_empty else _read(form, room=len(given) < portal.MOST_OPENED)
    except LimsError as error:
        form.blame(error)
        return _show(form, *portal.read_opened(given)), error.status
    answers, closed = portal.read_opened(given)
    if fresh:
        answers = [fresh, *(one for one in answers if one.declaration_code != fresh.declaration_code)]
    return _show(ReadingForm(formdata=None), answers, closed)


def _read(form: ReadingForm, *, room: bool) -> portal.Answer:
    if not room:
        raise InvalidInput(
            "There are %(most)s results on this page. Open the page anew for the next.",
            field="result_code",
            most=portal.MOST_OPENED,
        )
    return portal.read_result(
        result_code=form.result_code.data or "",
        birth_date=portal.join_birth_date(
            day=form.birth_day.data or "",
            month=form.birth_month.data or "",
            year=form.birth_year.data or "",
        ),
        address=request.remote_addr or "",
    )


def _show(form: ReadingForm, answers: list[portal.Answer], closed: int) -> str:
    """Show what is open, with a form for one more; the form alone where nothing is."""
    if not answers:
        return render_template("results/read.html", form=form, closed=closed)
    language = choose()
    return render_template(
        "results/answer.html",
        form=form,
        answers=answers,
        closed=closed,
        advise=lambda words: choose_advice(language, **words),
    )
