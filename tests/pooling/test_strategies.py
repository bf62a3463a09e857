"""What a way of resolving positive pools costs, against published figures and a plain Monte Carlo."""

from __future__ import annotations

import math
import random
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.errors import InvalidInput
from lims.pooling.strategies import STRATEGIES, best_size, expected_reactions, expected_sensitivity

SHARES = st.floats(0, 1)


@pytest.mark.parametrize(
    ("prevalence", "reactions"), [(0.001, 0.110), (0.005, 0.149), (0.01, 0.196), (0.02, 0.283), (0.05, 0.501)]
)
def test_pools_of_ten_cost_what_dorfman_says(prevalence, reactions):
    assert expected_reactions("singles", size=10, prevalence=prevalence) == pytest.approx(reactions, abs=5e-4)


@pytest.mark.parametrize(
    ("prevalence", "size"), [(0.01, 11), (0.02, 8), (0.05, 5), (0.1, 4), (0.35, 1), (1, 1)]
)
def test_best_sizes_are_those_of_dorfmans_table(prevalence, size):
    assert best_size(prevalence) == size


def test_the_best_size_stays_within_what_the_kit_allows():
    assert best_size(0.0001) == 20
    assert best_size(0.0001, most=10) == 10


def resolve(strategy: str, infected: list[bool], test) -> tuple[int, list[bool]]:
    """Return reactions and who was found, for one pool tested as a bench would."""
    if len(infected) == 1:
        return 1, [test(infected[0])]
    if not test(any(infected)):
        return 1, [False] * len(infected)
    if strategy == "halves" and len(infected) >= 4:
        middle = (len(infected) + 1) // 2
        halves = [resolve("singles", part, test) for part in (infected[:middle], infected[middle:])]
        return 1 + sum(count for count, _ in halves), [one for _, found in halves for one in found]
    return 1 + len(infected), [test(one) for one in infected]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 10])
@pytest.mark.parametrize(("sensitivity", "specificity"), [(1, 1), (0.85, 0.97)])
def test_formulas_agree_with_a_bench_that_is_played(strategy, size, sensitivity, specificity):
    chance = random.Random(f"{strategy} {size} {sensitivity}")
    prevalence = 0.08

    def test(infected: bool) -> bool:
        return chance.random() < (sensitivity if infected else 1 - specificity)

    costs, found, sick = [], 0, 0
    for _ in range(6000):
        infected = [chance.random() < prevalence for _ in range(size)]
        reactions, findings = resolve(strategy, infected, test)
        costs.append(reactions / size)
        sick += sum(infected)
        found += sum(finding for one, finding in zip(infected, findings, strict=True) if one)
    expected = expected_reactions(
        strategy, size=size, prevalence=prevalence, sensitivity=sensitivity, specificity=specificity
    )
    # four standard errors; at size 1 nothing varies
    assert abs(fmean(costs) - expected) <= 4 * stdev(costs) / math.sqrt(len(costs)) + 1e-12
    share = expected_sensitivity(strategy, size=size, sensitivity=sensitivity)
    # people of one pool are found together, so their number counts for half of what independent ones would
    error = math.sqrt(share * (1 - share) / sick * 2)
    assert abs(found / sick - share) <= 4 * error


@given(st.sampled_from(STRATEGIES), st.integers(2, 20), SHARES, SHARES, SHARES)
def test_a_person_costs_at_least_a_share_of_the_pool_and_at_most_every_stage(strategy, size, p, se, sp):
    reactions = expected_reactions(strategy, size=size, prevalence=p, sensitivity=se, specificity=sp)
    stages = 1 + 3 / size if strategy == "halves" else 1 + 1 / size
    assert 1 / size - 1e-9 <= reactions <= stages + 1e-9


@given(st.integers(4, 20), st.floats(0, 0.2))
def test_more_infected_people_cost_more(size, prevalence):
    for strategy in STRATEGIES:
        less, more = (
            expected_reactions(strategy, size=size, prevalence=p) for p in (prevalence, prevalence + 0.05)
        )
        assert less <= more


def test_halves_save_reactions_where_few_are_infected_and_lose_sensitivity():
    one, two = (expected_reactions(name, size=20, prevalence=0.01) for name in ("singles", "halves"))
    assert two < 0.8 * one
    assert expected_sensitivity("halves", size=20, sensitivity=0.9) == pytest.approx(0.729)
    assert expected_sensitivity("singles", size=20, sensitivity=0.9) == pytest.approx(0.81)
    assert expected_sensitivity("halves", size=3, sensitivity=0.9) == pytest.approx(0.81)
    assert expected_sensitivity("halves", size=1, sensitivity=0.9) == 0.9


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"strategy": "thirds"}, "strategy"),
        ({"size": 0}, "size"),
        ({"size": 21}, "size"),
        ({"prevalence": -0.1}, "prevalence"),
        ({"prevalence": math.nan}, "prevalence"),
        ({"sensitivity": 1.1}, "sensitivity"),
        ({"specificity": 95}, "specificity"),
    ],
)
def test_impossible_figures_are_refused_by_name(wrong, field):
    arguments = {"strategy": "singles", "size": 10, "prevalence": 0.01} | wrong
    with pytest.raises(InvalidInput) as refusal:
        expected_reactions(arguments.pop("strategy"), **arguments)
    assert refusal.value.field == field
    assert str(refusal.value)
