"""Scans come in: from the phone that made them, from another one, or as a file at a desk. All take the same way.

Signatures are checked before the transaction (they need no lock and take their time), then the slips are kept, judged
and answered.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from lims import clock
from lims.auth.actors import Actor
from lims.errors import InvalidInput
from lims.extensions import db, vault
from lims.field import keys
from lims.field.actions.devices import note_contact
from lims.field.actions.scans import SentSlip, keep_scans
from lims.field.judging import judge_kept
from lims.field.queries import devices as device_queries
from lims.field.queries import scans as queries
from lims.field.rules import MOST_AT_ONCE
from lims.field.slips import Slip, read_slip
from lims.intake.queries import samples as sample_queries

MOST_IN_FILE = 20_000


def hand_in(
    *, actor: Actor, slips: Sequence[tuple[str, str]], sent_at: datetime | None = None
) -> list[dict[str, Any]]:
    """Keep and judge slips.

    Args:
        actor: a phone or staff.
        slips: text and signature of each, in the order of scanning.
        sent_at: the speaking phone's clock when it sent them; None where nobody's clock can be measured.

    Returns:
        The answer to each, in order.
    """
    if not slips:
        return []
    now = clock.now()
    sent = _check_signatures(slips)
    offset = now - sent_at if sent_at is not None else None
    kept = keep_scans(actor=actor, sent=sent, batch_offset=offset)
    to_judge = {
        item.slip.device
        for item, answer in zip(sent, kept, strict=True)
        if answer is None and item.slip is not None
    }
    if to_judge:
        judge_kept(device_ids=to_judge)
    judged = queries.map_answers(db.session(), scan_ids={item.slip.id for item in sent if item.slip})
    return [
        judged[item.slip.id] if answer is None and item.slip else answer or {}
        for item, answer in zip(sent, kept, strict=True)
    ]


def hand_in_file(*, actor: Actor, text: str) -> dict[str, Any]:
    """Keep and judge what a phone's hand-over file holds.

    Args:
        actor: a phone or staff.
        text: the whole file.

    Returns:
        `device` (its key as text, or None), `ids` and `answers`, in order.

    Raises:
        InvalidInput: it is no such file, or holds more than a phone can have scanned.
    """
    content = keys.open_file(vault(), text)
    found = content["slips"]
    if len(found) > MOST_IN_FILE or not all(_is_slip(one) for one in found):
        raise InvalidInput(keys.UNREADABLE_FILE, field="file")
    answers: list[dict[str, Any]] = []
    for start in range(0, len(found), MOST_AT_ONCE):
        batch = found[start : start + MOST_AT_ONCE]
        answers += hand_in(actor=actor, slips=[(one["text"], one["signature"]) for one in batch])
    return {
        "device": str(content.get("device") or "") or None,
        "ids": [str(one.get("id") or "") for one in found],
        "answers": answers,
    }


def hear(*, actor: Actor, sent_at: datetime, unsent: int, app_version: str) -> None:
    """Note that a phone has spoken, and how far its clock is off."""
    note_contact(actor=actor, unsent=unsent, offset=clock.now() - sent_at, app_version=app_version)


def map_people(answers: Sequence[Mapping[str, Any]], *, actor: Actor) -> dict[str, Any]:
    """Return who the declarations of some answers belong to, as far as they lie in the speaker's province."""
    declarations = {str(answer["declaration"]) for answer in answers if answer.get("declaration")}
    if not declarations or actor.device_id is None:
        return {}
    device = device_queries.get_device(db.session(), device_id=actor.device_id)
    return sample_queries.map_people_shown(
        db.session(),
        declaration_codes=declarations,
        province_id=device.enrolment.campaign.province_id,
    )


def name_device(device_id: str | None) -> dict[str, str] | None:
    """Return whose phone a file came from, by the key that stands in it; None where it is not known here."""
    try:
        key = uuid.UUID(device_id or "")
    except ValueError:
        return None
    device = device_queries.map_devices(db.session(), device_ids=[key]).get(key)
    if device is None:
        return None
    return {"team": device.enrolment.team, "collector": device.enrolment.user.display_name}


def _is_slip(one: object) -> bool:
    return (
        isinstance(one, dict) and isinstance(one.get("text"), str) and isinstance(one.get("signature"), str)
    )


def _check_signatures(slips: Sequence[tuple[str, str]]) -> list[SentSlip]:
    read = [_read(text) for text, _ in slips]
    devices = device_queries.map_devices(db.session(), device_ids={slip.device for slip in read if slip})
    points: dict[uuid.UUID, bytes] = {key: device.public_key for key, device in devices.items()}
    return [
        SentSlip(
            text,
            signature,
            slip,
            slip is not None
            and slip.device in points
            and keys.is_signed(text, signature, public_key=points[slip.device]),
        )
        for (text, signature), slip in zip(slips, read, strict=True)
    ]


def _read(text: str) -> Slip | None:
    try:
        return read_slip(text)
    except InvalidInput:
        return None
