"""What decides about a result, read in three statements however many results there are."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from lims.intake.models import Discrepancy, Sample, Tube
from lims.places.models import Laboratory
from lims.pooling.models import Pool, PoolMember, Run
from lims.results.models import Result
from lims.results.obstacles import Standing


def lock_standings(
    session: Session, *criteria: ColumnElement[bool], most: int | None = None
) -> list[Standing]:
    """Read and lock the results of some criteria with all that decides about them.

    Args:
        session: the writing session.
        criteria: conditions on `Result`, as `Result.run_id == run.id`.
        most: only the oldest so many.

    Returns:
        Standings in the order in which the results were made.
    """
    return read_standings(session, *criteria, lock=True, most=most)


def read_standings(
    session: Session, *criteria: ColumnElement[bool], lock: bool = False, most: int | None = None
) -> list[Standing]:
    """Read the results of some criteria with all that decides about them; see `lock_standings`."""
    query = (
        select(
            Result.id,
            Result.status,
            Result.finding,
            Result.hold_reason,
            Result.entered_by_id,
            Result.verified_by_id,
            Result.amendment_reason,
            Result.laboratory_id,
            Sample.id.label("sample_id"),
            Sample.status.label("sample_status"),
            Sample.declaration_id,
            Tube.id.label("tube_id"),
            Tube.code.label("tube_code"),
            Tube.mode.label("tube_mode"),
            Tube.closed_count,
            Result.pool_id,
            Result.run_id,
            Pool.status.label("pool_status"),
            Pool.finding.label("pool_finding"),
            Pool.member_count,
            PoolMember.tube_id.label("member_id"),
            Run.status.label("run_status"),
            Laboratory.can_confirm,
        )
        .join(Sample, Sample.id == Result.sample_id)
        .join(Tube, Tube.id == Sample.tube_id)
        .join(Pool, Pool.id == Result.pool_id)
        .join(Run, Run.id == Result.run_id)
        .outerjoin(Laboratory, Laboratory.place_id == Result.laboratory_id)
        .outerjoin(
            PoolMember, and_(PoolMember.pool_id == Result.pool_id, PoolMember.tube_id == Sample.tube_id)
        )
        .where(*criteria)
        .order_by(Result.id)
        .limit(most)
    )
    rows = session.execute(query.with_for_update(of=Result) if lock else query).all()
    if not rows:
        return []
    bound = count_names(session, tube_ids={row.tube_id for row in rows})
    open_kinds = _list_open_kinds(session, rows)
    return [
        Standing(
            result_id=row.id,
            status=row.status,
            finding=row.finding,
            hold_reason=row.hold_reason,
            entered_by_id=row.entered_by_id,
            verified_by_id=row.verified_by_id,
            is_amendment=bool(row.amendment_reason),
            sample_id=row.sample_id,
            tube_id=row.tube_id,
            pool_id=row.pool_id,
            run_id=row.run_id,
            sample_status=row.sample_status,
            declaration_id=row.declaration_id,
            tube_code=row.tube_code,
            tube_mode=row.tube_mode,
            names_bound=bound[row.tube_id],
            closed_count=row.closed_count,
            discrepancies=tuple(
                sorted(
                    open_kinds[row.tube_id]
                    | open_kinds[row.declaration_id]
                    | open_kinds[row.pool_id]
                    | open_kinds[row.run_id]
                )
            ),
            pool_status=row.pool_status,
            pool_finding=row.pool_finding,
            pool_size=row.member_count,
            is_in_pool=row.member_id is not None,
            run_status=row.run_status,
            laboratory_id=row.laboratory_id,
            may_confirm=bool(row.can_confirm),
        )
        for row in rows
    ]


def count_names(session: Session, *, tube_ids: Collection[uuid.UUID]) -> Counter[uuid.UUID]:
    """Return how many people are bound to each tube."""
    rows = session.execute(
        select(Sample.tube_id, func.count())
        .where(Sample.tube_id.in_(tube_ids), Sample.status != "void")
        .group_by(Sample.tube_id)
    ).all()
    return Counter({row[0]: row[1] for row in rows})


def _list_open_kinds(session: Session, rows: Collection[Any]) -> defaultdict[uuid.UUID, set[str]]:
    """Return the kinds of what is open by the key of the tube, declaration, pool or run that it is about.

    What is about one pool of a run holds that pool's results, not the run's.
    """
    found: defaultdict[uuid.UUID, set[str]] = defaultdict(set)
    for row in session.execute(
        select(
            Discrepancy.tube_id,
            Discrepancy.declaration_id,
            Discrepancy.pool_id,
            Discrepancy.run_id,
            Discrepancy.kind,
        ).where(
            Discrepancy.status == "open",
            Discrepancy.holds_results,
            or_(
                Discrepancy.tube_id.in_({row.tube_id for row in rows}),
                Discrepancy.declaration_id.in_({row.declaration_id for row in rows}),
                Discrepancy.pool_id.in_({row.pool_id for row in rows}),
                and_(Discrepancy.pool_id.is_(None), Discrepancy.run_id.in_({row.run_id for row in rows})),
            ),
        )
    ):
        run_id = row.run_id if row.pool_id is None else None
        for key in (row.tube_id, row.declaration_id, row.pool_id, run_id):
            if key:
                found[key].add(row.kind)
    return found
