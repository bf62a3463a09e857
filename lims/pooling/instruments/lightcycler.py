"""Roche LightCycler 480: table of Cp, raw fluorescence, the SQL-style table, and XML.

Format: INSTRUMENTS.md 1.6. A raw file holds the PCR and the melt curve in one table; the program with the most
different cycles is the PCR (a melt program reads the same cycle over and over).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from lims.errors import InvalidInput
from lims.pooling.instruments import cells, xml_tables
from lims.pooling.instruments.cells import text, title
from lims.pooling.instruments.run_file import RunFile
from lims.pooling.instruments.tables import Document, Sheet
from lims.pooling.instruments.well_rows import (
    CurvePoints,
    Gathering,
    Header,
    find_header,
    melt_only,
    read_wells,
    size_of_wells,
)

_ROLES = {
    "well": "pos/position/samplepos",
    "sample": "name/samplename/sample name",
    "ct": "cp/crossingpoint/crossing point",
    "include": "include/included",
    "color": "color",
    "status": "status/cpstate",
    "uncertain": "cpuncertain",
    "call": "call",
    "task": "sampletype/sample type",
}
_RAW_ROLES = {
    "well": "samplepos",
    "sample": "samplename",
    "program": "prog#/prog",
    "cycle": "cycle#/cycle",
    "temperature": "temp",
}
_FILTER = re.compile(r"\d{3}-\d{3}")
_SELECTED = re.compile(r"Selected Filter:\s*(.+?)\s*$")
_EXPERIMENT = re.compile(r"Experiment(?: -|:)\s*(.+?)(?:\s{2,}|\s*\(Run on|$)")
_SOFTWARE = re.compile(r"\(Run on (.+?)\)")
_FEWEST_CYCLES = 5
_NO_CP = frozenset(("-1", "nan"))


def looks_like(document: Document) -> bool:
    """Tell whether a file has this maker's titles, or is its XML."""
    if document.is_xml:
        return "<AnalysisSample" in document.text
    return any(_find_cp(sheet) or _find_raw(sheet) for sheet in document.sheets)


def read(document: Document) -> RunFile:
    """Read Cp values or raw curves.

    Raises:
        FileRefused: melt curves only.
    """
    found = Gathering("lightcycler")
    for sheet in [_xml_sheet(document.text)] if document.is_xml else document.sheets:
        if header := _find_raw(sheet):
            found.format = "lightcycler_raw"
            _read_title(found, sheet, header)
            _read_raw(found, sheet, header)
        elif header := _find_cp(sheet):
            _read_title(found, sheet, header)
            _read_cp(found, sheet, header)
    found.size = size_of_wells(
        [reading.well for reading in found.readings] + [curve.well for curve in found.curves]
    )
    return found.run_file(instrument=found.information.get("software", ""))


def _find_cp(sheet: Sheet) -> Header | None:
    header = find_header(sheet, _ROLES, ("well", "ct", "include"), within=30)
    return header or find_header(sheet, _ROLES, ("well", "ct", "sample", "status"), within=30)


def _find_raw(sheet: Sheet) -> Header | None:
    return find_header(sheet, _RAW_ROLES, ("well", "program", "cycle"), within=30)


def _read_title(found: Gathering, sheet: Sheet, header: Header) -> None:
    for row in sheet.rows[: header.place]:
        line = " ".join(filter(None, map(text, row)))
        for key, pattern in (("experiment", _EXPERIMENT), ("filter", _SELECTED), ("software", _SOFTWARE)):
            if match := pattern.search(line):
                found.information.setdefault(key, match[1][:200])


def _read_cp(found: Gathering, sheet: Sheet, header: Header) -> None:
    include_at = header.places.get("include", -1)
    omitted = {"false", "0", "no", "n"}

    def flags(row: Sequence[object]) -> Iterator[str]:
        for role in ("status", "call"):
            place = header.places.get(role, len(row))
            if place < len(row) and text(row[place]):
                yield text(row[place])
        place = header.places.get("uncertain", len(row))
        if place < len(row) and cells.is_set(row[place]):
            yield "uncertain"

    read_wells(
        found,
        sheet,
        header,
        well=cells.named_well,
        dye=found.information.get("filter", ""),
        no_ct=_NO_CP,
        none_at=(0.0,),
        flags=flags,
        is_omitted=lambda row: 0 <= include_at < len(row) and text(row[include_at]).casefold() in omitted,
    )


def _read_raw(found: Gathering, sheet: Sheet, header: Header) -> None:
    program_at, cycle_at, well_at = (header.places[role] for role in ("program", "cycle", "well"))
    by_program: dict[str, list[int]] = defaultdict(list)
    cycles: dict[str, set[object]] = defaultdict(set)
    for index in range(header.place + 1, len(sheet.rows)):
        row = sheet.rows[index]
        if len(row) > cycle_at:
            program = row[program_at] if isinstance(row[program_at], str) else text(row[program_at])
            by_program[str(program)].append(index)
            cycles[str(program)].add(row[cycle_at])
    if not cycles:
        return
    pcr = max(cycles, key=lambda program: len(cycles[program]))
    if len(cycles[pcr]) < _FEWEST_CYCLES:
        raise melt_only()
    wells: dict[object, str] = {}
    for place, name in enumerate(header.titles):
        if not _FILTER.fullmatch(name):
            continue
        points = CurvePoints(found, sheet, "RFU")
        for index in by_program[pcr]:
            row = sheet.rows[index]
            cell = row[well_at]
            if cell not in wells:
                try:
                    wells[cell] = cells.well(cell)
                except InvalidInput:
                    wells[cell] = ""
            if not wells[cell]:
                points.miss_well(index)
                continue
            value = cells.number(row[place]) if place < len(row) else None
            points.add(wells[cell], name, cells.number(row[cycle_at]), value, index)
        points.close()


def _xml_sheet(written: str) -> Sheet:
    """Make a table of the samples of an XML export: a `prop` a column."""
    root = xml_tables.parse(written)
    names: dict[str, int] = {"Include": 0}
    records: list[dict[str, str]] = []
    for element in root.iter():
        if xml_tables.local_name(element) == "AnalysisSample":
            record = {
                child.get("name", ""): (child.text or "").strip()
                for child in element
                if xml_tables.local_name(child) == "prop"
            }
            records.append(record)
            for name in record:
                names.setdefault(name, len(names))
    rows: list[list[object]] = [list(names)]
    rows.extend([record.get(name, "") for name in names] for record in records)
    if title("CrossingPoint") not in map(title, names):
        rows = []
    return Sheet("", rows, padded=True)
