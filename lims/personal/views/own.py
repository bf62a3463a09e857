"""A person's own page: what is kept of them and who has seen it, to read and to take; and what they may ask for.

Opened with the result code and the birth date, as a result is. Nothing of the code stands in the page: its forms
carry a ticket of half an hour.
"""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, jsonify, render_template, request
from flask_babel import gettext as _

from lims import clock
from lims.auth.actors import RESIDENT
from lims.errors import LimsError
from lims.extensions import db, vault
from lims.intake.actions.accesses import record_accesses
from lims.intake.consent import TEXTS
from lims.personal.actions.requests import ask_about_data
from lims.personal.opening import open_own_data
from lims.personal.own_data import describe_person
from lims.personal.queries.own import find_person
from lims.personal.rules import ACCESS_WORDS, DONE_DAYS, FIELD_WORDS
from lims.personal.tickets import make_ticket, read_ticket
from lims.personal.views import personal
from lims.personal.views.forms import AskingForm, OpeningForm
from lims.results.portal import join_birth_date

Page = str | tuple[str, int]


@personal.route("/my-data", methods=["GET", "POST"])
def show_own_data() -> Page:
    """Ask for code and birth date, then show everything that is kept."""
    form = OpeningForm()
    if request.method == "GET":
        return render_template("personal/open.html", form=form)
    try:
        declaration_id = open_own_data(
            result_code=form.result_code.data or "",
            birth_date=join_birth_date(
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
        return render_template("personal/open.html", form=form), error.status
    return _page(declaration_id, AskingForm(formdata=None))


@personal.post("/my-data/file")
def take_own_data() -> Response:
    """Give the same as a file for programs."""
    declaration_id = read_ticket(vault(), request.form.get("ticket", ""), now=clock.now())
    answer = jsonify(_describe(declaration_id))
    answer.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return answer


@personal.post("/my-data/requests")
def ask_for_own_data() -> Page:
    """Take a request, then show the page with it."""
    form = AskingForm()
    declaration_id = read_ticket(vault(), form.ticket.data or "", now=clock.now())
    try:
        ask_about_data(
            actor=RESIDENT,
            declaration_id=declaration_id,
            kind=form.kind.data or "",
            note=form.note.data or "",
        )
    except LimsError as error:
        form.blame(error)
        return _page(declaration_id, form), error.status
    return _page(declaration_id, AskingForm(formdata=None), asked=True)


def _describe(declaration_id: uuid.UUID) -> dict[str, Any]:
    """Return what is kept; that the person has looked is written down as well."""
    found = describe_person(db.session(), declaration_id=declaration_id, vault=vault())
    person = find_person(db.session(), declaration_id=declaration_id)
    if person is not None:
        record_accesses(actor=RESIDENT, person_ids=[person.id], shown_by="own")
    return found


def _page(declaration_id: uuid.UUID, form: AskingForm, asked: bool = False) -> str:
    form.ticket.data = make_ticket(vault(), declaration_id=declaration_id, now=clock.now())
    return render_template(
        "personal/own.html",
        data=_describe(declaration_id),
        form=form,
        asked=asked,
        texts=TEXTS,
        access_words=ACCESS_WORDS,
        field_words=FIELD_WORDS,
        done_days=DONE_DAYS,
    )
