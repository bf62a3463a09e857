"""Workbooks (XLSX) as rows of text, guarded against files made to exhaust memory.

Pure bytes in, rows out; the reader is python-calamine. What a spreadsheet does to values is undone here:
whole numbers lose their “.0”, dates become day/month/year. What it did to the digits before saving cannot be
undone."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from lims.errors import InvalidInput

MOST_BYTES = 20 * 1024 * 1024
MOST_UNPACKED_BYTES = 200 * 1024 * 1024
MOST_CELLS = 5_000_000
"""The reader keeps a rectangle up to the last cell, about 35 bytes each: one cell in the far corner of a
sheet, a file of 5 kB, would need 500 GB."""

_ATTRIBUTES = rb"""(?:[^>"']|"[^"]*"|'[^']*')*?"""
_ROW_OR_CELL = re.compile(
    rb"<(?:\w+:)?(?:(row)\b(?:" + _ATTRIBUTES + rb"""\sr\s*=\s*["']([0-9]{1,7})["'])?"""
    rb"|c\b(?:"
    + _ATTRIBUTES
    + rb"""\sr\s*=\s*["']([A-Z]{1,3})([0-9]{1,7})["'])?)"""
    + _ATTRIBUTES
    + rb"(/?)>"
)
_LONGEST_TAG = 4096


class NumberText(str):
    """The text of a cell that the spreadsheet held as a number, and so had no leading zeros to keep."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """One visible worksheet.

    Args:
        name: as on its tab.
        content: the reader's own sheet.
    """

    name: str
    content: CalamineSheet

    def rows(self) -> Iterator[list[str]]:
        """Yield every row from line 1 of the sheet on, empty ones included; every row is equally long."""
        # iter_rows() starts at line 1 but at the first used column: the columns' own letters do not matter
        # here.
        for row in self.content.iter_rows():
            yield [_text(value) for value in row]


def read_sheets(content: bytes, *, field: str) -> list[Sheet]:
    """Open an XLSX workbook.

    Args:
        content: the bytes of the file.
        field: name of the input, for the error.

    Returns:
        Its visible worksheets in order.

    Raises:
        InvalidInput: too big, packed to explode, with a password, or damaged.
    """
    if len(content) > MOST_BYTES:
        raise InvalidInput(
            "The file is too big: at most %(most)s MB.", field=field, most=MOST_BYTES // 1024**2
        )
    _check_unpacked(content, field=field)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        return [
            Sheet(entry.name, workbook.get_sheet_by_name(entry.name))
            for entry in workbook.sheets_metadata
            if entry.typ == SheetTypeEnum.WorkSheet and entry.visible == SheetVisibleEnum.Visible
        ]
    except CalamineError:
        raise _damaged(field) from None


def _check_unpacked(content: bytes, *, field: str) -> None:
    """Unpack every member once, counting: what the archive says of its own sizes is not to be trusted."""
    unpacked = 0
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile:
        raise _damaged(field) from None
    for member in members:
        extent = _Extent()
        for chunk in _unpack(content, member, field=field):
            unpacked += len(chunk)
            if unpacked > MOST_UNPACKED_BYTES:
                raise InvalidInput(
                    "Unpacked, this workbook is larger than %(most)s MB. Send the rows alone, as XLSX or"
                    " CSV.",
                    field=field,
                    most=MOST_UNPACKED_BYTES // 1024**2,
                )
            extent.read(chunk)
        if extent.columns * extent.rows > MOST_CELLS:
            raise InvalidInput(
                "A sheet of this workbook has cells far away from the list. Copy the list alone into a new"
                " file.",
                field=field,
            )


class _Extent:
    """How far the cells of a sheet reach, found while its XML passes by in pieces."""

    def __init__(self) -> None:
        self.columns = self.rows = 0
        self._row = self._column = 0
        self._rest = b""

    def read(self, chunk: bytes) -> None:
        self._rest += chunk
        end = self._rest.rfind(b"<")
        if end < 0:
            self._rest = b""
            return
        for row, row_number, column, cell_row, empty in _ROW_OR_CELL.findall(self._rest, 0, end):
            if row:
                self._row, self._column = int(row_number or self._row + 1), 0
                continue
            # Cells may come without an address and are then counted from the left.
            self._column = _column_number(column) if column else self._column + 1
            if not empty:
                self.columns = max(self.columns, self._column)
                self.rows = max(self.rows, int(cell_row or self._row))
        self._rest = self._rest[end:] if len(self._rest) - end < _LONGEST_TAG else b""


def _unpack(content: bytes, member: zipfile.ZipInfo, *, field: str) -> Iterator[bytes]:
    start = member.header_offset
    header = content[start : start + 30]
    if len(header) < 30 or header[:4] != b"PK\x03\x04" or member.flag_bits & 1:
        raise _damaged(field)
    name_length, extra_length = struct.unpack("<HH", header[26:30])
    start += 30 + name_length + extra_length
    packed = content[start : start + member.compress_size]
    if member.compress_type == zipfile.ZIP_STORED:
        yield packed
        return
    if member.compress_type != zipfile.ZIP_DEFLATED:
        raise _damaged(field)
    unpacker = zlib.decompressobj(-15)
    try:
        while not unpacker.eof:
            chunk = unpacker.decompress(packed, 1 << 20)
            packed = unpacker.unconsumed_tail
            if not chunk and not packed:
                break
            yield chunk
    except zlib.error:
        raise _damaged(field) from None


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _text(value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return "x" if value else ""
        case float():
            return NumberText(int(value) if value.is_integer() else repr(value))
        case int():
            return NumberText(value)
        case date():
            return f"{value.day:02}/{value.month:02}/{value.year:04}"
        case _:
            return str(value)


def _damaged(field: str) -> InvalidInput:
    return InvalidInput(
        "This workbook cannot be opened: it is damaged or has a password. Save it again as XLSX without a"
        " password.",
        field=field,
    )
