"""Taking a file away: counted in the same picture of the database that is then read, marked, written down, streamed.

All rows come from one snapshot, so that the number said beforehand is the number written. Whose data are shown is
written down chunk by chunk, before the chunk leaves.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from lims import clock
from lims.auth.actors import Actor
from lims.errors import InvalidInput
from lims.exports.actions import begin_export, finish_export
from lims.exports.queries import get_kind
from lims.exports.queries.kinds import Filters, Kind, count_rows, read_chunks
from lims.exports.rules import FORMATS, LINES_OF_A_SHEET, check_fits_sheet
from lims.exports.writing import Heading, Row, Written, write_csv, write_ndjson, write_workbook
from lims.extensions import db, settings, vault
from lims.intake.actions.accesses import record_accesses
from lims.names import fold
from lims.transaction import open_snapshot

BYTES_AT_ONCE = 64 * 1024


@dataclass(frozen=True)
class Taken:
    """A file on its way.

    Args:
        export_id: its key in the list of exports.
        file_name: says what, when and who.
        format: a word of `rules.FORMATS`.
        rows: how many it has.
        pieces: its bytes; to be closed when nobody takes more of them.
    """

    export_id: uuid.UUID
    file_name: str
    format: str
    rows: int
    pieces: Iterator[bytes]


def count_export(*, actor: Actor, kind: str, filters: Filters) -> int:
    """Return how many rows an export would have now.

    Raises:
        NotFound: there is no such kind.
        NotAllowed: the actor may not see the pages that show the same.
    """
    wanted = get_kind(kind)
    actor.check(wanted.permission)
    return count_rows(db.session(), kind=wanted, actor=actor, filters=filters)


def take_export(
    *, actor: Actor, kind: str, format: str, filters: Filters, sheet_lines: int = LINES_OF_A_SHEET
) -> Taken:
    """Begin an export.

    Args:
        actor: who takes it; only what is within their places and permissions is in it.
        kind: a word of `rules.KINDS`.
        format: a word of `rules.FORMATS`.
        filters: what it is narrowed to.
        sheet_lines: how many lines a worksheet has.

    Raises:
        InvalidInput: there is no such format.
        NotFound: there is no such kind.
        NotAllowed: the actor may not see the pages that show the same.
        Refused: a workbook could not hold all rows; nothing was written.
    """
    wanted = get_kind(kind)
    actor.check(wanted.permission)
    if format not in FORMATS:
        raise InvalidInput("Choose CSV, XLSX or NDJSON.", field="format")
    session = open_snapshot()
    try:
        rows = count_rows(session, kind=wanted, actor=actor, filters=filters)
        if format == "xlsx":
            check_fits_sheet(rows, limit=sheet_lines)
        begun = begin_export(
            actor=actor, kind=kind, format=format, filters=filters.as_words(), rows_expected=rows
        )
    except BaseException:
        session.close()
        raise
    heading = _head(wanted, actor, begun, filters, rows)
    made = _Making(session, wanted, actor, filters, begun["export"], heading)
    return Taken(
        export_id=begun["export"],
        file_name=_file_name(kind, actor, begun["asked_at"], format),
        format=format,
        rows=rows,
        pieces=made.workbook(sheet_lines) if format == "xlsx" else made.stream(format),
    )


@dataclass(frozen=True)
class _Making:
    """The rows of one export become bytes; the snapshot is given back at the end, whatever happens."""

    session: Session
    kind: Kind
    actor: Actor
    filters: Filters
    export_id: uuid.UUID
    heading: Heading

    def stream(self, format: str) -> Iterator[bytes]:
        """Yield a CSV or NDJSON file as it is read."""
        write = write_csv if format == "csv" else write_ndjson
        written = Written()
        with closing(self.session):
            for piece in write(self.heading, self._rows(), written):
                if written.sha256 is not None:
                    # before the end leaves: a file that has one is in the list as whole
                    self._finish(written)
                yield piece

    def workbook(self, sheet_lines: int) -> Iterator[bytes]:
        """Yield a workbook, which is put together in a folder of its own first."""
        with tempfile.TemporaryDirectory(dir=settings().instance_path, prefix="export-") as folder:
            path, written = Path(folder) / "export.xlsx", Written()
            with closing(self.session):
                write_workbook(path, self.heading, self._rows(), written, limit=sheet_lines)
            self._finish(written)
            with path.open("rb") as file:
                while piece := file.read(BYTES_AT_ONCE):
                    yield piece

    def _rows(self) -> Iterator[Sequence[Row]]:
        for chunk in read_chunks(
            self.session, kind=self.kind, actor=self.actor, filters=self.filters, vault=vault()
        ):
            if chunk.person_ids:
                record_accesses(actor=self.actor, person_ids=chunk.person_ids, shown_by="export")
            yield chunk.rows

    def _finish(self, written: Written) -> None:
        finish_export(
            actor=self.actor,
            export_id=self.export_id,
            rows=written.rows,
            sha256=written.sha256 or b"",
        )


def _head(kind: Kind, actor: Actor, begun: Mapping[str, Any], filters: Filters, rows: int) -> Heading:
    asked_at = clock.local(begun["asked_at"])
    moment = asked_at.isoformat(timespec="seconds")
    return Heading(
        kind=kind.name,
        mark=f"{actor.display_name} · {moment} · {begun['export']}",
        columns=kind.columns,
        about={
            "id": str(begun["export"]),
            "kind": kind.name,
            "exported_by": actor.display_name,
            "exported_at": moment,
            "rows_expected": rows,
            **filters.as_words(),
        },
        zone=clock.ZONE,
    )


def _file_name(kind: str, actor: Actor, asked_at: datetime, format: str) -> str:
    """Return a name that says what, when and who, in letters that every system has."""
    who = "-".join(
        "".join(c if c.isascii() and c.isalnum() else " " for c in fold(actor.display_name)).split()
    )
    return f"{kind}-{clock.local(asked_at):%Y%m%d-%H%M%S}-{who or 'system'}.{format}"
