"""Stations of the simulation: where batches wait and are served, with an account of how many stood there how long.

The tests put single customers with exponential service through the very `Station` that the laboratories are made of,
and compare its waits with the closed forms of `queueing`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Generic, Protocol, TypeVar

import simpy

from lims.capacity.forecast.batches import Batch
from lims.capacity.forecast.shifts import ALWAYS, Shifts


class Crowd(Protocol):
    """What a station serves at once: a box, a plate."""

    @property
    def people(self) -> int:
        """How many samples it holds."""


Served = TypeVar("Served", bound=Crowd)


class Account:
    """How many people stood somewhere, kept twice: as an area under their number, and as the sum of their stays.

    L = λW (Little 1961, Operations Research 9:383) says that the two agree; they are added up independently of each
    other, so that a batch lost, doubled or changed on its way shows.
    """

    def __init__(self, env: simpy.Environment) -> None:
        self._env = env
        self._since = env.now
        self.began_at = env.now
        self.inside = 0
        self.entered = 0
        self.left = 0
        self.area = 0.0
        self._stays = 0.0

    def enter(self, people: int) -> float:
        """Count people in; returns the moment, which `leave` is told."""
        now: float = self._env.now
        self._advance(now)
        self.inside += people
        self.entered += people
        return now

    def leave(self, people: int, entered_at: float) -> None:
        """Count people out, who entered at a moment."""
        now: float = self._env.now
        self._advance(now)
        self.inside -= people
        self.left += people
        self._stays += people * (now - entered_at)

    def _advance(self, now: float) -> None:
        self.area += self.inside * (now - self._since)
        self._since = now

    def close(self, entered: list[tuple[int, float]]) -> LittlesLaw:
        """Return both sides of Little's law at the end of a run.

        Args:
            entered: (people, when they entered) of all who are still there.
        """
        now: float = self._env.now
        self._advance(now)
        length = now - self.began_at
        stays = self._stays + sum(people * (now - at) for people, at in entered)
        if not length or not self.entered:
            return LittlesLaw(0.0, 0.0, 0.0)
        return LittlesLaw(self.area / length, self.entered / length, stays / self.entered)


class LittlesLaw:
    """Mean number, arrival rate and mean stay of one station in one run."""

    __slots__ = ("number", "rate", "stay")

    def __init__(self, number: float, rate: float, stay: float) -> None:
        self.number = number
        self.rate = rate
        self.stay = stay

    @property
    def gap(self) -> float:
        """How far L is from λW, relative to L; 0 but for rounding."""
        return abs(self.number - self.rate * self.stay) / max(self.number, 1e-12)


class Station(Generic[Served]):
    """Servers with one queue, first come, first served; batches sent back may go first.

    Args:
        env: the simulation.
        name: word of the station.
        servers: how many batches are served at once.
        minutes_of: how long a batch is served.
        then: where a batch goes.
        shifts: when people work.
        attended: True where work rests when people go home; False where an instrument, once begun, ends by itself.
    """

    def __init__(
        self,
        env: simpy.Environment,
        name: str,
        *,
        servers: int,
        minutes_of: Callable[[Served], float],
        then: Callable[[Served], None],
        shifts: Shifts = ALWAYS,
        attended: bool = True,
    ) -> None:
        self.env = env
        self.name = name
        self.servers = servers
        self.shifts = shifts
        self.account = Account(env)
        self.queue: deque[tuple[Served, float]] = deque()
        self.waits = 0.0
        self.served = 0
        self.worked_minutes = 0.0
        self._minutes_of = minutes_of
        self._then = then
        self._attended = attended
        self._serving: dict[int, tuple[Served, float, float, float]] = {}
        self._count = 0

    def arrive(self, batch: Served, *, first: bool = False) -> None:
        """Take a batch into the queue, or serve it at once."""
        entry = (batch, self.account.enter(batch.people))
        if first:
            self.queue.appendleft(entry)
        else:
            self.queue.append(entry)
        if len(self._serving) < self.servers:
            self._serve()

    def start_with(self, batch: Served, minutes: float) -> None:
        """Put a batch that is being served when the simulation begins into it, with the minutes still to go."""
        self._begin(batch, self.account.enter(batch.people), minutes)

    def _serve(self) -> None:
        batch, entered_at = self.queue.popleft()
        self._begin(batch, entered_at, self._minutes_of(batch))

    def _begin(self, batch: Served, entered_at: float, minutes: float) -> None:
        now: float = self.env.now
        self.waits += now - entered_at
        self.served += 1
        shifts = self.shifts
        ends_at = shifts.end_of(now, minutes) if self._attended else shifts.next_open(now) + minutes
        self._count += 1
        self._serving[self._count] = (batch, entered_at, now, minutes)
        event = self.env.timeout(ends_at - now)
        event.callbacks.append(partial(self._end, self._count))

    def _end(self, number: int, _event: simpy.Event) -> None:
        batch, entered_at, _began_at, minutes = self._serving.pop(number)
        self.worked_minutes += minutes
        self.account.leave(batch.people, entered_at)
        if self.queue and len(self._serving) < self.servers:
            self._serve()
        self._then(batch)

    @property
    def mean_wait(self) -> float:
        """Mean minutes before service, of all that were begun."""
        return self.waits / self.served if self.served else 0.0

    def utilisation(self) -> float:
        """Share of the servers' working time in which they worked, from the beginning until now."""
        now: float = self.env.now
        open_minutes = self.shifts.worked(self.account.began_at, now)
        if not open_minutes:
            return 0.0
        working = self.worked_minutes + sum(
            min(minutes, self.shifts.worked(began_at, now) if self._attended else now - began_at)
            for _batch, _entered_at, began_at, minutes in self._serving.values()
        )
        return min(1.0, working / open_minutes / self.servers)

    def close(self) -> LittlesLaw:
        """Return both sides of Little's law at the end of a run."""
        waiting = [(batch.people, entered_at) for batch, entered_at in self.queue]
        return self.account.close(waiting + [(row[0].people, row[1]) for row in self._serving.values()])


class Road(Generic[Served]):
    """Where nobody queues: a way, or a delay; each batch takes its own time.

    Args:
        env: the simulation.
        name: word of the station.
        shifts: when time counts, as of a supervisor who verifies by day.
    """

    def __init__(self, env: simpy.Environment, name: str, *, shifts: Shifts = ALWAYS) -> None:
        self.env = env
        self.name = name
        self.account = Account(env)
        self._shifts = shifts
        self._under_way: dict[int, tuple[Served, float]] = {}
        self._count = 0

    def send(self, batch: Served, minutes: float, then: Callable[[Served], None]) -> None:
        """Let a batch take so many minutes, then go on."""
        now: float = self.env.now
        self._count += 1
        self._under_way[self._count] = (batch, self.account.enter(batch.people))
        event = self.env.timeout(self._shifts.end_of(now, minutes) - now)
        event.callbacks.append(partial(self._arrive, self._count, then))

    def _arrive(self, number: int, then: Callable[[Served], None], _event: simpy.Event) -> None:
        batch, entered_at = self._under_way.pop(number)
        self.account.leave(batch.people, entered_at)
        then(batch)

    def close(self) -> LittlesLaw:
        """Return both sides of Little's law at the end of a run."""
        return self.account.close([(batch.people, at) for batch, at in self._under_way.values()])


class Bench:
    """Where reactions are set up, a plate at a time, at the pace of the declared capacity.

    A plate is begun when it can be filled, or when what came first has waited long enough. Retests go first. It is
    handed on when it is set up; the next one is begun when the pace allows it, which in a small laboratory is later.
    What was not done while nothing was there is made up for within `catch_up_minutes`: the capacity is one of a day.

    Args:
        env: the simulation.
        name: word of the station.
        wells: pools on a full plate.
        reactions_per_minute: the declared capacity of a day, over the hours worked in it; 0: nothing is begun.
        patience_minutes: how long a pool waits for others.
        set_up_minutes: at most so long takes the work on one plate.
        catch_up_minutes: working minutes of idleness that can be made up for.
        then: where the batches of a plate go, together.
        shifts: when people work.
    """

    def __init__(
        self,
        env: simpy.Environment,
        name: str,
        *,
        wells: int,
        reactions_per_minute: float,
        patience_minutes: float,
        then: Callable[[list[Batch]], None],
        set_up_minutes: float = 60.0,
        catch_up_minutes: float = 120.0,
        shifts: Shifts = ALWAYS,
    ) -> None:
        self.env = env
        self.name = name
        self.account = Account(env)
        self.waiting = 0
        self.worked_minutes = 0.0
        self._wells = wells
        self._pace = reactions_per_minute
        self._patience = patience_minutes
        self._set_up = set_up_minutes
        self._catch_up = catch_up_minutes
        self._then = then
        self._shifts = shifts
        self._first: deque[tuple[Batch, float]] = deque()
        self._later: deque[tuple[Batch, float]] = deque()
        self._plates: dict[int, list[tuple[Batch, float]]] = {}
        self._is_busy = False
        self._count = 0
        # up to where the pace is used, in minutes worked
        self._used_until = shifts.worked_until(env.now)
        self._wakes_at = -1.0

    def arrive(self, batch: Batch, *, first: bool = False) -> None:
        """Take a batch of pools into the queue."""
        queue = self._first if first else self._later
        queue.append((batch, self.account.enter(batch.people)))
        self.waiting += batch.pools
        self._look()

    def _look(self, _event: simpy.Event | None = None) -> None:
        """Begin a plate, if the bench is free and there is reason to; else come back when there will be."""
        if self._is_busy or not self.waiting or not self._pace:
            return
        now: float = self.env.now
        at = now
        if self.waiting < self._wells:
            at = max(now, min(queue[0][1] for queue in (self._first, self._later) if queue) + self._patience)
        at = self._shifts.next_open(at)
        if at <= now:
            self._begin(now)
        elif not now < self._wakes_at <= at:
            self._wakes_at = at
            self.env.timeout(at - now).callbacks.append(self._look)

    def _begin(self, now: float) -> None:
        free = self._wells
        plate: list[tuple[Batch, float]] = []
        for queue in (self._first, self._later):
            while free and queue:
                batch, entered_at = queue.popleft()
                if batch.pools > free:
                    batch, rest = batch.split(free)
                    queue.appendleft((rest, entered_at))
                free -= batch.pools
                plate.append((batch, entered_at))
        reactions = self._wells - free
        self.waiting -= reactions
        minutes = reactions / self._pace
        self.worked_minutes += minutes
        worked = self._shifts.worked_until(now)
        self._used_until = max(self._used_until, worked - self._catch_up) + minutes
        self._is_busy = True
        self._count += 1
        self._plates[self._count] = plate
        set_up_at = self._shifts.end_of(now, min(minutes, self._set_up))
        self.env.timeout(set_up_at - now).callbacks.append(partial(self._hand_on, self._count))
        left = self._used_until - worked
        free_at = self._shifts.end_of(now, left) if left > 0 else now
        self.env.timeout(free_at - now).callbacks.append(self._end)

    def _hand_on(self, number: int, _event: simpy.Event) -> None:
        plate = self._plates.pop(number)
        for batch, entered_at in plate:
            self.account.leave(batch.people, entered_at)
        self._then([batch for batch, _entered_at in plate])

    def _end(self, _event: simpy.Event) -> None:
        self._is_busy = False
        self._look()

    def utilisation(self) -> float:
        """Share of the pace that was used, from the beginning until now."""
        now: float = self.env.now
        open_minutes = self._shifts.worked(self.account.began_at, now)
        if not open_minutes:
            return 0.0
        ahead = max(0.0, self._used_until - self._shifts.worked_until(now))
        return min(1.0, max(0.0, self.worked_minutes - ahead) / open_minutes)

    def close(self) -> LittlesLaw:
        """Return both sides of Little's law at the end of a run."""
        plates = (entry for plate in self._plates.values() for entry in plate)
        inside = (*self._first, *self._later, *plates)
        return self.account.close([(batch.people, at) for batch, at in inside])
