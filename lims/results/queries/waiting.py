"""Who waits for what in the laboratory, for the moment in which a tube is lost or a sample is closed."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from lims.intake.models import Sample
from lims.pooling.models import PoolMember, Run
from lims.results.models import Result


def list_samples_that_need_their_tube(
    session: Session, *, tube_ids: Collection[uuid.UUID]
) -> Sequence[uuid.UUID]:
    """Return the samples of some tubes that wait for a test: without a result, or held for a confirmation."""
    return session.scalars(
        select(Sample.id)
        .outerjoin(Result, and_(Result.sample_id == Sample.id, Result.status != "superseded"))
        .where(
            Sample.tube_id.in_(tube_ids),
            or_(
                Sample.status == "bound",
                and_(Sample.status == "resulted", Result.hold_reason == "confirmation"),
            ),
        )
        .order_by(Sample.id)
    ).all()


def lock_unreleased_results(session: Session, *, sample_ids: Collection[uuid.UUID]) -> Sequence[uuid.UUID]:
    """Return the current results of some samples that no person has been told, locked."""
    return session.scalars(
        select(Result.id)
        .where(Result.sample_id.in_(sample_ids), Result.status.in_(("preliminary", "verified", "held")))
        .order_by(Result.id)
        .with_for_update(of=Result)
    ).all()


def list_pools_of_samples(session: Session, *, sample_ids: Collection[uuid.UUID]) -> Sequence[uuid.UUID]:
    """Return the pools that the tubes of some samples were put into."""
    return session.scalars(
        select(PoolMember.pool_id)
        .join(Sample, Sample.tube_id == PoolMember.tube_id)
        .where(Sample.id.in_(sample_ids))
        .distinct()
    ).all()


def find_readers(session: Session, *, run_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID | None]:
    """Return who entered the readings of some runs, by run."""
    rows = session.execute(select(Run.id, Run.entered_by_id).where(Run.id.in_(run_ids)))
    return {row.id: row.entered_by_id for row in rows}
