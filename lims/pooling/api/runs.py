"""Plates and their runs for programs: planned, started, given up, shown with their findings."""

from __future__ import annotations

import uuid
from typing import Any

from pydantic import BaseModel, Field

from lims.extensions import db
from lims.language import say
from lims.pooling.actions import runs as actions
from lims.pooling.api import pooling_api
from lims.pooling.api.sent import Once, Reason, spoken_failure
from lims.pooling.models import Run
from lims.pooling.queries import runs as queries
from lims.security import current_actor, needs


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


class PlannedWell(BaseModel):
    """What is in a well: a pool or a control."""

    position: str
    pool: str | None
    control: str | None


class PlannedRun(BaseModel):
    """A plate as it is to be filled."""

    run: str
    status: str
    size: int
    assay: str
    assay_version: int
    targets: list[str]
    wells: list[PlannedWell]


class CalledWell(PlannedWell):
    """A well and its call, with the reason in words."""

    finding: str | None
    reason: str


class PoolOnPlate(BaseModel):
    """A pool on a plate and how it stands."""

    pool: str
    purpose: str
    status: str
    finding: str | None


class RunOut(BaseModel):
    """A run with its wells and findings."""

    run: str
    status: str
    size: int
    assay: str
    assay_version: int
    targets: list[str]
    version: int
    failure: list[str]
    wells: list[CalledWell]
    pools: list[PoolOnPlate]


class RunState(BaseModel):
    """A run and its state after a step."""

    run: str
    status: str


@pooling_api.post("/runs")
@pooling_api.input(NewRun)
@pooling_api.output(PlannedRun)
@pooling_api.doc(summary="Fill a plate", responses=[404, 409, 422])
@needs("fill_plates")
def plan_run(json_data: NewRun) -> dict[str, Any]:
    """Plan a run."""
    return actions.plan_run(
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
@pooling_api.output(RunOut)
@pooling_api.doc(summary="A run with its wells and findings", responses=[404, 422])
@needs("see_laboratory")
def show_run(run_code: str) -> dict[str, Any]:
    """Return a run."""
    run = queries.get_run(db.session(), code=run_code)
    current_actor().check_place(run.laboratory_id, missing=queries.no_such_run(run.code))
    return _describe(run)


def _describe(run: Run) -> dict[str, Any]:
    session = db.session()
    calls = queries.map_calls(session, run_id=run.id, version=run.readings_version)
    wells = queries.list_wells(session, run_id=run.id)
    return {
        "run": run.code,
        "status": run.status,
        "size": run.size,
        "assay": run.assay.name,
        "assay_version": run.assay.version,
        "targets": [target["name"] for target in run.assay.definition["targets"]],
        "version": run.readings_version,
        "failure": spoken_failure(run.failure or []),
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


@pooling_api.post("/runs/<run_code>/start")
@pooling_api.input(Once)
@pooling_api.output(RunState)
@pooling_api.doc(summary="The plate is in the cycler", responses=[404, 409, 422])
@needs("fill_plates")
def start_run(run_code: str, json_data: Once) -> dict[str, Any]:
    """Start a run."""
    return actions.start_run(actor=current_actor(), client_id=json_data.client_id, run_code=run_code)


@pooling_api.post("/runs/<run_code>/fail")
@pooling_api.input(Reason)
@pooling_api.output(RunState)
@pooling_api.doc(summary="Fail a run; its pools wait for another plate", responses=[404, 409, 422])
@needs("record_readings")
def fail_run(run_code: str, json_data: Reason) -> dict[str, Any]:
    """Fail a run."""
    return actions.fail_run(
        actor=current_actor(), client_id=json_data.client_id, run_code=run_code, reason=json_data.reason
    )


@pooling_api.post("/runs/<run_code>/void")
@pooling_api.input(Reason)
@pooling_api.output(RunState)
@pooling_api.doc(summary="Void a run that should not have been planned", responses=[404, 409, 422])
@needs("fill_plates")
def void_run(run_code: str, json_data: Reason) -> dict[str, Any]:
    """Void a run."""
    return actions.void_run(
        actor=current_actor(), client_id=json_data.client_id, run_code=run_code, reason=json_data.reason
    )
