"""When a phone's clock is believed, and which claims contradict each other."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.field.conflicts import Claim, Conflict, find_conflicts
from lims.field.rules import CLOCK_TOLERANCE, correct_time

ENROLLED = datetime(2021, 8, 16, 0, 0, tzinfo=UTC)
NOW = datetime(2021, 8, 16, 9, 0, tzinfo=UTC)
TRUE = datetime(2021, 8, 16, 5, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("off", "own", "batch", "expected"),
    [
        (0 * HOUR, 0 * HOUR, 0 * HOUR, TRUE),
        (5 * HOUR, -5 * HOUR, -5 * HOUR, TRUE),
        # set right between the scan and the sending: what was measured then counts
        (-3 * HOUR, 3 * HOUR, 0 * HOUR, TRUE),
        # restarted in 1970, never measured since: what is measured now counts
        (-430_000 * HOUR, None, 430_000 * HOUR, TRUE),
        # an old measure that cannot be right any more
        (-430_000 * HOUR, 0 * HOUR, 430_000 * HOUR, TRUE),
        # by file, never measured: the clock's own word where it is possible
        (0 * HOUR, None, None, TRUE),
        # by file from a phone without a clock: some time before it came
        (-430_000 * HOUR, None, None, NOW),
        # nothing is made after it came
        (48 * HOUR, 0 * HOUR, None, NOW),
    ],
)
def test_a_scan_gets_the_time_that_its_phones_clock_can_be_believed_in(off, own, batch, expected):
    assert (
        correct_time(TRUE + off, own_offset=own, batch_offset=batch, not_before=ENROLLED, received_at=NOW)
        == expected
    )


@given(
    at=st.integers(0, 7_258_118_400).map(lambda second: datetime.fromtimestamp(second, UTC)),
    own=st.none() | st.timedeltas(timedelta(days=-80_000), timedelta(days=80_000)),
    batch=st.none() | st.timedeltas(timedelta(days=-80_000), timedelta(days=80_000)),
)
def test_no_clock_puts_a_scan_after_its_coming_or_before_the_phone_was_enrolled(at, own, batch):
    moment = correct_time(at, own_offset=own, batch_offset=batch, not_before=ENROLLED, received_at=NOW)
    assert ENROLLED - CLOCK_TOLERANCE <= moment <= NOW


def claim(tube: str, person: str, *, mode: str = "single", session: int = 1, attempt: int = 1) -> Claim:
    limit = 1 if mode == "single" else 2
    return Claim(tube, mode, limit, person, attempt, uuid.UUID(int=session))


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ([claim("T1", "K1"), claim("T1", "K1")], set()),
        ([claim("T1", "K1"), claim("T1", "K2")], {Conflict("tube_reused", "T1")}),
        ([claim("T1", "K1"), claim("T2", "K1")], {Conflict("sampled_twice", "T2", "K1")}),
        ([claim("T1", "K1"), claim("T2", "K1", attempt=2)], set()),
        ([claim("T1", "K1", mode="mixed"), claim("T1", "K2", mode="mixed")], set()),
        (
            [claim("T1", "K1", mode="mixed"), claim("T1", "K1", mode="mixed", session=2)],
            {Conflict("other_session", "T1")},
        ),
        (
            [claim("T1", f"K{person}", mode="mixed") for person in range(3)],
            {Conflict("tube_overfull", "T1")},
        ),
    ],
)
def test_claims_that_cannot_all_be_true(claims, expected):
    assert find_conflicts(claims) == expected
    random.Random(3).shuffle(claims)
    assert find_conflicts(claims) == expected
