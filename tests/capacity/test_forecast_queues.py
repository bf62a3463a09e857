"""The stations of the simulation against queueing theory: mean waits in closed form, and Little's law."""

from __future__ import annotations

import math
from statistics import fmean

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from lims.capacity.forecast.batches import Batch
from lims.capacity.forecast.queueing import (
    calculate_erlang_c,
    calculate_md1_wait,
    calculate_mm1_wait,
    calculate_mmc_wait,
)
from lims.capacity.forecast.shifts import DAY, Shifts
from lims.capacity.forecast.stations import Bench, Road, Station
from lims.errors import InvalidInput

SEEDS = range(10)


def run_queue(*, seed, customers, arrival_rate, service_rate, servers=1, constant=False, shifts=None):
    """Send customers through the product's own station; return it, closed."""
    stream = np.random.default_rng(seed)
    arrivals = np.cumsum(stream.exponential(1 / arrival_rate, customers)).tolist()
    times = (
        [1 / service_rate] * customers
        if constant
        else stream.exponential(1 / service_rate, customers).tolist()
    )
    env = simpy.Environment()
    left: list[Batch] = []
    station = Station(
        env,
        "queue",
        servers=servers,
        minutes_of=lambda _customer: times.pop(),
        then=left.append,
        **({"shifts": shifts} if shifts else {}),
    )

    def arrive():
        before = 0.0
        for at in arrivals:
            yield env.timeout(at - before)
            before = at
            station.arrive(Batch(1, []))

    env.process(arrive())
    env.run()
    assert len(left) == customers
    return station


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("M/M/1", {"arrival_rate": 0.5, "service_rate": 1.0}, calculate_mm1_wait(0.5, 1.0)),
        (
            "M/M/3",
            {"arrival_rate": 2.1, "service_rate": 1.0, "servers": 3},
            calculate_mmc_wait(2.1, 1.0, servers=3),
        ),
        ("M/D/1", {"arrival_rate": 0.6, "service_rate": 1.0, "constant": True}, calculate_md1_wait(0.6, 1.0)),
    ],
)
def test_the_mean_wait_over_ten_seeds_is_that_of_the_closed_form(name, arguments, expected):
    waits = [run_queue(seed=seed, customers=25_000, **arguments).mean_wait for seed in SEEDS]
    assert fmean(waits) == pytest.approx(expected, rel=0.03), name
    # and none of them is far away
    assert all(wait == pytest.approx(expected, rel=0.15) for wait in waits)


def test_closed_forms_by_hand():
    assert calculate_mm1_wait(0.5, 1.0) == pytest.approx(1.0)
    assert calculate_md1_wait(0.5, 1.0) == pytest.approx(0.5)
    # two servers: C = 2ρ² / (1 + ρ)
    assert calculate_erlang_c(1.0, servers=2) == pytest.approx(1 / 3)
    assert calculate_mmc_wait(1.0, 1.0, servers=2) == pytest.approx(1 / 3)
    # c servers by the sum of the textbook
    load, servers = 8.0, 10
    waiting = load**servers / math.factorial(servers) * servers / (servers - load)
    idle = sum(load**k / math.factorial(k) for k in range(servers))
    assert calculate_erlang_c(load, servers=servers) == pytest.approx(waiting / (idle + waiting))


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"arrival_rate": 1.0, "service_rate": 0.0, "servers": 1}, "service_rate"),
        ({"arrival_rate": 0.0, "service_rate": 1.0, "servers": 1}, "arrival_rate"),
        ({"arrival_rate": 1.0, "service_rate": 1.0, "servers": 1}, "arrival_rate"),
        ({"arrival_rate": 1.0, "service_rate": 2.0, "servers": 0}, "servers"),
        ({"arrival_rate": math.nan, "service_rate": 2.0, "servers": 1}, "arrival_rate"),
    ],
)
def test_a_queue_without_an_end_has_no_mean_wait(arguments, field):
    with pytest.raises(InvalidInput) as refusal:
        calculate_mmc_wait(**arguments)
    assert refusal.value.field == field


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    customers=st.integers(1, 300),
    servers=st.integers(1, 5),
    load=st.floats(0.05, 3.0),
    hours=st.sampled_from((1, 8, 16, 24)),
    until=st.floats(1.0, 5000.0),
)
def test_littles_law_holds_whenever_one_looks(seed, customers, servers, load, hours, until):
    stream = np.random.default_rng(seed)
    env = simpy.Environment()
    station = Station(
        env,
        "queue",
        servers=servers,
        minutes_of=lambda _batch: float(stream.exponential(10.0)),
        then=lambda batch: road.send(batch, float(stream.exponential(30.0)), lambda _batch: None),
        shifts=Shifts(60.0, hours * 60.0),
    )
    road: Road[Batch] = Road(env, "road")
    plates: list[list[Batch]] = []
    bench = Bench(env, "bench", wells=94, reactions_per_minute=0.8, patience_minutes=60.0, then=plates.append)

    def arrive():
        for _ in range(customers):
            yield env.timeout(float(stream.exponential(10.0 / servers / load)))
            people = int(stream.integers(1, 300))
            station.arrive(Batch(people, []))
            bench.arrive(Batch(people, [], size=7), first=people % 5 == 0)

    env.process(arrive())
    env.run(until=until)
    for place in (station, road, bench):
        law = place.close()
        assert law.gap < 1e-9
        account = place.account
        assert account.entered == account.left + account.inside
    assert 0 <= station.utilisation() <= 1
    assert all(sum(batch.pools for batch in plate) <= 94 for plate in plates)


@given(
    opens=st.floats(-2000, 2000),
    minutes=st.floats(1, DAY),
    begin=st.floats(0, 20_000),
    work=st.floats(0, 5000),
)
def test_work_that_is_done_took_as_long_as_it_takes(opens, minutes, begin, work):
    shifts = Shifts(opens, minutes)
    end = shifts.end_of(begin, work)
    assert end >= begin
    assert shifts.worked(begin, end) == pytest.approx(work, abs=1e-5)
    assert shifts.worked(begin, shifts.next_open(begin)) == pytest.approx(0, abs=1e-6)


def test_a_plate_is_begun_when_it_is_full_or_when_the_first_has_waited_long_enough():
    env = simpy.Environment()
    plates: list[tuple[float, int]] = []
    bench = Bench(
        env,
        "bench",
        wells=94,
        reactions_per_minute=94.0,
        patience_minutes=60.0,
        then=lambda batches: plates.append((env.now, sum(batch.pools for batch in batches))),
    )
    bench.arrive(Batch(950, [], size=10))
    env.run(until=30)
    assert plates == [(1.0, 94)]
    env.run(until=100)
    assert plates[1:] == [(60 + 1 / 94, 1)]


def test_retests_go_first():
    env = simpy.Environment()
    plates: list[list[Batch]] = []
    bench = Bench(env, "bench", wells=94, reactions_per_minute=1.0, patience_minutes=0.0, then=plates.append)
    for _ in range(3):
        bench.arrive(Batch(94, []))
    bench.arrive(Batch(5, [], purpose="retest"), first=True)
    env.run()
    assert [batch.purpose for batch in plates[0]] == ["screen"]
    assert plates[1][0].purpose == "retest"


def test_a_bench_without_capacity_begins_nothing():
    env = simpy.Environment()
    bench = Bench(env, "bench", wells=94, reactions_per_minute=0.0, patience_minutes=0.0, then=print)
    bench.arrive(Batch(500, []))
    env.run(until=DAY)
    assert bench.account.inside == 500
    assert bench.utilisation() == 0
