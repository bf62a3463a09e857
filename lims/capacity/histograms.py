"""Durations as counts in fixed buckets, so that histograms of hours and laboratories can be added. Pure."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

EDGES: tuple[int, ...] = (
    *range(0, 120, 10),
    *range(120, 720, 30),
    *range(720, 2880, 120),
    *range(2880, 10080, 720),
    10080,
)
"""Lower edges of the buckets in minutes: ten minutes wide to two hours, half an hour to twelve, two hours to two days,
half a day to a week; the last holds all that took longer."""


def find_bucket(minutes: float) -> int:
    """Return the number of the bucket of a duration; what is negative, from clocks that differ, counts as 0."""
    return max(0, bisect.bisect_right(EDGES, minutes) - 1)


@dataclass(frozen=True)
class Histogram:
    """Counts by bucket.

    Args:
        counts: bucket → number; buckets without any may be missing.
    """

    counts: Mapping[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many durations."""
        return sum(self.counts.values())

    def quantile(self, share: float) -> float | None:
        """Return the minutes within which a share of all were done, to the width of its bucket; None of nothing.

        Within the bucket the durations are taken as spread evenly; of the last bucket its lower edge is given.

        Args:
            share: 0 to 1, as 0.9.
        """
        wanted = share * self.total
        seen = 0
        for bucket in sorted(self.counts):
            number = self.counts[bucket]
            if number and seen + number >= wanted:
                low = EDGES[bucket]
                high = EDGES[bucket + 1] if bucket + 1 < len(EDGES) else low
                return low + (high - low) * max(0.0, wanted - seen) / number
            seen += number
        return None

    def share_within(self, minutes: int) -> float | None:
        """Return the share that took at most so long, 0 to 1; None of nothing. Exact at the edges of buckets."""
        if not self.total:
            return None
        inside = 0.0
        for bucket, number in self.counts.items():
            low = EDGES[bucket]
            high = EDGES[bucket + 1] if bucket + 1 < len(EDGES) else None
            if high is not None and high <= minutes:
                inside += number
            elif high is not None and low < minutes:
                inside += number * (minutes - low) / (high - low)
        return inside / self.total


def add(histograms: Iterable[Histogram]) -> Histogram:
    """Return what several histograms are together."""
    counts: dict[int, int] = {}
    for histogram in histograms:
        for bucket, number in histogram.counts.items():
            counts[bucket] = counts.get(bucket, 0) + number
    return Histogram(counts)
