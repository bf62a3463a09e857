"""When a laboratory works, and how many samples it can test in each step of time from now on. Pure.

Time goes in steps that grow: a quarter of an hour for the first day, an hour until the third, four hours until the
seventh, then days, 30 in all. What is tested within a step counts as done at its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from lims.errors import InvalidInput

Numbers = NDArray[np.float64]

DAY = 24 * 60
HORIZON_DAYS = 30
_STEPS = ((15, DAY), (60, 3 * DAY), (240, 7 * DAY), (DAY, HORIZON_DAYS * DAY))


def _make_edges() -> Numbers:
    edges, at = [0], 0
    for minutes, until in _STEPS:
        while at < until:
            at += minutes
            edges.append(at)
    return np.array(edges, dtype=float)


EDGES = _make_edges()
"""Begin of each step and the end of the last, in minutes from now."""
LENGTHS = np.diff(EDGES)
"""Minutes of each step."""
STEPS = len(LENGTHS)


@dataclass(frozen=True, slots=True)
class Hours:
    """When a laboratory works, in local time.

    Args:
        opens: hour of the day, 0 to 23.
        closes: hour of the day, 1 to 24; not after `opens`: on the next day.
        days: days of the week on which it opens, as "1234567"; 1 is Monday.
    """

    opens: int = 0
    closes: int = 24
    days: str = "1234567"

    @property
    def a_day(self) -> int:
        """Hours on a day on which it opens."""
        return self.closes - self.opens if self.closes > self.opens else self.closes + 24 - self.opens


ALWAYS = Hours()


def check_hours(opens: int, closes: int, days: str) -> Hours:
    """Return opening hours.

    Args:
        opens, closes: hours of the day, as of `Hours`.
        days: digits 1 to 7, in any order.

    Raises:
        InvalidInput: names the field.
    """
    if not 0 <= opens <= 23:
        raise InvalidInput("A day has 24 hours. Enter an hour from 0 to 23.", field="opens_hour")
    if not 1 <= closes <= 24:
        raise InvalidInput("A day has 24 hours. Enter an hour from 1 to 24.", field="closes_hour")
    if not days or set(days) - set("1234567"):
        raise InvalidInput("Choose the days of the week on which the laboratory works.", field="days")
    return Hours(opens, closes, "".join(sorted(set(days))))


def list_openings(hours: Hours, now: datetime) -> list[tuple[float, float]]:
    """Return from when to when it is open until the horizon, in minutes from now.

    Args:
        hours: when it works.
        now: the present in the laboratory's time zone.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    found = []
    for day in range(-1, HORIZON_DAYS + 1):
        at = midnight + timedelta(days=day)
        if str(at.isoweekday()) not in hours.days:
            continue
        begin = (at - now).total_seconds() / 60 + 60 * hours.opens
        end = begin + 60 * hours.a_day
        if end > 0:
            found.append((max(begin, 0.0), end))
    return found


def count_capacities(
    hours: Hours, now: datetime, *, per_hour: float, left_today: float | None = None
) -> Numbers:
    """Return how many samples can be tested in each step.

    Args:
        hours: when the laboratory works.
        now: the present in the laboratory's time zone.
        per_hour: samples in an hour in which it is open.
        left_today: samples that today's reactions are still enough for; None for no such limit.
    """
    opened = _sum_open(hours, now, EDGES)
    tested = per_hour * opened
    if left_today is not None:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        today = (midnight - now).total_seconds() / 60
        by_midnight = float(per_hour * _sum_open(hours, now, np.array([today]))[0])
        spared = max(0.0, by_midnight - left_today)
        tested = np.where(today >= EDGES, np.minimum(tested, left_today), tested - spared)
    return np.diff(tested)


def _sum_open(hours: Hours, now: datetime, at: Numbers) -> Numbers:
    """Return the hours for which it has been open from now until each moment."""
    total = np.zeros_like(at)
    for begin, end in list_openings(hours, now):
        total += np.clip(at, begin, end) - begin
    return total / 60
