"""Text files of rows (CSV and its relatives) as people send them: encoding, separator, broken quotation
marks.

Pure bytes in, records out. Nothing is dropped: every line of the file is in exactly one record, and a record
that cannot be read comes back as its raw line with the reason. Two thirds of the traps here were met in real
files."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from lims.errors import InvalidInput
from lims.msgid import N_

DELIMITERS = (",", ";", "\t", "|")

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes a cell for a formula by."""

LONGEST_RECORD_LINES = 30
"""A quoted cell may hold line breaks; one that goes on longer than this was opened by mistake."""

_VIETNAMESE = frozenset(
    unicodedata.normalize("NFC", letter + mark)
    for letter in "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY"
    for mark in ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
) | frozenset("đĐ")
_TYPOGRAPHY = frozenset("\u00a0–—‘’“”…•°²³½´`«»·×\u200b\ufeff")
_TONES_1258 = frozenset(b"\xcc\xd2\xde\xec\xf2")
_MOJIBAKE = re.compile("á[º»]|Ä[‘\u0090\u0091]|Æ[°¡\u00a0]|Ã[\u00a0-¿]")
"""UTF-8 that was once read as Windows-1252 and saved again: “Nguyá»…n”."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file.

    Args:
        line: number of its first line, from 1.
        cells: its cells; a record that cannot be read has its raw first line as its only cell.
        problem: message id of why it cannot be read, or ''.
    """

    line: int
    cells: tuple[str, ...]
    problem: str = ""


def decode_text(content: bytes, *, field: str) -> tuple[str, str]:
    """Decode a text file by its marks, then by what reads as Vietnamese.

    UTF-8 and UTF-16 are recognised for certain. Among the one-byte encodings Windows-1258, Windows-1252 and
    Latin-1 are tried, and the one in which the letters are Vietnamese wins. A few bad bytes in a file that is
    otherwise UTF-8 (one cut in the middle of a letter) become U+FFFD, so that only their rows are refused.

    Args:
        content: the bytes of the file.
        field: name of the input, for the error.

    Returns:
        The composed text with `\\n` line ends, and the name of the encoding.

    Raises:
        InvalidInput: the letters cannot be read, or were damaged before.
    """
    text, encoding = _decode(content, field=field)
    if len(_MOJIBAKE.findall(text)) > 2:
        raise _unreadable(field)
    text = unicodedata.normalize("NFC", text.removeprefix("\ufeff"))
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding


def read_records(text: str, *, delimiter: str) -> Iterator[Record]:
    """Split a text into records, one by one.

    A quotation mark that is never closed costs its own line, not the rest of the file: that line comes back
    with its problem, and reading goes on with the next one.

    Args:
        text: the decoded file with `\\n` line ends.
        delimiter: what separates the cells.

    Yields:
        Every line of the text in one record; empty lines as records of empty cells.
    """
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    index = 0
    while index < len(lines):
        taken, cells, problem = _take(lines, index, delimiter)
        yield Record(index + 1, cells, problem)
        index += taken


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet runs as a formula: one that would be gets an apostrophe in front.

    NUL does not vanish on the way, and half a character becomes a question mark: what was wrong stays to be seen.
    """
    cell = cell.replace("\x00", "\ufffd").encode("utf-8", errors="replace").decode("utf-8")
    return "'" + cell if cell.startswith(FORMULA_STARTS) else cell


def _take(lines: list[str], index: int, delimiter: str) -> tuple[int, tuple[str, ...], str]:
    first = lines[index]
    if '"' not in first:
        return 1, tuple(first.split(delimiter)), ""
    for taken in range(1, min(LONGEST_RECORD_LINES, len(lines) - index) + 1):
        piece = lines[index : index + taken]
        # An open quotation mark can only be closed by a line that has one.
        if taken > 1 and '"' not in piece[-1]:
            continue
        try:
            (cells,) = csv.reader(["\n".join(piece)], delimiter=delimiter, strict=True)
        except csv.Error as error:
            if "unexpected end of data" not in str(error):
                return (
                    1,
                    (first,),
                    N_("The quotation marks do not fit. Write each cell in one pair, or in none."),
                )
        else:
            return taken, tuple(cells), ""
    return 1, (first,), N_("A quotation mark is opened and never closed. Was the file cut off?")


def _decode(content: bytes, *, field: str) -> tuple[str, str]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decode_utf_16(content, "utf-16", field=field), "utf-16"
    head = content[:4000]
    for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[0::2])):
        if len(head) > 3 and zeros.count(0) * 3 > len(zeros):
            return _decode_utf_16(content, encoding, field=field), encoding
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("utf-8", errors="replace")
        bad = text.count("\ufffd")
        if bad * 5 <= sum(character in _VIETNAMESE and not character.isascii() for character in text):
            return text, "utf-8"
        return _decode_one_byte(content, field=field)
    return text, "utf-8"


def _decode_utf_16(content: bytes, encoding: str, *, field: str) -> str:
    # A file cut in the middle ends in half a character; its row is refused, not the file.
    text = content.decode(encoding, errors="replace")
    if text.count("\ufffd") > 1 + len(text) // 1000:
        raise _unreadable(field)
    return text


def _decode_one_byte(content: bytes, *, field: str) -> tuple[str, str]:
    # The two Windows encodings differ in ơ/õ and ư/ý. Real Vietnamese text in 1258 has tones as separate
    # marks.
    first, second = ("cp1252", "cp1258") if _TONES_1258.isdisjoint(content) else ("cp1258", "cp1252")
    best, total = ("", "", 0), 0
    for encoding in (first, second, "latin-1"):
        text = unicodedata.normalize("NFC", content.decode(encoding, errors="replace"))
        foreign = [c for c in text if not c.isascii() and c not in _TYPOGRAPHY]
        wrong = sum(character not in _VIETNAMESE for character in foreign)
        if foreign and (not best[1] or wrong < best[2]):
            best = (text, encoding, wrong)
        total = len(foreign)
    text, encoding, wrong = best
    if not encoding or wrong * 50 > total:
        raise _unreadable(field)
    return text, encoding


def _unreadable(field: str) -> InvalidInput:
    return InvalidInput(
        "The letters of this file cannot be read. Save it as “CSV UTF-8” or as XLSX and send it again.",
        field=field,
    )
