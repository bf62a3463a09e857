"""Finding people: by identity number, telephone, name or code, in the Vietnamese order of their names."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, tuple_
from sqlalchemy.orm import Session, contains_eager

from lims.auth.actors import Actor
from lims.errors import InvalidInput
from lims.intake.identity import clean_identity_number, normalise_phone
from lims.intake.models import Declaration, Person, PersonIdentity
from lims.intake.people import identity_index, phone_index
from lims.names import fold
from lims.vault import Vault

PAGE = 50


@dataclass(frozen=True)
class PeopleFilter:
    """What a list of people is narrowed to.

    Args:
        text: name (with or without marks), identity number or telephone; '' for all.
        commune_id: only declared for this commune.
        status: only declarations in this state; '' for all.
        after: the `cursor` of the page before; '' for the first.
    """

    text: str = ""
    commune_id: uuid.UUID | None = None
    status: str = ""
    after: str = ""


def lock_people_by_identity(session: Session, *, indexes: Collection[bytes]) -> Sequence[Any]:
    """Return `number_index, id, name_folded, birth_on, birth_precision` of the people of some identity numbers.

    The people are held, in the order of their keys, so that two clerks cannot both open a declaration for one.
    """
    if not indexes:
        return []
    return session.execute(
        select(
            PersonIdentity.number_index,
            Person.id,
            Person.name_folded,
            Person.birth_on,
            Person.birth_precision,
        )
        .join(Person, Person.id == PersonIdentity.person_id)
        .where(PersonIdentity.number_index.in_(indexes))
        .order_by(Person.id)
        .with_for_update(of=Person)
    ).all()


def list_people(
    session: Session, *, actor: Actor, vault: Vault, wanted: PeopleFilter
) -> tuple[Sequence[Declaration], str]:
    """Return a page of declarations with their people, by given name as Vietnamese lists go.

    Args:
        session: reading session.
        actor: only declarations for this actor's places.
        vault: for the blind indexes of identity number and telephone.
        wanted: filter and page.

    Returns:
        At most 50 declarations, and the cursor of the next page ('' at the end).
    """
    query = (
        select(Declaration)
        .join(Declaration.person)
        .options(contains_eager(Declaration.person))
        .order_by(Person.name_key, Declaration.id)
        .limit(PAGE + 1)
    )
    if not actor.everywhere:
        query = query.where(Declaration.commune_id.in_(actor.place_ids))
    if wanted.commune_id is not None:
        query = query.where(Declaration.commune_id == wanted.commune_id)
    if wanted.status:
        query = query.where(Declaration.status == wanted.status)
    if wanted.text.strip():
        query = query.where(_matches(vault, wanted.text))
    if wanted.after:
        query = query.where(tuple_(Person.name_key, Declaration.id) > tuple_(*_read_cursor(wanted.after)))
    rows = session.scalars(query).unique().all()
    page = rows[:PAGE]
    return page, _cursor(page[-1]) if len(rows) > PAGE else ""


def _matches(vault: Vault, text: str) -> ColumnElement[bool]:
    """Return the condition for a search: digits are an identity number or a telephone, anything else a name."""
    if len(re.sub(r"\D", "", text)) >= 8:
        return _by_number(vault, text)
    return and_(*(Person.name_folded.contains(word, autoescape=True) for word in fold(text).split()))


def _by_number(vault: Vault, text: str) -> ColumnElement[bool]:
    # A text that is no telephone number may still be an identity number, and the other way round.
    conditions: list[ColumnElement[bool]] = []
    with suppress(InvalidInput):
        index = identity_index(vault, clean_identity_number(text, field="q"))
        numbers = select(PersonIdentity.person_id).where(PersonIdentity.number_index == index)
        conditions.append(Person.id.in_(numbers))
    with suppress(InvalidInput):
        conditions.append(Person.phone_index == phone_index(vault, normalise_phone(text, field="q")))
    return or_(*conditions) if conditions else Person.name_folded == fold(text)


def _cursor(last: Declaration) -> str:
    return f"{last.person.name_key.hex()}.{last.id.hex}"


def _read_cursor(text: str) -> tuple[bytes, uuid.UUID]:
    key, _, identity = text.partition(".")
    try:
        return bytes.fromhex(key), uuid.UUID(identity)
    except ValueError:
        raise InvalidInput(
            "This page of the list does not exist. Start the list again.", field="after"
        ) from None


def find_first_person_key(session: Session) -> tuple[uuid.UUID, bytes] | None:
    """Return the first registered person who still has a wrapped key, and that key; None where there is nobody."""
    row = session.execute(
        select(Person.id, Person.person_key)
        .where(Person.person_key.is_not(None))
        .order_by(Person.id)
        .limit(1)
    ).first()
    return None if row is None or row.person_key is None else (row.id, row.person_key)
