"""Plain tables with the columns well and Ct, in English or Vietnamese, and what has no family of its own: Illumina Eco,
Opticon, the tables of rdmlpython with a column for each cycle.

The last of the families, as its titles are the least particular.
"""

from __future__ import annotations

import re

from lims.errors import InvalidInput
from lims.msgid import N_
from lims.pooling.instruments import cells
from lims.pooling.instruments.cells import text
from lims.pooling.instruments.run_file import Place, RunFile
from lims.pooling.instruments.tables import Document, Sheet, is_blank
from lims.pooling.instruments.well_rows import (
    CurvePoints,
    Gathering,
    Header,
    find_header,
    read_head,
    read_wells,
    size_of_wells,
)

ROLES = {
    "well": "well/well position/position/pos/gieng/vi tri/vi tri gieng/o",
    "sample": "sample/sample name/sample id/sample_info/sample_id/name/description/mau/ten mau/ma mau/ma ong",
    "target": "target/target name/gene/gen/detector/assay/assay name/item/dich/gen dich/muc tieu/ten dich",
    "dye": "dye/reporter/fluor/channel/target dye/kenh/mau nhuom/chat nhuom",
    "task": "task/sample type/content/contents/type/loai/loai mau/loai gieng",
    "ct": "ct/cq/cp/crt/c(t)/ct value/cq value/machine cq/gia tri ct/chu ky nguong",
    "omit": "omit/excluded",
    "run": "run",
}
_CYCLE = re.compile(r"[1-9][0-9]?")
_FEWEST_CYCLES = 5


def looks_like(document: Document) -> bool:
    """Tell whether there is a table with wells and Ct values."""
    return not document.is_xml and any(_find(sheet) for sheet in document.sheets)


def read(document: Document) -> RunFile:
    """Read the tables.

    Raises:
        FileRefused: there is nothing in them.
    """
    found = Gathering("plain")
    for sheet in document.sheets:
        header = _find(sheet)
        if header is None:
            continue
        read_head(found, sheet.rows[: header.place])
        mine = _first_run(found, sheet, header)
        read_wells(found, mine, header, well=cells.well)
        _read_curves(found, mine, header)
    found.size = size_of_wells({reading.well for reading in found.readings})
    return found.run_file(
        instrument=found.first_of("instrument", "instrument name", "instrument type"),
        started_at=cells.moment(found.first_of("run date", "date", "start time", "run started")),
    )


def _find(sheet: Sheet) -> Header | None:
    return find_header(sheet, ROLES, ("well", "ct"), within=100)


def _first_run(found: Gathering, sheet: Sheet, header: Header) -> Sheet:
    """Leave out the rows of other runs, each named: a file is read for one plate."""
    if "run" not in header.places:
        return sheet
    places = [place for place, name in enumerate(header.titles) if name in ("experiment", "run")]
    first: tuple[str, ...] | None = None
    rows = list(sheet.rows)
    for index in range(header.place + 1, len(rows)):
        row = rows[index]
        if len(row) <= max(places) or is_blank(row):
            continue
        run = tuple(text(row[place]) for place in places)
        first = first or run
        if run != first:
            rows[index] = []
            found.problem(
                "other_run",
                N_(
                    "This row is of the run %(run)s; the file is read for %(first)s. Export each run as its own file."
                ),
                Place(sheet.name, sheet.line(index)),
                run=", ".join(run),
                first=", ".join(first),
            )
    return Sheet(sheet.name, rows, sheet.first, sheet.broken, sheet.padded, sheet.cut_off)


def _read_curves(found: Gathering, sheet: Sheet, header: Header) -> None:
    """Read curves that stand in the row of their well, a column a cycle."""
    columns = [(float(name), place) for place, name in enumerate(header.titles) if _CYCLE.fullmatch(name)]
    if len(columns) < _FEWEST_CYCLES or columns != sorted(columns):
        return
    points = CurvePoints(found, sheet, "RFU")
    target_at = header.places.get("target", header.places.get("dye", -1))
    for index in range(header.place + 1, len(sheet.rows)):
        row = sheet.rows[index]
        try:
            well = cells.well(row[header.places["well"]]) if row else ""
        except (InvalidInput, IndexError):
            continue
        target = text(row[target_at]) if 0 <= target_at < len(row) else ""
        for cycle, place in columns:
            # gaps are met in real files: a cycle that was not measured is no point
            if place < len(row) and text(row[place]):
                points.add(well, target, cycle, cells.number(row[place]), index)
    points.close()
