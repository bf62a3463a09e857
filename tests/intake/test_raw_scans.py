"""What a discrepancy keeps is shown to whoever settles it, whatever it is."""

from __future__ import annotations

import json

import pytest

from lims.intake.raw_scans import MOST_SHOWN, RawScan, read_raw_scans


def slips(*texts: object) -> bytes:
    said = [text if isinstance(text, str) else json.dumps(text) for text in texts]
    return json.dumps({"slips": [{"text": text, "signature": ""} for text in said]}).encode()


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (
            json.dumps({"tube": "T1", "declaration": "K1", "occurred_at": "2021-08-16T01:00:00Z"}).encode(),
            RawScan("2021-08-16T01:00:00Z", "T1", "K1", ""),
        ),
        (
            slips({"kind": "bind", "at": "x", "tube": "T1", "declaration": "K1"}),
            RawScan("x", "T1", "K1", "bind"),
        ),
        (
            slips({"kind": "declare", "person": {"name": "Người Thử", "birth_date": "32/13/1980"}}),
            RawScan("", "", "Người Thử · 32/13/1980", "declare"),
        ),
        (
            slips({"kind": "declare", "card": "001|9|Người Thẻ|01011980"}),
            RawScan("", "", "Người Thẻ · 001", "declare"),
        ),
        (slips("not a slip"), RawScan("", "", "", "not a slip")),
        (slips("[" * 9000), RawScan("", "", "", "[" * 120)),
        (slips({"kind": "close", "tube": "T1", "count": 3}), RawScan("", "T1", "", "close · 3")),
    ],
)
def test_a_scan_is_shown_as_it_came(raw, shown):
    assert read_raw_scans(raw) == [shown]


def test_a_long_list_is_shown_in_part():
    assert len(read_raw_scans(slips(*["x"] * 80))) == MOST_SHOWN
