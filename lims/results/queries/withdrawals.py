"""Whom a withdrawn run concerns."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from lims.intake.models import Declaration, Discrepancy, Sample, Tube
from lims.pooling.models import Assay, KitLot, Pool, PoolMember, Run
from lims.results.models import Result
from lims.results.queries.late_names import lock_held_for_discordance


def lock_results_of_run(session: Session, *, run_id: uuid.UUID) -> Sequence[Any]:
    """Return the current results that hang on a run, locked, with their samples.

    Returns:
        `id`, `status`, `sample_id`, `sample_status`, `attempt` of the sample, `asked_attempt` (the one the person is
        asked for now; another where a new sample was asked for), `declaration_id`.
    """
    return session.execute(
        select(
            Result.id,
            Result.status,
            Result.sample_id,
            Sample.status.label("sample_status"),
            Sample.attempt,
            Declaration.attempt.label("asked_attempt"),
            Declaration.id.label("declaration_id"),
        )
        .join(Sample, Sample.id == Result.sample_id)
        .join(Declaration, Declaration.id == Sample.declaration_id)
        .where(Result.run_id == run_id, Result.status.not_in(("superseded", "withdrawn")))
        .order_by(Result.id)
        .with_for_update(of=Result)
    ).all()


def list_tubes(session: Session, *, pool_ids: Collection[uuid.UUID]) -> Sequence[uuid.UUID]:
    """Return the tubes of some pools."""
    return session.scalars(
        select(PoolMember.tube_id).where(PoolMember.pool_id.in_(pool_ids)).distinct()
    ).all()


def list_bound_samples(session: Session, *, tube_ids: Collection[uuid.UUID]) -> Sequence[Any]:
    """Return `id` and the tube's `code` of the samples of some tubes that wait for a result."""
    return session.execute(
        select(Sample.id, Tube.code)
        .join(Tube, Tube.id == Sample.tube_id)
        .where(Sample.tube_id.in_(tube_ids), Sample.status == "bound")
        .order_by(Sample.id)
    ).all()


def lock_held_for_pools(session: Session, *, pool_ids: Collection[uuid.UUID]) -> Sequence[uuid.UUID]:
    """Return the results of other runs that are held because these pools contradict them, locked."""
    parent = aliased(Pool)
    return session.scalars(
        select(Result.id)
        .join(Pool, Pool.id == Result.pool_id)
        .outerjoin(parent, parent.id == Pool.parent_id)
        .where(
            Result.status == "held",
            Result.hold_reason == "discordance",
            or_(Pool.parent_id.in_(pool_ids), parent.parent_id.in_(pool_ids)),
        )
        .order_by(Result.id)
        .with_for_update(of=Result)
    ).all()


def list_discordant_above(session: Session, *, pool_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Return the positive pools that these pools answer and for whose discordance no result is held any more."""
    parent = aliased(Pool)
    above = {
        key
        for row in session.execute(
            select(Pool.parent_id, parent.parent_id.label("grandparent_id"))
            .outerjoin(parent, parent.id == Pool.parent_id)
            .where(Pool.id.in_(pool_ids))
        )
        for key in row
        if key is not None
    }
    return [key for key in sorted(above) if not lock_held_for_discordance(session, pool_id=key)]


def lock_open_discrepancies(
    session: Session, *, run_id: uuid.UUID, pool_ids: Collection[uuid.UUID]
) -> Sequence[Discrepancy]:
    """Return what is open about a run or its pools, locked."""
    return session.scalars(
        select(Discrepancy)
        .where(
            Discrepancy.status == "open",
            or_(Discrepancy.run_id == run_id, Discrepancy.pool_id.in_(pool_ids)),
        )
        .order_by(Discrepancy.id)
        .with_for_update(of=Discrepancy)
    ).all()


def lock_runs_of_lot(session: Session, *, lot: KitLot) -> Sequence[Run]:
    """Return the runs of a kit lot that are not over, oldest first, locked.

    Also those on which only its number was written, before the laboratory kept account of it.
    """
    written = and_(
        Run.kit_lot_id.is_(None),
        Run.laboratory_id == lot.laboratory_id,
        func.lower(Run.kit_lot) == lot.lot.lower(),
        Run.assay_id.in_(select(Assay.id).where(Assay.name == lot.assay_name)),
    )
    return session.scalars(
        select(Run)
        .where(or_(Run.kit_lot_id == lot.id, written), Run.status.not_in(("failed", "void")))
        .order_by(Run.planned_at, Run.id)
        .with_for_update(of=Run)
    ).all()


def lock_waiting_results(
    session: Session, *, run_id: uuid.UUID | None, pool_id: uuid.UUID | None
) -> Sequence[Any]:
    """Return `id`, `sample_id` of what no person was told yet of a pool, or of a run, locked."""
    about = Result.pool_id == pool_id if pool_id is not None else Result.run_id == run_id
    return session.execute(
        select(Result.id, Result.sample_id)
        .where(about, Result.status.in_(("preliminary", "verified", "held")))
        .order_by(Result.id)
        .with_for_update(of=Result)
    ).all()
