"""Scenarios: what is asked is done or waits, what breaks first, and when all is done."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.capacity.scenarios.calculation import (
    MOST_DAYS,
    STATIONS,
    calculate_plan,
    tell_end,
    tell_first_break,
)
from lims.capacity.scenarios.rules import CURVES, FIELDS, read_scenario, spread
from lims.errors import InvalidInput

FIRST = date(2021, 8, 16)
QUANG_NINH = [{"name": "Tỉnh", "screening_per_day": 6_186, "confirmation_per_day": 550}]


def plan(**changes):
    document = {"laboratories": QUANG_NINH} | changes
    return calculate_plan(read_scenario(document, starts_on=FIRST))


def say(sentence) -> str:
    message, parameters = sentence
    return message % parameters


@pytest.mark.parametrize(("cases", "days"), [(1_000, 1.8), (5_000, 9.1), (10_000, 18.2)])
def test_550_confirmations_are_550_cases_a_day_or_55(cases, days):
    """CAMPAIGN §4.1: policies differ ten times; all cases at once show it to the day."""
    alone = {"cases": cases, "days": 1, "contacts_per_case": 0}
    positives, members = plan(**alone), plan(**alone, policy="members")
    assert (round(positives.case_days, 1), round(members.case_days, 1)) == (days, round(10 * cases / 550, 1))
    assert (positives.confirmations_per_case, members.confirmations_per_case) == (1, 10)
    assert len(positives.days) == -(-cases // 550)
    assert len(members.days) == -(-cases * 10 // 550)
    assert round(members.days[0].stations["confirmation"].done / 10) == 55


def test_contacts_are_tested_on_the_days_of_the_schedule_that_holds_on_the_day_of_their_case():
    made = plan(
        cases=2,
        days=2,
        contacts_per_case=10,
        schedules=[
            {"valid_from": "2021-07-14", "days": [1, 7, 14]},
            {"valid_from": "2021-08-17", "days": [1, 7]},
        ],
    )
    assert {day.number: day.contact_tests for day in made.days if day.contact_tests} == {
        2: 10,
        3: 10,
        8: 10,
        9: 10,
        15: 10,
    }
    assert plan(cases=1, days=1).scenario.find_test_days(FIRST) == (1, 7, 14)


def test_what_breaks_first_is_told_with_its_day_and_the_end():
    made = plan(cases=5_000, days=5, contacts_per_case=0)
    assert say(tell_first_break(made)) == (
        "Confirmation breaks first, on day 1 (16/08/2021): that evening 450 confirmations are left over."
    )
    assert say(tell_end(made)) == "All is done on day 10 (25/08/2021)."
    calm = plan(cases=100, days=10)
    assert calm.breaks == []
    assert say(tell_first_break(calm)).startswith("Nothing breaks")
    few = plan(
        cases=100,
        days=10,
        samplers=5,
        hours_per_day=8,
        persons_per_sampler_hour=30,
        rounds=[{"first_day": 3, "days": 2, "people": 6_000}],
    )
    assert [(one.what, one.number) for one in few.breaks] == [("sampling", 3)]
    assert few.breaks[0].short == 3_000 + 100 + 100 - 1_200 - 100
    assert next(day for day in few.days if day.number == 3).samplers == 13


def test_stocks_run_out_on_their_day():
    made = plan(
        cases=0,
        rounds=[{"first_day": 1, "days": 4, "people": 4_000}],
        tubes=2_500,
        boxes=100,
        kits=3,
    )
    assert [(one.what, one.number, one.short, one.worst) for one in made.breaks] == [
        ("kits", 2, 1, 5),
        ("tubes", 3, 500, 1_500),
    ]


def test_who_waits_longest_is_served_first_and_a_round_too_large_is_carried_over():
    made = plan(cases=0, rounds=[{"first_day": 1, "days": 1, "people": 200_000}], community_prevalence=0.01)
    assert made.breaks[0].what == "screening"
    assert len(made.days) == -(-200_000 // 31_623), "6,186 reactions are 31,623 people a day at 1 %"


def test_nothing_to_do_is_a_plan_of_one_day():
    made = plan(cases=0, days=1)
    assert (len(made.days), made.breaks, made.done_on["all"]) == (1, [], FIRST)


def test_what_is_never_done_is_said():
    made = plan(
        cases=1_000_000,
        days=1,
        laboratories=[{"name": "x", "screening_per_day": 1, "confirmation_per_day": 1}],
    )
    assert made.done_on["all"] is None
    assert len(made.days) == MOST_DAYS
    assert say(tell_end(made)) == "After 1000 days not all is done."


DOCUMENTS = st.fixed_dictionaries(
    {
        "cases": st.integers(0, 3_000),
        "days": st.integers(1, 20),
        "curve": st.sampled_from(list(CURVES)),
        "contacts_per_case": st.floats(0, 30),
        "contact_prevalence": st.floats(0.001, 0.5),
        "contact_pool_size": st.integers(1, 20),
        "community_prevalence": st.floats(0.001, 0.2),
        "policy": st.sampled_from(["positives", "members"]),
        "samplers": st.none() | st.integers(5, 200),
        "sensitivity": st.floats(0.5, 1),
        "rounds": st.lists(
            st.fixed_dictionaries(
                {
                    "first_day": st.integers(1, 30),
                    "days": st.integers(1, 5),
                    "people": st.integers(1, 50_000),
                }
            ),
            max_size=3,
        ),
        "laboratories": st.just(QUANG_NINH),
    }
)


@given(DOCUMENTS)
def test_what_was_asked_is_done_or_waits(document):
    made = calculate_plan(read_scenario(document, starts_on=FIRST))
    for station in STATIONS:
        asked = done = 0.0
        for day in made.days:
            one = day.stations[station]
            asked, done = asked + one.asked, done + one.done
            assert done + one.waiting == pytest.approx(asked, rel=1e-6, abs=1e-2)
        assert (made.done_on[station] is None) == (made.days[-1].stations[station].waiting > 1e-6)
    assert sum(day.cases for day in made.days) == document["cases"]
    allowed = made.scenario.confirmation_per_day
    assert all(day.stations["confirmation"].done <= allowed + 1e-6 for day in made.days)


@given(DOCUMENTS, st.integers(1, 5))
def test_more_capacity_is_never_later_and_more_cases_never_earlier(document, times):
    before = calculate_plan(read_scenario(document, starts_on=FIRST))
    larger = [{**QUANG_NINH[0], "confirmation_per_day": 550 * times, "screening_per_day": 6_186 * times}]
    quicker = calculate_plan(read_scenario(document | {"laboratories": larger}, starts_on=FIRST))
    assert len(quicker.days) <= len(before.days)
    more = {"cases": document["cases"] * times, "curve": "even"}
    fewer, longer = (
        calculate_plan(read_scenario(document | {"curve": "even"} | change, starts_on=FIRST))
        for change in ({}, more)
    )
    assert fewer.totals["confirmations"] <= longer.totals["confirmations"]
    assert len(fewer.days) <= len(longer.days)


@given(st.integers(0, 100_000), st.integers(1, 180), st.sampled_from(list(CURVES)))
def test_a_curve_holds_all_cases(cases, days, curve):
    found = spread(cases, days, curve)
    assert (len(found), sum(found)) == (days, cases)
    assert min(found) >= 0


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("laboratories", {"laboratories": []}),
        ("laboratories", {"laboratories": [{"name": "A", "screening_per_day": -1}]}),
        ("screening_per_day", {"laboratories": [{"screening_per_day": 0, "confirmation_per_day": 5}]}),
        ("confirmation_per_day", {"laboratories": [{"screening_per_day": 5, "confirmation_per_day": 0}]}),
        ("contact_prevalence", {"contact_prevalence": 0}),
        ("contact_prevalence", {"contact_prevalence": 1}),
        ("community_prevalence", {"community_prevalence": 1.5}),
        ("hours_per_day", {"hours_per_day": 25}),
        ("hours_per_day", {"hours_per_day": 0}),
        ("cases", {"cases": -1}),
        ("cases", {"cases": 10.5}),
        ("cases", {"cases": True}),
        ("cases", {"cases": float("nan")}),
        ("cases", {"cases": float("inf")}),
        ("tubes", {"tubes": 10**400}),
        ("case_pool_size", {"case_pool_size": 21}),
        ("samplers", {"samplers": 0}),
        ("schedules", {"schedules": [{"days": [0, 7]}]}),
        ("schedules", {"schedules": [{"days": [7, 1]}]}),
        ("schedules", {"schedules": [{"days": [1, 7, 7]}]}),
        ("schedules", {"schedules": [{"days": []}]}),
        ("schedules", {"schedules": [{"days": [1, 99]}]}),
        ("schedules", {"schedules": "1,7,14"}),
        ("schedules", {"schedules": [{"valid_from": "14/07/2021", "days": [1]}]}),
        ("rounds", {"rounds": [{"first_day": 0, "days": 1, "people": 5}]}),
        ("rounds", {"rounds": 5}),
        ("curve", {"curve": "steep"}),
        ("curve", {"curve": [1, 2], "cases": 4}),
        ("policy", {"policy": "nobody"}),
        ("starts_on", {"starts_on": "tomorrow"}),
        ("colour", {"colour": "red"}),
        ("name", {"name": "x" * 81}),
        ("name", {"name": "two\nlines"}),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence_by_its_field(field, changes):
    with pytest.raises(InvalidInput) as refused:
        plan(**changes)
    assert refused.value.field == field
    assert str(refused.value).endswith(".")


def test_every_number_is_refused_beyond_its_limits_and_named():
    for name, field in FIELDS.items():
        for wrong in (field.least - 1, field.most + 1):
            with pytest.raises(InvalidInput) as refused:
                plan(**{name: wrong})
            assert refused.value.field == name
    with pytest.raises(InvalidInput):
        read_scenario([], starts_on=FIRST)
