"""Whether the content of a certificate has the shape of the EU DCC schema 1.3.0. Pure.

Looks at what verifiers rely on: who, when born, exactly one entry, and its fields. A signature says who made a
certificate; this says whether it can be read by others. Value sets are not part of the schema, as there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

LONGEST = 80
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_TRANSLITERATED = re.compile(r"[A-Z<]*")
_BORN = re.compile(r"((19|20)\d\d(-\d\d){0,2})?")
# an entry's fields: what kind of value, and whether it must be there
_TEXTS: Mapping[str, tuple[str, ...]] = {
    "v": ("tg", "vp", "mp", "ma", "co", "is", "ci"),
    "t": ("tg", "tt", "tr", "co", "is", "ci"),
    "r": ("tg", "co", "is", "ci"),
}
_NUMBERS: Mapping[str, tuple[str, ...]] = {"v": ("dn", "sd"), "t": (), "r": ()}
_DAYS: Mapping[str, tuple[str, ...]] = {"v": ("dt",), "t": ("sc",), "r": ("fr", "df", "du")}
_OPTIONAL: Mapping[str, tuple[str, ...]] = {"v": (), "t": ("nm", "ma", "tc"), "r": ()}


def list_faults(content: Any) -> list[str]:
    """Return what is wrong with the content of a certificate, as paths; none where it fits the schema."""
    if not isinstance(content, Mapping):
        return ["content"]
    faults = []
    if not _is_text(content.get("ver")) or not _VERSION.fullmatch(content["ver"]):
        faults.append("ver")
    if not _is_text(content.get("dob")) or not _BORN.fullmatch(content["dob"]):
        faults.append("dob")
    faults += _faults_of_name(content.get("nam"))
    kinds = [kind for kind in _TEXTS if content.get(kind) is not None]
    if len(kinds) != 1:
        return [*faults, "entries"]
    entries = content[kinds[0]]
    if not isinstance(entries, list | tuple) or len(entries) != 1:
        return [*faults, kinds[0]]
    return faults + [f"{kinds[0]}.{fault}" for fault in _faults_of_entry(kinds[0], entries[0])]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _faults_of_name(name: Any) -> list[str]:
    if not isinstance(name, Mapping):
        return ["nam"]
    faults = [f"nam.{key}" for key in ("fn", "gn") if key in name and not _is_short(name[key])]
    written = [key for key in ("fnt", "gnt") if key in name]
    for key in written or ["fnt"]:  # one of the two is enough
        value = name.get(key)
        if not (isinstance(value, str) and _is_short(value) and _TRANSLITERATED.fullmatch(value)):
            faults.append(f"nam.{key}")
    return faults


def _is_short(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST


def _faults_of_entry(kind: str, entry: Any) -> list[str]:
    if not isinstance(entry, Mapping):
        return ["entry"]
    faults = [key for key in _TEXTS[kind] if not _is_short(entry.get(key))]
    faults += [key for key in _NUMBERS[kind] if not _is_count(entry.get(key))]
    faults += [key for key in _DAYS[kind] if not _is_moment(entry.get(key))]
    return faults + [key for key in _OPTIONAL[kind] if key in entry and not _is_short(entry[key])]


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10


def _is_moment(value: object) -> bool:
    if isinstance(value, date):  # CBOR tag 0 or 1004: read already
        return True
    if not isinstance(value, str):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
