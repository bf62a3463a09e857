"""Roche cobas TaqMan 48/96: results by order, without wells and without Ct. Format: INSTRUMENTS.md 1.6.

The file is recognised and refused by name. Its findings ("Target Not Detected", "7.95E+2 (2.90)") are a verdict of the
instrument in copies per millilitre; read as "no Ct" a detected one would become a negative.
"""

from __future__ import annotations

from lims.msgid import N_
from lims.pooling.instruments.run_file import FileRefused, RunFile
from lims.pooling.instruments.tables import Document
from lims.pooling.instruments.well_rows import find_header

_ROLES = {"order": "order number", "sample": "sample id", "test": "test", "result": "result"}


def looks_like(document: Document) -> bool:
    """Tell whether a file is this maker's table of results."""
    return not document.is_xml and any(find_header(sheet, _ROLES, tuple(_ROLES)) for sheet in document.sheets)


def read(document: Document) -> RunFile:
    """Refuse it.

    Raises:
        FileRefused: always.
    """
    raise FileRefused(
        "no_readings",
        N_(
            "This cobas file holds findings and concentrations, but neither wells nor Ct values. Enter the readings by"
            " hand."
        ),
    )
