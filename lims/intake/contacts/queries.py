"""Reading follow-ups: who is due, overdue or coming, which cases have no contacts yet, one person's record."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload

from lims.auth.actors import Actor
from lims.errors import InvalidInput, NotFound
from lims.intake.contacts.models import DueTest, FollowUp, FollowUpSchedule
from lims.intake.contacts.rules import COUNTED_SAMPLES, Known
from lims.intake.contacts.schedules import Schedule, tell_state
from lims.intake.models import Declaration, Person, Sample
from lims.names import fold

PAGE = 50
COMING_DAYS = 7
SHOWS_OF_TESTS = ("waiting", "due", "overdue", "coming")
"""Lists of tests; "waiting" is what is due today or overdue, together."""
SHOWS = (*SHOWS_OF_TESTS, "symptoms", "unlisted", "followed")


@dataclass(frozen=True)
class FollowUpFilter:
    """What a list is narrowed to.

    Args:
        show: a word of `SHOWS`.
        commune_id: only this commune; None for all of the actor's.
        contact_class: only this class; '' for all.
        text: name, with or without marks; '' for all.
        after: the cursor of the page before; '' for the first.
    """

    show: str = "waiting"
    commune_id: uuid.UUID | None = None
    contact_class: str = ""
    text: str = ""
    after: str = ""


@dataclass(frozen=True)
class Due:
    """A person's oldest test that is not done, as it stands in a list.

    Args:
        test: with its follow-up, person and declaration.
        urgent: symptoms were reported and no sample was taken since.
        state: "due", "overdue" or "coming".
    """

    test: DueTest
    urgent: bool
    state: str

    @property
    def id(self) -> uuid.UUID:
        """The test's key."""
        return self.test.id


def list_due(
    session: Session, *, actor: Actor, wanted: FollowUpFilter, today: date
) -> tuple[Sequence[Due], str]:
    """Return a page of people whose test is not done, each once: symptoms first, then the oldest day.

    Symptoms of any open follow-up of the person count, whichever test is listed.

    Args:
        session: reading session.
        actor: whose communes may be read.
        wanted: filter and page; `show` is a word of `SHOWS_OF_TESTS`.
        today: the date in the campaign's time zone.

    Returns:
        At most 50 tests, and the cursor of the next page ('' at the end).

    Raises:
        NotFound: the commune is not among the actor's places.
        InvalidInput: the cursor is none.
    """
    rank = case((_has_unsampled_symptoms(), 0), else_=1)
    turn = func.row_number().over(partition_by=DueTest.person_id, order_by=(DueTest.due_on, DueTest.id))
    waiting = _within(
        select(DueTest.id, DueTest.due_on, rank.label("rank"), turn.label("turn"))
        .join(FollowUp, FollowUp.id == DueTest.follow_up_id)
        .join(Person, Person.id == DueTest.person_id)
        .where(*_is_waiting(), _on_days(wanted.show, today)),
        DueTest.commune_id,
        actor,
        wanted.commune_id,
    )
    if wanted.contact_class:
        waiting = waiting.where(FollowUp.contact_class == wanted.contact_class)
    for word in fold(wanted.text).split():
        waiting = waiting.where(Person.name_folded.contains(word, autoescape=True))
    first = waiting.subquery()
    key = (first.c.rank, first.c.due_on, first.c.id)
    query = (
        select(DueTest, first.c.rank)
        .join(first, first.c.id == DueTest.id)
        .join(DueTest.follow_up)
        .join(FollowUp.person)
        .options(
            contains_eager(DueTest.follow_up).options(
                contains_eager(FollowUp.person),
                joinedload(FollowUp.commune),
                joinedload(FollowUp.of).joinedload(FollowUp.person),
            ),
            joinedload(DueTest.declaration),
        )
        .where(first.c.turn == 1)
        .order_by(*key)
        .limit(PAGE + 1)
    )
    if wanted.show in ("due", "overdue"):
        query = query.where(first.c.due_on == today if wanted.show == "due" else first.c.due_on < today)
    if wanted.after:
        query = query.where(_after(key, _read_due_cursor(wanted.after)))
    rows = session.execute(query).unique().all()
    page = [
        Due(test, urgent == 0, tell_state(test.due_on, today=today, sampled_on=None))
        for test, urgent in rows[:PAGE]
    ]
    return page, _due_cursor(page[-1]) if len(rows) > PAGE else ""


def count_waiting(*, today: date, overdue: bool = False) -> Select[int]:
    """Return the question how many people have a test due today or overdue, or only overdue."""
    days = DueTest.due_on < today if overdue else DueTest.due_on <= today
    return (
        select(func.count(DueTest.person_id.distinct()))
        .join(FollowUp, FollowUp.id == DueTest.follow_up_id)
        .where(*_is_waiting(), days)
    )


def count_by_list(
    session: Session, *, actor: Actor, commune_id: uuid.UUID | None, today: date
) -> dict[str, int]:
    """Return how many people have a test "due" today or "overdue", how many cases are "unlisted", who has "symptoms".

    Raises:
        NotFound: the commune is not among the actor's places.
    """
    overdue = _within(count_waiting(today=today, overdue=True), DueTest.commune_id, actor, commune_id)
    waiting = _within(count_waiting(today=today), DueTest.commune_id, actor, commune_id)
    unlisted = _within(
        select(func.count()).select_from(FollowUp).where(*_is_unlisted()),
        FollowUp.commune_id,
        actor,
        commune_id,
    )
    symptoms = _within(
        select(func.count()).select_from(Declaration).where(*_HAS_SYMPTOMS),
        Declaration.commune_id,
        actor,
        commune_id,
    )
    late = session.scalar(overdue) or 0
    return {
        "due": (session.scalar(waiting) or 0) - late,
        "overdue": late,
        "unlisted": session.scalar(unlisted) or 0,
        "symptoms": session.scalar(symptoms) or 0,
    }


def list_with_symptoms(
    session: Session, *, actor: Actor, wanted: FollowUpFilter
) -> tuple[Sequence[Declaration], str]:
    """Return a page of declarations with symptoms of which no sample was taken, the oldest first.

    Raises:
        NotFound: the commune is not among the actor's places.
        InvalidInput: the cursor is none.
    """
    query = _within(
        select(Declaration)
        .join(Declaration.person)
        .options(contains_eager(Declaration.person), joinedload(Declaration.commune))
        .where(*_HAS_SYMPTOMS, Person.erased_at.is_(None))
        .order_by(Declaration.id)
        .limit(PAGE + 1),
        Declaration.commune_id,
        actor,
        wanted.commune_id,
    )
    for word in fold(wanted.text).split():
        query = query.where(Person.name_folded.contains(word, autoescape=True))
    if wanted.after:
        query = query.where(Declaration.id > _read_key(wanted.after))
    rows = session.scalars(query).unique().all()
    return rows[:PAGE], str(rows[PAGE - 1].id) if len(rows) > PAGE else ""


def list_follow_ups(
    session: Session, *, actor: Actor, wanted: FollowUpFilter
) -> tuple[Sequence[FollowUp], str]:
    """Return a page of open follow-ups, the oldest first; with `show` "unlisted" the cases without listed contacts.

    Raises:
        NotFound: the commune is not among the actor's places.
        InvalidInput: the cursor is none.
    """
    query = _within(
        select(FollowUp)
        .join(FollowUp.person)
        .options(
            contains_eager(FollowUp.person),
            joinedload(FollowUp.commune),
            joinedload(FollowUp.of).joinedload(FollowUp.person),
        )
        .where(FollowUp.status == "open")
        .order_by(FollowUp.id)
        .limit(PAGE + 1),
        FollowUp.commune_id,
        actor,
        wanted.commune_id,
    )
    if wanted.show == "unlisted":
        query = query.where(*_is_unlisted())
    if wanted.contact_class:
        query = query.where(FollowUp.contact_class == wanted.contact_class)
    for word in fold(wanted.text).split():
        query = query.where(Person.name_folded.contains(word, autoescape=True))
    if wanted.after:
        query = query.where(FollowUp.id > _read_key(wanted.after))
    rows = session.scalars(query).unique().all()
    return rows[:PAGE], str(rows[PAGE - 1].id) if len(rows) > PAGE else ""


def get_follow_up(session: Session, *, actor: Actor, follow_up_id: uuid.UUID, lock: bool = False) -> FollowUp:
    """Return a follow-up of the actor's places.

    Args:
        session: reading or writing session.
        actor: who asks.
        follow_up_id: its key.
        lock: hold the row until the transaction ends; for actions that decide on it.

    Raises:
        NotFound: there is none with this key among the actor's places.
    """
    query = select(FollowUp).where(FollowUp.id == follow_up_id)
    if lock:
        query = query.with_for_update(of=FollowUp)
    found = session.scalars(query).unique().first()
    missing = NotFound(
        "There is no such follow-up among your places. Load the list again.", field="follow_up"
    )
    if found is None:
        raise missing
    actor.check_place(found.commune_id, missing=missing)
    return found


def list_contacts(session: Session, *, of_id: uuid.UUID) -> Sequence[FollowUp]:
    """Return who was listed as a contact of somebody, in the order of listing."""
    return (
        session.scalars(
            select(FollowUp)
            .where(FollowUp.of_id == of_id)
            .options(joinedload(FollowUp.commune))
            .order_by(FollowUp.id)
        )
        .unique()
        .all()
    )


def list_others(session: Session, *, follow_up: FollowUp) -> Sequence[FollowUp]:
    """Return the other follow-ups of the same person, the newest first."""
    return (
        session.scalars(
            select(FollowUp)
            .where(FollowUp.person_id == follow_up.person_id, FollowUp.id != follow_up.id)
            .order_by(FollowUp.id.desc())
        )
        .unique()
        .all()
    )


def list_tests(session: Session, *, follow_up: FollowUp) -> Sequence[DueTest]:
    """Return the tests of a follow-up, the first day first."""
    return session.scalars(
        select(DueTest)
        .where(DueTest.follow_up_id == follow_up.id)
        .options(joinedload(DueTest.declaration))
        .order_by(DueTest.day)
    ).all()


def find_last_declaration(session: Session, *, person_id: uuid.UUID) -> Declaration | None:
    """Return the newest declaration of a person, taken back or not."""
    return (
        session.scalars(
            select(Declaration)
            .where(Declaration.person_id == person_id)
            .order_by(Declaration.created_at.desc(), Declaration.id.desc())
            .limit(1)
        )
        .unique()
        .first()
    )


def list_schedules(
    session: Session, *, campaign_id: uuid.UUID, contact_class: str = ""
) -> Sequence[FollowUpSchedule]:
    """Return what a campaign has set for a class, or for all, the newest day first."""
    query = (
        select(FollowUpSchedule)
        .where(FollowUpSchedule.campaign_id == campaign_id)
        .order_by(
            FollowUpSchedule.contact_class,
            FollowUpSchedule.valid_from.desc(),
            FollowUpSchedule.version.desc(),
        )
    )
    if contact_class:
        query = query.where(FollowUpSchedule.contact_class == contact_class)
    return session.scalars(query).all()


def as_schedules(rows: Sequence[FollowUpSchedule]) -> list[Schedule]:
    """Return the rows of one class as the values that the rules read."""
    return [Schedule(row.valid_from, row.version, tuple(row.days)) for row in rows]


def lock_tests(session: Session, *, actor: Actor, test_ids: Collection[uuid.UUID]) -> Sequence[DueTest]:
    """Return some tests of the actor's places with their follow-ups, the people held until the transaction ends.

    Raises:
        NotFound: one of them is not there, or not in the actor's communes.
    """
    wanted = set(test_ids)
    query = select(DueTest.person_id).where(DueTest.id.in_(wanted))
    session.execute(select(Person.id).where(Person.id.in_(query)).order_by(Person.id).with_for_update()).all()
    tests = session.scalars(
        select(DueTest)
        .where(DueTest.id.in_(wanted))
        .options(joinedload(DueTest.follow_up), joinedload(DueTest.declaration))
        .order_by(DueTest.due_on, DueTest.id)
    ).all()
    if len(tests) != len(wanted) or not all(actor.sees(test.commune_id) for test in tests):
        raise NotFound("There is no such test among your places. Load the list again.", field="due_tests")
    return tests


def lock_follow_ups(
    session: Session, *, campaign_id: uuid.UUID, contact_class: str, since: date
) -> Sequence[FollowUp]:
    """Return the open follow-ups of a class that began on a day or later, the people held as `lock_tests` holds them.

    Nobody is declared for a test that is about to go. Rows that only refer to a person wait for nothing.
    """
    concerned = (
        FollowUp.campaign_id == campaign_id,
        FollowUp.contact_class == contact_class,
        FollowUp.status == "open",
        FollowUp.since >= since,
    )
    people = select(FollowUp.person_id).where(*concerned)
    session.execute(
        select(Person.id).where(Person.id.in_(people)).order_by(Person.id).with_for_update(key_share=True)
    ).all()
    return session.scalars(select(FollowUp).where(*concerned).order_by(FollowUp.id)).unique().all()


def find_tested(session: Session, *, tests: Collection[DueTest]) -> set[uuid.UUID]:
    """Return which of some tests are done."""
    return set(
        session.scalars(
            select(DueTest.id).where(
                DueTest.id.in_([test.id for test in tests]), _was_sampled(DueTest.due_on)
            )
        )
    )


def map_by_natural_key(
    session: Session, *, campaign_id: uuid.UUID, keys: Collection[bytes]
) -> dict[bytes, Any]:
    """Return `id, code, status` of the declarations made for some keys."""
    rows = session.execute(
        select(Declaration.natural_key, Declaration.id, Declaration.code, Declaration.status).where(
            Declaration.campaign_id == campaign_id, Declaration.natural_key.in_(keys)
        )
    )
    return {row.natural_key: row for row in rows if row.natural_key is not None}


def map_households(
    session: Session, *, campaign_id: uuid.UUID, person_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, str]:
    """Return the household's code of each person's newest declaration that has one."""
    rows = session.execute(
        select(Declaration.person_id, Declaration.household_code)
        .where(
            Declaration.campaign_id == campaign_id,
            Declaration.person_id.in_(person_ids),
            Declaration.household_code.is_not(None),
        )
        .order_by(Declaration.created_at, Declaration.id)
    )
    return {row.person_id: row.household_code for row in rows}


def map_last_sampled(session: Session, *, person_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, date]:
    """Return the last day on which a sample that counts was taken of each person of whom there is one."""
    rows = session.execute(
        select(Sample.person_id, func.max(Sample.sampled_on))
        .where(Sample.person_id.in_(person_ids), Sample.status.in_(COUNTED_SAMPLES), Sample.status != "void")
        .group_by(Sample.person_id)
    )
    return {row[0]: row[1] for row in rows}


def map_known(
    session: Session, *, campaign_id: uuid.UUID, person_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, Known]:
    """Return what all open follow-ups of some people in a campaign say together; symptoms end with a sample."""
    sampled = map_last_sampled(session, person_ids=person_ids)
    rows = session.execute(
        select(FollowUp.person_id, FollowUp.contact_class, FollowUp.symptoms, FollowUp.symptoms_on).where(
            FollowUp.campaign_id == campaign_id,
            FollowUp.person_id.in_(person_ids),
            FollowUp.status == "open",
        )
    )
    known = dict.fromkeys(person_ids, Known())
    for row in rows:
        last = sampled.get(row.person_id)
        lasting = row.symptoms_on is not None and (last is None or last < row.symptoms_on)
        known[row.person_id] = known[row.person_id].add(row.contact_class, row.symptoms if lasting else ())
    return known


_HAS_SYMPTOMS = (Declaration.status == "open", Declaration.has_symptoms.is_(True))


def _was_sampled(since: Any) -> ColumnElement[bool]:
    """Return whether a sample that counts was taken of the test's person on a day or later."""
    return (
        select(Sample.id)
        .where(
            Sample.person_id == DueTest.person_id,
            Sample.sampled_on >= since,
            Sample.status.in_(COUNTED_SAMPLES),
            # the words of the partial index, so that it is used
            Sample.status != "void",
        )
        .correlate_except(Sample)
        .exists()
    )


def _is_waiting() -> tuple[ColumnElement[bool], ...]:
    """Return when a test is not done: nobody who is a case meanwhile is tested as a contact."""
    as_case = aliased(FollowUp)
    is_case = (
        select(as_case.id)
        .where(
            as_case.person_id == DueTest.person_id,
            as_case.campaign_id == FollowUp.campaign_id,
            as_case.contact_class == "f0",
            as_case.status == "open",
        )
        .correlate(DueTest, FollowUp)
        .exists()
    )
    return FollowUp.status == "open", ~_was_sampled(DueTest.due_on), ~is_case


def _has_unsampled_symptoms() -> ColumnElement[bool]:
    """Return whether the test's person has symptoms in any open follow-up, or declared them, and no sample since."""
    other = aliased(FollowUp)
    declared = (
        select(Declaration.id)
        .where(
            Declaration.person_id == other.person_id,
            Declaration.campaign_id == other.campaign_id,
            *_HAS_SYMPTOMS,
        )
        .correlate_except(Declaration)
        .exists()
    )
    return (
        select(other.id)
        .where(
            other.person_id == DueTest.person_id,
            other.status == "open",
            or_(and_(other.symptoms_on.is_not(None), ~_was_sampled(other.symptoms_on)), declared),
        )
        .correlate(DueTest)
        .exists()
    )


def _is_unlisted() -> tuple[ColumnElement[bool], ...]:
    """Return which cases lack contacts; of a person detected twice only the first asks, until it is answered."""
    other = aliased(FollowUp)
    answered = (
        select(other.id)
        .where(
            other.person_id == FollowUp.person_id,
            other.campaign_id == FollowUp.campaign_id,
            other.contact_class == "f0",
            other.status == "open",
            other.id != FollowUp.id,
            or_(other.listed_at.is_not(None), other.id < FollowUp.id),
        )
        .correlate(FollowUp)
        .exists()
    )
    return (
        FollowUp.contact_class == "f0",
        FollowUp.status == "open",
        FollowUp.listed_at.is_(None),
        ~answered,
    )


def _on_days(show: str, today: date) -> ColumnElement[bool]:
    if show == "coming":
        return and_(DueTest.due_on > today, DueTest.due_on <= today + timedelta(days=COMING_DAYS))
    return DueTest.due_on <= today


def _within(query: Select[Any], column: Any, actor: Actor, commune_id: uuid.UUID | None) -> Select[Any]:
    """Keep a question to the actor's communes, or to one of them."""
    if commune_id is not None:
        if not actor.sees(commune_id):
            raise NotFound("There is no such commune among your places.", field="commune")
        return query.where(column == commune_id)
    return query if actor.everywhere else query.where(column.in_(actor.place_ids))


def _after(columns: Sequence[Any], values: tuple[Any, ...]) -> ColumnElement[bool]:
    return tuple_(*columns) > tuple_(*values)


def _due_cursor(last: Due) -> str:
    return f"{0 if last.urgent else 1}.{last.test.due_on.isoformat()}.{last.test.id.hex}"


def _read_due_cursor(text: str) -> tuple[int, date, uuid.UUID]:
    try:
        rank, day, key = text.split(".")
        return {"0": 0, "1": 1}[rank], date.fromisoformat(day), uuid.UUID(key)
    except (ValueError, KeyError):
        raise _no_page() from None


def _read_key(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise _no_page() from None


def _no_page() -> InvalidInput:
    return InvalidInput("This page of the list does not exist. Start the list again.", field="after")
