"""Old workbooks (.xls), looked through before the reader of workbooks gets them. Pure.

That reader trusts what such a file says of itself: a chain of sectors that bites its tail, a count of texts, a cell in
row 15,714 and column 15,104 each made it take gigabytes (a real file with five bytes changed did). So the stream of
records is taken out of its container here, its claims are compared with what there is, and it is put into a container
of its own.

Sources: [MS-CFB] 2.2 to 2.6 for the container; [MS-XLS] 2.4 for the records.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from lims.pooling.instruments.run_file import FileRefused

MOST_ROWS = 65_536
MOST_COLUMNS = 256

_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_END = 0xFFFFFFFE
_FREE = 0xFFFFFFFF
_FAT = 0xFFFFFFFD
_SECTOR = 4096
_SHORTEST_STREAM = 4096
_ENTRY = 128
_STREAM_NAMES = ("Workbook", "Book")

_BEGIN = 0x0809
_FILE_PASS = 0x002F
_TEXTS = 0x00FC
_DIMENSIONS = 0x0200
_MANY = (0x00BD, 0x00BE)
_CELLS = frozenset((0x0006, 0x0201, 0x0203, 0x0204, 0x0205, 0x027E, 0x00D6, 0x00FD, *_MANY))


class Broken(Exception):
    """The container or a record contradicts itself."""


def repack(content: bytes, *, most_cells: int, locked: FileRefused, too_long: FileRefused) -> bytes:
    """Return a sound workbook with the same records.

    Args:
        content: the bytes of the file.
        most_cells: of the rectangle that a sheet's cells span.
        locked: raised for a workbook with a password.
        too_long: raised for a sheet whose cells span more.

    Raises:
        Broken: no such container, or records that contradict themselves.
        FileRefused: one of the two given.
    """
    try:
        stream = _find_stream(content)
        _check_records(stream, most_cells=most_cells, locked=locked, too_long=too_long)
    except (struct.error, IndexError, UnicodeDecodeError):
        raise Broken from None
    return _pack(stream)


def _find_stream(content: bytes) -> bytes:
    if not content.startswith(_MAGIC):
        raise Broken
    shift, mini_shift = struct.unpack_from("<HH", content, 30)
    if shift not in (9, 12) or mini_shift != 6:
        raise Broken
    size = 1 << shift
    directory_start = struct.unpack_from("<I", content, 48)[0]
    mini_cutoff, mini_fat_start = struct.unpack_from("<II", content, 56)

    def sector(number: int) -> bytes:
        start = (number + 1) * size
        if number >= _FAT or start >= len(content):
            raise Broken
        return content[start : start + size].ljust(size, b"\0")

    table = _read_table(content, sector, size)

    def chain(start: int, links: tuple[int, ...]) -> Iterator[int]:
        seen = 0
        while start != _END:
            seen += 1
            if start >= len(links) or seen > len(links):
                raise Broken
            yield start
            start = links[start]

    directory = b"".join(map(sector, chain(directory_start, table)))
    entries: dict[str, tuple[int, int]] = {}
    for place in range(0, len(directory) - _ENTRY + 1, _ENTRY):
        entry = directory[place : place + _ENTRY]
        length = struct.unpack_from("<H", entry, 64)[0]
        name = entry[: max(min(length, 64) - 2, 0)].decode("utf-16-le", errors="replace")
        start, count = struct.unpack_from("<IQ", entry, 116)
        # older writers leave anything in the upper half of the length
        entries.setdefault("/" if place == 0 else name, (start, count & 0xFFFFFFFF))
    if "EncryptedPackage" in entries:
        raise Broken
    found = next((entries[name] for name in _STREAM_NAMES if name in entries), None)
    if found is None or found[1] > len(content):
        raise Broken
    start, count = found
    if count >= mini_cutoff:
        return b"".join(map(sector, chain(start, table)))[:count]
    small = b"".join(map(sector, chain(entries["/"][0], table)))
    packed = b"".join(map(sector, chain(mini_fat_start, table)))
    links = struct.unpack(f"<{len(packed) // 4}I", packed)
    return b"".join(small[number * 64 : number * 64 + 64] for number in chain(start, links))[:count]


def _read_table(content: bytes, sector: Callable[[int], bytes], size: int) -> tuple[int, ...]:
    """Read the table of links: its sectors are listed in the header, and further lists follow one another."""
    numbers = [number for number in struct.unpack_from("<109I", content, 76) if number < _FAT]
    following = struct.unpack_from("<I", content, 68)[0]
    lists = 0
    while following < _FAT:
        lists += 1
        if lists > len(content) // size + 1:
            raise Broken
        more = struct.unpack(f"<{size // 4}I", sector(following))
        numbers.extend(number for number in more[:-1] if number < _FAT)
        following = more[-1]
    if len(numbers) > len(content) // size + 1:
        raise Broken
    packed = b"".join(map(sector, numbers))
    return struct.unpack(f"<{len(packed) // 4}I", packed)


def _check_records(stream: bytes, *, most_cells: int, locked: FileRefused, too_long: FileRefused) -> None:
    place = 0
    rows = columns = 0
    while place + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, place)
        record = stream[place + 4 : place + 4 + length]
        place += 4 + length
        if kind == _BEGIN:
            rows = columns = 0
        elif kind == _FILE_PASS:
            raise locked
        elif kind == _TEXTS:
            # each text takes three bytes at least
            if struct.unpack_from("<I", record, 4)[0] > len(stream) // 3:
                raise Broken
        elif kind == _DIMENSIONS:
            _check_dimensions(record)
        elif kind in _CELLS:
            row, column = struct.unpack_from("<HH", record)
            if kind in _MANY:
                column = max(column, struct.unpack_from("<H", record, len(record) - 2)[0])
            if row >= MOST_ROWS or column >= MOST_COLUMNS:
                raise Broken
            rows, columns = max(rows, row + 1), max(columns, column + 1)
            if rows * columns > most_cells:
                raise too_long


def _check_dimensions(record: bytes) -> None:
    if len(record) >= 14:
        first_row, last_row, first_column, last_column = struct.unpack_from("<IIHH", record)
    else:
        first_row, last_row, first_column, last_column = struct.unpack_from("<HHHH", record)
    if (
        last_row > MOST_ROWS
        or last_column > MOST_COLUMNS
        or first_row > last_row
        or first_column > last_column
    ):
        raise Broken


def _pack(stream: bytes) -> bytes:
    """Put a stream into a container of sectors of 4096 bytes: links, directory, stream, small streams."""
    length = max(len(stream), _SHORTEST_STREAM)
    count = -(-length // _SECTOR)
    tables = 1
    while (tables + 2 + count) * 4 > tables * _SECTOR:
        tables += 1
    first = tables + 1
    links = [_FAT] * tables + [_END] + [*range(first + 1, first + count), _END, _END]
    links += [_FREE] * (tables * _SECTOR // 4 - len(links))
    header = struct.pack("<8s16xHHHHH6x", _MAGIC, 0x3E, 4, 0xFFFE, 12, 6)
    # counts of sectors (directory, links), directory, transaction, shortest stream, small links, lists of links
    header += struct.pack("<9I", 1, tables, tables, 0, _SHORTEST_STREAM, _END, 0, _END, 0)
    header += struct.pack("<109I", *range(tables), *[_FREE] * (109 - tables))
    # the reader of workbooks wants a root with a stream of small streams, be it empty: the last sector
    directory = _entry("Root Entry", 5, 1, first + count, 0) + _entry("Workbook", 2, _FREE, first, length)
    directory += _entry("", 0, _FREE, 0, 0) * (_SECTOR // _ENTRY - 2)
    return b"".join(
        (
            header.ljust(_SECTOR, b"\0"),
            struct.pack(f"<{len(links)}I", *links),
            directory,
            stream.ljust((count + 1) * _SECTOR, b"\0"),
        )
    )


def _entry(name: str, kind: int, child: int, start: int, length: int) -> bytes:
    written = name.encode("utf-16-le")
    size = len(written) + 2 if name else 0
    return struct.pack("<64sHBBIII36xIQ", written, size, kind, 1, _FREE, _FREE, child, start, length)
