"""Pace, legs and shares: every odd input is a word or nothing, never a division by zero."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lims.capacity.figures import HourFigures
from lims.capacity.histograms import EDGES, Histogram, find_bucket
from lims.capacity.measures import LEGS, STATIONS
from lims.capacity.pace import (
    AT_LABORATORY,
    TARGET_MINUTES,
    Pace,
    estimate_of,
    estimate_share,
    find_size_in_use,
    measure_pace,
    read_legs,
)
from lims.pooling.prevalence import PoolCounts

AT = datetime(2021, 8, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("waiting", "arrived", "done", "word", "hours"),
    [
        (0, 0, 0, "empty", 0.0),
        (0, 50, 0, "empty", 0.0),
        (120, 240, 480, "clears", 12.0),
        (120, 480, 240, "grows", None),
        (120, 240, 240, "stands", None),
        (120, 0, 0, "stands", None),
        (120, 0, 24, "clears", 120.0),
    ],
)
def test_what_waits_clears_grows_or_stands(waiting, arrived, done, word, hours):
    pace = Pace(waiting=waiting, arrived=arrived, done=done, hours=24)
    assert (pace.standing, pace.hours_to_clear) == (word, hours)


def test_no_hours_are_no_division():
    pace = Pace(waiting=3, arrived=0, done=0, hours=0)
    assert (pace.arrivals_per_hour, pace.done_per_hour, pace.hours_to_clear) == (0, 0, None)


def test_what_is_rejected_is_done_and_what_is_on_the_road_does_not_wait_at_a_laboratory():
    hours = [HourFigures(AT, {"received": 10, "released": 4, "rejected": 1, "collected": 99})] * 2
    pace = measure_pace({"on_the_road": 50, "received": 7, "held": 2}, hours)
    assert pace == Pace(waiting=9, arrived=20, done=10, hours=2)
    assert set(AT_LABORATORY) == set(STATIONS) - {"at_the_site", "on_the_road"}


def test_a_leg_tells_quantiles_and_the_exact_share_within_its_target():
    minutes = [30] * 60 + [200] * 30 + [600] * 10
    counts: dict[int, int] = {}
    for one in minutes:
        counts[find_bucket(one)] = counts.get(find_bucket(one), 0) + 1
    leg = {one.name: one for one in read_legs({"received_pooled": Histogram(counts)})}["received_pooled"]
    assert (leg.total, leg.within_target, leg.target_minutes) == (100, 0.9, 240)
    assert 30 <= leg.median_minutes <= 40 and 180 <= leg.p75_minutes <= 210 and 180 <= leg.p90_minutes <= 210


def test_legs_without_anything_are_there_and_empty():
    legs = read_legs({})
    assert [leg.name for leg in legs] == list(LEGS)
    assert all((leg.total, leg.median_minutes, leg.within_target) == (0, None, None) for leg in legs)


def test_targets_are_edges_of_buckets_and_the_legs_share_the_whole():
    assert set(TARGET_MINUTES) == set(LEGS)
    assert set(TARGET_MINUTES.values()) <= set(EDGES)
    *parts, whole = TARGET_MINUTES.values()
    assert sum(parts) == whole


def test_the_size_in_use_is_that_of_most_pools():
    pools = [PoolCounts(5, 3, 0), PoolCounts(10, 3, 1), PoolCounts(1, 2, 0)]
    assert find_size_in_use(pools) == 10
    assert find_size_in_use([]) is None


def test_shares_of_nothing_of_none_and_of_all():
    assert estimate_share(0, 0) is None
    assert estimate_of([]) is None
    assert estimate_of([PoolCounts(10, 1, 2)]) is None, "cannot be: no crash of the board"
    none, all_of_them = estimate_share(50, 0), estimate_share(50, 50)
    assert none.interval.low == 0 < none.interval.high < 0.1
    assert 0.9 < all_of_them.interval.low < all_of_them.interval.high == 1
