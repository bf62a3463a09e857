"""The journey as a whole: station after station, several clients at once, and the proof at its end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from lims.demo.people import invent_people
from lims.demo.province import PROVINCE_CODE
from lims.journey import laboratory, road
from lims.journey.caller import JourneyError
from lims.journey.crew import Crew, assemble
from lims.journey.tally import Tally
from lims.journey.travellers import ASKED_AGAIN, CLOSED, RELEASED, Laboratory, Plate, Team, Traveller

T = TypeVar("T")
R = TypeVar("R")
TEAM = 50
# every so many teams mix swabs at collection
MIXING = 8
RACK = 400
# tests of a tube: screening, its repeat, retest, its repeat, confirmation, its repeat, and the way to it
MOST_TESTS = 9
# first samples, and new ones for whom they are asked
MOST_SAMPLES = 4


@dataclass(frozen=True)
class Plan:
    """What is asked of a journey.

    Args:
        url: the server.
        people: how many.
        prevalence: share of the infected, 0 to 1.
        clients: how many work at once.
        seed: of the people and of the cycler.
        password: of the demonstration's accounts.
        patience_s: how long one request is tried.
    """

    url: str
    people: int
    prevalence: float
    clients: int
    seed: int
    password: str
    patience_s: float = 120.0


@dataclass
class Outcome:
    """What the journey proves.

    Args:
        plan: what was asked.
        seconds: in all.
        tally: each station's speed.
        released: people by finding.
        reasons: people without a result, by the reason named to them.
        unaccounted: declaration codes of those with neither, with what they read last.
        wrong: declaration codes of those who read what is not true.
        reconciliation_holds: whether every row of the database is in exactly one class.
    """

    plan: Plan
    seconds: float = 0.0
    tally: Tally = field(default_factory=Tally)
    released: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    unaccounted: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    reconciliation_holds: bool = False

    @property
    def is_proved(self) -> bool:
        """True when everybody has a true result or a named reason, and the server's own accounts agree."""
        accounted = self.released.total() + self.reasons.total()
        return (
            accounted == self.plan.people
            and not self.unaccounted
            and not self.wrong
            and self.reconciliation_holds
        )


def _check_answers(http: httpx.Client) -> None:
    """Stop at once where nobody answers; patience is for a server that was there before.

    Raises:
        JourneyError: nobody answers at the address.
    """
    try:
        http.get("/health", timeout=10).raise_for_status()
    except httpx.HTTPError as error:
        raise JourneyError(
            f"Nobody answers at {http.base_url}. Start the server with `make run` first."
        ) from error


class Journey:
    """One journey against one server."""

    def __init__(self, plan: Plan, say: Callable[[str], None] = lambda _line: None) -> None:
        self.plan = plan
        self.outcome = Outcome(plan)
        self._say = say
        self._truth: dict[str, Sequence[Traveller]] = {}
        self._plates: list[Plate] = []

    def go(self) -> Outcome:
        """Bring everybody from the declaration to the reading.

        Raises:
            JourneyError: the server refused what it should accept, or did not answer for too long.
        """
        began = time.monotonic()
        limits = httpx.Limits(
            max_connections=self.plan.clients * 2, max_keepalive_connections=self.plan.clients
        )
        with (
            httpx.Client(base_url=self.plan.url, timeout=60, limits=limits) as http,
            ThreadPoolExecutor(self.plan.clients, thread_name_prefix="client") as self._threads,
        ):
            _check_answers(http)
            crew = assemble(
                http, password=self.plan.password, clients=self.plan.clients, patience_s=self.plan.patience_s
            )
            travellers = self._declare(crew)
            waiting: Sequence[Traveller] = travellers
            for number in range(MOST_SAMPLES):
                if not waiting:
                    break
                self._bring(crew, waiting, may_mix=number == 0)
                self._read(crew, waiting)
                waiting = [who for who in waiting if who.status == ASKED_AGAIN]
            self._prove(crew, travellers)
        self.outcome.seconds = round(time.monotonic() - began, 1)
        return self.outcome

    def _each(self, name: str, people: int, work: Callable[[T], R], units: Iterable[T]) -> list[R]:
        """Do one station's work, as many units at once as there are clients."""
        with self.outcome.tally.at(name, people):
            done = list(self._threads.map(work, units))
        station = self.outcome.tally.stations[name]
        self._say(f"{name}: {people} people, {station.people_per_second} a second")
        return done

    def _declare(self, crew: Crew) -> list[Traveller]:
        travellers = [
            Traveller(person)
            for person in invent_people(
                count=self.plan.people,
                prevalence=self.plan.prevalence,
                seed=self.plan.seed,
                province_code=PROVINCE_CODE,
            )
        ]

        def declare(item: tuple[int, Traveller]) -> None:
            number, traveller = item
            commune = crew.communes[number // TEAM % len(crew.communes)]
            road.declare(crew, traveller, commune_code=commune)

        self._each("declare", len(travellers), declare, enumerate(travellers))
        return travellers

    def _bring(self, crew: Crew, people: Sequence[Traveller], *, may_mix: bool) -> None:
        """Bring people from the swab to the release."""
        teams = self._send_out(crew, people, may_mix=may_mix)
        count = len(people)
        self._each("print labels", count, lambda team: road.hand_out_tubes(crew, team), teams)
        self._each("collect", count, lambda team: road.collect(crew, team), teams)
        self._each("box", count, lambda team: self._pack(crew, team), teams)
        self._each("receive", count, lambda team: self._receive(crew, team), teams)
        self._truth = {tube: who for team in teams for tube, who in team.tubes.items()}
        racks = [
            (place, tubes[start : start + RACK])
            for place in crew.laboratories
            for tubes in [[tube for team in teams if team.laboratory == place for tube in team.tubes]]
            for start in range(0, len(tubes), RACK)
        ]
        self._each("pool", count, lambda rack: self._pool(crew, *rack), racks)
        for _ in range(MOST_TESTS):
            if not self._test(crew):
                break
        list(self._threads.map(lambda plate: laboratory.finish(crew, plate), self._plates))

    @staticmethod
    def _send_out(crew: Crew, people: Sequence[Traveller], *, may_mix: bool) -> list[Team]:
        return [
            Team(
                site_id=crew.sites[number % len(crew.sites)],
                laboratory=crew.laboratories[number % len(crew.laboratories)],
                people=list(people[number * TEAM : (number + 1) * TEAM]),
                mode="mixed" if may_mix and number % MIXING == 1 else "single",
            )
            for number in range(-(-len(people) // TEAM))
        ]

    @staticmethod
    def _pack(crew: Crew, team: Team) -> None:
        road.send(
            crew,
            box=team.box,
            tubes=list(team.tubes),
            packer=crew.collector,
            place_id=team.site_id,
            laboratory_id=team.laboratory.id,
        )

    @staticmethod
    def _receive(crew: Crew, team: Team) -> None:
        technician = crew.technicians[team.laboratory.code]
        road.receive(
            technician=technician, box=team.box, tubes=list(team.tubes), laboratory_id=team.laboratory.id
        )

    @staticmethod
    def _pool(crew: Crew, place: Laboratory, tubes: Sequence[str]) -> None:
        laboratory.pool(crew.technicians[place.code], laboratory_id=place.id, tubes=tubes)

    def _test(self, crew: Crew) -> bool:
        """Test once what waits, in all laboratories; tell whether anything did."""
        found = [(place, *laboratory.list_waiting(crew, place, self._truth)) for place in crew.laboratories]
        to_send = [(place, tubes) for place, _, tubes in found if tubes]
        if to_send:
            people = sum(len(tubes) for _, tubes in to_send)
            self._each("send on", people, lambda item: laboratory.send_on(crew, *item), to_send)
        shares = [
            (place, dict(items[start : start + laboratory.PLATE]))
            for place, pools, _ in found
            for items in [list(pools.items())]
            for start in range(0, len(items), laboratory.PLATE)
        ]
        if not shares:
            return bool(to_send)
        people = sum(
            len(self._truth[tube]) for _, pools in shares for tubes in pools.values() for tube in tubes
        )
        plates = self._each(
            "plate", people, lambda share: laboratory.plan(crew, share[0], share[1], self._truth), shares
        )
        numbered = [
            (plate, self.plan.seed * 10_000 + len(self._plates) + place) for place, plate in enumerate(plates)
        ]
        self._plates += plates

        def run(item: tuple[Plate, int]) -> None:
            laboratory.run(crew, item[0], self._truth, seed=item[1])

        self._each("run", people, run, numbered)
        self._each("review", people, lambda plate: laboratory.review(crew, plate), plates)
        self._each("verify", people, lambda plate: laboratory.verify(crew, plate), plates)
        self._each("release", people, lambda plate: laboratory.release(crew, plate), plates)
        return True

    def _read(self, crew: Crew, people: Sequence[Traveller]) -> None:
        def read(traveller: Traveller) -> None:
            answer: dict[str, Any] = crew.resident.post_items(
                "/results/read", result_code=traveller.result_code, birth_date=traveller.person.birth_date
            )
            traveller.status = answer["status"]

        self._each("read", len(people), read, people)

    def _prove(self, crew: Crew, travellers: Sequence[Traveller]) -> None:
        outcome = self.outcome
        for traveller in travellers:
            if traveller.status in RELEASED:
                outcome.released[traveller.status] += 1
                found = {"detected": True, "not_detected": False}.get(traveller.status)
                if found is not None and found != traveller.person.is_infected:
                    outcome.wrong.append(traveller.declaration)
            elif traveller.status in CLOSED or traveller.status == ASKED_AGAIN:
                outcome.reasons[traveller.status] += 1
            else:
                outcome.unaccounted[traveller.declaration] = traveller.status
        outcome.reconciliation_holds = bool(crew.coordinator.get("/reconciliation")["holds"])
