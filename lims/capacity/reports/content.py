"""What a report says: figures and shares by fixed names, the same for page, PDF, workbook and programs. Pure.

It holds no word of any language; `wording` names what stands here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from lims.capacity.figures import DayFigures
from lims.capacity.measures import LEGS, STATIONS
from lims.capacity.reports.values import Counts, LaboratoryOfReport, ReportFigures
from lims.errors import InvalidInput
from lims.pooling.prevalence import PoolCounts, estimate_prevalence

KINDS = ("daily", "weekly")
SHOWN_DAYS = {"daily": 14, "weekly": 28}
"""Days of the charts, up to the report's last one."""
TARGET_MINUTES = 24 * 60
FINDINGS = ("not_detected", "detected", "inconclusive", "invalid")
PURPOSES = ("screen", "retest", "confirm")
COUNTED = (
    "declared",
    "collected",
    "received",
    "rejected",
    "tested",
    "verified",
    "released",
    "amended",
    "withdrawn",
)

# no campaign was before; and a calendar has an end
FIRST_YEAR, LAST_YEAR = 2000, 2199


def find_days(kind: str, day: date) -> tuple[date, date]:
    """Return the first and the last day of a report: the day, or its week from Monday to Sunday.

    Raises:
        InvalidInput: there is no such kind of report, or the day is one of no campaign.
    """
    if kind not in KINDS:
        raise InvalidInput("There is no such report. Choose the daily or the weekly one.", field="kind")
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InvalidInput(
            "Choose a day of the years %(first)s to %(last)s.", field="day", first=FIRST_YEAR, last=LAST_YEAR
        )
    if kind == "daily":
        return day, day
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def write_content(kind: str, figures: ReportFigures) -> dict[str, Any]:
    """Return a report as JSON holds it.

    Args:
        kind: a word of `KINDS`.
        figures: of its days.
    """
    whole = figures.whole
    return {
        "kind": kind,
        "province": figures.province,
        "campaigns": list(figures.campaigns),
        "first_on": whole.first_on.isoformat(),
        "last_on": whole.last_on.isoformat(),
        "counts": _counts(whole.counts),
        "pools": _pools(whole.counts),
        "standing": {station: whole.standing.get(station, 0) for station in STATIONS},
        "legs": [_leg(whole, leg) for leg in LEGS],
        "laboratories": [_laboratory(row, whole) for row in figures.laboratories],
        "communes": [
            {
                "name": name,
                "declared": _total(counts, "declared"),
                "collected": _total(counts, "collected"),
                "released": _total(counts, "released"),
                "detected": counts.get(("released", "detected"), 0),
            }
            for name, counts in figures.communes
        ],
        "days": [
            {
                "day": day.isoformat(),
                "collected": _total(counts, "collected"),
                "received": _total(counts, "received"),
                "released": _total(counts, "released"),
                "detected": counts.get(("released", "detected"), 0),
                "reactions": _total(counts, "reactions"),
            }
            for day, counts in figures.days
        ],
    }


def _total(counts: Counts, measure: str) -> int:
    return sum(number for (name, _detail), number in counts.items() if name == measure)


def _details(counts: Counts, measure: str) -> dict[str, int]:
    return {detail: number for (name, detail), number in sorted(counts.items()) if name == measure and number}


def _counts(counts: Counts) -> dict[str, Any]:
    return {
        **{measure: _total(counts, measure) for measure in COUNTED},
        "rejected_by_reason": _details(counts, "rejected"),
        "released_by_finding": {word: counts.get(("released", word), 0) for word in FINDINGS},
        "reactions": {word: counts.get(("reactions", word), 0) for word in PURPOSES},
        "discrepancies_opened": _total(counts, "discrepancies_opened"),
        "discrepancies_settled": _total(counts, "discrepancies_settled"),
    }


def _pools(counts: Counts) -> dict[str, Any]:
    """Return the pools of all sizes and the prevalence behind them, as percent with its interval; None of no pool."""
    groups = [
        PoolCounts(size=int(size), tested=tested, positive=counts.get(("pools_positive", size), 0))
        for size, tested in _details(counts, "pools_tested").items()
        if tested > 0
    ]
    tested = sum(group.tested for group in groups)
    found: dict[str, Any] = {
        "tested": tested,
        "positive": sum(group.positive for group in groups),
        "positive_percent": None,
        "prevalence_percent": None,
        "prevalence_low": None,
        "prevalence_high": None,
    }
    if tested:
        estimate = estimate_prevalence(groups)
        found |= {
            "positive_percent": round(100 * found["positive"] / tested, 2),
            "prevalence_percent": round(100 * estimate.firth, 3),
            "prevalence_low": round(100 * estimate.interval.low, 3),
            "prevalence_high": round(100 * estimate.interval.high, 3),
        }
    return found


def _leg(figures: DayFigures, leg: str) -> dict[str, Any]:
    histogram = figures.legs.get(leg)
    if histogram is None or not histogram.total:
        return {"leg": leg, "number": 0, "median": None, "p75": None, "p90": None, "within_percent": None}
    within = histogram.share_within(TARGET_MINUTES)
    return {
        "leg": leg,
        "number": histogram.total,
        **{
            name: _minutes(histogram.quantile(share))
            for name, share in (("median", 0.5), ("p75", 0.75), ("p90", 0.9))
        },
        "within_percent": None if within is None else round(100 * within, 1),
    }


def _minutes(value: float | None) -> int | None:
    return None if value is None else round(value)


def _laboratory(row: LaboratoryOfReport, whole: DayFigures) -> dict[str, Any]:
    days = (whole.last_on - whole.first_on).days + 1
    figures, counts = row.figures, row.figures.counts
    screening = counts.get(("reactions", "screen"), 0) + counts.get(("reactions", "retest"), 0)
    confirmation = counts.get(("reactions", "confirm"), 0)
    way = _leg(figures, "collected_released")
    return {
        "name": row.name,
        "received": _total(counts, "received"),
        "rejected": _total(counts, "rejected"),
        "screening": screening,
        "screening_capacity": row.screening_per_day * days,
        "screening_percent": _percent(screening, row.screening_per_day * days),
        "confirmation": confirmation,
        "confirmation_capacity": row.confirmation_per_day * days,
        "confirmation_percent": _percent(confirmation, row.confirmation_per_day * days),
        "pools": _pools(counts),
        "released": _total(counts, "released"),
        "detected": counts.get(("released", "detected"), 0),
        "standing": sum(figures.standing.values()),
        "median": way["median"],
        "p90": way["p90"],
    }


def _percent(part: int, whole: int) -> int | None:
    return round(100 * part / whole) if whole else None


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """Return which counts of a report have changed since it was made: name, number then, number now.

    Args:
        before, after: as of `write_content`, of the same days.
    """
    found = {name: (int(before["counts"][name]), int(after["counts"][name])) for name in COUNTED}
    # an amended finding changes no count of its day
    found["detected"] = (_count_detected(before), _count_detected(after))
    return [(name, then, now) for name, (then, now) in found.items() if then != now]


def _count_detected(content: Mapping[str, Any]) -> int:
    return sum(int(row["detected"]) for row in content["laboratories"])


def is_empty(content: Mapping[str, Any]) -> bool:
    """Tell whether nothing happened and nothing stood anywhere on a report's days."""
    counted: Sequence[int] = [content["counts"][name] for name in COUNTED]
    return not any(counted) and not any(content["standing"].values())
