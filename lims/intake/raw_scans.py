"""A discrepancy's scans as they came, in the words that a person settling it needs. Pure; nothing in them is believed.

A desk's scan is kept as its fields, a phone's as the text that it signed, which may be anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_SHOWN = 50
LONGEST_SHOWN = 120


@dataclass(frozen=True, slots=True)
class RawScan:
    """One scan as it came; what it does not say is ''.

    Args:
        at: time as the device wrote it.
        tube: as scanned.
        person: declaration code, name and birth date as typed, or the card's number and name.
        more: kind of the scan, box, count.
    """

    at: str
    tube: str
    person: str
    more: str


def read_raw_scans(raw: bytes) -> Sequence[RawScan]:
    """Return the scans that a discrepancy keeps, at most the first 50.

    Args:
        raw: as it was sealed: JSON of a desk's scan, or of a phone's slips.
    """
    kept = json.loads(raw)
    slips = kept.get("slips")
    if slips is None:
        return [_read(kept)]
    return [_read(_parse(str(slip.get("text", "")))) for slip in slips[:MOST_SHOWN]]


def _parse(text: str) -> Mapping[str, Any]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    return said if isinstance(said, dict) else {"kind": text}


def _read(said: Mapping[str, Any]) -> RawScan:
    return RawScan(
        at=_text(said.get("at") or said.get("occurred_at")),
        tube=_text(said.get("tube")),
        person=_person(said),
        more=" · ".join(
            part for part in (_text(said.get(name)) for name in ("kind", "box", "count")) if part
        ),
    )


def _person(said: Mapping[str, Any]) -> str:
    typed = said.get("person")
    if isinstance(typed, dict):
        return " · ".join(_text(typed.get(name)) for name in ("name", "birth_date") if typed.get(name))
    card = _text(said.get("card")).split("|")
    if len(card) > 2:
        return " · ".join(part for part in (card[2], card[0]) if part)
    return _text(said.get("declaration"))


def _text(value: object) -> str:
    return "" if value is None else str(value)[:LONGEST_SHOWN]
