"""How many people a day so many reactions are enough for, once positive pools are resolved from the same day. Pure.

A headline of 10 people for each reaction is only true where nobody is infected: each positive pool costs its members'
tests as well, and somebody has to confirm them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lims.errors import InvalidInput
from lims.msgid import N_
from lims.pooling.outcomes import SMALLEST_HALVED
from lims.pooling.strategies import expected_reactions

POLICIES = {
    "positives": N_("Only people whose own test was positive are confirmed"),
    "members": N_("Everybody in a positive pool is confirmed"),
}
"""Who goes to the confirming laboratory."""


@dataclass(frozen=True, slots=True)
class Effective:
    """What a day is enough for.

    Args:
        people: a day, the nearest whole number.
        reactions_per_person: screening reactions for each person, without controls.
        confirmations_per_person: confirmations for each person.
        bound_by: `screening` or `confirmation`, what is used up first.
    """

    people: int
    reactions_per_person: float
    confirmations_per_person: float
    bound_by: str


def calculate_effective(
    reactions: float,
    *,
    size: int,
    prevalence: float,
    strategy: str = "singles",
    sensitivity: float = 1.0,
    specificity: float = 1.0,
    confirmations: float | None = None,
    policy: str = "positives",
) -> Effective:
    """Return how many people a day can be tested to the end.

    A day's reactions are divided by those that each person costs in the long run, first tests and retests together
    (Dorfman 1943, Ann Math Stat 14:436; with errors Graff and Roeloffs 1972, Technometrics 14:113). 6,186 reactions
    in pools of 10 are 61,860 people at prevalence 0, 31,623 at 1 % and 12,341 at 5 %.

    Args:
        reactions: screening reactions a day, 0 or more.
        size: people in a pool, 1 to 20.
        prevalence: share of people infected, 0 to 1.
        strategy: how positive pools are resolved, a word of `strategies.STRATEGIES`.
        sensitivity: of one test, 0 to 1.
        specificity: of one test, 0 to 1.
        confirmations: confirmations a day, 0 or more; None where nothing has to be confirmed.
        policy: key of `POLICIES`. With `members` the confirming laboratory tests the members of positive pools, so
            screening costs one reaction for each pool.

    Raises:
        InvalidInput: names the field.
    """
    check_policy(policy)
    _check_capacity("reactions", reactions)
    shares = {"prevalence": prevalence, "sensitivity": sensitivity, "specificity": specificity}
    per_person = expected_reactions(strategy, size=size, **shares)
    if policy == "members":
        per_person = 1 / size
    confirmed = expected_confirmations(policy, size=size, strategy=strategy, **shares)
    people, bound_by = reactions / per_person, "screening"
    if confirmations is not None:
        _check_capacity("confirmations", confirmations)
        if confirmed and confirmations / confirmed < people:
            people, bound_by = confirmations / confirmed, "confirmation"
    return Effective(round(people), per_person, confirmed, bound_by)


def expected_confirmations(
    policy: str,
    *,
    size: int,
    prevalence: float,
    strategy: str = "singles",
    sensitivity: float = 1.0,
    specificity: float = 1.0,
) -> float:
    """Return the expected number of confirmations for each person tested.

    `members`: the share of pools that are positive, since each of n people has 1/n of a pool with n members: on 550
    confirmations a day 55 positive pools of 10, about 55 infected people while pools with two are rare. `positives`:
    the share of people whose own test is positive in the end, 550 infected people on 550 confirmations. Probabilities
    as in Kim et al. 2007 (Biometrics 63:1152).

    Args:
        policy: key of `POLICIES`.
        size: people in a pool, 1 to 20.
        prevalence: share of people infected, 0 to 1.
        strategy: a word of `strategies.STRATEGIES`.
        sensitivity: of one test, 0 to 1.
        specificity: of one test, 0 to 1.

    Raises:
        InvalidInput: names the field.
    """
    check_policy(policy)
    # it checks strategy, size and shares
    expected_reactions(
        strategy, size=size, prevalence=prevalence, sensitivity=sensitivity, specificity=specificity
    )
    false_positive = 1 - specificity
    if size == 1:
        return prevalence * sensitivity + (1 - prevalence) * false_positive
    if policy == "members":
        return sensitivity - (sensitivity - false_positive) * (1 - prevalence) ** size
    if strategy == "halves" and size >= SMALLEST_HALVED:
        return _expect_after_halves(size, prevalence, sensitivity, false_positive)
    positive_beside = sensitivity - (sensitivity - false_positive) * (1 - prevalence) ** (size - 1)
    return prevalence * sensitivity**2 + (1 - prevalence) * positive_beside * false_positive


def _expect_after_halves(size: int, prevalence: float, sensitivity: float, false_positive: float) -> float:
    healthy = 0.0
    alone = (1 - prevalence) ** (size - 1)
    for half in ((size + 1) // 2, size // 2):
        beside = (1 - prevalence) ** (half - 1)
        followed = (
            sensitivity**2 * (1 - beside)
            + sensitivity * false_positive * (beside - alone)
            + false_positive**2 * alone
        )
        healthy += half / size * followed * false_positive
    return prevalence * sensitivity**3 + (1 - prevalence) * healthy


def check_policy(policy: str) -> None:
    """Check who is confirmed.

    Raises:
        InvalidInput: `policy` is no key of `POLICIES`.
    """
    if policy not in POLICIES:
        raise InvalidInput(
            "“%(policy)s” is not a way of confirming. Choose “positives” or “members”.",
            field="policy",
            policy=policy,
        )


def _check_capacity(field: str, number: float) -> None:
    if not 0 <= number < math.inf:
        raise InvalidInput("Enter how many a day, 0 or more.", field=field)
