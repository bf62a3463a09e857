"""A gateway says what became of a message it took."""

from __future__ import annotations

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.outbox.letters import Receipt
from lims.outbox.models import Message
from lims.outbox.rules import MESSAGE, MOST_TOGETHER
from lims.outbox.stuck import tell_if_stuck
from lims.transaction import action


@action
def note_receipt(session: Session, *, actor: Actor, receipt: Receipt) -> bool:
    """Mark a letter's messages as delivered or not; a receipt that comes twice, late or for nothing of ours changes
    nothing.

    Args:
        actor: the gateway, which has no account.
        receipt: what it says.

    Returns:
        True where something was marked.
    """
    if receipt.is_delivered is None:
        return False
    after = "delivered" if receipt.is_delivered else "given_up"
    named = [Message.provider_id == receipt.provider_id] if receipt.provider_id else []
    if receipt.request_id:
        alone = and_(Message.id == receipt.request_id, Message.letter_id.is_(None))
        named += [Message.letter_id == receipt.request_id, alone]
    messages = session.scalars(
        select(Message)
        .where(or_(*named), Message.kind != "webhook", Message.attempts > 0)
        .order_by(Message.id)
        .limit(MOST_TOGETHER)
        .with_for_update(of=Message)
    ).all()
    marked = [message for message in messages if MESSAGE.can(message.status, after)]
    for message in marked:
        _mark(session, message, after, receipt.word)
    return bool(marked)


def _mark(session: Session, message: Message, after: str, word: str) -> None:
    was_sure = message.sent_at is not None
    message.status, message.locked_until = after, None
    message.sent_at = message.sent_at or clock.now()
    if after == "delivered":
        message.delivered_at, message.last_error = clock.now(), ""
        if message.kind == "sms" and not was_sure:
            audit.note(session, message.subject_kind, message.subject_id, "notified", kind=message.kind)
        return
    message.last_error = f"receipt {word}"[:200]
    tell_if_stuck(session, message)
