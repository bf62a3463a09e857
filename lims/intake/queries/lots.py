"""Reading tube lots, their tubes and printed boxes, as labels need them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import codes
from lims.auth.actors import Actor
from lims.errors import NotFound
from lims.intake.models import Box, Tube, TubeLot


def list_lots(session: Session, *, actor: Actor, most: int = 100) -> Sequence[TubeLot]:
    """Return the newest lots for the actor's places, and those given to no place."""
    query = select(TubeLot).order_by(TubeLot.minted_at.desc(), TubeLot.id).limit(most)
    if not actor.everywhere:
        query = query.where(TubeLot.place_id.is_(None) | TubeLot.place_id.in_(actor.place_ids))
    return session.scalars(query).unique().all()


def get_lot(session: Session, *, actor: Actor, lot_id: uuid.UUID) -> TubeLot:
    """Return a lot of the actor's places.

    Raises:
        NotFound: there is no such lot among them.
    """
    lot = session.get(TubeLot, lot_id)
    if lot is None or not actor.sees(lot.place_id):
        raise NotFound("There is no such lot of tubes among your places.")
    return lot


def list_tube_codes(session: Session, *, lot_id: uuid.UUID, first: int, most: int) -> Sequence[str]:
    """Return the codes of a lot's tubes in the order of printing.

    Args:
        session: reading session.
        lot_id: the lot.
        first: number of the first tube, from 1.
        most: how many.
    """
    return session.scalars(
        select(Tube.code).where(Tube.lot_id == lot_id).order_by(Tube.id).offset(first - 1).limit(most)
    ).all()


def list_boxes_by_code(session: Session, *, box_codes: Sequence[str]) -> Sequence[Box]:
    """Return printed boxes by their codes (as typed), in the order asked for.

    Raises:
        InvalidInput: one is not the code of a box.
        NotFound: one was never printed here.
    """
    wanted = [codes.parse(code, expect="box", field="box").text for code in box_codes]
    found = {box.code: box for box in session.scalars(select(Box).where(Box.code.in_(wanted)))}
    missing = [code for code in wanted if code not in found]
    if missing:
        raise NotFound("The box %(box)s was never printed here. Check its code.", field="box", box=missing[0])
    return [found[code] for code in wanted]
