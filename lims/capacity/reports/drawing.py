"""A report as a PDF/A-2b, drawn by Typst like the result sheets (docs/decisions/sheets.md)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, cast

import typst

from lims.capacity.reports.tables import Chart, Table, show
from lims.labels.paper import REGULAR, font_file

TEMPLATE = Path(__file__).parent / "report.typ"
_LOCK = Lock()


def draw_report(
    title: str,
    notes: Sequence[str],
    tables: Sequence[Table],
    charts: Sequence[Chart],
    *,
    made_at: datetime,
    language: str,
    warning: str = "",
) -> bytes:
    """Return the PDF; the same for the same arguments.

    Args:
        title: of the report.
        notes: lines under it.
        tables: in their order.
        charts: above their tables.
        made_at: the document's time, an aware moment.
        language: `vi` or `en`, for programs that read the document aloud.
        warning: said in a frame on top, as that nothing was counted.
    """
    content = json.dumps(
        {
            "title": title,
            "notes": list(notes),
            "warning": warning,
            "language": language,
            "parts": [_part(table, charts) for table in tables],
        },
        ensure_ascii=False,
    )
    with _LOCK:
        drawn = _compiler().compile(
            format="pdf",
            sys_inputs={"report": content},
            pdf_standards="a-2b",
            timestamp=int(made_at.timestamp()),
        )
    return cast(bytes, drawn)  # a PDF without a file to write to


def _part(table: Table, charts: Sequence[Chart]) -> dict[str, Any]:
    return {
        "title": table.title,
        "empty": table.empty,
        "columns": [column.label for column in table.columns],
        "rows": [
            [show(value, column.kind) for value, column in zip(row, table.columns, strict=True)]
            for row in table.rows
        ],
        "charts": [_chart(table, chart) for chart in charts if chart.table == table.name and table.rows],
    }


def _chart(table: Table, chart: Chart) -> dict[str, Any]:
    """Return bars as shares of the highest; all 0 where nothing was counted."""
    values = [[_number(row[column]) for row in table.rows] for column in chart.columns]
    highest = max((value for column in values for value in column), default=0.0)
    return {
        "title": chart.title,
        "series": [table.columns[column].label for column in chart.columns],
        "labels": [str(row[0]).removeprefix("Phòng xét nghiệm ") for row in table.rows],
        "shares": [[value / highest if highest else 0.0 for value in column] for column in values],
    }


def _number(value: object) -> float:
    return max(0.0, float(value)) if isinstance(value, int | float) else 0.0


@cache
def _compiler() -> typst.Compiler:
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[font_file(REGULAR).parent]
    )
    return typst.Compiler(input=TEMPLATE, root=TEMPLATE.parent, font_paths=fonts, sys_inputs={"report": "{}"})
