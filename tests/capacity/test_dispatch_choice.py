"""Where boxes go: the solver finds what trying everything finds, never worse than the simple rule, and loses no box."""

from __future__ import annotations

import itertools
import random
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lims.capacity.dispatch import finishing
from lims.capacity.dispatch.choosing import choose, choose_simply
from lims.capacity.dispatch.explaining import explain
from lims.capacity.dispatch.finishing import (
    UNFINISHED,
    Queue,
    Stay,
    add_boxes,
    arrive,
    find_done,
    run_bench,
    sum_coming,
    sum_finishing,
)
from lims.capacity.dispatch.hours import ALWAYS, EDGES, STEPS, Hours, check_hours, count_capacities
from lims.capacity.dispatch.problem import Bench, Box, Laboratory
from lims.errors import InvalidInput

NOON = datetime(2021, 8, 16, 12, 0, tzinfo=UTC)  # a Monday


def lab(number: int, per_hour: float, *, waiting: float = 0, hours: Hours = ALWAYS, **more) -> Laboratory:
    """Return a laboratory that screens."""
    bench = Bench(count_capacities(hours, NOON, per_hour=per_hour), waiting=waiting)
    return Laboratory(uuid.UUID(int=number), bench, **more)


def box(number: int, samples: float, minutes: dict[int, float], *, ready: float = 0, **more) -> Box:
    """Return a box with its ways by a laboratory's number."""
    ways = {uuid.UUID(int=key): value for key, value in minutes.items()}
    return Box(uuid.UUID(int=100 + number), f"B{number}", samples, ready, ways, **more)


def count_by_hand(boxes, laboratories, choice) -> float:
    """Return the sum of finishing times, sample by sample as a queue, in another way than the product does it."""
    total = 0.0
    for one in laboratories:
        queue = [(0.0, one.screening.waiting), *one.screening.coming]
        queue += [(item.arrives(one.id), item.samples) for item in boxes if choice.get(item.id) == one.id]
        queue.sort()
        left = list(one.screening.capacities)
        for at, samples in queue:
            for step in range(STEPS):
                if EDGES[step] >= at - 1e-6 and samples > 0:
                    done = min(samples, left[step])
                    left[step] -= done
                    samples -= done
                    total += done * EDGES[step + 1]
            total += samples * UNFINISHED
    return total


@st.composite
def small_cases(draw):
    """Draw up to three laboratories and four boxes."""
    laboratories = []
    for number in range(1, draw(st.integers(2, 3)) + 1):
        hours = draw(st.sampled_from((ALWAYS, Hours(6, 22), Hours(7, 11), Hours(20, 4, "135"))))
        one = lab(number, draw(st.integers(5, 200)), waiting=draw(st.integers(0, 500)), hours=hours)
        coming = draw(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 200)), max_size=2))
        laboratories.append(replace(one, screening=replace(one.screening, coming=coming)))
    boxes = [
        box(
            number,
            draw(st.integers(1, 300)),
            {int(one.id): draw(st.integers(5, 240)) for one in laboratories},
            ready=draw(st.integers(-60, 200)),
        )
        for number in range(draw(st.integers(1, 4)))
    ]
    return boxes, laboratories


@settings(max_examples=60)
@given(small_cases())
def test_the_solver_finds_what_trying_everything_finds(case):
    boxes, laboratories = case
    least = min(
        count_by_hand(boxes, laboratories, dict(zip((one.id for one in boxes), places, strict=True)))
        for places in itertools.product([one.id for one in laboratories], repeat=len(boxes))
    )
    chosen = choose(boxes, laboratories, gap=0)
    assert chosen.cost == pytest.approx(least, rel=1e-6)
    assert chosen.cost == pytest.approx(count_by_hand(boxes, laboratories, chosen.choice), rel=1e-9)
    assert chosen.bound == pytest.approx(least, rel=1e-5)


def test_a_thousand_random_cases_are_never_worse_than_the_simple_rule_and_lose_no_box():
    dice = random.Random(20210816)
    better = 0
    for _case in range(1000):
        laboratories = [
            lab(number, dice.choice((0, 20, 60, 150)), waiting=dice.choice((0, 100, 900)))
            for number in range(1, dice.randint(2, 4))
        ]
        boxes = [
            box(
                number,
                dice.randint(10, 400),
                {int(one.id): dice.choice((20, 60, 120)) for one in laboratories},
                ready=dice.randint(-30, 120),
            )
            for number in range(dice.randint(1, 4))
        ]
        chosen = choose(boxes, laboratories)
        going = [one for one in boxes if one.id in chosen.choice]
        simple = sum_finishing(going, laboratories, choose_simply(going, laboratories))
        assert chosen.cost <= simple + 1e-6
        better += chosen.cost < simple - 1
        assert len(chosen.choice) + len(chosen.left) == len(boxes)
    assert better > 50


def test_a_box_goes_past_the_nearest_laboratory_where_too_much_waits():
    laboratories = [lab(1, 100, waiting=3200), lab(2, 100)]
    chosen = choose([box(1, 100, {1: 15, 2: 60})], laboratories)
    assert list(chosen.choice.values()) == [uuid.UUID(int=2)]
    (said,) = explain([box(1, 100, {1: 15, 2: 60})], laboratories, chosen.choice)
    assert (said.laboratory_id, said.done, said.word) == (uuid.UUID(int=2), 120, "waits")
    assert (said.other_id, said.number) == (uuid.UUID(int=1), 3175)
    assert said.minutes == 1980 - 120


def stay_alone(bench: Bench, sent, one: Box, laboratory_id) -> Stay:
    """Return how a box fares among all others, gone through one by one."""
    others = [other for other in sent if other.id != one.id]
    mine, fixed = arrive(one, laboratory_id), sum_coming(bench)
    flow = run_bench(bench, add_boxes(fixed, [*others, one], laboratory_id))
    theirs = [arrive(other, laboratory_id) for other in others]
    ahead = float(fixed[: mine.step + 1].sum())
    ahead += sum(it.samples for it in theirs if (it.step, it.order) < (mine.step, mine.order))
    served = float(flow.tested[mine.step - 1]) if mine.step else 0.0
    if mine.step >= STEPS:
        return Stay(UNFINISHED, 0.0)
    return Stay(find_done(flow, ahead + one.samples), max(0.0, ahead - served))


def test_a_box_looked_up_in_a_queue_fares_as_among_all_others_one_by_one():
    dice = random.Random(20210817)
    for _case in range(60):
        place = lab(
            1, dice.choice((0, 1, 20, 150)), waiting=dice.choice((0, 900)), hours=Hours(7, 19, "1357")
        )
        bench = replace(place.screening, coming=[(dice.randint(0, 300), 40)] * dice.randint(0, 3))
        boxes = [
            box(
                number,
                dice.choice((1, 30, 2000)),
                {1: dice.choice((15, 60, 120))},
                ready=dice.choice((-30, 0, 0, 60, 42_900)),
            )
            for number in range(12)
        ]
        boxes = [replace(one, code=dice.choice("AB")) for one in boxes]
        sent = boxes[: dice.randint(0, 12)]
        queue = Queue(bench, sent, place.id)
        for one in boxes:
            assert queue.stay(one) == stay_alone(bench, sent, one, place.id)


def test_explaining_twice_as_many_boxes_is_twice_the_work(monkeypatch):
    found, real = [], finishing.step_of
    laboratories = [lab(number, 100) for number in (1, 2, 3)]
    for count in (40, 80):
        boxes = [box(number, 10, {1: 15, 2: 30, 3: 45}) for number in range(count)]
        choice = {one.id: laboratories[number % 3].id for number, one in enumerate(boxes)}
        calls: list[float] = []
        monkeypatch.setattr(
            finishing, "step_of", lambda minutes, calls=calls: calls.append(minutes) or real(minutes)
        )
        assert len(explain(boxes, laboratories, choice)) == count
        found.append(len(calls))
    assert found[1] == 2 * found[0]


@pytest.mark.parametrize(
    ("laboratories", "minutes", "confirms", "why"),
    [
        ([], {}, False, "no_laboratory"),
        ([lab(1, 0)], {1: 15}, False, "no_capacity"),
        ([lab(1, 50, is_closed=True), lab(2, 0)], {1: 15, 2: 15}, False, "closed"),
        ([lab(1, 50)], {1: 15}, True, "no_right"),
        ([lab(1, 50)], {}, False, "no_way"),
    ],
)
def test_a_box_with_nowhere_to_go_says_why(laboratories, minutes, confirms, why):
    one = box(1, 10, minutes, confirms=confirms)
    chosen = choose([one], laboratories)
    assert chosen.choice == {}
    assert [(left.box_id, left.why) for left in chosen.left] == [(one.id, why)]
    assert explain([one], laboratories, chosen.choice) == []


def test_confirmations_wait_only_for_confirmations():
    confirming = Bench(count_capacities(ALWAYS, NOON, per_hour=4), waiting=8)
    laboratories = [lab(1, 100), lab(2, 100, waiting=100_000, confirming=confirming)]
    one = box(1, 4, {1: 15, 2: 15}, confirms=True)
    chosen = choose([one], laboratories)
    assert chosen.choice == {one.id: uuid.UUID(int=2)}
    assert explain([one], laboratories, chosen.choice)[0].done == 180


def test_what_somebody_chose_is_kept_until_that_laboratory_closes():
    here, there = lab(1, 100), lab(2, 10)
    boxes = [box(n, 50, {1: 15, 2: 120}, fixed=uuid.UUID(int=2) if n == 1 else None) for n in (1, 2)]
    assert choose(boxes, [here, there]).choice[boxes[0].id] == there.id
    assert choose_simply(boxes, [here, there])[boxes[0].id] == there.id
    closed = choose(boxes, [here, replace(there, is_closed=True)])
    assert closed.choice == {one.id: here.id for one in boxes}


def test_opening_hours_and_what_is_left_of_today():
    night = Hours(20, 4)
    each = count_capacities(night, NOON, per_hour=60)
    assert each[:32].sum() == 0
    assert each[32:64].sum() == 480
    assert each[64:96].sum() == 0
    # 7 to 19 on Mondays alone: 7 hours today, 12 next Monday
    monday = count_capacities(Hours(7, 19, "1"), NOON, per_hour=10)
    assert monday.sum() == 70 + 4 * 120
    spent = count_capacities(ALWAYS, NOON, per_hour=60, left_today=90)
    assert spent[:48].sum() == 90
    assert spent[48:52].sum() == 60
    assert count_capacities(ALWAYS, NOON, per_hour=60, left_today=0)[:48].sum() == 0


@pytest.mark.parametrize(
    ("opens", "closes", "days", "field"),
    [(24, 8, "1", "opens_hour"), (0, 25, "1", "closes_hour"), (0, 24, "", "days"), (0, 24, "8", "days")],
)
def test_hours_that_no_day_has_are_refused(opens, closes, days, field):
    with pytest.raises(InvalidInput) as refused:
        check_hours(opens, closes, days)
    assert refused.value.field == field


def test_what_is_not_tested_until_the_horizon_counts_and_is_said():
    bench = Bench(np.zeros(STEPS) + 0.001, waiting=1000)
    flow = run_bench(bench, sum_coming(bench))
    assert find_done(flow, 1000) == UNFINISHED
    assert timedelta(minutes=UNFINISHED) == timedelta(days=60)
    one = box(1, 10, {1: 15})
    laboratory = Laboratory(uuid.UUID(int=1), bench)
    chosen = choose([one], [laboratory])
    assert explain([one], [laboratory], chosen.choice)[0].done is None
