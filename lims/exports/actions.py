"""Writing down that a file is taken away, and that the whole of it was written."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.exports.models import Export
from lims.tables import new_id
from lims.transaction import action


@action
def begin_export(
    session: Session, *, actor: Actor, kind: str, format: str, filters: dict[str, str], rows_expected: int
) -> dict[str, Any]:
    """Write down an export before its first row is read.

    Args:
        actor: who takes it.
        kind: a word of `exports.rules.KINDS`.
        format: a word of `exports.rules.FORMATS`.
        filters: what it was narrowed to, by name.
        rows_expected: counted beforehand.

    Returns:
        `export` (its key) and `asked_at`.
    """
    key, now = new_id(), clock.now()
    session.add(
        Export(
            id=key,
            kind=kind,
            format=format,
            filters=filters,
            asked_by_id=actor.user_id,
            asked_at=now,
            rows_expected=rows_expected,
        )
    )
    audit.note(session, "export", key, "export_begun", kind=kind, rows=rows_expected)
    return {"export": key, "asked_at": now}


@action
def finish_export(session: Session, *, actor: Actor, export_id: uuid.UUID, rows: int, sha256: bytes) -> bool:
    """Write down that the last row of an export was written; without this line it counts as cut off.

    Args:
        actor: who takes it.
        export_id: of `begin_export`.
        rows: written, exactly as many as were counted.
        sha256: 32 bytes, as the file's end says it.

    Returns:
        True if it had not been finished before.
    """
    changed = session.scalar(
        update(Export)
        .where(Export.id == export_id, Export.finished_at.is_(None))
        .values(rows_written=rows, sha256=sha256, finished_at=clock.now())
        .returning(Export.id)
    )
    if changed is None:
        return False
    audit.note(session, "export", export_id, "export_finished", rows=rows)
    return True
