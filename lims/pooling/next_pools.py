"""The pools that a called pool leads to: retests, confirmations, repeats from a new extraction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.intake.new_codes import mint_free
from lims.pooling.cases import Case, Member
from lims.pooling.models import Pool, PoolMember
from lims.pooling.outcomes import Step
from lims.tables import new_id


@dataclass(frozen=True)
class NewPool:
    """A pool to be opened for tubes that were in another."""

    parent: Any
    tubes: tuple[Member, ...]
    purpose: str
    attempt: int
    new_extraction: bool
    answers: uuid.UUID


def list_lost(one: Case) -> Iterable[Member]:
    """Return the tubes that should be tested again but are no longer there: their people are asked again."""
    if one.step in (Step.HALVES, Step.RETEST_EACH, Step.CONFIRM_EACH, Step.REPEAT):
        return [tube for tube in one.tubes if tube.is_lost]
    return []


def list_next_pools(one: Case) -> list[NewPool]:
    """Return the pools that a finding opens."""
    pool, step = one.pool, one.step
    kept = [
        tube for tube in one.tubes if not tube.is_lost and not (tube.is_closed and pool.purpose != "confirm")
    ]
    if step in (Step.RETEST_EACH, Step.CONFIRM_EACH):
        purpose = "retest" if step is Step.RETEST_EACH else "confirm"
        # a half without a clear finding is no positive pool: what its tubes are tested for is the whole pool
        answers = pool.parent_id if pool.purpose == "retest" and pool.finding != "detected" else pool.id
        return [NewPool(pool, (tube,), purpose, 1, False, answers) for tube in kept]
    if step is Step.HALVES:
        middle = (len(kept) + 1) // 2
        halves = [half for half in (kept[:middle], kept[middle:]) if half]
        return [NewPool(pool, tuple(half), "retest", 1, False, pool.id) for half in halves]
    if step is Step.CONFIRM:
        return [NewPool(pool, (tube,), "confirm", 1, False, pool.id) for tube in kept]
    if step is Step.REPEAT and kept:
        if pool.purpose == "screen" and (len(one.tubes) > 1 or one.tubes[0].expected > 1):
            return [NewPool(pool, tuple(kept), "screen", pool.attempt + 1, True, pool.id)]
        purpose = "confirm" if pool.purpose == "confirm" else "retest"
        # A repeat answers what the first try answered, so that all tests of a positive pool have one parent.
        answers = pool.id if pool.purpose == "screen" else pool.parent_id
        return [NewPool(pool, tuple(kept), purpose, pool.attempt + 1, True, answers)]
    return []


def open_pools(session: Session, actor: Actor, fresh: Sequence[NewPool]) -> list[str]:
    """Open pools in two statements, closed at once: their members are known. One event for each.

    Returns:
        Their codes, in the order given.
    """
    if not fresh:
        return []
    now = clock.now()
    minted = mint_free(session, Pool.code, kind="pool", count=len(fresh))
    rows = [
        {
            "id": new_id(),
            "code": code,
            "campaign_id": new.parent.campaign_id,
            "laboratory_id": None if new.purpose == "confirm" else new.parent.laboratory_id,
            "purpose": new.purpose,
            "parent_id": new.answers,
            "attempt": new.attempt,
            "new_extraction": new.new_extraction,
            "status": "closed",
            "size_limit": max(len(new.tubes), 1),
            "member_count": len(new.tubes),
            "opened_by_id": actor.user_id,
            # a rack's order is kept, though all are opened at once
            "opened_at": now + timedelta(microseconds=place),
            "closed_at": now + timedelta(microseconds=place),
        }
        for place, (code, new) in enumerate(zip(minted, fresh, strict=True))
    ]
    session.execute(insert(Pool).execution_options(render_nulls=True), rows)
    session.execute(
        insert(PoolMember),
        [
            {
                "pool_id": row["id"],
                "tube_id": tube.row.id,
                "position": position,
                "in_test": True,
                "added_at": now,
            }
            for row, new in zip(rows, fresh, strict=True)
            for position, tube in enumerate(new.tubes, start=1)
        ],
    )
    for row, new in zip(rows, fresh, strict=True):
        audit.note(
            session,
            "pool",
            row["id"],
            "opened",
            pool=row["code"],
            purpose=new.purpose,
            attempt=new.attempt,
            answers=new.parent.code,
            tubes=[tube.row.code for tube in new.tubes],
        )
    return [row["code"] for row in rows]
