"""Where each box goes: the choice with the least sum of finishing times, never worse than the simple rule. Pure.

The solver is HiGHS as SciPy has it (Huangfu and Hall 2018, Mathematical Programming Computation 10:119). See
docs/decisions/dispatch.md.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lims.capacity.dispatch.finishing import (
    UNFINISHED,
    add_boxes,
    arrive,
    collect_arrivals,
    find_done,
    run_bench,
    step_of,
    sum_coming,
    sum_finishing,
)
from lims.capacity.dispatch.hours import EDGES, LENGTHS, STEPS, Numbers
from lims.capacity.dispatch.problem import Bench, Box, Laboratory, Left, explain_left, find_places

TIME_LIMIT = 2.0
"""Seconds that the solver may take."""
GAP = 5e-3
"""Share of the sum that the solver need not find; moving boxes one by one finds most of that."""
WAYS = ("simple", "solver", "moves")
"""How a choice was found, as of `Chosen`."""
MOVING = 1.0
"""Seconds in which boxes may be moved one by one afterwards."""
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Chosen:
    """A choice for all boxes.

    Args:
        choice: box → laboratory.
        left: boxes that go nowhere, and why.
        cost: sum of the finishing times of all samples, in sample minutes.
        simple_cost: the same with the simple rule.
        bound: no choice has a smaller sum, as far as the solver has proved; None where it gave none.
        way: `simple` where nothing was better than the simple rule; `solver`; `moves` where boxes of the better of the
            two were moved one by one.
    """

    choice: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    left: tuple[Left, ...] = ()
    cost: float = 0.0
    simple_cost: float = 0.0
    bound: float | None = None
    way: str = "simple"

    @property
    def gap(self) -> float | None:
        """Share of the sum by which it could be better at most; None where no bound is known."""
        if self.bound is None:
            return None
        return max(0.0, self.cost - self.bound) / self.cost if self.cost else 0.0


def choose(
    boxes: Sequence[Box],
    laboratories: Sequence[Laboratory],
    *,
    time_limit: float = TIME_LIMIT,
    gap: float = GAP,
) -> Chosen:
    """Return where each box goes so that all samples together are tested soonest.

    Args:
        boxes: those that are ready, or will be.
        laboratories: all that there are, closed ones included.
        time_limit: seconds for the solver.
        gap: share of the sum that the solver need not find.
    """
    places = {box.id: find_places(box, laboratories) for box in boxes}
    going = [box for box in boxes if places[box.id]]
    left = tuple(Left(box.id, explain_left(box, laboratories)) for box in boxes if not places[box.id])
    simple = choose_simply(going, laboratories)
    simple_cost = sum_finishing(going, laboratories, simple)
    best, cost, way, bound = simple, simple_cost, "simple", None
    if going:
        solved, bound = _solve(going, places, laboratories, time_limit, gap)
        if solved and (solved_cost := sum_finishing(going, laboratories, solved)) < cost - _ROUNDING:
            best, cost, way = solved, solved_cost, "solver"
        if bound is None or cost > bound * (1 + _ROUNDING):
            moved = _move(going, places, laboratories, best, until=time.monotonic() + MOVING)
            if (moved_cost := sum_finishing(going, laboratories, moved)) < cost - _ROUNDING:
                best, cost, way = moved, moved_cost, "moves"
    return Chosen(best, left, cost, simple_cost, None if bound is None else min(bound, cost), way)


def choose_simply(boxes: Sequence[Box], laboratories: Sequence[Laboratory]) -> dict[uuid.UUID, uuid.UUID]:
    """Return the simple rule's choice: each box in turn goes where it is done first; what was chosen by hand first.

    Args:
        boxes: all with somewhere to go.
        laboratories: all that there are.
    """
    benches: dict[tuple[uuid.UUID, bool], Bench] = {}
    coming = {}
    for one in laboratories:
        for kind in (False, True):
            bench = one.bench(kind)
            if bench is not None:
                benches[one.id, kind], coming[one.id, kind] = bench, sum_coming(bench)
    choice = {}
    for box in sorted(boxes, key=lambda box: (box.fixed is None, box.ready, box.code)):
        found = []
        for place in find_places(box, laboratories):
            key = (place.id, box.confirms)
            total = add_boxes(coming[key], [box], place.id)
            ahead = float(total[: arrive(box, place.id).step + 1].sum())
            done = find_done(run_bench(benches[key], total), ahead)
            found.append((done, box.minutes[place.id], str(place.id), place.id, total))
        _done, _minutes, _text, chosen, total = min(found, key=lambda one: one[:3])
        choice[box.id], coming[chosen, box.confirms] = chosen, total
    return choice


def _move(
    boxes: Sequence[Box],
    places: dict[uuid.UUID, list[Laboratory]],
    laboratories: Sequence[Laboratory],
    choice: dict[uuid.UUID, uuid.UUID],
    *,
    until: float,
) -> dict[uuid.UUID, uuid.UUID]:
    """Return a choice in which no box can be moved alone to make the sum smaller, or as far as time allowed.

    Args:
        boxes, places, laboratories: as of `_solve`.
        choice: to begin with.
        until: moment of the monotonic clock.
    """
    choice = dict(choice)
    by_id = {one.id: one for one in laboratories}
    coming: dict[tuple[uuid.UUID, bool], Numbers] = {}
    costs: dict[tuple[uuid.UUID, bool], float] = {}
    for (place_id, kind), sent in collect_arrivals(boxes, laboratories, choice).items():
        if (bench := by_id[place_id].bench(kind)) is not None:
            total = add_boxes(sum_coming(bench), sent, place_id)
            coming[place_id, kind], costs[place_id, kind] = total, run_bench(bench, total).cost
    moved = True
    while moved:
        moved = False
        for box in boxes:
            if time.monotonic() > until:
                return choice
            here = (choice[box.id], box.confirms)
            without = _change(by_id, coming, here, box, -box.samples)
            best, gain = None, _ROUNDING
            for place in places[box.id]:
                there = (place.id, box.confirms)
                if there != here:
                    after = _change(by_id, coming, there, box, box.samples)
                    saved = costs[here] + costs[there] - without[1] - after[1]
                    if saved > gain:
                        best, gain = (there, after), saved
            if best is not None:
                (there, after), moved = best, True
                choice[box.id] = there[0]
                (coming[here], costs[here]), (coming[there], costs[there]) = without, after
    return choice


def _change(
    by_id: dict[uuid.UUID, Laboratory],
    coming: dict[tuple[uuid.UUID, bool], Numbers],
    key: tuple[uuid.UUID, bool],
    box: Box,
    samples: float,
) -> tuple[Numbers, float]:
    """Return what comes to a bench, and its cost, with so many samples more where a box would come."""
    bench = by_id[key[0]].bench(key[1])
    total = coming[key].copy()
    total[step_of(box.arrives(key[0]))] += samples
    return total, run_bench(bench, total).cost if bench else 0.0


def _solve(
    boxes: Sequence[Box],
    places: dict[uuid.UUID, list[Laboratory]],
    laboratories: Sequence[Laboratory],
    time_limit: float,
    gap: float,
) -> tuple[dict[uuid.UUID, uuid.UUID], float | None]:
    """Return the solver's choice, empty where it found none, and the bound that it proved, in sample minutes.

    Variables: 1 or 0 for each box and place it may go to; the backlog of each bench at the end of each step. A
    backlog is at least that of the step before, and what comes, without what can be tested; as the sum is made small,
    it is no more than that.
    """
    # importing it takes half a second, which other commands and pages need not wait for
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array

    pairs = [(number, place) for number, box in enumerate(boxes) for place in places[box.id]]
    by_id = {one.id: one for one in laboratories}
    sent: dict[tuple[uuid.UUID, bool], list[Box]] = {
        (one.id, kind): [] for one in laboratories for kind in (False, True) if one.bench(kind)
    }
    for number, place in pairs:
        sent[place.id, boxes[number].confirms].append(boxes[number])
    rows_of: dict[tuple[uuid.UUID, bool], int] = {}
    lower: list[float] = []
    backlog_costs: list[float] = []
    after = np.append(LENGTHS[1:], UNFINISHED - EDGES[-1])
    constant = 0.0
    at_row: list[int] = []
    at_column: list[int] = []
    value: list[float] = []
    first_backlog = len(pairs)
    for key, may_come in sent.items():
        bench = by_id[key[0]].bench(key[1])
        if bench is None:
            continue
        coming = sum_coming(bench)
        if not may_come:
            constant += run_bench(bench, coming).cost
            continue
        first = rows_of[key] = len(lower)
        # nothing is left in later steps even if every box that may come here does
        most = run_bench(bench, add_boxes(coming, may_come, key[0])).backlog
        steps = max(
            int(np.max(np.nonzero(most > 0)[0], initial=-1)) + 2,
            *(step_of(box.arrives(key[0])) + 1 for box in may_come),
        )
        steps = min(steps, STEPS)
        lower += (coming[:steps] - bench.capacities[:steps]).tolist()
        backlog_costs += after[:steps].tolist()
        constant += float(coming[:STEPS] @ (EDGES[:STEPS] + LENGTHS)) + UNFINISHED * float(coming[STEPS])
        rows = range(first, first + steps)
        at_row += [*rows, *rows[1:]]
        at_column += [first_backlog + row for row in (*rows, *rows[:-1])]
        value += [1.0] * steps + [-1.0] * (steps - 1)
    backlog_rows = len(lower)
    size = first_backlog + backlog_rows
    cost = np.concatenate((np.zeros(first_backlog), backlog_costs))
    lower += [1.0] * len(boxes)
    for column, (number, place) in enumerate(pairs):
        box = boxes[number]
        step = step_of(box.arrives(place.id))
        at_row += [backlog_rows + number]
        at_column += [column]
        value += [1.0]
        if step >= STEPS:
            cost[column] = box.samples * UNFINISHED
            continue
        cost[column] = box.samples * float(EDGES[step] + LENGTHS[step])
        at_row += [rows_of[place.id, box.confirms] + step]
        at_column += [column]
        value += [-box.samples]
    upper = np.full(len(lower), np.inf)
    upper[backlog_rows:] = 1.0
    matrix = coo_array((value, (at_row, at_column)), shape=(len(lower), size)).tocsr()
    highest = np.full(size, np.inf)
    highest[:first_backlog] = 1.0
    # in sample hours, so that the numbers are near 1
    answer = milp(
        cost / 60,
        integrality=(np.arange(size) < first_backlog).astype(int),
        bounds=Bounds(0, highest),
        constraints=LinearConstraint(matrix, lower, upper),
        options={"time_limit": time_limit, "mip_rel_gap": gap, "presolve": True},
    )
    bound = getattr(answer, "mip_dual_bound", None)
    proved = None if bound is None or not np.isfinite(bound) else 60 * float(bound) + constant
    if answer.x is None:
        return {}, proved
    best: dict[uuid.UUID, tuple[float, uuid.UUID]] = {}
    for column, (number, place) in enumerate(pairs):
        share = float(answer.x[column])
        if boxes[number].id not in best or share > best[boxes[number].id][0]:
            best[boxes[number].id] = (share, place.id)
    return {key: place_id for key, (_share, place_id) in best.items()}, proved
