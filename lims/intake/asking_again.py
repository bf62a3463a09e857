"""Asking people for a new sample: the old one gets its named end, the declaration opens again.

Not an action: called inside others (rejection at reception, a positive mixed tube, a result without a clear finding, a
settled discrepancy), so that the end of the old sample and the asking are one transaction.
See docs/decisions/asked-again-opens-the-declaration.md.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Protocol

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lims import audit
from lims.intake import consequences
from lims.intake.models import Declaration, Sample
from lims.intake.rules import DECLARATION, REJECTION_REASONS, SAMPLE


class SampleLike(Protocol):
    """What is needed of a sample; an ORM row and a row of columns both have it."""

    id: uuid.UUID
    declaration_id: uuid.UUID
    attempt: int
    status: str


def closure_for(reason: str) -> str:
    """Return the state a sample ends in when a new one is asked for.

    Args:
        reason: a rejection reason, "tube_missing", "mixed_positive", or why the result or the scan was no good.
    """
    if reason in REJECTION_REASONS:
        return "rejected"
    return "lost" if reason == "tube_missing" else "superseded"


def ask_for_new_samples(
    session: Session, *, samples: Sequence[SampleLike], reason: str, keep_results: bool = False
) -> list[uuid.UUID]:
    """Close samples by name and open their declarations for one more sample each.

    A declaration that is open already (asked before), withdrawn or expired stays as it is, and so does one whose
    newer sample is on its way: asking twice asks once. Four statements and the events, however many samples.

    Args:
        session: the writing session of the action this belongs to.
        samples: those to be replaced; those that do not count any more are left as they are.
        reason: kept on the declaration and shown to whoever samples again; a word of `lims.words`.
        keep_results: True where the sample has a result that stands (inconclusive, invalid): it keeps its end.

    Returns:
        The ids of the declarations that were opened again.
    """
    if not keep_results:
        _close(session, samples, reason)
    return _reopen(session, {item.declaration_id: item.attempt for item in samples}, reason)


def _close(session: Session, samples: Sequence[SampleLike], reason: str) -> None:
    """Give samples the end that their reason names; one that was tested already is replaced, whatever the reason."""
    wanted = closure_for(reason)
    ends = {item.id: wanted if SAMPLE.can(item.status, wanted) else "superseded" for item in samples}
    closing = [item for item in samples if SAMPLE.can(item.status, ends[item.id])]
    for end in (wanted, "superseded") if wanted != "superseded" else (wanted,):
        ids = [item.id for item in closing if ends[item.id] == end]
        if ids:
            session.execute(update(Sample).where(Sample.id.in_(ids)).values(status=end))
    for item in closing:
        audit.note(session, "sample", item.id, ends[item.id], reason=reason)
    consequences.tell(session, "samples_closed", [item.id for item in closing], reason=reason)


def _reopen(session: Session, attempts: dict[uuid.UUID, int], reason: str) -> list[uuid.UUID]:
    rows = session.execute(
        select(Declaration.id, Declaration.status, Declaration.attempt)
        .where(Declaration.id.in_(sorted(attempts)))
        .order_by(Declaration.id)
        .with_for_update()
    ).all()
    opened = [row.id for row in rows if _may_reopen(row.status, row.attempt, attempts[row.id])]
    if opened:
        _open(session, opened, reason)
    for row in rows:
        if row.id in set(opened):
            audit.note(session, "declaration", row.id, "opened_again", reason=reason, attempt=row.attempt + 1)
    return opened


def _may_reopen(status: str, attempt: int, sampled_attempt: int) -> bool:
    return attempt == sampled_attempt and DECLARATION.can(status, "open")


def _open(session: Session, declaration_ids: Collection[uuid.UUID], reason: str) -> None:
    session.execute(
        update(Declaration)
        .where(Declaration.id.in_(declaration_ids))
        .values(status="open", resample_reason=reason, attempt=Declaration.attempt + 1, closed_at=None)
    )
