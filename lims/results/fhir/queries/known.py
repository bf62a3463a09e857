"""What an order that comes in may meet: people, their keys, and orders taken before."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lims.auth.actors import Actor
from lims.intake.models import Declaration, Person
from lims.results.fhir.queries.scopes import sees_declaration, sees_person


def lock_people(
    session: Session, *, actor: Actor, seen_ids: Collection[uuid.UUID], other_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, Person]:
    """Return people by key, held in the order of their keys.

    Args:
        session: writing session.
        actor: who sends.
        seen_ids: only those among the actor's places.
        other_ids: whoever they are; they are met by a number of the sender's own.
    """
    if not seen_ids and not other_ids:
        return {}
    people = session.scalars(
        select(Person)
        .where(or_(Person.id.in_(other_ids), Person.id.in_(seen_ids) & sees_person(actor)))
        .order_by(Person.id)
        .with_for_update(of=Person)
    ).unique()
    return {person.id: person for person in people}


def list_taken(session: Session, *, client_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return which ids declarations were made with; a number whose person was erased is known by nothing else."""
    return set(session.scalars(select(Declaration.client_id).where(Declaration.client_id.in_(client_ids))))


def map_person_keys(session: Session, *, person_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, bytes | None]:
    """Return the wrapped keys of some people."""
    rows = session.execute(select(Person.id, Person.person_key).where(Person.id.in_(person_ids)))
    return {row.id: row.person_key for row in rows}


def map_seen_declarations(
    session: Session, *, actor: Actor, declaration_ids: Collection[uuid.UUID | None]
) -> dict[uuid.UUID, str]:
    """Return the codes of some declarations, those only that the actor sees."""
    rows = session.execute(
        select(Declaration.id, Declaration.code).where(
            Declaration.id.in_({key for key in declaration_ids if key}), sees_declaration(actor)
        )
    )
    return {row.id: row.code for row in rows}
