"""From a reviewed run's calls to findings of pools, new tests, and what is to be reported.

Called inside the review's transaction (`results.actions.review`), which writes the results, sets the run's state and
then calls `close_resolved`; nothing commits here. The decisions are `outcomes.decide`; this module brings the facts
and writes the pools, in a constant number of statements for 1 and for 94 pools.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, case, insert, null, select, update
from sqlalchemy.orm import Session

from lims import audit, clock, codes
from lims.auth.actors import Actor
from lims.intake import consequences
from lims.intake.models import Sample, Tube
from lims.places.models import Campaign, Laboratory
from lims.pooling.calls import URGENCY
from lims.pooling.models import Pool, PoolMember, Run, Well, WellCall
from lims.pooling.outcomes import Outcome, Resolution, Step, Tested, ask_reason, decide, settle_group
from lims.tables import new_id

# A tube in one of these cannot be tested again; one that is in a box may come back.
LOST = frozenset({"discarded", "missing", "damaged", "rejected", "void"})
# Of these nobody hopes that it comes back.
GONE = LOST - {"missing"}
# A sample in one of these has its named closure or its result: nothing waits for it any more.
DONE = frozenset({"resulted", "superseded", "lost", "rejected"})
# What a confirmation may still report on: its person's result is there already, on hold.
OPEN_TO_CONFIRMATION = frozenset({"bound", "resulted"})


@dataclass
class _Tube:
    """A member tube with its people, as the decision needs it."""

    row: Tube
    samples: list[Any] = field(default_factory=list)

    @property
    def expected(self) -> int:
        """How many people its collector closed it with; a mixed tube not closed yet holds more than one.

        A single tube counts as one person even where two were bound to it by mistake: it is tested on as one, and
        reports for nobody until that is settled.
        """
        if self.row.mode == "single":
            return 1
        return max(self.row.closed_count if self.row.closed_count is not None else 2, len(self.samples))

    @property
    def is_lost(self) -> bool:
        """Whether it can no longer be tested."""
        return self.row.status in LOST

    @property
    def is_named(self) -> bool:
        """Whether all its names are there (DESIGN §3, rule 7)."""
        if self.row.mode == "mixed" and self.row.closed_count is None:
            return False
        return len(self.samples) == self.expected

    @property
    def is_closed(self) -> bool:
        """Whether all its people have a result or a named closure, so that nobody waits for another test."""
        return self.is_named and all(sample.status in DONE for sample in self.samples)


@dataclass
class _Case:
    """A called pool with what its decision depends on."""

    pool: Any
    tubes: list[_Tube]
    group_finding: str | None
    may_confirm: bool
    confirm_all_members: bool

    @property
    def step(self) -> Step:
        """What follows from the pool's finding."""
        people = sum(tube.expected for tube in self.tubes)
        return decide(
            Tested(
                purpose=self.pool.purpose,
                attempt=self.pool.attempt,
                tubes=len(self.tubes),
                people=people,
                finding=self.pool.finding,
                group_finding=self.group_finding,
                may_confirm=self.may_confirm,
                confirm_all_members=self.confirm_all_members,
            )
        )

    def reportable(self) -> list[Any]:
        """The samples a finding may be reported for: of tubes with all their names, not closed otherwise."""
        fitting = OPEN_TO_CONFIRMATION if self.pool.purpose == "confirm" else {"bound"}
        return [
            sample
            for tube in self.tubes
            if tube.is_named
            for sample in tube.samples
            if sample.status in fitting
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
    if run.failure:
        put_pools_back(session, run=run)
        return Resolution(run_valid=False, failure=list(run.failure))
    findings = _find_findings(session, run)
    now = clock.now()
    pools = _load_pools(session, Pool.id.in_(findings), lock=True)
    for pool in pools:
        pool.status, pool.finding, pool.called_at = "called", findings[pool.id], now
    session.flush()
    cases = _load_cases(session, pools, lock=True)
    _keep_called(session, cases, run)
    groups = _load_groups(session, _find_positive(cases))
    resolution = Resolution(run_valid=True)
    fresh: list[_NewPool] = []
    for one in cases:
        _report(one, run.id, resolution)
        fresh.extend(_next_pools(one))
        for tube in _lost_tubes(one):
            resolution.ask_again.extend(
                (sample.id, "tube_gone") for sample in tube.samples if sample.status == "bound"
            )
    for group in groups.values():
        group.release(resolution)
    _open_pools(session, actor, fresh)
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
    called = _load_pools(
        session,
        Pool.id.in_(select(PoolMember.pool_id).where(PoolMember.tube_id.in_(tube_ids))),
        Pool.status == "called",
    )
    resolution = Resolution(run_valid=True)
    cases = _load_cases(session, called)
    groups = _load_groups(session, _find_positive(cases))
    runs = _find_runs(session, [pool.id for pool in called])
    last: dict[uuid.UUID, _Case] = {}
    for one in sorted(cases, key=lambda case_: (case_.pool.called_at, case_.pool.opened_at)):
        last.update((tube.row.id, one) for tube in one.tubes if tube.row.id in tube_ids)
    for tube_id, one in sorted(last.items()):
        late = replace(one, tubes=[tube for tube in one.tubes if tube.row.id == tube_id])
        _report(late, runs.get(one.pool.id), resolution, step=_late_step(one))
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
    for group in _load_groups(session, positive).values():
        group.release(resolution)
    resolution.pool_ids.extend(
        {*(pool.id for pool in pools), *(outcome.pool_id for outcome in resolution.outcomes)}
    )
    return resolution


def _late_step(one: _Case) -> Step:
    """Return a called pool's step for names that came later.

    A mixed tube that turns out to hold one person was tested as one of several: its people are asked again, because
    no confirmation was opened for it.
    """
    if one.step is Step.CONFIRM and one.tubes[0].row.mode == "mixed":
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
    pools = _load_pools(
        session,
        Pool.id.in_(select(PoolMember.pool_id).where(PoolMember.tube_id.in_(shared))),
        Pool.status == "called",
        lock=True,
    )
    members = _load_tubes(session, [pool.id for pool in pools])
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


# ---- facts ----


def _find_findings(session: Session, run: Run) -> dict[uuid.UUID, str]:
    rows = session.execute(
        select(Well.pool_id, WellCall.finding)
        .join(WellCall, (WellCall.run_id == Well.run_id) & (WellCall.position == Well.position))
        .where(Well.run_id == run.id, Well.pool_id.is_not(None), WellCall.version == run.readings_version)
    )
    findings: dict[uuid.UUID, str] = {}
    for pool_id, finding in rows:
        known = findings.get(pool_id, finding)
        findings[pool_id] = min(known, finding, key=URGENCY.index)
    return findings


def _load_pools(session: Session, *conditions: Any, lock: bool = False) -> list[Pool]:
    query = select(Pool).where(*conditions).order_by(Pool.id).execution_options(populate_existing=True)
    return list(session.scalars(query.with_for_update(of=Pool) if lock else query))


def _load_tubes(
    session: Session, pool_ids: Collection[uuid.UUID], *, lock: bool = False
) -> dict[uuid.UUID, list[_Tube]]:
    """Return the member tubes of some pools with their people, in two statements.

    Locked where a finding is given to them: a name that is being bound at this moment is either seen here, or its
    collector sees that the tube was tested; never neither.
    """
    query = (
        select(PoolMember.pool_id, Tube)
        .join(Tube, Tube.id == PoolMember.tube_id)
        .where(PoolMember.pool_id.in_(pool_ids))
        .order_by(PoolMember.pool_id, PoolMember.position)
        .execution_options(populate_existing=True)
    )
    rows = session.execute(query.with_for_update(of=Tube) if lock else query).all()
    tubes = {row[1].id: _Tube(row[1]) for row in rows}
    people = session.execute(
        select(Sample.id, Sample.tube_id, Sample.status)
        .where(
            Sample.tube_id.in_(select(PoolMember.tube_id).where(PoolMember.pool_id.in_(pool_ids))),
            Sample.status != "void",
        )
        .order_by(Sample.tube_id, Sample.slot)
    )
    for sample in people:
        tubes[sample.tube_id].samples.append(sample)
    members: defaultdict[uuid.UUID, list[_Tube]] = defaultdict(list)
    for pool_id, tube in rows:
        members[pool_id].append(tubes[tube.id])
    return members


def _load_cases(session: Session, pools: Sequence[Pool], *, lock: bool = False) -> list[_Case]:
    members = _load_tubes(session, [pool.id for pool in pools], lock=lock)
    parents: dict[uuid.UUID, Row[Any]] = {
        row.id: row
        for row in session.execute(
            select(Pool.id, Pool.finding, Pool.member_count).where(
                Pool.id.in_([pool.parent_id for pool in pools if pool.parent_id])
            )
        )
    }
    rights: dict[uuid.UUID, bool] = {
        row[0]: row[1]
        for row in session.execute(
            select(Laboratory.place_id, Laboratory.can_confirm).where(
                Laboratory.place_id.in_({pool.laboratory_id for pool in pools})
            )
        )
    }
    policies: dict[uuid.UUID, bool] = {
        row[0]: row[1]
        for row in session.execute(
            select(Campaign.id, Campaign.confirm_all_members).where(
                Campaign.id.in_({pool.campaign_id for pool in pools})
            )
        )
    }
    cases = []
    for pool in pools:
        parent = parents.get(pool.parent_id) if pool.parent_id else None
        answers_group = parent is not None and parent.member_count > 1 and pool.purpose != "screen"
        cases.append(
            _Case(
                pool=pool,
                tubes=members[pool.id],
                group_finding=parent.finding if parent is not None and answers_group else None,
                may_confirm=rights.get(pool.laboratory_id, False) if pool.laboratory_id else False,
                confirm_all_members=policies[pool.campaign_id],
            )
        )
    return cases


def _find_runs(session: Session, pool_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Return the run in which each pool was tested: its last one that neither failed nor is void."""
    rows = session.execute(
        select(Well.pool_id, Run.id)
        .join(Run, Run.id == Well.run_id)
        .where(Well.pool_id.in_(pool_ids), Run.status.not_in(("failed", "void")))
        .order_by(Run.planned_at)
    )
    return {row[0]: row[1] for row in rows}


# ---- a positive pool and the tests that answer it ----


@dataclass
class _Group:
    """A positive pool of several tubes with all tests of its single tubes."""

    parent_id: uuid.UUID
    cases: list[_Case]
    runs: dict[uuid.UUID, uuid.UUID]
    open_tube_ids: set[uuid.UUID]

    def latest(self) -> dict[uuid.UUID, _Case | None]:
        """The last test of each tube; None while it is not called, or is to be repeated."""
        found: dict[uuid.UUID, _Case | None] = {}
        for one in sorted(self.cases, key=lambda case_: case_.pool.attempt):
            for tube in one.tubes:
                found[tube.row.id] = None if one.step is Step.REPEAT and not tube.is_lost else one
        return found | dict.fromkeys(self.open_tube_ids)

    @property
    def state(self) -> str:
        """What all tests say together: waits, agrees or discordant."""
        return settle_group(one.pool.finding if one else None for one in self.latest().values())

    def release(self, resolution: Resolution, *, only: Collection[uuid.UUID] | None = None) -> None:
        """Report the negative siblings once all are called; on hold where nobody was detected.

        Args:
            resolution: to be added to.
            only: tubes whose names came late; None: all.
        """
        state = self.state
        if state == "waits":
            return
        held = "discordance" if state == "discordant" else None
        fresh = [
            Outcome(sample.id, "not_detected", one.pool.id, held, self.runs[one.pool.id])
            for tube_id, one in sorted(self.latest().items())
            if one is not None and one.step is Step.AWAIT and (only is None or tube_id in only)
            for sample in one.reportable()
        ]
        resolution.outcomes.extend(fresh)
        if held and fresh:
            resolution.discordant_pool_ids.append(self.parent_id)


def _find_positive(cases: Iterable[_Case]) -> set[uuid.UUID]:
    """Return the positive pools of several tubes that some cases answer."""
    return {one.pool.parent_id for one in cases if one.group_finding == "detected"}


def _load_groups(session: Session, parent_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, _Group]:
    """Return positive pools with all the tests that answer them.

    The positive pools are locked before their answers are read: of two plates with siblings, reviewed at the same
    moment, the second must see what the first called, or neither would report the negatives that waited for both.
    """
    _load_pools(session, Pool.id.in_(parent_ids), lock=True)
    siblings = _load_pools(
        session, Pool.parent_id.in_(parent_ids), Pool.purpose != "screen", Pool.status != "void"
    )
    called = [pool for pool in siblings if pool.finding is not None]
    answered = _load_cases(session, called)
    runs = _find_runs(session, [pool.id for pool in called])
    waiting = _load_tubes(session, [pool.id for pool in siblings if pool.finding is None])
    groups = {parent_id: _Group(parent_id, [], runs, set()) for parent_id in parent_ids if parent_id}
    for one in answered:
        groups[one.pool.parent_id].cases.append(one)
    for pool in siblings:
        if pool.finding is None and pool.parent_id:
            groups[pool.parent_id].open_tube_ids |= {tube.row.id for tube in waiting[pool.id]}
    return groups


# ---- what follows ----


def _report(
    one: _Case,
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


@dataclass(frozen=True)
class _NewPool:
    """A pool to be opened for tubes that were in another."""

    parent: Any
    tubes: tuple[_Tube, ...]
    purpose: str
    attempt: int
    new_extraction: bool
    answers: uuid.UUID


def _lost_tubes(one: _Case) -> Iterable[_Tube]:
    """Return the tubes that should be tested again but are no longer there: their people are asked again."""
    if one.step in (Step.RETEST_EACH, Step.CONFIRM_EACH, Step.REPEAT):
        return [tube for tube in one.tubes if tube.is_lost]
    return []


def _next_pools(one: _Case) -> list[_NewPool]:
    """Return the pools that a finding opens."""
    pool, step = one.pool, one.step
    kept = [
        tube for tube in one.tubes if not tube.is_lost and not (tube.is_closed and pool.purpose != "confirm")
    ]
    if step in (Step.RETEST_EACH, Step.CONFIRM_EACH):
        purpose = "retest" if step is Step.RETEST_EACH else "confirm"
        return [_NewPool(pool, (tube,), purpose, 1, False, pool.id) for tube in kept]
    if step is Step.CONFIRM:
        return [_NewPool(pool, (tube,), "confirm", 1, False, pool.id) for tube in kept]
    if step is Step.REPEAT and kept:
        if len(one.tubes) > 1 or one.tubes[0].expected > 1:
            return [_NewPool(pool, tuple(kept), "screen", pool.attempt + 1, True, pool.id)]
        purpose = "confirm" if pool.purpose == "confirm" else "retest"
        # A repeat answers what the first try answered, so that all tests of a positive pool have one parent.
        answers = pool.id if pool.purpose == "screen" else pool.parent_id
        return [_NewPool(pool, tuple(kept), purpose, pool.attempt + 1, True, answers)]
    return []


def _keep_called(session: Session, cases: Sequence[_Case], run: Run) -> None:
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


def _open_pools(session: Session, actor: Actor, fresh: Sequence[_NewPool]) -> None:
    if not fresh:
        return
    now = clock.now()
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
        for place, (code, new) in enumerate(zip(codes.mint_many("pool", len(fresh)), fresh, strict=True))
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
