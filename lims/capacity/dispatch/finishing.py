"""When the samples of each box are tested, once it is known where all boxes go. Pure.

Each laboratory tests what has come in the order in which it came, and never rests while something waits and it is
open. The sum of the finishing times of all samples then does not depend on the order: it is the number of samples
that are not tested yet, added up over time, and a choice can be judged without a schedule for each tube.
"""

from __future__ import annotations

import uuid
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from lims.capacity.dispatch.hours import EDGES, LENGTHS, STEPS, Numbers
from lims.capacity.dispatch.problem import Bench, Box, Laboratory

UNFINISHED = float(2 * EDGES[-1])
"""When what is not tested until the horizon counts as done, in minutes from now."""
_ROUNDING = 1e-6

Choice = Mapping[uuid.UUID, uuid.UUID]
"""Box → laboratory."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Samples that come to a bench.

    Args:
        step: the first step in which they can be tested.
        order: who is first among those of one step.
        samples: how many.
    """

    step: int
    order: tuple[float, str]
    samples: float


def step_of(minutes: float) -> int:
    """Return the first step that begins when something is there; `STEPS` for after the horizon."""
    return int(np.searchsorted(EDGES, minutes - _ROUNDING))


def arrive(box: Box, laboratory_id: uuid.UUID) -> Arrival:
    """Return a box as it would come to a laboratory."""
    return Arrival(step_of(box.arrives(laboratory_id)), (box.ready, box.code), box.samples)


def sum_coming(bench: Bench) -> Numbers:
    """Return what comes to a bench in each step without any of the boxes to choose for; waiting samples in the first.

    The last number is of what comes after the horizon.
    """
    coming = np.zeros(STEPS + 1)
    coming[0] = bench.waiting
    for minutes, samples in bench.coming:
        coming[step_of(max(minutes, 0.0))] += samples
    return coming


@dataclass(frozen=True, slots=True)
class Flow:
    """A bench's work until the horizon.

    Args:
        cost: sum of the finishing times of all its samples, in sample minutes.
        tested: samples tested by the end of each step.
        backlog: samples not tested at the end of each step.
    """

    cost: float
    tested: Numbers
    backlog: Numbers


def run_bench(bench: Bench, coming: Numbers) -> Flow:
    """Return what becomes of all that comes to a bench.

    Args:
        bench: with its capacities.
        coming: samples by step, as of `sum_coming`.
    """
    arriving = coming[:STEPS]
    # a queue is a walk that is kept from falling below 0 (Lindley 1952)
    walk = np.cumsum(arriving - bench.capacities)
    backlog = walk - np.minimum(np.minimum.accumulate(walk), 0.0)
    waits = float(backlog[-1])
    cost = float(LENGTHS @ (arriving + np.concatenate(([0.0], backlog[:-1]))))
    # before they came they were not tested either
    cost += float(arriving @ EDGES[:STEPS]) + (UNFINISHED - float(EDGES[-1])) * waits
    cost += UNFINISHED * float(coming[STEPS])
    tested = np.cumsum(arriving) - backlog
    return Flow(cost, tested, backlog)


def find_done(flow: Flow, ahead: float) -> float:
    """Return when so many samples are tested, in minutes from now; `UNFINISHED` for not until the horizon."""
    step = int(np.searchsorted(flow.tested, ahead - _ROUNDING))
    return float(EDGES[step + 1]) if step < STEPS else UNFINISHED


def collect_arrivals(
    boxes: Sequence[Box], laboratories: Sequence[Laboratory], choice: Choice
) -> dict[tuple[uuid.UUID, bool], list[Box]]:
    """Return the boxes that a choice sends to each bench."""
    found: dict[tuple[uuid.UUID, bool], list[Box]] = {
        (one.id, kind): [] for one in laboratories for kind in (False, True) if one.bench(kind)
    }
    for box in boxes:
        if box.id in choice:
            found[choice[box.id], box.confirms].append(box)
    return found


def add_boxes(coming: Numbers, boxes: Sequence[Box], laboratory_id: uuid.UUID) -> Numbers:
    """Return what comes to a bench with some boxes."""
    total = coming.copy()
    for box in boxes:
        total[step_of(box.arrives(laboratory_id))] += box.samples
    return total


def sum_finishing(boxes: Sequence[Box], laboratories: Sequence[Laboratory], choice: Choice) -> float:
    """Return the sum of the finishing times of all samples, waiting and coming ones included, in sample minutes.

    Boxes without a laboratory are left out.
    """
    by_id = {one.id: one for one in laboratories}
    total = 0.0
    for (laboratory_id, kind), sent in collect_arrivals(boxes, laboratories, choice).items():
        bench = by_id[laboratory_id].bench(kind)
        if bench is not None:
            total += run_bench(bench, add_boxes(sum_coming(bench), sent, laboratory_id)).cost
    return total


@dataclass(frozen=True, slots=True)
class Stay:
    """A box at a laboratory.

    Args:
        done: when its last sample is tested, in minutes from now.
        ahead: samples that wait there before it when it comes.
    """

    done: float
    ahead: float


class Queue:
    """A bench with the boxes that go there, added up once: each box is then looked up in the sums, not in all others.

    Args:
        bench: where.
        sent: all boxes that go there.
        laboratory_id: the bench's.
    """

    def __init__(self, bench: Bench, sent: Sequence[Box], laboratory_id: uuid.UUID) -> None:
        self._bench, self._laboratory_id = bench, laboratory_id
        self._sent = {box.id for box in sent}
        fixed = sum_coming(bench)
        self._fixed = np.cumsum(fixed)
        self._coming = add_boxes(fixed, sent, laboratory_id)
        self._flow = run_bench(bench, self._coming)
        arrivals = sorted((arrive(box, laboratory_id) for box in sent), key=_place_in_line)
        self._line = [_place_in_line(one) for one in arrivals]
        self._before = [0.0, *accumulate(one.samples for one in arrivals)]

    def stay(self, box: Box) -> Stay:
        """Return how a box fares here, or would fare if it came too."""
        mine = arrive(box, self._laboratory_id)
        if mine.step >= STEPS:
            return Stay(UNFINISHED, 0.0)
        flow = self._flow
        if box.id not in self._sent:
            coming = self._coming.copy()
            coming[mine.step] += box.samples
            flow = run_bench(self._bench, coming)
        before = float(self._fixed[mine.step]) + self._before[bisect_left(self._line, _place_in_line(mine))]
        served = float(flow.tested[mine.step - 1]) if mine.step else 0.0
        return Stay(find_done(flow, before + box.samples), max(0.0, before - served))


def _place_in_line(arrival: Arrival) -> tuple[int, tuple[float, str]]:
    return arrival.step, arrival.order
