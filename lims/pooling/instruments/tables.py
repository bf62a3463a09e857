"""Bytes of a file as named sheets of rows, whatever packed them. Pure.

What a file is, is read from its bytes, never from its name: an export called .xls may be a zipped XLSX, one called
.csv may be a workbook. A sheet's row 1 is the first line of the file, so that a place can be looked up. Guards
against files made to exhaust memory stand here, before anything is parsed.
"""

from __future__ import annotations

import io
import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from lims.delimited import decode_text, read_records
from lims.errors import InvalidInput
from lims.msgid import N_
from lims.pooling.instruments.cells import text, title
from lims.pooling.instruments.old_workbooks import Broken, repack
from lims.pooling.instruments.run_file import FileRefused
from lims.spreadsheet import MOST_BYTES, MOST_CELLS, MOST_UNPACKED_BYTES, read_sheets

MOST_TEXT_BYTES = 40 * 1024 * 1024
MOST_ROWS = 400_000
"""A raw export of 384 wells with its melt curve has 85,000 lines."""

_CHUNK = 1 << 20
_DELIMITERS = ("\t", ";", ",", "|")
_SECTION = re.compile(r"\[([^\[\]]{1,60})\]")
_QUOTED = re.compile(r'"[^"\n]*"')
_FAR_COLUMN = re.compile(rb'<c r="([A-Z]{2,3})[0-9]')
_FAR_ROWS = tuple(re.compile(rb'<c r="[A-Z]{1,3}[0-9]{%d}' % digits) for digits in (7, 6, 5))
_CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
_LONGEST_TAG = 4096
_ODS_CELL = re.compile(rb"<table:(?:(table-row)|(?:covered-)?table-cell)\b([^>]{0,4000}?)(/?)>")
_REPEATED = re.compile(rb'number-(?:columns|rows)-repeated="([0-9]{1,9})"')

Rows = Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet, a section of a text file, or the whole of one.

    Args:
        name: of the worksheet or section; "" for a text file without sections.
        rows: cells as they stand in the file: text, or what a workbook holds (numbers, dates, booleans).
        first: number of the first row in the file, from 1.
        broken: place in `rows` → why that row cannot be split into cells, as a msgid.
        padded: rows are equally long because a workbook has no ends of lines.
        cut_off: the last row does not end in a line end.
    """

    name: str
    rows: Rows
    first: int = 1
    broken: dict[int, str] = field(default_factory=dict)
    padded: bool = False
    cut_off: bool = False
    _titles: list[tuple[str, ...]] = field(default_factory=list, compare=False, repr=False)

    def titles(self, place: int) -> tuple[str, ...]:
        """Return the cells of a row as titles are compared; kept, as every family asks for them."""
        while len(self._titles) <= place:
            self._titles.append(tuple(title(cell) for cell in self.rows[len(self._titles)]))
        return self._titles[place]

    def line(self, place: int) -> int:
        """Return the number in the file of a row of this sheet."""
        return self.first + place

    def part(self, start: int, end: int, name: str = "") -> Sheet:
        """Return the rows from `start` up to but not including `end` as a sheet of their own."""
        return Sheet(
            name or self.name,
            self.rows[start:end],
            self.first + start,
            {place - start: why for place, why in self.broken.items() if start <= place < end},
            self.padded,
            self.cut_off and end >= len(self.rows),
        )


class Document:
    """A file handed in, with its sheets read when they are asked for.

    Args:
        content: the bytes; packed by gzip they are unpacked here.
        file_name: as it was called; never tells the format, but some exports name their dye nowhere else.

    Raises:
        FileRefused: empty, too big, or a gzip file that is damaged.
    """

    def __init__(self, content: bytes, *, file_name: str = "") -> None:
        if len(content) > MOST_BYTES:
            raise FileRefused(
                "too_big", N_("The file is too big: at most %(most)s MB."), most=MOST_BYTES // 1024**2
            )
        if content.startswith(b"\x1f\x8b"):
            content = _gunzip(content)
        if not content.strip():
            raise FileRefused("empty", N_("The file is empty."))
        self.content = content
        self.file_name = file_name
        self._kept: dict[str, Sheet] = {}

    @property
    def is_zip(self) -> bool:
        """Whether this is an archive: a workbook, an RDML or an experiment file."""
        return self.content.startswith(b"PK\x03\x04")

    @property
    def is_text(self) -> bool:
        """Whether this is a text: no archive and no old workbook."""
        return not self.is_zip and not self.content.startswith(b"\xd0\xcf\x11\xe0")

    @cached_property
    def text(self) -> str:
        """The decoded text with `\\n` line ends; "" for what is no text.

        Raises:
            FileRefused: too long.
        """
        return _decode(self.content) if self.is_text else ""

    @property
    def is_xml(self) -> bool:
        """Whether this is a bare XML document."""
        return self.is_text and self.text.lstrip().startswith("<")

    @cached_property
    def members(self) -> dict[str, zipfile.ZipInfo]:
        """Members of the archive by name; none for what is no archive.

        Raises:
            FileRefused: a damaged archive.
        """
        if not self.is_zip:
            return {}
        try:
            with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
                return {member.filename.replace("\\", "/"): member for member in archive.infolist()}
        except (zipfile.BadZipFile, NotImplementedError, ValueError, UnicodeDecodeError, struct.error):
            raise damaged() from None

    def member(self, name: str) -> bytes:
        """Unpack a member of the archive.

        Raises:
            FileRefused: damaged, locked, or too big unpacked.
        """
        pieces, length = [], 0
        for piece in _unpack(self.content, self.members[name]):
            length += len(piece)
            if length > MOST_TEXT_BYTES:
                raise _explodes()
            pieces.append(piece)
        return b"".join(pieces)

    @cached_property
    def sheet_names(self) -> tuple[str, ...]:
        """Names of the visible worksheets, or of the sections of a text ("" for its head).

        Raises:
            FileRefused: a workbook with a password, damaged or made to explode.
        """
        if self.is_text:
            return tuple(self._sections)
        if self.is_zip and not any(name in ("xl/workbook.xml", "content.xml") for name in self.members):
            return ()
        return tuple(
            entry.name
            for entry in self._workbook.sheets_metadata
            if entry.typ == SheetTypeEnum.WorkSheet and entry.visible == SheetVisibleEnum.Visible
        )

    @property
    def sheets(self) -> Iterator[Sheet]:
        """Every sheet, read one by one."""
        return (self.sheet(name) for name in self.sheet_names)

    def sheet(self, name: str) -> Sheet:
        """Return a sheet by its exact name.

        Raises:
            FileRefused: the sheet cannot be read.
        """
        if self.is_text:
            return self._sections[name]
        if name not in self._kept:
            self._kept[name] = self._read_worksheet(name)
        return self._kept[name]

    def find_sheet(self, *titles: str) -> Sheet | None:
        """Return the first sheet whose folded name is one of these, in their order; None for none."""
        named = {title(name): name for name in reversed(self.sheet_names)}
        for wanted in titles:
            if wanted in named:
                return self.sheet(named[wanted])
        return None

    @cached_property
    def lines(self) -> Sheet:
        """The whole of a text as one sheet, sections and all.

        Raises:
            FileRefused: too many rows or cells.
        """
        delimiter = find_delimiter(self.text)
        if self.text.count("\n") > MOST_ROWS or self.text.count(delimiter) > MOST_CELLS:
            raise _too_long()
        rows: list[list[object]] = []
        broken = {}
        for record in read_records(self.text, delimiter=delimiter):
            # a quoted cell with line breaks takes several lines: the empty rows keep the numbers right
            rows.extend([] for _ in range(record.line - 1 - len(rows)))
            if record.problem:
                broken[len(rows)] = record.problem
            rows.append(list(record.cells))
        return Sheet("", rows, broken=broken, cut_off=not self.text.endswith("\n"))

    @cached_property
    def _sections(self) -> dict[str, Sheet]:
        whole = self.lines
        starts = [(0, "")]
        for place, row in enumerate(whole.rows):
            first = row[0] if row else ""
            if isinstance(first, str) and first.lstrip().startswith("["):
                match = _SECTION.fullmatch(first.strip())
                if match and not any(str(cell).strip() for cell in row[1:]):
                    starts.append((place, match[1].strip()))
        ends = [start for start, _ in starts[1:]] + [len(whole.rows)]
        found: dict[str, Sheet] = {}
        for (start, name), end in zip(starts, ends, strict=True):
            # a section named twice would hide the first one's rows: it is kept under a name of its own
            name = name if name not in found else f"{name} ({start + 1})"
            found[name] = whole.part(start + (1 if name else 0), end, name)
        return found

    @cached_property
    def _workbook(self) -> CalamineWorkbook:
        content = self.content
        if self.is_zip:
            _check_workbook(content, self.members)
        elif b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e" in content:
            raise locked()
        else:
            try:
                content = repack(content, most_cells=MOST_CELLS, locked=locked(), too_long=_too_long())
            except Broken:
                raise damaged() from None
        try:
            return CalamineWorkbook.from_filelike(io.BytesIO(content))
        except PasswordError:
            raise locked() from None
        except CalamineError:
            raise damaged() from None
        except BaseException as error:
            raise _panicked(error) from None

    def _read_worksheet(self, name: str) -> Sheet:
        try:
            content = self._workbook.get_sheet_by_name(name)
            end = content.end or (0, 0)
            if (end[0] + 1) * (end[1] + 1) > MOST_CELLS or end[0] >= MOST_ROWS:
                raise _too_long()
            rows: Rows = content.to_python(skip_empty_area=False)
        except PasswordError:
            raise locked() from None
        except CalamineError:
            raise damaged() from None
        except FileRefused:
            raise
        except BaseException as error:
            raise _panicked(error) from None
        return Sheet(name, rows, padded=True)


def find_delimiter(written: str) -> str:
    """Tell what separates the cells of a text: the first of tab, semicolon, comma and bar that most lines have.

    A comma in half of the lines beside a semicolon in nearly all is a decimal sign.

    Args:
        written: the decoded text.
    """
    lines = _QUOTED.sub("", written[:200_000]).split("\n")
    counts = {delimiter: sum(delimiter in line for line in lines) for delimiter in _DELIMITERS}
    most = max(counts.values())
    return next(delimiter for delimiter in _DELIMITERS if counts[delimiter] * 2 >= most)


def is_blank(row: Sequence[object]) -> bool:
    """Tell whether no cell of a row holds anything."""
    return not any(cell if isinstance(cell, str) and cell.isalnum() else text(cell) for cell in row)


def damaged() -> FileRefused:
    """Return the refusal of a file that is broken."""
    return FileRefused(
        "damaged", N_("This file is damaged or cut off. Export it again from the instrument's software.")
    )


def locked() -> FileRefused:
    """Return the refusal of a file with a password."""
    return FileRefused(
        "encrypted",
        N_("This file has a password or is locked by its maker. Export the results as text or as XLSX."),
    )


def _explodes() -> FileRefused:
    return FileRefused(
        "too_big",
        N_("Unpacked, this file is larger than %(most)s MB. Export the results alone."),
        most=MOST_UNPACKED_BYTES // 1024**2,
    )


def _too_long() -> FileRefused:
    return FileRefused(
        "too_big", N_("The file has more rows or columns than any run fills. Export the results alone.")
    )


def _panicked(error: BaseException) -> BaseException:
    # A fault inside the reader of workbooks (Rust) comes as a BaseException of a class that cannot be imported.
    if type(error).__name__ == "PanicException" or isinstance(error, (OSError, ValueError, OverflowError)):
        return damaged()
    return error


def _gunzip(content: bytes) -> bytes:
    unpacker = zlib.decompressobj(31)
    try:
        unpacked = unpacker.decompress(content, MOST_TEXT_BYTES + 1)
    except zlib.error:
        raise damaged() from None
    if len(unpacked) > MOST_TEXT_BYTES:
        raise _explodes()
    if not unpacker.eof:
        raise damaged()
    return unpacked


def _decode(content: bytes) -> str:
    if len(content) > MOST_TEXT_BYTES:
        raise _too_long()
    try:
        return decode_text(content, field="file")[0]
    except InvalidInput:
        # Letters that are not Vietnamese: an export of an instrument set to another language. One broken byte
        # must not make all letters of a UTF-8 file wrong.
        written = content.decode("utf-8", errors="replace")
        sound = sum(not character.isascii() for character in written) - written.count("\ufffd")
        if sound < written.count("\ufffd"):
            written = content.decode("cp1252", errors="replace")
    written = unicodedata.normalize("NFC", written.removeprefix("\ufeff"))
    return written.replace("\r\n", "\n").replace("\r", "\n")


def _unpack(content: bytes, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Unpack a member in pieces, by its packed bytes: the sizes that an archive claims are not to be trusted."""
    start = member.header_offset
    header = content[start : start + 30]
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        raise damaged()
    if member.flag_bits & 1:
        raise locked()
    name_length, extra_length = struct.unpack("<HH", header[26:30])
    start += 30 + name_length + extra_length
    packed = content[start : start + member.compress_size]
    if member.compress_type == zipfile.ZIP_STORED:
        yield packed
        return
    if member.compress_type != zipfile.ZIP_DEFLATED:
        raise damaged()
    unpacker = zlib.decompressobj(-15)
    try:
        while not unpacker.eof:
            piece = unpacker.decompress(packed, _CHUNK)
            packed = unpacker.unconsumed_tail
            if not piece and not packed:
                break
            yield piece
    except zlib.error:
        raise damaged() from None


def _check_workbook(content: bytes, members: dict[str, zipfile.ZipInfo]) -> None:
    """Unpack every member once, counting, and look for cells far away from the table.

    The reader keeps a rectangle up to the last cell. Where cells are written as every spreadsheet program does
    (`<c r="A1"`), a bound of it is found at once; anything else goes through the slower check of `lims.spreadsheet`.
    """
    unpacked = 0
    odd = False
    for name, member in members.items():
        rest = b""
        repeated = 0
        columns, digits = 26, 4
        for piece in _unpack(content, member):
            unpacked += len(piece)
            if unpacked > MOST_UNPACKED_BYTES:
                raise _explodes()
            piece = rest + piece
            end = piece.rfind(b"<")
            # a tag that goes on in the next piece is looked at there
            piece, rest = (piece[:end], piece[end:]) if end >= 0 else (piece, b"")
            if len(rest) > _LONGEST_TAG:
                odd, rest = True, b""
            if name.lower().endswith("content.xml"):
                repeated = max(repeated, _repeated(piece))
            elif not odd:
                odd = piece.count(b'<c r="') < len(_CELL.findall(piece))
                columns, digits = max(columns, _most_columns(piece)), max(digits, _most_digits(piece))
                odd = odd or columns * 10**digits > MOST_CELLS
        if repeated > MOST_CELLS:
            raise _too_long()
    if odd:
        try:
            read_sheets(content, field="file")
        except InvalidInput as refusal:
            raise FileRefused("too_big", refusal.message, **refusal.parameters) from None


def _most_columns(piece: bytes) -> int:
    """Return the number of the last column beyond Z that a cell of a piece is in; 0 for none."""
    most = 0
    for letters in set(_FAR_COLUMN.findall(piece)):
        number = 0
        for letter in letters:
            number = number * 26 + letter - 64
        most = max(most, number)
    return most


def _most_digits(piece: bytes) -> int:
    """Return how many digits the row numbers of a piece's cells have, at least 4."""
    return next((7 - place for place, pattern in enumerate(_FAR_ROWS) if pattern.search(piece)), 4)


def _repeated(piece: bytes) -> int:
    """Return how many cells the repetitions of an ODS's filled rows and cells stand for at most."""
    most = columns = 0
    times = 1
    for row, attributes, empty in _ODS_CELL.findall(piece):
        repeated = _REPEATED.search(attributes)
        count = int(repeated[1]) if repeated else 1
        if row:
            times, columns = count, 0
        else:
            columns += count
            if not empty:
                most = max(most, times * columns)
    return most
