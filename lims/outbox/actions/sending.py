"""A worker's steps, each one transaction: note what became of the letter in hand, take the next, find what was lost.

`take_next` commits `sending` with one more attempt before any driver is called. So a crash at any moment leaves either
a message that was never handed over (queued), or one that says that nobody knows (unsure).
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.outbox import stations
from lims.outbox.letters import Letter, Outcome
from lims.outbox.models import Message
from lims.outbox.queries.messages import is_stuck, lock_companions, lock_next
from lims.outbox.rules import MESSAGE, STUCK_ALERT, calculate_delay, calculate_run_at, judge_failure
from lims.outbox.stuck import tell_if_stuck
from lims.outbox.writing import Paper, find_phone, write_letter, write_to_people
from lims.transaction import action

# Messages that turn out not to be due are passed over, so many in one transaction.
MOST_PASSED_OVER = 200
LOST_AT_ONCE = 100


@action
def take_next(
    session: Session,
    *,
    actor: Actor,
    worker: str,
    paper: Paper,
    channels: Collection[str],
    left_alone: Collection[uuid.UUID] = (),
    lease: timedelta,
    done: Outcome | None = None,
    is_ending: bool = False,
) -> Letter | None:
    """Note what became of the letter in hand, and take the next message in hand: one commit for both.

    What no longer holds is cancelled here, in the transaction that looks: a result that is not the released one any
    more is told to nobody. A person's message that slipped into the quiet hours waits for their end. Messages that were
    written together for one telephone leave as one letter.

    Args:
        actor: the system.
        worker: name of the worker, for whoever looks at the table.
        paper: what letters are written on.
        channels: those the worker can send by at the moment.
        left_alone: webhooks that do not answer at the moment.
        lease: how long the message is the worker's.
        done: what became of the letter before.
        is_ending: take nothing more.

    Returns:
        The letter to send; None where nothing is due.
    """
    if done is not None:
        _note_outcome(session, done, worker)
    if is_ending:
        return None
    for _turn in range(MOST_PASSED_OVER):
        message = lock_next(session, now=clock.now(), channels=channels, left_alone=left_alone)
        if message is None:
            return None
        letter = _take(session, message, worker, paper, lease)
        session.flush()
        if letter is not None:
            return letter
    return None


def _take(session: Session, message: Message, worker: str, paper: Paper, lease: timedelta) -> Letter | None:
    """Put a locked message, and those that leave with it, into the worker's hand; None where none is to be sent now."""
    due = [one for one in (message, *lock_companions(session, message=message)) if _still_holds(session, one)]
    if not due or _is_put_off(due):
        return None
    phone = ""
    if message.kind == "sms":
        phone, due = _at_one_telephone(session, due, paper)
    if not due:
        return None
    attempt = 1 + max(one.attempts for one in due)
    for one in due:
        one.attempts = attempt
    letter = (
        write_to_people(due, phone=phone, paper=paper)
        if message.kind == "sms"
        else write_letter(session, message=message, paper=paper)
    )
    if letter is None:
        message.attempts -= 1
        _cancel(message, "no_address")
        return None
    for one in due:
        MESSAGE.check(one.status, "sending", code=str(one.id))
        one.status, one.worker, one.locked_until = "sending", worker, clock.now() + lease
    return letter


def _still_holds(session: Session, message: Message) -> bool:
    """Tell whether what a message says is true at this moment; cancel it where it is not."""
    if message.template == STUCK_ALERT:
        holds = is_stuck(session, message_id=message.subject_id)
    else:
        holds = stations.is_due(session, message.template, message.subject_id)
    if not holds:
        _cancel(message, "no_longer_true")
    return holds


def _is_put_off(messages: Sequence[Message]) -> bool:
    """Tell whether messages wait for the end of the quiet hours, and put them off until then."""
    now, campaign = clock.now(), messages[0].campaign
    run_at = calculate_run_at(
        clock.local(now),
        kind=messages[0].kind,
        quiet_from_hour=campaign.quiet_from_hour,
        quiet_until_hour=campaign.quiet_until_hour,
    )
    if run_at <= now:
        return False
    for message in messages:
        message.run_at = run_at
    return True


def _at_one_telephone(
    session: Session, messages: Sequence[Message], paper: Paper
) -> tuple[str, list[Message]]:
    """Return a telephone and the messages that go there; whose number was corrected meanwhile leaves alone, later."""
    phones = [(message, find_phone(session, message=message, paper=paper)) for message in messages]
    phone = next((phone for _message, phone in phones if phone), "")
    for message, own in phones:
        if not own:
            _cancel(message, "no_address")
        elif own != phone:
            message.letter_id = None
    return phone, [message for message, own in phones if own and own == phone]


def _cancel(message: Message, why: str) -> None:
    MESSAGE.check(message.status, "cancelled", code=str(message.id))
    message.status, message.last_error = "cancelled", why


def _note_outcome(session: Session, done: Outcome, worker: str) -> None:
    """Mark what was in hand; what was taken for lost meanwhile is marked too, if nobody has it again."""
    messages = session.scalars(
        select(Message)
        .where(
            Message.id.in_(done.letter.message_ids),
            Message.worker == worker,
            Message.attempts == done.letter.attempt,
            Message.status.in_(("sending", "unsure")),
        )
        .order_by(Message.id)
        .with_for_update(of=Message)
    ).all()
    for message in messages:
        _mark(session, message, done)


def _mark(session: Session, message: Message, done: Outcome) -> None:
    now = clock.now()
    message.locked_until, message.last_error = None, done.error[:200]
    if done.is_sent:
        message.status, message.sent_at = "sent", now
        message.provider_id = done.provider_id[:120] or None
        if message.kind == "sms":
            audit.note(session, message.subject_kind, message.subject_id, "notified", kind=message.kind)
        return
    message.status = judge_failure(message.attempts, is_known=done.is_known, is_idempotent=done.drops_repeats)
    message.run_at = now + calculate_delay(message.attempts, kind=message.kind)
    tell_if_stuck(session, message)


@action
def find_lost(session: Session, *, actor: Actor, channels: Mapping[str, bool]) -> int:
    """Take from workers that died what they had in hand: sent again only where the receiver drops repeats.

    Args:
        actor: the system.
        channels: those the worker can send by → whether the receiver drops repeats.

    Returns:
        How many messages were lost.
    """
    now = clock.now()
    lost = session.scalars(
        select(Message)
        .where(Message.status == "sending", Message.locked_until < now)
        .order_by(Message.id)
        .limit(LOST_AT_ONCE)
        .with_for_update(of=Message, skip_locked=True)
    ).all()
    for message in lost:
        after = judge_failure(
            message.attempts, is_known=False, is_idempotent=channels.get(message.channel, False)
        )
        MESSAGE.check(message.status, after, code=str(message.id))
        message.status, message.locked_until, message.last_error = after, None, "worker_died"
        tell_if_stuck(session, message)
    return len(lost)
