"""On which days people who are followed up are tested: dated schedules, due days, what is late. Pure.

The days 1, 7 and 14 of 5599/BYT-MT (14 July 2021) are the default of contacts (F1) and of people in quarantine; the
rules changed often, so a campaign sets others, each valid from a day. Whoever's first day is on or after it follows it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from lims.errors import InvalidInput

DEFAULT_DAYS: Mapping[str, tuple[int, ...]] = {"f1": (1, 7, 14), "quarantined": (1, 7, 14)}
"""Of a class for which a campaign has set nothing; no tests for any other class."""
LATEST_DAY = 60
MOST_TESTS = 20


@dataclass(frozen=True, slots=True)
class Schedule:
    """Days of tests, valid from a day.

    Args:
        valid_from: first days of follow-ups from here on follow it.
        version: the higher one counts where two are valid from the same day.
        days: counted from the first day of the follow-up, which is day 0; ascending.
    """

    valid_from: date
    version: int
    days: tuple[int, ...]


def read_days(text: str) -> tuple[int, ...]:
    """Return the days written in a field, as in "1, 7, 14".

    Raises:
        InvalidInput: something is no whole number, or the schedule is impossible.
    """
    parts = [part for part in re.split(r"[\s,;]+", text.strip()) if part]
    wrong = [part for part in parts if not re.fullmatch(r"[-+−]?\d{1,4}", part)]
    if wrong:
        raise InvalidInput(
            "“%(text)s” is no day. Write whole numbers with commas, as in 1, 7, 14.",
            field="days",
            text=wrong[0][:20],
        )
    return check_days([int(part.replace("−", "-")) for part in parts])


def check_days(days: Sequence[int]) -> tuple[int, ...]:
    """Return the days of a schedule that is possible.

    Raises:
        InvalidInput: there is none, one is before day 0 or after day 60, one is there twice, or they do not ascend.
    """
    if not days:
        raise InvalidInput("A schedule needs at least one day. Write it as in 1, 7, 14.", field="days")
    if len(days) > MOST_TESTS:
        raise InvalidInput("A schedule has at most %(most)s days.", field="days", most=MOST_TESTS)
    for day in days:
        if day < 0:
            raise InvalidInput(
                "Day %(day)s is before the first day. Days count from 0, the first day itself.",
                field="days",
                day=day,
            )
        if day > LATEST_DAY:
            raise InvalidInput(
                "Day %(day)s is too late: the last possible day is %(most)s.",
                field="days",
                day=day,
                most=LATEST_DAY,
            )
    for before, after in pairwise(days):
        if before == after or days.count(before) > 1:
            raise InvalidInput("Day %(day)s is there twice. Write each day once.", field="days", day=before)
        if after < before:
            raise InvalidInput(
                "Day %(day)s stands after day %(before)s. Write the days in their order.",
                field="days",
                day=after,
                before=before,
            )
    return tuple(days)


def find_days(schedules: Sequence[Schedule], *, contact_class: str, since: date) -> tuple[int, ...]:
    """Return the days on which somebody is tested.

    Args:
        schedules: those that the campaign has set for the class, in any order.
        contact_class: a word of `rules.CLASSES`.
        since: first day of the follow-up.

    Returns:
        The days of the newest schedule valid on the first day, the default where none is; empty for no tests.
    """
    valid = [one for one in schedules if one.valid_from <= since]
    if not valid:
        return DEFAULT_DAYS.get(contact_class, ())
    return max(valid, key=lambda one: (one.valid_from, one.version)).days


def plan_tests(days: Sequence[int], *, since: date) -> tuple[tuple[int, date], ...]:
    """Return each day of a schedule with its date."""
    return tuple((day, since + timedelta(days=day)) for day in days)


def tell_state(due_on: date, *, today: date, sampled_on: date | None) -> str:
    """Return how a test stands.

    Args:
        due_on: its day.
        today: the date in the campaign's time zone.
        sampled_on: the latest day on which a sample of the person was taken that was neither lost nor rejected.

    Returns:
        "done" where one was taken on that day or later, else "coming", "due" on the day itself, or "overdue".
    """
    if sampled_on is not None and sampled_on >= due_on:
        return "done"
    if due_on > today:
        return "coming"
    return "due" if due_on == today else "overdue"
