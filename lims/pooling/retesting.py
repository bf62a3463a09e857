"""What is tested again when a run is withdrawn: called inside that action, nothing commits here."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select, update
from sqlalchemy.orm import Session, aliased

from lims import audit
from lims.auth.actors import Actor
from lims.pooling.cases import LOST, Member, find_in_test, find_runs, load_cases, load_members, load_pools
from lims.pooling.models import Pool, PoolMember, Run, Well
from lims.pooling.next_pools import NewPool, open_pools
from lims.pooling.outcomes import Outcome, Resolution, Step


@dataclass
class Again:
    """Pools that test tubes again, and tubes that cannot be."""

    pool_codes: list[str] = field(default_factory=list)
    gone_tube_ids: list[uuid.UUID] = field(default_factory=list)


def pools_of_run(session: Session, run: Run) -> list[Pool]:
    """Return the pools that a run has called, locked."""
    return load_pools(
        session,
        Pool.id.in_(select(Well.pool_id).where(Well.run_id == run.id, Well.pool_id.is_not(None))),
        Pool.status.in_(("called", "resolved")),
        lock=True,
    )


def hand_up(session: Session, *, pools: Sequence[Pool]) -> None:
    """Let what answered a withdrawn answer (a half, a retest) answer the positive pool above it.

    Args:
        session: writing session, the pools void.
        pools: of the withdrawn run.
    """
    answered = [pool.id for pool in pools if pool.purpose != "screen" and pool.parent_id is not None]
    withdrawn = aliased(Pool)
    above = (
        select(withdrawn.parent_id).where(withdrawn.id == Pool.parent_id).correlate(Pool).scalar_subquery()
    )
    session.execute(
        update(Pool)
        .where(Pool.parent_id.in_(answered), Pool.status != "void")
        .values(parent_id=above)
        .execution_options(synchronize_session=False)
    )


def reopen_resolved(
    session: Session, *, tube_ids: Collection[uuid.UUID], reason: str = "run_withdrawn"
) -> None:
    """Put resolved pools back to called whose members wait again."""
    for pool in load_pools(
        session,
        Pool.id.in_(select(PoolMember.pool_id).where(PoolMember.tube_id.in_(tube_ids))),
        Pool.status == "resolved",
        lock=True,
    ):
        pool.status, pool.resolved_at = "called", None
        audit.note(session, "pool", pool.id, "reopened", reason=reason)
    session.flush()


def outcomes_of_orphans(session: Session, *, pool_ids: Collection[uuid.UUID]) -> Resolution:
    """Say what is to be reported of tests that waited for the siblings of a pool that is void now.

    A kept tube's own test is as good as it was: without a positive pool above it, a negative one waits for nobody.

    Args:
        session: writing session, the pools void.
        pool_ids: of the withdrawn run.
    """
    children = load_pools(
        session, Pool.parent_id.in_(pool_ids), Pool.purpose != "screen", Pool.status == "called"
    )
    runs = find_runs(session, [pool.id for pool in children])
    resolution = Resolution(run_valid=True)
    for one in load_cases(session, children, lock=True):
        if one.step is Step.REPORT and one.pool.id in runs and one.pool.finding == "not_detected":
            resolution.outcomes.extend(
                Outcome(sample.id, one.pool.finding, one.pool.id, None, runs[one.pool.id])
                for sample in one.reportable()
            )
    resolution.pool_ids.extend(pool.id for pool in children)
    return resolution


def test_again(session: Session, *, actor: Actor, pools: Sequence[Pool], alone: bool) -> Again:
    """Open new pools for the tubes of a withdrawn run whose people wait for a result and no other test is to come.

    Args:
        session: writing session; the pools are void, their results withdrawn.
        actor: who withdraws.
        pools: of the run.
        alone: each tube alone, as nobody knows what the pools held; else the same tubes together again.

    Returns:
        Codes of the new pools, and tubes that are not there any more.
    """
    members = load_members(session, [pool.id for pool in pools])
    tube_ids = {tube.row.id for tubes in members.values() for tube in tubes}
    busy = find_in_test(session, tube_ids=tube_ids)
    # a later test that was called stands: it waits for its siblings or for names, or is being answered
    later = aliased(Pool)
    withdrawn = aliased(Pool)
    mine = aliased(PoolMember)
    busy |= set(
        session.scalars(
            select(PoolMember.tube_id)
            .join(later, later.id == PoolMember.pool_id)
            .join(mine, mine.tube_id == PoolMember.tube_id)
            .join(withdrawn, withdrawn.id == mine.pool_id)
            .where(
                withdrawn.id.in_([pool.id for pool in pools]),
                later.status.in_(("called", "resolved")),
                later.called_at > withdrawn.called_at,
            )
        )
    )
    again = Again()
    fresh: list[NewPool] = []
    for pool in pools:
        waiting = [tube for tube in members[pool.id] if tube.row.id not in busy and _waits(tube)]
        again.gone_tube_ids.extend(tube.row.id for tube in waiting if tube.is_lost)
        kept = [tube for tube in waiting if tube.row.status not in LOST]
        busy |= {tube.row.id for tube in waiting}
        fresh.extend(_anew(pool, kept, alone=alone))
    again.pool_codes.extend(open_pools(session, actor, fresh))
    return again


def test_tube_again(session: Session, *, actor: Actor, pool: Pool, tube_id: uuid.UUID) -> str:
    """Open a pool of one for a kept tube whose result was withdrawn; the pool that it hung on stands for the others.

    Args:
        session: writing session.
        actor: who withdraws.
        pool: that the result hung on.
        tube_id: one of its tubes, with one person's sample.

    Returns:
        The new pool's code; empty where the tube is gone, holds several people, or is in another test.
    """
    tube = next(
        tube for tube in load_members(session, [pool.id], lock=True)[pool.id] if tube.row.id == tube_id
    )
    if tube.is_lost or tube.row.mode != "single" or find_in_test(session, tube_ids=[tube_id]):
        return ""
    answers = pool.id if pool.purpose == "screen" or pool.parent_id is None else pool.parent_id
    (code,) = open_pools(session, actor, [NewPool(pool, (tube,), pool.purpose, 1, True, answers)])
    return code


def _waits(tube: Member) -> bool:
    # a tube before its names waits too: they may come at any time
    return not tube.samples or any(sample.status == "bound" for sample in tube.samples)


def _anew(pool: Pool, kept: Sequence[Member], *, alone: bool) -> list[NewPool]:
    if not kept:
        return []
    answers = pool.id if pool.purpose == "screen" or pool.parent_id is None else pool.parent_id
    if alone and len(kept) > 1:
        return [NewPool(pool, (tube,), pool.purpose, 1, True, answers) for tube in kept]
    return [NewPool(pool, tuple(kept), pool.purpose, pool.attempt, True, answers)]
