"""Exports as they arrive: asked for, and read back."""

from __future__ import annotations

import csv
import io
import json
import uuid
from typing import Any

from python_calamine import CalamineWorkbook
from sqlalchemy import select, text

from lims import clock
from lims.auth.actors import Actor
from lims.exports.queries.kinds import Filters
from lims.exports.taking import Taken, take_export
from lims.extensions import db
from lims.pooling.models import Assay, Run
from lims.tables import new_id
from lims.transaction import writing

# one statement for a million rows, on both engines
MANY = """
with recursive counted(n) as (select 1 union all select n + 1 from counted where n < :rows)
insert into reading (run_id, version, position, target, ct, raw_ct)
select {run}, n, 'A1', 'N1', 20.5, '20.5' from counted
"""


def take(actor: Actor, kind: str, format: str = "ndjson", **more: Any) -> tuple[Taken, bytes]:
    """Take an export whole."""
    filters = more.pop("filters", Filters())
    taken = take_export(actor=actor, kind=kind, format=format, filters=filters, **more)
    return taken, b"".join(taken.pieces)


def read_ndjson(content: bytes) -> tuple[dict, list[dict], dict]:
    """Return what a file says of itself, its rows, and its end."""
    first, *rows, end = (json.loads(line) for line in content.splitlines())
    return first["export"], rows, end["end"]


def read_csv(content: bytes) -> tuple[list[str], list[dict[str, str]], list[str]]:
    """Return column names, rows and the end."""
    names, *rows, end = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    return names, [dict(zip(names, row, strict=True)) for row in rows], end


def read_workbook(content: bytes) -> tuple[list[list[Any]], dict[str, Any]]:
    """Return the rows with the names of their columns, and the sheet that says what they are."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    data, about = (book.get_sheet_by_name(name).to_python() for name in book.sheet_names)
    return data, {row[0]: row[1] for row in about}


def make_readings(world, rows: int) -> uuid.UUID:
    """Save a run with so many readings, in one statement."""
    with writing() as session:
        key = new_id()
        assay = session.scalar(select(Assay.id).limit(1))
        session.add(
            Run(
                id=key,
                code=f"R{key.hex[-8:].upper()}",
                campaign_id=world.campaign_id,
                laboratory_id=world.laboratory_id,
                assay_id=assay,
                size=96,
                planned_at=clock.now(),
            )
        )
        session.flush()
        if rows:
            run = f"'{key.hex}'" if db.engine.dialect.name == "sqlite" else f"'{key}'::uuid"
            session.execute(text(MANY.format(run=run)), {"rows": rows})
    return key
