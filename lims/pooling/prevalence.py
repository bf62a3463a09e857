"""How many of the people are infected, as the findings of pools tell it. Pure.

A positive pool of ten does not say how many of its ten are infected, so the share of positive pools is no
prevalence. It follows by maximum likelihood from the numbers of pools by size. All is computed on the scale of
θ = −log(1 − p), on which a pool of k people is negative with probability exp(−kθ) and the likelihood has one peak.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from lims.errors import InvalidInput

MOST_IN_POOL = 1000
MOST_POOLS = 10_000_000
"""Pools of one size; more than any campaign tests, and what doubles count exactly."""
LEAST_CONFIDENCE, MOST_CONFIDENCE = 0.5, 0.999
METHOD = "skewness-corrected score"

_HALVINGS = 200
"""More than the bits of a double: a root is found as exactly as it can be written."""
_GRID = 400
_HIGHEST_THETA = 40.0
"""1 − exp(−40) is 1 as a double."""
_HIGHEST_EXPONENT = 700.0
"""exp(−700) is the smallest power that a double holds with all its digits."""


@dataclass(frozen=True, slots=True)
class PoolCounts:
    """Pools of one size.

    Args:
        size: people in each pool.
        tested: pools with a valid finding.
        positive: how many of them are positive.
    """

    size: int
    tested: int
    positive: int


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval.

    Args:
        low: lower limit, 0 to 1.
        high: upper limit, 0 to 1.
        confidence: such as 0.95.
        method: name of the method.
    """

    low: float
    high: float
    confidence: float
    method: str


@dataclass(frozen=True, slots=True)
class Prevalence:
    """The estimated share of infected people.

    Args:
        mle: maximum likelihood estimate; it is a little too high on average.
        firth: with the bias removed; the one to report.
        interval: where the share lies.
        people: how many were tested, in pools.
        pools: in how many pools.
    """

    mle: float
    firth: float
    interval: Interval
    people: int
    pools: int


def estimate_prevalence(pools: Sequence[PoolCounts], *, confidence: float = 0.95) -> Prevalence:
    """Estimate the share of infected people from pools of equal or different sizes.

    A perfect test and people infected independently of each other are assumed.

    Sources: maximum likelihood: Walter, Hildreth and Beaty 1980 (Am J Epidemiol 112:124). Bias correction:
    Firth 1993 (Biometrika 80:27) for pools of unequal size, as in Hepworth and Biggerstaff 2017 (JABES 22:602); for
    pools of one size it is the estimator of Burrows 1987 (Phytopathology 77:363). Interval: the score interval
    corrected for skewness, Gart 1991 and Hepworth 2005 (Biom J 47:159), which Biggerstaff's PooledInfRate takes by
    default: the p for which |U/√I − γ(z² − 1)/6| ≤ z, with the score U, the expected information I and the skewness γ
    of the score. With no positive pool its lower limit is 0, with only positive ones its upper limit is 1.

    Args:
        pools: by size; the same size may come several times. Sizes 1 to 1,000.
        confidence: of the interval, 0.5 to 0.999.

    Raises:
        InvalidInput: names the field: `size`, `tested`, `positive`, `pools` where nothing was tested, `confidence`.
    """
    _check(pools, confidence)
    counted = [group for group in pools if group.tested]
    theta = _solve(lambda at: _score(counted, at), highest=_HIGHEST_THETA)
    return Prevalence(
        mle=_share(theta),
        firth=_share(_solve(lambda at: _score(counted, at) - _bias(counted, at), highest=_HIGHEST_THETA)),
        interval=_find_interval(counted, confidence),
        people=sum(group.size * group.tested for group in counted),
        pools=sum(group.tested for group in counted),
    )


def _check(pools: Sequence[PoolCounts], confidence: float) -> None:
    if not LEAST_CONFIDENCE <= confidence <= MOST_CONFIDENCE:
        raise InvalidInput(
            "Choose a confidence from %(least)s to %(most)s.",
            field="confidence",
            least=LEAST_CONFIDENCE,
            most=MOST_CONFIDENCE,
        )
    for group in pools:
        if not 1 <= group.size <= MOST_IN_POOL:
            raise InvalidInput(
                "A pool holds 1 to %(most)s people, not %(size)s.",
                field="size",
                most=MOST_IN_POOL,
                size=group.size,
            )
        if not 0 <= group.tested <= MOST_POOLS:
            raise InvalidInput(
                "The number of pools tested lies between 0 and %(most)s, %(tested)s does not.",
                field="tested",
                most=MOST_POOLS,
                tested=group.tested,
            )
        if not 0 <= group.positive <= group.tested:
            raise InvalidInput(
                "Of %(tested)s pools tested %(positive)s cannot be positive.",
                field="positive",
                tested=group.tested,
                positive=group.positive,
            )
    if not any(group.tested for group in pools):
        raise InvalidInput("No pool was tested. Give at least one.", field="pools")


def _share(theta: float) -> float:
    return 1.0 if theta >= _HIGHEST_THETA else -math.expm1(-theta)


def _odds(size: int, theta: float) -> float:
    """Return the odds of a negative pool, exp(−kθ) / (1 − exp(−kθ)); 0 where they are too small for a double."""
    exponent = size * theta
    return 1 / math.expm1(exponent) if exponent < _HIGHEST_EXPONENT else 0.0


def _score(pools: Sequence[PoolCounts], theta: float) -> float:
    """Return the derivative of the log-likelihood by θ."""
    # exact zeros first: 0 positive pools at θ = 0 would be 0 × ∞
    return sum(
        group.size
        * (
            (group.positive * _odds(group.size, theta) if group.positive else 0)
            - group.tested
            + group.positive
        )
        for group in pools
    )


def _bias(pools: Sequence[PoolCounts], theta: float) -> float:
    """Return what Firth's correction of p takes from the score: information × bias of first order.

    It is half the mean of (k − 1), weighted by each size's share of the information.
    """
    weights = [group.tested * group.size**2 * _odds(group.size, theta) for group in pools]
    total = sum(weights)
    if not total:
        return (min(group.size for group in pools) - 1) / 2
    return sum(weight * (group.size - 1) for weight, group in zip(weights, pools, strict=True)) / total / 2


def _solve(falling: Callable[[float], float], *, highest: float, lowest: float = 0.0) -> float:
    """Return where a function falls through 0; an end where it does so only beyond it."""
    if falling(highest) >= 0:
        return highest
    for _ in range(_HALVINGS):
        middle = (lowest + highest) / 2
        if middle in (lowest, highest):
            break
        lowest, highest = (middle, highest) if falling(middle) > 0 else (lowest, middle)
    return lowest


def _find_interval(pools: Sequence[PoolCounts], confidence: float) -> Interval:
    """Return the outermost θ that the corrected score does not refuse, as shares.

    The corrected statistic is not monotone near 0 and near 1, so the limits are looked for from outside on a grid
    and then halved down to.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    smallest = min(group.size for group in pools)
    end = min(_HIGHEST_THETA, _HIGHEST_EXPONENT / smallest / 1.001)
    start = 1e-6 / sum(group.size * group.tested for group in pools)
    step = (end / start) ** (1 / _GRID)
    grid = [start * step**place for place in range(_GRID)]

    def statistic(theta: float) -> float:
        return _corrected_score(pools, theta, z)

    low, high = 0.0, 1.0
    if any(group.positive for group in pools):
        place = next((place for place, theta in enumerate(grid) if statistic(theta) <= z), len(grid) - 1)
        if place:
            low = _share(_solve(lambda at: statistic(at) - z, lowest=grid[place - 1], highest=grid[place]))
    if any(group.positive < group.tested for group in pools):
        place = next((place for place in reversed(range(_GRID)) if statistic(grid[place]) >= -z), 0)
        if place < _GRID - 1:
            high = _share(_solve(lambda at: statistic(at) + z, lowest=grid[place], highest=grid[place + 1]))
    return Interval(low, high, confidence, METHOD)


def _corrected_score(pools: Sequence[PoolCounts], theta: float, z: float) -> float:
    information = third = 0.0
    for group in pools:
        odds = _odds(group.size, theta)
        information += group.tested * group.size**2 * odds
        # third central moment: odds × (1 + odds) × (2 exp(−kθ) − 1), and exp(−kθ) is odds / (1 + odds)
        third += group.tested * group.size**3 * odds * (odds - 1)
    root = math.sqrt(information)
    return _score(pools, theta) / root - third / information / root * (z**2 - 1) / 6
