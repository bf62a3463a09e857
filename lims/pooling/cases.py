"""Called pools with what their decisions depend on: member tubes, people, the pool they answer, laboratory rights.

Read inside the review's transaction; nothing is changed here.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.intake.models import Discrepancy, Sample, Tube
from lims.places.models import Campaign, Laboratory
from lims.pooling.calls import URGENCY
from lims.pooling.models import Pool, PoolMember, Run, Well, WellCall
from lims.pooling.outcomes import Step, Tested, decide

# A tube in one of these cannot be tested again; one that is in a box may come back.
LOST = frozenset({"discarded", "missing", "damaged", "rejected", "void"})
# Of these nobody hopes that it comes back.
GONE = LOST - {"missing"}
# A sample in one of these has its named closure or its result: nothing waits for it any more.
DONE = frozenset({"resulted", "superseded", "lost", "rejected"})
# What a confirmation may still report on: its person's result is there already, on hold.
OPEN_TO_CONFIRMATION = frozenset({"bound", "resulted"})


@dataclass
class Member:
    """A member tube with its people, as the decision needs it."""

    row: Tube
    samples: list[Any] = field(default_factory=list)
    in_doubt: bool = False

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
        if self.in_doubt or (self.row.mode == "mixed" and self.row.closed_count is None):
            return False
        return len(self.samples) == self.expected

    @property
    def is_closed(self) -> bool:
        """Whether all its people have a result or a named closure, so that nobody waits for another test."""
        return self.is_named and all(sample.status in DONE for sample in self.samples)


@dataclass
class Case:
    """A called pool with what its decision depends on."""

    pool: Any
    tubes: list[Member]
    group_finding: str | None
    may_confirm: bool
    confirm_all_members: bool
    strategy: str = "singles"
    is_orphan: bool = False

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
                strategy=self.strategy,
                is_orphan=self.is_orphan,
            )
        )

    def reportable(self, tube_id: uuid.UUID | None = None) -> list[Any]:
        """The samples a finding may be reported for: of tubes with all their names, not closed otherwise.

        Args:
            tube_id: only of this tube.
        """
        fitting = OPEN_TO_CONFIRMATION if self.pool.purpose == "confirm" else {"bound"}
        return [
            sample
            for tube in self.tubes
            if tube.is_named and tube_id in (None, tube.row.id)
            for sample in tube.samples
            if sample.status in fitting
        ]


def find_findings(session: Session, run: Run) -> dict[uuid.UUID, str]:
    """Return what a run's latest readings say of each of its pools: of several wells the most urgent."""
    rows = session.execute(
        select(Well.pool_id, WellCall.finding)
        .join(WellCall, (WellCall.run_id == Well.run_id) & (WellCall.position == Well.position))
        .where(Well.run_id == run.id, Well.pool_id.is_not(None), WellCall.version == run.readings_version)
    )
    findings: dict[uuid.UUID, str] = {}
    for pool_id, finding in rows:
        if pool_id is not None:
            findings[pool_id] = min(findings.get(pool_id, finding), finding, key=URGENCY.index)
    return findings


def load_pools(session: Session, *conditions: Any, lock: bool = False) -> list[Pool]:
    """Return pools that meet some conditions, read anew, locked where asked."""
    query = select(Pool).where(*conditions).order_by(Pool.id).execution_options(populate_existing=True)
    return list(session.scalars(query.with_for_update(of=Pool) if lock else query))


def load_members(
    session: Session, pool_ids: Collection[uuid.UUID], *, lock: bool = False
) -> dict[uuid.UUID, list[Member]]:
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
    tubes = {row[1].id: Member(row[1]) for row in rows}
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
    for tube_id in session.scalars(
        select(Discrepancy.tube_id).where(
            Discrepancy.tube_id.in_(tubes), Discrepancy.kind == "late_binding", Discrepancy.status == "open"
        )
    ):
        if tube_id is not None:
            tubes[tube_id].in_doubt = True
    members: defaultdict[uuid.UUID, list[Member]] = defaultdict(list)
    for pool_id, tube in rows:
        members[pool_id].append(tubes[tube.id])
    return members


def load_cases(session: Session, pools: Sequence[Pool], *, lock: bool = False) -> list[Case]:
    """Return called pools with what their decisions depend on, in a constant number of statements."""
    members = load_members(session, [pool.id for pool in pools], lock=lock)
    parents: dict[uuid.UUID, Any] = {
        row.id: row
        for row in session.execute(
            select(Pool.id, Pool.finding, Pool.member_count).where(
                Pool.id.in_([pool.parent_id for pool in pools if pool.parent_id]),
                # what a withdrawn run found contradicts nothing
                Pool.status != "void",
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
    policies: dict[uuid.UUID, Any] = {
        row.id: row
        for row in session.execute(
            select(Campaign.id, Campaign.confirm_all_members, Campaign.positive_pool_strategy).where(
                Campaign.id.in_({pool.campaign_id for pool in pools})
            )
        )
    }
    cases = []
    for pool in pools:
        parent = parents.get(pool.parent_id) if pool.parent_id else None
        answers_group = parent is not None and parent.member_count > 1 and pool.purpose != "screen"
        cases.append(
            Case(
                pool=pool,
                tubes=members[pool.id],
                group_finding=parent.finding if parent is not None and answers_group else None,
                may_confirm=rights.get(pool.laboratory_id, False) if pool.laboratory_id else False,
                confirm_all_members=policies[pool.campaign_id].confirm_all_members,
                strategy=policies[pool.campaign_id].positive_pool_strategy,
                is_orphan=pool.parent_id is not None and parent is None,
            )
        )
    return cases


def find_in_test(session: Session, *, tube_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return which of some tubes are in a test that is not called."""
    query = select(PoolMember.tube_id).where(PoolMember.tube_id.in_(tube_ids), PoolMember.in_test)
    return set(session.scalars(query))


def find_runs(session: Session, pool_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Return the run in which each pool was tested: its last one that neither failed nor is void."""
    rows = session.execute(
        select(Well.pool_id, Run.id)
        .join(Run, Run.id == Well.run_id)
        .where(Well.pool_id.in_(pool_ids), Run.status.not_in(("failed", "void")))
        .order_by(Run.planned_at)
    )
    return {pool_id: run_id for pool_id, run_id in rows if pool_id is not None}
