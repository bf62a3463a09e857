"""How fast work comes and goes, how long until it is done, and how long each leg of the way takes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lims.capacity.figures import HourFigures
from lims.capacity.histograms import Histogram
from lims.capacity.measures import LEGS
from lims.errors import InvalidInput
from lims.msgid import N_
from lims.pooling.prevalence import PoolCounts, Prevalence, estimate_prevalence

AT_LABORATORY = ("received", "pooled", "on_plate", "next_test", "to_verify", "held", "to_release")
"""Stations whose samples a laboratory has in its hands."""

TARGET_MINUTES: Mapping[str, int] = {
    "collected_received": 6 * 60,
    "received_pooled": 4 * 60,
    "pooled_tested": 6 * 60,
    "tested_verified": 4 * 60,
    "verified_released": 4 * 60,
    "collected_released": 24 * 60,
}
"""Within which each leg should be done. 24 hours in all is what campaigns aim at (docs/decisions/board.md); the legs
share it. All are edges of buckets, so that the shares are exact."""


LEG_WORDS: Mapping[str, str] = {
    "collected_received": N_("from collection to the laboratory"),
    "received_pooled": N_("from the laboratory’s door into a pool"),
    "pooled_tested": N_("from the pool to a reading"),
    "tested_verified": N_("from the reading to the second person"),
    "verified_released": N_("from the second person to the release"),
    "collected_released": N_("from collection to the release"),
}


@dataclass(frozen=True)
class Pace:
    """What came and went in some hours, against what waits.

    Args:
        waiting: samples now.
        arrived, done: in these hours.
        hours: how many hours that were.
    """

    waiting: int
    arrived: int
    done: int
    hours: int

    @property
    def arrivals_per_hour(self) -> float:
        """Samples that come in an hour, on average."""
        return self.arrived / self.hours if self.hours else 0.0

    @property
    def done_per_hour(self) -> float:
        """Samples that are done in an hour, on average."""
        return self.done / self.hours if self.hours else 0.0

    @property
    def hours_to_clear(self) -> float | None:
        """Hours until nothing waits, if both go on as they were; None where that never comes."""
        if not self.waiting:
            return 0.0
        gain = self.done_per_hour - self.arrivals_per_hour
        return self.waiting / gain if gain > 0 else None

    @property
    def standing(self) -> str:
        """One word: `empty`, `clears`, `grows`, or `stands` where nothing is done or as much comes as goes."""
        if not self.waiting:
            return "empty"
        if self.done > self.arrived:
            return "clears"
        return "grows" if self.arrived > self.done else "stands"


def measure_pace(standing: Mapping[str, int], hours: Sequence[HourFigures]) -> Pace:
    """Return the pace of what is at laboratories: received against released or rejected.

    Args:
        standing: samples by station.
        hours: those that are looked at, in any order.
    """
    counts: dict[str, int] = {}
    for hour in hours:
        for measure, number in hour.counts.items():
            counts[measure] = counts.get(measure, 0) + number
    return Pace(
        waiting=sum(standing.get(station, 0) for station in AT_LABORATORY),
        arrived=counts.get("received", 0),
        done=counts.get("released", 0) + counts.get("rejected", 0),
        hours=len(hours),
    )


@dataclass(frozen=True)
class Leg:
    """How long one leg of the way took.

    Args:
        name: key of `measures.LEGS`.
        total: samples that ended it.
        median_minutes, p75_minutes, p90_minutes: to the width of a bucket; None of nothing.
        target_minutes: within which it should be done.
        within_target: share that was, 0 to 1; None of nothing.
    """

    name: str
    total: int
    median_minutes: float | None
    p75_minutes: float | None
    p90_minutes: float | None
    target_minutes: int
    within_target: float | None


def read_legs(legs: Mapping[str, Histogram]) -> list[Leg]:
    """Return all legs in the order of the way, those without anything included.

    Median, 75th percentile and share within a limit by component are what a national laboratory service steers by
    (NHLS: doi 10.4102/ajlm.v9i2.948); the 90th percentile is that of Hawkins 2007 (Clin Biochem Rev 28:179).
    """
    found = []
    for name in LEGS:
        histogram = legs.get(name, Histogram())
        found.append(
            Leg(
                name=name,
                total=histogram.total,
                median_minutes=histogram.quantile(0.5),
                p75_minutes=histogram.quantile(0.75),
                p90_minutes=histogram.quantile(0.9),
                target_minutes=TARGET_MINUTES[name],
                within_target=histogram.share_within(TARGET_MINUTES[name]),
            )
        )
    return found


def find_size_in_use(pools: Iterable[PoolCounts]) -> int | None:
    """Return the size of most pools, the larger of two that are equally many; None without any."""
    tested = {group.size: group.tested for group in pools if group.tested}
    return max(tested, key=lambda size: (tested[size], size), default=None)


def estimate_share(tested: int, positive: int) -> Prevalence | None:
    """Return a share of single things with its interval, as `prevalence` gives it for pools of one; None of nothing."""
    return estimate_of([PoolCounts(size=1, tested=tested, positive=positive)])


def estimate_of(pools: Sequence[PoolCounts]) -> Prevalence | None:
    """Return the estimate from pools; None where none was tested or the counts cannot be."""
    try:
        return estimate_prevalence(pools)
    except InvalidInput:
        return None
