"""What somebody asks a forecast: which days, with which changes, and how much of it while they wait. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lims.capacity.forecast.forecasting import (
    MOST_REPLICATIONS,
    Forecast,
    add_laboratory,
    choose_box,
    estimate_seconds,
    forecast,
)
from lims.capacity.forecast.values import (
    Assumptions,
    State,
    check_assumptions,
    check_length,
    check_state,
)
from lims.errors import InvalidInput

USUAL_DAYS = 7
USUAL_REPLICATIONS = 20
MOST_MORE_LABORATORIES = 5
MOST_ARRIVALS_PERCENT = 1000
WAITED_SECONDS = 1.3
"""Of an ordinary processor, while somebody waits; a busy one takes longer."""
LONGEST_SECONDS = 6.0
_WHAT_IFS = 3


@dataclass(frozen=True)
class Asked:
    """What is asked; None means as it is measured.

    Args:
        days: how far ahead, 1 to 14.
        seed: the same one gives the same forecast.
        replications: runs, at most.
        prevalence: share of people infected, 0 to 1.
        pool_size: 1 to 20.
        more_shifts: 0 to 2.
        more_laboratories: 0 to 5, each of the mean capacity.
        arrivals_percent: of the samples collected of late, 0 to 1,000.
    """

    days: int = USUAL_DAYS
    seed: int = 1
    replications: int = USUAL_REPLICATIONS
    prevalence: float | None = None
    pool_size: int | None = None
    more_shifts: int = 0
    more_laboratories: int = 0
    arrivals_percent: int = 100

    @property
    def changes_something(self) -> bool:
        """Whether it is not the forecast of how things are."""
        return self != Asked(days=self.days, seed=self.seed, replications=self.replications)


def answer(state: State, assumptions: Assumptions, asked: Asked, *, waits: bool = True) -> Forecast:
    """Return the forecast of a state with the changes asked for.

    Args:
        state: where everything stands.
        assumptions: how things go.
        asked: what to change, and how far to look.
        waits: somebody waits for it: so many runs are made, and boxes merged, that it takes about a second.

    Raises:
        InvalidInput: names the field; what is too much to wait for as well.
    """
    check_length(
        days=asked.days,
        replications=asked.replications,
        seed=asked.seed,
        most_replications=MOST_REPLICATIONS,
    )
    check_state(state)
    state, assumptions = _change(state, assumptions, asked)
    if not waits:
        return forecast(state, assumptions, seed=asked.seed, replications=asked.replications, days=asked.days)
    check_state(state)
    box_people = choose_box(state)
    seconds = estimate_seconds(state, assumptions, days=asked.days, box_people=box_people)
    if (1 + _WHAT_IFS) * seconds > LONGEST_SECONDS:
        raise InvalidInput(
            "So many samples over so many days are more than can be simulated while you wait. Choose fewer days.",
            field="days",
        )
    # each change is run half as often
    replications = max(1, min(asked.replications, int(WAITED_SECONDS / seconds / (1 + _WHAT_IFS / 2))))
    return forecast(
        state,
        assumptions,
        seed=asked.seed,
        replications=replications,
        days=asked.days,
        box_people=box_people,
        what_if_replications=(replications + 1) // 2,
    )


def _change(state: State, assumptions: Assumptions, asked: Asked) -> tuple[State, Assumptions]:
    if not 0 <= asked.arrivals_percent <= MOST_ARRIVALS_PERCENT:
        raise InvalidInput(
            "Enter the samples to come as 0 to %(most)s percent of those of late.",
            field="arrivals_percent",
            most=MOST_ARRIVALS_PERCENT,
        )
    if not 0 <= asked.more_laboratories <= MOST_MORE_LABORATORIES:
        raise InvalidInput(
            "Add 0 to %(most)s laboratories.", field="more_laboratories", most=MOST_MORE_LABORATORIES
        )
    assumptions = replace(
        assumptions,
        usual_pool_size=assumptions.usual_pool_size or assumptions.pool_size,
        prevalence=assumptions.prevalence if asked.prevalence is None else asked.prevalence,
        pool_size=assumptions.pool_size if asked.pool_size is None else asked.pool_size,
        more_shifts=asked.more_shifts,
    )
    check_assumptions(assumptions)
    state = replace(
        state,
        collected_by_hour=[number * asked.arrivals_percent / 100 for number in state.collected_by_hour],
    )
    for _ in range(asked.more_laboratories):
        state, assumptions = add_laboratory(state, assumptions)
    return state, assumptions
