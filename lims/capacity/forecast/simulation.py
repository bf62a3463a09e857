"""One run of the simulation: boxes from the sites to released results, through the stations of every laboratory.

Samples go as boxes, pools and plates, not one by one. What is random was drawn before (`draws`), so that a run follows
from its state, its assumptions and its seed alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import simpy

from lims.capacity.forecast.batches import Batch
from lims.capacity.forecast.draws import Box, Draws, choose_evenly, cut
from lims.capacity.forecast.shifts import ALWAYS, DAY, Shifts
from lims.capacity.forecast.stations import Account, Bench, LittlesLaw, Road, Station
from lims.capacity.forecast.values import (
    BOX_PEOPLE,
    Assumptions,
    LaboratoryState,
    State,
    count_cyclers,
    count_technicians,
    usual_hours,
    worked_hours,
)
from lims.msgid import N_
from lims.pooling.outcomes import SMALLEST_HALVED

STATION_WORDS = {
    "teams": N_("Sampling teams"),
    "road": N_("Way to the laboratory"),
    "pooling": N_("Pooling"),
    "reactions": N_("Reactions a day"),
    "cyclers": N_("Thermocyclers"),
    "confirmation": N_("Confirmations a day"),
    "confirmation_cyclers": N_("Thermocyclers for confirmation"),
    "verification": N_("Verification"),
    "release": N_("Release"),
    "stuck": N_("Waits for a laboratory that may confirm"),
}
"""The stations of the simulation, in the order of the way."""


@dataclass(frozen=True, slots=True)
class Plate:
    """What goes through a cycler once."""

    batches: Sequence[Batch]
    people: int


@dataclass(frozen=True, slots=True)
class StationRun:
    """A station at the end of a run.

    Args:
        laboratory: its key; empty for what belongs to none.
        station: key of `STATION_WORDS`.
        utilisation: share of its working time in which it worked; None where nobody queues.
        stood: samples there at the beginning.
        stands: samples there at the end.
        law: both sides of Little's law.
    """

    laboratory: str
    station: str
    utilisation: float | None
    stood: int
    stands: int
    law: LittlesLaw


@dataclass(frozen=True, slots=True)
class Run:
    """What happened in one run.

    Args:
        minutes: its length.
        stood: samples there at the beginning, on hold or not.
        held: those on hold, which nothing moved on.
        collected: (minute, samples) of the boxes filled.
        released: (minute, samples, whether they stood there at the beginning).
        stations: all stations.
        reactions: done, by purpose.
    """

    minutes: float
    stood: int
    held: int
    collected: Sequence[tuple[float, int]]
    released: Sequence[tuple[float, int, bool]]
    stations: Sequence[StationRun]
    reactions: dict[str, int]

    @property
    def inside(self) -> int:
        """Samples at all stations at the end."""
        return sum(station.stands for station in self.stations) + self.held

    @property
    def is_conserved(self) -> bool:
        """Whether what came in is what went out and what is still there."""
        came = self.stood + sum(people for _at, people in self.collected)
        return came == self.inside + sum(people for _at, people, _stood in self.released)

    @property
    def little_gap(self) -> float:
        """The largest distance from Little's law at any station, relative; 0 but for rounding."""
        return max(station.law.gap for station in self.stations)


def simulate(
    state: State,
    assumptions: Assumptions,
    *,
    seed: int,
    replication: int = 0,
    minutes: float = DAY,
    box_people: int = BOX_PEOPLE,
) -> Run:
    """Run the simulation once.

    Args:
        state: where everything stands, checked by `values.check_state`.
        assumptions: checked by `values.check_assumptions`.
        seed: of the forecast.
        replication: number of the run.
        minutes: how far it looks ahead.
        box_people: samples that go together; more make it faster and coarser.
    """
    draws = Draws(seed, replication)
    boxes = draws.list_boxes(state, minutes=minutes, prevalence=assumptions.prevalence, box_people=box_people)
    return run(state, assumptions, draws, boxes, minutes=minutes, box_people=box_people)


def run(
    state: State,
    assumptions: Assumptions,
    draws: Draws,
    boxes: Sequence[Box],
    *,
    minutes: float,
    box_people: int,
) -> Run:
    """Run the simulation once with boxes drawn before, as those of another run are; arguments as of `simulate`."""
    return _Model(state, assumptions, draws, minutes, box_people).run(boxes)


class _Model:
    """The stations and the ways between them."""

    def __init__(
        self, state: State, assumptions: Assumptions, draws: Draws, minutes: float, box_people: int
    ) -> None:
        self.env = simpy.Environment()
        self.state = state
        self.assumptions = assumptions
        self.draws = draws
        self.minutes = minutes
        self.box_people = box_people
        self.road: Road[Batch] = Road(self.env, "road")
        self.stuck = Account(self.env)
        self.stuck_since: list[tuple[int, float]] = []
        self.reactions: dict[str, int] = {}
        self.collected: list[tuple[float, int]] = []
        self.released: list[tuple[float, int, bool]] = []
        self.laboratories = [_Laboratory(self, one) for one in state.laboratories]
        # with their confirmations a day
        self.confirming = [
            (one.confirmation, one.state.confirmation_per_day)
            for one in self.laboratories
            if one.confirmation is not None
        ]
        total = sum(one.share for one in state.laboratories)
        self.bounds: list[float] = []
        for one in state.laboratories:
            before = self.bounds[-1] if self.bounds else 0.0
            self.bounds.append(before + (one.share / total if total else 1 / len(state.laboratories)))
        self.teams: Station[Batch] | None = None
        if assumptions.teams:
            pace = assumptions.teams * assumptions.people_per_team_hour / 60
            self.teams = Station(
                self.env,
                "teams",
                servers=1,
                minutes_of=lambda batch: batch.people / pace,
                then=lambda batch: self.collect(batch),
            )
        self.choices: dict[int, float] = {}

    def run(self, boxes: Sequence[Box]) -> Run:
        """Place what stands, let the boxes come, and look at the end."""
        for laboratory in self.laboratories:
            laboratory.place()
        site = self.fill("site", self.state.at_the_site)
        choices = choose_evenly(self.draws.stream("site choices"), len(site))
        for batch, choice in zip(site, choices, strict=True):
            self.send(batch, choice, batch.delays[0])
        began = {key: account.inside for key, account in self._accounts()}
        for box in boxes:
            event = self.env.timeout(box.at)
            event.callbacks.append(partial(self._fill_box, box.batch, box.choice))
        self.env.run(until=self.minutes)
        return Run(
            minutes=self.minutes,
            stood=self.state.standing,
            held=self.state.held,
            collected=self.collected,
            released=self.released,
            stations=self._close(began),
            reactions=self.reactions,
        )

    def fill(
        self, name: str, people: int, *, infected: float | None = None, purpose: str = "screen"
    ) -> list[Batch]:
        """Return what stands somewhere at the beginning, in boxes."""
        if not people:
            return []
        share = self.assumptions.prevalence if infected is None else infected
        sizes = cut(people, self.box_people)
        return self.draws.fill(name, sizes, infected=share, stood=True, purpose=purpose)

    def _fill_box(self, batch: Batch, choice: float, _event: simpy.Event) -> None:
        self.collected.append((self.env.now, batch.people))
        if self.teams is None:
            self.send(batch, choice, batch.delays[0])
        else:
            self.choices[id(batch)] = choice
            self.teams.arrive(batch)

    def collect(self, batch: Batch) -> None:
        """Send a box that its team has filled."""
        self.send(batch, self.choices.pop(id(batch)), batch.delays[0])

    def send(self, batch: Batch, choice: float, delay: float) -> None:
        """Send a box to the laboratory that was drawn for it."""
        place = next(
            (number for number, bound in enumerate(self.bounds) if choice < bound), len(self.bounds) - 1
        )
        self.road.send(batch, delay * self.assumptions.road_minutes, self.laboratories[place].receive)

    def confirm(self, batch: Batch, origin: _Laboratory) -> None:
        """Send detected samples to where confirmations are done soonest; keep them where nobody may."""
        sample = batch.pooled(1, "confirm")
        if origin.confirmation:
            origin.confirmation.arrive(sample)
        elif self.confirming:
            chosen = min(self.confirming, key=lambda one: one[0].waiting / one[1])[0]
            self.road.send(sample, batch.delays[0] * self.assumptions.road_minutes, chosen.arrive)
        else:
            self.stuck_since.append((batch.people, self.stuck.enter(batch.people)))

    def release(self, batch: Batch) -> None:
        """Count what goes out."""
        self.released.append((self.env.now, batch.people, batch.stood))

    def _accounts(self) -> list[tuple[tuple[str, str], Account]]:
        found = [(("", "road"), self.road.account), (("", "stuck"), self.stuck)]
        if self.teams is not None:
            found.append((("", "teams"), self.teams.account))
        for laboratory in self.laboratories:
            found += [
                ((laboratory.state.key, station.name), station.account) for station in laboratory.stations
            ]
        return found

    def _close(self, began: dict[tuple[str, str], int]) -> list[StationRun]:
        stations: list[tuple[str, Station[Batch] | Station[Plate] | Bench | Road[Batch]]] = [("", self.road)]
        if self.teams is not None:
            stations.append(("", self.teams))
        for laboratory in self.laboratories:
            stations += [(laboratory.state.key, station) for station in laboratory.stations]
        closed = [
            StationRun(
                laboratory=key,
                station=station.name,
                utilisation=None if isinstance(station, Road) else station.utilisation(),
                stood=began[key, station.name],
                stands=station.account.inside,
                law=station.close(),
            )
            for key, station in stations
        ]
        stuck = self.stuck
        law = stuck.close(self.stuck_since)
        return [*closed, StationRun("", "stuck", None, began["", "stuck"], stuck.inside, law)]


class _Laboratory:
    """The stations of one laboratory."""

    def __init__(self, model: _Model, state: LaboratoryState) -> None:
        self.model = model
        self.state = state
        env, assumptions = model.env, model.assumptions
        self.usual_minutes = 60 * usual_hours(state, assumptions)
        opens = assumptions.opens_hour if state.opens_hour is None else state.opens_hour
        minutes = 60 * worked_hours(state, assumptions)
        self.shifts = ALWAYS if minutes >= DAY else Shifts(60.0 * opens - model.state.minute, minutes)
        pace = count_technicians(state, assumptions) * assumptions.tubes_per_technician_hour / 60
        self.pooling: Station[Batch] = Station(
            env,
            "pooling",
            servers=1,
            minutes_of=lambda batch: batch.people / pace,
            then=self._pool,
            shifts=self.shifts,
        )
        self.bench, self.cyclers = self._line("reactions", "cyclers", state.screening_per_day)
        self.confirmation: Bench | None = None
        self.stations: list[Station[Batch] | Station[Plate] | Bench | Road[Batch]] = [
            self.pooling,
            self.bench,
            self.cyclers,
        ]
        if state.confirmation_per_day:
            self.confirmation, cyclers = self._line(
                "confirmation", "confirmation_cyclers", state.confirmation_per_day
            )
            self.stations += [self.confirmation, cyclers]
        self.verifying: Road[Batch] = Road(env, "verification", shifts=self.shifts)
        self.releasing: Road[Batch] = Road(env, "release", shifts=self.shifts)
        self.stations += [self.verifying, self.releasing]

    def _line(self, bench: str, cyclers: str, per_day: int) -> tuple[Bench, Station[Plate]]:
        """Return a bench that sets plates up and the cyclers that run them."""
        assumptions, env = self.model.assumptions, self.model.env
        runs: Station[Plate] = Station(
            env,
            cyclers,
            servers=count_cyclers(per_day, self.usual_minutes / 60, assumptions),
            minutes_of=lambda _plate: assumptions.run_minutes,
            then=self._read,
            shifts=self.shifts,
            attended=False,
        )
        return (
            Bench(
                env,
                bench,
                wells=assumptions.plate_wells,
                reactions_per_minute=per_day / self.usual_minutes,
                patience_minutes=assumptions.patience_minutes,
                then=lambda batches: runs.arrive(Plate(batches, sum(one.people for one in batches))),
                shifts=self.shifts,
            ),
            runs,
        )

    def place(self) -> None:
        """Put what stands here at the beginning where it stands."""
        model, state, assumptions = self.model, self.state, self.model.assumptions
        key, size = state.key, assumptions.pool_size
        begun = model.draws.stream(f"{key} begun")
        for batch in model.fill(f"{key} to_release", state.to_release):
            self._sign(batch, float(begun.random()))
        for batch in model.fill(f"{key} to_verify", state.to_verify):
            self._verify(batch, float(begun.random()))
        for batch in model.fill(f"{key} to_confirm", state.to_confirm, infected=1.0, purpose="confirm"):
            model.confirm(batch, self)
        positive = 1 - (1 - assumptions.prevalence) ** size
        share = assumptions.prevalence / positive if positive else 0.0
        for batch in model.fill(f"{key} to_retest", state.to_retest, infected=share, purpose="retest"):
            self.bench.arrive(batch, first=True)
        for batch in model.fill(f"{key} on_plate", state.on_plate):
            plate = Plate([batch.pooled(size)], batch.people)
            self.cyclers.start_with(plate, float(begun.random()) * assumptions.run_minutes)
        for batch in model.fill(f"{key} pooled", state.pooled):
            self.bench.arrive(batch.pooled(size))
        for batch in model.fill(f"{key} received", state.received):
            self.pooling.arrive(batch)
        for batch in model.fill(f"{key} on_the_road", state.on_the_road):
            left = float(begun.random()) * batch.delays[0] * assumptions.road_minutes
            model.road.send(batch, left, self.receive)

    def receive(self, batch: Batch) -> None:
        """Take a box in."""
        self.pooling.arrive(batch)

    def _pool(self, batch: Batch) -> None:
        self.bench.arrive(batch.pooled(self.model.assumptions.pool_size))

    def _read(self, plate: Plate) -> None:
        """Send each batch of a plate on by what was found in it; the negatives of a run are verified together."""
        reactions = self.model.reactions
        negatives: dict[bool, list[Batch]] = {}
        for batch in plate.batches:
            reactions[batch.purpose] = reactions.get(batch.purpose, 0) + batch.pools
            negative, positive = batch.tested()
            if negative is not None:
                negatives.setdefault(negative.stood, []).append(negative)
            if positive is not None:
                self._follow(positive)
        for group in negatives.values():
            self._verify(group[0].part(sum(one.people for one in group), []))

    def _follow(self, positive: Batch) -> None:
        """Confirm, test again or report what was found: as `pooling.outcomes.decide`, in bulk."""
        assumptions = self.model.assumptions
        if positive.size == 1:
            if positive.purpose == "confirm" or self.state.can_confirm:
                self._verify(positive)
            else:
                self.model.confirm(positive, self)
        elif assumptions.confirm_all_members and not self.state.can_confirm:
            self.model.confirm(positive, self)
        elif (
            assumptions.strategy == "halves"
            and positive.purpose == "screen"
            and positive.size >= SMALLEST_HALVED
        ):
            for half in positive.halved():
                self.bench.arrive(half, first=True)
        else:
            self.bench.arrive(positive.pooled(1, "retest"), first=True)

    def _verify(self, batch: Batch, left: float = 1.0) -> None:
        minutes = left * batch.delays[1] * self.model.assumptions.verify_minutes
        self.verifying.send(batch, minutes, self._sign)

    def _sign(self, batch: Batch, left: float = 1.0) -> None:
        minutes = left * batch.delays[2] * self.model.assumptions.release_minutes
        self.releasing.send(batch, minutes, self.model.release)
