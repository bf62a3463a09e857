"""Reading kit lots: what is left of them, and for how many days."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from lims import clock
from lims.auth.actors import Actor
from lims.errors import NotFound
from lims.pooling.models import KitLot, Run, Well

# A plate that was void before it was started took nothing from its lot.
_PIPETTED = or_(Run.status != "void", Run.started_at.is_not(None), Run.entered_at.is_not(None))


@dataclass(frozen=True)
class Stock:
    """A lot with what is left of it.

    Args:
        lot: its row.
        used: reactions pipetted, controls included.
        left: reactions left.
        days_left: whole days it lasts at the pace of the last 24 hours; None where nothing was used in them.
        expired: whether its date is past.
    """

    lot: KitLot
    used: int
    left: int
    days_left: int | None
    expired: bool

    @property
    def is_usable(self) -> bool:
        """Whether a plate may be planned with it."""
        return not self.expired and self.lot.withdrawn_at is None and self.left > 0


def list_lots(
    session: Session, *, laboratory_id: uuid.UUID, assay_name: str | None = None
) -> Sequence[KitLot]:
    """Return a laboratory's lots, of one assay or of all, the first to expire at the head."""
    query = (
        select(KitLot)
        .where(KitLot.laboratory_id == laboratory_id)
        .order_by(KitLot.expires_on, KitLot.lot, KitLot.id)
    )
    if assay_name is not None:
        query = query.where(KitLot.assay_name == assay_name)
    return session.scalars(query).all()


def get_lot(session: Session, *, actor: Actor, lot_id: uuid.UUID, lock: bool = False) -> KitLot:
    """Return a lot of the actor's laboratories.

    Raises:
        NotFound: there is none among them.
    """
    lot = session.get(KitLot, lot_id, with_for_update={"of": KitLot} if lock else None)
    if lot is None or not actor.sees(lot.laboratory_id):
        raise NotFound("There is no such lot of a kit. Choose one from the list.", field="lot_id")
    return lot


def count_used(session: Session, *, lot_ids: Collection[uuid.UUID], hours: int = 0) -> dict[uuid.UUID, int]:
    """Return how many wells were filled from each of some lots.

    Args:
        session: reading or writing session.
        lot_ids: which.
        hours: only of plates planned in the last so many hours; 0 for all.
    """
    query = (
        select(Run.kit_lot_id, func.count())
        .join(Well, Well.run_id == Run.id)
        .where(Run.kit_lot_id.in_(lot_ids), _PIPETTED)
        .group_by(Run.kit_lot_id)
    )
    if hours:
        query = query.where(Run.planned_at > clock.now() - timedelta(hours=hours))
    return {row[0]: row[1] for row in session.execute(query) if row[0] is not None}


def list_stock(session: Session, *, laboratory_id: uuid.UUID) -> list[Stock]:
    """Return a laboratory's lots with what is left of them."""
    lots = list_lots(session, laboratory_id=laboratory_id)
    ids = [lot.id for lot in lots]
    used, today = count_used(session, lot_ids=ids), count_used(session, lot_ids=ids, hours=24)
    return [_stock(lot, used.get(lot.id, 0), today.get(lot.id, 0)) for lot in lots]


def _stock(lot: KitLot, used: int, pace: int) -> Stock:
    left = max(0, lot.reactions - used)
    return Stock(lot, used, left, left // pace if pace else None, lot.expires_on < clock.today())
