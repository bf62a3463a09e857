"""Messages, on-call lists and webhooks for programs; and where SMS gateways say what became of a message."""

from __future__ import annotations

import hmac
import uuid
from datetime import datetime
from typing import Any, Literal

from apiflask import APIBlueprint
from flask import request
from pydantic import BaseModel, Field

from lims.auth.actors import RESIDENT
from lims.auth.throttles import QUARTER, Limit, limited
from lims.errors import SignInNeeded
from lims.extensions import db, settings, vault
from lims.outbox.actions import receipts, receivers, settling
from lims.outbox.drivers import choosing
from lims.outbox.gateway import Gateway
from lims.outbox.models import Message, OnCall, Webhook
from lims.outbox.queries import messages as queries
from lims.outbox.queries import receivers as receiver_queries
from lims.outbox.rules import EVENTS
from lims.security import current_actor, needs
from lims.texts import FORBIDDEN, check_text, walk_texts

outbox_api = APIBlueprint("outbox_api", __name__, url_prefix="/api/v1", tag="Messages")
MOST = 500
# A gateway sends thousands of receipts; only wrong secrets count.
RECEIPT_ADDRESS = Limit("receipt.address", 20, QUARTER)
Status = Literal["queued", "sending", "sent", "unsure", "given_up", "delivered", "cancelled"]


class Once(BaseModel):
    """What is sent once: the id its sender made."""

    client_id: uuid.UUID


class MessagesAsked(BaseModel):
    """Which messages to list; without a state those that wait for a decision."""

    status: Status | None = None
    after: uuid.UUID | None = None
    most: int = Field(default=100, ge=1, le=MOST)


class MessageOut(BaseModel):
    """A message: what it tells of, how it goes, how far it is; never to which number, never its words."""

    id: uuid.UUID
    kind: str
    channel: str
    template: str
    status: str
    subject_kind: str
    subject_id: uuid.UUID
    laboratory_id: uuid.UUID
    commune_id: uuid.UUID | None
    attempts: int
    last_error: str
    created_at: datetime
    run_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None


class UntoldOut(BaseModel):
    """How many people wait to be told, from so many hours on."""

    hours: int
    people: int


class MessagesOut(BaseModel):
    """Messages, the oldest first, and who is not told yet."""

    messages: list[MessageOut]
    untold: list[UntoldOut]
    next: uuid.UUID | None


class MovedOut(BaseModel):
    """A message and the state it has now."""

    message: uuid.UUID
    status: str


class NewOnCall(Once):
    """Somebody who is told of positives at once."""

    place_id: uuid.UUID
    channel: Literal["sms", "email"]
    address: str = Field(max_length=200)
    label: str = Field(max_length=80)
    hears: Literal["alarms", "reports"] = "alarms"


class OnCallOut(BaseModel):
    """An entry of the on-call list; of its address only the end."""

    id: uuid.UUID
    place_id: uuid.UUID
    channel: str
    hint: str
    label: str
    hears: str


class OnCallsOut(BaseModel):
    """Who is on call among the caller's places."""

    on_call: list[OnCallOut]


class NewWebhook(BaseModel):
    """Another system that is to hear of releases."""

    name: str = Field(max_length=80)
    url: str = Field(max_length=500)
    events: list[Literal["result.released", "result.amended", "result.withdrawn"]] = Field(
        default=["result.released", "result.amended", "result.withdrawn"],
        min_length=1,
        max_length=len(EVENTS),
    )
    place_id: uuid.UUID | None = None


class MadeWebhook(BaseModel):
    """The secret of a new webhook; it is shown here and never again."""

    id: uuid.UUID
    secret: str


class WebhookOut(BaseModel):
    """A webhook."""

    id: uuid.UUID
    name: str
    url: str
    events: list[str]
    place_id: uuid.UUID | None
    created_at: datetime


class WebhooksOut(BaseModel):
    """The webhooks in use."""

    webhooks: list[WebhookOut]


class Ended(BaseModel):
    """What was ended."""

    id: uuid.UUID


class ReceiptOut(BaseModel):
    """Whether the receipt was of a message that waited for one."""

    noted: bool


def _describe(message: Message) -> dict[str, Any]:
    return {name: getattr(message, name) for name in MessageOut.model_fields}


@outbox_api.get("/messages")
@outbox_api.input(MessagesAsked, location="query")
@outbox_api.output(MessagesOut)
@outbox_api.doc(
    summary="Messages of the caller's places, keyset-paged, and who is not told yet", responses=[422]
)
@needs("see_messages")
def list_messages(query_data: MessagesAsked) -> dict[str, Any]:
    """List messages."""
    actor, session = current_actor(), db.session()
    found = queries.list_messages(
        session, actor=actor, status=query_data.status or "", after=query_data.after, most=query_data.most
    )
    return {
        "messages": [_describe(message) for message in found],
        "untold": [
            {"hours": hours, "people": people} for hours, people in queries.count_untold(session, actor=actor)
        ],
        "next": found[-1].id if len(found) == query_data.most else None,
    }


@outbox_api.post("/messages/<uuid:message_id>/again")
@outbox_api.input(Once)
@outbox_api.output(MovedOut)
@outbox_api.doc(summary="Queue a message once more that was given up or is unsure", responses=[404, 409, 422])
@needs("see_messages")
def send_again(message_id: uuid.UUID, json_data: Once) -> dict[str, str]:
    """Queue a message once more."""
    return settling.send_again(actor=current_actor(), client_id=json_data.client_id, message_id=message_id)


@outbox_api.post("/messages/<uuid:message_id>/settle")
@outbox_api.input(Once)
@outbox_api.output(MovedOut)
@outbox_api.doc(summary="Note that a message arrived, or was told otherwise", responses=[404, 409, 422])
@needs("see_messages")
def settle_message(message_id: uuid.UUID, json_data: Once) -> dict[str, str]:
    """Note that a message arrived."""
    return settling.settle_message(
        actor=current_actor(), client_id=json_data.client_id, message_id=message_id
    )


def _describe_entry(entry: OnCall) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in OnCallOut.model_fields}


@outbox_api.get("/on-call")
@outbox_api.output(OnCallsOut)
@outbox_api.doc(summary="Who is told of positives at once, in the caller's places")
@needs("manage_on_call")
def list_on_call() -> dict[str, Any]:
    """List who is on call."""
    found = receiver_queries.list_on_call(db.session(), actor=current_actor())
    return {"on_call": [_describe_entry(entry) for entry in found]}


@outbox_api.post("/on-call")
@outbox_api.input(NewOnCall)
@outbox_api.output(Ended)
@outbox_api.doc(summary="Put somebody on the on-call list of a place", responses=[404, 409, 422])
@needs("manage_on_call")
def add_on_call(json_data: NewOnCall) -> dict[str, str]:
    """Put somebody on call."""
    return receivers.add_on_call(
        actor=current_actor(),
        client_id=json_data.client_id,
        place_id=json_data.place_id,
        channel=json_data.channel,
        address=json_data.address,
        label=json_data.label,
        hears=json_data.hears,
    )


@outbox_api.post("/on-call/<uuid:on_call_id>/end")
@outbox_api.input(Once)
@outbox_api.output(Ended)
@outbox_api.doc(summary="Take somebody off the on-call list", responses=[404, 409, 422])
@needs("manage_on_call")
def end_on_call(on_call_id: uuid.UUID, json_data: Once) -> dict[str, str]:
    """Take somebody off the list."""
    return receivers.end_on_call(actor=current_actor(), client_id=json_data.client_id, on_call_id=on_call_id)


def _describe_webhook(webhook: Webhook) -> dict[str, Any]:
    return {name: getattr(webhook, name) for name in WebhookOut.model_fields}


@outbox_api.get("/webhooks")
@outbox_api.output(WebhooksOut)
@outbox_api.doc(summary="Which other systems are told of releases")
@needs("manage_webhooks")
def list_webhooks() -> dict[str, Any]:
    """List webhooks."""
    return {"webhooks": [_describe_webhook(one) for one in receiver_queries.list_webhooks(db.session())]}


@outbox_api.post("/webhooks")
@outbox_api.input(NewWebhook)
@outbox_api.output(MadeWebhook)
@outbox_api.doc(summary="Add a webhook; the answer shows its secret, once", responses=[404, 422])
@needs("manage_webhooks")
def add_webhook(json_data: NewWebhook) -> dict[str, str]:
    """Add a webhook."""
    return receivers.add_webhook(
        actor=current_actor(),
        name=json_data.name,
        url=json_data.url,
        events=json_data.events,
        place_id=json_data.place_id,
    )


@outbox_api.post("/webhooks/<uuid:webhook_id>/end")
@outbox_api.input(Once)
@outbox_api.output(Ended)
@outbox_api.doc(summary="End a webhook", responses=[404, 409, 422])
@needs("manage_webhooks")
def end_webhook(webhook_id: uuid.UUID, json_data: Once) -> dict[str, str]:
    """End a webhook."""
    return receivers.end_webhook(actor=current_actor(), client_id=json_data.client_id, webhook_id=webhook_id)


@outbox_api.post("/receipts", endpoint="note_receipt")
@outbox_api.output(ReceiptOut)
@outbox_api.doc(
    summary="What an SMS gateway says of a message",
    description="Signed as the gateway's file describes, or with this installation's secret for receipts as a bearer "
    "token or as a password (`lims outbox receipts`).",
    responses=[401, 429],
)
def hear_receipt() -> dict[str, bool]:
    """Note a receipt, in JSON, as a form or, where it is not signed, in the query."""
    gateway = choosing.find_gateway(settings())
    body = request.get_data(cache=True)
    with limited({RECEIPT_ADDRESS: request.remote_addr or ""}):
        _check_sender(gateway, body)
    said = {**request.form.to_dict(), **_read_object()}
    if gateway is None:
        return {"noted": False}
    if gateway.signature is None:
        said = {**request.args.to_dict(), **said}
    for name, text in walk_texts(said):
        check_text(text, field=FORBIDDEN.sub("", name))
    receipt = gateway.read_receipt(said)
    return {"noted": receipt is not None and receipts.note_receipt(actor=RESIDENT, receipt=receipt)}


def _read_object() -> dict[str, Any]:
    body = request.get_json(silent=True) if request.is_json else None
    return body if isinstance(body, dict) else {}


def _check_sender(gateway: Gateway | None, body: bytes) -> None:
    """Refuse what is not the gateway's: unsigned where it signs, else without the secret, in a header."""
    if gateway is not None and gateway.signature is not None:
        known = gateway.is_signed(body, request.headers.get(gateway.signature.header, ""))
    else:
        sent = request.authorization
        told = (sent.token or sent.password or "") if sent is not None else ""
        known = hmac.compare_digest(told.encode(), choosing.receipt_secret(vault()).encode())
    if not known:
        raise SignInNeeded(
            "This receipt does not come from the SMS gateway. Check its signature or its secret."
        )
