"""People, as Patients are made of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import Session

from lims.auth.actors import Actor
from lims.errors import InvalidInput
from lims.intake.birth_dates import BirthDate
from lims.intake.identity import clean_identity_number
from lims.intake.models import Person, PersonIdentity
from lims.intake.people import IDENTITY, identity_index
from lims.results.fhir.dialect import PAPERS, Dialect
from lims.results.fhir.facts import Numbers, PersonFacts
from lims.results.fhir.queries.changes import changed_within, map_changes
from lims.results.fhir.queries.identifiers import map_numbers, select_owners
from lims.results.fhir.queries.pages import list_keys
from lims.results.fhir.queries.scopes import sees_person
from lims.results.fhir.search import Search, Token
from lims.vault import Vault


def list_people(
    session: Session, *, actor: Actor, vault: Vault, dialect: Dialect, search: Search, after: uuid.UUID | None
) -> Sequence[uuid.UUID]:
    """Return keys of people, one more than a page holds; erased identities are not searched."""
    query = select(Person.id).where(
        sees_person(actor),
        Person.erased_at.is_(None),
        changed_within(search, Person.id),
    )
    if search.ids is not None:
        query = query.where(Person.id.in_(search.ids))
    if search.identifiers is not None:
        query = query.where(_has_number(vault, dialect, search.identifiers), Person.restricted_at.is_(None))
    return list_keys(session, query, Person.id, after=after, most=search.count + 1)


def _has_number(vault: Vault, dialect: Dialect, tokens: Sequence[Token]) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [false()]
    foreign = []
    for token in tokens:
        name = dialect.find_system(token.system) if token.system else ""
        if token.system is None or name:
            conditions.append(_has_paper(vault, name, token.value))
        if not name:
            foreign.append(token)
    if foreign:
        conditions.append(Person.id.in_(select_owners(vault, kind="person", tokens=foreign)))
    return or_(*conditions)


def _has_paper(vault: Vault, name: str, value: str) -> ColumnElement[bool]:
    try:
        index = identity_index(vault, clean_identity_number(value, field="identifier"))
    except InvalidInput:
        return false()
    query = select(PersonIdentity.person_id).where(PersonIdentity.number_index == index)
    if name:
        query = query.where(PersonIdentity.kind == ("other" if name == "identity" else name))
    return Person.id.in_(query)


def read_people(
    session: Session, *, actor: Actor, vault: Vault, keys: Sequence[uuid.UUID]
) -> list[PersonFacts]:
    """Return some people of the actor's places, in the order of their keys."""
    people = session.scalars(
        select(Person).where(Person.id.in_(keys), sees_person(actor)).order_by(Person.id)
    ).all()
    ids = [person.id for person in people]
    changes = map_changes(session, subject_ids=ids)
    foreign = map_numbers(session, vault=vault, kind="person", owner_ids=ids)
    return [
        PersonFacts(
            id=person.id,
            name=person.name,
            born="" if person.erased_at else BirthDate.of(person.birth_on, person.birth_precision).iso,
            sex=person.sex,
            papers=_open_papers(vault, person),
            foreign=foreign[person.id],
            commune=person.commune.full_name,
            is_erased=person.erased_at is not None,
            is_restricted=person.restricted_at is not None,
            changed_at=max(person.created_at, changes.get(person.id, person.created_at)),
        )
        for person in people
    ]


def _open_papers(vault: Vault, person: Person) -> Numbers:
    key = person.person_key
    if key is None:
        return ()
    return tuple(
        (
            one.kind if one.kind in PAPERS else "identity",
            vault.unseal(one.number_sealed, person_key=key, person_id=person.id, column=IDENTITY),
        )
        for one in person.identities
    )
