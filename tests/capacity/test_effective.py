"""How many people a day so many reactions are enough for."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.capacity.effective import calculate_effective, expected_confirmations
from lims.errors import InvalidInput
from lims.pooling.strategies import STRATEGIES

SHARES = st.floats(0, 1)
SIZES = st.integers(1, 20)


@pytest.mark.parametrize(
    ("percent", "people"),
    [(0, 61_860), (0.1, 56_259), (0.5, 41_547), (1, 31_623), (2, 21_864), (5, 12_341)],
)
def test_6186_reactions_are_61860_people_only_where_nobody_is_infected(percent, people):
    prevalence = percent / 100
    assert calculate_effective(6_186, size=10, prevalence=prevalence).people == people
    assert people == round(6_186 / (1 / 10 + 1 - (1 - prevalence) ** 10))


def test_550_confirmations_are_55_positive_pools_or_550_people():
    """With everybody in a positive pool of 10, 550 a day are about 55 infected; with positives only 550."""
    by_policy = {
        policy: 550 / expected_confirmations(policy, size=10, prevalence=0.001) * 0.001
        for policy in ("members", "positives")
    }
    assert by_policy["positives"] == pytest.approx(550)
    assert by_policy["members"] == pytest.approx(55, rel=0.01)
    assert [round(cases / by_policy["positives"], 1) for cases in (1_000, 5_000, 10_000)] == [1.8, 9.1, 18.2]


def test_confirmations_bound_the_day_when_they_are_used_up_first():
    free = calculate_effective(6_186, size=10, prevalence=0.01, confirmations=550)
    assert (free.people, free.bound_by) == (31_623, "screening")
    bound = calculate_effective(6_186, size=10, prevalence=0.01, confirmations=550, policy="members")
    assert (bound.people, bound.bound_by) == (round(550 / (1 - 0.99**10)), "confirmation")


def test_who_confirms_members_screens_with_one_reaction_for_each_pool():
    day = calculate_effective(100, size=10, prevalence=0.02, policy="members")
    assert (day.people, day.reactions_per_person) == (1_000, 0.1)


@pytest.mark.parametrize(("prevalence", "people"), [(0, 1_000), (1, 91)])
def test_nobody_and_everybody_infected_have_an_answer(prevalence, people):
    assert calculate_effective(100, size=10, prevalence=prevalence).people == people
    assert calculate_effective(0, size=10, prevalence=prevalence, confirmations=0).people == 0


@given(st.integers(0, 10_000), SIZES, SHARES, SHARES, st.sampled_from(STRATEGIES))
def test_more_infected_people_never_mean_more_people_tested(reactions, size, one, other, strategy):
    few, many = (
        calculate_effective(reactions, size=size, prevalence=share, strategy=strategy).people
        for share in sorted((one, other))
    )
    assert many <= few


@given(SIZES, SHARES, st.floats(0.5, 1), st.floats(0.5, 1), st.sampled_from(STRATEGIES))
def test_never_are_fewer_confirmed_with_all_members_than_with_positives(
    size, prevalence, sensitivity, specificity, strategy
):
    members, positives = (
        expected_confirmations(
            policy,
            size=size,
            prevalence=prevalence,
            sensitivity=sensitivity,
            specificity=specificity,
            strategy=strategy,
        )
        for policy in ("members", "positives")
    )
    assert 0 <= positives <= members + 1e-12 <= 1 + 1e-12


@pytest.mark.parametrize("strategy", ["singles", "halves"])
def test_positives_are_as_many_as_simulated(strategy):
    rng = random.Random(7)
    size, prevalence, sensitivity, specificity = 6, 0.15, 0.8, 0.9
    pools, positives = 20_000, 0

    def test(people):
        return rng.random() < (sensitivity if any(people) else 1 - specificity)

    for _ in range(pools):
        people = [rng.random() < prevalence for _ in range(size)]
        if not test(people):
            continue
        parts = [people[:3], people[3:]] if strategy == "halves" else [people]
        for part in parts:
            if strategy == "singles" or test(part):
                positives += sum(test([person]) for person in part)
    expected = expected_confirmations(
        "positives",
        size=size,
        prevalence=prevalence,
        sensitivity=sensitivity,
        specificity=specificity,
        strategy=strategy,
    )
    assert positives / pools / size == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("reactions", {"reactions": -1}),
        ("reactions", {"reactions": float("nan")}),
        ("confirmations", {"confirmations": -1}),
        ("prevalence", {"prevalence": 1.1}),
        ("size", {"size": 0}),
        ("policy", {"policy": "nobody"}),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(field, wrong):
    with pytest.raises(InvalidInput) as refused:
        calculate_effective(**{"reactions": 100, "size": 10, "prevalence": 0.01, **wrong})
    assert refused.value.field == field
