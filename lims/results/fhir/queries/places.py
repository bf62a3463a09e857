"""Places, as Locations and Organizations are made of them. Where things are is no secret: all are seen."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.places.models import Place
from lims.results.fhir.dialect import Dialect
from lims.results.fhir.facts import PlaceFacts
from lims.results.fhir.queries.pages import list_keys
from lims.results.fhir.search import Search


def list_places(
    session: Session, *, dialect: Dialect, search: Search, after: uuid.UUID | None
) -> Sequence[uuid.UUID]:
    """Return keys of laboratories (Organization) or of other places (Location), one more than a page holds."""
    laboratories = search.kind == "Organization"
    query = select(Place.id).where((Place.kind == "laboratory") == laboratories)
    if search.ids is not None:
        query = query.where(Place.id.in_(search.ids))
    if search.identifiers is not None:
        system = dialect.systems["laboratory" if laboratories else "place"]
        values = [token.value for token in search.identifiers if token.system in (None, system)]
        query = query.where(Place.code.in_(values))
    return list_keys(session, query, Place.id, after=after, most=search.count + 1)


def read_places(session: Session, *, keys: Sequence[uuid.UUID], laboratories: bool) -> list[PlaceFacts]:
    """Return some places, in the order of their keys."""
    rows = session.scalars(
        select(Place)
        .where(Place.id.in_(keys), (Place.kind == "laboratory") == laboratories)
        .order_by(Place.id)
    ).unique()
    return [PlaceFacts(row.id, row.kind, row.code, row.name, row.parent_id, row.is_open) for row in rows]
