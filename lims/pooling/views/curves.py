"""What the curves' panel of a run is drawn from, and what another version of the assay would say."""

from __future__ import annotations

import math
import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from flask import render_template, request, url_for

from lims.extensions import db
from lims.language import say, say_word
from lims.pooling.assays import read_definition
from lims.pooling.curves import unpack_points
from lims.pooling.models import Run, Well
from lims.pooling.plate_calls import call_plate
from lims.pooling.queries import assays as assay_queries
from lims.pooling.queries import files as file_queries
from lims.pooling.queries import pools as pool_queries
from lims.pooling.queries import runs as queries
from lims.pooling.readings import Reading
from lims.pooling.views import pooling
from lims.pooling.views.runs import get_run_of_actor
from lims.security import needs


@pooling.get("/runs/<run_code>/curves.json")
@needs("see_laboratory")
def show_curves(run_code: str) -> dict[str, Any]:
    """Return readings, calls and curves of a run, or of one pool and the controls, for the panel that draws them."""
    run, session = get_run_of_actor(run_code), db.session()
    wells = _list_wells(run, pool_code=request.args.get("pool", ""))
    shown = {well.position for well in wells}
    file = file_queries.find_accepted(session, run=run)
    thresholds = (file.thresholds or {}) if file else {}
    kept = queries.list_curves(session, run_id=run.id, version=run.readings_version)
    first, cycles = min((curve.first_cycle for curve in kept), default=1), 0
    curves: defaultdict[str, dict[str, list[float | None]]] = defaultdict(dict)
    for curve in kept:
        if curve.position not in shown:
            continue
        # all begin at one cycle, as the panel counts from there
        lacking = curve.first_cycle - first
        points = [None] * lacking + [_rounded(value) for value in unpack_points(curve.points)]
        cycles = max(cycles, len(points))
        curves[curve.target][curve.position] = points
    return {
        "size": run.size,
        "targets": [
            {
                "name": target["name"],
                "dye": target["dye"],
                "role": target["role"],
                "cutoff": target["cutoff"],
                "threshold": thresholds.get(target["name"]),
            }
            for target in run.assay.definition["targets"]
        ],
        "cycles": cycles,
        "first_cycle": first,
        "quantity": file.quantity if file else "",
        "wells": _describe_wells(run, wells),
        "curves": curves,
    }


def _rounded(value: float) -> float | None:
    # five digits draw the same line and are half as long to send
    return None if math.isnan(value) or math.isinf(value) else float(f"{value:.5g}")


def _list_wells(run: Run, *, pool_code: str) -> list[Well]:
    """Return the wells of a plate; where a pool is named, only its own and the controls it is compared with."""
    wells = queries.list_wells(db.session(), run_id=run.id)
    return [well for well in wells if not pool_code or well.pool is None or well.pool.code == pool_code]


def _describe_wells(run: Run, wells: Sequence[Well]) -> dict[str, dict[str, Any]]:
    session = db.session()
    calls = queries.map_calls(session, run_id=run.id, version=run.readings_version)
    readings: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for (position, target), row in queries.map_readings(
        session, run_id=run.id, version=run.readings_version
    ).items():
        readings[position][target] = {"ct": row.ct, "raw": row.raw_ct, "flags": row.flags or []}
    tubes = pool_queries.map_tube_codes(session, pool_ids=[well.pool_id for well in wells if well.pool_id])
    described = {}
    for well in wells:
        call = calls.get(well.position)
        described[well.position] = {
            "label": well.pool.code if well.pool else well.control,
            "control": well.pool is None,
            "finding": call.finding if call else None,
            "finding_word": say_word(call.finding) if call else "",
            "reason": say(call.reason, call.reason_parameters) if call else "",
            "url": url_for("pooling.show_pool", pool_code=well.pool.code) if well.pool else "",
            "tubes": [
                {"code": code, "url": url_for("intake.show_tube", code=code)}
                for code in (tubes.get(well.pool_id, []) if well.pool_id else [])
            ],
            "readings": readings.get(well.position, {}),
        }
    return described


@pooling.get("/runs/<run_code>/comparison")
@needs("see_laboratory")
def compare_run(run_code: str) -> str:
    """Show what another version of the assay makes of the same readings; nothing is changed by it."""
    run, session = get_run_of_actor(run_code), db.session()
    versions = [one for one in assay_queries.list_assays(session) if one.name == run.assay.name]
    wanted = request.args.get("assay_id", type=uuid.UUID)
    other = next((one for one in versions if one.id == wanted), None)
    rows, failure = _compare(run, other.definition) if other is not None else ([], [])
    return render_template(
        "pooling/comparison.html", run=run, versions=versions, other=other, rows=rows, failure=failure
    )


def _compare(run: Run, definition: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the wells whose call would be another one, and why the run would fail."""
    session = db.session()
    plate = queries.load_plate(session, run_id=run.id)
    known = queries.map_readings(session, run_id=run.id, version=run.readings_version)
    kit = read_definition(definition)
    names = {target.name for target in kit.targets}
    readings = [
        Reading(position, target, row.ct, row.raw_ct, 0)
        for (position, target), row in known.items()
        if target in names
    ]
    called = call_plate(kit, plate, readings)
    before = queries.map_calls(session, run_id=run.id, version=run.readings_version)
    rows = [
        {
            "position": well.position,
            "pool": well.pool,
            "control": well.control,
            "before": before[well.position].finding,
            "before_reason": say(before[well.position].reason, before[well.position].reason_parameters),
            "after": called.calls[well.position].finding,
            "after_reason": say(
                called.calls[well.position].reason, dict(called.calls[well.position].parameters)
            ),
        }
        for well in plate
        if well.position in before and before[well.position].finding != called.calls[well.position].finding
    ]
    return rows, [say(one.message, dict(one.parameters)) for one in called.problems]
