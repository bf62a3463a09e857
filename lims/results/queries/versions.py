"""What became of each version of a result: its certificates, and what its person was sent about it."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.outbox.models import Message
from lims.results.certificates.models import Certificate


def map_certificates(
    session: Session, *, result_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, Sequence[Any]]:
    """Return `issued_at` and `revoked_at` of the certificates of some versions, the oldest first."""
    found: defaultdict[uuid.UUID, list[Any]] = defaultdict(list)
    for row in session.execute(
        select(Certificate.result_id, Certificate.issued_at, Certificate.revoked_at)
        .where(Certificate.result_id.in_(result_ids))
        .order_by(Certificate.issued_at, Certificate.id)
    ):
        found[row.result_id].append(row)
    return dict(found)


def map_messages(session: Session, *, result_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Sequence[Any]]:
    """Return `template`, `status` and `sent_at` of what people are told of some versions, the oldest first."""
    found: defaultdict[uuid.UUID, list[Any]] = defaultdict(list)
    for row in session.execute(
        select(Message.subject_id, Message.template, Message.status, Message.sent_at)
        .where(Message.subject_id.in_(result_ids), Message.kind == "sms")
        .order_by(Message.created_at, Message.id)
    ):
        found[row.subject_id].append(row)
    return dict(found)
