"""Rows become the bytes of a file, piece by piece: CSV, NDJSON, and a workbook. Pure, but for the workbook's own file.

Every row carries the export's mark (who, when, which), so that a part that was copied out still says where it came
from. CSV and NDJSON end with the number of rows and the SHA-256 of all bytes before: a file that was cut off on its
way has no such end, and is recognised (R6). A workbook that was cut cannot be opened at all.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter

from lims.delimited import harmless
from lims.exports.rules import LINES_OF_A_SHEET, check_fits_sheet

MARK = "export_mark"
END = "#end"
ABOUT_SHEET = "export"
LONGEST_CELL = 32_767
Row = Sequence[Any]


@dataclass(frozen=True)
class Heading:
    """What a file says of itself.

    Args:
        kind: a word of `rules.KINDS`.
        mark: in every row: who, when, and the key of the export.
        columns: names of the columns, without the mark.
        about: the same and the filters, by name, for a program; the first line of NDJSON, a sheet of a workbook.
        zone: in which moments are written.
    """

    kind: str
    mark: str
    columns: tuple[str, ...]
    about: Mapping[str, Any]
    zone: ZoneInfo


@dataclass
class Written:
    """What has been written; whole once the last piece was taken."""

    rows: int = 0
    sha256: bytes | None = None


def write_csv(heading: Heading, chunks: Iterable[Sequence[Row]], written: Written) -> Iterator[bytes]:
    """Yield a CSV in UTF-8 with a byte order mark (Excel needs it); no cell is run as a formula.

    Args:
        heading: what the file says of itself.
        chunks: rows, some at a time.
        written: told what was written.
    """
    return _ended(_csv_pieces(heading, chunks, written), written, _csv_end)


def write_ndjson(heading: Heading, chunks: Iterable[Sequence[Row]], written: Written) -> Iterator[bytes]:
    """Yield one JSON object a line: what the file is, the rows, and the end."""
    return _ended(_json_pieces(heading, chunks, written), written, _json_end)


def write_workbook(
    path: Path,
    heading: Heading,
    chunks: Iterable[Sequence[Row]],
    written: Written,
    *,
    limit: int = LINES_OF_A_SHEET,
) -> None:
    """Write a workbook in constant memory: the rows, and a sheet that says what they are.

    Args:
        path: where; its folder also takes the pieces while they are put together.
        heading: what the file says of itself.
        chunks: rows, some at a time.
        written: told what was written.
        limit: lines of a sheet.

    Raises:
        Refused: there are more rows than a sheet has lines for; nothing is left of the file.
    """
    options = {"constant_memory": True, "tmpdir": str(path.parent), "default_date_format": "yyyy-mm-dd"}
    book = xlsxwriter.Workbook(str(path), options | {"strings_to_numbers": False})
    book.set_properties({"title": heading.kind, "author": heading.mark, "comments": heading.mark})
    sheet = book.add_worksheet(heading.kind)
    sheet.set_footer(f"&L{heading.mark.replace('&', '&&')}&R&P / &N")
    sheet.freeze_panes(1, 0)
    line = 0
    _write_line(sheet, line, (*heading.columns, MARK))
    for rows in chunks:
        check_fits_sheet(line + len(rows), limit=limit)
        for row in rows:
            line += 1
            _write_line(sheet, line, [*(_plain(value, heading.zone) for value in row), heading.mark])
    about = book.add_worksheet(ABOUT_SHEET)
    for number, (name, value) in enumerate({**heading.about, "rows": line}.items()):
        _write_line(about, number, (name, _plain(value, heading.zone)))
    book.close()
    written.rows = line
    with path.open("rb") as file:
        written.sha256 = hashlib.file_digest(file, "sha256").digest()


def _write_line(sheet: Any, line: int, values: Iterable[Any]) -> None:
    for column, value in enumerate(values):
        if value is None or value == "":
            continue
        if isinstance(value, bool):
            sheet.write_boolean(line, column, value)
        elif isinstance(value, int | float):
            sheet.write_number(line, column, value)
        elif len(str(value)) > LONGEST_CELL or sheet.write_string(line, column, str(value)):
            raise ValueError(f"line {line + 1}, column {column + 1} does not fit a worksheet")


def _plain(value: Any, zone: ZoneInfo) -> Any:
    """Return a value as a cell holds it: moments with their zone, lists and objects as JSON."""
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value


def _csv_pieces(heading: Heading, chunks: Iterable[Sequence[Row]], written: Written) -> Iterator[bytes]:
    yield "\ufeff".encode() + _csv([(*heading.columns, MARK)])
    for rows in chunks:
        written.rows += len(rows)
        yield _csv([[*(_cell(value, heading.zone) for value in row), harmless(heading.mark)] for row in rows])


def _cell(value: Any, zone: ZoneInfo) -> Any:
    plain = _plain(value, zone)
    if plain is None:
        return ""
    if isinstance(plain, bool):
        return "true" if plain else "false"
    # one row is one line: whoever counts lines counts rows
    return harmless(" ".join(plain.splitlines())) if isinstance(plain, str) else plain


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _csv_end(rows: int, digest: str) -> bytes:
    return _csv([(END, f"rows={rows}", f"sha256={digest}")])


def _json_pieces(heading: Heading, chunks: Iterable[Sequence[Row]], written: Written) -> Iterator[bytes]:
    yield _json({"export": dict(heading.about)}, heading.zone)
    for rows in chunks:
        written.rows += len(rows)
        yield b"".join(
            _json({**dict(zip(heading.columns, row, strict=True)), MARK: heading.mark}, heading.zone)
            for row in rows
        )


def _json(value: Mapping[str, Any], zone: ZoneInfo) -> bytes:
    def plain(item: Any) -> Any:
        return _plain(item, zone) if isinstance(item, date) else str(item)

    return json.dumps(value, ensure_ascii=False, default=plain).encode() + b"\n"


def _json_end(rows: int, digest: str) -> bytes:
    return json.dumps({"end": {"rows": rows, "sha256": digest}}).encode() + b"\n"


def _ended(pieces: Iterator[bytes], written: Written, end: Any) -> Iterator[bytes]:
    """Yield pieces and, behind them, their number of rows and their hash."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
        yield piece
    written.sha256 = digest.digest()
    yield end(written.rows, digest.hexdigest())
