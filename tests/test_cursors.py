"""Where a page of a list ended, as it stands in an address."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from lims.cursors import read_cursor, write_cursor
from lims.errors import InvalidInput

KEY = uuid.UUID(int=7)
HANOI = timezone(timedelta(hours=7))


def test_what_was_written_is_read_and_nothing_is_the_first_page():
    at = datetime(2021, 8, 16, 7, 30, 0, 123, tzinfo=HANOI)
    assert read_cursor(write_cursor(at, KEY)) == (at, KEY)
    assert read_cursor(write_cursor(at, KEY))[0].tzinfo is UTC
    assert read_cursor("") is None


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "|",
        f"|{KEY}",
        "2021-08-16T00:00:00+07:00",
        "2021-08-16T00:00:00+07:00|x",
        f"2021-08-16T00:00:00|{KEY}",
        f"2021-08-16|{KEY}",
        f"2021-08-16T25:00:00+07:00|{KEY}",
        f"0001-01-01T00:00:00+07:00|{KEY}",
        f"9999-12-31T23:59:59-07:00|{KEY}",
        f"2021-08-16T00:00:00+07:00|{KEY}\x00",
    ],
)
def test_an_odd_one_is_refused_before_it_reaches_a_database(text):
    with pytest.raises(InvalidInput) as refused:
        read_cursor(text)
    assert refused.value.field == "after"
