"""Checked statements become people and declarations, many at once; used inside actions, never by itself.

A person is the same when an identity number, the folded name and the birth date agree; where two requests make the
same person at one moment, a UNIQUE constraint stops the second, and its action runs again and finds the person.
Whoever has an open declaration in the campaign already is not given a second one: two codes for one swab is how
results get mixed up.
The number of SQL statements does not grow with the number of entries.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.intake.birth_dates import BirthDate
from lims.intake.consent import usual_way
from lims.intake.declaring import Statement
from lims.intake.models import Declaration, Person, PersonIdentity, ResultCode
from lims.intake.new_codes import mint_free
from lims.intake.people import identity_index, person_rows
from lims.intake.queries import declarations as declaration_queries
from lims.intake.queries import people as people_queries
from lims.intake.result_codes import hash_result_code, result_code_for
from lims.intake.rules import CONSENT_VERSION
from lims.names import fold
from lims.places.models import Campaign
from lims.tables import new_id
from lims.vault import Vault


@dataclass(frozen=True)
class Entry:
    """One person to declare.

    Args:
        client_id: id made by the sender.
        statement: checked values.
        commune_id: where the person lives.
        natural_key: keyed hash of an imported row, or None.
        consent_given: how the person agreed, a word of `rules.CONSENT_WAYS`; '' for what is usual for who declares.
        person_id: who it is, where the caller knows it and holds the row; else found by what is stated.
    """

    client_id: uuid.UUID
    statement: Statement
    commune_id: uuid.UUID
    natural_key: bytes | None = None
    consent_given: str = ""
    person_id: uuid.UUID | None = None


@dataclass(frozen=True)
class Registered:
    """What became of an entry.

    Args:
        declaration_id: the declaration's key.
        code: the declaration's code.
        is_new: False where the person's open declaration was there before.
        person_id: whose it is.
        is_new_person: the person was not here before.
    """

    declaration_id: uuid.UUID
    code: str
    is_new: bool
    person_id: uuid.UUID
    is_new_person: bool


@dataclass(frozen=True)
class _Known:
    """A person who may be the one stated."""

    person_id: uuid.UUID
    name_folded: str
    birth: BirthDate

    def is_meant(self, statement: Statement) -> bool:
        return self.name_folded == fold(statement.name) and self.birth.matches(statement.birth)


def register_people(
    session: Session,
    *,
    actor: Actor,
    vault: Vault,
    campaign: Campaign,
    entries: Sequence[Entry],
    with_result_codes: bool,
) -> list[Registered]:
    """Insert what is new of some people, with one event for each declaration and each new person.

    Args:
        session: writing session.
        actor: who declares.
        vault: keyed work of this installation.
        campaign: the campaign, checked to be open.
        entries: at most some thousands.
        with_result_codes: issue the result code of each new declaration, derived from its client id.

    Returns:
        One outcome an entry, in order.
    """
    known = _find_known(session, vault=vault, entries=entries)
    open_codes = declaration_queries.map_open_declarations(
        session,
        campaign_id=campaign.id,
        person_ids={person.person_id for people in known.values() for person in people}
        | {entry.person_id for entry in entries if entry.person_id},
    )
    codes = iter(mint_free(session, Declaration.code, kind="declaration", count=len(entries)))
    rows: dict[type, list[dict[str, Any]]] = {Person: [], PersonIdentity: [], Declaration: [], ResultCode: []}
    outcomes = []
    met: dict[uuid.UUID, bytes] = {}
    for entry in entries:
        person_id = entry.person_id or _find_person(vault, known, entry.statement)
        is_new_person = person_id is None
        if person_id is None:
            person_id = _add_person(session, vault=vault, known=known, rows=rows, entry=entry)
        if person_id in open_codes:
            outcomes.append(Registered(*open_codes[person_id], False, person_id, is_new_person))
            if entry.natural_key:
                met.setdefault(open_codes[person_id][0], entry.natural_key)
            continue
        row = _declaration_row(entry, actor=actor, campaign=campaign, person_id=person_id, code=next(codes))
        rows[Declaration].append(row)
        open_codes[person_id] = (row["id"], row["code"])
        outcomes.append(Registered(row["id"], row["code"], True, person_id, is_new_person))
        audit.note(session, "declaration", row["id"], "declared", by=entry.statement.declared_by)
        if with_result_codes:
            secret = result_code_for(vault, client_id=entry.client_id)
            rows[ResultCode].append(new_result_code(vault, actor, declaration_id=row["id"], code=secret))
    for table, new in rows.items():
        if new:
            session.execute(insert(table), new)
    _keep_keys(session, met)
    return outcomes


def _keep_keys(session: Session, met: dict[uuid.UUID, bytes]) -> None:
    """Remember which rows of a list met an open declaration, so that the same list does not declare them later.

    A declaration keeps one key: that of the row it was made from, or of the first one it met.
    """
    without = declaration_queries.list_without_natural_key(session, declaration_ids=met)
    if without:
        session.execute(update(Declaration), [{"id": key, "natural_key": met[key]} for key in without])
    for key in without:
        audit.note(session, "declaration", key, "listed")


def new_result_code(vault: Vault, actor: Actor, *, declaration_id: uuid.UUID, code: str) -> dict[str, Any]:
    """Return the row of a result code that is live from now on; only its keyed hash is in it."""
    return {
        "id": new_id(),
        "declaration_id": declaration_id,
        "code_hash": hash_result_code(vault, code),
        "issued_at": clock.now(),
        "issued_by_id": actor.user_id,
        "revoked_at": None,
    }


def _find_known(
    session: Session, *, vault: Vault, entries: Sequence[Entry]
) -> defaultdict[bytes, list[_Known]]:
    """Return the people of the numbers stated, by blind index; new ones are added as the entries pass."""
    indexes = {
        identity_index(vault, number) for entry in entries for number in entry.statement.identity_numbers
    }
    known: defaultdict[bytes, list[_Known]] = defaultdict(list)
    for row in people_queries.lock_people_by_identity(session, indexes=indexes):
        birth_on: date = row.birth_on
        birth = BirthDate.of(birth_on, row.birth_precision)
        known[row.number_index].append(_Known(row.id, row.name_folded, birth))
    return known


def _find_person(
    vault: Vault, known: defaultdict[bytes, list[_Known]], statement: Statement
) -> uuid.UUID | None:
    for number in statement.identity_numbers:
        for person in known.get(identity_index(vault, number), ()):
            if person.is_meant(statement):
                return person.person_id
    return None


def _add_person(
    session: Session,
    *,
    vault: Vault,
    known: defaultdict[bytes, list[_Known]],
    rows: dict[type, list[dict[str, Any]]],
    entry: Entry,
) -> uuid.UUID:
    person, identities = person_rows(vault, entry.statement, commune_id=entry.commune_id)
    person_id: uuid.UUID = person["id"]
    rows[Person].append(person)
    rows[PersonIdentity].extend(identities)
    for identity in identities:
        known[identity["number_index"]].append(
            _Known(person_id, person["name_folded"], entry.statement.birth)
        )
    audit.note(session, "person", person_id, "registered")
    return person_id


def _declaration_row(
    entry: Entry, *, actor: Actor, campaign: Campaign, person_id: uuid.UUID, code: str
) -> dict[str, Any]:
    statement, now = entry.statement, clock.now()
    return {
        "id": new_id(),
        "code": code,
        "campaign_id": campaign.id,
        "person_id": person_id,
        "commune_id": entry.commune_id,
        "household_code": statement.household_code or None,
        "status": "open",
        "resample_reason": "",
        "attempt": 1,
        "symptoms": list(statement.symptoms),
        "has_symptoms": statement.has_symptoms,
        "is_contact": statement.is_contact,
        "declared_by": statement.declared_by,
        "declared_by_id": actor.user_id,
        "consent_version": CONSENT_VERSION,
        "consent_given": entry.consent_given or usual_way(statement.declared_by),
        "consented_at": now,
        "client_id": entry.client_id,
        "natural_key": entry.natural_key,
        "created_at": now,
        "closed_at": None,
    }
