"""From a reviewed run's calls to findings of pools, new tests, and what is to be reported.

Called inside the review's transaction (`results.actions.review`), which writes the results, sets the run's state and
then calls `close_resolved`; nothing commits here. The decisions are `outcomes.decide`; the facts come from `cases`
and `groups`, the pools that follow from `next_pools`, in a constant number of statements for 1 and for 94 pools.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy import case, null, select, update
from sqlalchemy.orm import Session

from lims import audit, clock, codes
from lims.auth.actors import Actor
from lims.intake import consequences, second_swabs
from lims.intake.models import Sample, Tube
from lims.pooling.cases import (
    GONE,
    Case,
    Member,
    find_findings,
    find_in_test,
    find_runs,
    load_cases,
    load_members,
    load_pools,
)
from lims.pooling.groups import find_positive, load_groups
from lims.pooling.models import Extraction, Pool, PoolMember, Run, Well, WellCall
from lims.pooling.next_pools import NewPool, list_lost, list_next_pools, open_pools
from lims.pooling.outcomes import Outcome, Resolution, Step, ask_reason


def fail_extractions(session: Session, *, run: Run) -> None:
    """Note which extractions have failed: those whose own control does not show what it must.

    Args:
        session: writing session.
        run: its latest readings say so.
    """
    failed = session.scalars(
        select(Extraction)
        .join(Well, Well.extraction_id == Extraction.id)
        .join(WellCall, (WellCall.run_id == Well.run_id) & (WellCall.position == Well.position))
        .where(
            Well.run_id == run.id,
            Well.control.is_not(None),
            WellCall.version == run.readings_version,
            WellCall.finding == "invalid",
            Extraction.failed_at.is_(None),
        )
        .order_by(Extraction.id)
        .with_for_update(of=Extraction)
    ).unique()
    for extraction in failed:
        extraction.failed_at, extraction.failure = clock.now(), codes.grouped(run.code)
        audit.note(session, "extraction", extraction.id, "failed", extraction=extraction.code, run=run.code)


def use_second_swabs(session: Session, fresh: Sequence[NewPool], cases: Sequence[Case]) -> list[NewPool]:
    """Let the second swab of the same visit be tested in place of the first, where the campaign's policy says so.

    Args:
        session: writing session.
        fresh: pools that a review is about to open.
        cases: the called pools they answer.

    Returns:
        The same pools; a retest of a positive pool's tube holds the second tube where it stands here.
    """
    wanting = {
        one.pool.id: one.pool
        for one in cases
        if one.strategy == "second_swab" and one.step is Step.RETEST_EACH
    }
    retests = [new for new in fresh if new.answers in wanting and new.purpose == "retest"]
    second: dict[uuid.UUID, Tube] = {}
    for laboratory_id in {pool.laboratory_id for pool in wanting.values() if pool.laboratory_id}:
        tube_ids = [new.tubes[0].row.id for new in retests if new.parent.laboratory_id == laboratory_id]
        second |= second_swabs.find_second_tubes(session, tube_ids=tube_ids, laboratory_id=laboratory_id)
    second_swabs.move_to_second_tubes(session, second_tubes=second)
    return [
        replace(new, tubes=(Member(second[new.tubes[0].row.id]),))
        if new in retests and new.tubes[0].row.id in second
        else new
        for new in fresh
    ]


def put_pools_back(session: Session, *, run: Run) -> list[uuid.UUID]:
    """Close the pools of a failed or void run again, to wait for another plate; one event for each.

    One whose tube was lost while it was on the plate cannot be tested again: what follows from that is told now.

    Args:
        session: writing session.
        run: whose plate is given up.

    Returns:
        Keys of the pools.
    """
    ids = list(
        session.scalars(
            select(Pool.id)
            .where(
                Pool.id.in_(select(Well.pool_id).where(Well.run_id == run.id, Well.pool_id.is_not(None))),
                Pool.status == "on_plate",
            )
            .order_by(Pool.id)
            .with_for_update()
        )
    )
    # a confirmation belongs to no laboratory until it is plated again
    laboratory = case((Pool.purpose == "confirm", null()), else_=Pool.laboratory_id)
    session.execute(
        update(Pool)
        .where(Pool.id.in_(ids))
        .values(status="closed", laboratory_id=laboratory)
        .execution_options(synchronize_session=False)
    )
    for pool_id in ids:
        audit.note(session, "pool", pool_id, "put_back", run=run.code)
    gone = session.scalars(
        select(Tube.id)
        .join(PoolMember, PoolMember.tube_id == Tube.id)
        .where(PoolMember.pool_id.in_(ids), Tube.status.in_(GONE))
        .order_by(Tube.id)
    ).all()
    consequences.tell(session, "tubes_gone", gone, reason="tube_gone")
    return ids


def apply_calls(session: Session, *, actor: Actor, run: Run) -> Resolution:
    """Turn a run's calls into findings of its pools, open what must be tested next, and say what is to be reported.

    Of a run whose controls failed nothing is used: its pools are closed again. The run's own state is left to the
    caller.

    Args:
        session: the review's writing session, the run locked.
        actor: who reviews.
        run: in state "imported".

    Returns:
        What the results package must write, and then give its `pool_ids` to `close_resolved`.
    """
    fail_extractions(session, run=run)
    if run.failure:
        put_pools_back(session, run=run)
        return Resolution(run_valid=False, failure=list(run.failure))
    findings = find_findings(session, run)
    now = clock.now()
    pools = load_pools(session, Pool.id.in_(findings), lock=True)
    for pool in pools:
        pool.status, pool.finding, pool.called_at = "called", findings[pool.id], now
    session.flush()
    # what they answer may be withdrawn at this moment: wait, then see it void
    load_pools(session, Pool.id.in_({pool.parent_id for pool in pools if pool.parent_id}), lock=True)
    cases = load_cases(session, pools, lock=True)
    _keep_called(session, cases, run)
    groups = load_groups(session, find_positive(cases))
    resolution = Resolution(run_valid=True)
    fresh: list[NewPool] = []
    for one in cases:
        _report(one, run.id, resolution)
        fresh.extend(list_next_pools(one))
        for tube in list_lost(one):
            resolution.ask_again.extend(
                (sample.id, "tube_gone") for sample in tube.samples if sample.status == "bound"
            )
    for group in groups.values():
        group.release(resolution)
    open_pools(session, actor, use_second_swabs(session, fresh, cases))
    resolution.pool_ids.extend({*findings, *(outcome.pool_id for outcome in resolution.outcomes)})
    return resolution


def late_outcomes(session: Session, *, samples: Collection[Sample]) -> Resolution:
    """Say what is to be reported for names that came after their tube was called (DESIGN §3, rule 7).

    Args:
        session: writing session.
        samples: bound late; others of the same tubes are found too, as a mixed tube waits for all its names.

    Returns:
        Outcomes and people to ask again of the tubes whose names are all there now; empty while one is missing or
        the tube's test is not called. Whoever calls this holds the results until a supervisor agreed.
    """
    tube_ids = {sample.tube_id for sample in samples}
    called = load_pools(
        session,
        Pool.id.in_(select(PoolMember.pool_id).where(PoolMember.tube_id.in_(tube_ids))),
        Pool.status == "called",
    )
    resolution = Resolution(run_valid=True)
    cases = load_cases(session, called)
    groups = load_groups(session, find_positive(cases))
    runs = find_runs(session, [pool.id for pool in called])
    in_test = find_in_test(session, tube_ids=tube_ids)
    last: dict[uuid.UUID, Case] = {}
    for one in sorted(cases, key=lambda case_: (case_.pool.called_at, case_.pool.opened_at)):
        last.update((tube.row.id, one) for tube in one.tubes if tube.row.id in tube_ids)
    for tube_id, one in sorted(last.items()):
        late = replace(one, tubes=[tube for tube in one.tubes if tube.row.id == tube_id])
        _report(late, runs.get(one.pool.id), resolution, step=_late_step(one, tested_on=tube_id in in_test))
    for group in groups.values():
        group.release(resolution, only=tube_ids)
    resolution.pool_ids.extend(pool.id for pool in called)
    return resolution


def outcomes_after_loss(session: Session, *, tube_ids: Collection[uuid.UUID]) -> Resolution:
    """Say what is to be reported now that some tubes will not be tested any more: nobody waits for them.

    The negative siblings of a positive pool waited for the tests of these tubes. Where those were the last, they are
    reported, or held as a discordance where nobody was detected.

    Args:
        session: writing session, the tubes' own pools ended (`lost_tubes.take_out`).
        tube_ids: the tubes.

    Returns:
        Outcomes of siblings; `pool_ids` are all pools of these tubes and of what is reported.
    """
    pools = session.execute(
        select(Pool.id, Pool.finding, Pool.member_count, Pool.status).where(
            Pool.id.in_(select(PoolMember.pool_id).where(PoolMember.tube_id.in_(tube_ids)))
        )
    ).all()
    positive = {
        pool.id
        for pool in pools
        if pool.finding == "detected" and pool.member_count > 1 and pool.status == "called"
    }
    resolution = Resolution(run_valid=True)
    for group in load_groups(session, positive).values():
        group.release(resolution)
    resolution.pool_ids.extend(
        {*(pool.id for pool in pools), *(outcome.pool_id for outcome in resolution.outcomes)}
    )
    return resolution


def _late_step(one: Case, *, tested_on: bool) -> Step:
    """Return a called pool's step for names or a count that came later.

    A mixed tube that turns out to hold one person was tested as one of several: neither a confirmation nor a repeat was
    opened for it, so its person is asked again. Where the next test is on its way, it is waited for.
    """
    if one.step in (Step.CONFIRM, Step.REPEAT) and not tested_on:
        return Step.ASK_AGAIN
    return one.step


def close_resolved(session: Session, pool_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Mark pools resolved whose members' people all have a result or a named closure.

    Looks at the pools given and at every called pool that shares a tube with them: a retest resolves its parent too.

    Args:
        session: writing session, with the results and the samples' states flushed.
        pool_ids: pools that were called or answered.

    Returns:
        Keys of the pools that became resolved.
    """
    shared = select(PoolMember.tube_id).where(PoolMember.pool_id.in_(pool_ids))
    pools = load_pools(
        session,
        Pool.id.in_(select(PoolMember.pool_id).where(PoolMember.tube_id.in_(shared))),
        Pool.status == "called",
        lock=True,
    )
    members = load_members(session, [pool.id for pool in pools])
    now = clock.now()
    done = []
    for pool in pools:
        tubes = members[pool.id]
        if tubes and all(tube.is_closed for tube in tubes):
            pool.status, pool.resolved_at = "resolved", now
            audit.note(session, "pool", pool.id, "resolved")
            done.append(pool.id)
    session.flush()
    return done


def _report(
    one: Case,
    run_id: uuid.UUID | None,
    resolution: Resolution,
    *,
    step: Step | None = None,
) -> None:
    """Add what a called pool says about its people; negatives of a positive pool's group are added by the group."""
    step = step or one.step
    if step is Step.ASK_AGAIN:
        resolution.ask_again.extend((sample.id, ask_reason(one.pool.finding)) for sample in one.reportable())
        return
    if step not in (Step.REPORT, Step.CONFIRM, Step.HOLD) or run_id is None:
        return
    held = {Step.CONFIRM: "confirmation", Step.HOLD: "discordance"}.get(step)
    reported = [
        Outcome(sample.id, one.pool.finding, one.pool.id, held, run_id) for sample in one.reportable()
    ]
    resolution.outcomes.extend(reported)
    if reported and step is Step.HOLD and one.pool.parent_id not in resolution.discordant_pool_ids:
        resolution.discordant_pool_ids.append(one.pool.parent_id)


def _keep_called(session: Session, cases: Sequence[Case], run: Run) -> None:
    """End the tubes' stay in their pools, and move the tested ones to the store; one event for each thing."""
    ids = [one.pool.id for one in cases]
    session.execute(
        update(PoolMember)
        .where(PoolMember.pool_id.in_(ids))
        .values(in_test=False)
        .execution_options(synchronize_session=False)
    )
    tubes = {tube.row.id: (tube, one) for one in cases for tube in one.tubes}
    stored = [tube_id for tube_id, (tube, _) in tubes.items() if tube.row.status == "received"]
    for tube_id in stored:
        tube, one = tubes[tube_id]
        tube.row.status = "stored"
        audit.note(session, "tube", tube_id, "stored", pool=one.pool.code)
    session.flush()
    for one in cases:
        audit.note(session, "pool", one.pool.id, "called", finding=one.pool.finding, run=run.code)
