"""What was changed and is not counted yet: one row for each subject that an action has touched.

Actions append, and wait for nobody: there is no row that two of them write. Whoever counts (`lims.capacity.counting`)
takes the rows away again. The rows say only that something changed; what is counted is read from the tables themselves.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Index, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from lims.tables import Base, Keyed, new_id, word

KINDS = frozenset(
    {"declaration", "sample", "tube", "box", "pool", "run", "result", "discrepancy", "enrolment"}
)
# verbs after which nothing stands elsewhere and nothing happened that is counted
UNCHANGING = frozenset(
    {
        "arrived",
        "certificate_issued",
        "certificate_revoked",
        "file_declined",
        "file_received",
        "file_refused",
        "file_staged",
        "notified",
        "put_away",
        "read",
        "result_code_issued",
        "result_code_reissued",
        "told",
    }
)


class Uncounted(Keyed, Base):
    """A subject that was changed, and when that was recorded."""

    __tablename__ = "uncounted"
    subject_kind: Mapped[str] = mapped_column(word())
    subject_id: Mapped[uuid.UUID]
    recorded_at: Mapped[datetime]
    __table_args__ = (Index(None, "recorded_at", "id"),)


def touch(session: Session, kind: str, subject_ids: Iterable[uuid.UUID]) -> None:
    """Have subjects counted again whose own chain gets no line, as tubes that left a pool.

    Args:
        session: writing session.
        kind: one of `KINDS`.
        subject_ids: keys.
    """
    session.info.setdefault("touched", set()).update((kind, subject_id) for subject_id in subject_ids)


def append_touched(
    session: Session, noted: Iterable[tuple[str, uuid.UUID, str]], *, recorded_at: datetime
) -> None:
    """Append what a transaction has changed: one statement, none where nothing is counted.

    Args:
        session: writing session, at the transaction's end.
        noted: kind, key and verb of its events.
        recorded_at: now.
    """
    touched: set[tuple[str, uuid.UUID]] = session.info.pop("touched", set())
    touched |= {(kind, key) for kind, key, verb in noted if kind in KINDS and verb not in UNCHANGING}
    if touched:
        session.execute(
            insert(Uncounted),
            [
                {"id": new_id(), "subject_kind": kind, "subject_id": key, "recorded_at": recorded_at}
                for kind, key in sorted(touched)
            ],
        )
