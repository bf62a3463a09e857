"""A thermocycler's file comes in: kept first, then read, then matched to its plate. Reading happens between the two
transactions, as the largest files take half a second.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from lims.auth.actors import Actor
from lims.extensions import db
from lims.pooling.actions import files as actions
from lims.pooling.instruments import read_run_file
from lims.pooling.instruments.column_map import ColumnMap, read_mapped
from lims.pooling.instruments.run_file import FileRefused, RunFile
from lims.pooling.models import ResultFile
from lims.pooling.queries import files as queries


def hand_in(
    *, actor: Actor, client_id: uuid.UUID | None = None, run_code: str, file_name: str, content: bytes
) -> dict[str, Any]:
    """Keep a file, read it and stage it.

    Args:
        actor: technician.
        client_id: id made by the sender.
        run_code: of the plate it is of.
        file_name: for the record; the format is recognised from the content.
        content: its bytes.

    Returns:
        As `actions.files.stage_file`.

    Raises:
        LimsError: nothing was kept: no such run, or it takes no more readings.
    """
    kept = actions.keep_file(
        actor=actor, client_id=client_id, run_code=run_code, file_name=file_name, content=content
    )
    file_id = uuid.UUID(kept["file"])
    known = queries.find_import(db.session(), file_id=file_id)
    if known is not None:
        # sent twice: it was kept and read the first time
        return actions.describe_import(known, known.run)
    return read_kept(actor=actor, file_id=file_id)


def read_kept(
    *, actor: Actor, file_id: uuid.UUID, column_map: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Read a kept file, by its format or by columns that a person has named, and stage it.

    Args:
        actor: technician.
        file_id: as `actions.files.keep_file` answered.
        column_map: of `ColumnMap.to_json`; None: by its format, else as this instrument's files were read before.
    """
    file = queries.get_file(db.session(), actor=actor, file_id=file_id, with_content=True)
    used = dict(column_map) if column_map else None
    read = read_again(file, column_map=used)
    if isinstance(read, FileRefused) and read.reason in ("unknown_format", "no_readings") and used is None:
        known = queries.find_instrument(
            db.session(), laboratory_id=file.run.laboratory_id, name=file.run.instrument
        )
        if known is not None:
            used = known.column_map
            read = read_again(file, column_map=used)
    return actions.stage_file(actor=actor, file_id=file_id, read=read, column_map=used)


def read_again(file: ResultFile, *, column_map: Mapping[str, Any] | None) -> RunFile | FileRefused:
    """Read the bytes of a kept file; what it is refused for is returned, not raised."""
    try:
        if column_map:
            return read_mapped(file.content, ColumnMap.from_json(column_map))
        return read_run_file(file.content, file_name=file.file_name)
    except FileRefused as refusal:
        return refusal


def accept(*, actor: Actor, file_id: uuid.UUID) -> dict[str, Any]:
    """Use a staged file; see `actions.files.accept_file`.

    Raises:
        FileRefused: it cannot be read any more; it was never staged then.
    """
    session = db.session()
    file = queries.get_file(session, actor=actor, file_id=file_id, with_content=True)
    known = queries.find_import(session, file_id=file_id)
    read = read_again(file, column_map=known.column_map if known else None)
    if isinstance(read, FileRefused):
        raise read
    return actions.accept_file(actor=actor, file_id=file_id, read=read)
