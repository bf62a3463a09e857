"""Recounting: everything from the tables, through the same rules as the folding, against what the summaries say."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import clock
from lims.auth.actors import Actor
from lims.capacity.counting import facts, parts, summaries
from lims.capacity.counting.folding import take_turn
from lims.capacity.counting.parts import Key
from lims.capacity.models.counts import Counted
from lims.intake.models import Declaration, Discrepancy, Sample
from lims.pooling.models import Pool, Run
from lims.transaction import action
from lims.uncounted import Uncounted

_TABLES: dict[str, type[Any]] = {
    "declaration": Declaration,
    "sample": Sample,
    "pool": Pool,
    "run": Run,
    "discrepancy": Discrepancy,
}


@dataclass(frozen=True)
class Recount:
    """What a recount found.

    Args:
        things: how many samples, declarations, pools, runs and discrepancies there are.
        numbers: how many numbers of the summaries they make.
        stale: kind → things that stand in the tables otherwise than they were counted, though nobody queued them.
        differences: number of the summaries → what has to be added to it.
    """

    things: int
    numbers: int
    stale: dict[str, list[uuid.UUID]]
    differences: dict[Key, int]

    @property
    def holds(self) -> bool:
        """Whether the summaries are what a recount gives."""
        return not self.stale and not self.differences


def recount(session: Session) -> Recount:
    """Count everything and compare.

    Args:
        session: a snapshot (`lims.transaction.open_snapshot`): what is queued in it is not counted yet and is no fault.

    Returns:
        What differs.
    """
    queued = session.execute(select(Uncounted.subject_kind, Uncounted.subject_id)).all()
    pending = facts.find_affected(session, [(kind, key) for kind, key in queued])
    totals: Counter[Key] = Counter()
    stale: dict[str, list[uuid.UUID]] = {}
    things = 0
    for kind in facts.KINDS:
        for ids in _walk(session, kind):
            now = facts.read_things(session, kind, ids)
            before = summaries.read_counted(session, ids)
            things += len(now)
            for key in ids:
                totals.update(parts.contributions(before.get(key), zone=clock.ZONE))
                if now.get(key) != before.get(key) and key not in pending[kind]:
                    stale.setdefault(kind, []).append(key)
    differences = _subtract(totals, summaries.read_all(session))
    return Recount(things=things, numbers=len(totals), stale=stale, differences=differences)


@action
def rebuild(session: Session, *, actor: Actor) -> dict[str, Any]:
    """Count everything anew and correct the summaries: the differences become known today.

    Args:
        actor: the system.

    Returns:
        `things` that were counted, `changed` of them, `numbers` that were corrected.
    """
    take_turn(session)
    totals: Counter[Key] = Counter()
    things = changed = 0
    for kind in facts.KINDS:
        for ids in _walk(session, kind):
            now = facts.read_things(session, kind, ids)
            before = summaries.read_counted(session, ids)
            things += len(now)
            other = [key for key in ids if now.get(key) != before.get(key)]
            changed += len(other)
            summaries.keep_counted(session, [now[key] for key in other if key in now])
            summaries.forget_counted(session, [key for key in other if key not in now])
            for one in now.values():
                totals.update(parts.contributions(one, zone=clock.ZONE))
    differences = _subtract(totals, summaries.read_all(session))
    numbers = summaries.add_differences(session, differences, known_on=clock.today())
    return {"things": things, "changed": changed, "numbers": numbers}


def _subtract(wanted: Counter[Key], there: Counter[Key]) -> dict[Key, int]:
    keys = wanted.keys() | there.keys()
    return {key: wanted[key] - there[key] for key in keys if wanted[key] != there[key]}


def _walk(session: Session, kind: str) -> Iterator[list[uuid.UUID]]:
    """Yield the keys of all things of a kind, of those that are there and of those that were counted, in order."""
    table = _TABLES[kind]
    last: uuid.UUID | None = None
    while True:
        there = select(table.id).order_by(table.id).limit(facts.MOST)
        counted = select(Counted.id).where(Counted.kind == kind).order_by(Counted.id).limit(facts.MOST)
        if last is not None:
            there, counted = there.where(table.id > last), counted.where(Counted.id > last)
        ids = sorted({*session.scalars(there), *session.scalars(counted)})[: facts.MOST]
        if not ids:
            return
        yield ids
        last = ids[-1]
        session.expunge_all()
