"""What is kept of one person, put together once: the page shows it, the file holds it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from lims import clock
from lims.errors import NotFound
from lims.intake.birth_dates import BirthDate
from lims.intake.models import Declaration, Person, PersonAccess
from lims.intake.people import open_contact
from lims.personal.models import DataRequest
from lims.personal.queries import own as queries
from lims.personal.sealing import unseal_text
from lims.results.rules import UNCLEAR
from lims.vault import Vault


def describe_person(session: Session, *, declaration_id: uuid.UUID, vault: Vault) -> dict[str, Any]:
    """Return everything that is kept of the person of a declaration, as plain values, dates and moments.

    Staff are told by their role and place, not by name: whom the person may complain about is the place, and names
    stay in the log for whoever investigates.

    Raises:
        NotFound: there is no such person, or the identity was erased.
    """
    person = queries.find_person(session, declaration_id=declaration_id)
    if person is None:
        raise NotFound("There is nothing of this person any more.", field="ticket")
    declarations = queries.list_declarations(session, person_id=person.id)
    return {
        "person": _person(person, vault),
        "declarations": [_declaration(one) for one in declarations],
        "samples": [
            {"tube": row.code, "sampled_at": row.sampled_at, "place": row.place, "status": row.status}
            for row in queries.list_samples(session, person_id=person.id)
        ],
        "results": [_result(row) for row in queries.list_results(session, person_id=person.id)],
        "follow_ups": _follow_ups(session, person.id),
        "accesses": describe_accesses(session, person_id=person.id),
        "phones": [
            {"day": row.day, "place": row.place, "team": row.team}
            for row in queries.list_phones(session, declarations=declarations)
        ],
        "corrections": [
            {"version": one.version, "fields": one.fields, "corrected_at": one.corrected_at}
            for one in queries.list_corrections(session, person_id=person.id)
        ],
        "requests": [
            describe_request(one, person, vault)
            for one in queries.list_requests(session, person_id=person.id)
        ],
        "made_at": clock.now(),
    }


def describe_accesses(session: Session, *, person_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return who has read a person's data: when, how, and in which role at which place."""
    accesses = queries.list_accesses(session, person_id=person_id)
    workplaces = queries.map_workplaces(
        session, user_ids={one.user_id for one in accesses if one.user_id is not None}
    )
    return [_access(one, workplaces.get(one.user_id, []) if one.user_id else []) for one in accesses]


def _access(access: PersonAccess, workplaces: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {
        "accessed_at": access.accessed_at,
        "shown_by": access.shown_by,
        "by": [{"role": role, "place": place} for role, place in workplaces],
    }


def _person(person: Person, vault: Vault) -> dict[str, Any]:
    contact = open_contact(vault, person)
    return {
        "name": person.name,
        "birth_date": BirthDate.of(person.birth_on, person.birth_precision).iso,
        "sex": person.sex,
        "identity_numbers": list(contact.identity_numbers),
        "phone": contact.phone,
        "address": contact.address,
        "commune": person.commune.full_name,
        "restricted_at": person.restricted_at,
    }


def _declaration(declaration: Declaration) -> dict[str, Any]:
    campaign = declaration.campaign
    erased_from = None
    if campaign.ends_on is not None and campaign.retention_days is not None:
        erased_from = campaign.ends_on + timedelta(days=campaign.retention_days)
    return {
        "code": declaration.code,
        "campaign": campaign.name,
        "commune": declaration.commune.full_name,
        "declared_at": declaration.created_at,
        "declared_by": declaration.declared_by,
        "status": declaration.status,
        "symptoms": list(declaration.symptoms),
        "is_contact": declaration.is_contact,
        "consent": {
            "version": declaration.consent_version,
            "given": declaration.consent_given,
            "at": declaration.consented_at,
        },
        "kept_until": erased_from,
    }


def _follow_ups(session: Session, person_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return what the person was followed up for; whose contact they were is another person's."""
    days = queries.map_due_days(session, person_id=person_id)
    return [
        {
            "class": one.contact_class,
            "campaign": one.campaign.name,
            "commune": one.commune.full_name,
            "since": one.since,
            "known_by": one.known_by,
            "symptoms": list(one.symptoms),
            "symptoms_on": one.symptoms_on,
            "test_days": days.get(one.id, []),
            "status": one.status,
            "ended_at": one.ended_at,
            "end_reason": one.end_reason,
        }
        for one in queries.list_follow_ups(session, person_id=person_id)
    ]


def _result(row: Any) -> dict[str, Any]:
    return {
        # as the person is told it: an invalid test is an inconclusive one
        "finding": "inconclusive" if row.finding in UNCLEAR else row.finding,
        "stands": row.status == "released",
        "version": row.version,
        "sampled_at": row.sampled_at,
        "released_at": row.released_at,
        "laboratory": row.laboratory,
    }


def describe_request(request: DataRequest, person: Person, vault: Vault) -> dict[str, Any]:
    """Return a request with its words opened; '' where they were erased."""
    return {
        "id": str(request.id),
        "kind": request.kind,
        "status": request.status,
        "note": unseal_text(vault, person, request.note_sealed, "data_request.note"),
        "asked_at": request.asked_at,
        "answer_due_at": request.answer_due_at,
        "done_due_at": request.done_due_at,
        "answered_at": request.answered_at,
        "settled_at": request.settled_at,
        "decision": request.decision,
        "answer": unseal_text(vault, person, request.answer_sealed, "data_request.answer"),
    }
