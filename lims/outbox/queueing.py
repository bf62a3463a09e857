"""Writing messages in the transaction of what they tell, however many, in a constant number of statements.

Not actions: a station's action calls these. Nothing is sent here; `lims worker` does that after the commit.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from lims import clock
from lims.outbox.models import Message
from lims.outbox.rules import MOST_TOGETHER, URGENCIES, calculate_run_at
from lims.tables import new_id


@dataclass(frozen=True)
class Draft:
    """A message to be written.

    Args:
        kind: a word of `rules.KINDS`; says which of the three receivers is given.
        channel: a word of `rules.CHANNELS`.
        template: a word of `rules.TEMPLATES`.
        key: what may be told once only.
        subject_kind: word of the thing it tells of, as "result".
        subject_id: key of that thing.
        campaign_id: whose quiet hours hold.
        laboratory_id: whose staff sees it.
        commune_id: whose staff sees it, too; None where it tells of several communes.
        data: codes, ids and numbers; never personal data.
        receiver_id: the person, the entry of the on-call list, or the webhook.
        quiet: first quiet hour and first hour after it, as the campaign has them.
        telephone: blind index of the person's telephone; messages to one telephone that are written together leave
            as one.
    """

    kind: str
    channel: str
    template: str
    key: str
    subject_kind: str
    subject_id: uuid.UUID
    campaign_id: uuid.UUID
    laboratory_id: uuid.UUID
    commune_id: uuid.UUID | None
    receiver_id: uuid.UUID
    data: dict[str, Any] = field(default_factory=dict)
    quiet: tuple[int, int] = (0, 0)
    telephone: bytes | None = None


def queue_messages(session: Session, drafts: Sequence[Draft], *, skips_told: bool = False) -> int:
    """Write messages in one statement.

    Args:
        session: the writing session of what they tell of.
        drafts: what to write.
        skips_told: leave out what was written before; without it that is an error.

    Returns:
        How many.
    """
    if drafts and skips_told:
        keys = [draft.key for draft in drafts]
        told = set(session.scalars(select(Message.key).where(Message.key.in_(keys))))
        drafts = [draft for draft in drafts if draft.key not in told]
    if not drafts:
        return 0
    now = clock.now()
    rows = [_row(draft, now) for draft in drafts]
    for letter in _letters(drafts, rows):
        for row in letter:
            row["letter_id"] = letter[0]["id"]
    session.execute(insert(Message), rows)
    return len(rows)


def _letters(drafts: Sequence[Draft], rows: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the rows that leave together: of one telephone, campaign and template, several of them."""
    groups: defaultdict[tuple[bytes, uuid.UUID, str], list[dict[str, Any]]] = defaultdict(list)
    for draft, row in zip(drafts, rows, strict=True):
        if draft.telephone is not None:
            groups[draft.telephone, draft.campaign_id, draft.template].append(row)
    return [
        group[first : first + MOST_TOGETHER]
        for group in groups.values()
        if len(group) > 1
        for first in range(0, len(group), MOST_TOGETHER)
    ]


def _row(draft: Draft, now: datetime) -> dict[str, Any]:
    quiet_from, quiet_until = draft.quiet
    return {
        "id": new_id(),
        "kind": draft.kind,
        "channel": draft.channel,
        "template": draft.template,
        "key": draft.key,
        "person_id": draft.receiver_id if draft.kind == "sms" else None,
        "on_call_id": draft.receiver_id if draft.kind == "alert" else None,
        "webhook_id": draft.receiver_id if draft.kind == "webhook" else None,
        "subject_kind": draft.subject_kind,
        "subject_id": draft.subject_id,
        "campaign_id": draft.campaign_id,
        "laboratory_id": draft.laboratory_id,
        "commune_id": draft.commune_id,
        "letter_id": None,
        "data": draft.data,
        "status": "queued",
        "urgency": URGENCIES[draft.kind],
        "attempts": 0,
        "run_at": calculate_run_at(
            clock.local(now), kind=draft.kind, quiet_from_hour=quiet_from, quiet_until_hour=quiet_until
        ),
        "worker": "",
        "last_error": "",
        "created_at": now,
    }


def cancel_messages(session: Session, *, subject_ids: Collection[uuid.UUID]) -> None:
    """Cancel what was to tell of some things and has not left, nor is to be decided by a person any more.

    Args:
        session: writing session.
        subject_ids: things of which nothing may be told any more.
    """
    session.execute(
        update(Message)
        .where(Message.subject_id.in_(subject_ids), Message.status.in_(("queued", "unsure", "given_up")))
        .values(status="cancelled", last_error="no_longer_true")
        .execution_options(synchronize_session=False)
    )
