"""All that is random in one replication, drawn before it begins, each kind from a stream of its own.

Nothing is drawn while the simulation runs: whatever is changed in a what-if, the same boxes come at the same time with
the same people in them, who are infected or not, and take as long on their way. Differences between runs of one
replication are those of the change alone (common random numbers: Law 2015, Simulation Modeling and Analysis, 11.2).
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lims.capacity.forecast.batches import Batch
from lims.capacity.forecast.values import HOURS, State

SPREAD = 0.4
"""Standard deviation of the logarithm of a way's or a signature's time, about its median."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box that is filled during the simulation.

    Args:
        at: minute.
        batch: its samples.
        choice: 0 to 1; which laboratory it is sent to.
    """

    at: float
    batch: Batch
    choice: float


class Draws:
    """The random numbers of one replication.

    Args:
        seed: of the forecast.
        replication: its number; each has streams of its own.
    """

    def __init__(self, seed: int, replication: int) -> None:
        self._key = (seed, replication)

    def stream(self, name: str) -> np.random.Generator:
        """Return the stream of a name from its beginning; streams of different names are independent."""
        return np.random.default_rng([*self._key, zlib.crc32(name.encode())])

    def fill(
        self,
        name: str,
        people: Sequence[int],
        *,
        infected: float,
        stood: bool = False,
        purpose: str = "screen",
    ) -> list[Batch]:
        """Return batches of so many people, each infected or not independently of the others.

        Args:
            name: of the stream.
            people: of each batch.
            infected: probability, 0 to 1.
            stood: whether they are there when the simulation begins.
            purpose: of the batches.
        """
        stream = self.stream(name)
        ends = np.cumsum(people, dtype=np.int64)
        delays = np.exp(SPREAD * stream.standard_normal((len(people), 3))).tolist()
        total = int(ends[-1]) if len(people) else 0
        places = np.flatnonzero(stream.random(total) < infected)
        which = np.searchsorted(ends, places, side="right")
        found: list[list[int]] = [[] for _ in people]
        for batch, place in zip(which.tolist(), places.tolist(), strict=True):
            found[batch].append(place - int(ends[batch]) + people[batch])
        return [
            Batch(count, places_in, 1, (row[0], row[1], row[2]), stood, purpose)
            for count, places_in, row in zip(people, found, delays, strict=True)
        ]

    def list_boxes(self, state: State, *, minutes: float, prevalence: float, box_people: int) -> list[Box]:
        """Return the boxes that are filled until the end, in the order of time.

        The number of people in an hour is Poisson distributed about what is expected of it.

        Args:
            state: what is expected in each hour.
            minutes: length of the simulation.
            prevalence: share of people infected.
            box_people: people in a full box.
        """
        stream = self.stream("arrivals")
        begin, times, sizes = 0.0, [], []
        while begin < minutes:
            hour = int((state.minute + begin) // 60)
            end = min(minutes, (hour + 1) * 60.0 - state.minute)
            expected = state.collected_by_hour[hour % HOURS] * (end - begin) / 60
            people = int(stream.poisson(expected))
            boxes = math.ceil(people / box_people)
            moments = begin + (end - begin) * np.sort(stream.random(boxes))
            times += moments.tolist()
            sizes += _share(people, boxes)
            begin = end
        choices = choose_evenly(self.stream("choices"), len(sizes))
        batches = self.fill("people", sizes, infected=prevalence)
        return [Box(*row) for row in zip(times, batches, choices, strict=True)]


def choose_evenly(stream: np.random.Generator, count: int) -> list[float]:
    """Return numbers from 0 to 1 that fill it evenly from a random beginning on, whatever part of them is looked at.

    Sites send to their laboratory: a laboratory gets its share day by day, not by lot. The sequence is that of the
    golden ratio (Kronecker; Niederreiter 1992, Random Number Generation and Quasi-Monte Carlo Methods, chapter 3).
    """
    ratio = (math.sqrt(5) - 1) / 2
    return ((stream.random() + ratio * np.arange(count)) % 1.0).tolist()


def cut(people: int, box_people: int) -> list[int]:
    """Return people in full boxes and one that holds the rest."""
    full, rest = divmod(people, box_people)
    return [box_people] * full + ([rest] if rest else [])


def _share(people: int, boxes: int) -> list[int]:
    """Return people divided evenly among boxes."""
    if not boxes:
        return []
    each, more = divmod(people, boxes)
    return [each + 1] * more + [each] * (boxes - more)
