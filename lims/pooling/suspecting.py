"""What of a run looks too odd to be released without a look. Read inside its review; nothing is changed here."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import clock, codes
from lims.intake.models import Discrepancy
from lims.msgid import N_
from lims.pooling.assays import read_definition
from lims.pooling.calls import Call
from lims.pooling.curves import unpack_points
from lims.pooling.instruments.run_file import Curve
from lims.pooling.models import Pool, Run
from lims.pooling.queries import controls
from lims.pooling.queries import runs as queries
from lims.pooling.readings import Reading
from lims.pooling.suspicions import Counts, Suspicion, find_flat_curves, find_jump, find_suspicions
from lims.pooling.westgard import check

HISTORY_DAYS = 14
"""What a laboratory finds now is compared with what it found in so many days before."""
LEAST_HISTORY = 50
"""Pools; with fewer nobody can say what is usual."""


@dataclass(frozen=True)
class Suspected:
    """A suspicion, and the pool or the run it is about.

    Args:
        kind: a word of `intake.rules.DISCREPANCY_KINDS`.
        pool_id: the pool, or None where it is about the run.
        details: `message`, `parameters`, `run`, and `pool` where it is about one.
    """

    kind: str
    pool_id: uuid.UUID | None
    details: dict[str, Any]


def suspect_run(session: Session, *, run: Run) -> list[Suspected]:
    """Return all that is suspicious of a run that was just called.

    Args:
        session: writing session of the review, its pools called.
        run: with valid controls.
    """
    kit = read_definition(run.assay.definition)
    plate = queries.load_plate(session, run_id=run.id)
    version = run.readings_version
    readings = [
        Reading(position, target, row.ct, row.raw_ct, 0)
        for (position, target), row in queries.map_readings(session, run_id=run.id, version=version).items()
    ]
    calls = {
        position: Call(row.finding, row.reason, row.reason_parameters)
        for position, row in queries.map_calls(session, run_id=run.id, version=version).items()
    }
    curves = [
        Curve(
            row.position,
            row.target,
            tuple(float(row.first_cycle + place) for place in range(len(points))),
            tuple(points),
            "dRn",
        )
        for row in queries.list_curves(session, run_id=run.id, version=version)
        for points in [unpack_points(row.points)]
    ]
    found: list[Suspicion] = [
        *find_suspicions(kit, plate, calls, readings, size=run.size),
        *find_flat_curves(kit, plate, readings, curves),
        *_find_jumps(session, run),
        *_find_drifts(session, run),
    ]
    wanted = {one.pool for one in found if one.pool}
    ids: Mapping[str, uuid.UUID] = {
        row.code: row.id for row in session.execute(select(Pool.code, Pool.id).where(Pool.code.in_(wanted)))
    }
    return [
        Suspected(
            one.kind,
            ids.get(one.pool) if one.pool else None,
            {"message": one.message, "parameters": dict(one.parameters), "run": run.code}
            | ({"pool": one.pool} if one.pool else {}),
        )
        for one in found
    ]


def _find_jumps(session: Session, run: Run) -> list[Suspicion]:
    """Compare the plate, and its kit lot, with what the laboratory found before."""
    here = (Run.laboratory_id == run.laboratory_id, Run.campaign_id == run.campaign_id)
    since = run.planned_at - timedelta(days=HISTORY_DAYS)
    history = (*here, Run.id != run.id, Run.planned_at >= since, Run.planned_at <= run.planned_at)
    now = controls.count_screened(session, Run.id == run.id)
    before = controls.count_screened(session, *history)
    found = []
    if before[0] >= LEAST_HISTORY:
        found.append(find_jump(Counts(*before), Counts(*now)))
    if run.kit_lot and not _is_lot_settled(session, run):
        others = controls.count_screened(session, *history, Run.kit_lot != run.kit_lot)
        of_lot = controls.count_screened(session, *here, Run.kit_lot == run.kit_lot)
        if others[0] >= LEAST_HISTORY:
            found.append(_of_lot(find_jump(Counts(*others), Counts(*of_lot)), run.kit_lot))
    return [one for one in found if one is not None]


def _is_lot_settled(session: Session, run: Run) -> bool:
    """Tell whether a supervisor has settled the same of this lot a day ago at most: it is not asked again."""
    return bool(
        session.scalar(
            select(Discrepancy.id)
            .where(
                Discrepancy.kind == "positivity_jump",
                Discrepancy.place_id == run.laboratory_id,
                Discrepancy.status == "settled",
                Discrepancy.settled_at > clock.now() - timedelta(days=1),
                Discrepancy.details["parameters"]["lot"].as_string() == run.kit_lot,
            )
            .limit(1)
        )
    )


def _of_lot(found: Suspicion | None, lot: str) -> Suspicion | None:
    if found is None:
        return None
    return Suspicion(
        found.kind,
        None,
        N_(
            "Kit lot %(lot)s: %(positive)s of %(tested)s pools are positive, %(earlier_positive)s of %(earlier_tested)s"
            " with other lots."
        ),
        {**found.parameters, "lot": lot},
    )


def _find_drifts(session: Session, run: Run) -> list[Suspicion]:
    """Look for Westgard rules that this run breaks and that a supervisor has set to hold its release."""
    key = controls.key_of(run)
    approved = controls.map_limits(session, key=key)
    if not any(row.blocking for row in approved.values()):
        return []
    series = {
        one.name: one
        for one in controls.list_series(session, key=key, until=run.entered_at)
        if (one.control, one.target) in approved
    }
    if not series:
        return []
    blocking = {f"{control} {target}": set(row.blocking) for (control, target), row in approved.items()}
    limits = {
        name: limit for name, limit in controls.limits_by_name(approved.values()).items() if name in series
    }
    codes_of_runs = [code for code, _id, _at in next(iter(series.values())).runs]
    broken = check({name: one.values for name, one in series.items()}, limits)
    return [
        Suspicion(
            "control_drift",
            None,
            violation.message,
            {**violation.parameters, "run": codes.grouped(run.code)},
        )
        for violation in broken
        if codes_of_runs[violation.run] == run.code
        and any(violation.rule in blocking[level] for level in violation.levels)
    ]
