"""What can be exported, in which formats, and up to how many rows. Pure."""

from __future__ import annotations

from lims.errors import Refused
from lims.msgid import N_

KINDS = (
    "people",
    "declarations",
    "commune_results",
    "samples",
    "tubes",
    "boxes",
    "pools",
    "extractions",
    "runs",
    "readings",
    "calls",
    "results",
    "kit_lots",
    "discrepancies",
    "messages",
    "data_requests",
    "accesses",
    "events",
)
# What each is called where it is chosen, in the order of a sample's way.
KIND_WORDS = {
    "people": N_("People, with their numbers and addresses"),
    "declarations": N_("Declarations"),
    "commune_results": N_("Released results by person"),
    "samples": N_("Samples"),
    "tubes": N_("Tubes"),
    "boxes": N_("Boxes"),
    "pools": N_("Pools"),
    "extractions": N_("Extractions"),
    "runs": N_("Runs"),
    "readings": N_("Readings (Ct)"),
    "calls": N_("Calls of wells"),
    "results": N_("Results, every version"),
    "kit_lots": N_("Kit lots"),
    "discrepancies": N_("Discrepancies"),
    "messages": N_("Messages, without numbers"),
    "data_requests": N_("Requests about personal data"),
    "accesses": N_("Who has seen whose data"),
    "events": N_("Chain of custody"),
}
FORMATS = ("csv", "xlsx", "ndjson")
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ndjson": "application/x-ndjson; charset=utf-8",
}
# A worksheet has 1,048,576 lines, and the first one holds the names of the columns.
LINES_OF_A_SHEET = 1_048_576
TOO_LONG = N_(
    "An XLSX sheet ends at %(limit)s lines, and this would be %(count)s rows. Nothing was cut off and nothing was "
    "written. Take CSV or NDJSON, which have no limit, or fewer days."
)


def check_fits_sheet(rows: int, *, limit: int = LINES_OF_A_SHEET) -> None:
    """Refuse a workbook that could not hold all rows: a sheet that ends silently has lost people before (R6).

    Args:
        rows: rows of data, without the line of column names.
        limit: lines of a sheet.

    Raises:
        Refused: there are more rows than a sheet has lines for.
    """
    if rows > limit - 1:
        raise Refused(TOO_LONG, field="format", limit=limit, count=rows)
