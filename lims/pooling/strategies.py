"""What a way of resolving positive pools costs in reactions, and what it misses. Pure.

People are infected independently of each other with the same probability, and a test errs independently of the other
tests of the same person. Families and workplaces are infected together: pools that keep them together need fewer
reactions than is told here. Dilution is not in these formulas; give the sensitivity of the test in pools.
"""

from __future__ import annotations

from lims.errors import InvalidInput
from lims.pooling.assays import MOST_IN_POOL
from lims.pooling.outcomes import SMALLEST_HALVED

STRATEGIES = ("singles", "halves", "second_swab", "resample")
"""Each kept tube alone; two halves first; the second swab of the same visit; a new sample of each person."""


def expected_reactions(
    strategy: str, *, size: int, prevalence: float, sensitivity: float = 1.0, specificity: float = 1.0
) -> float:
    """Return the expected number of reactions for each person, controls not counted.

    With n people in a pool, p infected, and a test with sensitivity Se and specificity Sp a pool is positive with
    probability Se − (Se + Sp − 1)(1 − p)ⁿ, and each person costs 1/n and that probability: Dorfman 1943 (Ann Math
    Stat 14:436) for a perfect test, Graff and Roeloffs 1972 (Technometrics 14:113) and Kim et al. 2007 (Biometrics
    63:1152) with errors. Tests of second swabs and of new samples cost as many as those of kept tubes.

    Halves are the hierarchical scheme of three stages (Kim et al. 2007): a positive pool adds two reactions, and a
    positive half of h people, n/2 rounded up and down, adds h. As on the bench, pools of fewer than 4 people are not
    halved (`outcomes.SMALLEST_HALVED`).

    Args:
        strategy: a word of `STRATEGIES`.
        size: people in a pool, 1 to 20.
        prevalence: share of people infected, 0 to 1.
        sensitivity: probability that a test finds an infection, in a pool or alone, 0 to 1.
        specificity: probability that a test without an infection is negative, 0 to 1.

    Raises:
        InvalidInput: names the field.
    """
    _check(strategy, size=size, prevalence=prevalence, sensitivity=sensitivity, specificity=specificity)
    if size == 1:
        return 1.0
    if strategy != "halves" or size < SMALLEST_HALVED:
        positive = sensitivity - (sensitivity + specificity - 1) * (1 - prevalence) ** size
        return 1 / size + positive
    return _expect_halves(size, prevalence, sensitivity, 1 - specificity)


def _expect_halves(size: int, prevalence: float, sensitivity: float, false_positive: float) -> float:
    healthy = (1 - prevalence) ** size
    reactions = 1 + 2 * (sensitivity * (1 - healthy) + false_positive * healthy)
    for half in ((size + 1) // 2, size // 2):
        healthy_half = (1 - prevalence) ** half
        followed = (
            sensitivity**2 * (1 - healthy_half)
            + sensitivity * false_positive * (healthy_half - healthy)
            + false_positive**2 * healthy
        )
        reactions += half * followed
    return reactions / size


def expected_sensitivity(strategy: str, *, size: int, sensitivity: float) -> float:
    """Return the probability that an infected person is found: every stage of tests must find the infection.

    Se alone, Se² in two stages, Se³ in three (Kim et al. 2007, Biometrics 63:1152).

    Args:
        strategy: a word of `STRATEGIES`.
        size: people in a pool, 1 to 20.
        sensitivity: of one test, 0 to 1.

    Raises:
        InvalidInput: names the field.
    """
    _check(strategy, size=size, sensitivity=sensitivity)
    if size == 1:
        return sensitivity
    return sensitivity ** (3 if strategy == "halves" and size >= SMALLEST_HALVED else 2)


def best_size(
    prevalence: float,
    *,
    strategy: str = "singles",
    sensitivity: float = 1.0,
    specificity: float = 1.0,
    most: int = MOST_IN_POOL,
) -> int:
    """Return the pool size that needs the fewest reactions for each person; the smallest of equal ones.

    Args:
        prevalence: share of people infected, 0 to 1.
        strategy: a word of `STRATEGIES`.
        sensitivity: of one test, 0 to 1.
        specificity: of one test, 0 to 1.
        most: largest size allowed, by the kit or the campaign; 1 to 20.

    Raises:
        InvalidInput: names the field.
    """
    _check(strategy, size=most)
    return min(
        range(1, most + 1),
        key=lambda size: expected_reactions(
            strategy, size=size, prevalence=prevalence, sensitivity=sensitivity, specificity=specificity
        ),
    )


def _check(strategy: str, *, size: int, **shares: float) -> None:
    if strategy not in STRATEGIES:
        raise InvalidInput(
            "“%(strategy)s” is not a way of resolving positive pools. Choose one of %(known)s.",
            field="strategy",
            strategy=strategy,
            known=", ".join(STRATEGIES),
        )
    if not 1 <= size <= MOST_IN_POOL:
        raise InvalidInput("A pool holds 1 to 20 people.", field="size")
    for field, share in shares.items():
        if not 0 <= share <= 1:
            raise InvalidInput("Enter a share from 0 to 1, such as 0.02 for 2 percent.", field=field)
