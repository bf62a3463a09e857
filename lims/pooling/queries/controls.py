"""Reading the controls' Ct values over time, for Levey-Jennings charts and Westgard's rules."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lims.pooling.models import Assay, ControlLimits, Pool, Reading, Run, Well
from lims.pooling.westgard import Limits

# Runs whose controls were read; a failed run's control is on the chart too: that is what the chart is for.
_READ = ("imported", "reviewed", "verified", "failed", "void")
IN_CONTROL = ("imported", "reviewed", "verified")
"""Runs that limits may be made of: what failed or was withdrawn would widen them."""
MOST_RUNS = 200


@dataclass(frozen=True)
class ChartKey:
    """What one chart is about: controls of one assay and lot on one instrument of one laboratory."""

    laboratory_id: uuid.UUID
    assay_name: str
    kit_lot: str
    instrument: str


@dataclass(frozen=True)
class Series:
    """One control's Ct values of one target, a run each, the oldest first.

    Args:
        control: its kind.
        target: the target's name.
        runs: code, key and moment of each run.
        values: Ct of each run; the mean where the plate has several such wells; None where there was none.
    """

    control: str
    target: str
    runs: tuple[tuple[str, uuid.UUID, datetime], ...]
    values: tuple[float | None, ...]

    @property
    def name(self) -> str:
        """Its name among the levels of a check."""
        return f"{self.control} {self.target}"


def key_of(run: Run) -> ChartKey:
    """Return the chart that a run's controls belong to."""
    return ChartKey(run.laboratory_id, run.assay.name, run.kit_lot, run.instrument)


def list_chart_keys(session: Session, *, laboratory_id: uuid.UUID, most: int = 100) -> list[ChartKey]:
    """Return what a laboratory has charts of, the latest used first."""
    rows = session.execute(
        select(Assay.name, Run.kit_lot, Run.instrument, func.max(Run.entered_at).label("last"))
        .join(Assay, Assay.id == Run.assay_id)
        .where(Run.laboratory_id == laboratory_id, Run.status.in_(_READ), Run.entered_at.is_not(None))
        .group_by(Assay.name, Run.kit_lot, Run.instrument)
        .order_by(func.max(Run.entered_at).desc())
        .limit(most)
    )
    return [ChartKey(laboratory_id, row.name, row.kit_lot, row.instrument) for row in rows]


def list_series(
    session: Session, *, key: ChartKey, until: datetime | None = None, statuses: Sequence[str] = _READ
) -> list[Series]:
    """Return the controls of one chart that show a Ct, over its last runs.

    Args:
        session: reading or writing session.
        key: which chart.
        until: only runs read until then.
        statuses: only runs in one of these states.
    """
    last = (
        select(Run.id, Run.code, Run.entered_at, Run.readings_version)
        .join(Assay, Assay.id == Run.assay_id)
        .where(
            Run.laboratory_id == key.laboratory_id,
            Assay.name == key.assay_name,
            Run.kit_lot == key.kit_lot,
            Run.instrument == key.instrument,
            Run.status.in_(statuses),
            Run.entered_at.is_not(None),
        )
        .order_by(Run.entered_at.desc(), Run.id.desc())
        .limit(MOST_RUNS)
    )
    if until is not None:
        last = last.where(Run.entered_at <= until)
    runs = sorted(session.execute(last).all(), key=lambda row: (row.entered_at, row.id))
    rows = session.execute(
        select(Reading.run_id, Reading.version, Well.control, Reading.target, Reading.ct)
        .join(Well, (Well.run_id == Reading.run_id) & (Well.position == Reading.position))
        .where(
            Reading.run_id.in_([run.id for run in runs]), Well.control.is_not(None), Reading.ct.is_not(None)
        )
    )
    versions = {run.id: run.readings_version for run in runs}
    found: defaultdict[tuple[str, str], defaultdict[uuid.UUID, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in rows:
        if row.version == versions[row.run_id] and row.control and row.ct is not None:
            found[row.control, row.target][row.run_id].append(row.ct)
    named = tuple((run.code, run.id, run.entered_at) for run in runs)
    return [
        Series(control, target, named, tuple(_mean(by_run.get(run.id)) for run in runs))
        for (control, target), by_run in sorted(found.items())
    ]


def _mean(values: Sequence[float] | None) -> float | None:
    return sum(values) / len(values) if values else None


def map_limits(session: Session, *, key: ChartKey) -> dict[tuple[str, str], ControlLimits]:
    """Return the approved limits of one chart, by control and target."""
    rows = session.scalars(
        select(ControlLimits).where(
            ControlLimits.laboratory_id == key.laboratory_id,
            ControlLimits.assay_name == key.assay_name,
            ControlLimits.kit_lot == key.kit_lot,
            ControlLimits.instrument == key.instrument,
        )
    )
    return {(row.control, row.target): row for row in rows}


def limits_by_name(rows: Iterable[ControlLimits]) -> dict[str, Limits]:
    """Return approved limits as the rules take them."""
    return {f"{row.control} {row.target}": Limits(row.mean, row.sd, row.count) for row in rows}


def count_screened(session: Session, *conditions: Any) -> tuple[int, int]:
    """Return how many screening pools of some runs were called, and how many of them positive."""
    rows = session.execute(
        select(Pool.finding, func.count(Pool.id.distinct()))
        .join(Well, Well.pool_id == Pool.id)
        .join(Run, Run.id == Well.run_id)
        .where(
            Pool.purpose == "screen",
            Pool.attempt == 1,
            Pool.status.in_(("called", "resolved")),
            Run.status.in_(("imported", "reviewed", "verified")),
            *conditions,
        )
        .group_by(Pool.finding)
    )
    counts = {row[0]: row[1] for row in rows}
    return sum(counts.values()), counts.get("detected", 0)
