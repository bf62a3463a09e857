"""Days of tests: dated schedules, what is late, what is impossible."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.errors import InvalidInput, Refused
from lims.intake.contacts import rules
from lims.intake.contacts.schedules import (
    DEFAULT_DAYS,
    LATEST_DAY,
    Schedule,
    check_days,
    find_days,
    plan_tests,
    read_days,
    tell_state,
)

DAY = date(2021, 8, 16)
possible = st.lists(st.integers(0, LATEST_DAY), min_size=1, max_size=20, unique=True).map(sorted)
near = st.dates(DAY - timedelta(days=90), DAY + timedelta(days=90))
schedules = st.lists(st.builds(Schedule, near, st.integers(1, 5), possible.map(tuple)), max_size=6)


@given(possible)
def test_a_possible_schedule_is_taken_as_it_is_and_read_back(days):
    assert check_days(days) == read_days(", ".join(map(str, days))) == tuple(days)


@given(st.lists(st.integers(-3, LATEST_DAY + 3), max_size=8))
def test_whatever_is_taken_ascends_within_its_bounds_and_all_else_is_refused_by_a_sentence(days):
    good = bool(days) and days == sorted(set(days)) and days[0] >= 0 and days[-1] <= LATEST_DAY
    if good:
        assert check_days(days) == tuple(days)
    else:
        with pytest.raises(InvalidInput) as refused:
            check_days(days)
        assert refused.value.field == "days" and str(refused.value).endswith(".")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "at least one day"),
        ("-1, 7", "before the first day"),
        ("1, 7, 7", "there twice"),
        ("7, 1, 7", "Day 7 is there twice"),
        ("7, 1", "Write the days in their order"),
        ("1, 61", "the last possible day is 60"),
        ("1, x", "“x” is no day"),
        ("1.5", "“1.5” is no day"),
        (", ".join(map(str, range(21))), "at most 20 days"),
    ],
)
def test_an_impossible_schedule_says_what_is_wrong(written, said):
    with pytest.raises(InvalidInput, match=said):
        read_days(written)


@given(schedules, near, st.sampled_from(rules.CLASSES))
def test_the_newest_schedule_valid_on_the_first_day_counts_else_the_default(known, since, contact_class):
    found = find_days(known, contact_class=contact_class, since=since)
    before = [one for one in known if one.valid_from <= since]
    if not before:
        assert found == DEFAULT_DAYS.get(contact_class, ())
    else:
        newest = max((one.valid_from, one.version) for one in before)
        assert found in [one.days for one in before if (one.valid_from, one.version) == newest]


@given(schedules, near, st.dates(DAY + timedelta(days=91), DAY + timedelta(days=200)))
def test_a_schedule_that_comes_later_changes_nothing_for_those_who_began_before(known, since, later):
    more = [*known, Schedule(later, 9, (3,))]
    assert find_days(more, contact_class="f1", since=since) == find_days(
        known, contact_class="f1", since=since
    )


@given(possible, near, near, st.none() | near)
def test_a_test_is_done_by_a_sample_of_its_day_or_later_and_late_only_without(days, since, today, sampled_on):
    planned = plan_tests(days, since=since)
    states = [tell_state(due_on, today=today, sampled_on=sampled_on) for _, due_on in planned]
    for (day, due_on), state in zip(planned, states, strict=True):
        assert due_on - since == timedelta(days=day)
        assert (state == "done") == (sampled_on is not None and sampled_on >= due_on)
        assert state != "overdue" or due_on < today
        assert state != "due" or due_on == today
    order = ["done", "overdue", "due", "coming"]
    assert [order.index(state) for state in states] == sorted(order.index(state) for state in states)


def test_contacts_of_a_class_are_of_the_next_and_f3_and_quarantine_have_none():
    assert [rules.class_of_contact(one) for one in ("f0", "f1", "f2")] == ["f1", "f2", "f3"]
    for one in ("f3", "quarantined"):
        with pytest.raises(Refused):
            rules.class_of_contact(one)


@given(st.integers(-100, 100))
def test_a_first_day_is_neither_to_come_nor_long_ago(ago):
    if 0 <= ago <= rules.LONGEST_AGO_DAYS:
        assert rules.check_since(DAY - timedelta(days=ago), today=DAY)
    else:
        with pytest.raises(InvalidInput):
            rules.check_since(DAY - timedelta(days=ago), today=DAY)


@pytest.mark.parametrize(
    ("today", "sampled", "state"),
    [
        (-1, None, "coming"),
        (0, None, "due"),
        (1, None, "overdue"),
        (0, 0, "done"),
        (9, 1, "done"),
        (0, -1, "due"),
    ],
)
def test_on_the_day_itself_and_the_days_beside_it(today, sampled, state):
    sampled_on = None if sampled is None else DAY + timedelta(days=sampled)
    assert tell_state(DAY, today=DAY + timedelta(days=today), sampled_on=sampled_on) == state
