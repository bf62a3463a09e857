"""People who are followed up, for programs: who is due, contacts of a case, symptoms, declarations, schedules."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from lims import clock
from lims.extensions import db, vault
from lims.intake import rules as intake_rules
from lims.intake.actions.accesses import record_accesses
from lims.intake.api import intake_api
from lims.intake.contacts import actions, queries, rules
from lims.intake.contacts.models import FollowUp
from lims.intake.contacts.queries import Due, FollowUpFilter
from lims.intake.contacts.schedules import LATEST_DAY, MOST_TESTS, find_days, tell_state
from lims.intake.models import Declaration
from lims.intake.people import open_contact
from lims.places import queries as place_queries
from lims.security import current_actor, needs

# The words of `contacts.rules` and `intake.rules`, written out for the type checker; a test compares them.
Class = Literal["f0", "f1", "f2", "f3", "quarantined"]
Scheduled = Literal["f1", "f2", "f3", "quarantined"]
Known = Literal["named", "household", "traced", "reported"]
Symptom = Literal["fever", "cough", "sore_throat", "short_breath", "loss_of_taste", "fatigue"]
EndReason = Literal["finished", "mistake", "moved", "died"]
Show = Literal["waiting", "due", "overdue", "coming", "symptoms", "unlisted", "followed"]


class ContactsAsked(BaseModel):
    """Which list: tests waiting, due today, overdue or coming; people with symptoms; cases without contacts; all."""

    show: Show = "waiting"
    commune_id: uuid.UUID | None = None
    contact_class: Class | None = None
    q: str = Field(default="", max_length=200)
    after: str = Field(default="", max_length=200)


class ContactOut(BaseModel):
    """A person in a list: by follow-up, by due test, or only by declaration where nobody follows them up."""

    follow_up: uuid.UUID | None
    contact_class: Class | None
    since: date | None
    name: str
    phone: str
    address: str
    commune_id: uuid.UUID
    due_test: uuid.UUID | None = None
    day: int | None = None
    due_on: date | None = None
    state: Literal["due", "overdue", "coming"] | None = None
    urgent: bool = Field(description="symptoms were reported and no sample was taken since")
    declaration: str | None


class ContactCounts(BaseModel):
    """How many people or cases wait, whatever the filters but the commune."""

    due: int
    overdue: int
    symptoms: int
    unlisted: int


class ContactsOut(BaseModel):
    """At most 50, the most urgent first, and what to ask for the next; empty at the end."""

    contacts: list[ContactOut]
    counts: ContactCounts
    next: str


class DueTestOut(BaseModel):
    """A test of the schedule; day 0 is the first day of the follow-up."""

    due_test: uuid.UUID
    day: int
    due_on: date
    state: Literal["done", "due", "overdue", "coming"]
    declaration: str | None


class FollowUpRecord(BaseModel):
    """Who is followed up, of whom, since when and how it is known; ids of the contacts among the caller's places."""

    follow_up: uuid.UUID
    contact_class: Class
    status: Literal["open", "ended"]
    end_reason: str | None
    of: uuid.UUID | None
    since: date
    known_by: str
    symptoms: list[str]
    symptoms_on: date | None = Field(
        description="day of the test for them: of the report, or the next where a sample of that day was there already"
    )
    contacts_listed_at: datetime | None
    name: str
    commune_id: uuid.UUID
    campaign_id: uuid.UUID
    tests: list[DueTestOut]
    contacts: list[uuid.UUID]


class NewContact(BaseModel):
    """A contact of somebody who is followed up; the person has a declaration."""

    client_id: uuid.UUID
    declaration: str = Field(max_length=40)
    since: date = Field(description="the last contact; not to come, at most 60 days ago")
    known_by: Known


class NewFollowUp(NewContact):
    """Somebody in quarantine, or whose source is not in this system."""

    contact_class: Class


class Followed(BaseModel):
    """The follow-up, its class, and the days of its tests."""

    follow_up: uuid.UUID
    contact_class: Class
    due_on: list[date]


class Once(BaseModel):
    """What is sent once: the id its sender made."""

    client_id: uuid.UUID


class EndOfFollowUp(Once):
    """Why a follow-up ends."""

    reason: EndReason


class SymptomsOfToday(Once):
    """Symptoms of today."""

    symptoms: list[Symptom] = Field(min_length=1, max_length=len(intake_rules.SYMPTOMS))


class DueDeclarations(Once):
    """Tests to declare their people for; they were asked and agree."""

    due_tests: list[uuid.UUID] = Field(min_length=1, max_length=rules.MOST_DECLARED)
    consent: bool


class DueDeclaration(BaseModel):
    """The declaration of a test; not new where the person had an open one."""

    due_test: uuid.UUID
    code: str
    is_new: bool


class DueDeclared(BaseModel):
    """How many declarations are new; tests done meanwhile are left out."""

    declared: int
    declarations: list[DueDeclaration]


class NewSchedule(Once):
    """Days of a class's tests for whoever begins on a day or later; the first day is day 0."""

    contact_class: Scheduled
    valid_from: date
    days: list[int] = Field(
        min_length=1,
        max_length=MOST_TESTS,
        description=f"ascending, each once, 0 to {LATEST_DAY}",
        json_schema_extra={"example": [1, 7, 14]},
    )


class ScheduleOut(BaseModel):
    """Days of tests that were set; of one day the highest version counts."""

    contact_class: Class
    valid_from: date
    version: int
    days: list[int]
    set_at: datetime


class SchedulesOut(BaseModel):
    """What was set, and what holds for whoever begins today, by class; empty for no tests."""

    schedules: list[ScheduleOut]
    today: dict[str, list[int]]


class ScheduleSet(BaseModel):
    """The schedule, and how many open follow-ups were planned anew."""

    schedule: uuid.UUID
    version: int
    planned_again: int


class FollowUpEnded(BaseModel):
    """The follow-up, and how many of the person ended with it."""

    follow_up: uuid.UUID
    ended: int


class SymptomsReported(BaseModel):
    """The follow-up, and the day of its next test: today, or tomorrow where a sample of today is there already."""

    follow_up: uuid.UUID
    due_on: date


class NoContactsNoted(BaseModel):
    """The follow-up."""

    follow_up: uuid.UUID


@intake_api.get("/contacts")
@intake_api.input(ContactsAsked, location="query")
@intake_api.output(ContactsOut)
@intake_api.doc(
    summary="People to be tested or followed up, symptoms first; reading them is kept", responses=[404]
)
@needs("see_people")
def list_contacts(query_data: ContactsAsked) -> dict[str, Any]:
    """Return a list of people who are followed up."""
    session, actor, today = db.session(), current_actor(), clock.today()
    wanted = FollowUpFilter(
        show=query_data.show,
        commune_id=query_data.commune_id,
        contact_class=query_data.contact_class or "",
        text=query_data.q,
        after=query_data.after,
    )
    if wanted.show in queries.SHOWS_OF_TESTS:
        due, cursor = queries.list_due(session, actor=actor, wanted=wanted, today=today)
        found = [_describe_due(one) for one in due]
        people = {one.test.person_id for one in due}
    elif wanted.show == "symptoms":
        declared, cursor = queries.list_with_symptoms(session, actor=actor, wanted=wanted)
        found = [_describe_declaration(one) for one in declared]
        people = {one.person_id for one in declared}
    else:
        rows, cursor = queries.list_follow_ups(session, actor=actor, wanted=wanted)
        found = [_describe(one) for one in rows]
        people = {one.person_id for one in rows}
    counts = queries.count_by_list(session, actor=actor, commune_id=wanted.commune_id, today=today)
    record_accesses(actor=actor, person_ids=people, shown_by="program")
    return {"contacts": found, "counts": counts, "next": cursor}


@intake_api.get("/contacts/<uuid:follow_up_id>")
@intake_api.output(FollowUpRecord)
@intake_api.doc(summary="A follow-up with its tests and contacts; reading it is kept", responses=[404])
@needs("see_people")
def show_contact(follow_up_id: uuid.UUID) -> dict[str, Any]:
    """Return a follow-up."""
    session, actor = db.session(), current_actor()
    row = queries.get_follow_up(session, actor=actor, follow_up_id=follow_up_id)
    sampled_on = queries.map_last_sampled(session, person_ids=[row.person_id]).get(row.person_id)
    answer = {
        "follow_up": row.id,
        "contact_class": row.contact_class,
        "status": row.status,
        "end_reason": row.end_reason,
        "of": row.of_id if row.of is not None and actor.sees(row.of.commune_id) else None,
        "since": row.since,
        "known_by": row.known_by,
        "symptoms": row.symptoms,
        "symptoms_on": row.symptoms_on,
        "contacts_listed_at": row.listed_at,
        "name": row.person.name,
        "commune_id": row.commune_id,
        "campaign_id": row.campaign_id,
        "tests": [
            {
                "due_test": test.id,
                "day": test.day,
                "due_on": test.due_on,
                "state": tell_state(test.due_on, today=clock.today(), sampled_on=sampled_on),
                "declaration": test.declaration.code if test.declaration else None,
            }
            for test in queries.list_tests(session, follow_up=row)
        ],
        "contacts": [
            one.id for one in queries.list_contacts(session, of_id=row.id) if actor.sees(one.commune_id)
        ],
    }
    record_accesses(actor=actor, person_ids=[row.person_id], shown_by="program")
    return answer


@intake_api.post("/contacts")
@intake_api.input(NewFollowUp)
@intake_api.output(Followed)
@intake_api.doc(
    summary="Follow somebody up: in quarantine, or known from elsewhere", responses=[404, 409, 422]
)
@needs("see_people")
def add_follow_up(json_data: NewFollowUp) -> dict[str, Any]:
    """Follow somebody up."""
    return actions.add_follow_up(
        actor=current_actor(),
        client_id=json_data.client_id,
        declaration_code=json_data.declaration,
        since=json_data.since,
        known_by=json_data.known_by,
        contact_class=json_data.contact_class,
    )


@intake_api.post("/contacts/<uuid:follow_up_id>/contacts")
@intake_api.input(NewContact)
@intake_api.output(Followed)
@intake_api.doc(summary="List a contact; the class is the next one (F1 of F0)", responses=[404, 409, 422])
@needs("see_people")
def add_contact(follow_up_id: uuid.UUID, json_data: NewContact) -> dict[str, Any]:
    """List a contact of somebody who is followed up."""
    of = queries.get_follow_up(db.session(), actor=current_actor(), follow_up_id=follow_up_id)
    return actions.add_follow_up(
        actor=current_actor(),
        client_id=json_data.client_id,
        declaration_code=json_data.declaration,
        since=json_data.since,
        known_by=json_data.known_by,
        of_id=of.id,
    )


@intake_api.post("/contacts/<uuid:follow_up_id>/no-contacts")
@intake_api.input(Once)
@intake_api.output(NoContactsNoted)
@intake_api.doc(summary="Say that a case had no contacts", responses=[404, 409])
@needs("see_people")
def note_no_contacts(follow_up_id: uuid.UUID, json_data: Once) -> dict[str, Any]:
    """Say that a case had no contacts."""
    return actions.note_no_contacts(
        actor=current_actor(), client_id=json_data.client_id, follow_up_id=follow_up_id
    )


@intake_api.post("/contacts/<uuid:follow_up_id>/symptoms")
@intake_api.input(SymptomsOfToday)
@intake_api.output(SymptomsReported)
@intake_api.doc(
    summary="Write down symptoms: due today, or tomorrow if sampled today, before all others",
    responses=[404, 409],
)
@needs("see_people")
def report_symptoms(follow_up_id: uuid.UUID, json_data: SymptomsOfToday) -> dict[str, Any]:
    """Write down symptoms of today."""
    return actions.report_symptoms(
        actor=current_actor(),
        client_id=json_data.client_id,
        follow_up_id=follow_up_id,
        symptoms=json_data.symptoms,
    )


@intake_api.post("/contacts/<uuid:follow_up_id>/end")
@intake_api.input(EndOfFollowUp)
@intake_api.output(FollowUpEnded)
@intake_api.doc(summary="End a follow-up", responses=[404, 409])
@needs("see_people")
def end_follow_up(follow_up_id: uuid.UUID, json_data: EndOfFollowUp) -> dict[str, Any]:
    """End a follow-up."""
    return actions.end_follow_up(
        actor=current_actor(),
        client_id=json_data.client_id,
        follow_up_id=follow_up_id,
        reason=json_data.reason,
    )


@intake_api.post("/contacts/declarations")
@intake_api.input(DueDeclarations)
@intake_api.output(DueDeclared)
@intake_api.doc(summary="Declare people for their tests, once a person and day", responses=[404, 409, 422])
@needs("declare_others")
def declare_due(json_data: DueDeclarations) -> dict[str, Any]:
    """Declare people for their tests."""
    return actions.declare_due(
        actor=current_actor(),
        client_id=json_data.client_id,
        due_test_ids=json_data.due_tests,
        consent=json_data.consent,
    )


@intake_api.get("/campaigns/<uuid:campaign_id>/schedules")
@intake_api.output(SchedulesOut)
@intake_api.doc(summary="Days of tests by class and first day", responses=[404])
@needs("manage_campaign")
def show_schedules(campaign_id: uuid.UUID) -> dict[str, Any]:
    """Return the schedules of a campaign."""
    campaign = place_queries.get_campaign(db.session(), campaign_id=campaign_id, actor=current_actor())
    rows = queries.list_schedules(db.session(), campaign_id=campaign.id)
    return {
        "schedules": [
            {
                name: getattr(row, name)
                for name in ("contact_class", "valid_from", "version", "days", "set_at")
            }
            for row in rows
        ],
        "today": {
            word: list(
                find_days(
                    queries.as_schedules([row for row in rows if row.contact_class == word]),
                    contact_class=word,
                    since=clock.today(),
                )
            )
            for word in actions.SCHEDULED
        },
    }


@intake_api.post("/campaigns/<uuid:campaign_id>/schedules")
@intake_api.input(NewSchedule)
@intake_api.output(ScheduleSet)
@intake_api.doc(summary="Set the days of a class's tests from a day on", responses=[404, 409, 422])
@needs("manage_campaign")
def set_schedule(campaign_id: uuid.UUID, json_data: NewSchedule) -> dict[str, Any]:
    """Set days of tests."""
    return actions.set_schedule(
        actor=current_actor(),
        client_id=json_data.client_id,
        campaign_id=campaign_id,
        contact_class=json_data.contact_class,
        valid_from=json_data.valid_from,
        days=json_data.days,
    )


def _describe(row: FollowUp) -> dict[str, Any]:
    contact = open_contact(vault(), row.person)
    return {
        "follow_up": row.id,
        "contact_class": row.contact_class,
        "since": row.since,
        "name": row.person.name,
        "phone": contact.phone,
        "address": contact.address,
        "commune_id": row.commune_id,
        "urgent": False,
        "declaration": None,
    }


def _describe_due(one: Due) -> dict[str, Any]:
    test = one.test
    return _describe(test.follow_up) | {
        "due_test": test.id,
        "day": test.day,
        "due_on": test.due_on,
        "state": one.state,
        "urgent": one.urgent,
        "declaration": test.declaration.code if test.declaration else None,
    }


def _describe_declaration(row: Declaration) -> dict[str, Any]:
    contact = open_contact(vault(), row.person)
    return {
        "follow_up": None,
        "contact_class": None,
        "since": None,
        "name": row.person.name,
        "phone": contact.phone,
        "address": contact.address,
        "commune_id": row.commune_id,
        "urgent": True,
        "declaration": row.code,
    }
