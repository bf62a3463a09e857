"""What looked too odd to be released: opened with a review (`review.open_suspicions`), settled with a reason.

While one is open it blocks the results of its pool or of its whole run (`lims.results.obstacles`).
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.auth.actors import Actor
from lims.intake import settling
from lims.intake.actions.discrepancies import check_settlement, mark_settled
from lims.intake.models import Discrepancy
from lims.intake.queries.discrepancies import get_discrepancy
from lims.pooling.resolution import close_resolved
from lims.results.actions.review import ask_again
from lims.results.actions.withdrawing import take_back
from lims.results.models import Result
from lims.results.queries import withdrawals
from lims.transaction import action


@action
def settle_suspicion(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    discrepancy_id: uuid.UUID,
    settlement: str,
    note: str,
) -> dict[str, Any]:
    """Decide about something suspicious of a pool or a run.

    "accepted": it was so, and the results stand. "dismissed": it was nothing. "resample": nobody is told anything from
    it, and the people concerned are asked for a new sample. A run that cannot be believed is withdrawn instead.

    Args:
        actor: the supervisor.
        client_id: id made by the sender.
        discrepancy_id: of one of the kinds of `settling.SUSPICIONS`.
        settlement: one of the three words above.
        note: why, 3 to 500 characters.

    Returns:
        `id`, `settlement`, `asked_again`.

    Raises:
        NotFound: there is none among the actor's places.
        AlreadyDone: it is settled.
        InvalidInput: an unknown settlement, or no note.
    """
    discrepancy = get_discrepancy(session, actor=actor, discrepancy_id=discrepancy_id, lock=True)
    check_settlement(discrepancy, settlement=settlement, note=note)
    asked = _ask_again(session, discrepancy) if settlement == "resample" else 0
    mark_settled(session, actor=actor, discrepancy=discrepancy, settlement=settlement, note=note)
    return {"id": str(discrepancy.id), "settlement": settlement, "asked_again": asked}


def _ask_again(session: Session, discrepancy: Discrepancy) -> int:
    """Withdraw what waits to be told of the pool or the run, and ask its people for new samples."""
    rows = withdrawals.lock_waiting_results(session, run_id=discrepancy.run_id, pool_id=discrepancy.pool_id)
    ids = [row.id for row in rows]
    take_back(session, ids, reason=discrepancy.kind)
    # a positive pool has no results: its people wait for their second tests
    tube_ids = withdrawals.list_tubes(session, pool_ids=[discrepancy.pool_id]) if discrepancy.pool_id else []
    waiting = [row.id for row in withdrawals.list_bound_samples(session, tube_ids=tube_ids)]
    asked = list(dict.fromkeys([*(row.sample_id for row in rows), *waiting]))
    ask_again(session, [(sample_id, discrepancy.kind) for sample_id in asked])
    session.flush()
    pools = set(session.scalars(select(Result.pool_id).where(Result.id.in_(ids))))
    close_resolved(session, pools | ({discrepancy.pool_id} if discrepancy.pool_id else set()))
    return len(asked)


for _kind in sorted(settling.SUSPICIONS):
    settling.settle_with(_kind, settle_suspicion)
