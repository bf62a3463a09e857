"""Reading lists of people that were imported."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.auth.actors import Actor
from lims.errors import NotFound
from lims.intake.commune_names import CommuneName
from lims.intake.models import PeopleImport
from lims.places import queries as place_queries


def list_imports(session: Session, *, actor: Actor, most: int = 50) -> Sequence[PeopleImport]:
    """Return the newest lists that the actor sent, or that were sent for one of the actor's communes."""
    query = select(PeopleImport).order_by(PeopleImport.imported_at.desc(), PeopleImport.id).limit(most)
    if not actor.everywhere:
        query = query.where(
            (PeopleImport.imported_by_id == actor.user_id) | PeopleImport.commune_id.in_(actor.place_ids)
        )
    return session.scalars(query).all()


def get_import(session: Session, *, actor: Actor, import_id: uuid.UUID) -> PeopleImport:
    """Return a list that was imported.

    Raises:
        NotFound: there is no such list, or it is neither the actor's own nor for one of the actor's communes.
    """
    found = session.get(PeopleImport, import_id)
    own = found is not None and actor.user_id is not None and found.imported_by_id == actor.user_id
    placed = found is not None and found.commune_id is not None and actor.sees(found.commune_id)
    if found is None or not (own or placed or actor.everywhere):
        raise NotFound("There is no such list among yours.")
    return found


def list_commune_names(session: Session, *, province_id: uuid.UUID) -> list[CommuneName]:
    """Return the communes of a province as rows of a list may name them."""
    return [
        CommuneName(place.id, place.code, place.name, place.parent.name if place.parent else "")
        for place in place_queries.list_communes(session, province_id=province_id, most=2000)
    ]
