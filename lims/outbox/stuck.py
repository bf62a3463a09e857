"""Telling staff on call that messages came to nothing: one alert an hour to each, for a laboratory, however many."""

from __future__ import annotations

from sqlalchemy.orm import Session

from lims import clock
from lims.outbox.models import Message
from lims.outbox.queries.receivers import find_on_call
from lims.outbox.queueing import Draft, queue_messages
from lims.outbox.rules import STUCK_ALERT, wakes_staff


def tell_if_stuck(session: Session, message: Message) -> None:
    """Write alerts where a message was given up, or an alert may not have arrived; for nothing else.

    Args:
        session: the writing session that has just moved the message.
        message: in its new state.
    """
    if not wakes_staff(message.status, kind=message.kind, template=message.template):
        return
    hour = clock.local(clock.now()).strftime("%Y%m%d%H")
    on_call = find_on_call(session, place_ids=[message.laboratory_id]).get(message.laboratory_id, ())
    drafts = [
        Draft(
            kind="alert",
            channel=channel,
            template=STUCK_ALERT,
            key=f"{STUCK_ALERT}:{message.laboratory_id}:{entry_id}:{hour}",
            subject_kind="message",
            subject_id=message.id,
            campaign_id=message.campaign_id,
            laboratory_id=message.laboratory_id,
            commune_id=None,
            receiver_id=entry_id,
            data={"laboratory": message.laboratory.code},
        )
        for entry_id, channel in on_call
    ]
    queue_messages(session, drafts, skips_told=True)
