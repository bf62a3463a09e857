"""A report as a workbook: a sheet for each table, numbers as numbers, with the charts."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime

import xlsxwriter

from lims.capacity.reports.tables import Chart, Table

FORMATS = {"number": "#,##0.###", "percent": '0.###" %"', "minutes": '0" min"', "text": "@"}
LONGEST_SHEET_NAME = 31


def write_workbook(
    title: str, notes: Sequence[str], tables: Sequence[Table], charts: Sequence[Chart], *, made_at: datetime
) -> bytes:
    """Return the workbook; the same for the same arguments.

    Args:
        title: of the report.
        notes: lines under it: from when the figures are, who made the file.
        tables: each becomes a sheet.
        charts: beside their tables.
        made_at: written as the file's time, an aware moment.
    """
    written = io.BytesIO()
    book = xlsxwriter.Workbook(
        written, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    book.set_properties({"title": title, "created": made_at.replace(tzinfo=None)})
    bold = book.add_format({"bold": True})
    formats = {kind: book.add_format({"num_format": written_as}) for kind, written_as in FORMATS.items()}
    for table in tables:
        sheet = book.add_worksheet(_sheet_name(table.title))
        sheet.write_string(0, 0, title, bold)
        for line, note in enumerate(notes, start=1):
            sheet.write_string(line, 0, note)
        top = len(notes) + 2
        for column, head in enumerate(table.columns):
            sheet.write_string(top, column, head.label, bold)
        sheet.set_column(0, 0, 44)
        sheet.set_column(1, max(1, len(table.columns) - 1), 16)
        for line, row in enumerate(table.rows, start=top + 1):
            for column, (value, head) in enumerate(zip(row, table.columns, strict=True)):
                if isinstance(value, str):
                    sheet.write_string(line, column, value)
                elif value is not None:
                    sheet.write_number(line, column, value, formats[head.kind])
        if not table.rows and table.empty:
            sheet.write_string(top + 1, 0, table.empty)
        for chart in charts:
            if chart.table == table.name and table.rows:
                _add_chart(book, sheet, table, chart, top)
    book.close()
    return written.getvalue()


def _sheet_name(title: str) -> str:
    return "".join(letter for letter in title if letter not in "[]:*?/\\'")[:LONGEST_SHEET_NAME]


def _add_chart(
    book: xlsxwriter.Workbook, sheet: xlsxwriter.worksheet.Worksheet, table: Table, chart: Chart, top: int
) -> None:
    drawn = book.add_chart({"type": "column"})
    name, first, last = sheet.get_name(), top + 1, top + len(table.rows)
    for column in chart.columns:
        drawn.add_series(
            {
                "name": [name, top, column],
                "categories": [name, first, 0, last, 0],
                "values": [name, first, column, last, column],
            }
        )
    drawn.set_title({"name": chart.title})
    drawn.set_size({"width": 760, "height": 360})
    sheet.insert_chart(top, len(table.columns) + 1, drawn)
