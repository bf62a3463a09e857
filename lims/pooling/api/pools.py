"""Pools for programs: opening, filling, closing, voiding, whole racks, and a pool's record."""

from __future__ import annotations

import uuid
from typing import Any

from pydantic import BaseModel, Field

from lims.extensions import db
from lims.pooling.actions import pools as actions
from lims.pooling.actions.pools import MOST_CODES
from lims.pooling.api import pooling_api
from lims.pooling.api.sent import Once, Reason, Tubes, Verdict, spoken
from lims.pooling.queries import pools as queries
from lims.security import current_actor, needs


class NewPool(Once):
    """Where a pool is made."""

    laboratory_id: uuid.UUID


class PooledTubes(Once):
    """Tubes for the pool that a station is filling.

    `opening_id` is made by the station, one for each pool it begins: however many scans carry it, in whatever order
    they arrive after a lost network, they open one pool.
    """

    opening_id: uuid.UUID
    laboratory_id: uuid.UUID
    tubes: list[str] = Field(min_length=1, max_length=MOST_CODES)


class Rack(Once):
    """A rack to be pooled; without tubes: all that waits in the laboratory."""

    laboratory_id: uuid.UUID
    tubes: list[str] | None = Field(default=None, max_length=MOST_CODES)
    close: bool = True


class OpenedPool(BaseModel):
    """A pool that can be filled."""

    pool: str
    status: str
    size_limit: int


class PoolOut(OpenedPool):
    """A pool and its tubes in order."""

    count: int
    tubes: list[str]


class FilledPool(PoolOut):
    """A pool, and a verdict for each tube in the order sent."""

    verdicts: list[Verdict]


class ProposedPool(BaseModel):
    """One pool of a rack."""

    pool: str
    status: str
    tubes: list[str]


class ProposedPools(BaseModel):
    """The pools that were made, and verdicts of the tubes that were left out."""

    pools: list[ProposedPool]
    verdicts: list[Verdict]


class PoolInWell(BaseModel):
    """Where a pool was tested."""

    run: str
    status: str
    well: str


class PoolRecord(BaseModel):
    """A pool with its tubes, what it answers, what answers it, and where it was tested."""

    pool: str
    purpose: str
    status: str
    finding: str | None
    attempt: int
    laboratory_id: uuid.UUID | None
    size_limit: int
    tubes: list[str]
    parent: str | None
    children: list[str]
    wells: list[PoolInWell]


@pooling_api.post("/pools")
@pooling_api.input(NewPool)
@pooling_api.output(OpenedPool)
@pooling_api.doc(summary="Open a pool", responses=[404, 409, 422])
@needs("pool_tubes")
def open_pool(json_data: NewPool) -> dict[str, Any]:
    """Open an empty pool."""
    return actions.open_pool(
        actor=current_actor(), client_id=json_data.client_id, laboratory_id=json_data.laboratory_id
    )


@pooling_api.get("/pools/<pool_code>")
@pooling_api.output(PoolRecord)
@pooling_api.doc(summary="A pool's record", responses=[404, 422])
@needs("see_laboratory")
def show_pool(pool_code: str) -> dict[str, Any]:
    """Return a pool."""
    session = db.session()
    pool = queries.get_pool(session, code=pool_code)
    places = queries.list_places_of_pool(session, pool=pool)
    current_actor().check_place(*places, missing=queries.no_such_pool(pool.code))
    return {
        "pool": pool.code,
        "purpose": pool.purpose,
        "status": pool.status,
        "finding": pool.finding,
        "attempt": pool.attempt,
        "laboratory_id": pool.laboratory_id,
        "size_limit": pool.size_limit,
        "tubes": [member.tube.code for member in queries.list_members(session, pool_id=pool.id)],
        "parent": pool.parent.code if pool.parent else None,
        "children": [child.code for child in queries.list_children(session, pool_id=pool.id)],
        "wells": [
            {"run": run, "status": status, "well": well}
            for run, status, well, _planned_at in queries.list_pool_wells(session, pool_id=pool.id)
        ],
    }


@pooling_api.post("/pooled-tubes")
@pooling_api.input(PooledTubes)
@pooling_api.output(FilledPool)
@pooling_api.doc(
    summary="Add tubes to the pool that a station began, which the first of them opens",
    responses=[404, 409, 422],
)
@needs("pool_tubes")
def pool_tubes(json_data: PooledTubes) -> dict[str, Any]:
    """Open the station's pool unless it is open, and add tubes to it."""
    opened = actions.open_pool(
        actor=current_actor(), client_id=json_data.opening_id, laboratory_id=json_data.laboratory_id
    )
    return _add(opened["pool"], json_data.client_id, json_data.tubes)


@pooling_api.post("/pools/<pool_code>/tubes")
@pooling_api.input(Tubes)
@pooling_api.output(FilledPool)
@pooling_api.doc(summary="Add tubes to a pool, a verdict for each", responses=[404, 409, 422])
@needs("pool_tubes")
def add_tubes(pool_code: str, json_data: Tubes) -> dict[str, Any]:
    """Add tubes to an open pool."""
    return _add(pool_code, json_data.client_id, json_data.tubes)


def _add(pool_code: str, client_id: uuid.UUID, tubes: list[str]) -> dict[str, Any]:
    answer = actions.add_tubes(
        actor=current_actor(), client_id=client_id, pool_code=pool_code, tube_codes=tubes
    )
    return answer | {"verdicts": spoken(answer["verdicts"])}


@pooling_api.post("/pools/<pool_code>/removed-tubes")
@pooling_api.input(Tubes)
@pooling_api.output(FilledPool)
@pooling_api.doc(summary="Take tubes out of an open pool", responses=[404, 409, 422])
@needs("pool_tubes")
def remove_tubes(pool_code: str, json_data: Tubes) -> dict[str, Any]:
    """Take tubes out of an open pool."""
    answer = actions.remove_tubes(
        actor=current_actor(), client_id=json_data.client_id, pool_code=pool_code, tube_codes=json_data.tubes
    )
    return answer | {"verdicts": spoken(answer["verdicts"])}


@pooling_api.post("/pools/<pool_code>/close")
@pooling_api.input(Once)
@pooling_api.output(PoolOut)
@pooling_api.doc(summary="Close a pool: its tubes are fixed", responses=[404, 409, 422])
@needs("pool_tubes")
def close_pool(pool_code: str, json_data: Once) -> dict[str, Any]:
    """Close a pool."""
    return actions.close_pool(actor=current_actor(), client_id=json_data.client_id, pool_code=pool_code)


@pooling_api.post("/pools/<pool_code>/void")
@pooling_api.input(Reason)
@pooling_api.output(PoolOut)
@pooling_api.doc(summary="Void a pool that is on no plate", responses=[404, 409, 422])
@needs("pool_tubes")
def void_pool(pool_code: str, json_data: Reason) -> dict[str, Any]:
    """Void a pool."""
    return actions.void_pool(
        actor=current_actor(), client_id=json_data.client_id, pool_code=pool_code, reason=json_data.reason
    )


@pooling_api.post("/pool-proposals")
@pooling_api.input(Rack)
@pooling_api.output(ProposedPools)
@pooling_api.doc(summary="Make the pools of a whole rack, or of all that waits", responses=[404, 409, 422])
@needs("pool_tubes")
def propose_pools(json_data: Rack) -> dict[str, Any]:
    """Make the pools of a rack."""
    answer = actions.propose_pools(
        actor=current_actor(),
        client_id=json_data.client_id,
        laboratory_id=json_data.laboratory_id,
        tube_codes=json_data.tubes,
        close=json_data.close,
    )
    return answer | {"verdicts": spoken(answer["verdicts"])}
