"""How fast a laboratory is, from its reactions a day; and how long a way is while nobody has entered it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lims.capacity.dispatch.hours import Hours
from lims.capacity.effective import calculate_effective
from lims.errors import InvalidInput
from lims.pooling.prevalence import PoolCounts, estimate_prevalence

NEAR, FAR = 30, 90
"""Minutes to a laboratory of the same district and of another one: a guess, until somebody enters them."""
LEAST_MINUTES, MOST_MINUTES = 1, 2880
ASSUMED = 0.01
"""Share of people infected where no pool has been tested yet."""


@dataclass(frozen=True, slots=True)
class Speed:
    """How many samples a laboratory tests.

    Args:
        per_hour: samples in an hour in which it is open.
        left_today: samples that today's reactions are still enough for.
        reactions: reactions a day.
        prevalence: share of people infected that this holds for.
        is_assumed: no pool has told the prevalence.
    """

    per_hour: float
    left_today: float
    reactions: int
    prevalence: float = 0.0
    is_assumed: bool = False

    @classmethod
    def of_screening(
        cls,
        reactions: int,
        *,
        used: int,
        hours: Hours,
        pools: Sequence[PoolCounts],
        size: int,
        strategy: str,
        policy: str,
    ) -> Speed:
        """Return the speed of screening: people for each reaction as `effective` counts them.

        Args:
            reactions: a day.
            used: today.
            hours: when it works.
            pools: tested lately, for the prevalence.
            size, strategy: of the campaign's pools.
            policy: who is confirmed, key of `effective.POLICIES`.
        """
        tested = [one for one in pools if one.tested]
        prevalence = estimate_prevalence(tested).firth if tested else ASSUMED
        each = {"size": size, "strategy": strategy, "policy": policy}
        people = calculate_effective(reactions, prevalence=prevalence, **each).people  # type: ignore[arg-type]
        share = people / reactions if reactions else 0.0
        return cls(
            per_hour=people / hours.a_day,
            left_today=max(0, reactions - used) * share,
            reactions=reactions,
            prevalence=prevalence,
            is_assumed=not tested,
        )

    @classmethod
    def of_confirming(cls, reactions: int, *, used: int, hours: Hours) -> Speed:
        """Return the speed of confirming: each sample alone."""
        return cls(reactions / hours.a_day, float(max(0, reactions - used)), reactions)


def find_way(entered: Sequence[int | None], *, same_district: bool) -> tuple[int, bool]:
    """Return the minutes of a way, and whether they are a guess.

    Args:
        entered: by somebody, for the place itself and for those in which it lies, the nearest first.
        same_district: both ends lie in one district.
    """
    known = next((minutes for minutes in entered if minutes is not None), None)
    if known is not None:
        return known, False
    return (NEAR if same_district else FAR), True


def check_minutes(minutes: int) -> int:
    """Return the minutes of a way.

    Raises:
        InvalidInput: no way takes so long.
    """
    if not LEAST_MINUTES <= minutes <= MOST_MINUTES:
        raise InvalidInput(
            "Enter the minutes of the way, from 1 to %(most)s.", field="minutes", most=MOST_MINUTES
        )
    return minutes
