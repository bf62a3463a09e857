"""A gateway says what became of a message it took."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lims import clock
from lims.auth.actors import Actor
from lims.outbox.letters import Receipt
from lims.outbox.models import Message
from lims.outbox.rules import MESSAGE
from lims.transaction import action


@action
def note_receipt(session: Session, *, actor: Actor, receipt: Receipt) -> bool:
    """Mark a message as delivered or not; a receipt that comes twice, late or for nothing of ours changes nothing.

    Args:
        actor: the gateway, which has no account.
        receipt: what it says.

    Returns:
        True where something was marked.
    """
    if receipt.is_delivered is None:
        return False
    after = "delivered" if receipt.is_delivered else "given_up"
    named = [Message.id == receipt.message_id] if receipt.message_id else []
    named += [Message.provider_id == receipt.provider_id] if receipt.provider_id else []
    message = session.scalars(
        select(Message)
        .where(or_(*named), Message.kind != "webhook", Message.attempts > 0)
        .order_by(Message.id)
        .limit(1)
        .with_for_update(of=Message)
    ).first()
    if message is None or not MESSAGE.can(message.status, after):
        return False
    message.status, message.locked_until = after, None
    message.sent_at = message.sent_at or clock.now()
    if after == "delivered":
        message.delivered_at, message.last_error = clock.now(), ""
    else:
        message.last_error = f"receipt {receipt.word}"[:200]
    return True
