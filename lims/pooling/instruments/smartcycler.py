"""Cepheid SmartCycler: a table of sites with four dyes, and the curves beside each other.

Format: INSTRUMENTS.md 1.7. A site is a block of its own, not a well of a plate; its label is kept. No Ct is 0.00.
Standards of another run that the curve was drawn with stand in the same table, under sites that this run used for
samples: they are told, not read.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from lims.errors import InvalidInput
from lims.msgid import N_
from lims.pooling.instruments import cells
from lims.pooling.instruments.cells import text, title
from lims.pooling.instruments.run_file import Place, RunFile
from lims.pooling.instruments.tables import Document, Sheet, is_blank
from lims.pooling.instruments.well_rows import (
    CurvePoints,
    Gathering,
    Header,
    find_header,
    read_head,
    read_wells,
)

_ROLES = {"well": "site id", "sample": "sample id", "task": "sample type", "status": "status"}
_CT = re.compile(r"(\S.*) ct")
_SITE = re.compile(r"[A-Za-z]\d{1,2}")


def looks_like(document: Document) -> bool:
    """Tell whether a file is a run summary of this software."""
    if document.is_xml:
        return False
    return any(
        find_header(sheet, _ROLES, ("well", "sample"), within=400) is not None
        or any("smart cycler" in title(cell) for row in sheet.rows[:5] for cell in row[:2])
        for sheet in document.sheets
    )


def read(document: Document) -> RunFile:
    """Read the table of results and the curves.

    Raises:
        FileRefused: neither is in it.
    """
    found = Gathering("smartcycler")
    for sheet in document.sheets:
        read_head(found, sheet.rows[:10])
        header = find_header(sheet, _ROLES, ("well", "sample"), within=len(sheet.rows))
        foreign: set[int] = set()
        if header is not None:
            foreign = _read_results(found, sheet, header)
        _read_curves(found, sheet, foreign)
    return found.run_file(instrument="SmartCycler", started_at=cells.moment(found.first_of("started at")))


def _read_results(found: Gathering, sheet: Sheet, header: Header) -> set[int]:
    """Read the rows of this run; return which rows of the table, counted from 0, are of another."""
    end = next(
        (place for place in range(header.place + 1, len(sheet.rows)) if is_blank(sheet.rows[place])),
        len(sheet.rows),
    )
    table = sheet.part(header.place, end)
    rows = list(table.rows)
    site_at, task_at = header.places["well"], header.places.get("task", len(header.titles))
    sites = Counter(text(row[site_at]) for row in rows[1:] if len(row) > site_at)
    foreign = set()
    for place, row in enumerate(rows[1:]):
        if len(row) > task_at and sites[text(row[site_at])] > 1 and cells.task(row[task_at]) == "standard":
            foreign.add(place)
            rows[place + 1] = []
            found.problem(
                "other_run",
                N_("This standard is of another run; this run has a sample in %(site)s."),
                Place(sheet.name, table.line(place + 1)),
                site=text(row[site_at]),
            )
    status_at = header.places.get("status", len(header.titles))
    for place, name in enumerate(header.titles):
        if match := _CT.fullmatch(name):
            read_wells(
                found,
                replace(table, rows=rows),
                replace(header, place=0, places={**header.places, "ct": place}),
                well=cells.rotor_position,
                none_at=(0.0,),
                no_ct=("nd", "neg", "na"),
                dye=header.written[place][: len(match[1])],
                flags=lambda row: (
                    [text(row[status_at])]
                    if status_at < len(row) and text(row[status_at]).upper() not in ("", "OK")
                    else []
                ),
            )
    return foreign


def _read_curves(found: Gathering, sheet: Sheet, foreign: set[int]) -> None:
    """Read the curves: two lines above the one of titles name the sites, a site has several columns.

    The sites stand in the order of the table of results, those of the other run among them.
    """
    header = find_header(sheet, {"cycle": "cycle"}, ("cycle",), within=60)
    if header is None or header.place < 2:
        return
    names = [text(cell) for cell in sheet.rows[header.place - 2]]
    blocks: list[tuple[int, str]] = []
    count = -1
    width = max(len(set(header.titles[1:])), 1)
    for place in range(1, min(len(names), len(header.titles))):
        if (place - 1) % width == 0:
            count += 1
        dye = header.written[place]
        if count not in foreign and dye and not dye.upper().endswith(" D2") and _SITE.fullmatch(names[place]):
            blocks.append((place, dye))
    points = CurvePoints(found, sheet, "RFU")
    for index in range(header.place + 1, len(sheet.rows)):
        row = sheet.rows[index]
        cycle = cells.number(row[0]) if row else None
        if cycle is None:
            break
        for place, dye in blocks:
            try:
                site = cells.rotor_position(names[place])
            except InvalidInput:
                points.miss_well(index)
                continue
            points.add(site, dye, cycle, cells.number(row[place]) if place < len(row) else None, index)
    points.close()
