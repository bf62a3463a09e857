"""The page of answers, drawn once for all who are told the same.

The portal is read more than everything else together. Drawing its page costs several times what finding the answer
does, so what is the same for many is kept: the frame, by language, and what is told, by all that it says. What is kept
names nobody: birth date, codes, tickets and form tokens are put in for each reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache

from flask import current_app, render_template, session
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from lims import clock
from lims.intake.birth_dates import BirthDate
from lims.language import choose
from lims.results.portal import Answer
from lims.results.views.reading_form import ReadingForm
from lims.security import current_actor

# where something of the reader's own is put in; no text of ours or of a campaign holds such a character
ANSWERS, TICKETS, TICKET = "\x00answers\x00", "\x00tickets\x00", "\x00ticket\x00"
TOKEN, WHOSE = "\x00token\x00", "\x00whose\x00"
KEPT = 1024
"""What is told, in how many ways at once: some five megabytes."""
_NOBODY = BirthDate(1900)
_OPENED = Markup('<input type="hidden" name="opened" value="{}">')


def show_answers(form: ReadingForm | None, answers: Sequence[Answer], closed: int) -> str:
    """Return the page of what is open, with a form for one more.

    Args:
        form: as it was sent, with its mistakes; None: an empty one.
        answers: what is open, at least one.
        closed: how many were open and are no longer.
    """
    told = "".join(_draw_answer(answer, number=number) for number, answer in enumerate(answers, start=1))
    opened = "".join(_OPENED.format(answer.ticket) for answer in answers)
    many = len(answers) > 1
    if form is not None or current_actor().user_id or "_flashes" in session or not _may_keep():
        return _draw_page(
            form or ReadingForm(formdata=None), told=told, opened=opened, many=many, closed=closed > 0
        )
    frame = _draw_frame(choose(), many=many, closed=closed > 0)
    return frame.replace(TOKEN, generate_csrf()).replace(TICKETS, opened).replace(ANSWERS, told)


def _may_keep() -> bool:
    """Whether templates stay as they are: not where somebody works on them."""
    return not current_app.config["TEMPLATES_AUTO_RELOAD"]


def _draw_page(form: ReadingForm, *, told: str, opened: str, many: bool, closed: bool) -> str:
    return render_template(
        "results/answer.html",
        form=form,
        told=Markup(told),  # noqa: S704  (drawn by told.html, which escapes)
        opened=Markup(opened),  # noqa: S704
        many=many,
        closed=closed,
    )


@lru_cache(maxsize=16)
def _draw_frame(language: str, *, many: bool, closed: bool) -> str:
    """Draw the page around the answers, for a reader who is not signed in; its form is empty."""
    form = ReadingForm(formdata=None)
    page = _draw_page(form, told=ANSWERS, opened=TICKETS, many=many, closed=closed)
    return page.replace(generate_csrf(), TOKEN)


def _draw_answer(answer: Answer, *, number: int) -> str:
    valid_until = answer.told.valid_until
    over = valid_until is not None and valid_until < clock.now()
    names_nobody = replace(answer, born=_NOBODY, ticket="", result_id=None, declaration_code="")
    # a new sample's code stands in the middle of the words: that is drawn for each
    draw = _draw_told if answer.told.status != "new_sample" and _may_keep() else _draw_told.__wrapped__
    drawn = draw(
        choose(),
        clock.today(),
        over=over,
        number=number,
        answer=names_nobody if draw is _draw_told else answer,
        has_sheet=answer.result_id is not None and answer.told.status in ("detected", "not_detected"),
    )
    code = current_app.jinja_env.get_template("components/codes.html").module.code  # type: ignore[attr-defined]
    born = "/".join(reversed(answer.born.iso.split("-")))
    whose = Markup("{} · {}").format(_("Born %(date)s", date=born), code(answer.declaration_code, copy=False))
    return drawn.replace(WHOSE, whose).replace(TICKET, answer.ticket).replace(TOKEN, generate_csrf())


@lru_cache(maxsize=KEPT)
def _draw_told(
    language: str, today: date, *, over: bool, number: int, answer: Answer, has_sheet: bool
) -> str:
    """Draw what is told; the day decides about its words, too."""
    drawn = render_template(
        "results/told.html",
        answer=answer,
        told=answer.told,
        number=number,
        over=over,
        detected_advice=answer.detected_advice.in_language(language),
        second_advice=answer.second_test_advice.in_language(language),
        whose=Markup(WHOSE),  # noqa: S704  (a constant)
        sheet_ticket=TICKET if has_sheet else "",
    )
    return drawn.replace(generate_csrf(), TOKEN)
