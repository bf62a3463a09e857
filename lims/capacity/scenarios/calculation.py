"""What a scenario asks for on each day, what can be done of it, what is carried over, and what breaks first. Pure.

Three lines follow each other: people are sampled, their samples are screened, who has to be is confirmed. Each takes
what has waited longest first, does as much as its day allows and carries the rest over to the next day, so that what
was asked is always what was done and what waits. What is done at one station stands at the next on the same day: the
plan is in days, hours of transport are not in it (the forecast has them).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from lims.capacity.effective import expected_confirmations
from lims.capacity.scenarios.rules import Scenario
from lims.msgid import N_
from lims.pooling.strategies import expected_reactions

MOST_DAYS = 1_000
"""So long is followed what is not done."""
STATIONS: Mapping[str, str] = {
    "sampling": N_("Sampling"),
    "screening": N_("Screening"),
    "confirmation": N_("Confirmation"),
}
STOCKS: Mapping[str, str] = {"tubes": N_("Tubes"), "boxes": N_("Boxes"), "kits": N_("Kits")}
_LITTLE = 1e-6
"""Less than this of a person is nobody: what adding fractions leaves."""


@dataclass(slots=True)
class _Batch:
    """People of one group who came on one day.

    Args:
        group: `cases`, `contacts` or `community`.
        people: how many are left of them.
        cost: of the station's capacity for each.
    """

    group: str
    people: float
    cost: float


@dataclass(frozen=True, slots=True)
class StationDay:
    """One station's day, in its own unit: people for sampling, reactions for the laboratories.

    Args:
        asked: came on this day.
        done: was done on this day.
        waiting: is left in the evening, of this day and of those before.
    """

    asked: float
    done: float
    waiting: float


@dataclass(frozen=True, slots=True)
class PlanDay:
    """One day of a scenario.

    Args:
        number: 1 for the first.
        on: its date.
        cases: found on this day.
        contact_tests: tests of contacts that are due.
        community: people of the rounds.
        stations: by the keys of `STATIONS`.
        samplers: needed for those who are to be sampled on this day.
        tubes, boxes, kits: used on this day.
    """

    number: int
    on: date
    cases: int
    contact_tests: float
    community: float
    stations: Mapping[str, StationDay]
    samplers: int
    tubes: int
    boxes: int
    kits: int


@dataclass(frozen=True, slots=True)
class Break:
    """A station or a stock that is not enough.

    Args:
        what: key of `STATIONS` or `STOCKS`.
        number, on: the first day of it.
        short: what is left over in that evening, or lacks.
        worst: the most that is ever left over, or lacks in all.
    """

    what: str
    number: int
    on: date
    short: int
    worst: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a scenario comes to.

    Args:
        scenario: what was assumed.
        days: until all is done, at most `MOST_DAYS`.
        breaks: what is not enough, the first to break first.
        done_on: the day on which each station has done everything, and `all`; None where it never has.
        confirmations_per_case: 1, or as many as the pool had members.
        case_days: days of all confirmations of a day that the cases alone need.
        totals: people sampled, reactions, confirmations, tubes, boxes, kits and the most samplers of a day.
    """

    scenario: Scenario
    days: Sequence[PlanDay]
    breaks: Sequence[Break]
    done_on: Mapping[str, date | None]
    confirmations_per_case: int
    case_days: float
    totals: Mapping[str, int]


class _Line:
    """What waits at a station, in the order in which it came."""

    def __init__(self, capacity: float | None) -> None:
        self.capacity = math.inf if capacity is None else capacity
        self.waiting: deque[_Batch] = deque()

    @property
    def load(self) -> float:
        """What waits, in the station's unit."""
        return math.fsum(batch.people * batch.cost for batch in self.waiting)

    def work(self, arriving: Iterable[_Batch]) -> tuple[StationDay, list[tuple[str, float]]]:
        """Take what comes, do what a day allows, and return the day and who went on, by group."""
        coming = [batch for batch in arriving if batch.people > _LITTLE and batch.cost > 0]
        asked = math.fsum(batch.people * batch.cost for batch in coming)
        self.waiting.extend(coming)
        left, done = self.capacity, 0.0
        passed: list[tuple[str, float]] = []
        while self.waiting and left > _LITTLE:
            batch = self.waiting[0]
            people = min(batch.people, left / batch.cost)
            left -= people * batch.cost
            done += people * batch.cost
            passed.append((batch.group, people))
            batch.people -= people
            if batch.people <= _LITTLE:
                self.waiting.popleft()
        return StationDay(asked, done, self.load), passed


def calculate_plan(scenario: Scenario) -> Plan:
    """Return what happens on each day, what breaks first and when all is done.

    A case brings its own confirmation, under the policy `members` those of its whole pool: 550 confirmations a day are
    550 cases or 55 (CAMPAIGN §4.1). Its contacts are tested on each day of the schedule that is valid on its day.
    Infected people whom these tests and the rounds find are confirmed as well, and bring no contacts of their own.
    Screening costs `expected_reactions` for each person; under `members` the confirming laboratory tests the pool's
    members, so screening costs one reaction for each pool.

    Args:
        scenario: checked by `rules.read_scenario`.
    """
    groups = {group: _cost_group(scenario, group) for group in ("contacts", "community")}
    per_case = int(scenario.number("case_pool_size")) if scenario.policy == "members" else 1
    hours = scenario.number("persons_per_sampler_hour") * scenario.number("hours_per_day")
    samplers = scenario.numbers["samplers"]
    sampling = _Line(None if samplers is None else samplers * hours)
    screening, confirmation = _Line(scenario.screening_per_day), _Line(scenario.confirmation_per_day)
    coming = _list_coming(scenario)
    days: list[PlanDay] = []
    for number in range(1, MOST_DAYS + 1):
        cases, contacts, community = coming.get(number, (0, 0.0, 0.0))
        to_sample = sampling.load + contacts + community
        sampled_day, sampled = sampling.work(
            [_Batch("contacts", contacts, 1.0), _Batch("community", community, 1.0)]
        )
        screened_day, screened = screening.work(
            [_Batch(group, people, groups[group][0]) for group, people in sampled]
        )
        confirmed_day, _confirmed = confirmation.work(
            [_Batch("cases", float(cases), float(per_case))]
            + [_Batch(group, people, groups[group][1]) for group, people in screened]
        )
        tubes = _whole(sampled_day.done / scenario.number("people_per_tube"))
        days.append(
            PlanDay(
                number=number,
                on=scenario.starts_on + timedelta(days=number - 1),
                cases=cases,
                contact_tests=contacts,
                community=community,
                stations={
                    "sampling": sampled_day,
                    "screening": screened_day,
                    "confirmation": confirmed_day,
                },
                samplers=_whole(to_sample / hours),
                tubes=tubes,
                boxes=_whole(tubes / scenario.number("tubes_per_box")),
                kits=_whole((screened_day.done + confirmed_day.done) / scenario.number("reactions_per_kit")),
            )
        )
        if number >= max(coming, default=1) and not (
            sampling.waiting or screening.waiting or confirmation.waiting
        ):
            break
    return Plan(
        scenario=scenario,
        days=days,
        breaks=_find_breaks(scenario, days),
        done_on=_find_ends(days),
        confirmations_per_case=per_case,
        case_days=sum(scenario.curve) * per_case / scenario.confirmation_per_day,
        totals={
            "cases": sum(scenario.curve),
            "people": _whole(math.fsum(day.stations["sampling"].asked for day in days)),
            "reactions": _whole(math.fsum(day.stations["screening"].asked for day in days)),
            "confirmations": _whole(math.fsum(day.stations["confirmation"].asked for day in days)),
            "tubes": sum(day.tubes for day in days),
            "boxes": sum(day.boxes for day in days),
            "kits": sum(day.kits for day in days),
            "samplers": max(day.samplers for day in days),
        },
    )


def _cost_group(scenario: Scenario, group: str) -> tuple[float, float]:
    """Return the screening reactions and the confirmations for each person of a group."""
    word = {"contacts": "contact", "community": "community"}[group]
    size = int(scenario.number(f"{word}_pool_size"))
    shares = {
        "prevalence": scenario.number(f"{word}_prevalence"),
        "sensitivity": scenario.number("sensitivity"),
        "specificity": scenario.number("specificity"),
    }
    reactions = (
        1 / size
        if scenario.policy == "members"
        else expected_reactions(scenario.strategy, size=size, **shares)
    )
    return reactions, expected_confirmations(scenario.policy, size=size, strategy=scenario.strategy, **shares)


def _list_coming(scenario: Scenario) -> dict[int, tuple[int, float, float]]:
    """Return cases, tests of contacts and people of the rounds by day, for days on which there is something."""
    cases: dict[int, int] = {}
    contacts: dict[int, float] = {}
    community: dict[int, float] = {}
    for index, number in enumerate(scenario.curve):
        cases[index + 1] = number
        for day in scenario.find_test_days(scenario.starts_on + timedelta(days=index)):
            on = index + 1 + day
            contacts[on] = contacts.get(on, 0.0) + number * scenario.number("contacts_per_case")
    for one in scenario.rounds:
        for day in range(one.first_day, one.first_day + one.days):
            community[day] = community.get(day, 0.0) + one.people / one.days
    coming = {
        day: (cases.get(day, 0), contacts.get(day, 0.0), community.get(day, 0.0))
        for day in sorted({*cases, *contacts, *community})
    }
    return {day: numbers for day, numbers in coming.items() if any(numbers)}


def _whole(number: float) -> int:
    """Return a number rounded up, without what adding fractions has left over."""
    return math.ceil(number - _LITTLE)


def _find_breaks(scenario: Scenario, days: Sequence[PlanDay]) -> list[Break]:
    """Return what is not enough: by its first day, at the same day in the order of the way."""
    found = []
    for name in STATIONS:
        late = [day for day in days if day.stations[name].waiting > _LITTLE]
        if late:
            first = late[0]
            worst = max(day.stations[name].waiting for day in late)
            found.append(
                Break(name, first.number, first.on, _whole(first.stations[name].waiting), _whole(worst))
            )
    for name in STOCKS:
        stock = scenario.numbers[name]
        used = 0
        first_day: PlanDay | None = None
        short = 0
        for day in days:
            used += getattr(day, name)
            if stock is not None and used > stock and first_day is None:
                first_day, short = day, used - int(stock)
        if stock is not None and first_day is not None:
            found.append(Break(name, first_day.number, first_day.on, short, used - int(stock)))
    return sorted(found, key=lambda one: one.number)


def _find_ends(days: Sequence[PlanDay]) -> dict[str, date | None]:
    """Return the last day on which each station did something; None where something waits at the end."""
    ends: dict[str, date | None] = {}
    for name in STATIONS:
        worked = [day.on for day in days if day.stations[name].done > _LITTLE]
        waits = days[-1].stations[name].waiting > _LITTLE
        ends[name] = None if waits else (worked[-1] if worked else days[0].on)
    reached = [on for on in ends.values() if on is not None]
    ends["all"] = max(reached) if len(reached) == len(STATIONS) else None
    return ends


SENTENCES: Mapping[str, str] = {
    "sampling": N_(
        "Sampling breaks first, on day %(day)s (%(on)s): that evening %(count)s people are not sampled yet."
    ),
    "screening": N_(
        "Screening breaks first, on day %(day)s (%(on)s): that evening %(count)s reactions are left over."
    ),
    "confirmation": N_(
        "Confirmation breaks first, on day %(day)s (%(on)s): that evening %(count)s confirmations are left over."
    ),
    "tubes": N_("Tubes run out first, on day %(day)s (%(on)s): %(count)s are missing that day."),
    "boxes": N_("Boxes run out first, on day %(day)s (%(on)s): %(count)s are missing that day."),
    "kits": N_("Kits run out first, on day %(day)s (%(on)s): %(count)s are missing that day."),
    "nothing": N_("Nothing breaks: each day’s work is done on the same day, until day %(day)s (%(on)s)."),
}


def tell_first_break(plan: Plan) -> tuple[str, dict[str, object]]:
    """Return what breaks first and when: a msgid and its parameters, one sentence."""
    if not plan.breaks:
        last = plan.days[-1]
        return SENTENCES["nothing"], {"day": last.number, "on": _write(last.on)}
    first = plan.breaks[0]
    return SENTENCES[first.what], {"day": first.number, "on": _write(first.on), "count": first.short}


def tell_end(plan: Plan) -> tuple[str, dict[str, object]]:
    """Return when all is done: a msgid and its parameters."""
    on = plan.done_on["all"]
    if on is None:
        return N_("After %(most)s days not all is done."), {"most": MOST_DAYS}
    day = (on - plan.scenario.starts_on).days + 1
    return N_("All is done on day %(day)s (%(on)s)."), {"day": day, "on": _write(on)}


def _write(on: date) -> str:
    return f"{on:%d/%m/%Y}"
