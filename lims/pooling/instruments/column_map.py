"""Tables of instruments that nobody here knows: a person names the columns once, and the next files are read so. Pure.

Lines and columns are counted from 1, as people see them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lims.msgid import N_
from lims.pooling.instruments import cells
from lims.pooling.instruments.cells import text, title
from lims.pooling.instruments.run_file import FileRefused, RunFile
from lims.pooling.instruments.tables import Document, Sheet
from lims.pooling.instruments.well_rows import Gathering, Header, read_head, read_wells, size_of_wells

FIELDS = ("well", "sample", "target", "dye", "task", "ct")
NEEDED = ("well", "ct")
PREVIEW_ROWS = 30
_MOST_PREVIEW_CELLS = 40
_LONGEST_CELL = 80
_MOST_COLUMNS = 1000


@dataclass(frozen=True)
class ColumnMap:
    """Which column holds what.

    Args:
        sheet: name of the worksheet; "" for a text file, or for the first sheet.
        header_row: line of the titles, from 1; 0 for a table without titles.
        columns: field of `FIELDS` → number of its column from 1; None or missing where there is none.
        no_ct: words for "no Ct" besides the usual ones.
        decimal_comma: a comma is the decimal sign and a point sets off thousands.
    """

    sheet: str = ""
    header_row: int = 0
    columns: Mapping[str, int | None] = field(default_factory=dict)
    no_ct: tuple[str, ...] = ()
    decimal_comma: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, to keep."""
        return {
            "sheet": self.sheet,
            "header_row": self.header_row,
            "columns": {name: number for name, number in self.columns.items() if number is not None},
            "no_ct": list(self.no_ct),
            "decimal_comma": self.decimal_comma,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> ColumnMap:
        """Return the map that `to_json` kept; what is missing in it has its default.

        Raises:
            FileRefused: it is no such map.
        """
        columns = kept.get("columns", {})
        no_ct = kept.get("no_ct", ())
        header_row = kept.get("header_row", 0)
        if (
            not isinstance(columns, Mapping)
            or not isinstance(no_ct, (list, tuple))
            or not isinstance(header_row, int)
            or not all(number is None or isinstance(number, int) for number in columns.values())
        ):
            raise _no_map()
        return cls(
            str(kept.get("sheet", "")),
            header_row,
            dict(columns),
            tuple(map(str, no_ct)),
            bool(kept.get("decimal_comma", False)),
        )


def preview(content: bytes) -> list[dict[str, Any]]:
    """Return the first rows of every sheet, for a person to name columns by.

    Args:
        content: the bytes of the file.

    Returns:
        For each sheet `{"name": …, "rows": [[text, …], …]}`, at most 30 rows of 40 cells; a text file is one sheet "".

    Raises:
        FileRefused: it cannot be opened.
    """
    document = Document(content)
    return [
        {
            "name": sheet.name,
            "rows": [
                [text(cell)[:_LONGEST_CELL] for cell in row[:_MOST_PREVIEW_CELLS]]
                for row in sheet.rows[:PREVIEW_ROWS]
            ],
        }
        for sheet in _sheets(document)
    ]


def read_mapped(content: bytes, column_map: ColumnMap) -> RunFile:
    """Read a table by the columns that a person has named.

    Args:
        content: the bytes of the file.
        column_map: where what is.

    Raises:
        FileRefused: there is no such sheet or column, or no reading below the titles.
    """
    document = Document(content)
    sheets = _sheets(document)
    sheet = next((one for one in sheets if one.name == column_map.sheet), None)
    if sheet is None and not column_map.sheet and sheets:
        sheet = sheets[0]
    places = {
        name: number - 1
        for name, number in column_map.columns.items()
        if name in FIELDS and number is not None and 1 <= number <= _MOST_COLUMNS
    }
    if sheet is None or not all(name in places for name in NEEDED):
        raise _no_map()
    place = column_map.header_row - 1
    if not -1 <= place < len(sheet.rows):
        raise _no_map()
    found = Gathering("mapped")
    if place > 0:
        read_head(found, sheet.rows[:place])
    titles = [text(cell) for cell in sheet.rows[place]] if place >= 0 else []
    titles += [str(number + 1) for number in range(len(titles), max(places.values()) + 1)]
    header = Header(place, places, tuple(map(title, titles)), tuple(titles))
    if column_map.decimal_comma:
        sheet = _without_thousands(sheet, places["ct"])
    read_wells(found, sheet, header, well=cells.well, no_ct=tuple(map(title, column_map.no_ct)))
    found.size = size_of_wells({reading.well for reading in found.readings})
    return found.run_file()


def _sheets(document: Document) -> list[Sheet]:
    # sections of a text are not split here: lines are counted through the whole file
    return [document.lines] if document.is_text else list(document.sheets)


def _without_thousands(sheet: Sheet, column: int) -> Sheet:
    rows = [
        [
            cell.replace(".", "") if place == column and isinstance(cell, str) and "," in cell else cell
            for place, cell in enumerate(row)
        ]
        for row in sheet.rows
    ]
    return Sheet(sheet.name, rows, sheet.first, sheet.broken, sheet.padded, sheet.cut_off)


def _no_map() -> FileRefused:
    return FileRefused(
        "no_readings",
        N_("The named columns do not fit this file. Name the sheet, the line of the titles, well and Ct."),
    )
