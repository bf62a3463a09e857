"""A ward's or a company's list of people (CSV or XLSX): every row accepted or refused with its reasons.

Pure bytes in, values out; nothing is stored here. The one promise: rows read = rows accepted +
rows refused, always. Lists lost at a spreadsheet's limit or in a silent cut have cost thousands of results,
so a row that cannot be understood is named with its line, column and reason, and can be mended and sent
again."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, islice

from lims.delimited import DELIMITERS, decode_text, harmless, read_records
from lims.errors import InvalidInput
from lims.intake.people_columns import HEADER_LINES, REPORT_COLUMNS, Header, count_columns, find_header
from lims.intake.people_rows import PersonRow, Reason, RowReader
from lims.msgid import N_
from lims.names import fold
from lims.spreadsheet import MOST_BYTES, read_sheets

MOST_ROWS = 200_000
"""A commune has a few ten thousand people; a file with more is split by its sender, never cut by us."""

FIELD = "file"


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not accepted.

    Args:
        line: its line in the file, from 1.
        reasons: all that is wrong with it, in the order of the columns.
        cells: its cells as they came.
    """

    line: int
    reasons: tuple[Reason, ...]
    cells: tuple[str, ...]


@dataclass(slots=True)
class PeopleList:
    """What was read from a list of people.

    Args:
        file_name: as sent.
        format: 'csv' or 'xlsx'.
        encoding: of a CSV, as recognised; '' for XLSX.
        delimiter: of a CSV; ',' for XLSX.
        header_line: line of the header's last row.
        columns: the header's titles as written, '' for a column without one.
        unused_columns: titles of columns that nothing was taken from.
        rows: the accepted rows.
        refused: the refused rows.
        empty_lines: lines below the header without any content.
    """

    file_name: str
    format: str
    encoding: str
    delimiter: str
    header_line: int
    columns: tuple[str, ...]
    unused_columns: tuple[str, ...]
    rows: list[PersonRow] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    empty_lines: int = 0

    @property
    def read(self) -> int:
        """Rows read: accepted and refused ones."""
        return len(self.rows) + len(self.refused)


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: Sequence[str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Grid:
    format: str
    encoding: str
    delimiter: str
    header: Header
    rows: Iterator[_Row]


def sniff_format(content: bytes) -> str:
    """Tell by its content, never by its name, what a file is.

    Args:
        content: the bytes of the file.

    Returns:
        'xlsx' or 'csv'.

    Raises:
        InvalidInput: empty, too big, or neither.
    """
    if not content.strip():
        raise InvalidInput("The file is empty.", field=FIELD)
    if len(content) > MOST_BYTES:
        raise InvalidInput(
            "The file is too big: at most %(most)s MB.", field=FIELD, most=MOST_BYTES // 1024**2
        )
    if content.startswith(b"PK\x03\x04") and _is_workbook(content):
        return "xlsx"
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise InvalidInput(
            "This is an old XLS file, or one with a password. Save it as XLSX without a password.",
            field=FIELD,
        )
    start = content[:200].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if start.startswith((b"pk\x03\x04", b"%pdf", b"\x89png", b"\xff\xd8\xff", b"{\\rtf", b"gif8", b"<")):
        raise InvalidInput(
            "This file is not a table. Save the list as XLSX or CSV and send it again.", field=FIELD
        )
    return "csv"


def read_people(
    content: bytes, *, file_name: str, today: date, check: Callable[[PersonRow], None] | None = None
) -> PeopleList:
    """Read a list of people.

    Args:
        content: the bytes of the file, CSV or XLSX.
        file_name: as sent, only to be shown again; the content decides what the file is.
        today: the date in the campaign's time zone, for birth dates in the future.
        check: what else a row must fulfil (a commune that exists); it refuses by raising `InvalidInput` with the
            column's word as `field`.

    Returns:
        The accepted and the refused rows, in the order of the file.

    Raises:
        InvalidInput: the file as a whole cannot be read: no table, unreadable letters, no column of names or
            of birth dates, two columns of the same meaning, several lists in one workbook, or too many rows.
    """
    grid = _read_xlsx(content) if sniff_format(content) == "xlsx" else _read_csv(content)
    header = grid.header
    _check_columns(header)
    people = PeopleList(
        file_name=file_name,
        format=grid.format,
        encoding=grid.encoding,
        delimiter=grid.delimiter,
        header_line=header.lines,
        columns=header.titles,
        unused_columns=header.unused,
    )
    reader = RowReader(header, today=today)
    for row in grid.rows:
        if not any(cell and not cell.isspace() for cell in row.cells):
            people.empty_lines += 1
            continue
        if people.read >= MOST_ROWS:
            raise InvalidInput(
                "The list has more than %(most)s rows. Split it into several files.",
                field=FIELD,
                most=MOST_ROWS,
            )
        reasons = _shape_problems(row, header, grid.format)
        outcome = reasons or reader.read(row.line, row.cells)
        if check is not None and isinstance(outcome, PersonRow):
            outcome = _check_further(outcome, check, header) or outcome
        if isinstance(outcome, PersonRow):
            people.rows.append(outcome)
        else:
            people.refused.append(RefusedRow(row.line, tuple(outcome), tuple(row.cells)))
    return people


def in_english(reason: Reason) -> str:
    """Write a reason as one English sentence with its column; pages pass a translating function instead."""
    text = reason.message % reason.parameters if reason.parameters else reason.message
    return f"{reason.column}: {text}" if reason.column else text


def refused_csv(people: PeopleList, *, say: Callable[[Reason], str] = in_english) -> bytes:
    """Write the refused rows as a CSV that can be mended and sent again.

    The original columns come first, then `line` and `reason`, which the next reading leaves alone. A cell
    that a spreadsheet would run as a formula gets an apostrophe in front; the next reading takes it off
    again.

    Args:
        people: what was read.
        say: how a reason is written; by default in English.

    Returns:
        UTF-8 with a byte order mark (Excel needs it), in the separator of the original.
    """
    kept = [place for place, title in enumerate(people.columns) if fold(title) not in REPORT_COLUMNS]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=people.delimiter)
    writer.writerow([*(harmless(people.columns[place]) for place in kept), *REPORT_COLUMNS])
    for row in people.refused:
        cells = [row.cells[place] if place < len(row.cells) else "" for place in kept]
        surplus = row.cells[len(people.columns) :]
        reason = " ".join(say(reason) for reason in row.reasons)
        writer.writerow([harmless(cell) for cell in (*cells, str(row.line), reason, *surplus)])
    return text.getvalue().encode("utf-8-sig")


def _is_workbook(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(name.startswith("xl/") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


def _read_csv(content: bytes) -> _Grid:
    text, encoding = decode_text(content, field=FIELD)
    top = {
        delimiter: [
            record.cells for record in islice(read_records(text, delimiter=delimiter), HEADER_LINES + 1)
        ]
        for delimiter in DELIMITERS
    }
    delimiter = max(DELIMITERS, key=lambda candidate: count_columns(top[candidate]))
    header = find_header(top[delimiter], field=FIELD)
    if header is None:
        raise _no_header()
    records = read_records(text, delimiter=delimiter)
    rows = (_Row(record.line, record.cells, record.problem) for record in islice(records, header.lines, None))
    return _Grid("csv", encoding, delimiter, header, rows)


def _read_xlsx(content: bytes) -> _Grid:
    found = []
    for sheet in read_sheets(content, field=FIELD):
        rows = sheet.rows()
        top = list(islice(rows, HEADER_LINES + 1))
        header = find_header(top, field=FIELD)
        if header is not None:
            found.append((sheet.name, header, enumerate(chain(top, rows), start=1)))
    if not found:
        raise _no_header()
    if len(found) > 1:
        raise InvalidInput(
            "Several sheets hold a list of people (%(sheets)s). Send one file for each.",
            field=FIELD,
            sheets=", ".join(name for name, _, _ in found),
        )
    ((_, header, numbered),) = found
    return _Grid(
        "xlsx", "", ",", header, (_Row(line, cells) for line, cells in islice(numbered, header.lines, None))
    )


def _check_columns(header: Header) -> None:
    places: Mapping[str, int] = header.places
    if not places.keys() & {"birth", "birth_year", "male", "female"}:
        raise InvalidInput(
            "The list has no column of birth dates or birth years. Add one, titled Ngày sinh or Năm sinh.",
            field=FIELD,
        )


def _shape_problems(row: _Row, header: Header, form: str) -> tuple[Reason, ...]:
    if row.problem:
        return (Reason("", row.problem, {}),)
    if form == "xlsx":
        return ()
    counts = {"cells": len(row.cells), "columns": len(header.titles)}
    # Even an empty cell too many: an address with a comma has pushed every later cell one column on.
    if len(row.cells) > len(header.titles):
        message = N_(
            "The row has %(cells)s cells, the header only %(columns)s. Put a text that holds the separator"
            " in quotes."
        )
        return (Reason("", message, counts),)
    if len(row.cells) <= max(header.places.values()):
        message = N_("The row ends too early: %(cells)s cells instead of %(columns)s. Was the file cut off?")
        return (Reason("", message, counts),)
    return ()


def _check_further(row: PersonRow, check: Callable[[PersonRow], None], header: Header) -> tuple[Reason, ...]:
    try:
        check(row)
    except InvalidInput as refusal:
        place = header.places.get(refusal.field)
        title = "" if place is None else header.titles[place]
        return (Reason(title, refusal.message, refusal.parameters),)
    return ()


def _no_header() -> InvalidInput:
    return InvalidInput(
        "No header with a column of names was found in the first %(lines)s lines. Title the columns, for"
        " example Họ và"
        " tên, Ngày sinh, Giới tính, Điện thoại.",
        field=FIELD,
        lines=HEADER_LINES,
    )
