"""A person's sealed values: identity numbers, telephone and address, and the blind indexes they are found by.

Everything readable of them exists only between here and the page that shows it. A person's own key seals them, so
that erasing the key erases them in every copy, and leaves every event's hash valid.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from lims import clock
from lims.intake.declaring import Statement
from lims.intake.identity import identity_kind
from lims.intake.models import Person
from lims.names import fold, sort_key
from lims.tables import new_id
from lims.vault import Vault

IDENTITY = "person_identity.number"
BEARER = "person_identity.bearer"
PHONE = "person.phone"
ADDRESS = "person.address"


@dataclass(frozen=True)
class Contact:
    """What is sealed of a person, opened to be shown; empty where nothing was given or the key was erased."""

    identity_numbers: tuple[str, ...]
    phone: str
    address: str


def identity_index(vault: Vault, number: str) -> bytes:
    """Return the blind index of a cleaned identity number, 32 bytes."""
    return vault.index(number, column=IDENTITY)


def phone_index(vault: Vault, phone: str) -> bytes:
    """Return the blind index of an E.164 telephone number, 32 bytes."""
    return vault.index(phone, column=PHONE)


def person_rows(
    vault: Vault, statement: Statement, *, commune_id: uuid.UUID
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the rows of a new person, ready for a bulk insert.

    Args:
        vault: keyed work of this installation.
        statement: checked values.
        commune_id: where the person lives.

    Returns:
        The row of `person`, and those of `person_identity`.
    """
    person_id = new_id()
    key = vault.new_person_key(person_id)

    def seal(text: str, column: str) -> bytes | None:
        return vault.seal(text, person_key=key, person_id=person_id, column=column) if text else None

    person = {
        "id": person_id,
        "name": statement.name,
        "name_key": sort_key(statement.name),
        "name_folded": fold(statement.name),
        "birth_on": statement.birth.first_day,
        "birth_precision": statement.birth.precision,
        "sex": statement.sex,
        "commune_id": commune_id,
        "person_key": key,
        "phone_sealed": seal(statement.phone, PHONE),
        "phone_index": phone_index(vault, statement.phone) if statement.phone else None,
        "address_sealed": seal(statement.address, ADDRESS),
        "address_index": vault.index(fold(statement.address), column=ADDRESS) if statement.address else None,
        "created_at": clock.now(),
    }
    bearer = f"{person['name_folded']}|{statement.birth.iso}"
    identities = [
        {
            "id": new_id(),
            "person_id": person_id,
            "kind": identity_kind(number),
            "number_sealed": seal(number, IDENTITY),
            "number_index": identity_index(vault, number),
            "bearer_index": vault.index(bearer, column=BEARER),
        }
        for number in statement.identity_numbers
    ]
    return person, identities


def open_contact(vault: Vault, person: Person) -> Contact:
    """Open what is sealed of a person, for a page of somebody who may see it.

    Args:
        vault: keyed work of this installation.
        person: with its identities loaded.
    """
    key = person.person_key
    if key is None:
        return Contact((), "", "")

    def unseal(sealed: bytes | None, column: str) -> str:
        return vault.unseal(sealed, person_key=key, person_id=person.id, column=column) if sealed else ""

    return Contact(
        identity_numbers=tuple(unseal(one.number_sealed, IDENTITY) for one in person.identities),
        phone=unseal(person.phone_sealed, PHONE),
        address=unseal(person.address_sealed, ADDRESS),
    )
