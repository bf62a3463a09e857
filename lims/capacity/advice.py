"""Which pool size needs the fewest reactions, how sure that is, and what a change would free. Pure.

Nothing is changed by an advice: whoever leads the campaign decides. What it rests on is told with it: the interval of
the prevalence, the test's errors, and what dilution hides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

from scipy.optimize import brentq

from lims.capacity.effective import calculate_effective
from lims.errors import InvalidInput
from lims.pooling.assays import MOST_IN_POOL
from lims.pooling.strategies import expected_reactions, expected_sensitivity

SIZES = (1, 5, 10, 20)
LEAST_FOUND = 0.85
"""At least so many of those that single tests find are to be found in pools: FDA 24 August 2020, in CAMPAIGN §4.3."""
_GRID = 400
_LOWEST_SHARE = 1e-6


@dataclass(frozen=True, slots=True)
class Dilution:
    """How many of those that a test finds alone are lost when their sample is mixed with others in the laboratory.

    Each doubling of the volume costs one cycle where each cycle doubles, so a pool of n shifts the Ct by
    log(n) / log(1 + E): 3.32 cycles for ten at E = 1 (INSTRUMENTS §4.3). Who was above the cut-off less that shift is
    lost. Of 1,632 positives (E gene, OncoRNALab) 9.9 % had more than 34.68 and 0.7 % more than 36.68; the defaults are
    the normal distribution through these two points. It describes that tail, not all infected people, and pools of
    20 lie beyond what was measured. Swabs put into one tube at collection do not dilute (Da Nang, AJTMH 104:1531).

    Args:
        cutoff: cycles up to which a sample is detected, the same alone and in a pool.
        ct_mean: cycles; middle of the distribution.
        ct_deviation: cycles; its standard deviation, more than 0.
        efficiency: E, more than 0 and at most 1.
    """

    cutoff: float = 38.0
    ct_mean: float = 32.48
    ct_deviation: float = 1.709
    efficiency: float = 1.0

    def shift(self, size: int) -> float:
        """Return how many cycles later a sample is seen in a pool of so many people with no other infected one."""
        return math.log(size) / math.log1p(self.efficiency)

    def keep(self, size: int) -> float:
        """Return the share of those found alone that are found in a pool of so many people.

        Raises:
            InvalidInput: a parameter is impossible; names the field.
        """
        if not 0 < self.ct_deviation < math.inf:
            raise InvalidInput("The deviation of the Ct is more than 0 cycles.", field="ct_deviation")
        if not 0 < self.efficiency <= 1:
            raise InvalidInput("The efficiency is more than 0 and at most 1.", field="efficiency")
        if not 0 < self.cutoff <= 60:
            raise InvalidInput("The cut-off lies between 0 and 60 cycles.", field="cutoff")
        tail = NormalDist(self.ct_mean, self.ct_deviation)
        alone = tail.cdf(self.cutoff)
        return tail.cdf(self.cutoff - self.shift(size)) / alone if alone else 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """A prevalence and the interval it lies in.

    Args:
        share: the best estimate, 0 to 1.
        low, high: limits of the interval, 0 to 1; the same as the share where it is given and not measured.
        confidence: of the interval; 1 where it is given.
    """

    share: float
    low: float
    high: float
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What a test can do, and how pools are made and resolved.

    Args:
        sensitivity: of one test alone, 0 to 1.
        specificity: of one test, 0 to 1.
        strategy: a word of `strategies.STRATEGIES`.
        dilution: None where swabs go into one tube, which does not dilute.
    """

    sensitivity: float = 1.0
    specificity: float = 1.0
    strategy: str = "singles"
    dilution: Dilution | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What one pool size costs and finds.

    Args:
        size: people in a pool.
        reactions: for each person, at the best estimate. What dilution hides is not taken off: infections that are
            missed are no saving.
        low, high: the same at the limits of the prevalence.
        diluted: reactions for each person where dilution hides what it hides.
        found: share of infected people who are found.
        people: a day on the reactions given; 0 where none are given.
        is_enough: whether it finds enough to be advised.
    """

    size: int
    reactions: float
    low: float
    high: float
    diluted: float
    found: float
    people: int
    is_enough: bool


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Above which prevalence a smaller size needs fewer reactions than a larger one.

    Args:
        smaller, larger: people in a pool.
        prevalence: None where they never change places.
    """

    smaller: int
    larger: int
    prevalence: float | None


@dataclass(frozen=True, slots=True)
class Advice:
    """What the figures say of the pool size.

    Args:
        costs: by size, ascending.
        break_even: between neighbouring sizes.
        size: in use; None where only sizes are compared.
        best: needs the fewest reactions of those that find enough.
        word: `keep`, `keep_unsure`, `change` or `change_unsure`.
        freed: reactions a day that the best size would free for the people whom the size in use can test.
        freed_low, freed_high: the same at the limits of the prevalence; below 0: it would cost so many more.
        more_people: people a day whom the best size could test beside them.
    """

    costs: tuple[Cost, ...]
    break_even: tuple[BreakEven, ...]
    size: int | None
    best: int
    word: str
    freed: int
    freed_low: int
    freed_high: int
    more_people: int

    @property
    def is_sure(self) -> bool:
        """Whether the whole interval lies on one side."""
        return not self.word.endswith("_unsure")


def advise(
    measured: Measured,
    *,
    sizes: Sequence[int] = SIZES,
    test: Accuracy | None = None,
    size: int | None = None,
    reactions: int = 0,
    least_found: float = LEAST_FOUND,
) -> Advice:
    """Return which size needs the fewest reactions and how sure that is.

    It is sure where the better size is better over the whole interval of the prevalence: reactions rise with the
    prevalence, and two sizes change places at their break-even (`find_break_even`).

    Args:
        measured: prevalence with its interval.
        sizes: to compare, each 1 to 20; the one in use is added.
        test: what the test can do; a perfect one by default.
        size: in use; None to compare only.
        reactions: screening reactions a day, 0 where people a day are not asked for.
        least_found: share of what single tests find that a size has to find to be advised, 0 to 1.

    Raises:
        InvalidInput: names the field.
    """
    test = test or Accuracy()
    if not test.sensitivity:
        raise InvalidInput(
            "A test that finds nobody cannot be advised on. Enter a sensitivity above 0.", field="sensitivity"
        )
    compared = _check(measured, sizes, size, reactions, least_found)
    costs = tuple(_cost(one, measured, test, reactions, least_found) for one in compared)
    # some size always finds enough: dilution is least, and nothing, in the smallest
    enough = [cost for cost in costs if cost.is_enough] or [max(costs, key=lambda cost: cost.found)]
    best = min(enough, key=lambda cost: cost.reactions)
    used = next((cost for cost in costs if cost.size == size), None)
    freed = [0, 0, 0]
    if used is not None:
        freed = [
            round(reactions * (1 - after / before))
            for before, after in (
                (used.reactions, best.reactions),
                (used.low, best.low),
                (used.high, best.high),
            )
        ]
    return Advice(
        costs=costs,
        break_even=tuple(find_break_even(*pair, test=test) for pair in pairwise(compared)),
        size=size,
        best=best.size,
        word=_judge(used, best, enough),
        freed=freed[0],
        freed_low=min(freed),
        freed_high=max(freed),
        more_people=best.people - used.people if used else 0,
    )


def find_break_even(smaller: int, larger: int, *, test: Accuracy | None = None) -> BreakEven:
    """Return the prevalence above which the smaller size needs fewer reactions than the larger one.

    It is the first root of the difference of the two costs: 0.54 % for 10 and 20, 2.36 % for 5 and 10 with a perfect
    test. Near 1 all pools are positive and larger ones come near again; single tests need fewer than both there.

    Args:
        smaller, larger: people in a pool, 1 to 20.
        test: what the test can do; a perfect one by default.

    Raises:
        InvalidInput: names the field.
    """
    test = test or Accuracy()

    def difference(share: float) -> float:
        return _expect(larger, share, test) - _expect(smaller, share, test)

    before = 0.0
    if difference(before) >= 0:
        return BreakEven(smaller, larger, 0.0)
    for step in range(_GRID + 1):
        share = _LOWEST_SHARE ** (1 - step / _GRID)
        if difference(share) > 0:
            return BreakEven(smaller, larger, float(brentq(difference, before, share, xtol=1e-12)))
        before = share
    return BreakEven(smaller, larger, None)


def _expect(size: int, share: float, test: Accuracy, kept: float = 1.0) -> float:
    return expected_reactions(
        test.strategy,
        size=size,
        prevalence=share,
        sensitivity=test.sensitivity * kept,
        specificity=test.specificity,
    )


def _cost(size: int, measured: Measured, test: Accuracy, reactions: int, least_found: float) -> Cost:
    kept = test.dilution.keep(size) if test.dilution else 1.0
    found = kept * expected_sensitivity(test.strategy, size=size, sensitivity=test.sensitivity)
    people = calculate_effective(
        reactions,
        size=size,
        prevalence=measured.share,
        strategy=test.strategy,
        sensitivity=test.sensitivity,
        specificity=test.specificity,
    ).people
    return Cost(
        size=size,
        reactions=_expect(size, measured.share, test),
        low=_expect(size, measured.low, test),
        high=_expect(size, measured.high, test),
        diluted=_expect(size, measured.share, test, kept),
        found=found,
        people=people,
        is_enough=found >= least_found * test.sensitivity,
    )


def _judge(used: Cost | None, best: Cost, enough: Sequence[Cost]) -> str:
    """Return the word of an advice."""
    if used is None or used.size == best.size:
        others = [cost for cost in enough if cost.size != best.size]
        sure = all(best.low <= cost.low and best.high <= cost.high for cost in others)
        return "keep" if sure else "keep_unsure"
    if not used.is_enough:
        return "change"
    return "change" if best.low < used.low and best.high < used.high else "change_unsure"


def _check(
    measured: Measured, sizes: Sequence[int], size: int | None, reactions: int, least_found: float
) -> list[int]:
    compared = sorted({*sizes, *(() if size is None else (size,))})
    if not compared:
        raise InvalidInput("Name at least one pool size, as in 1,5,10,20.", field="sizes")
    wrong = [one for one in compared if not 1 <= one <= MOST_IN_POOL]
    if wrong:
        raise InvalidInput(
            "A pool holds 1 to %(most)s people, not %(size)s.",
            field="sizes",
            most=MOST_IN_POOL,
            size=wrong[0],
        )
    if not 0 <= measured.low <= measured.share <= measured.high <= 1:
        raise InvalidInput("Enter a share from 0 to 1, such as 0.02 for 2 percent.", field="prevalence")
    if not 0 <= reactions <= 10_000_000:
        raise InvalidInput("Enter how many reactions a day, 0 to 10,000,000.", field="reactions")
    if not 0 <= least_found <= 1:
        raise InvalidInput("Enter a share from 0 to 1, such as 0.02 for 2 percent.", field="least_found")
    return compared
