"""The page on which people read their results: one, or those of a household, each opened by its own birth date."""

from __future__ import annotations

from flask import render_template, request

from lims.errors import InvalidInput, LimsError
from lims.results import portal
from lims.results.views import results
from lims.results.views.answers import show_answers
from lims.results.views.reading_form import FIELDS, ReadingForm


@results.route("/results", methods=["GET", "POST"])
def read() -> str | tuple[str, int]:
    """Let a person read a result, or see where the sample is; those that are open on the page stay open."""
    if request.method == "GET":
        return render_template("results/read.html", form=ReadingForm())
    given = request.form.getlist("opened")
    try:
        fresh = None if given and _is_empty() else _read(room=len(given) < portal.MOST_OPENED)
    except LimsError as error:
        form = ReadingForm()
        form.blame(error)
        return _show(form, *portal.read_opened(given)), error.status
    answers, closed = portal.read_opened(given)
    if fresh:
        answers = [fresh, *(one for one in answers if one.declaration_code != fresh.declaration_code)]
    return _show(None, answers, closed)


def _is_empty() -> bool:
    """Whether nobody is asked for: the page is only shown anew."""
    return not any(request.form.get(name, "").strip() for name in FIELDS)


def _read(*, room: bool) -> portal.Answer:
    if not room:
        raise InvalidInput(
            "There are %(most)s results on this page. Open the page anew for the next.",
            field="result_code",
            most=portal.MOST_OPENED,
        )
    # what is sent is read without the form, which takes as long to be made as a statement
    code, day, month, year = (request.form.get(name, "") for name in FIELDS)
    return portal.read_result(
        result_code=code,
        birth_date=portal.join_birth_date(day=day, month=month, year=year),
        address=request.remote_addr or "",
    )


def _show(form: ReadingForm | None, answers: list[portal.Answer], closed: int) -> str:
    """Show what is open, with a form for one more; the form alone where nothing is."""
    if not answers:
        return render_template("results/read.html", form=form or ReadingForm(formdata=None), closed=closed)
    return show_answers(form, answers, closed)
