"""The board as JSON holds it: the API's answer, what the page draws from, what `lims capacity status` prints. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lims.capacity.measures import MEASURES
from lims.capacity.pace import Pace
from lims.capacity.rules import Load
from lims.pooling.prevalence import Prevalence

if TYPE_CHECKING:
    from lims.capacity.effective import Effective
    from lims.capacity.queries.board import AtLaboratory, Board, Kits, Waiting

DRAWN = ("collected", "received", "released")
"""Measures of the chart by hour."""
MOVING = ("at", "counted_until")
"""What changes with the clock alone."""


def as_figures(board: Board) -> dict[str, Any]:
    """Return a board as JSON holds it."""
    return {
        "at": board.at.isoformat(),
        "counted_until": board.counted_until.isoformat(),
        "day": board.day.isoformat(),
        "is_today": board.is_today,
        "declared": board.declared,
        "sampled": board.sampled,
        "to_sample": board.to_sample,
        "released": board.released,
        "released_today": board.total("released"),
        "waiting": board.waiting,
        "today": {measure: board.total(measure) for measure in MEASURES},
        "stations": dict(board.stations),
        "oldest_by_station": {name: write_waiting(one) for name, one in board.oldest_by_station.items()},
        "oldest": write_waiting(board.oldest),
        "pace": write_pace(board.pace),
        "legs": [asdict(leg) for leg in board.legs],
        "positivity": {
            "first_on": board.positivity.first_on.isoformat(),
            "pools": board.positivity.pools,
            "pools_positive": board.positivity.pools_positive,
            "of_pools": write_share(board.positivity.of_pools),
            "of_people": write_share(board.positivity.of_people),
            "from_pools": board.positivity.from_pools,
        },
        "pool_size": board.pool_size,
        "effective": write_effective(board.effective),
        "rejected": board.rejected,
        "discrepancies": board.discrepancies,
        "hours": [
            {
                "begins_at": hour.begins_at.isoformat(),
                **{measure: hour.counts.get(measure, 0) for measure in DRAWN},
            }
            for hour in board.hours
        ],
        "days": [
            {"day": day.isoformat(), **{measure: counts.get(measure, 0) for measure in DRAWN}}
            for day, counts in board.days
        ],
        "laboratories": [_laboratory(row) for row in board.laboratories],
        "narrowed": board.narrowed,
    }


def tag_figures(figures: dict[str, Any]) -> str:
    """Return a tag that changes when a figure does, and not with the clock alone."""
    still = {name: value for name, value in figures.items() if name not in MOVING}
    return hashlib.sha256(json.dumps(still, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _laboratory(row: AtLaboratory) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "stations": dict(row.stations),
        "screening": write_load(row.screening),
        "confirmation": write_load(row.confirmation),
        "received_today": row.received_today,
        "released_today": row.released_today,
        "oldest": write_waiting(row.oldest),
        "pace": write_pace(row.pace),
        "effective": write_effective(row.effective),
        "kits": _kits(row.kits),
    }


def write_load(load: Load) -> dict[str, int]:
    """Return reactions of a day as JSON holds them."""
    return asdict(load) | {"free": load.free}


def write_waiting(waiting: Waiting | None) -> dict[str, str] | None:
    """Return what waits longest as JSON holds it."""
    if waiting is None:
        return None
    return {"tube": waiting.tube, "since": waiting.since.isoformat(), "laboratory": waiting.laboratory}


def write_pace(pace: Pace) -> dict[str, Any]:
    """Return a pace as JSON holds it."""
    return asdict(pace) | {
        "arrivals_per_hour": round(pace.arrivals_per_hour, 2),
        "done_per_hour": round(pace.done_per_hour, 2),
        "hours_to_clear": None if pace.hours_to_clear is None else round(pace.hours_to_clear, 1),
        "standing": pace.standing,
    }


def write_share(share: Prevalence | None) -> dict[str, Any] | None:
    """Return an estimated share and its interval as JSON holds them."""
    if share is None:
        return None
    return {
        "share": share.firth,
        "low": share.interval.low,
        "high": share.interval.high,
        "confidence": share.interval.confidence,
        "tested": share.people,
    }


def write_effective(effective: Effective | None) -> dict[str, Any] | None:
    """Return what a day is enough for as JSON holds it."""
    return None if effective is None else asdict(effective)


def _kits(kits: Kits | None) -> dict[str, Any] | None:
    if kits is None:
        return None
    days = kits.days_left
    return {
        "left": kits.left,
        "per_day": round(kits.per_day, 1),
        "days_left": None if days is None else round(days, 1),
    }
