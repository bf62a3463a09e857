"""Proposed pools hold every guard of a pool, for any rack."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.errors import InvalidInput
from lims.pooling.proposals import TubeForPooling, propose_pools


def rack(count, **fields):
    return [TubeForPooling(f"T{number}", number, **fields) for number in range(count)]


@st.composite
def racks(draw):
    count = draw(st.integers(0, 60))
    positions = draw(st.permutations(range(count)))
    tubes = []
    for number in range(count):
        mixed = draw(st.integers(0, 9)) == 0
        people = st.frozensets(st.integers(0, 40), max_size=5 if mixed else 1)
        household = draw(st.one_of(st.none(), st.integers(0, 8)))
        tubes.append(
            TubeForPooling(
                number, positions[number], draw(st.integers(0, 9)) == 0, mixed, household, draw(people)
            )
        )
    return tubes


@given(racks(), st.integers(1, 20))
def test_every_guard_holds_for_any_rack(tubes, pool_size):
    pools = propose_pools(tubes, pool_size=pool_size)
    by_id = {tube.id: tube for tube in tubes}
    members = [[by_id[tube_id] for tube_id in pool] for pool in pools]
    assert sorted(tube_id for pool in pools for tube_id in pool) == sorted(by_id)
    for pool in members:
        assert 1 <= len(pool) <= pool_size
        assert len(pool) == 1 or not any(tube.alone or tube.mixed for tube in pool)
        people = [person for tube in pool for person in tube.person_ids]
        assert len(people) == len(set(people))
        positions = [tube.position for tube in pool]
        assert positions == sorted(positions)
    assert [pool[0].position for pool in members] == sorted(pool[0].position for pool in members)


@given(st.integers(0, 200), st.integers(1, 20))
def test_without_special_cases_all_pools_but_the_last_are_full(count, pool_size):
    pools = propose_pools(rack(count), pool_size=pool_size)
    assert [len(pool) for pool in pools[:-1]] == [pool_size] * (len(pools) - 1)
    assert len(pools) == -(-count // pool_size)
    assert [tube for pool in pools for tube in pool] == [f"T{number}" for number in range(count)]


@given(racks(), st.integers(1, 20))
def test_the_order_in_which_tubes_are_named_does_not_matter(tubes, pool_size):
    assert propose_pools(tubes, pool_size=pool_size) == propose_pools(tubes[::-1], pool_size=pool_size)


def test_a_tube_that_must_be_alone_does_not_break_the_pool_around_it():
    tubes = rack(10)
    tubes[4] = TubeForPooling("ill", 4, alone=True)
    assert propose_pools(tubes, pool_size=10) == [
        ["T0", "T1", "T2", "T3", "T5", "T6", "T7", "T8", "T9"],
        ["ill"],
    ]


def test_the_second_tube_of_a_person_goes_to_the_next_pool():
    tubes = [
        TubeForPooling(name, place, person_ids=frozenset({who}))
        for place, (name, who) in enumerate([("a", 1), ("b", 2), ("c", 1)])
    ]
    assert propose_pools(tubes, pool_size=10) == [["a", "b"], ["c"]]


def test_a_household_at_the_end_of_a_pool_moves_on_together():
    homes = [None] * 8 + ["Lê"] * 4
    tubes = [TubeForPooling(place, place, household=home) for place, home in enumerate(homes)]
    assert propose_pools(tubes, pool_size=10) == [list(range(8)), [8, 9, 10, 11]]


def test_a_large_household_may_be_cut_rather_than_leave_pools_half_empty():
    tubes = [TubeForPooling(place, place, household="Lê" if place > 4 else None) for place in range(14)]
    assert [len(pool) for pool in propose_pools(tubes, pool_size=10)] == [10, 4]


@pytest.mark.parametrize("pool_size", [0, -1, 21])
def test_an_impossible_pool_size_is_refused(pool_size):
    with pytest.raises(InvalidInput) as refusal:
        propose_pools(rack(3), pool_size=pool_size)
    assert refusal.value.field == "pool_size"


def test_a_tube_named_twice_is_refused():
    with pytest.raises(InvalidInput):
        propose_pools([*rack(2), TubeForPooling("T0", 9)], pool_size=5)
