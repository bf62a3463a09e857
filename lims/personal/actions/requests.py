"""A person asks about their own data; whoever handles it answers, decides, and what was decided is done at once."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.errors import AlreadyDone, InvalidInput, NotFound
from lims.extensions import vault
from lims.intake.models import Declaration, Person
from lims.intake.queries.declarations import get_declaration
from lims.names import clean_text
from lims.personal import rules
from lims.personal.actions.corrections import Corrected, apply_correction
from lims.personal.actions.erasing import erase_people
from lims.personal.models import DataRequest
from lims.personal.queries import requests as queries
from lims.personal.sealing import seal_text
from lims.tables import new_id
from lims.transaction import action

NOTE = "data_request.note"
ANSWER = "data_request.answer"


@action
def ask_about_data(
    session: Session, *, actor: Actor, declaration_id: uuid.UUID, kind: str, note: str
) -> dict[str, Any]:
    """Take a person's request about their own data.

    Args:
        actor: the resident, or staff in whose presence it is asked.
        declaration_id: whose code and birth date opened the page.
        kind: a word of `rules.REQUEST_KINDS`.
        note: in the person's own words, at most 1,000 characters; sealed.

    Returns:
        `request`, `answer_due_at`, `done_due_at`.

    Raises:
        InvalidInput: no such kind; a correction that does not say what is wrong.
        NotFound: the identity was erased.
        AlreadyDone: the same was asked for and is not settled yet.
    """
    if kind not in rules.REQUEST_KINDS:
        raise InvalidInput("Choose what you ask for.", field="kind")
    words = clean_text(note, field="note", longest=rules.LONGEST_NOTE)
    if kind == "correction" and not words:
        raise InvalidInput("Write what is wrong and how it should be.", field="note")
    declaration = session.get(Declaration, declaration_id)
    if declaration is None:
        raise NotFound("There is nothing of this person any more.", field="ticket")
    person = queries.lock_person(session, person_id=declaration.person_id)
    if queries.find_pending(session, person_id=person.id, kind=kind):
        raise AlreadyDone(
            "You have asked for this already. It is being handled; the answer will stand here.", field="kind"
        )
    due = rules.calculate_due_dates(kind, clock.local(clock.now()))
    request = DataRequest(
        id=new_id(),
        person_id=person.id,
        declaration_id=declaration.id,
        commune_id=declaration.commune_id,
        kind=kind,
        note_sealed=seal_text(vault(), person, words, NOTE),
        asked_at=clock.now(),
        answer_due_at=due.answer_at,
        done_due_at=due.done_at,
    )
    session.add(request)
    session.flush()
    audit.note(session, "data_request", request.id, "asked", kind=kind)
    return {"request": str(request.id), "answer_due_at": due.answer_at, "done_due_at": due.done_at}


@action
def answer_request(session: Session, *, actor: Actor, request_id: uuid.UUID, answer: str) -> dict[str, Any]:
    """Tell the person that the request was received and what happens next; its first term ends with this.

    Raises:
        NotFound: it is not among the actor's places, or the identity was erased.
        WrongState: it is settled.
        InvalidInput: nothing was written.
    """
    request = queries.get_request(session, actor=actor, request_id=request_id, lock=True)
    rules.REQUEST.check(request.status, "answered", code=request.kind, field="answer")
    person = queries.lock_person(session, person_id=request.person_id)
    request.answer_sealed = seal_text(vault(), person, _words(answer), ANSWER)
    request.status, request.answered_at, request.answered_by_id = "answered", clock.now(), actor.user_id
    audit.note(session, "data_request", request.id, "answered", kind=request.kind)
    return {"request": str(request.id), "status": request.status}


@action
def settle_request(
    session: Session,
    *,
    actor: Actor,
    request_id: uuid.UUID,
    decision: str,
    answer: str,
    corrected: Corrected | None = None,
) -> dict[str, Any]:
    """Decide on a request, and do what was granted in the same transaction.

    Args:
        actor: who may handle requests in the person's commune.
        request_id: the request.
        decision: a word of `rules.DECISIONS`.
        answer: what the person is told, 3 to 1,000 characters; sealed, and gone with an erasure.
        corrected: all values as they should be, for a correction that is granted.

    Returns:
        `request`, `decision`, and what was done: `fields` and `revoked`, `withdrawn` (declarations) or `erased`.

    Raises:
        NotFound: it is not among the actor's places, or the identity was erased.
        AlreadyDone: it is settled.
        InvalidInput: no such decision, no answer, a value that cannot be understood.
        Refused: an erasure has to wait; nothing would be corrected.
    """
    request = queries.get_request(session, actor=actor, request_id=request_id, lock=True)
    rules.REQUEST.check(request.status, "settled", code=request.kind, field="decision")
    if decision not in rules.DECISIONS:
        raise InvalidInput("Choose a decision from the list.", field="decision")
    person = queries.lock_person(session, person_id=request.person_id)
    words = _words(answer)
    request.status, request.decision = "settled", decision
    request.settled_at, request.settled_by_id = clock.now(), actor.user_id
    request.answered_at = request.answered_at or request.settled_at
    request.answered_by_id = request.answered_by_id or actor.user_id
    request.answer_sealed = seal_text(vault(), person, words, ANSWER)
    session.flush()
    audit.note(session, "data_request", request.id, "settled", kind=request.kind, decision=decision)
    done = _grant(session, actor, request, person, corrected) if decision == "granted" else {}
    return {"request": str(request_id), "decision": decision, **done}


def _grant(
    session: Session, actor: Actor, request: DataRequest, person: Person, corrected: Corrected | None
) -> dict[str, Any]:
    if request.kind == "correction":
        if corrected is None:
            raise InvalidInput("Write how the data should be.", field="name")
        return apply_correction(
            session, actor=actor, person=person, corrected=corrected, request_id=request.id
        )
    if request.kind == "erasure":
        rules.check_can_erase(queries.find_held(session, person_id=person.id))
        withdrawn = _withdraw_open(session, person.id)
        erased = erase_people(session, person_ids=[person.id], reason="request", erased_at=clock.now())
        return {"erased": len(erased), "withdrawn": withdrawn}
    if person.restricted_at is None:
        person.restricted_at = clock.now()
        audit.note(session, "person", person.id, "restricted")
    return {"withdrawn": _withdraw_open(session, person.id) if request.kind == "objection" else 0}


@action
def lift_restriction(session: Session, *, actor: Actor, declaration_code: str) -> dict[str, Any]:
    """Use a person's data again as before, because the person wants it so.

    Args:
        actor: staff of the commune, who have seen the person's papers.
        declaration_code: one of the person's declarations.

    Returns:
        `declaration`.

    Raises:
        NotFound: it is not among the actor's places, or the identity was erased.
        AlreadyDone: the data are not restricted.
    """
    declaration = get_declaration(session, actor=actor, code=declaration_code)
    person = queries.lock_person(session, person_id=declaration.person_id)
    if person.restricted_at is None:
        raise AlreadyDone("The data of this person are not restricted.", field="code")
    person.restricted_at = None
    audit.note(session, "person", person.id, "restriction_lifted")
    return {"declaration": declaration.code}


def _withdraw_open(session: Session, person_id: uuid.UUID) -> int:
    """Take back what was declared and not sampled: whoever objects, or is erased, is not waited for."""
    still_open = session.scalars(
        select(Declaration)
        .where(Declaration.person_id == person_id, Declaration.status == "open")
        .order_by(Declaration.id)
        .with_for_update(of=Declaration)
    ).all()
    for declaration in still_open:
        declaration.status, declaration.closed_at = "withdrawn", clock.now()
        audit.note(session, "declaration", declaration.id, "withdrawn", reason="declined")
    session.flush()
    return len(still_open)


def _words(answer: str) -> str:
    words = clean_text(answer, field="answer", longest=rules.LONGEST_NOTE)
    if len(words) < 3:
        raise InvalidInput("Write what the person is told.", field="answer")
    return words
