"""Positive pools of several tubes with all the tests that answer them: when may the negative siblings be reported?"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from lims.pooling.cases import Case, find_runs, load_cases, load_members, load_pools
from lims.pooling.models import Pool
from lims.pooling.outcomes import Outcome, Resolution, Step, settle_group


@dataclass
class Group:
    """A positive pool of several tubes with all tests that answer it: of its single tubes, or of its halves."""

    parent_id: uuid.UUID
    cases: list[Case]
    runs: dict[uuid.UUID, uuid.UUID]
    open_tube_ids: set[uuid.UUID]

    def latest(self) -> dict[uuid.UUID, Case | None]:
        """The last test of each tube; None while it is not called, or is to be repeated."""
        found: dict[uuid.UUID, Case | None] = {}
        for one in sorted(self.cases, key=lambda case_: case_.pool.opened_at):
            for tube in one.tubes:
                found[tube.row.id] = None if _goes_on(one) and not tube.is_lost else one
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
            for sample in one.reportable(tube_id)
        ]
        resolution.outcomes.extend(fresh)
        if held and fresh:
            resolution.discordant_pool_ids.append(self.parent_id)


def _goes_on(one: Case) -> bool:
    """Tell whether a test that answers a positive pool is itself to be answered: it said nothing clear."""
    unclear_half = one.step in (Step.RETEST_EACH, Step.CONFIRM_EACH) and one.pool.finding != "detected"
    return one.step is Step.REPEAT or unclear_half


def find_positive(cases: Iterable[Case]) -> set[uuid.UUID]:
    """Return the positive pools of several tubes that some cases answer."""
    return {one.pool.parent_id for one in cases if one.group_finding == "detected"}


def load_groups(session: Session, parent_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Group]:
    """Return positive pools with all the tests that answer them.

    The positive pools are locked before their answers are read: of two plates with siblings, reviewed at the same
    moment, the second must see what the first called, or neither would report the negatives that waited for both.
    """
    load_pools(session, Pool.id.in_(parent_ids), lock=True)
    siblings = load_pools(
        session, Pool.parent_id.in_(parent_ids), Pool.purpose != "screen", Pool.status != "void"
    )
    called = [pool for pool in siblings if pool.finding is not None]
    answered = load_cases(session, called)
    runs = find_runs(session, [pool.id for pool in called])
    waiting = load_members(session, [pool.id for pool in siblings if pool.finding is None])
    groups = {parent_id: Group(parent_id, [], runs, set()) for parent_id in parent_ids if parent_id}
    for one in answered:
        groups[one.pool.parent_id].cases.append(one)
    for pool in siblings:
        if pool.finding is None and pool.parent_id:
            groups[pool.parent_id].open_tube_ids |= {tube.row.id for tube in waiting[pool.id]}
    return groups
