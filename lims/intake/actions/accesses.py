"""Who has read a person's data (Law 91/2025/QH15; SECURITY §2: every read and export of personal data is kept)."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy import insert
from sqlalchemy.orm import Session

from lims import clock
from lims.auth.actors import Actor
from lims.intake.models import PersonAccess
from lims.tables import new_id
from lims.transaction import action


def record_accesses(*, actor: Actor, person_ids: Collection[uuid.UUID], shown_by: str) -> int:
    """Keep that the data of some people was shown, in one statement; called by the view once it has them.

    Args:
        actor: who saw it.
        person_ids: whose data it was; none is no error, and begins no transaction.
        shown_by: a word of `intake.rules.ACCESSES`.

    Returns:
        How many people.
    """
    return _record(actor=actor, person_ids=person_ids, shown_by=shown_by) if person_ids else 0


@action
def _record(session: Session, *, actor: Actor, person_ids: Collection[uuid.UUID], shown_by: str) -> int:
    rows = [
        {
            "id": new_id(),
            "person_id": person_id,
            "user_id": actor.user_id,
            "shown_by": shown_by,
            "accessed_at": clock.now(),
        }
        for person_id in dict.fromkeys(person_ids)
    ]
    session.execute(insert(PersonAccess), rows)
    return len(rows)
