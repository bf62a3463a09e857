"""Pages of the commune's rapid-response team: who is due, one person's follow-up, contacts of a case, schedules."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import HiddenField, RadioField, SelectField, StringField
from wtforms.fields import SelectChoice

from lims import clock
from lims.errors import InvalidInput, LimsError, NotFound
from lims.extensions import db, vault
from lims.intake import rules as intake_rules
from lims.intake.actions.accesses import record_accesses
from lims.intake.actions.declarations import issue_slips_of
from lims.intake.birth_dates import BirthDate
from lims.intake.contacts import actions, queries, rules
from lims.intake.contacts.models import FollowUp
from lims.intake.contacts.queries import FollowUpFilter
from lims.intake.contacts.schedules import find_days, read_days, tell_state
from lims.intake.models import Declaration, Person
from lims.intake.people import open_contact
from lims.intake.queries import declarations as declaration_queries
from lims.intake.queries import people as people_queries
from lims.intake.queries.people import PeopleFilter
from lims.intake.result_codes import result_code_for
from lims.intake.views import intake
from lims.intake.views.people import as_pdf
from lims.intake.views.sent import sent_id
from lims.intake.views.slips import slips_pdf
from lims.language import label_word, say_error, say_word
from lims.msgid import N_
from lims.places import queries as place_queries
from lims.security import current_actor, needs
from lims.timeline import read_timeline

MOST_FOUND = 20
SHOWS = {
    "waiting": N_("Due and overdue"),
    "due": N_("Due today"),
    "overdue": N_("Overdue"),
    "coming": N_("Coming in 7 days"),
    "symptoms": N_("With symptoms, not sampled"),
    "unlisted": N_("Cases without contacts"),
    "followed": N_("Everybody followed up"),
}


class FollowUpForm(FlaskForm):
    """Somebody to be followed up."""

    client_id = HiddenField()
    chosen = RadioField(_l("Who"), validate_choice=False)
    declaration = StringField(_l("Code of a declaration"))
    contact_class = SelectField(
        _l("Class"),
        choices=[SelectChoice(word, label_word(word)) for word in rules.CLASSES_BY_HAND],
        validate_choice=False,
    )
    since = StringField(_l("First day"))
    known_by = SelectField(
        _l("How it is known"),
        choices=[SelectChoice(word, label_word(word)) for word in rules.KNOWN_BY_HAND],
        validate_choice=False,
    )


class ScheduleForm(FlaskForm):
    """Days of tests, valid from a day."""

    client_id = HiddenField()
    contact_class = SelectField(
        _l("Class"),
        choices=[SelectChoice(word, label_word(word)) for word in actions.SCHEDULED],
        validate_choice=False,
    )
    valid_from = StringField(_l("Valid for first days from"))
    days = StringField(_l("Days of tests"))


@intake.get("/contacts")
@needs("see_people")
def list_follow_ups() -> str:
    """Show who is due, overdue or coming, who has symptoms, and which cases have no contacts yet."""
    actor, session = current_actor(), db.session()
    communes = [one for one in place_queries.list_communes(session, most=1000) if actor.sees(one.id)]
    show, of_class = request.args.get("show", ""), request.args.get("class", "")
    wanted = FollowUpFilter(
        show=show if show in SHOWS else "waiting",
        commune_id=request.args.get("commune", type=uuid.UUID),
        contact_class=of_class if of_class in rules.CLASSES else "",
        text=request.args.get("q", "").strip()[:200],
        after=request.args.get("after", ""),
    )
    rows, cursor = _read_list(wanted)
    kept: dict[str, Any] = {name: value for name, value in request.args.items() if name != "after"}
    people = _people_of(rows)
    shown = {person.id for person in people} | _sources_of(rows)
    page = render_template(
        "intake/follow_ups.html",
        rows=rows,
        wanted=wanted,
        shows=SHOWS,
        tests=wanted.show in queries.SHOWS_OF_TESTS,
        counts=queries.count_by_list(session, actor=actor, commune_id=wanted.commune_id, today=clock.today()),
        reach={person.id: open_contact(vault(), person) for person in people},
        communes=communes,
        classes=rules.CLASSES,
        born=_born,
        more_url=url_for("intake.list_follow_ups", **kept, after=cursor) if cursor else None,
        back=request.full_path.rstrip("?"),
    )
    record_accesses(actor=actor, person_ids=shown, shown_by="list")
    return page


@intake.route("/contacts/new", methods=["GET", "POST"])
@needs("see_people")
def add_follow_up() -> str | Response | tuple[str, int]:
    """Follow somebody up who is no contact of anybody here: in quarantine, or known from elsewhere."""
    return _add(None)


@intake.get("/contacts/<uuid:follow_up_id>")
@needs("see_people")
def show_follow_up(follow_up_id: uuid.UUID) -> str:
    """Show a follow-up with its tests, its contacts and what its state allows."""
    actor, session = current_actor(), db.session()
    row = queries.get_follow_up(session, actor=actor, follow_up_id=follow_up_id)
    contacts, others = (
        queries.list_contacts(session, of_id=row.id),
        queries.list_others(session, follow_up=row),
    )
    tests = queries.list_tests(session, follow_up=row)
    sampled_on = queries.map_last_sampled(session, person_ids=[row.person_id]).get(row.person_id)
    states = {test.id: tell_state(test.due_on, today=clock.today(), sampled_on=sampled_on) for test in tests}
    due_on = rules.find_day_of_symptoms(today=clock.today(), sampled_on=sampled_on)
    of = row.of if row.of is not None and actor.sees(row.of.commune_id) else None
    shown = {row.person_id, *(one.person_id for one in contacts)} | ({of.person_id} if of else set())
    page = render_template(
        "intake/follow_up.html",
        row=row,
        of=of,
        born=_born,
        reach=open_contact(vault(), row.person),
        tests=tests,
        states=states,
        contacts=contacts,
        others=others,
        declaration=queries.find_last_declaration(session, person_id=row.person_id),
        events=read_timeline(session, subject_ids={row.id: ""}, codes_of={row.id: ""}),
        reasons=rules.END_REASONS_BY_HAND,
        symptoms=intake_rules.SYMPTOMS,
        today=clock.today(),
        due_today=due_on == clock.today(),
        may_list=row.status == "open" and row.contact_class in ("f0", "f1", "f2"),
    )
    record_accesses(actor=actor, person_ids=shown, shown_by="record")
    return page


@intake.route("/contacts/<uuid:follow_up_id>/contacts", methods=["GET", "POST"])
@needs("see_people")
def add_contact(follow_up_id: uuid.UUID) -> str | Response | tuple[str, int]:
    """List a contact of somebody who is followed up."""
    return _add(queries.get_follow_up(db.session(), actor=current_actor(), follow_up_id=follow_up_id))


@intake.post("/contacts/<uuid:follow_up_id>/no-contacts")
@needs("see_people")
def note_no_contacts(follow_up_id: uuid.UUID) -> Response:
    """Say that a case had no contacts."""

    def step() -> str:
        actions.note_no_contacts(actor=current_actor(), client_id=sent_id(), follow_up_id=follow_up_id)
        return _("Noted: there were no contacts.")

    return _do(step, follow_up_id)


@intake.post("/contacts/<uuid:follow_up_id>/symptoms")
@needs("see_people")
def report_symptoms(follow_up_id: uuid.UUID) -> Response:
    """Write down symptoms of today."""

    def step() -> str:
        answer = actions.report_symptoms(
            actor=current_actor(),
            client_id=sent_id(),
            follow_up_id=follow_up_id,
            symptoms=request.form.getlist("symptoms"),
        )
        if answer["due_on"] > clock.today().isoformat():
            return _(
                "Written down. A sample was taken today already: the person is due tomorrow, before all others."
            )
        return _("Written down. The person is due today and comes first on the list.")

    return _do(step, follow_up_id)


@intake.post("/contacts/<uuid:follow_up_id>/end")
@needs("see_people")
def end_follow_up(follow_up_id: uuid.UUID) -> Response:
    """End a follow-up."""

    def step() -> str:
        actions.end_follow_up(
            actor=current_actor(),
            client_id=sent_id(),
            follow_up_id=follow_up_id,
            reason=request.form.get("reason", ""),
        )
        return _("The follow-up has ended.")

    return _do(step, follow_up_id)


@intake.post("/contacts/declarations")
@needs("declare_others")
def declare_due() -> Response:
    """Declare the people chosen for their tests."""
    try:
        answer = _declare(sent_id())
    except LimsError as refusal:
        flash(say_error(refusal), "error")
    else:
        count = len(answer["declarations"])
        flash(ngettext("%(num)s person is declared.", "%(num)s people are declared.", count), "success")
    return redirect(_back())


@intake.post("/contacts/slips.pdf")
@needs("print_slips")
def print_due_slips() -> Response:
    """Declare the people chosen, and print their slips; sent twice, printed the same."""
    client_id, actor = sent_id(), current_actor()
    slips_id = uuid.uuid5(client_id, "slips")
    try:
        codes = [one["code"] for one in _declare(client_id)["declarations"]]
        if not codes:
            raise InvalidInput("They were sampled meanwhile. Load the list again.", field="due_tests")
        answer = issue_slips_of(actor=actor, client_id=slips_id, declaration_codes=sorted(set(codes)))
    except LimsError as refusal:
        flash(say_error(refusal), "error")
        return redirect(_back())
    ids = [uuid.UUID(text) for text in answer["declarations"]]
    issued = set(answer["issued"])
    found = declaration_queries.list_for_slips(db.session(), declaration_ids=ids)
    slips = [(one, _secret(one, slips_id) if str(one.id) in issued else "") for one in found]
    shown, content = {one.person_id for one in found}, slips_pdf(slips)
    record_accesses(actor=actor, person_ids=shown, shown_by="paper")
    return as_pdf(content, "slips.pdf")


@intake.route("/campaigns/<uuid:campaign_id>/schedules", methods=["GET", "POST"])
@needs("manage_campaign")
def set_schedule(campaign_id: uuid.UUID) -> str | Response | tuple[str, int]:
    """Show the days of tests of a campaign's classes, and set others from a day on."""
    session, actor = db.session(), current_actor()
    campaign = place_queries.get_campaign(session, campaign_id=campaign_id, actor=actor)
    form, status = ScheduleForm(), 200
    if form.is_submitted():
        try:
            if not form.validate():
                raise InvalidInput("This page was open for too long. Send it once more.", field="days")
            answer = actions.set_schedule(
                actor=actor,
                client_id=sent_id(),
                campaign_id=campaign_id,
                contact_class=form.contact_class.data or "",
                valid_from=_read_day(form.valid_from.data, "valid_from"),
                days=read_days(form.days.data or ""),
            )
        except LimsError as refusal:
            _put(form, refusal, "days")
            status = refusal.status
        else:
            flash(
                ngettext(
                    "Saved. %(num)s follow-up was planned anew.",
                    "Saved. %(num)s follow-ups were planned anew.",
                    answer["planned_again"],
                ),
                "success",
            )
            return redirect(url_for("intake.set_schedule", campaign_id=campaign_id))
    else:
        form.valid_from.data = clock.today().isoformat()
        form.client_id.data = str(uuid.uuid4())
    rows = queries.list_schedules(session, campaign_id=campaign_id)
    today = {
        word: find_days(
            queries.as_schedules([row for row in rows if row.contact_class == word]),
            contact_class=word,
            since=clock.today(),
        )
        for word in actions.SCHEDULED
    }
    page = render_template(
        "intake/follow_up_schedules.html", form=form, campaign=campaign, rows=rows, today=today
    )
    return page, status


def _read_list(wanted: FollowUpFilter) -> tuple[Any, str]:
    session, actor = db.session(), current_actor()
    if wanted.show in queries.SHOWS_OF_TESTS:
        return queries.list_due(session, actor=actor, wanted=wanted, today=clock.today())
    if wanted.show == "symptoms":
        return queries.list_with_symptoms(session, actor=actor, wanted=wanted)
    return queries.list_follow_ups(session, actor=actor, wanted=wanted)


def _people_of(rows: Iterable[Any]) -> list[Person]:
    found = []
    for row in rows:
        follow_up = getattr(row, "test", row)
        found.append(getattr(follow_up, "follow_up", follow_up).person)
    return found


def _sources_of(rows: Iterable[Any]) -> set[uuid.UUID]:
    """Return whose contacts the people of a list are, as far as their names are shown."""
    found = set()
    for row in rows:
        follow_up = getattr(getattr(row, "test", row), "follow_up", row)
        of = getattr(follow_up, "of", None)
        if of is not None and current_actor().sees(of.commune_id):
            found.add(of.person_id)
    return found


def _add(of: FollowUp | None) -> str | Response | tuple[str, int]:
    """Show the form to follow somebody up, or take it."""
    form = FollowUpForm()
    text = request.args.get("q", "").strip()[:200]
    found = _search(text)
    form.chosen.choices = [
        SelectChoice(one.code, f"{one.person.name}, {_born(one.person)}, {one.commune.name}") for one in found
    ]
    people = {one.person_id for one in found} | ({of.person_id} if of else set())
    if not form.is_submitted():
        form.since.data = clock.today().isoformat()
        form.client_id.data = str(uuid.uuid4())
        form.declaration.data = request.args.get("declaration", "")
        form.known_by.data = "named" if of else "reported"
        page = _show_form(form, of, text, found)
        record_accesses(actor=current_actor(), person_ids=people, shown_by="list")
        return page
    try:
        if not form.validate():
            raise InvalidInput("This page was open for too long. Send it once more.", field="declaration")
        code = (form.chosen.data or "").strip() or (form.declaration.data or "").strip()
        if not code:
            raise InvalidInput("Choose a person, or scan the code of a declaration.", field="declaration")
        answer = actions.add_follow_up(
            actor=current_actor(),
            client_id=sent_id(),
            declaration_code=code,
            since=_read_day(form.since.data, "since"),
            known_by=form.known_by.data or "",
            contact_class="" if of else form.contact_class.data or "",
            of_id=of.id if of else None,
        )
    except LimsError as refusal:
        if isinstance(refusal, NotFound):
            refusal = InvalidInput(
                "No such declaration among your communes. Check the code, or declare the person first.",
                field="declaration",
            )
        if of is not None:
            of = queries.get_follow_up(db.session(), actor=current_actor(), follow_up_id=of.id)
        _put(form, refusal, "declaration")
        page = _show_form(form, of, text, _search(text))
        record_accesses(actor=current_actor(), person_ids=people, shown_by="list")
        return page, refusal.status
    days = ", ".join(f"{date.fromisoformat(day):%d/%m}" for day in answer["due_on"])
    flash(
        _("Written down as %(state)s. Tests: %(days)s.", state=say_word(answer["contact_class"]), days=days)
        if days
        else _("Written down as %(state)s. No tests are planned.", state=say_word(answer["contact_class"])),
        "success",
    )
    there = of.id if of else answer["follow_up"]
    return redirect(url_for("intake.show_follow_up", follow_up_id=there))


def _show_form(form: FollowUpForm, of: FollowUp | None, text: str, found: list[Declaration]) -> str:
    return render_template("intake/follow_up_new.html", form=form, of=of, text=text, found=found)


def _search(text: str) -> list[Declaration]:
    """Return the newest declaration of each person of a name or number, some at most."""
    if not text:
        return []
    page, _more = people_queries.list_people(
        db.session(), actor=current_actor(), vault=vault(), wanted=PeopleFilter(text=text)
    )
    newest: dict[uuid.UUID, Declaration] = {}
    for one in sorted(page, key=lambda row: row.created_at, reverse=True):
        newest.setdefault(one.person_id, one)
    return sorted(newest.values(), key=lambda row: row.person.name_key)[:MOST_FOUND]


def _declare(client_id: uuid.UUID) -> dict[str, Any]:
    try:
        ids = [uuid.UUID(text) for text in request.form.getlist("due_tests")]
    except ValueError:
        raise InvalidInput("Load the page again, then send the form once more.", field="due_tests") from None
    return actions.declare_due(
        actor=current_actor(),
        client_id=client_id,
        due_test_ids=ids,
        consent=bool(request.form.get("consent")),
    )


def _secret(declaration: Declaration, client_id: uuid.UUID) -> str:
    return result_code_for(vault(), client_id=client_id, declaration_id=declaration.id)


def _back() -> str:
    """Return the list that a form came from; nothing but this list."""
    back = request.form.get("back", "")
    return back if back.startswith("/contacts?") else url_for("intake.list_follow_ups")


def _do(step: Callable[[], str], follow_up_id: uuid.UUID) -> Response:
    """Run a step of a follow-up that the actor may see, and go back to its page with what happened."""
    queries.get_follow_up(db.session(), actor=current_actor(), follow_up_id=follow_up_id)
    try:
        flash(step(), "success")
    except LimsError as refusal:
        flash(say_error(refusal), "error")
    return redirect(url_for("intake.show_follow_up", follow_up_id=follow_up_id))


def _put(form: Any, refusal: LimsError, otherwise: str) -> None:
    """Put a refusal beside its field, or beside another where its own is not in the form."""
    name = refusal.field if refusal.field in form else otherwise
    form[name].errors = [say_error(refusal)]


def _read_day(text: str | None, field: str) -> date:
    written = (text or "").strip()
    parts = written.split("/")
    try:
        return date.fromisoformat(
            "-".join(f"{int(part):02}" for part in reversed(parts)) if len(parts) == 3 else written
        )
    except ValueError:
        raise InvalidInput("Write a day as in 16/08/2021.", field=field) from None


def _born(person: Person) -> str:
    return "/".join(reversed(BirthDate.of(person.birth_on, person.birth_precision).iso.split("-")))
