"""Whom a result concerns, read in one statement however many results there are."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from lims.intake.models import Declaration, Person, Sample, Tube
from lims.places.models import Campaign, Place
from lims.pooling.models import Pool, PoolMember, Run, Well
from lims.results.models import Result


def list_concerned(session: Session, *, result_ids: Collection[uuid.UUID]) -> Sequence[Any]:
    """Return what is said of some results, and to whom.

    Returns:
        `id`, `sample_id`, `version`, `finding`, `laboratory_id`, `laboratory` (code), `commune_id`, `commune` (code),
        `campaign_id`, `tells_people`, `quiet_from_hour`, `quiet_until_hour`, `person_id`, `telephone` (blind index),
        `restricted_at`, `tube` and `declaration` (codes), `is_next` (an earlier version was released before).
    """
    earlier, laboratory, commune = aliased(Result), aliased(Place), aliased(Place)
    return session.execute(
        select(
            Result.id,
            Result.sample_id,
            Result.version,
            Result.finding,
            Result.laboratory_id,
            laboratory.code.label("laboratory"),
            Sample.commune_id,
            commune.code.label("commune"),
            Sample.campaign_id,
            Campaign.tells_people,
            Campaign.quiet_from_hour,
            Campaign.quiet_until_hour,
            Sample.person_id,
            Person.phone_index.label("telephone"),
            Person.restricted_at,
            Tube.code.label("tube"),
            Declaration.code.label("declaration"),
            exists()
            .where(
                earlier.sample_id == Result.sample_id,
                earlier.version < Result.version,
                earlier.released_at.is_not(None),
            )
            .label("is_next"),
        )
        .join(Sample, Sample.id == Result.sample_id)
        .join(Declaration, Declaration.id == Sample.declaration_id)
        .join(Person, Person.id == Sample.person_id)
        .join(Tube, Tube.id == Sample.tube_id)
        .join(Campaign, Campaign.id == Sample.campaign_id)
        .join(laboratory, laboratory.id == Result.laboratory_id)
        .join(commune, commune.id == Sample.commune_id)
        .where(Result.id.in_(result_ids))
        .order_by(Result.id)
    ).all()


def list_waiting_samples(session: Session, *, sample_ids: Collection[uuid.UUID]) -> Sequence[Any]:
    """Return what is said of some samples of which no result was ever released, and to whom.

    Returns:
        `id`, `laboratory_id` (where the tube is; else the commune), and the rest as of `list_concerned`.
    """
    released = exists().where(Result.sample_id == Sample.id, Result.released_at.is_not(None))
    return session.execute(
        select(
            Sample.id,
            func.coalesce(Tube.laboratory_id, Sample.commune_id).label("laboratory_id"),
            Sample.commune_id,
            Sample.campaign_id,
            Campaign.tells_people,
            Campaign.quiet_from_hour,
            Campaign.quiet_until_hour,
            Sample.person_id,
            Person.phone_index.label("telephone"),
            Person.restricted_at,
            Declaration.code.label("declaration"),
        )
        .join(Declaration, Declaration.id == Sample.declaration_id)
        .join(Person, Person.id == Sample.person_id)
        .join(Tube, Tube.id == Sample.tube_id)
        .join(Campaign, Campaign.id == Sample.campaign_id)
        .where(Sample.id.in_(sample_ids), ~released)
        .order_by(Sample.id)
    ).all()


def list_members(session: Session, *, pool_ids: Collection[uuid.UUID]) -> Sequence[uuid.UUID]:
    """Return the samples in some pools, but those that are void."""
    return session.scalars(
        select(Sample.id)
        .join(PoolMember, PoolMember.tube_id == Sample.tube_id)
        .where(PoolMember.pool_id.in_(pool_ids), Sample.status != "void")
        .distinct()
    ).all()


def list_positive_pools(session: Session, *, run_id: uuid.UUID) -> Sequence[Pool]:
    """Return the pools of several people that a run found positive: of several tubes, or of one mixed tube."""
    of_run = select(Well.pool_id).where(Well.run_id == run_id, Well.pool_id.is_not(None))
    mixed = (
        select(PoolMember.pool_id)
        .join(Tube, Tube.id == PoolMember.tube_id)
        .where(PoolMember.pool_id == Pool.id, Tube.mode == "mixed")
    )
    return session.scalars(
        select(Pool)
        .where(Pool.id.in_(of_run), Pool.finding == "detected", or_(Pool.member_count > 1, exists(mixed)))
        .order_by(Pool.code)
    ).all()


def map_runs_of_pools(session: Session, *, pool_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, Any]:
    """Return the run that called each pool: `id`, `code`, `laboratory_id`, `laboratory` (code), `campaign_id`.

    A pool that failed before was on several plates; the one reviewed last has called it.
    """
    rows = session.execute(
        select(
            Well.pool_id,
            Run.id,
            Run.code,
            Run.laboratory_id,
            Place.code.label("laboratory"),
            Run.campaign_id,
        )
        .join(Run, Run.id == Well.run_id)
        .join(Place, Place.id == Run.laboratory_id)
        .where(Well.pool_id.in_(pool_ids), Run.status.in_(("imported", "reviewed", "verified")))
        .order_by(Run.planned_at)
    )
    return {row.pool_id: row for row in rows}


def map_communes_of_pools(
    session: Session, *, pool_ids: Collection[uuid.UUID]
) -> Mapping[uuid.UUID, set[uuid.UUID]]:
    """Return the communes of the people in some pools."""
    found: defaultdict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    for pool_id, commune_id in session.execute(
        select(PoolMember.pool_id, Sample.commune_id)
        .join(Sample, Sample.tube_id == PoolMember.tube_id)
        .where(PoolMember.pool_id.in_(pool_ids), Sample.status != "void")
        .distinct()
    ):
        found[pool_id].add(commune_id)
    return found
