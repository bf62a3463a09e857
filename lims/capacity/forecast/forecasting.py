"""What many runs tell together: releases by hour, backlog by day, the bottleneck, and what a change would do. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lims.capacity.advice import SIZES
from lims.capacity.forecast.draws import Draws
from lims.capacity.forecast.shifts import DAY
from lims.capacity.forecast.simulation import Run, run
from lims.capacity.forecast.values import (
    BOX_PEOPLE,
    HOURS,
    Assumptions,
    LaboratoryState,
    State,
    check_assumptions,
    check_length,
    check_state,
    worked_hours,
)
from lims.errors import InvalidInput

MOST_REPLICATIONS = 200
BUSY, IDLE = 0.85, 0.5
"""From which utilisation on a station is called a bottleneck, and below which nothing is."""
NEW_LABORATORY = "new"
_AT_ONCE = 16.0
"""Boxes are merged, where somebody waits, until a laboratory gets about so many a day."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How a number is distributed over the replications; None where it lies beyond the end.

    Args:
        median, low, high: the median, and what a tenth of the runs stay below or exceed.
    """

    median: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class HourForecast:
    """An hour of the next 24.

    Args:
        begins_after: minutes from the beginning; the first hour may be a part of one.
        hour: local hour of the day.
        released: samples released in it.
        so_far: samples released from now to its end.
    """

    begins_after: float
    hour: int
    released: Spread
    so_far: Spread


@dataclass(frozen=True, slots=True)
class DayForecast:
    """A local day.

    Args:
        number: 0 for today.
        collected, released: samples on it; of today what is still to come.
        backlog: samples without a released result at its end.
    """

    number: int
    collected: Spread
    released: Spread
    backlog: Spread


@dataclass(frozen=True, slots=True)
class StationLoad:
    """How busy a station is, on average over the runs.

    Args:
        laboratory: key, empty for what belongs to none.
        laboratory_name: as shown.
        station: key of `simulation.STATION_WORDS`.
        utilisation: share of the working time; None where nobody queues.
        stood, stands: samples at the beginning and at the end.
        grows_per_day: samples by which its queue grows each day; below 0: it shrinks.
    """

    laboratory: str
    laboratory_name: str
    station: str
    utilisation: float | None
    stood: float
    stands: float
    grows_per_day: float


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What a change would do, run by run against the same random numbers.

    Args:
        change: shift, laboratory or pool_size.
        pool_size: of the change; None of the others.
        refusal: why it cannot be done; the numbers are None then.
        backlog: samples without a result at the end, less those without the change; below 0 is better.
        released_first_day: samples released in the first 24 hours, less those without the change.
        backlog_with: samples without a result at the end, with the change.
    """

    change: str
    pool_size: int | None = None
    refusal: InvalidInput | None = None
    backlog: Spread | None = None
    released_first_day: Spread | None = None
    backlog_with: Spread | None = None


@dataclass(frozen=True)
class Forecast:
    """What a forecast tells.

    Args:
        state, assumptions: what it is of.
        seed, replications, what_if_replications, days, box_people: how it was made.
        hours: the next 24.
        daily: today and the days after it.
        half_of_standing, most_of_standing: minutes until 50 and 90 % of what moves now have their result.
        stations: all, the busiest first.
        bottleneck: what limits the whole; None where nothing waits anywhere.
        bottleneck_word: grows, busy or none.
        what_ifs: changes tried.
        little_gap: largest distance from Little's law in any run.
        is_conserved: whether in every run in = out + inside.
        reactions_per_day: screening and retests, on average.
    """

    state: State
    assumptions: Assumptions
    seed: int
    replications: int
    what_if_replications: int
    days: int
    box_people: int
    hours: Sequence[HourForecast]
    daily: Sequence[DayForecast]
    half_of_standing: Spread
    most_of_standing: Spread
    stations: Sequence[StationLoad]
    bottleneck: StationLoad | None
    bottleneck_word: str
    what_ifs: Sequence[WhatIf]
    little_gap: float
    is_conserved: bool
    reactions_per_day: float


def forecast(
    state: State,
    assumptions: Assumptions,
    *,
    seed: int = 1,
    replications: int = 20,
    days: int = 7,
    box_people: int | None = BOX_PEOPLE,
    what_if_replications: int | None = None,
) -> Forecast:
    """Run the simulation many times, with and without changes.

    Args:
        state: where everything stands.
        assumptions: how things go.
        seed: the same one gives the same forecast.
        replications: runs, 1 to `MOST_REPLICATIONS`.
        days: how far it looks ahead, in days of 24 hours, 1 to 14.
        box_people: samples that go together; None: so many that a page can wait for it.
        what_if_replications: how many of them are run with each change as well; None: all, 0: no change is tried.

    Raises:
        InvalidInput: names the field.
    """
    check_state(state)
    check_assumptions(assumptions)
    check_length(days=days, replications=replications, seed=seed, most_replications=MOST_REPLICATIONS)
    minutes = float(days * DAY)
    together = choose_box(state) if box_people is None else box_people
    runs: list[Run] = []
    most = replications if what_if_replications is None else min(replications, what_if_replications)
    changes = _list_changes(state, assumptions) if most else []
    changed: list[list[Run]] = [[] for _ in changes]
    for number in range(replications):
        draws = Draws(seed, number)
        boxes = draws.list_boxes(
            state, minutes=minutes, prevalence=assumptions.prevalence, box_people=together
        )
        runs.append(run(state, assumptions, draws, boxes, minutes=minutes, box_people=together))
        for change, found in zip(changes, changed, strict=True):
            if change.refusal is None and number < most:
                found.append(
                    run(change.state, change.assumptions, draws, boxes, minutes=minutes, box_people=together)
                )
    stations = _sum_stations(state, runs, days)
    bottleneck, word = _name_bottleneck(stations)
    moving = state.standing - state.held
    return Forecast(
        state=state,
        assumptions=assumptions,
        seed=seed,
        replications=replications,
        what_if_replications=most,
        days=days,
        box_people=together,
        hours=_tell_hours(state, runs),
        daily=_tell_days(state, runs, days),
        half_of_standing=_spread([_find_share(one, moving, 0.5) for one in runs]),
        most_of_standing=_spread([_find_share(one, moving, 0.9) for one in runs]),
        stations=stations,
        bottleneck=bottleneck,
        bottleneck_word=word,
        what_ifs=[_compare(change, runs, found) for change, found in zip(changes, changed, strict=True)],
        little_gap=max(one.little_gap for one in runs),
        is_conserved=all(one.is_conserved for one in runs),
        reactions_per_day=sum(_count_reactions(one) for one in runs) / len(runs) / days,
    )


def estimate_seconds(state: State, assumptions: Assumptions, *, days: int, box_people: int) -> float:
    """Return about how long one run takes, in seconds of an ordinary processor; measured by bench/forecast.py."""
    people = state.standing + state.collected_per_day * days
    reactions = (
        sum(one.screening_per_day for one in state.laboratories) * days * (1 + assumptions.more_shifts)
    )
    plates = min(reactions, people * max(1.0, assumptions.reactions_per_person)) / assumptions.plate_wells
    infected = people * assumptions.prevalence
    return 0.003 + 3e-5 * people / box_people + 4e-5 * plates + 4e-7 * infected + 2e-8 * people


def choose_box(state: State) -> int:
    """Return how many samples go together, so that a day has few enough boxes for a page to wait for."""
    day = max(state.collected_per_day, state.standing / 2)
    boxes = _AT_ONCE * max(2, len(state.laboratories))
    return max(BOX_PEOPLE, math.ceil(day / boxes))


def _spread(numbers: Sequence[float]) -> Spread:
    """Return the median and the tenths; of numbers that are there, so that infinity is never interpolated."""
    found = np.quantile(np.array(numbers, dtype=float), (0.5, 0.1, 0.9), method="nearest")
    median, low, high = (None if math.isinf(number) else float(number) for number in found)
    return Spread(median, low, high)


def _count_reactions(one: Run) -> int:
    return sum(number for purpose, number in one.reactions.items() if purpose != "confirm")


def _count_until(events: Sequence[tuple[float, ...]], edges: Sequence[float]) -> NDArray[np.float64]:
    """Return how many samples had come by each moment."""
    if not events:
        return np.zeros(len(edges))
    at = np.array([event[0] for event in events])
    people = np.cumsum([event[1] for event in events])
    before = np.searchsorted(at, np.array(edges), side="right")
    return np.where(before > 0, people[np.maximum(before, 1) - 1], 0).astype(float)


def _tell_hours(state: State, runs: Sequence[Run]) -> list[HourForecast]:
    # the first and the last are parts of the same hour of the clock
    first = 60.0 - state.minute % 60
    edges = [0.0, *np.arange(first, DAY, 60.0).tolist(), float(DAY)]
    counted = np.array([_count_until(one.released, edges) for one in runs])
    hours = np.diff(counted, axis=1)
    return [
        HourForecast(
            begins_after=edges[number],
            hour=int((state.minute + edges[number]) // 60) % HOURS,
            released=_spread(hours[:, number].tolist()),
            so_far=_spread((counted[:, number + 1] - counted[:, 0]).tolist()),
        )
        for number in range(len(edges) - 1)
    ]


def _tell_days(state: State, runs: Sequence[Run], days: int) -> list[DayForecast]:
    midnights = [float(DAY * number - state.minute) for number in range(1, days + 1)]
    edges = [0.0, *midnights]
    if midnights[-1] < days * DAY:
        edges.append(float(days * DAY))
    collected = np.array([_count_until(one.collected, edges) for one in runs])
    released = np.array([_count_until(one.released, edges) for one in runs])
    standing = np.array([one.stood for one in runs])[:, None] + collected - released
    # what is released at the very moment of the beginning belongs to the first day
    collected[:, 0] = released[:, 0] = 0
    return [
        DayForecast(
            number=number,
            collected=_spread((collected[:, number + 1] - collected[:, number]).tolist()),
            released=_spread((released[:, number + 1] - released[:, number]).tolist()),
            backlog=_spread(standing[:, number + 1].tolist()),
        )
        for number in range(len(edges) - 1)
    ]


def _find_share(one: Run, moving: int, share: float) -> float:
    """Return when so great a share of what stood at the beginning had its result; infinity: not in time."""
    if not moving:
        return math.inf
    reached = 0
    for at, people, stood in one.released:
        reached += people if stood else 0
        if stood and reached >= share * moving:
            return at
    return math.inf


def _sum_stations(state: State, runs: Sequence[Run], days: int) -> list[StationLoad]:
    names = {laboratory.key: laboratory.name for laboratory in state.laboratories}
    loads = []
    for number, station in enumerate(runs[0].stations):
        over = [one.stations[number] for one in runs]
        used = [one.utilisation for one in over if one.utilisation is not None]
        stood = sum(one.stood for one in over) / len(over)
        stands = sum(one.stands for one in over) / len(over)
        loads.append(
            StationLoad(
                laboratory=station.laboratory,
                laboratory_name=names.get(station.laboratory, ""),
                station=station.station,
                utilisation=sum(used) / len(used) if used else None,
                stood=stood,
                stands=stands,
                grows_per_day=(stands - stood) / days,
            )
        )
    return sorted(loads, key=lambda load: (-(load.utilisation or 0.0), -load.grows_per_day))


def _name_bottleneck(stations: Sequence[StationLoad]) -> tuple[StationLoad | None, str]:
    """Return what limits the whole, and in which way.

    The queue that grows most at a station that is hardly ever idle, or that cannot do anything; where none grows, the
    busiest station, if it is busy for half of its time.
    """
    growing = [
        one
        for one in stations
        if one.grows_per_day >= 1
        and one.utilisation is not None
        and (one.utilisation >= BUSY or (not one.utilisation and one.stands))
    ]
    stuck = [one for one in stations if one.station == "stuck" and one.grows_per_day >= 1]
    if growing or stuck:
        return max((*growing, *stuck), key=lambda one: one.grows_per_day), "grows"
    busiest = max(
        (one for one in stations if one.utilisation is not None), key=lambda one: one.utilisation or 0.0
    )
    if (busiest.utilisation or 0.0) < IDLE:
        return None, "none"
    return busiest, "busy"


@dataclass(frozen=True)
class _Change:
    """A variant to be run."""

    word: str
    state: State
    assumptions: Assumptions
    refusal: InvalidInput | None = None


def _list_changes(state: State, assumptions: Assumptions) -> list[_Change]:
    return [
        _try("shift", state, assumptions, _add_shift),
        _try("laboratory", state, assumptions, add_laboratory),
        _try("pool_size", state, assumptions, _change_pool_size),
    ]


def _try(
    word: str,
    state: State,
    assumptions: Assumptions,
    change: Callable[[State, Assumptions], tuple[State, Assumptions]],
) -> _Change:
    try:
        changed = change(state, assumptions)
    except InvalidInput as refusal:
        return _Change(word, state, assumptions, refusal)
    return _Change(word, *changed)


def _add_shift(state: State, assumptions: Assumptions) -> tuple[State, Assumptions]:
    more = replace(assumptions, more_shifts=assumptions.more_shifts + 1)
    if all(worked_hours(one, more) == worked_hours(one, assumptions) for one in state.laboratories):
        raise InvalidInput(
            "Every laboratory works 24 hours already: a day has no hour left for one more shift.",
            field="more_shifts",
        )
    return state, replace(more, usual_pool_size=assumptions.usual_pool_size or assumptions.pool_size)


def add_laboratory(state: State, assumptions: Assumptions) -> tuple[State, Assumptions]:
    """Return the state with one more laboratory of the mean capacity, which takes over from the busiest.

    It stands beside the laboratory that is sent the most for its capacity, and takes so much of its new samples that
    both have as much to do.
    """
    able = [one for one in state.laboratories if one.screening_per_day]
    busiest = max(able, key=lambda one: one.share / one.screening_per_day)
    capacity = max(1, round(sum(one.screening_per_day for one in able) / len(able)))
    # in a range of shares beside the other's, so that every other box goes where it went
    kept = busiest.share * busiest.screening_per_day / (busiest.screening_per_day + capacity)
    names = {one.key for one in state.laboratories}
    key = next(
        f"{NEW_LABORATORY}{n or ''}"
        for n in range(len(names) + 1)
        if f"{NEW_LABORATORY}{n or ''}" not in names
    )
    added: list[LaboratoryState] = []
    for one in state.laboratories:
        if one is not busiest:
            added.append(one)
            continue
        added.append(replace(one, share=kept))
        added.append(
            LaboratoryState(
                key=key,
                name="",
                screening_per_day=capacity,
                opens_hour=one.opens_hour,
                worked_hours=one.worked_hours,
                share=one.share - kept,
            )
        )
    return replace(state, laboratories=added), assumptions


def _change_pool_size(state: State, assumptions: Assumptions) -> tuple[State, Assumptions]:
    others = [size for size in SIZES if size != assumptions.pool_size]
    size = min(others, key=lambda one: replace(assumptions, pool_size=one).reactions_per_person)
    usual = assumptions.usual_pool_size or assumptions.pool_size
    return state, replace(assumptions, pool_size=size, usual_pool_size=usual)


def _compare(change: _Change, runs: Sequence[Run], changed: Sequence[Run]) -> WhatIf:
    size = change.assumptions.pool_size if change.word == "pool_size" else None
    if change.refusal is not None:
        return WhatIf(change.word, size, change.refusal)
    pairs = list(zip(runs, changed, strict=False))  # the first so many runs
    return WhatIf(
        change=change.word,
        pool_size=size,
        backlog=_spread([float(new.inside - old.inside) for old, new in pairs]),
        released_first_day=_spread([_released_first(new) - _released_first(old) for old, new in pairs]),
        backlog_with=_spread([float(new.inside) for new in changed]),
    )


def _released_first(one: Run) -> float:
    return float(_count_until(one.released, [float(DAY)])[0])
