"""Agilent (Stratagene) Mx3000P and Mx3005P, software MxPro: the table of Ct, and plots of amplification.

Format: INSTRUMENTS.md 1.7.
"""

from __future__ import annotations

import re

from lims.pooling.instruments import cells
from lims.pooling.instruments.cells import text, title
from lims.pooling.instruments.run_file import RunFile
from lims.pooling.instruments.tables import Document, Sheet
from lims.pooling.instruments.well_rows import (
    CurvePoints,
    Gathering,
    Header,
    find_header,
    read_head,
    read_wells,
    size_of_wells,
)

_ROLES = {
    "well": "well",
    "sample": "well name",
    "task": "well type",
    "target": "assay/target/gene",
    "dye": "dye",
    "threshold": "threshold (drn)/threshold (dr)/threshold (r)/threshold",
    "ct": "ct (drn)/ct (dr)/ct (r)/ct",
}
_PLOT = re.compile(r"([A-P][0-9]{1,2}), *Repl\.?[^,]*,(?: *(.*),)? *([^,]+)")


def looks_like(document: Document) -> bool:
    """Tell whether a file has this software's table or plots."""
    return not document.is_xml and any(_find(sheet) or _plots(sheet, 60) for sheet in document.sheets)


def read(document: Document) -> RunFile:
    """Read Ct values and plots.

    Raises:
        FileRefused: neither is in it.
    """
    found = Gathering("mxpro")
    for sheet in document.sheets:
        if header := _find(sheet):
            read_head(found, sheet.rows[: header.place])
            read_wells(found, sheet, header, well=cells.named_well)
        elif plots := _plots(sheet, len(sheet.rows)):
            _read_plots(found, sheet, plots)
    found.size = size_of_wells({reading.well for reading in found.readings})
    return found.run_file(instrument="Mx3005P")


def _find(sheet: Sheet) -> Header | None:
    header = find_header(sheet, _ROLES, ("well", "task", "ct"), within=60)
    return header if header and "well name" in header.titles else None


def _plots(sheet: Sheet, within: int) -> list[tuple[int, int, str, str]]:
    """Return row, column, well and dye of every plot's head, which stands over Cycles and Fluorescence."""
    plots = []
    for place, row in enumerate(sheet.rows[:within]):
        below = sheet.rows[place + 1] if place + 1 < len(sheet.rows) else ()
        for column, cell in enumerate(row):
            match = _PLOT.fullmatch(text(cell)) if isinstance(cell, str) and "Repl" in cell else None
            if match and column < len(below) and title(below[column]) == "cycles":
                plots.append((place, column, match[1], match[3]))
    return plots


def _read_plots(found: Gathering, sheet: Sheet, plots: list[tuple[int, int, str, str]]) -> None:
    heads = {(place, column) for place, column, _, _ in plots}
    quantity = "dRn"
    for place, column, _, _ in plots[:1]:
        measured = title(sheet.rows[place + 1][column + 1]) if column + 1 < len(sheet.rows[place + 1]) else ""
        quantity = "RFU" if "(r)" in measured else "dRn"
    points = CurvePoints(found, sheet, quantity)
    for place, column, well, dye in plots:
        name = cells.well(well)
        for index in range(place + 2, len(sheet.rows)):
            row = sheet.rows[index]
            if (index, column) in heads or column >= len(row) or text(row[column]) == "":
                break
            value = row[column + 1] if column + 1 < len(row) else None
            points.add(name, dye, cells.number(row[column]), cells.number(value), index)
    points.close()
