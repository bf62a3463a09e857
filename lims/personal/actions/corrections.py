"""Correcting a person's data: what was before stays, sealed; certificates that name it otherwise are revoked."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.errors import Refused
from lims.extensions import vault
from lims.intake.birth_dates import BirthDate, parse_birth_date
from lims.intake.identity import LONGEST_ADDRESS, normalise_phone
from lims.intake.models import Person, PersonIdentity, Sample
from lims.intake.people import ADDRESS, BEARER, PHONE, open_contact, phone_index
from lims.intake.queries.declarations import get_declaration
from lims.msgid import N_
from lims.names import clean_name, clean_text, fold, sort_key
from lims.personal.models import PersonCorrection
from lims.personal.queries.requests import lock_person
from lims.personal.sealing import seal_text
from lims.results.certificates.revoking import revoke_certificates
from lims.results.models import Result
from lims.tables import new_id
from lims.transaction import action

BEFORE = "person_correction.before"
CORRECTED = N_("The person's data were corrected.")
# what a certificate says of a person
ON_CERTIFICATES = frozenset({"name", "birth_date"})


@dataclass(frozen=True)
class Corrected:
    """How a person's data should be from now on, as typed; not to be logged, so it is no part of any event.

    Args:
        name: full name.
        birth_date: as exactly as it is known.
        phone: or ''.
        address: or ''.
    """

    name: str
    birth_date: str
    phone: str = ""
    address: str = ""


@action
def correct_person(
    session: Session, *, actor: Actor, declaration_code: str, corrected: Corrected
) -> dict[str, Any]:
    """Correct the data of the person of a declaration, who is there in person.

    Args:
        actor: staff of the commune.
        declaration_code: one of the person's declarations.
        corrected: all four values, as they should be.

    Returns:
        `fields` that were changed, `version` of the correction, and `revoked`, how many certificates.

    Raises:
        NotFound: it is not among the actor's places, or the identity was erased.
        InvalidInput: a value cannot be understood.
        Refused: nothing would change, or somebody else of that name has the same identity number.
    """
    declaration = get_declaration(session, actor=actor, code=declaration_code)
    person = lock_person(session, person_id=declaration.person_id)
    return apply_correction(session, actor=actor, person=person, corrected=corrected, request_id=None)


def apply_correction(
    session: Session, *, actor: Actor, person: Person, corrected: Corrected, request_id: uuid.UUID | None
) -> dict[str, Any]:
    """Correct a person who is held by the transaction; used inside actions."""
    now = _clean(corrected)
    before = _values(person)
    fields = [name for name in before if before[name] != now[name]]
    if not fields:
        raise Refused("This is what is kept already. Nothing was changed.", field="name")
    version = 1 + (
        session.scalar(
            select(func.max(PersonCorrection.version)).where(PersonCorrection.person_id == person.id)
        )
        or 0
    )
    session.add(
        PersonCorrection(
            id=new_id(),
            person_id=person.id,
            version=version,
            fields=fields,
            before_sealed=seal_text(
                vault(),
                person,
                json.dumps({name: before[name] for name in fields}, ensure_ascii=False),
                BEFORE,
            ),
            request_id=request_id,
            corrected_by_id=actor.user_id,
            corrected_at=clock.now(),
        )
    )
    _write(session, person, now)
    revoked = 0
    if ON_CERTIFICATES.intersection(fields):
        _rebind_numbers(session, person)
        released = session.scalars(
            select(Result.id)
            .join(Sample, Sample.id == Result.sample_id)
            .where(Sample.person_id == person.id, Result.released_at.is_not(None))
        ).all()
        revoked = revoke_certificates(session, result_ids=released, reason=CORRECTED)
    audit.note(session, "person", person.id, "corrected", fields=fields, version=version)
    return {"fields": fields, "version": version, "revoked": revoked}


def _clean(corrected: Corrected) -> dict[str, str]:
    return {
        "name": clean_name(corrected.name, field="name"),
        "birth_date": parse_birth_date(corrected.birth_date, field="birth_date", today=clock.today()).iso,
        "phone": normalise_phone(corrected.phone, field="phone"),
        "address": clean_text(corrected.address, field="address", longest=LONGEST_ADDRESS),
    }


def _values(person: Person) -> dict[str, str]:
    contact = open_contact(vault(), person)
    return {
        "name": person.name,
        "birth_date": BirthDate.of(person.birth_on, person.birth_precision).iso,
        "phone": contact.phone,
        "address": contact.address,
    }


def _write(session: Session, person: Person, now: dict[str, str]) -> None:
    born = parse_birth_date(now["birth_date"], field="birth_date", today=clock.today())
    person.name, person.name_folded, person.name_key = now["name"], fold(now["name"]), sort_key(now["name"])
    person.birth_on, person.birth_precision = born.first_day, born.precision
    person.phone_sealed = seal_text(vault(), person, now["phone"], PHONE)
    person.phone_index = phone_index(vault(), now["phone"]) if now["phone"] else None
    person.address_sealed = seal_text(vault(), person, now["address"], ADDRESS)
    person.address_index = vault().index(fold(now["address"]), column=ADDRESS) if now["address"] else None
    session.flush()


def _rebind_numbers(session: Session, person: Person) -> None:
    """Bind the person's identity numbers to the new name: the same number and name again is the same person."""
    born = BirthDate.of(person.birth_on, person.birth_precision)
    bearer = vault().index(f"{person.name_folded}|{born.iso}", column=BEARER)
    numbers = [identity.number_index for identity in person.identities]
    if numbers and session.scalar(
        select(PersonIdentity.id).where(
            PersonIdentity.number_index.in_(numbers),
            PersonIdentity.bearer_index == bearer,
            PersonIdentity.person_id != person.id,
        )
    ):
        raise Refused(
            "Somebody of this name and birth date with the same identity number is there already. "
            "Look at that record first.",
            field="name",
        )
    for identity in person.identities:
        identity.bearer_index = bearer
    session.flush()
