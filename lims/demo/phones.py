"""Phones of the demonstration: one that waits for its collector, and one that has sent its first scans today."""

from __future__ import annotations

import base64
import json
import secrets
import uuid

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lims import clock
from lims.auth import queries as auth_queries
from lims.auth.actors import RESIDENT, Actor
from lims.demo.province import Setting
from lims.extensions import db, vault
from lims.field import handing_in, keys, packets
from lims.field.actions.devices import enrol_device
from lims.field.actions.enrolments import enrol_collectors
from lims.field.api.devices import find_actor
from lims.field.queries import devices as device_queries
from lims.intake.actions.lots import mint_tubes

SCANS = 6


def enrol_phones(setting: Setting) -> None:
    """Enrol the collectors of the home commune for today; one of them has a phone and binds a few people.

    Args:
        setting: where the demonstration is played.
    """
    coordinator, site_id = setting.actors["coordinator"], _home(setting)
    for lot in ("single", "mixed"):
        mint_tubes(actor=coordinator, campaign_id=setting.campaign_id, mode=lot, count=40, place_id=site_id)
    made = [
        enrol_collectors(
            actor=coordinator,
            campaign_id=setting.campaign_id,
            place_id=site_id,
            day=clock.today(),
            team=team,
            user_ids=[setting.actors[name].user_id or uuid.UUID(int=0)],
        )["enrolments"][0]
        for name, team in (("collector", "Tổ 1"), ("team", "Tổ 2"))
    ]
    _collect(uuid.UUID(made[1]))


def _home(setting: Setting) -> uuid.UUID:
    (site_id,) = set(setting.site_ids.values()) & setting.actors["collector"].place_ids
    return site_id


def _collect(enrolment_id: uuid.UUID) -> None:
    """Enrol a phone that lives as long as this function, and let it bind the first people of its roster."""
    key, token = ec.generate_private_key(keys.CURVE), secrets.token_urlsafe(32)
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    enrolled = enrol_device(
        actor=RESIDENT,
        code=keys.enrolment_code(vault(), enrolment_id),
        public_key=base64.b64encode(point).decode(),
        token=token,
        label="demo",
    )
    device = device_queries.get_device(db.session(), device_id=uuid.UUID(enrolled["device"]))
    badge = auth_queries.get_user(db.session(), user_id=device.enrolment.user_id).badge_code
    packet = packets.make_packet(db.session(), device=device)
    waiting = [row[0] for row in packet["people"] if row[4] == "open"]
    tubes = packet["tubes"]["single"]
    session, now = str(uuid.uuid4()), clock.now()
    slips = []
    for number, person in enumerate(waiting[: min(SCANS, len(tubes) // 9)], start=1):
        text = json.dumps(
            {
                "v": 1,
                "id": str(uuid.uuid4()),
                "device": enrolled["device"],
                "seq": number,
                "kind": "bind",
                "at": now.isoformat(timespec="milliseconds"),
                "offset_ms": 0,
                "badge": badge,
                "session": session,
                "how": "camera",
                "tube": tubes[(number - 1) * 9 : number * 9],
                "declaration": person,
            }
        )
        slips.append((text, _sign(key, text)))
    actor = find_actor(token)
    if isinstance(actor, Actor):
        handing_in.hear(actor=actor, sent_at=now, unsent=0, app_version="demo")
        handing_in.hand_in(actor=actor, slips=slips, sent_at=now)


def _sign(key: ec.EllipticCurvePrivateKey, text: str) -> str:
    pair = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(SHA256())))
    return base64.b64encode(b"".join(number.to_bytes(32, "big") for number in pair)).decode()
