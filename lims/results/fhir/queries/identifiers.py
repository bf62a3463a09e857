"""Numbers of other systems: found by blind index, opened for those who may see whose they are."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from lims.intake.models import Person
from lims.results.fhir.facts import Numbers
from lims.results.fhir.models import ForeignIdentifier
from lims.results.fhir.search import Token
from lims.vault import Vault

COLUMN = "foreign_identifier.value"


def foreign_index(vault: Vault, *, kind: str, value: str) -> bytes:
    """Return the blind index of a number; persons' and orders' are not comparable."""
    return vault.index(f"{kind}|{value}", column=COLUMN)


def select_owners(vault: Vault, *, kind: str, tokens: Iterable[Token]) -> Select[uuid.UUID | None]:
    """Return a query for the people (kind "person") or declarations (kind "order") of some numbers."""
    owner = ForeignIdentifier.person_id if kind == "person" else ForeignIdentifier.declaration_id
    values = {token.value: foreign_index(vault, kind=kind, value=token.value) for token in tokens}
    query = select(owner).where(
        ForeignIdentifier.kind == kind, ForeignIdentifier.value_index.in_(values.values())
    )
    systems = {token.system for token in tokens}
    return query if None in systems else query.where(ForeignIdentifier.system.in_(systems))


def find_known(
    session: Session, *, vault: Vault, kind: str, numbers: Collection[tuple[str, str]]
) -> dict[tuple[str, str], ForeignIdentifier]:
    """Return the rows of some (system, value), in one statement; unknown ones are not in it."""
    wanted = {
        (system, foreign_index(vault, kind=kind, value=value)): (system, value) for system, value in numbers
    }
    rows = session.scalars(
        select(ForeignIdentifier).where(
            ForeignIdentifier.kind == kind, ForeignIdentifier.value_index.in_({index for _, index in wanted})
        )
    )
    return {
        wanted[row.system, row.value_index]: row for row in rows if (row.system, row.value_index) in wanted
    }


def map_numbers(
    session: Session, *, vault: Vault, kind: str, owner_ids: Sequence[uuid.UUID]
) -> defaultdict[uuid.UUID, Numbers]:
    """Return the numbers of some people or declarations, opened; an erased person's cannot be opened any more."""
    owner = ForeignIdentifier.person_id if kind == "person" else ForeignIdentifier.declaration_id
    rows = session.execute(
        select(owner.label("owner"), ForeignIdentifier, Person.person_key)
        .join(Person, Person.id == ForeignIdentifier.person_id)
        .where(ForeignIdentifier.kind == kind, owner.in_(owner_ids))
        .order_by(ForeignIdentifier.id)
    )
    found: defaultdict[uuid.UUID, Numbers] = defaultdict(tuple)
    for row in rows:
        number = row.ForeignIdentifier
        if row.person_key is None or number.value_sealed is None:
            continue
        value = vault.unseal(
            number.value_sealed, person_key=row.person_key, person_id=number.person_id, column=COLUMN
        )
        found[row.owner] += ((number.system, value),)
    return found
