"""Ct values as they are typed or come in a plain CSV (well, target, Ct). Pure.

Every row of the file is a reading or a named problem: silent drops are how controls vanish. The text of a Ct
is kept beside its value. The cyclers' own files are another matter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from lims.delimited import DELIMITERS, Record, decode_text, read_records
from lims.errors import InvalidInput
from lims.msgid import N_
from lims.names import clean_text, fold
from lims.plates import parse_well
from lims.pooling.assays import HIGHEST_CT

MOST_BYTES = 2 * 1024 * 1024
HEADER_LINES = 20

_NO_CT = frozenset(
    (
        "",
        "undetermined",
        "undet",
        "undet.",
        "n/a",
        "na",
        "nan",
        "noct",
        "no ct",
        "no cq",
        "none",
        "-",
        "–",
        "khong",
        "khong co",
        "khong co ct",
        "khong xac dinh",
    )
)
_CYRILLIC = str.maketrans("стСТ", "ctCT")
"""Applied Biosystems writes Cт with a Cyrillic т."""

_COLUMNS = {
    "well": "well/well position/position/pos/gieng/vi tri/vi tri gieng/o",
    "target": "target/target name/gene/gen/detector/dich/gen dich/muc tieu/ten dich",
    "ct": "ct/cq/cp/crt/gia tri ct/chu ky nguong/ct value/cq value",
}
_COLUMN_BY_TITLE = {title: column for column, titles in _COLUMNS.items() for title in titles.split("/")}


@dataclass(frozen=True, slots=True)
class Reading:
    """One Ct.

    Args:
        well: `A01`.
        target: as written in the file.
        ct: cycles, None for no Ct.
        raw: the text of the Ct.
        line: its line in the file, from 1.
        flags: the instrument's own marks, such as "BADROX".
    """

    well: str
    target: str
    ct: float | None
    raw: str
    line: int
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadingProblem:
    """A row that is no reading: its line, why as a msgid with parameters, and the column at fault."""

    line: int
    message: str
    parameters: dict[str, object]
    column: str = ""

    def __str__(self) -> str:
        return self.message % self.parameters if self.parameters else self.message


@dataclass(frozen=True, slots=True)
class ReadingsFile:
    """All rows of a file: readings, problems, and how many lines were empty."""

    readings: tuple[Reading, ...]
    problems: tuple[ReadingProblem, ...]
    empty_lines: int


def parse_ct(text: str, *, field: str = "ct") -> float | None:
    """Read a Ct.

    Args:
        text: a number with a point or a comma, or one of the words for "no Ct" (Undetermined, N/A, NaN, blank
            …).
        field: name of the input, for the error.

    Returns:
        Cycles, or None for no Ct.

    Raises:
        InvalidInput: other text, zero, negative, or more than 60 cycles.
    """
    written = text.strip()
    if len(written) <= 40 and fold(written) in _NO_CT:
        return None
    if not re.fullmatch(r"[0-9]{0,4}([.,][0-9]{1,20})?|[0-9]{1,4}[.,]", written):
        raise InvalidInput(
            "“%(text)s” is not a Ct. Write a number such as 31.4, or leave it empty for no Ct.",
            field=field,
            text=written[:40],
        )
    ct = float(written.replace(",", "."))
    if not 0 < ct <= HIGHEST_CT:
        raise InvalidInput(
            "A Ct lies between 0 and 60, %(text)s does not. Leave it empty for no Ct.",
            field=field,
            text=written[:40],
        )
    return ct


def read_readings_csv(content: bytes, *, size: int = 96, targets: Sequence[str] = ()) -> ReadingsFile:
    """Read a plain CSV with the columns well, target and Ct, in any order, case and of these languages: vi,
    en.

    Args:
        content: the bytes of the file.
        size: 96 or 384, the plate it belongs to.
        targets: the assay's targets; when given, a target is brought to their spelling, others are problems.

    Raises:
        InvalidInput: the file as a whole cannot be read, or has no such columns.
    """
    if not content.strip():
        raise InvalidInput("The file is empty.", field="file")
    if len(content) > MOST_BYTES:
        raise InvalidInput(
            "The file is too big: at most %(most)s MB.", field="file", most=MOST_BYTES // 1024**2
        )
    text, _ = decode_text(content, field="file")
    delimiter, lines, places = _find_columns(text)
    spelling = {fold(target): target for target in targets}
    readings: dict[tuple[str, str], Reading] = {}
    problems = []
    empty_lines = 0
    for record in islice(read_records(text, delimiter=delimiter), lines, None):
        if not any(cell.strip() for cell in record.cells):
            empty_lines += 1
            continue
        try:
            reading = _read(record, places, size=size, spelling=spelling)
            first = readings.setdefault((reading.well, reading.target), reading)
            if first is not reading:
                raise InvalidInput(
                    "%(well)s %(target)s stands in line %(line)s already.",
                    field="well",
                    well=reading.well,
                    target=reading.target,
                    line=first.line,
                )
        except InvalidInput as refusal:
            problems.append(ReadingProblem(record.line, refusal.message, refusal.parameters, refusal.field))
    return ReadingsFile(tuple(readings.values()), tuple(problems), empty_lines)


def _read(record: Record, places: dict[str, int], *, size: int, spelling: dict[str, str]) -> Reading:
    if record.problem:
        raise InvalidInput(record.problem, field="file")
    if len(record.cells) <= max(places.values()):
        raise InvalidInput(
            N_("The row ends too early: %(cells)s cells instead of %(columns)s. Was the file cut off?"),
            field="file",
            cells=len(record.cells),
            columns=max(places.values()) + 1,
        )
    well, written, raw = (record.cells[places[column]] for column in ("well", "target", "ct"))
    target = clean_text(written, field="target", longest=40)
    if not target or (spelling and fold(target) not in spelling):
        raise InvalidInput(
            "“%(text)s” is not a target of this assay (%(targets)s).",
            field="target",
            text=target,
            targets=", ".join(spelling.values()),
        )
    ct = parse_ct(raw)
    position = parse_well(well, size=size)
    return Reading(position, spelling.get(fold(target), target), ct, raw.strip(), record.line)


def _find_columns(text: str) -> tuple[str, int, dict[str, int]]:
    for delimiter in DELIMITERS:
        for record in islice(read_records(text, delimiter=delimiter), HEADER_LINES):
            titles = [fold(cell.translate(_CYRILLIC)).strip(" *") for cell in record.cells]
            columns = [_COLUMN_BY_TITLE.get(title, "") for title in titles]
            if set(_COLUMNS) <= set(columns):
                twice = next((column for column in _COLUMNS if columns.count(column) > 1), None)
                if twice is not None:
                    raise InvalidInput(
                        "Two columns hold the %(column)s. Keep one.", field="file", column=twice
                    )
                return delimiter, record.line, {column: columns.index(column) for column in _COLUMNS}
    raise InvalidInput(
        "No header with the columns well, target and Ct was found in the first %(lines)s lines.",
        field="file",
        lines=HEADER_LINES,
    )
