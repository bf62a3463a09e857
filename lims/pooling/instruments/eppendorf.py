"""Eppendorf realplex: a row a well, a column of Ct for each dye. Format: INSTRUMENTS.md 1.7."""

from __future__ import annotations

import re
from dataclasses import replace

from lims.pooling.instruments import cells
from lims.pooling.instruments.run_file import RunFile
from lims.pooling.instruments.tables import Document, Sheet
from lims.pooling.instruments.well_rows import (
    Gathering,
    Header,
    find_header,
    read_head,
    read_wells,
    size_of_wells,
)

_ROLES = {"well": "pos", "sample": "name", "task": "type"}
_CT = re.compile(r"ct (?!mean\b|dev\b|sd\b)(\S.*)")


def looks_like(document: Document) -> bool:
    """Tell whether a file has columns Pos and "Ct SYBR" or the like."""
    return not document.is_xml and any(_find(sheet) for sheet in document.sheets)


def read(document: Document) -> RunFile:
    """Read the Ct of every dye.

    Raises:
        FileRefused: none is in it.
    """
    found = Gathering("eppendorf")
    for sheet in document.sheets:
        header = _find(sheet)
        if header is None:
            continue
        read_head(found, sheet.rows[: header.place])
        for place, name in enumerate(header.titles):
            match = _CT.fullmatch(name)
            if match is None:
                continue
            places = {**header.places, "ct": place}
            if f"target {match[1]}" in header.titles:
                places["target"] = header.titles.index(f"target {match[1]}")
            read_wells(
                found,
                sheet,
                replace(header, places=places),
                well=cells.named_well,
                dye=header.written[place].split(None, 1)[1],
            )
    found.size = size_of_wells({reading.well for reading in found.readings})
    return found.run_file(instrument="Eppendorf")


def _find(sheet: Sheet) -> Header | None:
    header = find_header(sheet, _ROLES, ("well",), within=60)
    return header if header and any(_CT.fullmatch(name) for name in header.titles) else None
