"""What staff decide about a message that was given up, or of which nobody knows whether it arrived."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.outbox.models import Message
from lims.outbox.queries.messages import get_message, lock_stuck_companions
from lims.outbox.rules import MESSAGE
from lims.tables import new_id
from lims.transaction import action


@action
def send_again(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, message_id: uuid.UUID
) -> dict[str, str]:
    """Queue a message once more, as if it had never been tried, and those that left with it.

    Whether it still holds is looked at when it goes.

    Args:
        actor: who decides; the message may then arrive twice, if it had arrived.
        client_id: id made by the sender.
        message_id: unsure or given up.

    Returns:
        `message` and `status`.

    Raises:
        NotFound: no such message in the actor's places.
        WrongState: it waits for nobody's decision.
    """
    message = get_message(session, actor=actor, message_id=message_id, lock=True)
    # who drops repeats must not take it for one, nor may what a gateway says of the first letter count; another system
    # keeps what it was told under the message's key
    letter_id = None if message.kind == "webhook" else new_id()
    for one in (message, *lock_stuck_companions(session, message=message)):
        _move(one, "queued")
        one.attempts, one.run_at, one.sent_at = 0, clock.now(), None
        one.letter_id, one.provider_id = letter_id, None
        audit.note(session, "message", one.id, "queued_again", kind=one.kind)
    return {"message": str(message.id), "status": message.status}


@action
def settle_message(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, message_id: uuid.UUID
) -> dict[str, str]:
    """Note that what a message says has arrived, by the message or by word of mouth, with those that left with it.

    Nothing is sent any more.

    Args:
        actor: who knows it.
        client_id: id made by the sender.
        message_id: unsure or given up.

    Returns:
        `message` and `status`.

    Raises:
        NotFound: no such message in the actor's places.
        AlreadyDone: it is delivered.
        WrongState: it waits for nobody's decision.
    """
    message = get_message(session, actor=actor, message_id=message_id, lock=True)
    for one in (message, *lock_stuck_companions(session, message=message)):
        _move(one, "delivered")
        one.delivered_at = clock.now()
        audit.note(session, "message", one.id, "arrived", kind=one.kind)
        if one.kind == "sms":
            audit.note(session, one.subject_kind, one.subject_id, "notified", kind=one.kind)
    return {"message": str(message.id), "status": message.status}


def _move(message: Message, after: str) -> None:
    MESSAGE.check(message.status, after, code=message.template, field="message_id")
    message.status, message.last_error, message.locked_until = after, "", None
