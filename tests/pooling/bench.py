"""A laboratory's bench for tests: plates planned, read and reviewed through the actions."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select, update

from lims.extensions import db
from lims.intake.models import Sample, Tube
from lims.pooling.actions import assays, readings, runs
from lims.pooling.models import Pool, PoolMember
from lims.pooling.queries import pools as queries
from lims.pooling.queries import runs as run_queries
from lims.pooling.resolution import apply_calls, close_resolved
from lims.transaction import writing

CTS = {
    "not_detected": {"ORF1ab": None, "N": None, "IC": 27.5},
    "detected": {"ORF1ab": 25.1, "N": "24,8", "IC": 27.0},
    "inconclusive": {"ORF1ab": None, "N": 36.0, "IC": 27.0},
    "invalid": {"ORF1ab": None, "N": None, "IC": None},
    "NTC": {"ORF1ab": None, "N": None, "IC": None},
    "NEC": {"ORF1ab": None, "N": None, "IC": 30.0},
    "PC": {"ORF1ab": 26.0, "N": 26.0, "IC": None},
    "spoilt": {"ORF1ab": 31.0, "N": 33.0, "IC": None},
}


def install(world) -> None:
    """Draft and agree the assays that come with the product."""
    assays.install_seed_assays(actor=world.actor("supervisor"), second=world.actor("supervisor_2"))


def readings_for(wells, findings: Mapping[str, str], *, spoilt: str = "") -> list[dict[str, object]]:
    """Return typed readings: pools by their finding (else not detected), controls right unless `spoilt` names one."""
    rows = []
    for well in wells:
        kind = well["control"] or findings.get(well["pool"], "not_detected")
        cts = CTS["spoilt" if kind == spoilt else kind]
        rows.extend({"well": well["position"], "target": target, "ct": ct} for target, ct in cts.items())
    return rows


def plan(world, *, confirming: bool = False, **more):
    """Plan a plate of what waits; see `runs.plan_run`."""
    role = "technician_confirming" if confirming else "technician"
    place = world.confirming_id if confirming else world.laboratory_id
    return runs.plan_run(actor=world.actor(role), laboratory_id=place, **more)


def read(
    world, planned, findings: Mapping[str, str] | None = None, *, confirming: bool = False, spoilt: str = ""
):
    """Record readings that give these findings."""
    return readings.record_readings(
        actor=world.actor("technician_confirming" if confirming else "technician"),
        run_code=planned["run"],
        readings=readings_for(planned["wells"], findings or {}, spoilt=spoilt),
    )


def review(world, run_code: str, *, confirming: bool = False):
    """Do what the results package does in a review, without its table: the samples' states stand for results."""
    actor = world.actor("supervisor_confirming" if confirming else "supervisor")
    with writing() as session:
        session.info["actor"] = actor
        run = run_queries.get_run(session, code=run_code, lock=True)
        resolution = apply_calls(session, actor=actor, run=run)
        write_results(session, resolution)
        run.status = "reviewed" if resolution.run_valid else "failed"
        session.flush()
        close_resolved(session, resolution.pool_ids)
    db.session.rollback()
    return resolution


def write_results(session, resolution) -> None:
    """Set the samples' states as the results package does."""
    for outcome in resolution.outcomes:
        session.execute(
            update(Sample)
            .where(Sample.id == outcome.sample_id)
            .values(status="resulted", finding=outcome.finding)
        )
    asked = [sample_id for sample_id, _ in resolution.ask_again]
    session.execute(update(Sample).where(Sample.id.in_(asked)).values(status="superseded"))


def plate_all(world, findings: Mapping[str, str] | None = None, *, confirming: bool = False):
    """Plate all that waits, read and review it; return (run code, resolution)."""
    planned = plan(world, confirming=confirming)
    read(world, planned, findings, confirming=confirming)
    return planned["run"], review(world, planned["run"], confirming=confirming)


def pools_of(tube_code: str) -> list[Pool]:
    """Return all pools a tube was in, oldest first."""
    db.session.rollback()
    return list(
        db.session.scalars(
            select(Pool)
            .join(PoolMember, PoolMember.pool_id == Pool.id)
            .join(Tube, Tube.id == PoolMember.tube_id)
            .where(Tube.code == tube_code)
            .order_by(Pool.id)
        )
    )


def send_on(world, tube_codes) -> None:
    """Move tubes to the confirming laboratory, as a box would."""
    with writing() as session:
        session.execute(
            update(Tube)
            .where(Tube.code.in_(tube_codes))
            .values(laboratory_id=world.confirming_id, status="received")
        )


def outcomes_by_sample(resolution) -> dict:
    """Return sample id → (finding, hold reason)."""
    return {outcome.sample_id: (outcome.finding, outcome.hold_reason) for outcome in resolution.outcomes}


def status_of(pool_code: str) -> tuple[str, str | None]:
    """Return a pool's status and finding."""
    db.session.rollback()
    pool = queries.get_pool(db.session, code=pool_code)
    return pool.status, pool.finding
