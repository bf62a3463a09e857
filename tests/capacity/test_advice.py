"""Which pool size needs the fewest reactions, how sure that is, and what a change would free."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.capacity.advice import Accuracy, BreakEven, Dilution, Measured, advise, find_break_even
from lims.errors import InvalidInput
from lims.pooling.prevalence import PoolCounts, estimate_prevalence
from lims.pooling.strategies import STRATEGIES, expected_reactions


def given_share(share: float) -> Measured:
    return Measured(share, share, share)


@pytest.mark.parametrize(
    ("smaller", "larger", "percent"), [(10, 20, 0.54), (5, 10, 2.36), (1, 5, 27.52), (1, 10, 20.57)]
)
def test_larger_pools_lose_above_their_break_even(smaller, larger, percent):
    found = find_break_even(smaller, larger).prevalence
    assert found is not None
    assert round(100 * found, 2) == percent
    below, above = (
        [expected_reactions("singles", size=size, prevalence=share) for size in (smaller, larger)]
        for share in (found * 0.99, found * 1.01)
    )
    assert below[1] < below[0]
    assert above[1] > above[0]


def test_a_test_with_many_false_positives_has_its_own_break_even():
    assert find_break_even(1, 20, test=Accuracy(specificity=0.0)) == BreakEven(1, 20, 0.0)
    perfect, errs = (
        find_break_even(10, 20, test=test).prevalence for test in (Accuracy(), Accuracy(sensitivity=0.7))
    )
    assert perfect is not None
    assert errs is not None
    assert errs > perfect, "who misses pools retests less, and larger pools stay cheaper for longer"


def test_a_test_that_finds_nothing_never_changes_places():
    assert find_break_even(10, 20, test=Accuracy(sensitivity=0.0)).prevalence is None


@given(st.floats(0, 1), st.sampled_from(STRATEGIES), st.floats(0.5, 1), st.floats(0.9, 1))
def test_no_size_that_finds_enough_needs_fewer_reactions_than_the_best(
    share, strategy, sensitivity, specificity
):
    test = Accuracy(sensitivity, specificity, strategy, Dilution())
    advice = advise(given_share(share), test=test, size=10, reactions=6_186)
    costs = {cost.size: cost for cost in advice.costs}
    best = costs[advice.best]
    assert best.is_enough
    assert all(best.reactions <= cost.reactions for cost in advice.costs if cost.is_enough)
    assert all(cost.diluted <= cost.reactions + 1e-12 for cost in advice.costs)
    assert advice.is_sure, "a share that is given and not measured has no interval"


@pytest.mark.parametrize(
    ("measured", "word", "best"),
    [
        (Measured(0.002, 0.001, 0.004), "change", 20),
        (Measured(0.004, 0.002, 0.009), "change_unsure", 20),
        (Measured(0.012, 0.007, 0.02), "keep", 10),
        (Measured(0.012, 0.003, 0.02), "keep_unsure", 10),
        (Measured(0.06, 0.04, 0.09), "change", 5),
    ],
)
def test_an_advice_is_sure_where_the_whole_interval_lies_on_one_side(measured, word, best):
    advice = advise(measured, size=10, reactions=6_186)
    assert (advice.word, advice.best, advice.is_sure) == (word, best, not word.endswith("unsure"))
    assert advice.freed_low <= advice.freed <= advice.freed_high
    if word == "change":
        assert advice.freed_low > 0
    if word == "change_unsure":
        assert advice.freed_low < 0 < advice.freed_high


def test_a_change_frees_what_the_same_people_no_longer_need():
    advice = advise(given_share(0.001), size=10, reactions=6_186)
    assert (advice.best, advice.freed, advice.more_people) == (20, 2258, 88_611 - 56_259)


def test_what_dilution_loses_is_as_measured_at_ten_and_refuses_twenty():
    """9.9 % of positives were above 34.68, which is cut-off 38 less the shift of ten."""
    kept = Dilution().keep(10)
    assert 1 - kept == pytest.approx(0.099, abs=0.001)
    assert 1 - Dilution(cutoff=40).keep(10) == pytest.approx(0.007, abs=0.001)
    assert Dilution(efficiency=0.9).shift(10) == pytest.approx(3.59, abs=0.005)
    mixed = advise(given_share(0.001), size=10, test=Accuracy(dilution=Dilution()))
    swabs = advise(given_share(0.001), size=10)
    assert (mixed.best, swabs.best) == (10, 20)
    assert not next(cost for cost in mixed.costs if cost.size == 20).is_enough


def test_a_size_in_use_that_finds_too_little_is_advised_against_whatever_it_costs():
    advice = advise(given_share(0.001), size=20, test=Accuracy(dilution=Dilution()), reactions=1_000)
    assert (advice.word, advice.best) == ("change", 10)
    assert advice.freed < 0


@pytest.mark.parametrize(("share", "best"), [(0, 20), (1, 1)])
def test_nobody_and_everybody_infected_have_an_advice(share, best):
    assert advise(given_share(share), size=10, reactions=100).best == best


@pytest.mark.parametrize(("pools", "share"), [((10, 200), 0.003), ((10, 80), 0.02), ((5, 150), 0.05)])
def test_the_interval_of_reactions_covers_at_the_stated_rate(pools, share):
    size, tested = pools
    chance = random.Random(11)
    known: dict[int, bool] = {}
    hits = 0
    for _ in range(2_000):
        positive = sum(chance.random() < 1 - (1 - share) ** size for _ in range(tested))
        if positive not in known:
            found = estimate_prevalence([PoolCounts(size, tested, positive)])
            measured = Measured(found.firth, found.interval.low, found.interval.high, 0.95)
            known[positive] = all(
                cost.low <= expected_reactions("singles", size=cost.size, prevalence=share) <= cost.high
                for cost in advise(measured, size=size).costs
            )
        hits += known[positive]
    # as of the prevalence itself: the standard error of 2,000 draws is 0.005
    assert 0.92 <= hits / 2_000 <= 0.985


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("prevalence", {"measured": given_share(1.5)}),
        ("prevalence", {"measured": Measured(0.01, 0.02, 0.03)}),
        ("sizes", {"sizes": ()}),
        ("sizes", {"sizes": (0, 10)}),
        ("sizes", {"size": 21}),
        ("reactions", {"reactions": -1}),
        ("least_found", {"least_found": 2}),
        ("sensitivity", {"test": Accuracy(sensitivity=1.2)}),
        ("sensitivity", {"test": Accuracy(sensitivity=0)}),
        ("strategy", {"test": Accuracy(strategy="guessing")}),
        ("ct_deviation", {"test": Accuracy(dilution=Dilution(ct_deviation=0))}),
        ("efficiency", {"test": Accuracy(dilution=Dilution(efficiency=0))}),
        ("cutoff", {"test": Accuracy(dilution=Dilution(cutoff=0))}),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(field, wrong):
    with pytest.raises(InvalidInput) as refused:
        advise(**{"measured": given_share(0.01), **wrong})
    assert refused.value.field == field
