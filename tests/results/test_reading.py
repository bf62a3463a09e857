"""What a person is told: never before the release, never a pool's finding, valid from the sampling on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.intake.birth_dates import BirthDate
from lims.pooling.rules import FINDINGS
from lims.results.reading import Facts, birth_date_fits, calculate_valid_until, tell
from lims.results.rules import RESULT

MOMENT = datetime(2021, 8, 16, 2, 0, tzinfo=UTC)
MOMENTS = st.none() | st.integers(0, 100).map(lambda hours: MOMENT + timedelta(hours=hours))
FACTS = st.builds(
    Facts,
    declaration_status=st.sampled_from(("open", "sampled", "closed", "withdrawn", "expired")),
    asked_again=st.booleans(),
    declared_at=st.just(MOMENT),
    collected_at=MOMENTS,
    dispatched_at=MOMENTS,
    received_at=MOMENTS,
    in_test_at=MOMENTS,
    result_status=st.none() | st.sampled_from(RESULT.words),
    finding=st.none() | st.sampled_from(FINDINGS),
    verified_at=MOMENTS,
    released_at=MOMENTS,
    tested_again=st.booleans(),
    needs_second_test=st.booleans(),
    is_amended=st.booleans(),
)


@given(FACTS)
def test_nothing_is_told_of_a_finding_before_its_release(facts):
    told = tell(facts)
    if facts.result_status != "released":
        assert told.finding is None
        assert told.status not in ("detected", "not_detected", "inconclusive")


@given(FACTS)
def test_only_not_detected_is_valid_until_a_moment(facts):
    told = tell(facts)
    assert told.valid_until is None or told.finding == "not_detected"


def test_validity_is_counted_from_the_sampling_not_from_the_release():
    facts = Facts(
        "closed",
        False,
        MOMENT,
        collected_at=MOMENT,
        result_status="released",
        finding="not_detected",
        released_at=MOMENT + timedelta(hours=30),
        validity_hours=72,
    )
    assert tell(facts).valid_until == MOMENT + timedelta(hours=72)
    assert calculate_valid_until(MOMENT, validity_hours=24) == MOMENT + timedelta(days=1)


def test_an_invalid_test_is_told_as_no_clear_result():
    facts = Facts("closed", False, MOMENT, collected_at=MOMENT, result_status="released", finding="invalid")
    assert tell(facts).finding == "inconclusive"


def test_a_second_test_is_told_without_its_reason():
    facts = Facts("sampled", False, MOMENT, collected_at=MOMENT, needs_second_test=True)
    told = tell(facts)
    assert (told.status, told.finding) == ("second_test", None)


@pytest.mark.parametrize(
    ("released_at", "tested_again", "status"),
    [(MOMENT, True, "checked_again"), (None, True, "waiting"), (MOMENT, False, "withdrawn")],
)
def test_of_a_withdrawn_result_nobody_is_told_who_never_read_it(released_at, tested_again, status):
    facts = Facts(
        "sampled",
        False,
        MOMENT,
        collected_at=MOMENT,
        result_status="withdrawn",
        finding="not_detected",
        released_at=released_at,
        tested_again=tested_again,
    )
    assert tell(facts).status == status


def test_a_step_is_reached_when_a_later_one_is():
    told = tell(Facts("sampled", False, MOMENT, collected_at=MOMENT, received_at=MOMENT))
    assert [step.name for step in told.steps if step.reached] == [
        "declared",
        "collected",
        "on_the_road",
        "received",
    ]


@pytest.mark.parametrize(
    ("stored", "typed", "fits"),
    [
        ((1990, 5, 17), (1990, 5, 17), True),
        ((1990, 5, 17), (1990, 5, 18), False),
        ((1990, 5, 17), (1990, None, None), False),
        ((1990, 5, 17), (1990, 5, None), False),
        ((1990, 5, None), (1990, 5, 3), True),
        ((1990, 5, None), (1990, 6, 3), False),
        ((1990, None, None), (1990, 12, 31), True),
        ((1990, None, None), (1990, None, None), True),
        ((1990, None, None), (1991, None, None), False),
    ],
)
def test_a_birth_date_must_be_as_exact_as_what_is_known(stored, typed, fits):
    assert birth_date_fits(BirthDate(*stored), BirthDate(*typed)) is fits


@given(st.dates(min_value=date(1900, 1, 1)), st.dates(min_value=date(1900, 1, 1)))
def test_only_the_very_day_fits_a_known_day(stored, typed):
    assert birth_date_fits(BirthDate.of(stored, "day"), BirthDate.of(typed, "day")) is (stored == typed)
