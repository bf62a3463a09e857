"""Reading messages: a worker's next, staff's worklist, who is not told yet."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, case, func, or_, select
from sqlalchemy.orm import Session

from lims import clock
from lims.auth.actors import Actor
from lims.errors import NotFound
from lims.outbox.models import Message
from lims.outbox.rules import STUCK, TO_PEOPLE, URGENCIES

PAGE = 50
# Lower bounds of the ages in which people wait to be told, in hours.
AGES = (0, 1, 6, 24)


def lock_next(
    session: Session,
    *,
    now: datetime,
    channels: Collection[str],
    left_alone: Collection[uuid.UUID] = (),
) -> Message | None:
    """Return the message that goes next, locked; passed over while another worker has it.

    Of each urgency the one that waits longest, the most urgent first: one index range each.

    Args:
        session: writing session.
        now: messages of later are not due.
        channels: those that this worker can send by.
        left_alone: webhooks that do not answer at the moment.
    """
    for urgency in sorted(set(URGENCIES.values())):
        query = (
            select(Message)
            .where(
                Message.status == "queued",
                Message.urgency == urgency,
                Message.run_at <= now,
                Message.channel.in_(channels),
            )
            .order_by(Message.run_at, Message.id)
            .limit(1)
            .with_for_update(of=Message, skip_locked=True)
        )
        if left_alone and urgency == URGENCIES["webhook"]:
            query = query.where(Message.webhook_id.not_in(left_alone))
        found = session.scalars(query).first()
        if found is not None:
            return found
    return None


def count_due(session: Session, *, now: datetime, channels: Collection[str]) -> int:
    """Return how many messages could be sent at this moment by some channels."""
    return (
        session.scalar(
            select(func.count()).where(
                Message.status == "queued", Message.run_at <= now, Message.channel.in_(channels)
            )
        )
        or 0
    )


def has_due(session: Session, *, now: datetime, channels: Collection[str]) -> bool:
    """Tell whether a message is due; a read that takes no lock."""
    due = (Message.status == "queued", Message.run_at <= now, Message.channel.in_(channels))
    return session.scalar(select(Message.id).where(*due).limit(1)) is not None


def has_lost(session: Session, *, now: datetime) -> bool:
    """Tell whether a worker died with a message in its hand; a read that takes no lock."""
    lost = (Message.status == "sending", Message.locked_until < now)
    return session.scalar(select(Message.id).where(*lost).limit(1)) is not None


def count_in_hand(session: Session) -> int:
    """Return how many messages are in a worker's hand."""
    return session.scalar(select(func.count()).where(Message.status == "sending")) or 0


def get_message(session: Session, *, actor: Actor, message_id: uuid.UUID, lock: bool = False) -> Message:
    """Return a message of the actor's laboratories or communes.

    Raises:
        NotFound: there is none.
    """
    missing = NotFound("There is no such message among your places. Load the list again.", field="message_id")
    message = session.get(Message, message_id, with_for_update=lock or None)
    if message is None:
        raise missing
    places = [message.laboratory_id, *([message.commune_id] if message.commune_id else [])]
    actor.check_place(*places, missing=missing)
    return message


def _seen_by(query: Select[Message], actor: Actor) -> Select[Message]:
    if actor.everywhere:
        return query
    return query.where(
        or_(Message.laboratory_id.in_(actor.place_ids), Message.commune_id.in_(actor.place_ids))
    )


def list_messages(
    session: Session, *, actor: Actor, status: str = "", after: uuid.UUID | None = None, most: int = PAGE
) -> Sequence[Message]:
    """Return messages of the actor's places, the oldest first, keyset-paged.

    Args:
        session: reading session.
        actor: who asks.
        status: a state; '' for those that wait for a person's decision.
        after: key of the last one of the page before.
        most: rows returned.
    """
    states = (status,) if status else STUCK
    query = _seen_by(select(Message).where(Message.status.in_(states)), actor)
    if after is not None:
        query = query.where(Message.id > after)
    return session.scalars(query.order_by(Message.id).limit(most)).all()


def count_by_status(session: Session, *, actor: Actor, since: datetime) -> Mapping[str, int]:
    """Return how many messages of the actor's places are in each state; of those that are over, since a moment."""
    over = ("sent", "delivered", "cancelled")
    query = _seen_by(
        select(Message).where(or_(Message.status.not_in(over), Message.created_at >= since)), actor
    )
    rows = session.execute(
        query.with_only_columns(Message.status, func.count(), maintain_column_froms=True).group_by(
            Message.status
        )
    )
    return {row[0]: row[1] for row in rows}


def count_untold(session: Session, *, actor: Actor) -> Sequence[tuple[int, int]]:
    """Return how many people wait for a message that has not reached them, by age.

    Returns:
        (hours from which the class begins, people), in the order of `AGES`.
    """
    now = clock.now()
    age = case(
        *((Message.created_at <= now - timedelta(hours=hours), hours) for hours in reversed(AGES[1:])),
        else_=0,
    ).label("age")
    waiting = ("queued", "sending", *STUCK)
    query = _seen_by(
        select(Message).where(Message.status.in_(waiting), Message.template.in_(TO_PEOPLE)), actor
    )
    rows = session.execute(
        query.with_only_columns(age, func.count(), maintain_column_froms=True).group_by(age)
    )
    found = {row[0]: row[1] for row in rows}
    return [(hours, found.get(hours, 0)) for hours in AGES]
