"""The page on which people read their results: one, or those of a household, each opened by its own birth date."""

from __future__ import annotations

from flask import render_template, request

from lims.errors import InvalidInput, LimsError
from lims.results import portal
from lims.results.views import results
from lims.results.views.answers import show_answers
from lims.results.views.reading_form import ReadingForm


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
    return _show(None, answers, closed)


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


def _show(form: ReadingForm | None, answers: list[portal.Answer], closed: int) -> str:
    """Show what is open, with a form for one more; the form alone where nothing is."""
    if not answers:
        return render_template("results/read.html", form=form or ReadingForm(formdata=None), closed=closed)
    return show_answers(form, answers, closed)
