"""A supervisor's desk for tests: tubes received, pooled, tested and reviewed through the actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pooling import bench
from pooling.received import receive
from sqlalchemy import select

from lims.extensions import db
from lims.intake.models import Sample, Tube
from lims.pooling.actions import pools
from lims.results.actions.release import release_results, release_run
from lims.results.actions.review import review_run
from lims.results.actions.verification import verify_results, verify_run
from lims.results.models import Result


def pool_up(world, tubes: Sequence[str], *, size: int = 10) -> list[str]:
    """Make closed pools of some tubes and return the pools' codes."""
    made = []
    for first in range(0, len(tubes), size):
        technician = world.actor("technician")
        code = pools.open_pool(actor=technician, laboratory_id=world.laboratory_id)["pool"]
        pools.add_tubes(actor=technician, pool_code=code, tube_codes=tubes[first : first + size])
        pools.close_pool(actor=technician, pool_code=code)
        made.append(code)
    return made


def run_plate(
    world, findings: Mapping[str, str] | None = None, *, confirming: bool = False, spoilt: str = ""
) -> dict[str, Any]:
    """Plate all that waits, read it so that pools get these findings, review it; return the review's answer."""
    planned = bench.plan(world, confirming=confirming)
    bench.read(world, planned, findings, confirming=confirming, spoilt=spoilt)
    actor = world.actor("technician_confirming" if confirming else "technician")
    return review_run(actor=actor, run_code=planned["run"])


def run_tubes(
    world, count: int, *, size: int = 10, finding: str = "not_detected", **more
) -> tuple[str, list[str]]:
    """Receive, pool, test and review some tubes; return the run's code and the tubes'."""
    tubes = receive(world, count, **more)
    made = pool_up(world, tubes, size=size)
    answer = run_plate(world, dict.fromkeys(made, finding))
    return answer["run"], tubes


def results_of(tube_code: str) -> list[Result]:
    """Return all versions of the results of a tube's people, latest version first."""
    db.session.rollback()
    return list(
        db.session.scalars(
            select(Result)
            .join(Sample, Sample.id == Result.sample_id)
            .join(Tube, Tube.id == Sample.tube_id)
            .where(Tube.code == tube_code)
            .order_by(Sample.slot, Result.version.desc())
        )
    )


def result_of(tube_code: str) -> Result:
    """Return the latest version of a single tube's result."""
    return results_of(tube_code)[0]


def verify_and_release(world, run_code: str) -> None:
    """Verify and release the negatives of a run."""
    verify_run(actor=world.actor("supervisor"), run_code=run_code)
    release_run(actor=world.actor("supervisor"), run_code=run_code)


def verify_and_release_one(world, tube_code: str, *, role: str = "supervisor") -> dict[str, Any]:
    """Verify and release one result; return the release's verdict."""
    ids = [result_of(tube_code).id]
    verify_results(actor=world.actor(role), result_ids=ids)
    return release_results(actor=world.actor(role), result_ids=ids, looked=True)["verdicts"][0]
