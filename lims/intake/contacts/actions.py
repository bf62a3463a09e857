"""Following people up: adding, ending, reporting symptoms, setting schedules, declaring who is due."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.errors import AlreadyDone, InvalidInput, Refused
from lims.extensions import vault
from lims.intake.actions.declarations import get_open_campaign
from lims.intake.birth_dates import BirthDate
from lims.intake.contacts import queries, rules
from lims.intake.contacts.cases import end_follow_ups
from lims.intake.contacts.models import DueTest, FollowUp, FollowUpSchedule
from lims.intake.contacts.rules import Known
from lims.intake.contacts.schedules import check_days, find_days, plan_tests
from lims.intake.declaring import Statement
from lims.intake.models import Declaration, Person
from lims.intake.queries import declarations as declaration_queries
from lims.intake.registration import Entry, register_people
from lims.intake.rules import SYMPTOMS
from lims.places import queries as place_queries
from lims.places.models import Campaign
from lims.tables import new_id
from lims.transaction import action

# Classes for which a campaign may set days; a case is treated, not followed by tests.
SCHEDULED = tuple(word for word in rules.CLASSES if word != "f0")
# A declaration that still leads to the sample, or has.
_IN_USE = ("open", "sampled")


@action
def add_follow_up(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    declaration_code: str,
    since: date,
    known_by: str,
    contact_class: str = "",
    of_id: uuid.UUID | None = None,
) -> dict[str, Any]:
    """Follow somebody up: as a contact of somebody who is followed up, in quarantine, or as a case known elsewhere.

    Args:
        actor: health worker of the commune, or coordinator.
        client_id: id made by the sender.
        declaration_code: any declaration of the person; whoever has none is declared first.
        since: the last contact, or the first day of quarantine.
        known_by: a word of `rules.KNOWN_BY_HAND`.
        contact_class: a word of `rules.CLASSES`; of a contact it may be '', as it follows from whose contact it is.
        of_id: whose contact; None for quarantine, and where that person is not in this system.

    Returns:
        `follow_up` (its id), `contact_class` and `due_on`, the days of the tests (ISO 8601).

    Raises:
        NotFound: the declaration or the other follow-up is not among the actor's places.
        InvalidInput: a day, class or way that cannot be.
        Refused: the other one is ended or of a class without contacts, or the identity was erased.
        AlreadyDone: the person is followed up for the same already.
    """
    declaration = declaration_queries.get_declaration(session, actor=actor, code=declaration_code)
    session.execute(select(Person.id).where(Person.id == declaration.person_id).with_for_update())
    rules.check_since(since, today=clock.today())
    if known_by not in rules.KNOWN_BY_HAND:
        raise InvalidInput("Choose from the list how this is known.", field="known_by")
    if declaration.person.erased_at is not None:
        raise Refused(
            "The identity of this person was erased. Nobody can be followed up.", field="declaration"
        )
    of = queries.get_follow_up(session, actor=actor, follow_up_id=of_id, lock=True) if of_id else None
    contact_class = _check_class(of, contact_class, declaration)
    campaign_id = of.campaign_id if of else declaration.campaign_id
    _check_new(session, person_id=declaration.person_id, campaign_id=campaign_id, of=of, word=contact_class)
    row = FollowUp(
        id=new_id(),
        campaign_id=campaign_id,
        person_id=declaration.person_id,
        commune_id=declaration.commune_id,
        contact_class=contact_class,
        of_id=of.id if of else None,
        since=since,
        known_by=known_by,
        symptoms=[],
        opened_by_id=actor.user_id,
        opened_at=clock.now(),
    )
    session.add(row)
    session.flush()
    days = find_days(
        queries.as_schedules(
            queries.list_schedules(session, campaign_id=campaign_id, contact_class=contact_class)
        ),
        contact_class=contact_class,
        since=since,
    )
    planned = plan_tests(days, since=since)
    session.add_all(_test_of(row, day, due_on) for day, due_on in planned)
    audit.note(session, "follow_up", row.id, "followed_up", kind=contact_class)
    if of is not None:
        of.listed_at = of.listed_at or clock.now()
        audit.note(session, "follow_up", of.id, "contact_listed", kind=contact_class)
    if contact_class == "f1":
        _mark_declarations(session, known={row.person_id: Known(is_contact=True)}, campaign_id=campaign_id)
    return {
        "follow_up": str(row.id),
        "contact_class": contact_class,
        "due_on": [due_on.isoformat() for _, due_on in planned],
    }


@action
def note_no_contacts(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, follow_up_id: uuid.UUID
) -> dict[str, Any]:
    """Say of a case that it had no contacts, so that it is no longer asked for.

    Returns:
        `follow_up`.

    Raises:
        NotFound: it is not among the actor's places.
        Refused: it is no open case.
        AlreadyDone: its contacts were listed.
    """
    row = _lock_open(session, actor, follow_up_id)
    if row.contact_class != "f0":
        raise Refused("Contacts are asked for of a case (F0) only.", field="follow_up")
    if row.listed_at is not None:
        raise AlreadyDone("Its contacts were listed already. Nothing was changed.", field="follow_up")
    row.listed_at = clock.now()
    audit.note(session, "follow_up", row.id, "no_contacts")
    return {"follow_up": str(row.id)}


@action
def end_follow_up(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    follow_up_id: uuid.UUID,
    reason: str,
) -> dict[str, Any]:
    """End a follow-up; a case that is over ends what else the person is followed up for.

    Args:
        actor: health worker of the commune, or coordinator.
        client_id: id made by the sender.
        follow_up_id: which one.
        reason: a word of `rules.END_REASONS_BY_HAND`.

    Returns:
        `follow_up` and `ended` (how many follow-ups of the person ended).

    Raises:
        NotFound: it is not among the actor's places.
        InvalidInput: a reason that is not on the list.
        AlreadyDone: it has ended.
    """
    row = _lock_open(session, actor, follow_up_id)
    if reason not in rules.END_REASONS_BY_HAND:
        raise InvalidInput("Choose a reason from the list.", field="reason")
    keys = [row.id]
    if row.contact_class == "f0" and reason != "mistake":
        keys += session.scalars(
            select(FollowUp.id)
            .where(
                FollowUp.person_id == row.person_id,
                FollowUp.campaign_id == row.campaign_id,
                FollowUp.status == "open",
                FollowUp.id != row.id,
            )
            .order_by(FollowUp.id)
            .with_for_update(of=FollowUp)
        ).all()
    end_follow_ups(session, keys=keys, reason=reason)
    return {"follow_up": str(row.id), "ended": len(keys)}


@action
def report_symptoms(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    follow_up_id: uuid.UUID,
    symptoms: Sequence[str],
) -> dict[str, Any]:
    """Write down that somebody who is followed up has symptoms today: they are due today, before all others.

    Where a sample of today is there already, they are due tomorrow: it was taken before the symptoms were known, and
    nobody is sampled twice a day.

    Args:
        actor: health worker of the commune, or coordinator.
        client_id: id made by the sender.
        follow_up_id: which one.
        symptoms: words of `intake.rules.SYMPTOMS`, at least one.

    Returns:
        `follow_up` and `due_on` (today or tomorrow, ISO 8601).

    Raises:
        NotFound: it is not among the actor's places.
        InvalidInput: none, or one that is not on the list.
        Refused: the person is a case.
        AlreadyDone: the follow-up has ended.
    """
    row = _lock_open(session, actor, follow_up_id)
    if row.contact_class == "f0":
        raise Refused("This person is a case already. Tell whoever treats them.", field="follow_up")
    if not symptoms or set(symptoms) - set(SYMPTOMS):
        raise InvalidInput("Tick at least one symptom of the list.", field="symptoms")
    today = clock.today()
    sampled_on = queries.map_last_sampled(session, person_ids=[row.person_id]).get(row.person_id)
    due_on = rules.find_day_of_symptoms(today=today, sampled_on=sampled_on)
    row.symptoms = [word for word in SYMPTOMS if word in symptoms]
    row.symptoms_on = due_on
    days = set(session.scalars(select(DueTest.day).where(DueTest.follow_up_id == row.id)))
    day = (due_on - row.since).days
    if day not in days:
        session.add(_test_of(row, day, due_on))
    audit.note(session, "follow_up", row.id, "symptoms_reported")
    known = {row.person_id: Known(symptoms=tuple(row.symptoms))}
    _mark_declarations(session, known=known, campaign_id=row.campaign_id)
    return {"follow_up": str(row.id), "due_on": due_on.isoformat()}


@action
def declare_due(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    due_test_ids: Sequence[uuid.UUID],
    consent: bool = False,
) -> dict[str, Any]:
    """Declare people for their tests, with what is known of them; once a person and day, however often asked.

    Whoever has an open declaration gets no second one: it is used, and says from now on that the person is a contact
    or has symptoms, so that the campaign's rules of who is tested alone hold.

    Args:
        actor: health worker of the commune, or coordinator.
        client_id: id made by the sender.
        due_test_ids: 1 to 200 tests that are not done.
        consent: the people were asked and agree.

    Returns:
        `declared` (how many are new) and `declarations`: `due_test`, `code`, `is_new`, in the order of their days.

    Raises:
        InvalidInput: none or too many, or without consent.
        NotFound: one of them is not among the actor's places.
        Refused: the campaign is closed, or a follow-up has ended.
    """
    if not 1 <= len(set(due_test_ids)) <= rules.MOST_DECLARED:
        raise InvalidInput(
            "Choose 1 to %(most)s people of the list.", field="due_tests", most=rules.MOST_DECLARED
        )
    if not consent:
        raise InvalidInput("Nobody is tested without having agreed. Ask first, then tick.", field="consent")
    tests = queries.lock_tests(session, actor=actor, test_ids=due_test_ids)
    if any(test.follow_up.status != "open" for test in tests):
        raise Refused("A follow-up of these has ended. Load the list again.", field="due_tests")
    done = queries.find_tested(session, tests=tests)
    by_campaign: defaultdict[uuid.UUID, list[DueTest]] = defaultdict(list)
    for test in tests:
        if test.id not in done:
            by_campaign[test.follow_up.campaign_id].append(test)
    answers: dict[uuid.UUID, dict[str, Any]] = {}
    for campaign_id, some in sorted(by_campaign.items()):
        answers |= _declare(session, actor, campaign_id, some)
    found = [answers[test.id] for test in tests if test.id in answers]
    return {"declared": sum(one["is_new"] for one in found), "declarations": found}


@action
def set_schedule(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    campaign_id: uuid.UUID,
    contact_class: str,
    valid_from: date,
    days: Sequence[int],
) -> dict[str, Any]:
    """Set the days of a class's tests from a day on; open follow-ups that began then or later are planned anew.

    Args:
        actor: coordinator or administrator.
        client_id: id made by the sender.
        campaign_id: the campaign.
        contact_class: a word of `SCHEDULED`.
        valid_from: first days of follow-ups from here on follow it.
        days: counted from the first day, which is day 0; ascending.

    Returns:
        `schedule`, `version` and `planned_again` (how many follow-ups).

    Raises:
        NotFound: no such campaign among the actor's places.
        InvalidInput: an impossible schedule, or a class without one.
        AlreadyDone: the same days are valid from that day already.
    """
    campaign = place_queries.get_campaign(session, campaign_id=campaign_id, actor=actor)
    # one after the other, so that versions count on; who holds people and inserts for the campaign need not wait
    session.execute(select(Campaign.id).where(Campaign.id == campaign.id).with_for_update(key_share=True))
    if contact_class not in SCHEDULED:
        raise InvalidInput("Choose a class from the list: contacts or quarantine.", field="contact_class")
    checked = check_days(days)
    rows = queries.list_schedules(session, campaign_id=campaign.id, contact_class=contact_class)
    same_day = [row for row in rows if row.valid_from == valid_from]
    if same_day and tuple(same_day[0].days) == checked:
        raise AlreadyDone("These days are valid from that day already. Nothing was changed.", field="days")
    row = FollowUpSchedule(
        id=new_id(),
        campaign_id=campaign.id,
        contact_class=contact_class,
        valid_from=valid_from,
        version=same_day[0].version + 1 if same_day else 1,
        days=list(checked),
        set_by_id=actor.user_id,
        set_at=clock.now(),
    )
    session.add(row)
    session.flush()
    schedules = queries.as_schedules([row, *rows])
    concerned = queries.lock_follow_ups(
        session, campaign_id=campaign.id, contact_class=contact_class, since=valid_from
    )
    for follow_up in concerned:
        _plan_again(
            session,
            follow_up,
            find_days(schedules, contact_class=contact_class, since=follow_up.since),
        )
    audit.note(session, "campaign", campaign.id, "schedule_set", kind=contact_class, version=row.version)
    return {"schedule": str(row.id), "version": row.version, "planned_again": len(concerned)}


def _check_class(of: FollowUp | None, wanted: str, declaration: Declaration) -> str:
    if of is None:
        if wanted not in rules.CLASSES:
            raise InvalidInput("Choose a class from the list.", field="contact_class")
        return wanted
    if of.person_id == declaration.person_id:
        raise InvalidInput("This is the same person. Choose somebody else.", field="declaration")
    if of.status != "open":
        raise Refused("This follow-up has ended. Contacts are listed of open ones.", field="of")
    found = rules.class_of_contact(of.contact_class)
    if wanted not in ("", found):
        raise InvalidInput(
            "A contact of %(state)s is %(wanted)s. Leave the class empty, or choose that one.",
            field="contact_class",
            state=of.contact_class,
            wanted=found,
        )
    return found


def _check_new(
    session: Session, *, person_id: uuid.UUID, campaign_id: uuid.UUID, of: FollowUp | None, word: str
) -> None:
    same = session.scalar(
        select(FollowUp.id)
        .where(
            FollowUp.person_id == person_id,
            FollowUp.campaign_id == campaign_id,
            FollowUp.status == "open",
            FollowUp.contact_class == word,
            FollowUp.of_id == of.id if of else FollowUp.of_id.is_(None),
        )
        .limit(1)
    )
    if same is not None:
        raise AlreadyDone(
            "This person is on that list already as %(state)s. Nothing was added.",
            field="declaration",
            state=word,
        )


def _lock_open(session: Session, actor: Actor, follow_up_id: uuid.UUID) -> FollowUp:
    row = queries.get_follow_up(session, actor=actor, follow_up_id=follow_up_id, lock=True)
    if row.status != "open":
        raise AlreadyDone("This follow-up has ended already. Load the list again.", field="follow_up")
    return row


def _test_of(row: FollowUp, day: int, due_on: date) -> DueTest:
    return DueTest(
        id=new_id(),
        follow_up_id=row.id,
        person_id=row.person_id,
        commune_id=row.commune_id,
        day=day,
        due_on=due_on,
    )


def _plan_again(session: Session, row: FollowUp, days: Collection[int]) -> None:
    """Give a follow-up the tests of other days; what was declared for or follows from symptoms stays."""
    tests = session.scalars(select(DueTest).where(DueTest.follow_up_id == row.id)).all()
    gone = [
        test.id
        for test in tests
        if test.day not in days and test.declaration_id is None and test.due_on != row.symptoms_on
    ]
    if gone:
        session.execute(delete(DueTest).where(DueTest.id.in_(gone)))
    there = {test.day for test in tests}
    fresh = [day for day in days if day not in there]
    session.add_all(_test_of(row, day, due_on) for day, due_on in plan_tests(fresh, since=row.since))


def _mark_declarations(session: Session, *, known: Mapping[uuid.UUID, Known], campaign_id: uuid.UUID) -> None:
    """Let people's open declarations say that they are contacts, or have symptoms: who is tested alone rests on it."""
    rows = session.scalars(
        select(Declaration)
        .where(
            Declaration.campaign_id == campaign_id,
            Declaration.person_id.in_([key for key, one in known.items() if one.is_contact or one.symptoms]),
            Declaration.status == "open",
        )
        .order_by(Declaration.id)
        .with_for_update(of=Declaration)
    ).unique()
    for row in rows:
        one = known[row.person_id]
        if not set(one.symptoms) <= set(row.symptoms):
            row.symptoms = [word for word in SYMPTOMS if word in {*row.symptoms, *one.symptoms}]
            row.has_symptoms = True
            audit.note(session, "declaration", row.id, "symptoms_reported")
        if one.is_contact and not row.is_contact:
            row.is_contact = True
            audit.note(session, "declaration", row.id, "contact_noted")
    session.flush()


def _declare(
    session: Session, actor: Actor, campaign_id: uuid.UUID, tests: Sequence[DueTest]
) -> dict[uuid.UUID, dict[str, Any]]:
    """Declare the people of one campaign's tests; return the answer of each test."""
    campaign = get_open_campaign(session, campaign_id=campaign_id)
    people = {test.person_id for test in tests}
    households = queries.map_households(session, campaign_id=campaign.id, person_ids=people)
    known = queries.map_known(session, campaign_id=campaign.id, person_ids=people)
    keys, made_before = _find_keys(session, campaign.id, tests)
    entries: dict[uuid.UUID, Entry] = {}
    kept: dict[uuid.UUID, str] = {}
    for test in tests:
        if test.declaration is not None and test.declaration.status in _IN_USE:
            kept[test.id] = test.declaration.code
        elif test.id not in made_before and test.person_id not in {
            entry.person_id for entry in entries.values()
        }:
            entries[test.id] = _entry_of(
                test, keys[test.id], households.get(test.person_id, ""), known[test.person_id]
            )
    registered = register_people(
        session,
        actor=actor,
        vault=vault(),
        campaign=campaign,
        entries=list(entries.values()),
        with_result_codes=False,
    )
    made = {outcome.person_id: outcome for outcome in registered}
    answers: dict[uuid.UUID, dict[str, Any]] = {}
    links = []
    for test in tests:
        if test.id in kept:
            answers[test.id] = _answer(test, kept[test.id], False)
        elif test.id in made_before:
            answers[test.id] = _answer(test, made_before[test.id].code, False)
            links.append({"id": test.id, "declaration_id": made_before[test.id].id})
        else:
            outcome = made[test.person_id]
            answers[test.id] = _answer(test, outcome.code, outcome.is_new and test.id in entries)
            links.append({"id": test.id, "declaration_id": outcome.declaration_id})
    if links:
        session.execute(update(DueTest), links)
    _mark_declarations(session, known=known, campaign_id=campaign.id)
    return answers


def _answer(test: DueTest, code: str, is_new: bool) -> dict[str, Any]:
    return {"due_test": str(test.id), "code": code, "is_new": is_new}


def _find_keys(
    session: Session, campaign_id: uuid.UUID, tests: Sequence[DueTest]
) -> tuple[dict[uuid.UUID, bytes], dict[uuid.UUID, Any]]:
    """Return the natural key of each test's declaration, one a person and day; and those that were made before.

    What was made and taken back since is part of the next key, so that it can be made anew.
    """
    keys = {test.id: _key(test, "") for test in tests}
    found: dict[uuid.UUID, Any] = {}
    waiting = list(tests)
    while waiting:
        there = queries.map_by_natural_key(
            session, campaign_id=campaign_id, keys={keys[test.id] for test in waiting}
        )
        hit = [test for test in waiting if keys[test.id] in there]
        waiting = []
        for test in hit:
            row = there[keys[test.id]]
            if row.status in _IN_USE:
                found[test.id] = row
            else:
                keys[test.id] = _key(test, str(row.id))
                waiting.append(test)
    return keys, found


def _key(test: DueTest, gone: str) -> bytes:
    return vault().digest(f"{test.person_id}|{test.due_on.isoformat()}|{gone}", purpose="due-test")


def _entry_of(test: DueTest, key: bytes, household: str, known: Known) -> Entry:
    """Return the declaration of a test, with what all open follow-ups of the person know."""
    follow_up, person = test.follow_up, test.follow_up.person
    statement = Statement(
        name=person.name,
        birth=BirthDate.of(person.birth_on, person.birth_precision),
        sex=person.sex,
        identity_numbers=(),
        phone="",
        address="",
        symptoms=known.symptoms,
        has_symptoms=bool(known.symptoms),
        is_contact=known.is_contact,
        declared_by="health_worker",
        household_code=household,
        warnings=(),
    )
    return Entry(new_id(), statement, follow_up.commune_id, key, "asked", test.person_id)
