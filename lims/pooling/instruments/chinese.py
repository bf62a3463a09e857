"""Hongshi SLAN-96, Molarray MA-6000, and one export of an unnamed Chinese instrument.

By the description in INSTRUMENTS.md 1.7, which was read from other laboratories' code; no real file was at hand. A
column is found by its title, and by the place that the code uses where the titles are not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lims.pooling.instruments import cells
from lims.pooling.instruments.cells import text, title
from lims.pooling.instruments.run_file import RunFile
from lims.pooling.instruments.tables import Document, Sheet, is_blank
from lims.pooling.instruments.well_rows import Gathering, Header, read_wells, size_of_wells

_TITLES = {
    "well": ("反应孔", "孔位", "well", "reaction well"),
    "sample": (
        "样本编号",
        "样本名称",
        "样本号",
        "样品名称",
        "样品编号",
        "sample id",
        "sample name",
        "sample no.",
        "sample",
    ),
    "task": ("样本类型", "样品类型", "类型", "sample type", "type"),
    "dye": ("通道", "荧光通道", "荧光", "染料", "channel", "reporter", "dye", "fluor"),
    "target": ("检测项目", "项目", "目标基因", "基因", "靶标", "item", "target", "gene", "assay"),
    "ct": ("ct", "ct值", "ct 值", "cq"),
}
_CHANNELS = ("FAM", "VIC", "ROX", "CY5")
_NO_CT = ("noct", "no ct", "-", "--", "未检出", "无")


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where a software puts things: folded sheet names, place of the row of titles, columns from 0."""

    format: str
    instrument: str
    sheets: tuple[str, ...]
    beside: tuple[str, ...]
    places: Mapping[str, int]
    titles_at: int | None


_LAYOUTS = (
    _Layout("slan", "SLAN-96", ("实验数据",), (), {"well": 0, "sample": 2, "task": 9, "ct": 12}, None),
    _Layout("slan", "SLAN-96", ("data",), (), {"well": 0, "sample": 3, "task": 7, "ct": 5}, None),
    _Layout(
        "molarray", "MA-6000", ("data&graph",), ("protocol&plate",), {"well": 0, "sample": 3, "ct": 5}, 1
    ),
    _Layout(
        "chinese",
        "",
        ("定量结果", "quan. result"),
        ("样本信息", "sample info", "sample info."),
        {"well": 0, "sample": 10, "ct": 4},
        0,
    ),
)


def looks_like(document: Document) -> bool:
    """Tell whether a workbook has one of these sheets."""
    return not document.is_text and _find(document) is not None


def read(document: Document) -> RunFile:
    """Read Ct values by channel.

    Raises:
        FileRefused: none is in it.
    """
    known = _find(document)
    assert known is not None, "read() follows looks_like()"  # noqa: S101
    layout, sheet, place = known
    found = Gathering(layout.format)
    table, header = _rearrange(sheet, layout, place)
    read_wells(found, table, header, well=cells.well, no_ct=_NO_CT)
    day_sheet = next(filter(None, (document.find_sheet(name) for name in layout.beside)), sheet)
    found.size = size_of_wells({reading.well for reading in found.readings})
    plate = _cell(sheet, 0, 1) if layout.format == "slan" else ""
    if plate:
        found.inform("run", plate)
    day = day_sheet.rows[2][1] if len(day_sheet.rows) > 2 and len(day_sheet.rows[2]) > 1 else ""
    return found.run_file(instrument=layout.instrument, started_at=cells.moment(day))


def _find(document: Document) -> tuple[_Layout, Sheet, int] | None:
    names = {title(name) for name in document.sheet_names}
    for layout in _LAYOUTS:
        if layout.beside and not names & set(layout.beside):
            continue
        sheet = document.find_sheet(*layout.sheets)
        if sheet is None:
            continue
        place = _find_titles(sheet, layout)
        if place is not None:
            return layout, sheet, place
    return None


def _find_titles(sheet: Sheet, layout: _Layout) -> int | None:
    for place, row in enumerate(sheet.rows[:60]):
        first = title(row[0]) if row else ""
        if (
            len(row) > layout.places["ct"]
            and first.startswith(_TITLES["well"])
            and not cells.is_like_a_well(first)
        ):
            return place
    at = layout.titles_at
    return (
        at if at is not None and len(sheet.rows) > at and len(sheet.rows[at]) > layout.places["ct"] else None
    )


def _rearrange(sheet: Sheet, layout: _Layout, place: int) -> tuple[Sheet, Header]:
    """Bring the columns into one order, fill wells that stand once for all their channels, and name channels."""
    titles = [title(cell) for cell in sheet.rows[place]]
    roles = tuple(_TITLES)
    at = {
        role: next(
            (titles.index(name) for name in _TITLES[role] if name in titles), layout.places.get(role, -1)
        )
        for role in roles
    }
    rows: list[list[object]] = [[] for _ in range(place + 1)]
    well, sample, channel = "", "", 0
    for row in sheet.rows[place + 1 :]:
        if is_blank(row):
            rows.append([])
            continue
        values: dict[str, object] = {
            role: row[at[role]] if 0 <= at[role] < len(row) else "" for role in roles
        }
        named = text(values["well"])
        channel = channel + 1 if not named or named == well else 0
        if named and named != well:
            sample = ""
        well = named or well
        sample = text(values["sample"]) or sample
        if at["dye"] < 0 and channel < len(_CHANNELS):
            values["dye"] = _CHANNELS[channel]
        rows.append([well, sample, values["task"], values["dye"], values["target"], values["ct"]])
    written = tuple(
        text(sheet.rows[place][at[role]]) if 0 <= at[role] < len(titles) else "" for role in roles
    )
    header = Header(
        place, {role: column for column, role in enumerate(roles)}, tuple(map(title, written)), written
    )
    return Sheet(sheet.name, rows, sheet.first, padded=True), header


def _cell(sheet: Sheet, row: int, column: int) -> str:
    return text(sheet.rows[row][column]) if len(sheet.rows) > row and len(sheet.rows[row]) > column else ""
