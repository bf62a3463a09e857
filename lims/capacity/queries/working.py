"""How the product itself works: what is queued, and when it was counted last. No person, no place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lims.auth.actors import Actor
from lims.capacity.models.alarms import Alarm
from lims.capacity.models.counts import CountingTurn
from lims.outbox.models import Message
from lims.uncounted import Uncounted

WAITING = ("queued", "sending", "unsure", "given_up")
"""States of messages that somebody or something still has to do with."""


@dataclass(frozen=True)
class Working:
    """What waits to be done by workers.

    Args:
        messages: (channel, state) → how many, of those that wait.
        uncounted: changes that are not in the figures yet.
        uncounted_since: the oldest of them; None without any.
        folded_at: when changes were counted last; None before the first time.
        alarms: open now, by kind.
    """

    messages: Mapping[tuple[str, str], int]
    uncounted: int
    uncounted_since: datetime | None
    folded_at: datetime | None
    alarms: Mapping[str, int]


def read_working(session: Session, *, actor: Actor) -> Working:
    """Return it: four statements over what is queued; alarms of the actor's places alone."""
    messages = session.execute(
        select(Message.channel, Message.status, func.count())
        .where(Message.status.in_(WAITING))
        .group_by(Message.channel, Message.status)
    )
    queued = session.execute(select(func.count(), func.min(Uncounted.recorded_at))).one()
    open_now = select(Alarm.kind, func.count()).where(Alarm.ended_at.is_(None)).group_by(Alarm.kind)
    if not actor.everywhere:
        open_now = open_now.where(Alarm.place_id.in_(actor.place_ids))
    alarms = session.execute(open_now)
    return Working(
        messages={(channel, status): number for channel, status, number in messages},
        uncounted=queued[0],
        uncounted_since=queued[1],
        folded_at=session.scalar(select(func.max(CountingTurn.folded_at))),
        alarms=dict(alarms.all()),
    )
