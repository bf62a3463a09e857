"""Somebody of the health station has told a person of a result: noted once for each version."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import update
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.errors import InvalidInput, WrongState
from lims.results.models import Result
from lims.results.queries.commune import lock_to_tell
from lims.transaction import action


@action
def note_told(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, result_ids: Sequence[uuid.UUID]
) -> dict[str, int]:
    """Remember who told some people of their released results, and when; what was noted before stays.

    Args:
        actor: who told them.
        client_id: id made by the sender.
        result_ids: the versions that were told.

    Returns:
        `told` (noted now) and `before` (noted earlier).

    Raises:
        InvalidInput: none is chosen.
        NotFound: one of them is not in the actor's communes.
        WrongState: one of them is not released, or no longer; nothing is noted.
    """
    if not result_ids:
        raise InvalidInput("Choose whom you have told.", field="results")
    rows = lock_to_tell(session, actor=actor, result_ids=result_ids)
    if any(row.status != "released" for row in rows):
        raise WrongState(
            "A result you chose is not released, or no longer. Load the list again to see what holds now.",
            field="results",
        )
    fresh = [row.id for row in rows if row.told_at is None]
    if fresh:
        session.execute(
            update(Result)
            .where(Result.id.in_(fresh))
            .values(told_by_id=actor.user_id, told_at=clock.now())
            .execution_options(synchronize_session=False)
        )
    for result_id in fresh:
        audit.note(session, "result", result_id, "told")
    return {"told": len(fresh), "before": len(rows) - len(fresh)}
