"""Taking results back, whatever the cause, and what becomes of their samples: called inside other actions."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy import update
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.intake.models import Sample
from lims.results.models import Result


def take_back(
    session: Session, result_ids: Collection[uuid.UUID], *, reason: str, explanation: str = ""
) -> None:
    """Withdraw results; their samples, and who is told, are the caller's.

    Args:
        session: writing session, the results locked.
        result_ids: current versions.
        reason: why, a word of `lims.words`, for the events.
        explanation: why in a supervisor's words; the record shows it in place of the word.
    """
    if not result_ids:
        return
    actor = session.info.get("actor")
    session.execute(
        update(Result)
        .where(Result.id.in_(result_ids))
        .values(
            status="withdrawn",
            hold_reason=None,
            withdrawn_by_id=actor.user_id if actor else None,
            withdrawn_at=clock.now(),
            withdrawal_reason=explanation or reason,
        )
    )
    for result_id in result_ids:
        audit.note(session, "result", result_id, "withdrawn", reason=reason)


def move_samples(session: Session, ids: Collection[uuid.UUID], status: str, *, reason: str) -> None:
    """Let samples whose result was taken back wait again, or end.

    Args:
        session: writing session, the samples locked with their results.
        ids: samples with a result.
        status: "bound" to wait again, "superseded" where a new sample was asked for already.
        reason: a word of `lims.words`, for the events.
    """
    if ids:
        session.execute(update(Sample).where(Sample.id.in_(ids)).values(status=status, finding=None))
    for sample_id in ids:
        audit.note(
            session, "sample", sample_id, "waits_again" if status == "bound" else status, reason=reason
        )
