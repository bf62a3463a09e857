"""The worklist of people's requests about their data, one request, and a correction at the desk."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lims import clock
from lims.errors import InvalidInput, LimsError
from lims.extensions import db, vault
from lims.intake.actions.accesses import record_accesses
from lims.intake.birth_dates import BirthDate
from lims.intake.identity import written_phone
from lims.intake.models import Person
from lims.intake.people import open_contact
from lims.intake.queries.declarations import get_declaration
from lims.language import say
from lims.personal.actions import requests as actions
from lims.personal.actions.corrections import Corrected
from lims.personal.actions.corrections import correct_person as correct
from lims.personal.models import DataRequest
from lims.personal.own_data import describe_accesses, describe_request
from lims.personal.queries import requests as queries
from lims.personal.queries.own import list_corrections
from lims.personal.rules import ACCESS_WORDS, FIELD_WORDS
from lims.personal.views import personal
from lims.personal.views.forms import AnswerForm, CorrectionForm, SettlementForm
from lims.security import current_actor, needs
from lims.timeline import read_timeline


@personal.get("/data-requests")
@needs("handle_data_requests")
def list_requests() -> str:
    """Show what people have asked for, what is due first on top."""
    actor, session = current_actor(), db.session()
    settled = request.args.get("status") == "settled"
    found = queries.list_requests(session, actor=actor, settled=settled, after=_after())
    last = found[-1] if len(found) == queries.PAGE and not settled else None
    shown = {one.person_id for one in found}
    answer = render_template(
        "personal/requests.html",
        requests=[_Line(one) for one in found],
        settled=settled,
        overdue=queries.count_overdue(session, now=clock.now(), actor=actor),
        more_url=url_for("personal.list_requests", after=f"{last.done_due_at.isoformat()}|{last.id}")
        if last
        else None,
    )
    record_accesses(actor=actor, person_ids=shown, shown_by="list")
    return answer


class _Line:
    """A request as a line of the worklist, marked where a term is over."""

    def __init__(self, found: DataRequest) -> None:
        self.id, self.kind, self.status, self.decision = found.id, found.kind, found.status, found.decision
        self.name, self.commune = found.person.name, found.commune.name
        self.asked_at, self.settled_at = found.asked_at, found.settled_at
        self.due_at = found.answer_due_at if found.status == "open" else found.done_due_at
        self.urgent = found.status != "settled" and self.due_at < clock.now()


def _after() -> tuple[datetime, uuid.UUID] | None:
    text = request.args.get("after", "")
    if not text:
        return None
    moment, _bar, key = text.partition("|")
    try:
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise ValueError("without a zone")
        return at.astimezone(UTC), uuid.UUID(key)
    except (ValueError, OverflowError):
        raise InvalidInput("Open the list from its beginning.", field="after") from None


@personal.get("/data-requests/<uuid:request_id>")
@needs("handle_data_requests")
def show_request(request_id: uuid.UUID) -> str:
    """Show a request: what is asked, by when, what is kept now, who has seen it."""
    return _page(request_id)


@personal.post("/data-requests/<uuid:request_id>/answer")
@needs("handle_data_requests")
def answer_request(request_id: uuid.UUID) -> Response | tuple[str, int]:
    """Tell the person that the request was received."""
    form = AnswerForm()
    try:
        actions.answer_request(actor=current_actor(), request_id=request_id, answer=form.answer.data or "")
    except InvalidInput as error:
        form.blame(error)
        return _page(request_id, answering=form), error.status
    flash(_("The person reads your answer on their own page."), "success")
    return redirect(url_for("personal.show_request", request_id=request_id))


@personal.post("/data-requests/<uuid:request_id>/settlement")
@needs("handle_data_requests")
def settle_request(request_id: uuid.UUID) -> Response | tuple[str, int]:
    """Decide, and do what is granted."""
    form = SettlementForm()
    try:
        actions.settle_request(
            actor=current_actor(),
            request_id=request_id,
            decision=form.decision.data or "",
            answer=form.answer.data or "",
            corrected=_corrected(form),
        )
    except LimsError as error:
        if error.status == 404:
            raise
        form.blame(error)
        return _page(request_id, settling=form), error.status
    flash(_("Decided and done."), "success")
    return redirect(url_for("personal.list_requests"))


@personal.route("/people/<code>/correction", methods=["GET", "POST"])
@needs("handle_data_requests")
def correct_person(code: str) -> str | Response | tuple[str, int]:
    """Correct the data of somebody who is there in person."""
    declaration = get_declaration(db.session(), actor=current_actor(), code=code)
    code, person_id = declaration.code, declaration.person_id
    if request.method == "GET":
        form = CorrectionForm(formdata=None, data=_values(declaration.person))
        answer = _correction(code, form, is_restricted=declaration.person.restricted_at is not None)
        record_accesses(actor=current_actor(), person_ids=[person_id], shown_by="record")
        return answer
    form = CorrectionForm()
    try:
        done = correct(actor=current_actor(), declaration_code=code, corrected=_corrected(form))
    except LimsError as error:
        if error.status == 404:
            raise
        form.blame(error)
        return _correction(code, form), error.status
    fields = ", ".join(say(FIELD_WORDS[name]) for name in done["fields"])
    flash(_("Corrected: %(fields)s. What was before is kept, sealed.", fields=fields), "success")
    if done["revoked"]:
        flash(
            _("Certificates with the old data were revoked; new ones are issued when asked for."), "warning"
        )
    return redirect(url_for("intake.show_declaration", code=code))


@personal.post("/people/<code>/restriction-end")
@needs("handle_data_requests")
def lift_restriction(code: str) -> Response:
    """Use the data of somebody who is there in person again as before."""
    done = actions.lift_restriction(actor=current_actor(), declaration_code=code)
    flash(_("The data are used again as before."), "success")
    return redirect(url_for("intake.show_declaration", code=done["declaration"]))


def _correction(code: str, form: CorrectionForm, is_restricted: bool = False) -> str:
    return render_template("personal/correction.html", form=form, code=code, is_restricted=is_restricted)


def _corrected(form: CorrectionForm) -> Corrected:
    return Corrected(
        name=form.name.data or "",
        birth_date=form.birth_date.data or "",
        phone=form.phone.data or "",
        address=form.address.data or "",
    )


def _values(person: Person) -> dict[str, Any]:
    contact = open_contact(vault(), person)
    born = BirthDate.of(person.birth_on, person.birth_precision)
    return {
        "name": person.name,
        "birth_date": "/".join(reversed(born.iso.split("-"))),
        "phone": written_phone(contact.phone) if contact.phone else "",
        "address": contact.address,
    }


def _page(
    request_id: uuid.UUID, answering: AnswerForm | None = None, settling: SettlementForm | None = None
) -> str:
    session, actor = db.session(), current_actor()
    found = queries.get_request(session, actor=actor, request_id=request_id)
    person, person_id = found.person, found.person_id
    values = _values(person)
    answer = render_template(
        "personal/request.html",
        found=describe_request(found, person, vault()),
        overdue=_Line(found).urgent,
        person=person,
        values=values,
        declaration=found.declaration,
        accesses=describe_accesses(session, person_id=person.id),
        corrections=list_corrections(session, person_id=person.id),
        events=read_timeline(session, subject_ids=[found.id, person.id]),
        answering=answering or AnswerForm(formdata=None),
        settling=settling or SettlementForm(formdata=None, data=values),
        access_words=ACCESS_WORDS,
        field_words=FIELD_WORDS,
    )
    record_accesses(actor=actor, person_ids=[person_id], shown_by="record")
    return answer
