"""The laboratory's bench for programs: pools, plates, readings, and what waits."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from lims.errors import InvalidInput
from lims.extensions import db
from lims.language import say, say_error
from lims.places.queries import get_laboratory
from lims.pooling import handing_in
from lims.pooling.actions import extractions as extraction_actions
from lims.pooling.actions import pools as pool_actions
from lims.pooling.actions import readings as reading_actions
from lims.pooling.actions import runs as run_actions
from lims.pooling.models import Run
from lims.pooling.queries import assays as assay_queries
from lims.pooling.queries import pools as pool_queries
from lims.pooling.queries import runs as run_queries
from lims.pooling.typed_readings import MOST_TYPED, ReadingsRefused
from lims.problems import answer_problem
from lims.security import current_actor, needs

pooling_api = APIBlueprint("pooling_api", __name__, url_prefix="/api/v1", tag="Laboratory")
MOST_CODES = pool_actions.MOST_CODES


class Once(BaseModel):
    """What is sent once: the id its sender made."""

    client_id: uuid.UUID


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


class Tubes(Once):
    """Tubes in the order scanned."""

    tubes: list[str] = Field(min_length=1, max_length=MOST_CODES)


class Reason(Once):
    """Why something is given up; no names of people."""

    reason: str = Field(default="", max_length=200)


class Rack(Once):
    """A rack to be pooled; without tubes: all that waits in the laboratory."""

    laboratory_id: uuid.UUID
    tubes: list[str] | None = Field(default=None, max_length=MOST_CODES)
    close: bool = True


class NewRun(Once):
    """A plate to be filled; without pools: what waits, most urgent first."""

    laboratory_id: uuid.UUID
    assay_id: uuid.UUID | None = None
    size: int = 96
    pools: list[str] | None = Field(default=None, max_length=384)
    wells: dict[str, str] | None = None
    kit_lot: str = Field(default="", max_length=40)
    instrument: str = Field(default="", max_length=80)
    extractions: list[str] | None = Field(default=None, max_length=40)


class NewExtraction(Once):
    """What is extracted together; without pools: what waits, most urgent first."""

    laboratory_id: uuid.UUID
    pools: list[str] | None = Field(default=None, max_length=384)
    most: int = 95
    kit_lot: str = Field(default="", max_length=40)
    instrument: str = Field(default="", max_length=80)


class InstrumentFile(Once):
    """A thermocycler's file, its bytes in base64."""

    file_name: str = Field(default="", max_length=200)
    # 15 MB of bytes; with the rest of the body it stays under `Settings.upload_bytes`
    content_base64: str = Field(max_length=20 * 1000 * 1000)


class TypedReading(BaseModel):
    """One Ct; empty for no Ct."""

    well: str = Field(max_length=10)
    target: str = Field(max_length=40)
    ct: str | float | None = Field(default=None)


class Readings(Once):
    """All readings of a run, typed, or the text of a plain CSV (well, target, Ct)."""

    readings: list[TypedReading] | None = Field(default=None, max_length=MOST_TYPED)
    csv: str | None = Field(default=None, max_length=2 * 1024 * 1024)
    file_name: str = Field(default="", max_length=200)


@pooling_api.errorhandler(ReadingsRefused)
def _show_problems(refusal: ReadingsRefused) -> tuple[Response, int]:
    """Answer with every mistake, so that a file is mended once and not once for each."""
    answer = answer_problem(
        refusal.status,
        code=refusal.code,
        message=say_error(refusal),
        field=refusal.field,
        problems=spoken_problems(refusal.problems),
    )
    return answer, refusal.status


def spoken_problems(problems: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the problems of refused readings with their sentences in the reader's language."""
    return [
        {
            "line": problem["line"],
            "column": problem["column"],
            "message": say(problem["message"], dict(problem["parameters"])),
        }
        for problem in problems
    ]


def spoken(verdicts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return verdicts with their sentences in the reader's language."""
    return [
        {name: value for name, value in verdict.items() if name != "parameters"}
        | {"message": say(verdict["message"], dict(verdict["parameters"]))}
        for verdict in verdicts
    ]


@pooling_api.get("/assays")
@pooling_api.doc(summary="Assays that may be used, the usual one first")
@needs("see_laboratory")
def list_assays() -> dict[str, Any]:
    """Return the agreed assays."""
    return {
        "assays": [
            {
                "id": str(assay.id),
                "name": assay.name,
                "version": assay.version,
                "targets": [target["name"] for target in assay.definition["targets"]],
                "wells_per_pool": assay.definition["wells_per_pool"],
                "max_pool_size": assay.definition["max_pool_size"],
            }
            for assay in assay_queries.list_agreed_assays(db.session())
        ]
    }


@pooling_api.get("/laboratories/<uuid:laboratory_id>/waiting")
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


@pooling_api.post("/pools")
@pooling_api.input(NewPool)
@pooling_api.doc(summary="Open a pool", responses=[404, 409, 422])
@needs("pool_tubes")
def open_pool(json_data: NewPool) -> dict[str, Any]:
    """Open an empty pool."""
    return pool_actions.open_pool(
        actor=current_actor(), client_id=json_data.client_id, laboratory_id=json_data.laboratory_id
    )


@pooling_api.post("/pooled-tubes")
@pooling_api.input(PooledTubes)
@pooling_api.doc(
    summary="Add tubes to the pool that a station began, which the first of them opens",
    responses=[404, 409, 422],
)
@needs("pool_tubes")
def pool_tubes(json_data: PooledTubes) -> dict[str, Any]:
    """Open the station's pool unless it is open, and add tubes to it."""
    opened = pool_actions.open_pool(
        actor=current_actor(), client_id=json_data.opening_id, laboratory_id=json_data.laboratory_id
    )
    return add_tubes(
        pool_code=opened["pool"], json_data=Tubes(client_id=json_data.client_id, tubes=json_data.tubes)
    )


@pooling_api.post("/pools/<pool_code>/tubes")
@pooling_api.input(Tubes)
@pooling_api.doc(summary="Add tubes to a pool, a verdict for each", responses=[404, 409, 422])
@needs("pool_tubes")
def add_tubes(pool_code: str, json_data: Tubes) -> dict[str, Any]:
    """Add tubes to an open pool."""
    answer = pool_actions.add_tubes(
        actor=current_actor(), client_id=json_data.client_id, pool_code=pool_code, tube_codes=json_data.tubes
    )
    return answer | {"verdicts": spoken(answer["verdicts"])}


@pooling_api.post("/pools/<pool_code>/removed-tubes")
@pooling_api.input(Tubes)
@pooling_api.doc(summary="Take tubes out of an open pool", responses=[404, 409, 422])
@needs("pool_tubes")
def remove_tubes(pool_code: str, json_data: Tubes) -> dict[str, Any]:
    """Take tubes out of an open pool."""
    answer = pool_actions.remove_tubes(
        actor=current_actor(), client_id=json_data.client_id, pool_code=pool_code, tube_codes=json_data.tubes
    )
    return answer | {"verdicts": spoken(answer["verdicts"])}


@pooling_api.post("/pools/<pool_code>/close")
@pooling_api.input(Once)
@pooling_api.doc(summary="Close a pool: its tubes are fixed", responses=[404, 409, 422])
@needs("pool_tubes")
def close_pool(pool_code: str, json_data: Once) -> dict[str, Any]:
    """Close a pool."""
    return pool_actions.close_pool(actor=current_actor(), client_id=json_data.client_id, pool_code=pool_code)


@pooling_api.post("/pools/<pool_code>/void")
@pooling_api.input(Reason)
@pooling_api.doc(summary="Void a pool that is on no plate", responses=[404, 409, 422])
@needs("pool_tubes")
def void_pool(pool_code: str, json_data: Reason) -> dict[str, Any]:
    """Void a pool."""
    return pool_actions.void_pool(
        actor=current_actor(), client_id=json_data.client_id, pool_code=pool_code, reason=json_data.reason
    )


@pooling_api.post("/pool-proposals")
@pooling_api.input(Rack)
@pooling_api.doc(summary="Make the pools of a whole rack, or of all that waits", responses=[404, 409, 422])
@needs("pool_tubes")
def propose_pools(json_data: Rack) -> dict[str, Any]:
    """Make the pools of a rack."""
    answer = pool_actions.propose_pools(
        actor=current_actor(),
        client_id=json_data.client_id,
        laboratory_id=json_data.laboratory_id,
        tube_codes=json_data.tubes,
        close=json_data.close,
    )
    return answer | {"verdicts": spoken(answer["verdicts"])}


@pooling_api.post("/runs")
@pooling_api.input(NewRun)
@pooling_api.doc(summary="Fill a plate", responses=[404, 409, 422])
@needs("fill_plates")
def plan_run(json_data: NewRun) -> dict[str, Any]:
    """Plan a run."""
    return run_actions.plan_run(
        actor=current_actor(),
        client_id=json_data.client_id,
        laboratory_id=json_data.laboratory_id,
        assay_id=json_data.assay_id,
        size=json_data.size,
        pool_codes=json_data.pools,
        wells=json_data.wells,
        extraction_codes=json_data.extractions,
        kit_lot=json_data.kit_lot,
        instrument=json_data.instrument,
    )


@pooling_api.get("/runs/<run_code>")
@pooling_api.doc(summary="A run with its wells and findings", responses=[404, 422])
@needs("see_laboratory")
def show_run(run_code: str) -> dict[str, Any]:
    """Return a run."""
    run = run_queries.get_run(db.session(), code=run_code)
    current_actor().check_place(run.laboratory_id, missing=run_queries.no_such_run(run.code))
    return _describe(run)


def _describe(run: Run) -> dict[str, Any]:
    session = db.session()
    calls = run_queries.map_calls(session, run_id=run.id, version=run.readings_version)
    wells = run_queries.list_wells(session, run_id=run.id)
    return {
        "run": run.code,
        "status": run.status,
        "size": run.size,
        "assay": run.assay.name,
        "assay_version": run.assay.version,
        "targets": [target["name"] for target in run.assay.definition["targets"]],
        "version": run.readings_version,
        "failure": _spoken_failure(run.failure or []),
        "wells": [
            {
                "position": well.position,
                "pool": well.pool.code if well.pool else None,
                "control": well.control,
                "finding": calls[well.position].finding if well.position in calls else None,
                "reason": say(calls[well.position].reason, calls[well.position].reason_parameters)
                if well.position in calls
                else "",
            }
            for well in wells
        ],
        "pools": [
            {"pool": pool.code, "purpose": pool.purpose, "status": pool.status, "finding": pool.finding}
            for pool in dict.fromkeys(well.pool for well in wells if well.pool)
        ],
    }


def _spoken_failure(failure: Iterable[Mapping[str, Any]]) -> list[str]:
    return [say(str(reason["message"]), dict(reason.get("parameters") or {})) for reason in failure]


@pooling_api.post("/runs/<run_code>/start")
@pooling_api.input(Once)
@pooling_api.doc(summary="The plate is in the cycler", responses=[404, 409, 422])
@needs("fill_plates")
def start_run(run_code: str, json_data: Once) -> dict[str, Any]:
    """Start a run."""
    return run_actions.start_run(actor=current_actor(), client_id=json_data.client_id, run_code=run_code)


@pooling_api.post("/runs/<run_code>/readings")
@pooling_api.input(Readings)
@pooling_api.doc(summary="Record all readings of a run; every mistake is named", responses=[404, 409, 422])
@needs("record_readings")
def record_readings(run_code: str, json_data: Readings) -> dict[str, Any]:
    """Record readings."""
    typed = json_data.readings
    answer = reading_actions.record_readings(
        actor=current_actor(),
        client_id=json_data.client_id,
        run_code=run_code,
        readings=None if typed is None else [reading.model_dump() for reading in typed],
        file_name=json_data.file_name,
        content=None if json_data.csv is None else json_data.csv.encode(),
    )
    return answer | {"failure": _spoken_failure(answer["failure"])}


@pooling_api.post("/runs/<run_code>/fail")
@pooling_api.input(Reason)
@pooling_api.doc(summary="Fail a run; its pools wait for another plate", responses=[404, 409, 422])
@needs("record_readings")
def fail_run(run_code: str, json_data: Reason) -> dict[str, Any]:
    """Fail a run."""
    return run_actions.fail_run(
        actor=current_actor(), client_id=json_data.client_id, run_code=run_code, reason=json_data.reason
    )


@pooling_api.post("/runs/<run_code>/void")
@pooling_api.input(Reason)
@pooling_api.doc(summary="Void a run that should not have been planned", responses=[404, 409, 422])
@needs("fill_plates")
def void_run(run_code: str, json_data: Reason) -> dict[str, Any]:
    """Void a run."""
    return run_actions.void_run(
        actor=current_actor(), client_id=json_data.client_id, run_code=run_code, reason=json_data.reason
    )


@pooling_api.post("/extractions")
@pooling_api.input(NewExtraction)
@pooling_api.doc(summary="Note that pools are extracted together", responses=[404, 409, 422])
@needs("fill_plates")
def make_extraction(json_data: NewExtraction) -> dict[str, Any]:
    """Note an extraction."""
    return extraction_actions.make_extraction(
        actor=current_actor(),
        client_id=json_data.client_id,
        laboratory_id=json_data.laboratory_id,
        pool_codes=json_data.pools,
        most=json_data.most,
        kit_lot=json_data.kit_lot,
        instrument=json_data.instrument,
    )


@pooling_api.post("/extractions/<extraction_code>/fail")
@pooling_api.input(Reason)
@pooling_api.doc(summary="Give an extraction up; its pools wait for another", responses=[404, 409, 422])
@needs("fill_plates")
def fail_extraction(extraction_code: str, json_data: Reason) -> dict[str, Any]:
    """Fail an extraction."""
    return extraction_actions.fail_extraction(
        actor=current_actor(),
        client_id=json_data.client_id,
        extraction_code=extraction_code,
        reason=json_data.reason,
    )


@pooling_api.post("/runs/<run_code>/files")
@pooling_api.input(InstrumentFile)
@pooling_api.doc(
    summary="Hand in a thermocycler's file: kept, read, matched to the plate, and staged or refused",
    responses=[404, 409, 422],
)
@needs("record_readings")
def hand_in_file(run_code: str, json_data: InstrumentFile) -> dict[str, Any]:
    """Hand in a file."""
    try:
        content = base64.b64decode(json_data.content_base64, validate=True)
    except ValueError:
        raise InvalidInput(
            "This is no base64. Encode the bytes of the file.", field="content_base64"
        ) from None
    answer = handing_in.hand_in(
        actor=current_actor(),
        client_id=json_data.client_id,
        run_code=run_code,
        file_name=json_data.file_name,
        content=content,
    )
    return answer | {"problems": spoken(answer["problems"])}


@pooling_api.post("/result-files/<uuid:file_id>/accept")
@pooling_api.input(Once)
@pooling_api.doc(summary="Use a staged file's readings", responses=[404, 409, 422])
@needs("record_readings")
def accept_file(file_id: uuid.UUID, json_data: Once) -> dict[str, Any]:
    """Accept a file; sent twice, the second is told that it is accepted already."""
    answer = handing_in.accept(actor=current_actor(), file_id=file_id)
    return answer | {"failure": _spoken_failure(answer["failure"])}
