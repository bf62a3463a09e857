"""Folding: what was queued is counted again, and the differences to before are added to the summaries.

Whatever happened (a scan that came late, one that was taken back, an amendment, a withdrawal) is a difference, so that
doing it twice adds nothing. One folder works at a time; whoever queues waits for none.
"""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import date
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lims import clock
from lims.auth.actors import SYSTEM, Actor
from lims.capacity.counting import facts, parts, summaries
from lims.capacity.counting.parts import Key
from lims.capacity.models.counts import CountingTurn
from lims.transaction import action
from lims.uncounted import Uncounted

BATCH = 2000
"""Rows of the queue in one transaction."""


@action
def fold(session: Session, *, actor: Actor, most: int = BATCH, waits: bool = True) -> dict[str, Any]:
    """Count what was queued first: at most so many changes, all recorded on one local day.

    Args:
        actor: the system.
        most: rows of the queue.
        waits: for somebody else who folds; False: leave it to them.

    Returns:
        `folded` (rows of the queue), `things` (samples, pools … that were counted again) and `numbers` (of the
        summaries that were changed).
    """
    if not take_turn(session, waits=waits):
        return {"folded": 0, "things": 0, "numbers": 0}
    rows = session.execute(
        select(Uncounted.id, Uncounted.subject_kind, Uncounted.subject_id, Uncounted.recorded_at)
        .order_by(Uncounted.recorded_at, Uncounted.id)
        .limit(most)
    ).all()
    if not rows:
        return {"folded": 0, "things": 0, "numbers": 0}
    day = clock.local(rows[0].recorded_at).date()
    rows = [row for row in rows if clock.local(row.recorded_at).date() == day]
    subjects = {(row.subject_kind, row.subject_id) for row in rows}
    affected = facts.find_affected(session, subjects)
    things = numbers = 0
    for kind, ids in affected.items():
        for part in facts.chunks(ids):
            numbers += _count_again(session, kind, part, known_on=day)
        things += len(ids)
    session.execute(delete(Uncounted).where(Uncounted.id.in_([row.id for row in rows])))
    return {"folded": len(rows), "things": things, "numbers": numbers}


def fold_all() -> int:
    """Fold until nothing is queued; return how many changes were folded."""
    total = 0
    while folded := fold(actor=SYSTEM)["folded"]:
        total += int(folded)
    return total


def take_turn(session: Session, *, waits: bool = True) -> bool:
    """Keep others from folding until the transaction ends; tell whether it is one's turn.

    Args:
        session: writing session, at the begin of its transaction.
        waits: for somebody else's turn to end.
    """
    turn = session.scalar(
        select(CountingTurn).where(CountingTurn.id == 1).with_for_update(skip_locked=not waits)
    )
    if turn is None:
        return False
    turn.folded_at = clock.now()
    return True


def _count_again(session: Session, kind: str, ids: list[uuid.UUID], *, known_on: date) -> int:
    now = facts.read_things(session, kind, ids)
    before = summaries.read_counted(session, ids)
    changed = [key for key in ids if now.get(key) != before.get(key)]
    differences: Counter[Key] = Counter()
    for key in changed:
        differences.update(parts.contributions(now.get(key), zone=clock.ZONE))
        differences.subtract(parts.contributions(before.get(key), zone=clock.ZONE))
    summaries.keep_counted(session, [now[key] for key in changed if key in now])
    summaries.forget_counted(session, [key for key in changed if key not in now])
    return summaries.add_differences(session, differences, known_on=known_on)
