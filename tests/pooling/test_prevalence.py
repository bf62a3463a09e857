"""The prevalence told by pools: the likeliest one, the unbiased one, and an interval that holds what it promises."""

from __future__ import annotations

import json
import math
import random
from statistics import fmean

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from lims.errors import InvalidInput
from lims.pooling.prevalence import METHOD, PoolCounts, Prevalence, estimate_prevalence
from lims.pooling.prevalence_commands import pooling_group


@st.composite
def groups(draw) -> PoolCounts:
    tested = draw(st.integers(1, 100))
    return PoolCounts(draw(st.integers(1, 20)), tested, draw(st.integers(0, tested)))


def figures(estimated: Prevalence) -> list[float]:
    return [estimated.mle, estimated.firth, estimated.interval.low, estimated.interval.high]


def log_likelihood(pools: list[PoolCounts], p: float) -> float:
    total = 0.0
    for group in pools:
        negative = (1 - p) ** group.size
        if group.positive:
            total += group.positive * (math.log1p(-negative) if negative < 1 else -math.inf)
        if group.positive < group.tested:
            total += (group.tested - group.positive) * (math.log(negative) if negative else -math.inf)
    return total


def test_twenty_two_of_forty_two_pools_of_five():
    estimated = estimate_prevalence([PoolCounts(5, 42, 22)])
    assert (round(estimated.mle, 4), round(estimated.firth, 4)) == (0.1379, 0.1361)
    assert (estimated.people, estimated.pools, estimated.interval.method) == (210, 42, METHOD)
    assert estimated.interval.low < estimated.firth < estimated.mle < estimated.interval.high


@given(st.lists(groups(), min_size=1, max_size=4))
def test_no_other_prevalence_is_likelier(pools):
    mle = estimate_prevalence(pools).mle
    best = log_likelihood(pools, mle)
    others = [place / 200 for place in range(201)] + [mle * 0.99, mle * 1.01, mle + (1 - mle) * 0.01]
    assert all(log_likelihood(pools, p) <= best + 1e-9 * abs(best) for p in others if 0 <= p <= 1)


@given(groups())
def test_pools_of_one_size_have_closed_formulas(group):
    estimated = estimate_prevalence([group])
    k, m, x = group.size, group.tested, group.positive
    assert estimated.mle == pytest.approx(1 - (1 - x / m) ** (1 / k), rel=1e-9, abs=1e-15)
    # Burrows 1987
    assert estimated.firth == pytest.approx(
        1 - (1 - x / (m + (k - 1) / (2 * k))) ** (1 / k), rel=1e-9, abs=1e-12
    )


@given(st.lists(groups(), min_size=1, max_size=4))
def test_interval_holds_the_unbiased_estimate_and_is_part_of_nought_to_one(pools):
    estimated = estimate_prevalence(pools)
    interval = estimated.interval
    assert 0 <= interval.low <= estimated.mle <= interval.high <= 1
    assert interval.low < interval.high
    assert estimated.firth <= estimated.mle + 1e-12


@given(st.lists(groups(), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_order_of_groups_and_splitting_one_change_nothing(pools, chance):
    first = pools[0]
    tested = chance.randint(0, first.tested)
    positive = chance.randint(max(0, tested - first.tested + first.positive), min(tested, first.positive))
    parts = [
        PoolCounts(first.size, tested, positive),
        PoolCounts(first.size, first.tested - tested, first.positive - positive),
    ]
    again = [*parts, *pools[1:]]
    chance.shuffle(again)
    assert figures(estimate_prevalence(again)) == pytest.approx(
        figures(estimate_prevalence(pools)), rel=1e-7, abs=1e-12
    )


@given(st.lists(groups(), min_size=1, max_size=3), st.sampled_from([0.8, 0.9, 0.99]))
def test_a_higher_confidence_is_wider(pools, confidence):
    narrow, wide = (
        estimate_prevalence(pools, confidence=level).interval for level in (confidence - 0.1, confidence)
    )
    assert wide.low <= narrow.low + 1e-12 and narrow.high <= wide.high + 1e-12


def test_no_positive_pool_has_an_upper_limit():
    estimated = estimate_prevalence([PoolCounts(10, 94, 0), PoolCounts(1, 20, 0)])
    assert (estimated.mle, estimated.firth, estimated.interval.low) == (0, 0, 0)
    # three divided by the number of people, roughly ("rule of three")
    assert 2 / 960 < estimated.interval.high < 4 / 960


def test_only_positive_pools_have_a_lower_limit():
    estimated = estimate_prevalence([PoolCounts(10, 20, 20), PoolCounts(5, 4, 4)])
    assert (estimated.mle, estimated.interval.high) == (1, 1)
    assert 0 < estimated.interval.low < estimated.firth < 1


def test_many_pools_and_one_positive_are_no_trouble():
    estimated = estimate_prevalence([PoolCounts(20, 10_000_000, 1)])
    assert estimated.mle == pytest.approx(5e-9, rel=1e-6)
    assert 0 < estimated.interval.low < 5e-9 < estimated.interval.high < 5e-8


def test_single_tests_give_the_share():
    estimated = estimate_prevalence([PoolCounts(1, 50, 7)])
    assert estimated.mle == pytest.approx(0.14) == pytest.approx(estimated.firth)


def covered(sizes: list[tuple[int, int]], p: float, draws: int, chance: random.Random) -> float:
    """Return the share of simulated campaigns whose interval holds the true prevalence."""
    known: dict[tuple[int, ...], bool] = {}
    hits = 0
    for _ in range(draws):
        found = tuple(
            sum(chance.random() < 1 - (1 - p) ** size for _ in range(tested)) for size, tested in sizes
        )
        if found not in known:
            interval = estimate_prevalence(
                [PoolCounts(*group, positive) for group, positive in zip(sizes, found, strict=True)]
            ).interval
            known[found] = interval.low <= p <= interval.high
        hits += known[found]
    return hits / draws


@pytest.mark.parametrize("p", [0.005, 0.02, 0.1])
@pytest.mark.parametrize("sizes", [[(10, 60)], [(10, 60), (5, 30), (1, 20)], [(20, 30), (3, 10)]])
def test_the_interval_covers_what_it_promises(sizes, p):
    # measured: 0.933 to 0.959; the standard error of 2,000 draws is 0.005
    assert 0.92 <= covered(sizes, p, 2000, random.Random(7)) <= 0.98


@pytest.mark.parametrize(("size", "tested"), [(10, 60), (5, 42), (10, 94), (20, 30), (1, 50)])
def test_the_interval_covers_what_it_promises_at_every_prevalence(size, tested):
    found = [estimate_prevalence([PoolCounts(size, tested, x)]).interval for x in range(tested + 1)]
    coverages = []
    for step in range(1, 400):
        p = step / 400 * (1 if size == 1 else 0.2)
        positive = 1 - (1 - p) ** size
        coverages.append(
            sum(
                math.comb(tested, x) * positive**x * (1 - positive) ** (tested - x)
                for x, interval in enumerate(found)
                if interval.low <= p <= interval.high
            )
        )
    # measured: at least 0.917 anywhere (numbers of pools are whole), 0.950 to 0.963 on average
    assert min(coverages) >= 0.915
    assert 0.945 <= fmean(coverages) <= 0.97


@pytest.mark.parametrize(
    ("p", "sizes"), [(0.05, [(10, 20)]), (0.05, [(10, 20), (5, 10)]), (0.02, [(20, 15), (4, 10)])]
)
def test_the_bias_of_the_likeliest_estimate_is_removed(p, sizes):
    chance = random.Random(11)
    mle = firth = 0.0
    draws = 3000
    known: dict[tuple[int, ...], Prevalence] = {}
    for _ in range(draws):
        found = tuple(sum(chance.random() < 1 - (1 - p) ** size for _ in range(m)) for size, m in sizes)
        if found not in known:
            known[found] = estimate_prevalence(
                [PoolCounts(*group, x) for group, x in zip(sizes, found, strict=True)]
            )
        mle += known[found].mle / draws
        firth += known[found].firth / draws
    assert mle - p > 0
    assert abs(firth - p) < (mle - p) / 2


@pytest.mark.parametrize(
    ("pools", "field"),
    [
        ([PoolCounts(0, 5, 1)], "size"),
        ([PoolCounts(1001, 5, 1)], "size"),
        ([PoolCounts(-1, 5, 1)], "size"),
        ([PoolCounts(5, -1, 0)], "tested"),
        ([PoolCounts(5, 10**9, 0)], "tested"),
        ([PoolCounts(5, 5, 6)], "positive"),
        ([PoolCounts(5, 5, -1)], "positive"),
        ([PoolCounts(5, 0, 0)], "pools"),
        ([], "pools"),
    ],
)
def test_impossible_pools_are_refused_by_name(pools, field):
    with pytest.raises(InvalidInput) as refusal:
        estimate_prevalence(pools)
    assert refusal.value.field == field
    assert str(refusal.value)


@pytest.mark.parametrize("confidence", [0, 0.4, 1, 95, math.nan])
def test_an_impossible_confidence_is_refused(confidence):
    with pytest.raises(InvalidInput) as refusal:
        estimate_prevalence([PoolCounts(5, 5, 1)], confidence=confidence)
    assert refusal.value.field == "confidence"


def run(*arguments: str):
    return CliRunner().invoke(pooling_group, list(arguments))


def test_the_command_prints_one_document():
    answer = run("prevalence", "--pools", "5,42,22", "--json")
    assert answer.exit_code == 0, answer.output
    document = json.loads(answer.stdout)
    assert set(document) == {"mle", "firth", "interval", "people", "pools"}
    assert set(document["interval"]) == {"low", "high", "confidence", "method"}
    assert (round(document["mle"], 4), round(document["firth"], 4)) == (0.1379, 0.1361)
    assert (document["people"], document["pools"], document["interval"]["confidence"]) == (210, 42, 0.95)


def test_the_command_says_a_sentence_and_takes_several_sizes():
    answer = run("prevalence", "--pools", "5,42,22", "--pools", "10,94,3")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith("1150 people in 136 pools: ")


@pytest.mark.parametrize(
    "text", ["5,42", "5,42,22,1", "5,42,x", "5;42;22", "5,-42,22", "5.0,42,22", "9" * 5000]
)
def test_the_command_refuses_what_is_no_group_of_pools(text):
    answer = run("prevalence", f"--pools={text}")
    assert answer.exit_code == 2
    assert "SIZE,TESTED,POSITIVE" in answer.output


def test_the_command_needs_pools_that_can_be():
    assert run("prevalence").exit_code == 2
    assert isinstance(run("prevalence", "--pools", "5,10,11").exception, InvalidInput)


def test_the_command_tells_what_a_pool_size_costs():
    answer = run("expected", "--size", "10", "--prevalence", "0.01", "--json")
    assert answer.exit_code == 0, answer.output
    document = json.loads(answer.stdout)
    assert document["reactions_per_person"] == pytest.approx(0.1956, abs=5e-5)
    assert (document["best_size"], document["sensitivity"], document["strategy"]) == (11, 1, "singles")
    halves = run(
        "expected", "--size", "10", "--prevalence", "0.01", "--strategy", "halves", "--sensitivity", "0.9"
    )
    assert "72.9% are found" in halves.stdout
    assert isinstance(run("expected", "--size", "21", "--prevalence", "0.1").exception, InvalidInput)
