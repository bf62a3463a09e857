"""A person has read a result: the one thing that reading changes."""

from __future__ import annotations

import uuid

from sqlalchemy import update
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.results.models import Result
from lims.transaction import action


@action
def note_first_reading(session: Session, *, actor: Actor, result_id: uuid.UUID) -> bool:
    """Remember when a released result was first read; later readings change nothing.

    Args:
        actor: the resident.
        result_id: the version that was shown.

    Returns:
        True if this was the first time.
    """
    changed = session.scalar(
        update(Result)
        .where(Result.id == result_id, Result.status == "released", Result.first_read_at.is_(None))
        .values(first_read_at=clock.now())
        .returning(Result.id)
    )
    if changed is None:
        return False
    audit.note(session, "result", result_id, "read")
    return True
