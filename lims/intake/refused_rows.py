"""The refused rows of a list, as they are kept: sealed, with their reasons as message ids, not as sentences.

So whoever downloads them reads the reasons in their own language, and the rows can be mended and sent again. Pure.
"""

from __future__ import annotations

import json

from lims.intake.people_list import PeopleList, RefusedRow
from lims.intake.people_rows import Reason


def pack(people: PeopleList) -> bytes:
    """Return the refused rows of a list, with its columns, as bytes to be sealed."""
    return json.dumps(
        {
            "file_name": people.file_name,
            "format": people.format,
            "encoding": people.encoding,
            "delimiter": people.delimiter,
            "header_line": people.header_line,
            "columns": people.columns,
            "unused_columns": people.unused_columns,
            "rows": [
                [
                    row.line,
                    [[one.column, one.message, dict(one.parameters)] for one in row.reasons],
                    row.cells,
                ]
                for row in people.refused
            ],
        },
        ensure_ascii=False,
        default=str,
    ).encode(errors="replace")


def unpack(content: bytes) -> PeopleList:
    """Return what `pack` made, as a list that has only refused rows."""
    kept = json.loads(content)
    rows = kept.pop("rows")
    kept["columns"], kept["unused_columns"] = tuple(kept["columns"]), tuple(kept["unused_columns"])
    refused = [
        RefusedRow(line, tuple(Reason(*reason) for reason in reasons), tuple(cells))
        for line, reasons, cells in rows
    ]
    return PeopleList(**kept, refused=refused)
