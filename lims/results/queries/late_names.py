"""What a supervisor's decision in the laboratory needs to know of a tube and of its pool's members."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session, aliased

from lims.intake.models import Discrepancy, Sample
from lims.pooling.models import Pool, PoolMember
from lims.results.models import Result


def lock_bound_samples(session: Session, *, tube_id: uuid.UUID) -> Sequence[Sample]:
    """Return the samples of a tube that wait for a result, locked."""
    return session.scalars(
        select(Sample)
        .where(Sample.tube_id == tube_id, Sample.status == "bound")
        .order_by(Sample.slot)
        .with_for_update(of=Sample)
    ).all()


def find_called_tubes(session: Session, tube_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return which of some tubes were tested: a member of a pool that was called."""
    return set(
        session.scalars(
            select(PoolMember.tube_id)
            .join(Pool, Pool.id == PoolMember.pool_id)
            .where(PoolMember.tube_id.in_(tube_ids), Pool.status.in_(("called", "resolved")))
        )
    )


def find_tubes_in_test(session: Session, tube_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return which of some tubes their laboratory still needs; one whose confirmation waits is to be sent on."""
    return set(
        session.scalars(
            select(PoolMember.tube_id)
            .join(Pool, Pool.id == PoolMember.pool_id)
            .where(PoolMember.tube_id.in_(tube_ids), PoolMember.in_test, Pool.laboratory_id.is_not(None))
        )
    )


def is_in_doubt(session: Session, *, tube_id: uuid.UUID) -> bool:
    """Tell whether another late name of a tube is not settled."""
    return bool(
        session.scalar(
            select(
                exists().where(
                    Discrepancy.tube_id == tube_id,
                    Discrepancy.status == "open",
                    Discrepancy.kind == "late_binding",
                )
            )
        )
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


def list_pools_with_discordance(
    session: Session, *, pool_ids: Collection[uuid.UUID]
) -> set[uuid.UUID | None]:
    """Return which of some pools have an open discordance already."""
    return set(
        session.scalars(
            select(Discrepancy.pool_id).where(
                Discrepancy.pool_id.in_(pool_ids),
                Discrepancy.status == "open",
                Discrepancy.kind == "discordance",
            )
        )
    )


def lock_samples_beyond_doubt(session: Session, *, tube_ids: Collection[uuid.UUID]) -> Sequence[Sample]:
    """Return the samples of some tubes that wait for a result, locked; not of a tube with an unsettled late name."""
    doubted = (
        select(Discrepancy.id)
        .where(
            Discrepancy.tube_id == Sample.tube_id,
            Discrepancy.status == "open",
            Discrepancy.kind == "late_binding",
        )
        .exists()
    )
    return session.scalars(
        select(Sample)
        .where(Sample.tube_id.in_(tube_ids), Sample.status == "bound", ~doubted)
        .order_by(Sample.id)
        .with_for_update(of=Sample)
    ).all()
