"""Control charts: each of Westgard's rules fires with the value that breaks it, and not before."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.errors import InvalidInput
from lims.pooling.westgard import RULES, Limits, check, limits_of

LIMITS = Limits(26.0, 0.5, 20)
# the distance in SD that every value of a rule's shortest sequence passes, and how many values it needs
SHORTEST = {"1-2s": (2.0, 1), "1-3s": (3.0, 1), "2-2s": (2.0, 2), "4-1s": (1.0, 4), "10-x": (0.0, 10)}


def fired(*levels: list[float | None]) -> list[tuple[str, int, tuple[str, ...]]]:
    """Return what is broken, for distances in SD of the controls PC, weak_PC …"""
    names = ("PC", "weak_PC", "PEC")[: len(levels)]
    values = {
        name: [None if z is None else 26.0 + z * 0.5 for z in distances]
        for name, distances in zip(names, levels, strict=True)
    }
    broken = check(values, dict.fromkeys(names, LIMITS))
    assert all(str(violation) for violation in broken)
    return [(violation.rule, violation.run, violation.levels) for violation in broken]


def rules(*levels: list[float | None]) -> list[tuple[str, int]]:
    return [(rule, run) for rule, run, _ in fired(*levels)]


@pytest.mark.parametrize(
    ("distances", "broken"),
    [
        ([0.5, -1.5, 1.9, -0.2], []),
        ([2.0, -2.0, 2.0], []),  # on the line is not beyond it
        ([0.5, 2.1, -0.5], [("1-2s", 1)]),
        ([0.5, -3.1], [("1-2s", 1), ("1-3s", 1)]),
        ([2.1, 2.2], [("1-2s", 0), ("1-2s", 1), ("2-2s", 1)]),
        ([-2.1, -2.2, 0.5], [("1-2s", 0), ("1-2s", 1), ("2-2s", 1)]),
        ([2.1, -2.2], [("1-2s", 0), ("1-2s", 1)]),  # R-4s is about one run
        ([2.1, 0.1, 2.2], [("1-2s", 0), ("1-2s", 2)]),
        ([1.1, 1.2, 1.3, 1.4], [("4-1s", 3)]),
        ([-1.1, -1.2, -1.3, -1.4, -1.5], [("4-1s", 3), ("4-1s", 4)]),
        ([1.1, 1.2, 0.9, 1.4], []),
        ([1.1, -1.2, 1.3, 1.4], []),
        ([0.1] * 9, []),
        ([0.1] * 10, [("10-x", 9)]),
        ([-0.1] * 11, [("10-x", 9), ("10-x", 10)]),
        ([0.1] * 5 + [0.0] + [0.1] * 5, []),  # on the mean is on neither side
        ([0.1] * 5 + [None] + [0.1] * 5, [("10-x", 10)]),  # a run without the control does not end the row
        ([2.1, None, 2.1, None], [("1-2s", 0), ("1-2s", 2), ("2-2s", 2)]),
        ([], []),
        ([None, None], []),
    ],
)
def test_one_control(distances, broken):
    assert rules(distances) == broken


@pytest.mark.parametrize(
    ("first", "second", "broken"),
    [
        ([2.1], [2.2], [("1-2s", 0), ("1-2s", 0), ("2-2s", 0)]),
        ([2.1], [-2.2], [("1-2s", 0), ("1-2s", 0), ("R-4s", 0)]),
        ([2.1, 0.1], [0.1, -2.2], [("1-2s", 0), ("1-2s", 1)]),
        ([2.1, 0.1], [-0.1, 2.2], [("1-2s", 0), ("1-2s", 1)]),
        ([1.1, 1.2], [1.3, 1.4], [("4-1s", 1)]),
        ([1.1, 1.2], [1.3, -1.4], []),
        ([1.1, 1.2], [None, 1.4], []),  # three values only
        ([0.1] * 5, [0.2] * 5, [("10-x", 4)]),
        ([0.1] * 5, [0.2] * 4 + [-0.2], []),
        ([0.1] * 4, [0.2] * 4, []),
        # both alone and together: told once, of the control that breaks it alone
        ([1.1] * 4, [0.5, 0.5, 1.2, 1.2], [("4-1s", 3)]),
    ],
)
def test_two_controls_of_one_run_count_together(first, second, broken):
    assert rules(first, second) == broken


def test_a_rule_says_which_controls_it_is_about():
    assert fired([0.1, 2.1], [0.1, 2.2])[-1] == ("2-2s", 1, ("PC", "weak_PC"))
    assert fired([-2.5], [2.5])[-1] == ("R-4s", 0, ("weak_PC", "PC"))
    assert fired([1.1] * 4, [0.5] * 4) == [("4-1s", 3, ("PC",))]


def test_three_controls_count_in_whole_runs_so_that_their_order_does_not_matter():
    assert rules([1.5], [1.5], [1.5]) == []
    assert rules([1.5, 1.5], [1.5, 1.5], [1.5, 1.5]) == [("4-1s", 1)]
    assert rules([1.5, 1.5], [1.5, 1.5], [0.5, 1.5]) == []
    # two of three in one run
    assert rules([2.5], [0.0], [2.5])[-1] == ("2-2s", 0)


def test_only_1_2s_is_a_warning():
    broken = check({"PC": [26.0 + 0.5 * z for z in (3.5, 3.5, 1.5, 1.5, *[0.5] * 6)]}, {"PC": LIMITS})
    assert {violation.rule: violation.is_warning for violation in broken} == {
        "1-2s": True,
        "1-3s": False,
        "2-2s": False,
        "4-1s": False,
        "10-x": False,
    }
    assert set(RULES) - {violation.rule for violation in broken} == {"R-4s"}


@given(
    st.sampled_from(sorted(SHORTEST)),
    st.sampled_from([1, -1]),
    st.lists(st.integers(1, 8), min_size=10, max_size=10),
    st.lists(st.sampled_from([0.5, -0.5]), max_size=6),
)
def test_a_rules_shortest_sequence_fires_exactly_at_its_last_value(rule, side, beyond, quiet):
    line, length = SHORTEST[rule]
    sequence = [side * (line + step / 8) for step in beyond[:length]]
    before = [*quiet, -0.5 * side]
    assert [run for name, run in rules([*before, *sequence]) if name == rule][:1] == [
        len(before) + length - 1
    ]
    shorter = [*before, *sequence[:-1]]
    assert rule not in {name for name, _ in rules(shorter)}
    # one value on the other side, or on the line, breaks the row
    spoilt = [*before, *sequence[:-1], side * line]
    assert rule not in {name for name, _ in rules(spoilt)}


DISTANCES = st.lists(st.one_of(st.none(), st.integers(-32, 32)), min_size=12, max_size=12)


@given(DISTANCES, DISTANCES, st.integers(-80, 80), st.integers(0, 4))
def test_moving_values_and_limits_together_changes_nothing(first, second, shift, doublings):
    # eighths and powers of two, so that no rounding hides or makes a difference
    def broken(move: float, scale: int):
        values = {
            name: [None if step is None else (26 + step / 8) * scale + move for step in steps]
            for name, steps in (("PC", first), ("weak_PC", second))
        }
        limit = Limits(26.0 * scale + move, 1.0 * scale, 20)
        found = check(values, {"PC": limit, "weak_PC": limit})
        return [(violation.rule, violation.run, violation.levels) for violation in found]

    assert broken(shift / 8, 2**doublings) == broken(0, 1)


@given(DISTANCES, DISTANCES)
def test_the_order_of_the_controls_changes_nothing(first, second):
    def broken(*names: str):
        values = {name: [None if s is None else 26 + s / 8 for s in by_name[name]] for name in names}
        found = check(values, dict.fromkeys(names, Limits(26.0, 1.0, 20)))
        return {(violation.rule, violation.run, frozenset(violation.levels)) for violation in found}

    by_name = {"PC": first, "weak_PC": second}
    assert broken("PC", "weak_PC") == broken("weak_PC", "PC")


def test_limits_are_those_of_the_first_twenty_runs():
    values = [26.0, 27.0] * 10
    limits = limits_of([*values, 99.0, 99.0])
    assert (limits.mean, limits.count, limits.is_provisional) == (26.5, 20, False)
    assert limits.sd == pytest.approx(math.sqrt(20 * 0.25 / 19))
    assert limits_of(values[:19]).is_provisional


@pytest.mark.parametrize("values", [[], [26.0], [26.0, math.nan], [26.0, math.inf]])
def test_limits_need_two_numbers(values):
    with pytest.raises(InvalidInput) as refusal:
        limits_of(values)
    assert refusal.value.field == "values"


def test_a_control_that_never_varied_judges_nothing_and_does_not_stop_the_others():
    steady = limits_of([26.0, 26.0, 26.0])
    assert steady.sd == 0
    broken = check({"PC": [26.0, 30.0], "weak_PC": [26.0, 28.0]}, {"PC": steady, "weak_PC": LIMITS})
    assert {violation.levels for violation in broken} == {("weak_PC",)}
    assert check({"PC": [26.0, 30.0]}, {"PC": steady}) == ()
    assert check({}, {}) == ()


@pytest.mark.parametrize(
    ("values", "limits", "field"),
    [
        ({"PC": [26.0]}, {}, "limits"),
        ({"PC": [math.nan]}, {"PC": LIMITS}, "values"),
        ({"PC": [26.0], "NEC": [26.0, 26.1]}, {"PC": LIMITS, "NEC": LIMITS}, "values"),
    ],
)
def test_what_cannot_be_charted_is_refused_by_name(values, limits, field):
    with pytest.raises(InvalidInput) as refusal:
        check(values, limits)
    assert refusal.value.field == field
    assert str(refusal.value)
