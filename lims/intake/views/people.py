"""People: the list by name, and one declaration's record with what its state and the reader's role allow."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response
from wtforms.fields import SelectChoice

from lims import codes, labels
from lims.errors import InvalidInput, LimsError
from lims.extensions import db, settings, vault
from lims.intake import rules
from lims.intake.actions import declarations as actions
from lims.intake.actions.accesses import record_accesses
from lims.intake.birth_dates import BirthDate
from lims.intake.consent import find_text
from lims.intake.declaring import WITHDRAWAL_REASONS
from lims.intake.models import Declaration
from lims.intake.people import open_contact
from lims.intake.queries import declarations as queries
from lims.intake.queries import people as people_queries
from lims.intake.queries.people import PeopleFilter
from lims.intake.result_codes import hash_result_code, result_code_for
from lims.intake.views import declare_forms as forms
from lims.intake.views import intake
from lims.intake.views.slips import slips_pdf
from lims.language import say_error, say_word
from lims.places import queries as place_queries
from lims.security import current_actor, needs
from lims.timeline import read_timeline


@intake.get("/people")
@needs("see_people")
def list_people() -> str | Response:
    """Show the declarations of one's communes by name; a code goes straight to its record."""
    text = request.args.get("q", "").strip()
    if _is_declaration_code(text):
        return redirect(url_for("intake.show_declaration", code=codes.normalise(text)))
    commune_id = request.args.get("commune", type=uuid.UUID)
    wanted = PeopleFilter(
        text=text[:200],
        commune_id=commune_id,
        status=request.args.get("status", "")
        if request.args.get("status") in rules.DECLARATION.words
        else "",
        after=request.args.get("after", ""),
    )
    actor = current_actor()
    communes = [
        place for place in place_queries.list_communes(db.session(), most=1000) if actor.sees(place.id)
    ]
    # One commune's list costs what the commune has; all of a province at once would cost what the campaign has.
    narrowed = bool(text) or commune_id is not None or len(communes) <= 1
    page, cursor = (
        people_queries.list_people(db.session(), actor=actor, vault=vault(), wanted=wanted)
        if narrowed
        else ([], "")
    )
    kept: dict[str, Any] = {name: value for name, value in request.args.items() if name != "after"}
    shown = {declaration.person_id for declaration in page}
    answer = render_template(
        "intake/people.html",
        declarations=page,
        more_url=url_for("intake.list_people", **kept, after=cursor) if cursor else None,
        wanted=wanted,
        communes=communes,
        statuses=rules.DECLARATION.words,
        narrowed=narrowed,
        birth=_birth,
    )
    record_accesses(actor=actor, person_ids=shown, shown_by="list")
    return answer


@intake.get("/people/<code>")
@needs("see_people")
def show_declaration(code: str) -> str:
    """Show a declaration with its person, samples and journey."""
    return _record(queries.get_declaration(db.session(), actor=current_actor(), code=code))


@intake.post("/people/<code>/withdrawal")
@needs("see_people")
def withdraw_declaration(code: str) -> Response:
    """Take a declaration back."""
    form = forms.WithdrawForm()
    actions.withdraw_declaration(
        actor=current_actor(),
        client_id=_sent_id(form.client_id.data),
        declaration_code=code,
        reason=form.reason.data or "",
    )
    flash(_("The declaration was taken back."), "success")
    return redirect(url_for("intake.show_declaration", code=code))


@intake.post("/people/<code>/result-code")
@needs("reissue_result_code")
def reissue_result_code(code: str) -> str | tuple[str, int]:
    """Issue a result code anew and show it this once."""
    form = forms.ReissueForm()
    client_id = _sent_id(form.client_id.data)
    try:
        actions.reissue_result_code(
            actor=current_actor(),
            client_id=client_id,
            declaration_code=code,
            identity_checked=bool(form.identity_checked.data),
        )
    except InvalidInput as refusal:
        form.identity_checked.errors = [say_error(refusal)]
        declaration = queries.get_declaration(db.session(), actor=current_actor(), code=code)
        return _record(declaration, reissue=form), refusal.status
    declaration = queries.get_declaration(db.session(), actor=current_actor(), code=code)
    person_id = declaration.person_id
    answer = render_template(
        "intake/declaration_result_code.html",
        declaration=declaration,
        secret=result_code_for(vault(), client_id=client_id),
        result_address=f"{settings().base_url}/results",
        svg=labels.qr_svg,
    )
    record_accesses(actor=current_actor(), person_ids=[person_id], shown_by="record")
    return answer


@intake.route("/people/<code>/slip.pdf", methods=["GET", "POST"])
@needs("print_slips")
def print_slip(code: str) -> Response:
    """Print a slip: the collector's part at any time, the person's with the live code that the page before sends."""
    declaration = queries.get_declaration(db.session(), actor=current_actor(), code=code)
    secret = request.form.get("result_code", "")
    if secret:
        secret = codes.check_result_code(secret)
        hashed = hash_result_code(vault(), secret)
        if not queries.is_live_result_code(db.session(), declaration_id=declaration.id, code_hash=hashed):
            raise InvalidInput(
                "This result code is no longer valid. Issue a new one and print it then.", field="result_code"
            )
    person_id, name = declaration.person_id, f"{declaration.code}.pdf"
    content = slips_pdf([(declaration, secret)])
    record_accesses(actor=current_actor(), person_ids=[person_id], shown_by="paper")
    return as_pdf(content, name)


def as_pdf(content: bytes, name: str, *, keep: bool = False) -> Response:
    """Return a PDF to be opened in the browser, or kept as a file, under a name to save it by."""
    answer = make_response(content)
    answer.headers["Content-Type"] = "application/pdf"
    answer.headers["Content-Disposition"] = f'{"attachment" if keep else "inline"}; filename="{name}"'
    return answer


def _record(declaration: Declaration, reissue: forms.ReissueForm | None = None) -> str:
    session, actor = db.session(), current_actor()
    samples = queries.list_samples(session, declaration_id=declaration.id)
    subjects = {declaration.id: declaration.code, declaration.person_id: ""}
    subjects |= {sample.id: "" for sample in samples}
    subjects |= {sample.tube_id: sample.tube.code for sample in samples}
    withdraw = forms.WithdrawForm(formdata=None, client_id=uuid.uuid4())
    withdraw.reason.choices = [SelectChoice(word, say_word(word)) for word in WITHDRAWAL_REASONS]
    household = queries.list_household(session, declaration=declaration)
    shown = {declaration.person_id, *(one.person_id for one in household)}
    answer = render_template(
        "intake/declaration.html",
        declaration=declaration,
        contact=open_contact(vault(), declaration.person),
        birth=_birth(declaration),
        samples=samples,
        household=household,
        consent=find_text(declaration.consent_version),
        events=read_timeline(
            session, subject_ids=subjects, codes_of=subjects, with_findings=actor.can("see_laboratory")
        ),
        withdraw=withdraw if rules.DECLARATION.can(declaration.status, "withdrawn") else None,
        reissue=(reissue or forms.ReissueForm(formdata=None, client_id=uuid.uuid4()))
        if actor.can("reissue_result_code") and declaration.status not in ("withdrawn", "expired")
        else None,
        result_code=queries.find_live_result_code(session, declaration_id=declaration.id),
        svg=labels.qr_svg,
    )
    record_accesses(actor=actor, person_ids=shown, shown_by="record")
    return answer


def _birth(declaration: Declaration) -> str:
    """Return a birth date as it is written here, as exactly as it is known."""
    person = declaration.person
    return "/".join(reversed(BirthDate.of(person.birth_on, person.birth_precision).iso.split("-")))


def _is_declaration_code(text: str) -> bool:
    try:
        return codes.parse(text).kind == "declaration"
    except LimsError:
        return False


def _sent_id(text: Any) -> uuid.UUID:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        raise InvalidInput("This page was open for too long. Send it once more.", field="client_id") from None
