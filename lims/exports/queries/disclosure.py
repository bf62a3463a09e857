"""Who was told, who has asked, who has looked: messages, people's requests, and the log of accesses. Nobody's name.

The log of accesses is what a breach is answered with: whose data an account has seen, from which day on
(docs/guides/personal-data.md).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from lims.auth.actors import Actor
from lims.auth.models import User
from lims.exports.queries.kinds import Kind, of, plain, within
from lims.intake.models import Declaration, Person, PersonAccess
from lims.outbox.models import Message
from lims.personal.models import DataRequest
from lims.places.models import Place

commune, laboratory = aliased(Place), aliased(Place)
# without the gateway's own words and receipts: they may repeat a number
MESSAGES = (
    "message_id",
    "kind",
    "channel",
    "template",
    "status",
    "attempts",
    "laboratory",
    "commune_code",
    "created_at",
    "sent_at",
    "delivered_at",
)
DATA_REQUESTS = (
    "request_id",
    "kind",
    "status",
    "decision",
    "declaration",
    "commune_code",
    "commune",
    "asked_at",
    "answer_due_at",
    "answered_at",
    "done_due_at",
    "settled_at",
)
ACCESSES = ("access_id", "person_id", "commune_code", "commune", "shown_by", "by", "username", "accessed_at")


def _messages(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Message.id.label("message_id"),
            Message.kind,
            Message.channel,
            Message.template,
            Message.status,
            Message.attempts,
            laboratory.name.label("laboratory"),
            commune.code.label("commune_code"),
            Message.created_at,
            Message.sent_at,
            Message.delivered_at,
        )
        .join(laboratory, laboratory.id == Message.laboratory_id)
        .outerjoin(commune, commune.id == Message.commune_id)
        .where(within(actor, Message.laboratory_id, Message.commune_id))
    )


def _data_requests(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(
            DataRequest.id.label("request_id"),
            DataRequest.kind,
            DataRequest.status,
            DataRequest.decision,
            Declaration.code.label("declaration"),
            commune.code.label("commune_code"),
            commune.name.label("commune"),
            DataRequest.asked_at,
            DataRequest.answer_due_at,
            DataRequest.answered_at,
            DataRequest.done_due_at,
            DataRequest.settled_at,
        )
        .join(Declaration, Declaration.id == DataRequest.declaration_id)
        .join(commune, commune.id == DataRequest.commune_id)
        .where(within(actor, DataRequest.commune_id))
    )


def _accesses(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(
            PersonAccess.id.label("access_id"),
            PersonAccess.person_id,
            commune.code.label("commune_code"),
            commune.name.label("commune"),
            PersonAccess.shown_by,
            User.display_name.label("by"),
            User.username,
            PersonAccess.accessed_at,
        )
        .join(Person, Person.id == PersonAccess.person_id)
        .join(commune, commune.id == Person.commune_id)
        .outerjoin(User, User.id == PersonAccess.user_id)
        .where(within(actor, Person.commune_id))
    )


KINDS = (
    Kind(
        "messages",
        "see_messages",
        MESSAGES,
        key=(Message.id,),
        query=_messages,
        of_campaign=of(Message.campaign_id),
        at=Message.created_at,
        read=plain(*MESSAGES),
    ),
    Kind(
        "data_requests",
        "handle_data_requests",
        DATA_REQUESTS,
        key=(DataRequest.id,),
        query=_data_requests,
        of_campaign=of(Declaration.campaign_id),
        at=DataRequest.asked_at,
        read=plain(*DATA_REQUESTS),
    ),
    Kind(
        "accesses",
        "handle_data_requests",
        ACCESSES,
        key=(PersonAccess.id,),
        query=_accesses,
        of_campaign=None,
        at=PersonAccess.accessed_at,
        read=plain(*ACCESSES),
    ),
)
