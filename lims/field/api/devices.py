"""Enrolling a phone, and the packet that travels to it."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import datetime
from typing import Any

from flask import Response, jsonify, request
from pydantic import BaseModel, Field

from lims import clock
from lims.auth import queries as auth_queries
from lims.auth import sessions, throttles
from lims.auth.actors import Actor
from lims.auth.rules import DEVICE
from lims.compression import compressed
from lims.errors import Refused
from lims.extensions import db, vault
from lims.field import keys, packets
from lims.field.actions import devices as actions
from lims.field.api import field_api
from lims.field.queries import devices as queries
from lims.security import current_actor, needs


class DeviceToEnrol(BaseModel):
    """A phone with the code of a coordinator's QR."""

    code: str = Field(max_length=100)
    public_key: str = Field(max_length=100, description="uncompressed point of P-256, base64")
    token: str = Field(max_length=64, description="made by the phone; kept as its SHA-256")
    label: str = Field(default="", max_length=200)


class NamedPlace(BaseModel):
    """A site or a campaign."""

    id: uuid.UUID
    name: str


class Collector(BaseModel):
    """Whose phone it is."""

    name: str
    badge: str
    language: str


class EnrolledDevice(BaseModel):
    """What a phone learns when it is enrolled."""

    device: uuid.UUID
    server_key: str
    server_time: datetime
    expires_at: datetime
    day: str
    team: str
    collector: Collector
    site: NamedPlace
    campaign: NamedPlace


def find_actor(token: str) -> Actor | None:
    """Return the actor of a phone's token: its collector, with a phone's rights alone; None for a dead one."""
    found = queries.find_live_device(db.session(), token_hash=sessions.hash_token(token), now=clock.now())
    if found is None:
        return None
    place_id = found.enrolment.place_id
    user = auth_queries.get_user(db.session(), user_id=found.enrolment.user_id)
    return Actor(
        user_id=user.id,
        display_name=user.display_name,
        roles=frozenset({DEVICE}),
        place_ids=frozenset({place_id}),
        language=user.language,
        device_id=found.id,
    )


sessions.identify_devices_with(find_actor)


@field_api.post("/field/enrolments")
@field_api.input(DeviceToEnrol)
@field_api.output(EnrolledDevice)
@field_api.doc(summary="Enrol a phone with a coordinator's QR", responses=[409, 422, 429])
def enrol_device(json_data: DeviceToEnrol) -> dict[str, Any]:
    """Bind a phone to a collector, a team, a site and a day."""
    with throttles.limited({throttles.ENROL_ADDRESS: request.remote_addr or ""}):
        made = actions.enrol_device(
            actor=current_actor(),
            code=json_data.code,
            public_key=json_data.public_key,
            token=json_data.token,
            label=json_data.label,
        )
    device = queries.get_device(db.session(), device_id=uuid.UUID(made["device"]))
    campaign = device.enrolment.campaign
    return packets.describe_device(device) | {
        "device": made["device"],
        "server_key": keys.server_point(vault()),
        "server_time": clock.now(),
        "campaign": {"id": campaign.id, "name": campaign.name},
    }


@field_api.get("/field/packet")
@field_api.doc(summary="The roster and the rules of a phone's site", responses=[304, 401, 409])
@needs("use_field_app")
@compressed
def get_packet() -> Response:
    """Return the packet while the phone's day lasts; 304 where the phone has this one already."""
    device = queries.get_device(db.session(), device_id=_device_id())
    if clock.now() >= device.enrolment.expires_at:
        raise Refused(
            "The day of this phone's enrolment is over: the roster is no longer given out. Scans are still taken."
        )
    packet = packets.make_packet(db.session(), device=device)
    content = hashlib.sha256(json.dumps(packet, sort_keys=True).encode()).hexdigest()
    response = jsonify(packets.dated(packet))
    response.set_etag(content[:32])
    response.make_conditional(request)
    return response


def _device_id() -> uuid.UUID:
    device_id = current_actor().device_id
    if device_id is None:  # only a phone has the permission that this address asks for
        raise RuntimeError("a phone's address was reached without a phone")
    return device_id
