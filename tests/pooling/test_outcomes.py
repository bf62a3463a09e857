"""What follows from a finding: the whole table, and what no chain of findings may ever lead to."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.pooling import outcomes
from lims.pooling.outcomes import Step, decide, settle_group
from lims.pooling.rules import FINDINGS, PURPOSES


def one_pool(**more) -> outcomes.Tested:
    plain = {
        "purpose": "screen",
        "attempt": 1,
        "tubes": 1,
        "people": 1,
        "finding": "not_detected",
        "group_finding": None,
        "may_confirm": True,
        "confirm_all_members": False,
    }
    return outcomes.Tested(**(plain | more))


SINGLE = {"tubes": 1, "people": 1}
POOL = {"tubes": 10, "people": 10}
MIXED = {"tubes": 1, "people": 10}
RETEST = {"purpose": "retest", "group_finding": "detected"}
CONFIRM = {"purpose": "confirm"}
HERE_ONLY = {"may_confirm": False}

TABLE = [
    # a single person's pool
    (SINGLE, "not_detected", Step.REPORT),
    (SINGLE, "detected", Step.REPORT),
    (SINGLE | HERE_ONLY, "detected", Step.CONFIRM),
    (SINGLE, "inconclusive", Step.REPEAT),
    (SINGLE | {"attempt": 2}, "inconclusive", Step.REPORT),
    (SINGLE, "invalid", Step.REPEAT),
    (SINGLE | {"attempt": 2}, "invalid", Step.REPORT),
    # a screening pool of several single tubes
    (POOL, "not_detected", Step.REPORT),
    (POOL, "detected", Step.RETEST_EACH),
    (POOL, "inconclusive", Step.RETEST_EACH),
    (POOL | HERE_ONLY, "detected", Step.RETEST_EACH),
    (POOL | HERE_ONLY | {"confirm_all_members": True}, "detected", Step.CONFIRM_EACH),
    (POOL | {"confirm_all_members": True}, "detected", Step.RETEST_EACH),
    (POOL, "invalid", Step.REPEAT),
    (POOL | {"attempt": 2}, "invalid", Step.RETEST_EACH),
    (POOL | {"attempt": 2}, "detected", Step.RETEST_EACH),
    # a mixed tube of several people
    (MIXED, "not_detected", Step.REPORT),
    (MIXED, "detected", Step.ASK_AGAIN),
    (MIXED, "inconclusive", Step.ASK_AGAIN),
    (MIXED, "invalid", Step.REPEAT),
    (MIXED | {"attempt": 2}, "invalid", Step.ASK_AGAIN),
    (MIXED | HERE_ONLY, "detected", Step.ASK_AGAIN),
    # retests of a positive pool's tubes
    (RETEST, "not_detected", Step.AWAIT),
    (RETEST, "detected", Step.REPORT),
    (RETEST | HERE_ONLY, "detected", Step.CONFIRM),
    (RETEST, "inconclusive", Step.REPEAT),
    (RETEST | {"attempt": 2}, "inconclusive", Step.REPORT),
    # of an inconclusive or invalid pool: a negative contradicts nothing
    (RETEST | {"group_finding": "inconclusive"}, "not_detected", Step.REPORT),
    (RETEST | {"group_finding": "invalid"}, "not_detected", Step.REPORT),
    # a confirmation of a person detected elsewhere
    (CONFIRM, "detected", Step.REPORT),
    (CONFIRM, "not_detected", Step.HOLD),
    (CONFIRM, "inconclusive", Step.REPEAT),
    (CONFIRM | {"attempt": 2}, "inconclusive", Step.HOLD),
    (CONFIRM | {"attempt": 2}, "invalid", Step.HOLD),
    # a confirmation of every member of a positive pool is their second test
    (CONFIRM | {"group_finding": "detected"}, "not_detected", Step.AWAIT),
    (CONFIRM | {"group_finding": "detected"}, "detected", Step.REPORT),
]


@pytest.mark.parametrize(("facts", "finding", "step"), TABLE)
def test_the_next_step_is_the_laboratory_s(facts, finding, step):
    assert decide(one_pool(**facts, finding=finding)) is step


EVERYTHING = [
    outcomes.Tested(*values)
    for values in product(
        PURPOSES, (1, 2), (1, 2, 10), (1, 2, 10), FINDINGS, (None, *FINDINGS), (True, False), (True, False)
    )
    if values[3] >= values[2]
]


def test_every_combination_has_one_step():
    assert all(isinstance(decide(one), Step) for one in EVERYTHING)


def test_nobody_is_told_detected_from_a_pool_of_more_than_one_person():
    reporting = {Step.REPORT, Step.CONFIRM, Step.HOLD, Step.AWAIT}
    assert not [
        one
        for one in EVERYTHING
        if one.people > 1 and one.finding != "not_detected" and decide(one) in reporting
    ]


def test_a_positive_is_never_answered_by_silence():
    going_on = {Step.REPORT, Step.CONFIRM, Step.RETEST_EACH, Step.CONFIRM_EACH, Step.ASK_AGAIN}
    assert all(decide(one) in going_on for one in EVERYTHING if one.finding == "detected")


def test_a_tube_is_repeated_at_most_once():
    assert not [one for one in EVERYTHING if one.attempt == 2 and decide(one) is Step.REPEAT]


def test_a_mixed_tube_is_never_retested_person_by_person():
    each = {Step.RETEST_EACH, Step.CONFIRM_EACH}
    assert not [one for one in EVERYTHING if one.tubes == 1 and decide(one) in each]


@given(st.lists(st.sampled_from([None, *FINDINGS]), min_size=1, max_size=20))
def test_a_positive_pool_waits_for_all_its_tubes_and_then_agrees_or_not(findings):
    state = settle_group(findings)
    assert (state == "waits") == (None in findings)
    if state != "waits":
        assert (state == "agrees") == ("detected" in findings)
