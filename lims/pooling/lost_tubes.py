"""Pools whose tubes are lost before they were plated: which of them go on, and which are over.

Called inside the transaction in which the tubes are rejected or written off; nothing commits here.
See docs/decisions/a-lost-tube-and-its-pool.md.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.orm import Session

from lims import audit, uncounted
from lims.intake.models import Tube
from lims.pooling.models import Pool, PoolMember


def take_out_lost_tubes(session: Session, *, tube_ids: Collection[uuid.UUID], reason: str) -> list[uuid.UUID]:
    """Take lost tubes out of the pools they were not mixed into yet; a pool that has none left is void.

    A pool that is being filled loses the tube. A closed pool of several tubes is mixed: it goes on, its finding stands
    for the others. A closed pool of one tube, and a repeat that waits for its new extraction, are pipetted from the
    tubes themselves: they lose them.

    Args:
        session: writing session.
        tube_ids: tubes that cannot be tested any more.
        reason: a word, for the record.

    Returns:
        Keys of the pools that became void.
    """
    rows = session.execute(
        select(Pool.id, Pool.status, Pool.member_count, PoolMember.tube_id, Tube.code)
        .join(PoolMember, PoolMember.pool_id == Pool.id)
        .join(Tube, Tube.id == PoolMember.tube_id)
        .where(
            PoolMember.tube_id.in_(tube_ids),
            PoolMember.in_test,
            or_(
                Pool.status == "open",
                and_(Pool.status == "closed", or_(Pool.member_count == 1, Pool.new_extraction)),
            ),
        )
        .order_by(Pool.id, PoolMember.position)
        .with_for_update(of=Pool)
    ).all()
    lost: defaultdict[uuid.UUID, list[Any]] = defaultdict(list)
    for row in rows:
        lost[row.id].append(row)
    over = [
        key for key, gone in lost.items() if gone[0].status == "closed" and gone[0].member_count == len(gone)
    ]
    _void(session, over, reason)
    _take_out(session, {key: gone for key, gone in lost.items() if key not in set(over)}, reason)
    return over


def _void(session: Session, pool_ids: Sequence[uuid.UUID], reason: str) -> None:
    if not pool_ids:
        return
    session.execute(update(Pool).where(Pool.id.in_(pool_ids)).values(status="void"))
    session.execute(update(PoolMember).where(PoolMember.pool_id.in_(pool_ids)).values(in_test=False))
    for pool_id in pool_ids:
        audit.note(session, "pool", pool_id, "voided", reason=reason)


def _take_out(session: Session, lost: dict[uuid.UUID, list[Any]], reason: str) -> None:
    if not lost:
        return
    tube_ids = [row.tube_id for gone in lost.values() for row in gone]
    uncounted.touch(session, "tube", tube_ids)
    # a tube is in test in one pool only, so that the pools and the tubes name exactly these members
    session.execute(delete(PoolMember).where(PoolMember.pool_id.in_(lost), PoolMember.tube_id.in_(tube_ids)))
    session.execute(
        update(Pool),
        [{"id": key, "member_count": gone[0].member_count - len(gone)} for key, gone in lost.items()],
    )
    for key, gone in lost.items():
        audit.note(session, "pool", key, "tubes_removed", tubes=[row.code for row in gone], reason=reason)
