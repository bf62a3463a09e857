"""What a campaign, a laboratory and a place's name may be. Pure."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from vn_collate import collate_key

from lims.errors import InvalidInput

MOST_IN_A_POOL = 20
STRATEGIES = ("singles", "halves", "second_swab")
"""How a positive pool is resolved: each kept tube alone; two halves first; the second swab of the same visit."""
LABORATORY_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{1,15}")


def name_key(name: str) -> bytes:
    """Return the bytes by which a place takes its turn in a list: word by word, in the Vietnamese alphabet.

    Args:
        name: without its type, as "Hà Khánh"; places are not sorted by the last word as people are.
    """
    words = unicodedata.normalize("NFC", name).lower().split()
    # a zero byte ends each word; letters outside the alphabet weigh the same, so the text itself breaks the tie
    keys = b"\x00".join(bytes.fromhex(collate_key(word)) for word in words)
    return keys + b"\x00\x00" + " ".join(words).encode()


def check_campaign(
    *, starts_on: date, ends_on: date | None, pool_size: int, mixed_tube_size: int, hours: dict[str, int]
) -> None:
    """Refuse a policy that no campaign can have.

    Args:
        starts_on: first day.
        ends_on: last day, or None while it is not known.
        pool_size: tubes in a pool, 1 to 20 (DESIGN §3, rule 5).
        mixed_tube_size: people in a mixed tube, 1 to 20.
        hours: limits in hours by field name.

    Raises:
        InvalidInput: names the field.
    """
    if ends_on is not None and ends_on < starts_on:
        raise InvalidInput("The last day is before the first. Change one of them.", field="ends_on")
    for field, size in (("pool_size", pool_size), ("mixed_tube_size", mixed_tube_size)):
        if not 1 <= size <= MOST_IN_A_POOL:
            raise InvalidInput("Choose a size from 1 to %(most)s.", field=field, most=MOST_IN_A_POOL)
    for field, number in hours.items():
        if number < 1:
            raise InvalidInput("Enter a number of hours of 1 or more.", field=field)


def check_capacity(*, screening_per_day: int, confirmation_per_day: int, can_confirm: bool) -> None:
    """Refuse capacities that no laboratory can have.

    Args:
        screening_per_day: reactions a day.
        confirmation_per_day: reactions a day.
        can_confirm: whether it has the right to confirm.

    Raises:
        InvalidInput: names the field.
    """
    for field, number in (
        ("screening_per_day", screening_per_day),
        ("confirmation_per_day", confirmation_per_day),
    ):
        if number < 0:
            raise InvalidInput("A capacity cannot be negative. Enter 0 or more reactions a day.", field=field)
    if confirmation_per_day and not can_confirm:
        raise InvalidInput(
            "Without the right to confirm there is no capacity for it. Enter 0, or give the laboratory the right.",
            field="confirmation_per_day",
        )


def check_laboratory_code(code: str) -> str:
    """Return a laboratory's code in capitals.

    Raises:
        InvalidInput: it is not 2 to 16 letters, digits and dashes.
    """
    code = code.strip().upper()
    if not LABORATORY_CODE.fullmatch(code):
        raise InvalidInput("The code needs 2 to 16 letters A–Z, digits or dashes.", field="code")
    return code
