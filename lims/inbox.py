"""What came from outside, once: client-made ids with a hash of what was sent.

The same id with the same content is answered the same; the same id with other content is refused. This is what makes
a batch that was sent twice, or cut off half way, harmless.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from lims import clock
from lims.errors import ClientIdReused
from lims.tables import Base, word


class Inbound(Base):
    """One accepted message: the id its sender made, what it was, and what was answered."""

    __tablename__ = "inbound"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(word(64))
    content_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    answer: Mapped[Any] = mapped_column(JSON(none_as_null=True))
    actor_id: Mapped[uuid.UUID | None]
    recorded_at: Mapped[datetime]
    # Old rows are dropped after the campaign, by age.
    __table_args__ = (Index(None, "recorded_at"),)


@dataclass(frozen=True)
class Letter:
    """A message before it is answered.

    Args:
        client_id: id made by the sender.
        kind: name of the action it is for.
        content_hash: `content_hash(…)` of what it says, 32 bytes.
    """

    client_id: uuid.UUID
    kind: str
    content_hash: bytes


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return str(value)


def content_hash(content: Any) -> bytes:
    """Return the SHA-256 (32 bytes) of a message's canonical JSON; the order of keys does not matter."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).digest()


def find_answers(session: Session, letters: Sequence[Letter]) -> dict[uuid.UUID, Any]:
    """Return the answers already given, by client id, in one statement.

    Raises:
        ClientIdReused: one of the ids was used before for something else.
    """
    sent = {letter.client_id: letter for letter in letters}
    rows = session.execute(
        select(Inbound.id, Inbound.kind, Inbound.content_hash, Inbound.answer).where(Inbound.id.in_(sent))
    ).all()
    for row in rows:
        if (row.kind, row.content_hash) != (sent[row.id].kind, sent[row.id].content_hash):
            raise ClientIdReused(
                "The id %(client_id)s was used before for something else. Make a new id and send again.",
                field="client_id",
                client_id=row.id,
            )
    return {row.id: row.answer for row in rows}


def find_reused(session: Session, letters: Sequence[Letter]) -> tuple[dict[uuid.UUID, Any], set[uuid.UUID]]:
    """Like `find_answers`, but tell reused ids apart instead of refusing the whole batch.

    Returns:
        The answers of repeats, and the ids that came with other content than before.
    """
    sent = {letter.client_id: letter for letter in letters}
    rows = session.execute(
        select(Inbound.id, Inbound.kind, Inbound.content_hash, Inbound.answer).where(Inbound.id.in_(sent))
    ).all()
    same = {
        row.id: row.answer
        for row in rows
        if (row.kind, row.content_hash) == (sent[row.id].kind, sent[row.id].content_hash)
    }
    return same, {row.id for row in rows} - same.keys()


def keep_answers(session: Session, answered: Iterable[tuple[Letter, Any]]) -> None:
    """Keep what was answered, in one statement, in the same transaction as the change."""
    actor = session.info.get("actor")
    rows = [
        {
            "id": letter.client_id,
            "kind": letter.kind,
            "content_hash": letter.content_hash,
            "answer": answer,
            "actor_id": actor.user_id if actor else None,
            "recorded_at": clock.now(),
        }
        for letter, answer in answered
    ]
    if rows:
        session.execute(insert(Inbound), rows)
