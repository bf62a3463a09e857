"""The forecast: one seed is one run, nobody is lost, changes are compared like with like, odd input is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lims.capacity.forecast.batches import Batch
from lims.capacity.forecast.draws import Draws
from lims.capacity.forecast.forecasting import add_laboratory, forecast
from lims.capacity.forecast.simulation import simulate
from lims.capacity.forecast.values import (
    Assumptions,
    LaboratoryState,
    State,
    check_assumptions,
    check_length,
    check_state,
)
from lims.errors import InvalidInput
from lims.pooling.strategies import STRATEGIES, expected_reactions

DAYTIME = [0] * 7 + [100] * 10 + [0] * 7
USUAL = Assumptions(prevalence=0.01, pool_size=10)


def make_state(**changed) -> State:
    """Two laboratories, one of which may confirm, at 08:00, with some samples everywhere."""
    laboratories = [
        LaboratoryState(
            "a", "Đông", 120, 40, can_confirm=True, received=100, on_plate=90, to_verify=40, to_release=10
        ),
        LaboratoryState("b", "Tây", 60, on_the_road=50, pooled=80, to_retest=20, to_confirm=3),
    ]
    plain = State(480, laboratories, DAYTIME, at_the_site=70, held=5)
    return replace(plain, **changed)


numbers = st.integers(0, 400)


@st.composite
def states(draw) -> State:
    """Any state that can be, small enough to be run at once."""
    laboratories = [
        LaboratoryState(
            str(number),
            str(number),
            draw(st.integers(0, 300)),
            draw(st.integers(0, 100)),
            can_confirm=draw(st.booleans()),
            opens_hour=draw(st.none() | st.integers(0, 23)),
            worked_hours=draw(st.none() | st.sampled_from((0.5, 8.0, 24.0))),
            share=draw(st.floats(0, 5)),
            on_the_road=draw(numbers),
            received=draw(numbers),
            pooled=draw(numbers),
            on_plate=draw(numbers),
            to_retest=draw(numbers),
            to_confirm=draw(numbers),
            to_verify=draw(numbers),
            to_release=draw(numbers),
        )
        for number in range(draw(st.integers(1, 3)))
    ]
    hours = draw(st.lists(st.floats(0, 200), min_size=24, max_size=24))
    return State(draw(st.integers(0, 1439)), laboratories, hours, draw(numbers), draw(numbers))


assumptions = st.builds(
    Assumptions,
    prevalence=st.sampled_from((0.0, 0.001, 0.01, 0.2, 1.0)),
    pool_size=st.integers(1, 20),
    strategy=st.sampled_from(STRATEGIES),
    confirm_all_members=st.booleans(),
    more_shifts=st.integers(0, 2),
    teams=st.integers(0, 3),
    plate_wells=st.sampled_from((94, 382)),
)


@settings(max_examples=40, deadline=None)
@given(
    state=states(),
    assumed=assumptions,
    seed=st.integers(0, 99),
    minutes=st.sampled_from((1.0, 700.0, 2880.0)),
)
def test_nobody_is_lost_and_littles_law_holds_in_every_run(state, assumed, seed, minutes):
    run = simulate(state, assumed, seed=seed, minutes=minutes)
    assert run.is_conserved
    assert run.little_gap < 1e-9
    assert all(station.stands >= 0 for station in run.stations)
    assert all(0 <= (station.utilisation or 0) <= 1 for station in run.stations)


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    first = simulate(make_state(), USUAL, seed=7, minutes=2880)
    again = simulate(make_state(), USUAL, seed=7, minutes=2880)
    assert (first.collected, first.released, first.reactions) == (
        again.collected,
        again.released,
        again.reactions,
    )
    assert simulate(make_state(), USUAL, seed=8, minutes=2880).released != first.released
    assert simulate(make_state(), USUAL, seed=7, replication=1, minutes=2880).released != first.released
    assert forecast(make_state(), USUAL, seed=7, replications=3, days=2) == forecast(
        make_state(), USUAL, seed=7, replications=3, days=2
    )


def test_streams_are_independent_of_each_other():
    draws = Draws(1, 0)
    assert draws.stream("arrivals").random(3).tolist() != draws.stream("choices").random(3).tolist()
    # another prevalence leaves the times alone; more infected are those of before and some more
    few = draws.list_boxes(make_state(), minutes=1440, prevalence=0.01, box_people=96)
    many = draws.list_boxes(make_state(), minutes=1440, prevalence=0.1, box_people=96)
    assert [(box.at, box.choice, box.batch.people) for box in few] == [
        (box.at, box.choice, box.batch.people) for box in many
    ]
    assert all(set(a.batch.infected) <= set(b.batch.infected) for a, b in zip(few, many, strict=True))


@pytest.mark.parametrize("strategy", ["singles", "halves"])
@pytest.mark.parametrize(("prevalence", "size"), [(0.0, 10), (0.01, 10), (0.02, 5), (0.05, 5), (1.0, 10)])
def test_reactions_are_those_of_the_closed_form(strategy, prevalence, size):
    state = State(0, [LaboratoryState("a", "a", 1_000_000, can_confirm=True, received=60_000)], [0] * 24)
    assumed = Assumptions(prevalence=prevalence, pool_size=size, strategy=strategy, worked_hours=24)
    run = simulate(state, assumed, seed=3, minutes=3 * 1440, box_people=100)
    assert sum(people for _at, people, _stood in run.released) == 60_000
    each = sum(run.reactions.values()) / 60_000
    # halves of five are three and two
    assert each == pytest.approx(expected_reactions(strategy, size=size, prevalence=prevalence), rel=0.04)


def test_halves_hold_everybody_once():
    batch = Batch(23, [0, 4, 9, 12, 22], size=5)
    halves = batch.halved()
    assert [(half.people, half.size, half.infected) for half in halves] == [
        (15, 3, [0, 8, 14]),
        (8, 2, [1, 3]),
    ]


def test_the_last_pool_of_a_box_holds_fewer_people():
    negative, positive = Batch(23, [22], size=10).tested()
    assert (negative.people, positive.people, positive.infected) == (20, 3, [2])
    assert Batch(3, [0, 2], size=10).tested()[0] is None
    assert Batch(3, [], size=10).tested()[1] is None


def test_a_capacity_is_not_exceeded():
    state = State(480, [LaboratoryState("a", "a", 100, can_confirm=True, received=20_000)], [0] * 24)
    run = simulate(state, USUAL, seed=1, minutes=5 * 1440)
    # the last plate of the fifth day is begun before the day's pace has come to it
    assert 450 <= sum(run.reactions.values()) <= 500 + 94


def test_the_overloaded_laboratory_is_the_bottleneck_and_changes_are_compared_run_by_run():
    state = make_state(collected_by_hour=[number * 2 for number in DAYTIME])
    told = forecast(state, USUAL, seed=1, replications=6, days=5)
    assert told.bottleneck is not None
    assert (told.bottleneck.laboratory, told.bottleneck.station) == ("b", "reactions")
    assert told.bottleneck_word == "grows"
    changes = {one.change: one for one in told.what_ifs}
    assert set(changes) == {"shift", "laboratory", "pool_size"}
    assert changes["shift"].backlog.high < 0
    assert changes["laboratory"].backlog.high < 0
    assert told.little_gap < 1e-9
    assert told.is_conserved


def test_the_same_people_come_and_are_infected_whatever_is_changed():
    screening = LaboratoryState("a", "a", 2000, received=3000)
    mornings = [0] * 8 + [1000] + [0] * 15
    state = State(480, [screening, LaboratoryState("b", "b", 2000, 500, share=0.0)], mornings)
    always = replace(USUAL, worked_hours=24.0, verify_minutes=5.0, release_minutes=5.0)
    found = set()
    for changes in ({}, {"pool_size": 4}, {"strategy": "halves"}, {"run_minutes": 60.0}):
        run = simulate(state, replace(always, **changes), seed=1, minutes=3 * 1440 - 1)
        assert run.inside == 0
        found.add((tuple(run.collected), run.reactions["confirm"]))
    assert len(found) == 1
    assert simulate(state, always, seed=2, minutes=3 * 1440 - 1).reactions["confirm"] != found.pop()[1]


@pytest.mark.parametrize("minute", [480, 481, 510, 539])
def test_no_hour_of_the_forecast_is_longer_than_an_hour(minute):
    state = replace(make_state(), minute=minute)
    told = forecast(state, USUAL, seed=1, replications=1, days=1, what_if_replications=0)
    begins = [hour.begins_after for hour in told.hours]
    assert max(later - sooner for sooner, later in zip(begins, [*begins[1:], 1440.0], strict=True)) <= 60
    assert [hour.hour for hour in told.hours] == [int(minute + begin) // 60 % 24 for begin in begins]


def test_hours_and_days_agree():
    told = forecast(make_state(), USUAL, seed=1, replications=1, days=2, what_if_replications=0)
    assert [hour.hour for hour in told.hours] == [*range(8, 24), *range(8)]
    assert sum(hour.released.median for hour in told.hours) == told.hours[-1].so_far.median
    until_midnight = told.hours[15].so_far.median
    assert told.daily[0].released.median == until_midnight
    assert (
        told.daily[0].backlog.median
        == make_state().standing + told.daily[0].collected.median - until_midnight
    )
    assert [day.number for day in told.daily] == [0, 1, 2]


def test_nothing_is_a_bottleneck_where_nothing_is_busy():
    state = State(480, [LaboratoryState("a", "a", 1000, 100, can_confirm=True)], [1] * 24)
    told = forecast(state, USUAL, replications=2, days=1)
    assert told.bottleneck is None
    assert told.bottleneck_word == "none"


def test_where_nobody_may_confirm_the_detected_wait():
    state = State(480, [LaboratoryState("a", "a", 2000, received=500)], DAYTIME)
    told = forecast(state, replace(USUAL, prevalence=0.3), replications=2, days=2)
    assert told.bottleneck is not None
    assert told.bottleneck.station == "stuck"


def test_one_more_laboratory_takes_over_from_the_busiest_only():
    state = make_state()
    more, _assumed = add_laboratory(state, USUAL)
    assert [one.key for one in more.laboratories] == ["a", "b", "new"]
    assert [one.screening_per_day for one in more.laboratories] == [120, 60, 90]
    assert sum(one.share for one in more.laboratories) == pytest.approx(2.0)
    assert more.laboratories[0] == state.laboratories[0]


def test_a_day_without_a_free_hour_has_no_more_shifts():
    told = forecast(make_state(), replace(USUAL, worked_hours=24.0), replications=1, days=1)
    shift = told.what_ifs[0]
    assert shift.refusal is not None
    assert shift.refusal.field == "more_shifts"


def refused(field, check, *arguments, **named):
    """A sentence that names its field."""
    with pytest.raises(InvalidInput) as refusal:
        check(*arguments, **named)
    assert refusal.value.field == field
    assert str(refusal.value).endswith(".")


def test_what_cannot_be_is_told_in_a_sentence():
    state = make_state()
    laboratory = state.laboratories[0]
    refused("laboratories", check_state, replace(state, laboratories=[]))
    refused("collected_by_hour", check_state, replace(state, collected_by_hour=[1] * 25))
    refused("collected_by_hour", check_state, replace(state, collected_by_hour=[-1] + [1] * 23))
    refused("collected_by_hour", check_state, replace(state, collected_by_hour=[float("nan")] + [1] * 23))
    refused("minute", check_state, replace(state, minute=1440))
    idle = replace(laboratory, screening_per_day=0)
    refused("screening_per_day", check_state, replace(state, laboratories=[idle]))
    refused(
        "worked_hours", check_state, replace(state, laboratories=[replace(laboratory, worked_hours=25.0)])
    )
    refused("laboratories", check_state, replace(state, laboratories=[replace(laboratory, received=-1)]))
    empty = State(0, [LaboratoryState("a", "a", 100)], [0] * 24)
    refused("collected_by_hour", check_state, empty)
    for field, value in (
        ("prevalence", -0.1),
        ("prevalence", 1.1),
        ("prevalence", float("nan")),
        ("pool_size", 0),
        ("pool_size", 21),
        ("strategy", "guess"),
        ("worked_hours", 25.0),
        ("worked_hours", 0.0),
        ("opens_hour", 24),
        ("shift_hours", 25.0),
        ("more_shifts", 3),
        ("teams", -1),
        ("plate_wells", 96),
        ("run_minutes", 0.0),
        ("road_minutes", -1.0),
    ):
        refused(field, check_assumptions, replace(USUAL, **{field: value}))
    refused("days", check_length, days=0, replications=1, seed=0, most_replications=9)
    refused("replications", check_length, days=1, replications=10, seed=0, most_replications=9)
    refused("seed", check_length, days=1, replications=1, seed=-1, most_replications=9)


@pytest.mark.parametrize("prevalence", [0.0, 1.0])
def test_nobody_infected_and_everybody_infected_can_be_forecast(prevalence):
    told = forecast(make_state(), replace(USUAL, prevalence=prevalence), replications=1, days=1)
    assert told.is_conserved
    assert all(day.backlog.median is not None for day in told.daily)
