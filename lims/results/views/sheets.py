"""The result sheet: people take it with code and birth date; staff print one, or those of a run or a commune."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date

from flask import redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import DateField, SelectField, StringField
from wtforms.fields import SelectChoice

from lims import codes
from lims.auth.actors import RESIDENT
from lims.errors import InvalidInput, LimsError, NotFound, Refused
from lims.extensions import db
from lims.intake.actions.accesses import record_accesses
from lims.intake.queries.declarations import get_declaration
from lims.intake.views.people import as_pdf
from lims.language import say_error
from lims.places import queries as place_queries
from lims.results import portal
from lims.results.certificates.actions.certificates import issue_certificates
from lims.results.sheets import queries
from lims.results.sheets.preparing import Prepared, draw, prepare_sheets
from lims.results.views import results
from lims.security import current_actor, needs

FILE_NAME = "phieu-ket-qua.pdf"
A_FILE = 500  # sheets


class SheetsForm(FlaskForm):
    """Whose sheets are printed: a run's, or a commune's of a day."""

    run_code = StringField(_l("Run"))
    commune_id = SelectField(_l("Commune"), validate_choice=False)
    sampled_on = DateField(_l("Sampled on"))

    def blame(self, error: LimsError) -> None:
        """Put a refusal beside the field it is about."""
        {"run_code": self.run_code, "sampled_on": self.sampled_on}.get(
            error.field, self.commune_id
        ).errors = [say_error(error)]


@results.post("/results/sheet")
def take_sheet() -> str | Response:
    """Give a person their sheet, as a file or as a page to be printed; with the ticket of the answer they read, or
    with code and birth date."""
    answer = _read_ticket() if "ticket" in request.form else _read_code()
    if answer.result_id is None or answer.told.status not in ("detected", "not_detected"):
        raise _no_sheet()
    issue_certificates(actor=RESIDENT, result_ids=[answer.result_id])
    sheet = _get_only(prepare_sheets(db.session(), result_ids=[answer.result_id]))
    return _show(sheet) if request.form.get("as") == "page" else as_pdf(draw([sheet]), FILE_NAME, keep=True)


def _read_ticket() -> portal.Answer:
    answers, _closed = portal.read_opened([request.form["ticket"]])
    if not answers:
        raise InvalidInput(
            "This page was open for too long. Enter the result code and the date of birth once more.",
            field="ticket",
        )
    return answers[0]


def _read_code() -> portal.Answer:
    return portal.read_result(
        result_code=request.form.get("result_code", ""),
        birth_date=_typed_birth_date(),
        address=request.remote_addr or "",
    )


def _typed_birth_date() -> str:
    if "birth_date" in request.form:
        return request.form["birth_date"]
    return portal.join_birth_date(
        day=request.form.get("birth_day", ""),
        month=request.form.get("birth_month", ""),
        year=request.form.get("birth_year", ""),
    )


@results.post("/results/<uuid:result_id>/sheet")
@needs("see_commune_results")
def make_sheet(result_id: uuid.UUID) -> Response:
    """Issue the certificate of a result where it has none yet, and go to its sheet."""
    return _issue_and_show(result_id)


def _issue_and_show(result_id: uuid.UUID) -> Response:
    queries.check_has_sheet(db.session(), actor=current_actor(), result_id=result_id)
    issue_certificates(actor=current_actor(), result_ids=[result_id])
    endpoint = "results.show_sheet" if request.form.get("as") == "page" else "results.show_sheet_file"
    return redirect(url_for(endpoint, result_id=result_id), code=303)


@results.post("/people/<code>/sheet")
@needs("see_commune_results")
def make_sheet_of_person(code: str) -> Response:
    """Do the same for the result of a declaration, from its record."""
    declaration = get_declaration(db.session(), actor=current_actor(), code=code)
    found = queries.find_result_of_declaration(db.session(), declaration_id=declaration.id)
    if found is None:
        raise Refused(
            "There is no result of this declaration yet. There is a sheet as soon as it is released."
        )
    return _issue_and_show(found)


@results.get("/results/<uuid:result_id>/sheet.pdf")
@needs("see_commune_results")
def show_sheet_file(result_id: uuid.UUID) -> Response:
    """Show the sheet of a result as a file, with the certificate that was issued."""
    return as_pdf(draw([_seen_by_staff(result_id)]), FILE_NAME)


@results.get("/results/<uuid:result_id>/sheet")
@needs("see_commune_results")
def show_sheet(result_id: uuid.UUID) -> str:
    """Show the sheet of a result as a page to be printed."""
    return _show(_seen_by_staff(result_id))


@results.route("/results/sheets", methods=["GET", "POST"])
@needs("see_commune_results")
def print_sheets() -> str | tuple[str, int] | Response:
    """Print all sheets of a run or of a commune, in parts of 500."""
    form = SheetsForm()
    communes = [
        one for one in place_queries.list_communes(db.session(), most=1000) if current_actor().sees(one.id)
    ]
    form.commune_id.choices = [SelectChoice("", "–")] + [
        SelectChoice(str(one.id), one.name) for one in communes
    ]
    if request.method == "GET":
        return render_template("results/sheets.html", form=form, parts=(), count=0)
    try:
        found = _list_asked(form)
    except LimsError as error:
        form.blame(error)
        return render_template("results/sheets.html", form=form, parts=(), count=0), error.status
    parts = [found[start : start + A_FILE] for start in range(0, len(found), A_FILE)]
    part = request.form.get("part", "")
    if len(parts) == 1 or (part.isdecimal() and 0 < int(part) <= len(parts)):
        chosen = parts[0 if len(parts) == 1 else int(part) - 1]
        issue_certificates(actor=current_actor(), result_ids=chosen)
        return as_pdf(draw(_prepare_for_staff(chosen)), "phieu-ket-qua-nhieu.pdf")
    return render_template("results/sheets.html", form=form, parts=parts, count=len(found))


def _list_asked(form: SheetsForm) -> Sequence[uuid.UUID]:
    run_code = (form.run_code.data or "").strip()
    if not run_code and not form.commune_id.data:
        raise InvalidInput("Give the code of a run, or choose a commune.", field="commune_id")
    found = queries.list_results_with_sheet(
        db.session(),
        actor=current_actor(),
        run_code=codes.parse(run_code, expect="plate", field="run_code").text if run_code else "",
        commune_id=_read_commune(form.commune_id.data or ""),
        sampled_on=_read_day(form),
    )
    if not found:
        raise NotFound(
            "No released result with a clear finding fits. Choose another run, commune or day.",
            field="run_code" if run_code else "commune_id",
        )
    return found


def _read_commune(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        raise InvalidInput("Choose a commune from the list.", field="commune_id") from None


def _read_day(form: SheetsForm) -> date | None:
    if form.sampled_on.data is None and (request.form.get("sampled_on") or "").strip():
        raise InvalidInput("Give the day as day, month and year, or leave it out.", field="sampled_on")
    day: date | None = form.sampled_on.data
    return day


def _seen_by_staff(result_id: uuid.UUID) -> Prepared:
    queries.check_has_sheet(db.session(), actor=current_actor(), result_id=result_id)
    return _get_only(_prepare_for_staff([result_id]))


def _get_only(prepared: Sequence[Prepared]) -> Prepared:
    """Return the one sheet that was asked for; its result may have been taken back a moment ago."""
    if not prepared:
        raise _no_sheet()
    return prepared[0]


def _no_sheet() -> Refused:
    return Refused("There is no sheet of this result now. Read the result again to see why.")


def _prepare_for_staff(result_ids: Sequence[uuid.UUID]) -> list[Prepared]:
    """Return some sheets; that their people's data was seen is written down."""
    prepared = prepare_sheets(db.session(), result_ids=result_ids)
    record_accesses(actor=current_actor(), person_ids={one.person_id for one in prepared}, shown_by="paper")
    return prepared


def _show(prepared: Prepared) -> str:
    return render_template("results/sheet.html", sheet=prepared.sheet)
