"""Birth dates that may be known to the day, to the month, or only to the year.

Pure: today's date is handed in. Half of the lists of a ward carry a year alone, so a missing day is not an
error and is never filled in with 1 January, which would then look like knowledge.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from lims.errors import InvalidInput

EARLIEST_YEAR = 1900
"""Nobody alive was born earlier; an earlier year is a slip of the hand or an empty Excel cell."""

PRECISIONS = ("day", "month", "year")

_SEPARATORS = re.compile(r"\s*[/\-.\s]\s*")
_MIDNIGHT = re.compile(r"[ T]00:00(:00(\.0+)?)?$")


@dataclass(frozen=True, slots=True)
class BirthDate:
    """A birth date and how exactly it is known.

    Args:
        year: four digits.
        month: 1–12, or None if only the year is known.
        day: 1–31, or None if it is not known; needs the month.

    Raises:
        ValueError: there is no such date, or a day stands without its month.
    """

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        if self.day is not None and self.month is None:
            raise ValueError("a day of birth needs its month")
        date(self.year, 1 if self.month is None else self.month, 1 if self.day is None else self.day)

    @classmethod
    def of(cls, first_day: date, precision: str) -> BirthDate:
        """Return the birth date stored as its first possible day and a precision.

        Raises:
            ValueError: the precision is none of 'day', 'month', 'year'.
        """
        if precision not in PRECISIONS:
            raise ValueError(f"unknown precision {precision!r}")
        month = None if precision == "year" else first_day.month
        return cls(first_day.year, month, first_day.day if precision == "day" else None)

    @property
    def precision(self) -> str:
        """'day', 'month' or 'year'."""
        return "year" if self.month is None else "month" if self.day is None else "day"

    @property
    def first_day(self) -> date:
        """The earliest day this can mean; stored beside the precision."""
        return date(self.year, self.month or 1, self.day or 1)

    @property
    def iso(self) -> str:
        """ISO 8601 at its own precision, as FHIR writes it: 1990-05-17, 1990-05 or 1990."""
        return self.first_day.isoformat()[: {"day": 10, "month": 7, "year": 4}[self.precision]]

    def matches(self, other: BirthDate) -> bool:
        """Say whether both can mean the same day: they are compared at the coarser precision of the two."""
        shorter = min(len(self.iso), len(other.iso))
        return self.iso[:shorter] == other.iso[:shorter]


def parse_birth_date(text: str, *, field: str, today: date) -> BirthDate:
    """Read a birth date as Vietnamese people write it.

    Accepts dd/mm/yyyy, d-m-yyyy, dd.mm.yyyy, yyyy-mm-dd, mm/yyyy, yyyy-mm, yyyy and ddmmyyyy. The order is
    always day, month, year: 12/25/1990 is refused, not turned round.

    Args:
        text: what was typed, scanned or imported.
        field: name of the input, for the error.
        today: the date in the campaign's time zone.

    Raises:
        InvalidInput: missing, unreadable, no such day, before 1900, or in the future.
    """
    written = _MIDNIGHT.sub("", text.strip())
    if not written:
        raise InvalidInput("The birth date is missing. Write day/month/year, or only the year.", field=field)
    born = _from_numbers(_numbers(written), written, field=field)
    if born.year < EARLIEST_YEAR:
        raise InvalidInput(
            "The birth year %(year)s is before 1900. Check the year.", field=field, year=born.year
        )
    if born.first_day > today:
        raise InvalidInput("The birth date %(date)s is in the future. Check it.", field=field, date=written)
    return born


def _numbers(written: str) -> list[str]:
    parts = _SEPARATORS.split(written)
    if len(parts) == 1 and len(written) == 8:
        parts = [written[:2], written[2:4], written[4:]]
    # isdecimal() alone would let other scripts' digits through, and int() would then read them.
    return parts if all(part.isascii() and part.isdecimal() for part in parts) else []


def _from_numbers(parts: list[str], written: str, *, field: str) -> BirthDate:
    if len(parts) > 1 and len(parts[0]) == 4:
        parts = parts[::-1]
    shape = [len(part) for part in parts]
    if not 1 <= len(parts) <= 3 or shape[-1] != 4 or any(length > 2 for length in shape[:-1]):
        raise InvalidInput(
            "“%(text)s” is not a birth date. Write day/month/year (four digits), or only the year.",
            field=field,
            text=written[:40],
        )
    year, month, day = (int(part) for part in [*parts[::-1], "0", "0"][:3])
    if not year:
        raise InvalidInput("The birth year %(year)s is before 1900. Check the year.", field=field, year=year)
    if len(parts) > 1 and not 1 <= month <= 12:
        raise InvalidInput(
            "There is no month %(month)s. Write the day first: day/month/year.", field=field, month=month
        )
    try:
        return BirthDate(year, month or None, day if len(parts) == 3 else None)
    except ValueError:
        raise InvalidInput(
            "There is no day %(day)s in month %(month)s of %(year)s. Check the birth date.",
            field=field,
            day=day,
            month=month,
            year=year,
        ) from None
