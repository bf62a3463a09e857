"""What the laboratory did: pools, extractions, kit lots, runs, readings, calls, and every version of every result."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from lims.auth.actors import Actor
from lims.auth.models import User
from lims.exports.queries.kinds import Kind, of, plain, within
from lims.intake.models import Sample, Tube
from lims.places.models import Place
from lims.pooling.models import (
    Assay,
    ExtractedPool,
    Extraction,
    KitLot,
    Pool,
    PoolMember,
    Reading,
    Run,
    Well,
    WellCall,
)
from lims.results.models import Result

parent = aliased(Pool)
verifier, releaser = aliased(User), aliased(User)
POOLS = (
    "pool",
    "purpose",
    "parent",
    "attempt",
    "status",
    "finding",
    "members",
    "laboratory",
    "opened_at",
    "closed_at",
    "called_at",
    "resolved_at",
)
RUNS = (
    "run",
    "status",
    "assay",
    "assay_version",
    "size",
    "kit_lot",
    "instrument",
    "readings_version",
    "laboratory",
    "planned_at",
    "started_at",
    "entered_at",
    "reviewed_at",
    "verified_at",
    "withdrawn_at",
)
EXTRACTIONS = (
    "extraction",
    "laboratory",
    "kit_lot",
    "instrument",
    "pools",
    "made_at",
    "failed_at",
    "failure",
)
KIT_LOTS = (
    "laboratory",
    "assay",
    "lot",
    "expires_on",
    "reactions",
    "added_at",
    "withdrawn_at",
    "withdrawn_reason",
)
READINGS = ("run", "version", "position", "pool", "control", "target", "ct", "raw_ct", "flags")
CALLS = ("run", "version", "position", "pool", "control", "assay", "assay_version", "finding", "reason")
RESULTS = (
    "result",
    "tube",
    "slot",
    "version",
    "status",
    "finding",
    "hold_reason",
    "amendment_reason",
    "pool",
    "run",
    "laboratory",
    "created_at",
    "verified_by",
    "verified_at",
    "released_by",
    "released_at",
    "first_read_at",
)


def _pools(actor: Actor) -> Select[*tuple[Any, ...]]:
    members = select(func.count()).where(PoolMember.pool_id == Pool.id).correlate(Pool).scalar_subquery()
    return (
        select(
            Pool.code.label("pool"),
            Pool.purpose,
            parent.code.label("parent"),
            Pool.attempt,
            Pool.status,
            Pool.finding,
            members.label("members"),
            Place.name.label("laboratory"),
            Pool.opened_at,
            Pool.closed_at,
            Pool.called_at,
            Pool.resolved_at,
        )
        .outerjoin(parent, parent.id == Pool.parent_id)
        .outerjoin(Place, Place.id == Pool.laboratory_id)
        .where(within(actor, Pool.laboratory_id))
    )


def _extractions(actor: Actor) -> Select[*tuple[Any, ...]]:
    held = (
        select(func.count())
        .where(ExtractedPool.extraction_id == Extraction.id)
        .correlate(Extraction)
        .scalar_subquery()
    )
    return (
        select(
            Extraction.code.label("extraction"),
            Place.name.label("laboratory"),
            Extraction.kit_lot,
            Extraction.instrument,
            held.label("pools"),
            Extraction.made_at,
            Extraction.failed_at,
            Extraction.failure,
        )
        .join(Place, Place.id == Extraction.laboratory_id)
        .where(within(actor, Extraction.laboratory_id))
    )


def _kit_lots(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Place.name.label("laboratory"),
            KitLot.assay_name.label("assay"),
            KitLot.lot,
            KitLot.expires_on,
            KitLot.reactions,
            KitLot.added_at,
            KitLot.withdrawn_at,
            KitLot.withdrawn_reason,
        )
        .join(Place, Place.id == KitLot.laboratory_id)
        .where(within(actor, KitLot.laboratory_id))
    )


def _runs(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Run.code.label("run"),
            Run.status,
            Assay.name.label("assay"),
            Assay.version.label("assay_version"),
            Run.size,
            Run.kit_lot,
            Run.instrument,
            Run.readings_version,
            Place.name.label("laboratory"),
            Run.planned_at,
            Run.started_at,
            Run.entered_at,
            Run.reviewed_at,
            Run.verified_at,
            Run.withdrawn_at,
        )
        .join(Assay, Assay.id == Run.assay_id)
        .join(Place, Place.id == Run.laboratory_id)
        .where(within(actor, Run.laboratory_id))
    )


def _readings(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Run.code.label("run"),
            Reading.version,
            Reading.position,
            Pool.code.label("pool"),
            Well.control,
            Reading.target,
            Reading.ct,
            Reading.raw_ct,
            Reading.flags,
        )
        .join(Run, Run.id == Reading.run_id)
        .outerjoin(Well, (Well.run_id == Reading.run_id) & (Well.position == Reading.position))
        .outerjoin(Pool, Pool.id == Well.pool_id)
        .where(within(actor, Run.laboratory_id))
    )


def _calls(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Run.code.label("run"),
            WellCall.version,
            WellCall.position,
            Pool.code.label("pool"),
            Well.control,
            Assay.name.label("assay"),
            Assay.version.label("assay_version"),
            WellCall.finding,
            WellCall.reason,
            WellCall.reason_parameters,
        )
        .join(Run, Run.id == WellCall.run_id)
        .join(Assay, Assay.id == WellCall.assay_id)
        .outerjoin(Well, (Well.run_id == WellCall.run_id) & (Well.position == WellCall.position))
        .outerjoin(Pool, Pool.id == Well.pool_id)
        .where(within(actor, Run.laboratory_id))
    )


def _read_calls(_session: Any, _vault: Any, rows: Any) -> list[Any]:
    """Return calls with their reason as a sentence; every file says it in English, as a program reads it."""
    return [
        [*(getattr(row, name) for name in CALLS[:-1]), row.reason % (row.reason_parameters or {})]
        for row in rows
    ]


def _results(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Result.id.label("result_id"),
            Tube.code.label("tube"),
            Sample.slot,
            Result.version,
            Result.status,
            Result.finding,
            Result.hold_reason,
            Result.amendment_reason,
            Pool.code.label("pool"),
            Run.code.label("run"),
            Place.name.label("laboratory"),
            Result.created_at,
            verifier.display_name.label("verified_by"),
            Result.verified_at,
            releaser.display_name.label("released_by"),
            Result.released_at,
            Result.first_read_at,
        )
        .join(Sample, Sample.id == Result.sample_id)
        .join(Tube, Tube.id == Sample.tube_id)
        .join(Pool, Pool.id == Result.pool_id)
        .join(Run, Run.id == Result.run_id)
        .join(Place, Place.id == Result.laboratory_id)
        .outerjoin(verifier, verifier.id == Result.verified_by_id)
        .outerjoin(releaser, releaser.id == Result.released_by_id)
        .where(within(actor, Result.laboratory_id))
    )


def _read_results(_session: Any, _vault: Any, rows: Any) -> list[Any]:
    return [[str(row.result_id), *(getattr(row, name) for name in RESULTS[1:])] for row in rows]


KINDS = (
    Kind(
        "pools",
        "see_laboratory",
        POOLS,
        key=(Pool.id,),
        query=_pools,
        of_campaign=of(Pool.campaign_id),
        at=Pool.opened_at,
        read=plain(*POOLS),
    ),
    Kind(
        "extractions",
        "see_laboratory",
        EXTRACTIONS,
        key=(Extraction.id,),
        query=_extractions,
        of_campaign=None,
        at=Extraction.made_at,
        read=plain(*EXTRACTIONS),
    ),
    Kind(
        "kit_lots",
        "see_laboratory",
        KIT_LOTS,
        key=(KitLot.id,),
        query=_kit_lots,
        of_campaign=None,
        at=KitLot.added_at,
        read=plain(*KIT_LOTS),
    ),
    Kind(
        "runs",
        "see_laboratory",
        RUNS,
        key=(Run.id,),
        query=_runs,
        of_campaign=of(Run.campaign_id),
        at=Run.planned_at,
        read=plain(*RUNS),
    ),
    Kind(
        "readings",
        "see_laboratory",
        READINGS,
        key=(Reading.run_id, Reading.version, Reading.position, Reading.target),
        query=_readings,
        of_campaign=of(Run.campaign_id),
        at=Run.planned_at,
        read=plain(*READINGS),
    ),
    Kind(
        "calls",
        "see_laboratory",
        CALLS,
        key=(WellCall.run_id, WellCall.version, WellCall.position),
        query=_calls,
        of_campaign=of(Run.campaign_id),
        at=Run.planned_at,
        read=_read_calls,
    ),
    Kind(
        "results",
        "see_laboratory",
        RESULTS,
        key=(Result.id,),
        query=_results,
        of_campaign=of(Run.campaign_id),
        at=Result.created_at,
        read=_read_results,
    ),
)
