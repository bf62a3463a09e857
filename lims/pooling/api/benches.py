"""What waits at a laboratory's bench, for programs."""

from __future__ import annotations

import uuid
from typing import Any

from pydantic import BaseModel

from lims.extensions import db
from lims.places.queries import get_laboratory
from lims.pooling.actions.pools import MOST_CODES
from lims.pooling.api import pooling_api
from lims.pooling.queries import pools as pool_queries
from lims.pooling.queries import runs as run_queries
from lims.security import current_actor, needs


class Counts(BaseModel):
    """How much waits; pools by purpose, repeats as "repeat", and runs by status."""

    tubes: int
    open_pools: int
    pools_to_plate: dict[str, int]
    to_send_on: int
    pools_with_lost_tubes: int
    runs: dict[str, int]


class WaitingPool(BaseModel):
    """A pool that is open or waits for a plate."""

    pool: str
    purpose: str
    status: str
    attempt: int
    tubes: int
    members: list[str]


class WaitingRun(BaseModel):
    """A run that is not verified yet."""

    run: str
    status: str


class WaitingAtBench(BaseModel):
    """What waits at a laboratory's bench, the most urgent first."""

    counts: Counts
    tubes: list[str]
    pools: list[WaitingPool]
    runs: list[WaitingRun]


@pooling_api.get("/laboratories/<uuid:laboratory_id>/waiting")
@pooling_api.output(WaitingAtBench)
@pooling_api.doc(summary="What waits at a laboratory's bench: counts and codes", responses=[404])
@needs("see_laboratory")
def show_waiting(laboratory_id: uuid.UUID) -> dict[str, Any]:
    """Return what waits at a laboratory's bench."""
    actor, session = current_actor(), db.session()
    actor.check_place(laboratory_id)
    laboratory = get_laboratory(session, laboratory_id=laboratory_id)
    waiting = pool_queries.count_waiting(
        session, laboratory_id=laboratory_id, can_confirm=laboratory.can_confirm
    )
    pools = pool_queries.list_waiting_pools(session, laboratory_id=laboratory_id, most=MOST_CODES)
    runs = run_queries.list_runs(
        session, actor=actor, status="unfinished", laboratory_id=laboratory_id, most=500
    )
    return {
        "counts": {
            "tubes": waiting.tubes,
            "open_pools": waiting.open_pools,
            "pools_to_plate": dict(waiting.to_plate),
            "to_send_on": waiting.to_send,
            "pools_with_lost_tubes": waiting.lost_tubes,
            "runs": dict(waiting.runs),
        },
        "tubes": [
            tube.code
            for tube in pool_queries.list_unpooled_tubes(
                session, laboratory_id=laboratory_id, most=MOST_CODES
            )
        ],
        "pools": [
            {
                "pool": pool.code,
                "purpose": pool.purpose,
                "status": pool.status,
                "attempt": pool.attempt,
                "tubes": pool.member_count,
                "members": [member.tube.code for member in pool.members],
            }
            for pool in pools
        ],
        "runs": [{"run": run.code, "status": run.status} for run in runs],
    }
