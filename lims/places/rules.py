"""What a campaign, a laboratory and a place's name may be. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date

from vn_collate import collate_key

from lims.errors import InvalidInput

MOST_IN_A_POOL = 20
# From the campaign's days others are counted, as that of erasure: a year that no calendar follows would break them.
FIRST_YEAR, LAST_YEAR = 2000, 2200
MOST_HOURS = 8760
MOST_REACTIONS = 1_000_000
MOST_ADVICE = 1000
MOST_CERTIFICATE_HOURS = 8760
MOST_RETENTION_DAYS = 36_500
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
    for field, day in (("starts_on", starts_on), ("ends_on", ends_on)):
        if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise InvalidInput(
                "Choose a day from %(first)s to %(last)s.", field=field, first=FIRST_YEAR, last=LAST_YEAR
            )
    if ends_on is not None and ends_on < starts_on:
        raise InvalidInput("The last day is before the first. Change one of them.", field="ends_on")
    for field, size in (("pool_size", pool_size), ("mixed_tube_size", mixed_tube_size)):
        if not 1 <= size <= MOST_IN_A_POOL:
            raise InvalidInput("Choose a size from 1 to %(most)s.", field=field, most=MOST_IN_A_POOL)
    for field, number in hours.items():
        if not 1 <= number <= MOST_HOURS:
            raise InvalidInput("Enter a number of hours from 1 to %(most)s.", field=field, most=MOST_HOURS)


def check_telling(
    *,
    advice: Mapping[str, str],
    quiet_from_hour: int,
    quiet_until_hour: int,
    certificate_hours: int,
    retention_days: int | None,
) -> None:
    """Refuse what no campaign can tell its people.

    Args:
        advice: the campaign's own words, by field name.
        quiet_from_hour, quiet_until_hour: hours of the local day, 0 to 23; the same twice: never quiet.
        certificate_hours: from the sampling on, at most a year.
        retention_days: from the campaign's end to the erasure of identities; None: never by itself.

    Raises:
        InvalidInput: names the field.
    """
    for field, text in advice.items():
        if len(text) > MOST_ADVICE:
            raise InvalidInput(
                "The advice has more than %(most)s characters. Shorten it.", field=field, most=MOST_ADVICE
            )
    for field, hour in (("quiet_from_hour", quiet_from_hour), ("quiet_until_hour", quiet_until_hour)):
        if not 0 <= hour <= 23:
            raise InvalidInput("Enter an hour from 0 to 23.", field=field)
    if not 1 <= certificate_hours <= MOST_CERTIFICATE_HOURS:
        raise InvalidInput(
            "Enter a number of hours from 1 to %(most)s.",
            field="certificate_hours",
            most=MOST_CERTIFICATE_HOURS,
        )
    if retention_days is not None and not 0 <= retention_days <= MOST_RETENTION_DAYS:
        raise InvalidInput(
            "Enter a number of days from 0 to %(most)s, or leave it empty.",
            field="retention_days",
            most=MOST_RETENTION_DAYS,
        )


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
        if number > MOST_REACTIONS:
            raise InvalidInput(
                "Enter a capacity of at most %(most)s reactions a day.", field=field, most=MOST_REACTIONS
            )
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
