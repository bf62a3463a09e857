"""Lots of kits that a laboratory keeps account of."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.errors import AlreadyDone, InvalidInput
from lims.places.queries import get_laboratory
from lims.pooling.models import KitLot
from lims.pooling.queries import assays as assay_queries
from lims.pooling.queries import kit_lots as queries
from lims.tables import new_id
from lims.transaction import action

MOST_REACTIONS = 1_000_000


@action
def add_kit_lot(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    laboratory_id: uuid.UUID,
    assay_name: str,
    lot: str,
    expires_on: date,
    reactions: int,
) -> dict[str, Any]:
    """Add a lot: from now on plates of this assay take one of the laboratory's lots.

    Args:
        actor: technician or supervisor.
        client_id: id made by the sender.
        laboratory_id: where it is kept.
        assay_name: the assay it is for, all its versions.
        lot: number on the box.
        expires_on: last day on which it may be used.
        reactions: how many the box holds.

    Returns:
        `lot_id`, `lot`.

    Raises:
        NotFound: the laboratory is not among the actor's.
        InvalidInput: no number, an unknown assay, an expired date or an impossible count.
        AlreadyDone: the laboratory has this lot already.
    """
    get_laboratory(session, laboratory_id=laboratory_id, actor=actor)
    number = lot.strip()
    if not 1 <= len(number) <= 40:
        raise InvalidInput("Enter the lot's number as on the box, at most 40 characters.", field="lot")
    if not assay_queries.find_last_version(session, name=assay_name):
        raise InvalidInput("Choose the assay that the kit is for.", field="assay_name")
    if expires_on < clock.today():
        raise InvalidInput(
            "This lot has expired: %(date)s is past. Check the date on the box.",
            field="expires_on",
            date=f"{expires_on:%d/%m/%Y}",
        )
    if not 1 <= reactions <= MOST_REACTIONS:
        raise InvalidInput("A lot holds 1 to 1,000,000 reactions.", field="reactions")
    known = queries.list_lots(session, laboratory_id=laboratory_id, assay_name=assay_name)
    if any(one.lot.casefold() == number.casefold() for one in known):
        raise AlreadyDone("Lot %(lot)s is among the lots already.", field="lot", lot=number)
    row = KitLot(
        id=new_id(),
        laboratory_id=laboratory_id,
        assay_name=assay_name,
        lot=number,
        expires_on=expires_on,
        reactions=reactions,
        added_by_id=actor.user_id,
        added_at=clock.now(),
    )
    session.add(row)
    audit.note(session, "kit_lot", row.id, "added", lot=number, reactions=reactions)
    return {"lot_id": str(row.id), "lot": number}
