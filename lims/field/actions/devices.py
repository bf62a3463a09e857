"""A phone uses an enrolment, and tells of itself whenever it speaks."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.errors import InvalidInput, Refused
from lims.field.keys import read_point
from lims.field.models import Device, Enrolment
from lims.tables import new_id
from lims.transaction import action

TOKEN_LENGTHS = range(40, 65)
LONGEST_LABEL = 80
LARGEST_OFFSET = timedelta(days=200 * 366)


@action
def enrol_device(
    session: Session, *, actor: Actor, code: str, public_key: str, token: str, label: str = ""
) -> dict[str, Any]:
    """Use an enrolment up with a phone; the same phone that asks again is answered the same.

    Args:
        actor: nobody yet; the code is what the phone has.
        code: as behind the QR's `#`.
        public_key: the phone's point on P-256, base64.
        token: what the phone will identify itself with, made by it; only its SHA-256 is kept.
        label: what browser it is, as the phone says.

    Returns:
        `device` and `enrolment`, their keys as text.

    Raises:
        InvalidInput: no such code, or a key or token that cannot be one.
        Refused: the enrolment was used by another phone, was withdrawn, or its day is over.
    """
    point = read_point(public_key, field="public_key")
    if len(token) not in TOKEN_LENGTHS:
        raise InvalidInput(
            "This phone's token cannot be read. Scan the coordinator's QR again.", field="token"
        )
    code_hash, token_hash = (hashlib.sha256(text.encode()).digest() for text in (code.strip(), token))
    enrolment = session.scalars(
        select(Enrolment).where(Enrolment.code_hash == code_hash).with_for_update(of=Enrolment)
    ).first()
    if enrolment is None:
        raise InvalidInput(
            "This QR enrols nobody here. Ask the coordinator to show the QR of today.", field="code"
        )
    known = session.scalars(select(Device).where(Device.enrolment_id == enrolment.id)).first()
    check_can_enrol(enrolment, known, public_key=point, token_hash=token_hash, now=clock.now())
    if known is None:
        known = _add_device(session, enrolment, public_key=point, token_hash=token_hash, label=label)
    return {"device": str(known.id), "enrolment": str(enrolment.id)}


def check_can_enrol(
    enrolment: Enrolment, known: Device | None, *, public_key: bytes, token_hash: bytes, now: datetime
) -> None:
    """Refuse a phone that an enrolment is not for.

    Args:
        enrolment: of the code.
        known: the phone that has used it, if one has.
        public_key, token_hash: of the phone that asks.
        now: present moment.

    Raises:
        Refused: says which.
    """
    if enrolment.withdrawn_at or (known and known.withdrawn_at) or not enrolment.user.is_active:
        raise Refused("This QR was withdrawn. Ask the coordinator for a new one.", field="code")
    if known is not None and (known.public_key, known.token_hash) != (public_key, token_hash):
        raise Refused(
            "Another phone was enrolled with this QR already. Ask the coordinator for a new one.",
            field="code",
        )
    if now >= enrolment.expires_at:
        raise Refused(
            "This QR was for %(day)s. Ask the coordinator for the one of today.",
            field="code",
            day=f"{enrolment.day:%d/%m/%Y}",
        )


def _add_device(
    session: Session, enrolment: Enrolment, *, public_key: bytes, token_hash: bytes, label: str
) -> Device:
    now = clock.now()
    device = Device(
        id=new_id(),
        enrolment_id=enrolment.id,
        token_hash=token_hash,
        public_key=public_key,
        label=label[:LONGEST_LABEL],
        enrolled_at=now,
        last_seen_at=now,
    )
    session.add(device)
    session.flush()
    audit.note(session, "device", device.id, "enrolled", place=str(enrolment.place_id))
    return device


@action
def note_contact(
    session: Session,
    *,
    actor: Actor,
    unsent: int,
    offset: timedelta,
    app_version: str,
) -> None:
    """Remember that a phone has spoken, how many scans it still holds, and how far its clock is off.

    Not an event: it changes nothing that anybody answers for.

    Args:
        actor: the phone.
        unsent: scans that it has not sent, as it says.
        offset: to be added to its clock's time, as measured now.
        app_version: of the app that runs on it.
    """
    offset = max(-LARGEST_OFFSET, min(LARGEST_OFFSET, offset))
    session.execute(
        update(Device)
        .where(Device.id == actor.device_id)
        .values(
            last_seen_at=clock.now(),
            unsent=unsent,
            offset_ms=round(offset.total_seconds() * 1000),
            app_version=app_version[:16],
        )
    )
