"""Qiagen (Corbett) Rotor-Gene: a block for each channel. Format: INSTRUMENTS.md 1.7.

A rotor has 36, 72 or 100 places and no plate: their labels (A1 to I8, or 1 to 72) are kept as they are.
"""

from __future__ import annotations

import re

from lims.pooling.instruments import cells
from lims.pooling.instruments.cells import text
from lims.pooling.instruments.run_file import RunFile
from lims.pooling.instruments.tables import Document, Sheet
from lims.pooling.instruments.well_rows import Gathering, find_header, read_head, read_wells

_ROLES = {
    "well": "no./no",
    "sample": "name",
    "task": "type",
    "ct": "ct",
    "conc": "given conc (ng/ul)/given conc/calc conc/rep. ct/rep ct/% var",
}
_CHANNEL = re.compile(r"analysis of Cycling\s+(?:A\.)?([^()]+?)\s*(?:\(|$)", re.IGNORECASE)


def looks_like(document: Document) -> bool:
    """Tell whether a file has a block of this software."""
    if document.is_xml:
        return False
    return any(
        find_header(sheet, _ROLES, ("well", "ct", "task", "conc")) is not None
        or any(_CHANNEL.search(text(cell)) for row in sheet.rows[:100] for cell in row[:1])
        for sheet in document.sheets
    )


def read(document: Document) -> RunFile:
    """Read the Ct values of every channel.

    Raises:
        FileRefused: none is in it.
    """
    found = Gathering("rotor_gene")
    for sheet in document.sheets:
        blocks = _blocks(sheet)
        read_head(found, sheet.rows[: blocks[0][0]] if blocks else sheet.rows[:60])
        for start, end, channel in blocks:
            block = sheet.part(start, end)
            header = find_header(block, _ROLES, ("well", "ct"))
            if header is not None:
                read_wells(found, block, header, well=cells.rotor_position, dye=channel)
    day = cells.moment(found.first_of("date"))
    clock = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", found.first_of("time"))
    started = f"{day}T{int(clock[1]):02}:{clock[2]}:{clock[3] or '00'}" if day and clock else day
    return found.run_file(instrument="Rotor-Gene", started_at=started)


def _blocks(sheet: Sheet) -> list[tuple[int, int, str]]:
    starts = []
    for place, row in enumerate(sheet.rows):
        match = _CHANNEL.search(text(row[0])) if row else None
        if match:
            starts.append((place, match[1]))
    if not starts:
        header = find_header(sheet, _ROLES, ("well", "ct", "task"))
        starts = [(header.place, "")] if header else []
    ends = [start for start, _ in starts[1:]] + [len(sheet.rows)] * bool(starts)
    return [(start, end, channel) for (start, channel), end in zip(starts, ends, strict=True)]
