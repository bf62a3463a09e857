"""QuantStudio with Design & Analysis 2.x, and Diomni. XLSX, whatever it is called, or text.

Format: INSTRUMENTS.md 1.3. The well is 1..384 in one sheet and A1 in another of the same workbook.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lims.errors import InvalidInput
from lims.pooling.instruments import cells
from lims.pooling.instruments.cells import text
from lims.pooling.instruments.run_file import RunFile
from lims.pooling.instruments.tables import Document, Sheet
from lims.pooling.instruments.well_rows import (
    Gathering,
    Header,
    find_header,
    read_head,
    read_long_curves,
    read_wells,
    size_of_wells,
)

_ROLES = {
    "well": "well position/well",
    "sample": "sample",
    "target": "target",
    "dye": "reporter",
    "task": "task/sample type",
    "ct": "cq/crt/ct",
    "omit": "omit",
    "threshold": "threshold",
    "status": "amp status",
    "quality": "result quality issues/quality issue(s)/quality issues",
    "curve": "curve quality",
}
_CURVE_ROLES = {
    "well": "well position/well",
    "cycle": "cycle number",
    "target": "target",
    "rn": "rn",
    "drn": "drn/delta rn",
}
_RESULT_SHEETS = ("results", "primary_result", "primary result", "result")
_CURVE_SHEETS = ("amplification data", "amplification")


def looks_like(document: Document) -> bool:
    """Tell whether a file has this software's results or curves, below its head."""
    return _find_results(document) is not None or _find_curves(document) is not None


def read(document: Document) -> RunFile:
    """Read results with their marks, and curves.

    Raises:
        FileRefused: neither is in it.
    """
    found = Gathering("design_and_analysis")
    results, curves = _find_results(document), _find_curves(document)
    if top := results or curves:
        read_head(found, top[0].rows[: top[1].place])
    found.size = size_of_wells((), found.first_of("block type"))

    def read_well(cell: object) -> str:
        return cells.well(cell, found.size)

    if results:
        sheet, header = results
        read_wells(
            found,
            sheet,
            header,
            well=cells.named_well if "well position" in header.titles else read_well,
            flags=lambda row: _flags(row, header),
            skip_empty=True,
        )
        _add_calls(found, document)
    if curves and (not results or curves[0] is not results[0]):
        read_long_curves(found, *curves, well=read_well)
    if found.size is None:
        found.size = size_of_wells({reading.well for reading in found.readings})
    return found.run_file(
        instrument=found.first_of("instrument type", "instrument name"),
        started_at=cells.moment(
            found.first_of(
                "run start date/time",
                "run end date/time",
                "run end data/time",
                "analysis date/time",
                "exported on",
            )
        ),
        plate=found.first_of("barcode"),
    )


def _find_results(document: Document) -> tuple[Sheet, Header] | None:
    for sheet in _sheets(document, *_RESULT_SHEETS, "target call"):
        header = find_header(sheet, _ROLES, ("well", "ct"), within=80)
        if header and (
            {"well position", "omit", "call"} & set(header.titles)
            and not {"sample name"} & set(header.titles)
        ):
            return sheet, header
    return None


def _find_curves(document: Document) -> tuple[Sheet, Header] | None:
    for sheet in _sheets(document, *_CURVE_SHEETS):
        header = find_header(sheet, _CURVE_ROLES, ("well", "cycle", "target", "drn"), within=80)
        if header:
            return sheet, header
    return None


def _sheets(document: Document, *titles: str) -> Iterator[Sheet]:
    if document.is_xml:
        return
    if document.is_text:
        # a text has one table; newer versions mark the lines of the head by "#"
        yield document.lines
        return
    for name in titles:
        sheet = document.find_sheet(name)
        if sheet is not None:
            yield sheet


def _flags(row: Sequence[object], header: Header) -> Iterator[str]:
    for role in ("quality", "curve"):
        if role in header.places and header.places[role] < len(row):
            yield from _marks(row[header.places[role]])
    if "status" in header.places and header.places["status"] < len(row):
        status = text(row[header.places["status"]]).upper()
        if status and status != "AMP":
            yield status


def _marks(cell: object) -> list[str]:
    return [mark for mark in re.split(r"[,;|\n]\s*", text(cell)) if mark and mark not in ("-", "OK")]


def _add_calls(found: Gathering, document: Document) -> None:
    """Add the marks of the sheet of calls, which alone has them in Diomni."""
    sheet = None if document.is_text else document.find_sheet("target call")
    header = find_header(sheet, _ROLES, ("well", "target", "quality"), within=80) if sheet else None
    if sheet is None or header is None:
        return
    marks: dict[tuple[str, str], list[str]] = {}
    for row in sheet.rows[header.place + 1 :]:
        try:
            well = cells.well(row[header.places["well"]], found.size)
        except InvalidInput:
            continue
        marks[well, text(row[header.places["target"]])] = _marks(row[header.places["quality"]])
    found.readings = [
        replace(reading, flags=(*reading.flags, *new))
        if (
            new := [
                mark for mark in marks.get((reading.well, reading.target), ()) if mark not in reading.flags
            ]
        )
        else reading
        for reading in found.readings
    ]
