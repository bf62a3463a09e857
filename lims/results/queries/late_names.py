"""What a supervisor's decision in the laboratory needs to know of a tube, its last test, and its pool's members."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session, aliased

from lims.intake.models import Discrepancy, Sample, Tube
from lims.places.models import Campaign, Laboratory
from lims.pooling.models import Pool, PoolMember, Run, Well
from lims.pooling.outcomes import Tested
from lims.results.models import Result
from lims.results.queries.standings import count_names


def lock_bound_samples(session: Session, *, tube_id: uuid.UUID) -> Sequence[Sample]:
    """Return the samples of a tube that wait for a result, locked."""
    return session.scalars(
        select(Sample)
        .where(Sample.tube_id == tube_id, Sample.status == "bound")
        .order_by(Sample.slot)
        .with_for_update(of=Sample)
    ).all()


def is_in_doubt(session: Session, *, tube: Tube) -> bool:
    """Tell whether names of a tube are missing or another late one is not settled."""
    expected = 1 if tube.mode == "single" else tube.closed_count
    if count_names(session, tube_ids={tube.id})[tube.id] != expected:
        return True
    return bool(
        session.scalar(
            select(
                exists().where(
                    Discrepancy.tube_id == tube.id,
                    Discrepancy.status == "open",
                    Discrepancy.kind == "late_binding",
                )
            )
        )
    )


@dataclass(frozen=True)
class LastTest:
    """The last called pool of a tube.

    Args:
        pool_id, run_id: what a result would hang on.
        group_id: the pool of several tubes that it answers.
        facts: what decides what follows.
    """

    pool_id: uuid.UUID
    run_id: uuid.UUID
    group_id: uuid.UUID | None
    facts: Tested


def find_last_test(session: Session, *, tube: Tube) -> LastTest | None:
    """Return the last called pool of a tube, None while a test is open or there was none."""
    parent = aliased(Pool)
    row = session.execute(
        select(
            Pool,
            PoolMember.in_test,
            Run.id.label("run_id"),
            parent.finding.label("parent_finding"),
            parent.member_count.label("parent_size"),
            Laboratory.can_confirm,
            Campaign.confirm_all_members,
        )
        .join(PoolMember, PoolMember.pool_id == Pool.id)
        .join(Campaign, Campaign.id == Pool.campaign_id)
        .outerjoin(parent, parent.id == Pool.parent_id)
        .outerjoin(Laboratory, Laboratory.place_id == Pool.laboratory_id)
        .outerjoin(Well, Well.pool_id == Pool.id)
        .outerjoin(Run, (Run.id == Well.run_id) & Run.status.in_(("reviewed", "verified")))
        .where(PoolMember.tube_id == tube.id, Pool.status != "void")
        .order_by(Pool.opened_at.desc(), Run.reviewed_at.desc())
        .limit(1)
    ).one_or_none()
    if row is None or row.Pool.finding is None or row.run_id is None:
        return None
    pool = row.Pool
    return LastTest(
        pool_id=pool.id,
        run_id=row.run_id,
        group_id=pool.parent_id,
        facts=Tested(
            purpose=pool.purpose,
            attempt=pool.attempt,
            tubes=pool.member_count,
            people=1 if tube.mode == "single" else tube.closed_count or 1,
            finding=pool.finding,
            group_finding=row.parent_finding if (row.parent_size or 0) > 1 else None,
            may_confirm=bool(row.can_confirm),
            confirm_all_members=row.confirm_all_members,
        ),
    )


def lock_held_for_discordance(session: Session, *, pool_id: uuid.UUID | None) -> Sequence[Any]:
    """Return `id`, `sample_id` of the results that a discordance of a pool holds, locked.

    They hang on the pool's retests, on the pool itself, or on the repeat of one of its retests.
    """
    parent = aliased(Pool)
    return session.execute(
        select(Result.id, Result.sample_id)
        .join(Pool, Pool.id == Result.pool_id)
        .outerjoin(parent, parent.id == Pool.parent_id)
        .where(
            Result.status == "held",
            Result.hold_reason == "discordance",
            or_(Pool.id == pool_id, Pool.parent_id == pool_id, parent.parent_id == pool_id),
        )
        .order_by(Result.id)
        .with_for_update(of=Result)
    ).all()


def list_latest_findings_of_children(session: Session, *, pool_id: uuid.UUID | None) -> list[str | None]:
    """Return, for each tube tested again after a pool, the finding of its last test; None while that is open."""
    rows = session.execute(
        select(PoolMember.tube_id, Pool.finding)
        .join(PoolMember, PoolMember.pool_id == Pool.id)
        .where(Pool.parent_id == pool_id, Pool.status != "void")
        .order_by(Pool.opened_at)
    )
    return list(dict(rows.tuples().all()).values())


def has_open_discordance(session: Session, *, pool_id: uuid.UUID | None) -> bool:
    """Tell whether a pool contradicts its members and nobody has decided about that."""
    return bool(
        session.scalar(
            select(
                exists().where(
                    Discrepancy.pool_id == pool_id,
                    Discrepancy.status == "open",
                    Discrepancy.kind == "discordance",
                )
            )
        )
    )


def lock_finished_pools(session: Session, *, tube_id: uuid.UUID) -> Sequence[Pool]:
    """Return the called pools of a tube that no member keeps open: none waits for a result or for its names."""
    member = aliased(PoolMember)
    named = exists(select(Sample.id).where(Sample.tube_id == member.tube_id, Sample.status != "void"))
    waits = exists(select(Sample.id).where(Sample.tube_id == member.tube_id, Sample.status == "bound"))
    return session.scalars(
        select(Pool)
        .join(PoolMember, PoolMember.pool_id == Pool.id)
        .where(
            PoolMember.tube_id == tube_id,
            Pool.status == "called",
            ~exists(select(member.tube_id).where(member.pool_id == Pool.id, or_(waits, ~named))),
        )
        .order_by(Pool.id)
        .with_for_update(of=Pool)
    ).all()


def lock_results_of_closed_samples(session: Session, *, discrepancy: Discrepancy) -> Sequence[Any]:
    """Return `id`, `sample_id` of results not yet released whose sample was replaced, locked."""
    of_tube = Sample.tube_id == discrepancy.tube_id
    of_person = Sample.declaration_id == discrepancy.declaration_id
    return session.execute(
        select(Result.id, Result.sample_id)
        .join(Sample, Sample.id == Result.sample_id)
        .where(
            or_(of_tube, of_person),
            Sample.status == "superseded",
            Result.status.in_(("preliminary", "verified", "held")),
        )
        .order_by(Result.id)
        .with_for_update(of=Result)
    ).all()
