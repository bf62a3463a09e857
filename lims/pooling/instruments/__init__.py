"""Files of thermocyclers: which family wrote a file is read from its content, then its reader takes it.

A family is a module with `looks_like` and `read`; adding one is a file and a line in `FAMILIES`. Their order counts:
what has unmistakable marks comes first, a plain table last.
"""

from __future__ import annotations

from typing import Protocol

from lims.errors import InvalidInput
from lims.msgid import N_
from lims.pooling.instruments import (
    applied_biosystems,
    cfx,
    chinese,
    cobas,
    design_and_analysis,
    eds,
    eppendorf,
    lightcycler,
    lighthouse,
    plain,
    rdml,
    rotor_gene,
    smartcycler,
    stratagene,
)
from lims.pooling.instruments.run_file import FileRefused, RunFile
from lims.pooling.instruments.tables import Document


class Family(Protocol):
    """What a module of a family has."""

    def looks_like(self, document: Document) -> bool:
        """Tell whether this family wrote the file."""
        ...

    def read(self, document: Document) -> RunFile:
        """Read it, or raise `FileRefused`."""
        ...


class BytesFamily(Protocol):
    """What a module has that reads bytes and needs no sheets."""

    def looks_like(self, content: bytes) -> bool:
        """Tell whether this family wrote the file."""
        ...

    def read(self, content: bytes) -> RunFile:
        """Read it, or raise `FileRefused`."""
        ...


class OfBytes:
    """A family that reads bytes, to stand in the same list.

    Args:
        family: its module.
    """

    def __init__(self, family: BytesFamily) -> None:
        self._family = family

    def looks_like(self, document: Document) -> bool:
        """Tell whether this family wrote the file."""
        return self._family.looks_like(document.content)

    def read(self, document: Document) -> RunFile:
        """Read it, or raise `FileRefused`."""
        return self._family.read(document.content)


FAMILIES: tuple[Family, ...] = (
    OfBytes(rdml),
    eds,
    chinese,
    lighthouse,
    cobas,
    rotor_gene,
    smartcycler,
    stratagene,
    eppendorf,
    lightcycler,
    cfx,
    design_and_analysis,
    applied_biosystems,
    plain,
)


def read_run_file(content: bytes, *, file_name: str = "") -> RunFile:
    """Read what a thermocycler wrote.

    Args:
        content: the bytes of the file; gzip is unpacked.
        file_name: as it was called. It never decides on the format.

    Returns:
        Readings, curves and problems: every row of its tables is one of them.

    Raises:
        FileRefused: empty, too big, locked, damaged, of no known format, or without anything that can be used.
    """
    document = Document(content, file_name=file_name)
    try:
        for family in FAMILIES:
            if family.looks_like(document):
                return family.read(document)
    except FileRefused:
        raise
    except InvalidInput as refusal:
        raise FileRefused("damaged", refusal.message, **refusal.parameters) from None
    raise FileRefused(
        "unknown_format",
        N_(
            "No instrument that is known here writes such a file. Name its columns once, or export the results as text"
            " or XLSX."
        ),
    )
