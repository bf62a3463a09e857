"""What a scenario is made of, and which numbers are possible. Pure.

A scenario is kept and exchanged as one plain document (`read_scenario` takes it, `docs/guides/planning.md` shows one).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from lims.capacity.effective import POLICIES
from lims.errors import InvalidInput
from lims.intake.contacts.schedules import Schedule, check_days, find_days
from lims.msgid import N_
from lims.pooling.strategies import STRATEGIES


@dataclass(frozen=True, slots=True)
class Field:
    """A number of a scenario.

    Args:
        label: msgid of its name.
        refusal: msgid of what is said where it is impossible; names it.
        preset: where nothing is given; None where it may be left out.
        least, most: both possible.
        is_whole: no fractions.
        is_share: between 0 and 1, neither of them possible: nobody or everybody infected is no plan.
    """

    label: str
    refusal: str
    preset: float | None
    least: float
    most: float
    is_whole: bool = True
    is_share: bool = False


FIELDS: Mapping[str, Field] = {
    "cases": Field(
        N_("Cases in all"), N_("Cases in all: enter a whole number from 0 to 1,000,000."), 1000, 0, 1_000_000
    ),
    "days": Field(
        N_("Days over which they come"),
        N_("Days over which the cases come: enter a whole number from 1 to 180."),
        14,
        1,
        180,
    ),
    "case_pool_size": Field(
        N_("People in the pool in which a case is found"),
        N_("People in the pool in which a case is found: enter a whole number from 1 to 20."),
        10,
        1,
        20,
    ),
    "contacts_per_case": Field(
        N_("Contacts for each case"),
        N_("Contacts for each case: enter a number from 0 to 500."),
        10,
        0,
        500,
        is_whole=False,
    ),
    "contact_prevalence": Field(
        N_("Infected among contacts"),
        N_("Infected among contacts: enter a share above 0 and below 1, such as 0.02 for 2 percent."),
        0.02,
        0,
        1,
        is_whole=False,
        is_share=True,
    ),
    "contact_pool_size": Field(
        N_("Contacts in a pool"), N_("Contacts in a pool: enter a whole number from 1 to 20."), 5, 1, 20
    ),
    "community_prevalence": Field(
        N_("Infected in the community"),
        N_("Infected in the community: enter a share above 0 and below 1, such as 0.001 for 0.1 percent."),
        0.001,
        0,
        1,
        is_whole=False,
        is_share=True,
    ),
    "community_pool_size": Field(
        N_("People of the community in a pool"),
        N_("People of the community in a pool: enter a whole number from 1 to 20."),
        10,
        1,
        20,
    ),
    "sensitivity": Field(
        N_("Sensitivity of a test"),
        N_("Sensitivity of a test: enter a share from 0 to 1."),
        1.0,
        0,
        1,
        is_whole=False,
    ),
    "specificity": Field(
        N_("Specificity of a test"),
        N_("Specificity of a test: enter a share from 0 to 1."),
        1.0,
        0,
        1,
        is_whole=False,
    ),
    "samplers": Field(
        N_("Samplers at work"),
        N_("Samplers at work: enter a whole number from 1 to 100,000, or leave it empty."),
        None,
        1,
        100_000,
    ),
    "persons_per_sampler_hour": Field(
        N_("People for each sampler and hour"),
        N_("People for each sampler and hour: enter a number from 1 to 240."),
        30,
        1,
        240,
        is_whole=False,
    ),
    "hours_per_day": Field(
        N_("Hours of sampling a day"),
        N_("Hours of sampling a day: enter a number above 0 and up to 24; a day has no more."),
        8,
        0.25,
        24,
        is_whole=False,
    ),
    "people_per_tube": Field(
        N_("People in a tube"), N_("People in a tube: enter a whole number from 1 to 20."), 1, 1, 20
    ),
    "tubes_per_box": Field(
        N_("Tubes in a box"), N_("Tubes in a box: enter a whole number from 1 to 1,000."), 100, 1, 1000
    ),
    "reactions_per_kit": Field(
        N_("Reactions of a kit"),
        N_("Reactions of a kit: enter a whole number from 1 to 10,000."),
        100,
        1,
        10_000,
    ),
    "tubes": Field(
        N_("Tubes in stock"),
        N_("Tubes in stock: enter a whole number from 0 to 100,000,000, or leave it empty."),
        None,
        0,
        100_000_000,
    ),
    "boxes": Field(
        N_("Boxes in stock"),
        N_("Boxes in stock: enter a whole number from 0 to 1,000,000, or leave it empty."),
        None,
        0,
        1_000_000,
    ),
    "kits": Field(
        N_("Kits in stock"),
        N_("Kits in stock: enter a whole number from 0 to 1,000,000, or leave it empty."),
        None,
        0,
        1_000_000,
    ),
}
CURVES: Mapping[str, str] = {
    "even": N_("the same every day"),
    "rising": N_("more every day"),
    "peak": N_("rising, then falling"),
}
"""How the cases are spread over their days."""
MOST_ROUNDS = 20
MOST_LABORATORIES = 500
MOST_SCHEDULES = 20
LONGEST_NAME = 80
_KNOWN = {
    *FIELDS,
    "name",
    "starts_on",
    "curve",
    "policy",
    "strategy",
    "schedules",
    "rounds",
    "laboratories",
}


@dataclass(frozen=True, slots=True)
class Round:
    """A round of tests of the community.

    Args:
        first_day: of the scenario, 1 or later.
        days: over so many days, the same number on each.
        people: in all.
    """

    first_day: int
    days: int
    people: int


@dataclass(frozen=True, slots=True)
class LaboratoryCapacity:
    """What a laboratory can do in a day.

    Args:
        name: of the laboratory.
        screening_per_day, confirmation_per_day: reactions.
    """

    name: str
    screening_per_day: int
    confirmation_per_day: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is assumed, checked.

    Args:
        name: in the user's words.
        starts_on: day 1.
        numbers: by the names of `FIELDS`; None where one may be left out and was.
        curve: cases of each day; their sum is the number of cases.
        policy: key of `effective.POLICIES`.
        strategy: how positive pools are resolved.
        schedules: test days of contacts, by version.
        rounds: of the community.
        laboratories: at least one.
    """

    name: str
    starts_on: date
    numbers: Mapping[str, float | None]
    curve: tuple[int, ...]
    policy: str
    strategy: str
    schedules: tuple[Schedule, ...]
    rounds: tuple[Round, ...]
    laboratories: tuple[LaboratoryCapacity, ...]

    def number(self, name: str) -> float:
        """Return a number that is always there."""
        value = self.numbers[name]
        return 0.0 if value is None else value

    def find_test_days(self, since: date) -> tuple[int, ...]:
        """Return the days on which contacts of a case of that day are tested, counted from it."""
        return find_days(self.schedules, contact_class="f1", since=since)

    @property
    def screening_per_day(self) -> int:
        """Reactions of all laboratories."""
        return sum(one.screening_per_day for one in self.laboratories)

    @property
    def confirmation_per_day(self) -> int:
        """Confirmations of all laboratories."""
        return sum(one.confirmation_per_day for one in self.laboratories)


def read_scenario(document: object, *, starts_on: date) -> Scenario:
    """Return a document as a scenario.

    Args:
        document: a mapping; what is left out is preset. `laboratories` have to be there.
        starts_on: where the document has no day.

    Raises:
        InvalidInput: something is unknown or impossible; one sentence that names the field.
    """
    if not isinstance(document, Mapping):
        raise InvalidInput(
            "A scenario is one JSON object. The guide on planning shows one.", field="scenario"
        )
    unknown = sorted(str(name) for name in document if name not in _KNOWN)
    if unknown:
        raise InvalidInput(
            "A scenario has no field “%(name)s”. The guide on planning lists all.",
            field=unknown[0],
            name=unknown[0][:40],
        )
    numbers = {name: _read_number(name, document.get(name)) for name in FIELDS}
    return Scenario(
        name=_read_name(document.get("name")),
        starts_on=_read_date(document.get("starts_on"), starts_on),
        numbers=numbers,
        curve=_read_curve(document.get("curve"), document, numbers),
        policy=_read_word("policy", document.get("policy"), POLICIES, "positives"),
        strategy=_read_word("strategy", document.get("strategy"), STRATEGIES, "singles"),
        schedules=_read_schedules(document.get("schedules")),
        rounds=_read_rounds(document.get("rounds")),
        laboratories=_read_laboratories(document.get("laboratories")),
    )


def _read_number(name: str, value: object) -> float | None:
    field = FIELDS[name]
    if value is None:
        return field.preset
    # a truth value is a number to Python, and none to anybody else
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidInput(field.refusal, field=name)
    # not isfinite: a whole number of 400 digits is too large for it, and is compared all the same
    inside = field.least < value < field.most if field.is_share else field.least <= value <= field.most
    if not inside or (field.is_whole and value != int(value)):
        raise InvalidInput(field.refusal, field=name)
    return int(value) if field.is_whole else float(value)


def _read_name(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value.strip()) > LONGEST_NAME or not value.isprintable():
        raise InvalidInput(
            "Name of the scenario: write at most %(most)s characters, in one line.",
            field="name",
            most=LONGEST_NAME,
        )
    return value.strip()


def _read_date(value: object, preset: date, field: str = "starts_on") -> date:
    if value is None:
        return preset
    try:
        found = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or not 2000 <= found.year <= 2100:
        raise InvalidInput(
            "Write the day as 2021-08-16, between the years 2000 and 2100.",
            field=field,
        )
    return found


def _read_word(field: str, value: object, words: Mapping[str, str] | Sequence[str], preset: str) -> str:
    if value is None:
        return preset
    if not isinstance(value, str) or value not in words:
        raise InvalidInput(
            "“%(name)s” is one of: %(words)s.", field=field, name=field, words=", ".join(words)
        )
    return value


def _read_curve(
    value: object, document: Mapping[str, Any], numbers: Mapping[str, float | None]
) -> tuple[int, ...]:
    cases, days = int(numbers["cases"] or 0), int(numbers["days"] or 1)
    if isinstance(value, Sequence) and not isinstance(value, str):
        whole = all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in value)
        if not whole or not 1 <= len(value) <= int(FIELDS["days"].most):
            raise InvalidInput(
                "Curve: list the cases of each day as whole numbers, 1 to 180 days.", field="curve"
            )
        if document.get("cases") is not None and sum(value) != cases:
            raise InvalidInput(
                "Curve: its days add up to %(sum)s cases, and %(cases)s are given. Leave one of the two out.",
                field="curve",
                sum=sum(value),
                cases=cases,
            )
        limit = FIELDS["cases"]
        if sum(value) > limit.most:
            raise InvalidInput(limit.refusal, field="curve")
        return tuple(value)
    return spread(cases, days, _read_word("curve", value, CURVES, "even"))


def spread(cases: int, days: int, curve: str) -> tuple[int, ...]:
    """Return whole cases of each day that add up to all of them.

    Args:
        cases: in all.
        days: over so many.
        curve: key of `CURVES`.
    """
    weights = {
        "even": [1.0] * days,
        "rising": [float(day + 1) for day in range(days)],
        "peak": [float(min(day + 1, days - day)) for day in range(days)],
    }[curve]
    total, before, reached, found = sum(weights), 0, 0.0, []
    for weight in weights:
        reached += weight
        until = round(cases * reached / total)
        found.append(until - before)
        before = until
    return tuple(found)


def _read_schedules(value: object) -> tuple[Schedule, ...]:
    if value is None:
        return ()
    rows = value if isinstance(value, Sequence) and not isinstance(value, str) else [None]
    if len(rows) > MOST_SCHEDULES:
        raise InvalidInput("Test days: at most %(most)s schedules.", field="schedules", most=MOST_SCHEDULES)
    found = []
    for version, row in enumerate(rows):
        days = row.get("days") if isinstance(row, Mapping) else None
        whole = isinstance(days, Sequence) and all(type(day) is int for day in days)
        if not isinstance(row, Mapping) or not isinstance(days, Sequence) or not whole:
            raise InvalidInput(
                "Test days: list them as whole numbers, such as 1, 7, 14, each schedule with its first day.",
                field="schedules",
            )
        valid_from = _read_date(row.get("valid_from"), date(2000, 1, 1), "schedules")
        found.append(Schedule(valid_from, version, check_test_days(days)))
    return tuple(found)


def check_test_days(days: Sequence[int]) -> tuple[int, ...]:
    """Return the test days of contacts, the day of the case being day 0.

    Raises:
        InvalidInput: there is none, one is before day 1 or after day 60, one is there twice, or they do not ascend.
    """
    early = [day for day in days if day < 1]
    if early:
        raise InvalidInput(
            "Test days: day %(day)s is impossible, as contacts are known on the day of the case and tested from day 1.",
            field="schedules",
            day=early[0],
        )
    try:
        return check_days(days)
    except InvalidInput as error:
        raise InvalidInput(error.message, field="schedules", **error.parameters) from None


def _read_rounds(value: object) -> tuple[Round, ...]:
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MOST_ROUNDS:
        raise InvalidInput(
            "Rounds: list at most %(most)s rounds of the community.", field="rounds", most=MOST_ROUNDS
        )
    found = []
    for row in value:
        numbers: list[Any] = (
            [row.get(name) for name in ("first_day", "days", "people")] if isinstance(row, Mapping) else []
        )
        limits = (180, 60, 50_000_000)
        if len(numbers) != 3 or not all(
            type(number) is int and 1 <= number <= most for number, most in zip(numbers, limits, strict=True)
        ):
            raise InvalidInput(
                "Rounds: each has a first day from 1 to 180, 1 to 60 days and 1 to 50,000,000 people.",
                field="rounds",
            )
        found.append(Round(*numbers))
    return tuple(found)


def _read_laboratories(value: object) -> tuple[LaboratoryCapacity, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise InvalidInput(
            "Laboratories: there is none. Name at least one with what it can do in a day.",
            field="laboratories",
        )
    if len(value) > MOST_LABORATORIES:
        raise InvalidInput("Laboratories: at most %(most)s.", field="laboratories", most=MOST_LABORATORIES)
    found = []
    for row in value:
        name = str(row.get("name", ""))[:120] if isinstance(row, Mapping) else ""
        capacities: list[Any] = (
            [row.get(key, 0) for key in ("screening_per_day", "confirmation_per_day")]
            if isinstance(row, Mapping)
            else [None]
        )
        if not all(type(number) is int and 0 <= number <= 10_000_000 for number in capacities):
            raise InvalidInput(
                "Laboratories: %(name)s can do 0 to 10,000,000 reactions a day, as a whole number.",
                field="laboratories",
                name=name or "?",
            )
        found.append(LaboratoryCapacity(name, *capacities))
    if not sum(one.screening_per_day for one in found):
        raise InvalidInput(
            "Screening capacity is 0: no laboratory could test anybody. Enter at least 1 reaction a day.",
            field="screening_per_day",
        )
    if not sum(one.confirmation_per_day for one in found):
        raise InvalidInput(
            "Confirmation capacity is 0: no case could be confirmed. Enter at least 1 confirmation a day.",
            field="confirmation_per_day",
        )
    return tuple(found)
