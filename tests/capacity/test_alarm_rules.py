"""What is an alarm, by pure rules: from which number on, and what is none."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.capacity.alarms import rules
from lims.capacity.alarms.rules import KINDS, find_shift
from lims.capacity.alarms.telling import LONGEST_PLACE, SMS
from lims.errors import InvalidInput
from lims.outbox.sms_text import count_segments
from lims.pooling.prevalence import PoolCounts

NOW = datetime(2021, 8, 6, 2, 0, tzinfo=UTC)


def limits_of(kind: str, **changed: float) -> dict[str, float]:
    return {threshold.name: threshold.preset for threshold in KINDS[kind].thresholds} | changed


def test_a_sample_waits_too_long_only_beyond_the_limit():
    limits = limits_of("backlog_old", hours=24)
    assert rules.is_backlog_old(NOW - timedelta(hours=24), now=NOW, limits=limits) is None
    assert rules.is_backlog_old(NOW - timedelta(hours=25, minutes=5), now=NOW, limits=limits) == 25


def test_every_one_of_the_last_hours_must_be_above_what_can_be_tested():
    limits = limits_of("arrivals_above_capacity", hours=3)
    a_day = 24 * 100
    assert rules.is_above_capacity([0, 101, 150, 101], people_per_day=a_day, limits=limits) == (352, 300)
    assert rules.is_above_capacity([500, 500, 100], people_per_day=a_day, limits=limits) is None
    assert rules.is_above_capacity([500, 500], people_per_day=a_day, limits=limits) is None


def test_without_any_capacity_every_arrival_is_above_it_and_no_arrival_is_none():
    limits = limits_of("arrivals_above_capacity", hours=2)
    assert rules.is_above_capacity([1, 1], people_per_day=0, limits=limits) == (2, 0)
    assert rules.is_above_capacity([0, 1], people_per_day=0, limits=limits) is None


@pytest.mark.parametrize(
    ("measured", "told"), [((4.0, 8.0), None), ((None, 8.5), 8.5), ((1.0, 12.0), 12.0), ((None, None), None)]
)
def test_the_temperature_furthest_beyond_the_limits_is_told(measured, told):
    found = rules.is_too_warm(measured, coldest_c=2, warmest_c=8, limits=limits_of("box_warm"))
    assert found == told


def pools(positive: int, tested: int, size: int = 10) -> list[PoolCounts]:
    return [PoolCounts(size=size, tested=tested, positive=positive)]


def test_a_laboratory_that_leaves_its_own_past_and_the_others_is_told_of():
    shift = find_shift(
        pools(20, 40), own=pools(30, 600), others=pools(200, 4000), limits=limits_of("positivity_shift")
    )
    assert shift is not None
    assert (shift.tested, shift.positive) == (40, 20)
    assert shift.own == pytest.approx(40 * 30 / 600, rel=0.1)
    assert shift.others == pytest.approx(2, rel=0.1)


def test_a_wave_that_moves_all_laboratories_is_no_fault_of_one():
    limits = limits_of("positivity_shift")
    assert find_shift(pools(20, 40), own=pools(30, 600), others=pools(2000, 4000), limits=limits) is None


def test_a_laboratory_of_a_hot_district_has_always_differed():
    limits = limits_of("positivity_shift")
    assert find_shift(pools(20, 40), own=pools(300, 600), others=pools(200, 4000), limits=limits) is None


def test_too_few_positives_are_a_shift_too():
    """Immensa: 43,000 false negatives."""
    shift = find_shift(
        pools(0, 120), own=pools(120, 600), others=pools(800, 4000), limits=limits_of("positivity_shift")
    )
    assert shift is not None
    assert shift.positive == 0


def test_one_positive_pool_after_weeks_without_any_is_no_fault():
    limits = limits_of("positivity_shift")
    assert find_shift(pools(1, 40), own=pools(0, 600), others=pools(0, 4000), limits=limits) is None


@pytest.mark.parametrize(
    ("day", "own", "others"),
    [((5, 19), (30, 600), (200, 4000)), ((20, 40), (3, 29), (200, 4000)), ((20, 40), (30, 600), (0, 0))],
)
def test_too_few_pools_say_nothing(day, own, others):
    found = find_shift(
        pools(*day), own=pools(*own), others=pools(*others), limits=limits_of("positivity_shift")
    )
    assert found is None


def test_the_chart_rarely_cries_without_cause():
    """Both charts at three standard deviations: on a quiet day far fewer than one in 300 looks is an alarm."""
    chance = random.Random(7)
    cries = 0
    for _ in range(2000):
        day, own, others = (sum(chance.random() < 0.1 for _ in range(n)) for n in (94, 300, 300))
        cries += (
            find_shift(
                pools(day, 94),
                own=pools(own, 300),
                others=pools(others, 300),
                limits=limits_of("positivity_shift"),
            )
            is not None
        )
    assert cries <= 6


@given(
    day=st.tuples(st.integers(0, 200), st.integers(0, 200)),
    own=st.tuples(st.integers(0, 900), st.integers(0, 900)),
    size=st.integers(1, 20),
)
def test_no_count_of_pools_breaks_the_chart(day, own, size):
    (a, b), (c, d) = sorted(day), sorted(own)
    found = find_shift(
        pools(a, b, size), own=pools(c, d), others=pools(c, d), limits=limits_of("positivity_shift")
    )
    assert found is None or 0 <= found.own <= found.tested


def test_a_commune_is_behind_after_some_days_and_with_enough_people():
    limits = limits_of("coverage_low", percent=80, days=3)
    assert rules.is_coverage_low(declared=100, sampled=79, days=3, limits=limits) == {
        "percent": 79,
        "declared": 100,
    }
    assert rules.is_coverage_low(declared=100, sampled=80, days=3, limits=limits) is None
    assert rules.is_coverage_low(declared=100, sampled=0, days=2, limits=limits) is None
    assert rules.is_coverage_low(declared=49, sampled=0, days=9, limits=limits) is None
    assert rules.is_coverage_low(declared=60, sampled=70, days=9, limits=limits) is None


@pytest.mark.parametrize(
    ("kind", "values", "field"),
    [
        ("box_late", {"hours": 0}, "hours"),
        ("box_late", {}, "hours"),
        ("box_late", {"hours": float("nan")}, "hours"),
        ("positivity_shift", {"sigma": 3, "fewest": 1}, "fewest"),
        ("nonsense", {}, "kind"),
    ],
)
def test_an_impossible_threshold_is_refused_by_its_name(kind, values, field):
    with pytest.raises(InvalidInput) as refused:
        rules.check_threshold(kind, values)
    assert refused.value.field == field


def test_the_last_day_has_23_whole_hours():
    with pytest.raises(InvalidInput):
        rules.check_threshold("arrivals_above_capacity", {"hours": 24})
    assert rules.check_threshold("arrivals_above_capacity", {"hours": 23}) == {"hours": 23}


def test_every_preset_may_be_set():
    for name in KINDS:
        assert rules.check_threshold(name, limits_of(name)) == limits_of(name)


def test_every_kind_has_its_words_and_they_fit_one_sms():
    assert set(SMS) == set(KINDS)
    for words in SMS.values():
        text = (
            f"CANH BAO: {words}, {'x' * LONGEST_PLACE}, {'x' * LONGEST_PLACE}. Dang nhap, mo trang Canh bao."
        )
        assert count_segments(text) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_sentence_can_be_said(kind):
    numbers = {
        name: 7
        for name in re.findall(r"%\((\w+)\)", KINDS[kind].sentence)
        if name not in ("place", "subject", "tube")
    }
    sentence = KINDS[kind].sentence % (numbers | {"place": "Hà Khánh", "subject": "X", "tube": "T"})
    assert "%(" not in sentence
    assert "Hà Khánh" in sentence
