"""Phones of collectors, as programs: their own keys, their own clock, the requests that the app makes."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from factories import World
from flask.testing import FlaskClient

from lims import clock
from lims.extensions import db, vault
from lims.field.keys import CURVE, FILE_INFO, enrolment_code
from lims.field.models import Enrolment
from lims.field.rules import calculate_expiry
from lims.tables import new_id
from lims.transaction import writing

Slip = dict[str, str]


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def point_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a key's public point, 65 bytes."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def make_enrolment(world: World, role: str = "collector", *, team: str = "Tổ 1", **columns: Any) -> str:
    """Save an enrolment of an account for today and return its code."""
    key = new_id()
    code = enrolment_code(vault(), key)
    with writing() as session:
        session.add(
            Enrolment(
                id=key,
                code_hash=hashlib.sha256(code.encode()).digest(),
                user_id=world.actor(role).user_id,
                created_at=clock.now(),
                team=team,
                **{
                    "campaign_id": world.campaign_id,
                    "place_id": world.site_id,
                    "day": clock.today(),
                    "expires_at": calculate_expiry(clock.today(), zone=clock.ZONE),
                    **columns,
                },
            )
        )
    return code


def badge_of(world: World, role: str = "collector") -> str:
    """Return the badge of an account."""
    from lims.auth.models import User

    badge = db.session.get(User, world.actor(role).user_id).badge_code
    db.session.rollback()
    return str(badge)


class Phone:
    """A phone with its key, its token and the slips that it has written.

    Args:
        client: the server.
        badge: whoever holds it.
        clock_off: its clock's time less the server's.
    """

    def __init__(self, client: FlaskClient, badge: str, *, clock_off: timedelta = timedelta()) -> None:
        self.client, self.badge, self.clock_off = client, badge, clock_off
        self.key = ec.generate_private_key(CURVE)
        self.token = secrets.token_urlsafe(32)
        self.device = ""
        self.server_key = b""
        self.seq = 0
        self.session = str(uuid.uuid4())
        self.offset_ms: int | None = None

    @property
    def now(self) -> datetime:
        """What its clock says."""
        return clock.now() + self.clock_off

    @property
    def headers(self) -> dict[str, str]:
        """How it identifies itself."""
        return {"Authorization": f"Device {self.token}", "Accept-Language": "en"}

    def enrol(self, code: str) -> Any:
        """Use a code; return the server's answer."""
        answer = self.client.post(
            "/api/v1/field/enrolments",
            json={"code": code, "public_key": _b64(point_of(self.key)), "token": self.token, "label": "Thử"},
            headers={"Accept-Language": "en"},
        )
        if answer.status_code == 200:
            self.device = answer.json["device"]
            self.server_key = base64.b64decode(answer.json["server_key"])
        return answer

    def write(self, kind: str, *, at: datetime | None = None, **said: Any) -> Slip:
        """Write and sign a slip."""
        self.seq += 1
        content = {
            "v": 1,
            "id": str(uuid.uuid4()),
            "device": self.device,
            "seq": self.seq,
            "kind": kind,
            "at": (at or self.now).astimezone(UTC).isoformat(timespec="milliseconds"),
            "offset_ms": self.offset_ms,
            "badge": self.badge,
            "session": self.session,
            "how": "scanner",
            **said,
        }
        return self.sign(json.dumps(content, ensure_ascii=False), content["id"])

    def sign(self, text: str, slip_id: str) -> Slip:
        """Sign a text as a slip."""
        pair = utils.decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(SHA256())))
        raw = b"".join(number.to_bytes(32, "big") for number in pair)
        return {"id": slip_id, "text": text, "signature": _b64(raw)}

    def bind(self, tube: str, declaration: str, **said: Any) -> Slip:
        """Write a bind slip."""
        return self.write("bind", tube=tube, declaration=declaration, **said)

    def post(self, slips: Sequence[Slip], **headers: str) -> Any:
        """Send slips; return the server's answer."""
        return self.client.post(
            "/api/v1/field/scans",
            json={
                "sent_at": self.now.astimezone(UTC).isoformat(timespec="milliseconds"),
                "unsent": 0,
                "app": "test",
                "slips": list(slips),
            },
            headers=self.headers | headers,
        )

    def send(self, *slips: Slip) -> list[dict[str, Any]]:
        """Send slips and return their verdicts."""
        answer = self.post(slips)
        assert answer.status_code == 200, answer.text
        assert [verdict["id"] for verdict in answer.json["verdicts"]] == [slip["id"] for slip in slips]
        return answer.json["verdicts"]

    def make_file(self, slips: Sequence[Slip], *, server_key: bytes = b"") -> str:
        """Return a hand-over file, sealed to the server."""
        ephemeral = ec.generate_private_key(CURVE)
        peer = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, server_key or self.server_key)
        shared = ephemeral.exchange(ec.ECDH(), peer)
        key = HKDF(algorithm=SHA256(), length=32, salt=bytes(32), info=FILE_INFO).derive(shared)
        nonce = os.urandom(12)
        content = json.dumps({"device": self.device, "made_at": self.now.isoformat(), "slips": list(slips)})
        sealed = AESGCM(key).encrypt(nonce, content.encode(), None)
        return json.dumps(
            {
                "v": 1,
                "made_at": self.now.isoformat(),
                "ephemeral": _b64(point_of(ephemeral)),
                "iv": _b64(nonce),
                "sealed": _b64(sealed),
            }
        )


def enrolled(world: World, client: FlaskClient, role: str = "collector", **columns: Any) -> Phone:
    """Return a phone that is enrolled for a collector."""
    phone = Phone(client, badge_of(world, role))
    answer = phone.enrol(make_enrolment(world, role, **columns))
    assert answer.status_code == 200, answer.text
    return phone
