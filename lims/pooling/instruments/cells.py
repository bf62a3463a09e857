"""What a cell of an instrument's table says: wells, Ct values, numbers, tasks, moments. Pure.

A cell is text, or what a workbook holds: a number, a boolean, a date. Instruments spell the same thing in many
ways, and one of them in one workbook both ways; here each is brought to one form.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from datetime import UTC, date, datetime
from functools import lru_cache

from lims.names import fold
from lims.plates import parse_well, well_at
from lims.pooling.assays import HIGHEST_CT
from lims.pooling.readings import parse_ct

_LETTERS = str.maketrans({"т": "t", "Т": "T", "с": "c", "С": "C", "Δ": "delta ", "∆": "delta "})
"""Applied Biosystems writes Cт with a Cyrillic т; ΔRn with either of two deltas."""

_NOT_PRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ufeff\u200b\ufffe\uffff\ud800-\udfff]+")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")
_DOTTED_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]*")
_WELL = re.compile(r"<?\s*(?:[0-9]{1,3}\s+)?([A-Pa-p])\s*[-:_]?\s*0{0,2}([1-9][0-9]?)\s*>?")
_WELL_NUMBER = re.compile(r"([0-9]{1,3})(?:\.0+)?")
_ROTOR = re.compile(r"([A-Za-z])0?([1-9][0-9]?)|[1-9][0-9]{0,2}")
_WELL_LIKE = re.compile(r"<?[A-Za-z]{1,2}[ _:-]?[0-9]{1,4}>?|[0-9]{1,4}(?:\.0+)?")

_TASKS = {
    "unknown": "unknown/unkn/unk/sample/un/specimen/mau/未知/待测样本/样本/待测",
    "ntc": "ntc/no template control/ntp/blank/空白对照/空白",
    "positive": "positive/positive control/pos ctrl/pos control/pos/pc/chung duong/阳性对照/阳性质控/阳性",
    "negative": "negative/negative control/neg ctrl/neg control/neg/nc/nec/chung am/阴性对照/阴性质控/阴性",
    "standard": "standard/std/stnd/标准品/标准",
    "ipc": "ipc/internal positive control/内标",
}
_TASK_BY_WORD = {word: task for task, words in _TASKS.items() for word in words.split("/")}

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_YEAR_FIRST = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})")
_YEAR_LAST = re.compile(r"\b(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})\b")
_MONTH_NAMED = re.compile(
    r"([A-Za-z]{3})[a-z]*\.? (\d{1,2}),? +(\d{4})|(\d{1,2})[ -]([A-Za-z]{3})[a-z]*[ -](\d{4})"
)
_CLOCK = re.compile(r"\b(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*([AaPp][Mm])?")


def text(cell: object) -> str:
    """Return what a cell says, without blanks around it; a workbook's 206.0 is "206"."""
    if isinstance(cell, str):
        stripped = cell.strip()
        return stripped if stripped.isprintable() else _NOT_PRINTABLE.sub(" ", stripped).strip()
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, (date, datetime)):
        return cell.isoformat()
    return str(cell)


@lru_cache(maxsize=4096)
def _fold_title(written: str) -> str:
    return " ".join(fold(written.translate(_LETTERS)).strip(' *"#:').split())


def title(cell: object) -> str:
    """Return a column's title as it is compared: small letters, no marks, Cт and ΔRn in Latin letters."""
    written = cell if isinstance(cell, str) else text(cell)
    return _fold_title(written) if len(written) <= 200 else ""


def number(cell: object) -> float | None:
    """Read a number with a decimal point or comma (",08" too) and with thousands set off.

    With one comma and no point the comma is the decimal sign: exports that set off thousands by commas write three
    decimals after a point.

    Returns:
        The number; None for anything else, "NaN" and infinity among it.
    """
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int):
        return float(cell)
    if not isinstance(cell, str) or len(cell) > 60 or "_" in cell:
        return None
    try:
        value = float(cell)
    except ValueError:
        written = cell.strip().replace("\u00a0", "").replace("\u202f", "").replace("\u2212", "-")
        if _THOUSANDS.fullmatch(written) and ("." in written or written.count(",") > 1):
            written = written.replace(",", "")
        elif _DOTTED_THOUSANDS.fullmatch(written):
            written = written.replace(".", "").replace(",", ".")
        else:
            written = written.replace(",", ".", 1)
        try:
            value = float(written)
        except ValueError:
            return None
    return value if math.isfinite(value) else None


def read_ct(
    cell: object, *, no_ct: Collection[str] = (), none_at: Collection[float] = ()
) -> tuple[float | None, str]:
    """Read a Ct.

    Args:
        cell: as it stands.
        no_ct: folded words of this format for "no Ct", besides those that `parse_ct` knows.
        none_at: numbers by which this format says "no Ct", such as 40.0, the count of cycles, or 0.

    Returns:
        Cycles or None for no Ct, and the text of the cell.

    Raises:
        InvalidInput: neither a number of cycles nor a known word.
    """
    raw = text(cell)
    if raw and title(raw) in no_ct:
        return None, raw
    value = number(cell)
    if value is None:
        return parse_ct(raw), raw
    if value in none_at:
        return None, raw
    if not 0 < value <= HIGHEST_CT:
        # raises with the sentence for numbers outside the range
        parse_ct(raw if re.fullmatch(r"[0-9]{1,4}([.,][0-9]{1,20})?", raw) else f"{raw} ")
        return None, raw
    return value, raw


@lru_cache(maxsize=8192)
def well(cell: object, size: int | None = None) -> str:
    """Read a well in any spelling: A1, A01, <A1>, "1 A1", or a number counted row by row from 1.

    Args:
        cell: as it stands.
        size: 96 or 384; None where the file does not say, then a name may lie on either and a number up to 96 is
            of a plate of 96.

    Returns:
        The name with two digits, `A01`.

    Raises:
        InvalidInput: no well of that plate.
    """
    written = text(cell)
    counted = _WELL_NUMBER.fullmatch(written)
    if counted:
        index = int(counted[1])
        return well_at(index, size=size or (96 if index <= 96 else 384))
    named = _WELL.fullmatch(written)
    return parse_well(f"{named[1]}{named[2]}" if named else written, size=size or 384)


def named_well(cell: object) -> str:
    """Read a well that has its name here, never its number: "RQ Min/Max Confidence Level | 95" is no well H11.

    Raises:
        InvalidInput: no name of a well.
    """
    written = text(cell)
    return parse_well(written, size=384) if _WELL_NUMBER.fullmatch(written) else well(cell)


def rotor_position(cell: object) -> str:
    """Read the place in a rotor or of a single site, kept as its own label ("A1", "72").

    Raises:
        InvalidInput: neither.
    """
    written = text(cell).strip("<> ")
    match = _ROTOR.fullmatch(written)
    if not match:
        return parse_well(written or "?", size=96)
    return f"{match[1].upper()}{match[2]}" if match[1] else written


def is_like_a_well(cell: object) -> bool:
    """Tell whether a cell was meant as a well, be it a wrong one; the words of a footer were not."""
    return _WELL_LIKE.fullmatch(text(cell)) is not None


def is_set(cell: object) -> bool:
    """Tell whether a flag or a box is set: Y, yes, true, 1, x."""
    return text(cell).casefold() in ("y", "yes", "true", "1", "x")


def task(cell: object) -> str:
    """Translate what an instrument calls a well into a word of `TASKS`.

    "Unkn-01", "NTC-2" and "Std-1" carry the number of their replicate; a blocked internal control and a control
    without reverse transcription are "other".
    """
    written = text(cell)
    if not written:
        return ""
    word = re.sub(r"[-_ ]*[0-9]+$", "", title(written)).replace("_", " ").strip()
    if word in _TASK_BY_WORD:
        return _TASK_BY_WORD[word]
    return "positive" if word.startswith("pc allele") else "other"


@lru_cache(maxsize=256)
def moment(cell: object) -> str | None:
    """Read a moment as ISO 8601, in the instrument's own clock.

    "13:03:42 PM" is met and read as 13:03; names of time zones are ambiguous and left out, except UTC. A date such as
    03/04/2021, which two countries read differently, is none.

    Returns:
        "2021-08-25T02:19:21", a date alone where there is no clock, or None.
    """
    if isinstance(cell, (date, datetime)):
        return cell.isoformat()
    written = text(cell)[:80]
    year, month, day = _day_of(written)
    try:
        found = date(year, month, day).isoformat()
    except ValueError:
        return None
    clock = _CLOCK.search(written)
    if not clock:
        return found
    hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
    if clock[4]:
        afternoon = clock[4].casefold() == "pm"
        hour = hour + 12 if afternoon and hour < 12 else 0 if not afternoon and hour == 12 else hour
    if hour > 23 or minute > 59 or second > 59:
        return found
    zone = "+00:00" if re.search(r"\b(UTC|GMT)$", written) else ""
    return f"{found}T{hour:02}:{minute:02}:{second:02}{zone}"


def _day_of(written: str) -> tuple[int, int, int]:
    if match := _YEAR_FIRST.search(written):
        return int(match[1]), int(match[2]), int(match[3])
    if match := _YEAR_LAST.search(written):
        first, second, year = int(match[1]), int(match[2]), int(match[3])
        if first > 12 or first == second:
            return year, second, first
        return (year, first, second) if second > 12 else (0, 0, 0)
    if match := _MONTH_NAMED.search(written):
        name, written_day, in_year = match.group(*((1, 2, 3) if match[1] else (5, 4, 6)))
        return int(in_year), _MONTHS.get(name.casefold(), 0), int(written_day)
    return 0, 0, 0


def moment_of_milliseconds(stamp: float) -> str | None:
    """Return ISO 8601 in UTC of milliseconds since 1970; None where no calendar has it."""
    try:
        return datetime.fromtimestamp(stamp / 1000, tz=UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return None
