"""Results of the UK Lighthouse laboratories: one row a tube, up to four channels. Format: INSTRUMENTS.md 1.7.

The well is the end of the RNA plate's label (`CF06CR9S_B10`). A channel that is called positive without a Cq is a
problem, not a reading without Ct.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from lims.errors import InvalidInput
from lims.msgid import N_
from lims.pooling.instruments import cells
from lims.pooling.instruments.cells import text
from lims.pooling.instruments.run_file import Place, RunFile
from lims.pooling.instruments.tables import Document, Sheet
from lims.pooling.instruments.well_rows import Gathering, Header, find_header, read_wells, size_of_wells

_ROLES = {
    "sample": "root sample id/root sample",
    "well": "rna-pcr id/rna id",
    "result": "result",
    "day": "date tested",
}
_CHANNELS = range(1, 5)
_LABEL = re.compile(r"(.*)_([A-P]\d{1,2})")


def looks_like(document: Document) -> bool:
    """Tell whether a file has a root sample, an RNA label and a result."""
    return not document.is_xml and any(_find(sheet) for sheet in document.sheets)


def read(document: Document) -> RunFile:
    """Read the channels' Cq values.

    Raises:
        FileRefused: older files have findings only.
    """
    found = Gathering("lighthouse")
    plates: dict[str, int] = {}
    started = None
    for sheet in document.sheets:
        header = _find(sheet)
        if header is None:
            continue
        for row in sheet.rows[header.place + 1 :]:
            label = (
                _LABEL.fullmatch(text(row[header.places["well"]]))
                if len(row) > header.places["well"]
                else None
            )
            if label:
                plates[label[1]] = plates.get(label[1], 0) + 1
            if started is None and len(row) > header.places.get("day", len(row)):
                started = cells.moment(row[header.places["day"]])
        for channel in _CHANNELS:
            _read_channel(found, sheet, header, channel)
    found.size = size_of_wells({reading.well for reading in found.readings})
    return found.run_file(started_at=started, plate=next(iter(plates)) if len(plates) == 1 else "")


def _find(sheet: Sheet) -> Header | None:
    return find_header(sheet, _ROLES, ("sample", "well", "result"), within=20)


def _read_channel(found: Gathering, sheet: Sheet, header: Header, channel: int) -> None:
    prefix = f"ch{channel}-"
    at = {name: place for place, name in enumerate(header.titles)}
    if prefix + "target" not in at or prefix + "cq" not in at:
        return
    target_at, cq_at, result_at = (
        at.get(prefix + name, len(header.titles)) for name in ("target", "cq", "result")
    )
    rows = [list(row) for row in sheet.rows]
    for index in range(header.place + 1, len(rows)):
        row = rows[index]
        if len(row) <= max(target_at, cq_at):
            # an absent channel at the end of a short row is none
            rows[index] = row if len(row) <= header.places["well"] else []
        elif not text(row[target_at]):
            rows[index] = []
        elif _is_positive(row, result_at) and cells.number(row[cq_at]) is None:
            rows[index] = []
            found.problem(
                "not_a_ct",
                N_("%(target)s is called positive, but has no Cq."),
                Place(sheet.name, sheet.line(index), header.written[cq_at]),
                target=text(row[target_at]),
            )
    read_wells(
        found,
        replace(sheet, rows=rows),
        replace(header, places={**header.places, "target": target_at, "ct": cq_at}),
        well=_well,
        flags=lambda row: [
            mark
            for mark in ([text(row[result_at])] if result_at < len(row) else [])
            if mark and mark.casefold() not in ("positive", "negative")
        ],
    )


def _is_positive(row: Sequence[object], place: int) -> bool:
    return place < len(row) and text(row[place]).casefold() == "positive"


def _well(cell: object) -> str:
    label = _LABEL.fullmatch(text(cell))
    if label is None:
        raise InvalidInput(
            "“%(text)s” is not a plate and well such as CF06CR9S_B10.", field="well", text=text(cell)[:20]
        )
    return cells.well(label[2])
