"""Reading messages: a worker's next, staff's worklist, who is not told yet."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Select, bindparam, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

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

    Of each urgency the one that waits longest, the most urgent first: one index range each. Of messages that leave
    together only the first can be taken, so that no two workers share them.

    Args:
        session: writing session.
        now: messages of later are not due.
        channels: those that this worker can send by.
        left_alone: webhooks that do not answer at the moment.
    """
    for urgency in sorted(set(URGENCIES.values())):
        query = _next()
        if left_alone and urgency == URGENCIES["webhook"]:
            query = query.where(Message.webhook_id.not_in(left_alone))
        given = {"urgency": urgency, "now": now, "channels": list(channels)}
        found = session.scalars(query, given).first()
        if found is not None:
            return found
    return None


@cache
def _next() -> Select[Message]:
    # made once: a worker asks it thrice a message, and making it costs more than the answer
    before = aliased(Message)
    is_second = exists().where(
        before.letter_id == Message.letter_id, before.status == "queued", before.id < Message.id
    )
    return (
        select(Message)
        .where(
            Message.status == "queued",
            Message.urgency == bindparam("urgency"),
            Message.run_at <= bindparam("now"),
            Message.channel.in_(bindparam("channels", expanding=True)),
            or_(Message.letter_id.is_(None), ~is_second),
        )
        .order_by(Message.run_at, Message.id)
        .limit(1)
        .with_for_update(of=Message, skip_locked=True)
    )


def lock_companions(session: Session, *, message: Message) -> Sequence[Message]:
    """Return what leaves together with a message, locked; the message itself is locked already."""
    return _lock_same_letter(session, message, ("queued",))


def lock_stuck_companions(session: Session, *, message: Message) -> Sequence[Message]:
    """Return what left together with a message and waits for the same decision, locked."""
    return _lock_same_letter(session, message, STUCK)


def _lock_same_letter(session: Session, message: Message, states: Collection[str]) -> Sequence[Message]:
    if message.letter_id is None:
        return []
    same = (Message.letter_id == message.letter_id, Message.status.in_(states), Message.id != message.id)
    return session.scalars(
        select(Message).where(*same).order_by(Message.id).with_for_update(of=Message)
    ).all()


def is_stuck(session: Session, *, message_id: uuid.UUID) -> bool:
    """Tell whether a message waits for a person's decision."""
    return session.scalar(select(Message.status).where(Message.id == message_id)) in STUCK


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
