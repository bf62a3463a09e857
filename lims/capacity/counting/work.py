"""What `lims worker` does for the counts: fold every second, if something is queued."""

from __future__ import annotations

from sqlalchemy import select

from lims.auth.actors import SYSTEM
from lims.capacity.counting.folding import fold
from lims.extensions import db
from lims.rounds import every_round
from lims.uncounted import Uncounted

SECONDS = 1.0


def fold_due() -> int:
    """Fold one batch of what is queued, unless another worker does; return how many changes that were."""
    session = db.session()
    is_queued = session.scalar(select(Uncounted.id).limit(1)) is not None
    session.rollback()
    return int(fold(actor=SYSTEM, waits=False)["folded"]) if is_queued else 0


every_round("counting", fold_due, seconds=SECONDS)
