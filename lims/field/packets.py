"""The packet that travels to a phone beforehand: its site's roster, the campaign's rules, tubes and badges.

Names, years of birth and declaration codes, nothing more of anybody: a phone may be lost.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from lims import clock
from lims.field.models import Device
from lims.field.queries import devices as queries


def describe_device(device: Device) -> dict[str, Any]:
    """Return who and what a phone is enrolled for, as docs/field.md has it.

    Args:
        device: with its enrolment.
    """
    enrolment = device.enrolment
    return {
        "id": str(device.id),
        "team": enrolment.team,
        "day": enrolment.day.isoformat(),
        "expires_at": enrolment.expires_at.isoformat(),
        "site": {"id": str(enrolment.place_id), "name": enrolment.place.name},
        "collector": {
            "name": enrolment.user.display_name,
            "badge": enrolment.user.badge_code,
            "language": enrolment.user.language,
        },
    }


def make_packet(session: Session, *, device: Device) -> dict[str, Any]:
    """Return the packet of a phone, as docs/field.md has it, without the times of asking.

    Args:
        session: reading session.
        device: with its enrolment and campaign.
    """
    enrolment = device.enrolment
    campaign = enrolment.campaign
    people, left_out = queries.list_roster(session, enrolment=enrolment)
    tubes = queries.list_unused_tubes(session, enrolment=enrolment)
    return {
        "v": 1,
        "device": describe_device(device),
        "campaign": {
            "id": str(campaign.id),
            "name": campaign.name,
            "mixed_tube_size": campaign.mixed_tube_size,
            "starts_on": campaign.starts_on.isoformat(),
            "ends_on": campaign.ends_on.isoformat() if campaign.ends_on else None,
        },
        "collectors": _badges(session, device, "collect"),
        "couriers": _badges(session, device, "carry_boxes"),
        "laboratories": [
            [str(row.id), row.name]
            for row in queries.list_laboratories(session, province_id=campaign.province_id)
        ],
        "people": [
            [row.code, row.name, row.birth_on.year, row.household_code or "", row.status, row.attempt]
            for row in people
        ],
        "people_left_out": left_out,
        "tubes": {mode: "".join(codes) for mode, codes in tubes.items()},
    }


def dated(packet: dict[str, Any]) -> dict[str, Any]:
    """Return a packet with the moment it was made, which is also what a phone measures its clock by."""
    now = clock.now().isoformat()
    return packet | {"made_at": now, "server_time": now}


def _badges(session: Session, device: Device, permission: str) -> list[list[str]]:
    rows = queries.list_badges(session, place_id=device.enrolment.place_id, permission=permission)
    return [[str(row.badge_code), row.display_name] for row in rows]
