"""Bio-Rad: CFX96, CFX384, Connect and Opus (Manager, Maestro), iQ5, MyiQ2, C1000, and the XML of Opus.

Format: INSTRUMENTS.md 1.5. One file holds one table; the kind of a well (Content) is the only place that tells a
control, whose Sample is often blank.
"""

from __future__ import annotations

import re

from lims.pooling.instruments import cells, xml_tables
from lims.pooling.instruments.cells import text
from lims.pooling.instruments.run_file import RunFile
from lims.pooling.instruments.tables import Document, Sheet
from lims.pooling.instruments.well_rows import (
    Gathering,
    Header,
    find_header,
    is_named_well,
    melt_only,
    no_readings,
    read_head,
    read_wells,
    read_wide_curves,
    size_of_wells,
)

_ROLES = {
    "well": "well",
    "sample": "sample/identifier",
    "target": "target",
    "dye": "fluor",
    "task": "content/type",
    "ct": "cq/threshold cycle (ct)/threshold cycle ( c(t) )/threshold cycle (c(t))/c(t)/ct",
}
_NAMED_DYE = re.compile(r"(?:Results|Amplification)_([A-Za-z][\w .-]*?)\.\w{3,4}$")
_OTHER_TABLES = ("end rfu", "melt temperature", "peak height", "rfu1", "call type")
_FEWEST_WELLS = 2


def looks_like(document: Document) -> bool:
    """Tell whether a file is one of this maker's tables."""
    if document.is_xml:
        return _is_xml_table(document.text)
    return any(_find_results(sheet) or _find_curves(sheet) or _find_other(sheet) for sheet in document.sheets)


def read(document: Document) -> RunFile:
    """Read a table of Cq or of amplification.

    Raises:
        FileRefused: melt curves or end points only.
    """
    found = Gathering("cfx")
    sheets = _xml_sheets(document.text) if document.is_xml else list(document.sheets)
    for sheet in sheets:
        if header := _find_results(sheet):
            found.format = "cfx_cq"
            read_head(found, sheet.rows[: header.place])
            read_wells(found, sheet, header, well=cells.named_well)
        elif header := _find_curves(sheet):
            found.format = "cfx_amplification" if not found.readings else found.format
            read_head(found, sheet.rows[: header.place])
            named = _NAMED_DYE.search(document.file_name)
            dye = sheet.name if sheet.name not in ("", "0") else named[1] if named else ""
            read_wide_curves(found, sheet, header, target=dye, size=None)
        else:
            read_head(found, sheet.rows[:60])
    if not (found.readings or found.curves or found.problems):
        titles = {title for sheet in sheets for title in _titles(sheet)}
        raise melt_only() if {"melt temperature", "temperature"} & titles else no_readings()
    wells = [reading.well for reading in found.readings] + [curve.well for curve in found.curves]
    found.size = size_of_wells(wells)
    return found.run_file(
        instrument=found.first_of("instrument", "base serial number", "machine"),
        started_at=cells.moment(found.first_of("run started", "run ended", "date", "file created")),
        plate=found.first_of("barcode", "plate id", "id"),
    )


def _find_results(sheet: Sheet) -> Header | None:
    return find_header(sheet, _ROLES, ("well", "dye", "task", "ct"), within=60)


def _find_curves(sheet: Sheet) -> Header | None:
    header = find_header(sheet, {"cycle": "cycle"}, ("cycle",), within=60)
    if header is None or sum(is_named_well(name) for name in header.written) < _FEWEST_WELLS:
        return None
    return header


def _find_other(sheet: Sheet) -> bool:
    titles = _titles(sheet)
    if "well" in titles and "fluor" in titles and any(name in titles for name in _OTHER_TABLES):
        return True
    return "temperature" in titles and sum(is_named_well(name) for name in titles) >= _FEWEST_WELLS


def _titles(sheet: Sheet) -> set[str]:
    return {cells.title(cell) for row in sheet.rows[:25] for cell in row}


def _is_xml_table(written: str) -> bool:
    head = written[:4000]
    return "<Row>" in head and ("<Cq>" in head or "<Cycle>" in head)


def _xml_sheets(written: str) -> list[Sheet]:
    """Make a sheet of the rows of an Opus export: an element a row, an element a column."""
    root = xml_tables.parse(written)
    names: dict[str, int] = {}
    records = []
    for element in root.iter():
        if xml_tables.local_name(element) == "Row":
            record = {xml_tables.local_name(child): child.text or "" for child in element}
            records.append(record)
            for name in record:
                names.setdefault(name, len(names))
    rows: list[list[object]] = [list(names)]
    rows.extend([record.get(name, "") for name in names] for record in records)
    return [Sheet(text(xml_tables.local_name(root)), rows, padded=True)]
