"""Scans that were kept and not let in, let in by a person who answers for it."""

from __future__ import annotations

import json
import uuid
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from lims.auth.actors import Actor
from lims.errors import Refused
from lims.extensions import vault
from lims.field.actions.scans import SentSlip, find_collectors, row_of
from lims.field.models import FieldScan
from lims.field.queries import devices as device_queries
from lims.field.queries import scans as queries
from lims.field.slips import read_slip, sound_code
from lims.intake.actions.discrepancies import check_settlement, mark_settled
from lims.intake.queries.discrepancies import get_discrepancy
from lims.transaction import action

# Signed by the phone that they name: what is in doubt is the phone's right, and that a person can judge.
LET_IN = frozenset({"withdrawn_device", "enrolment_expired", "unknown_collector"})


@action
def let_scans_in(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    discrepancy_id: uuid.UUID,
    settlement: str,
    note: str,
) -> dict[str, Any]:
    """Keep refused scans as scans to be judged, and settle their discrepancy.

    A scan whose badge belongs to nobody at the site is laid to the collector that the phone was enrolled for.

    Args:
        actor: who lets them in.
        client_id: id made by the sender.
        discrepancy_id: of kind scan_refused with a reason of `LET_IN`.
        settlement: "accepted".
        note: why, 3 to 500 characters; no personal data.

    Returns:
        `id`, `settlement`, `device` and `scans`, the number let in.

    Raises:
        NotFound: there is none among the actor's places.
        AlreadyDone: it is settled.
        InvalidInput: no note.
    """
    discrepancy = get_discrepancy(session, actor=actor, discrepancy_id=discrepancy_id, lock=True)
    check_settlement(discrepancy, settlement=settlement, note=note)
    if discrepancy.raw_sealed is None:
        raise Refused(
            "What the phone sent was erased with the people's identities. Dismiss it.", field="settlement"
        )
    raw = vault().unseal_record(discrepancy.raw_sealed, record_id=discrepancy.id, column="discrepancy.raw")
    sent = [
        SentSlip(slip["text"], slip["signature"], read_slip(slip["text"]), is_signed=True)
        for slip in json.loads(raw)["slips"]
    ]
    device_id = uuid.UUID(discrepancy.details["device"])
    device = device_queries.map_devices(session, device_ids=[device_id])[device_id]
    collectors = find_collectors(session, sent, {device_id: device})
    known = queries.map_known(session, scan_ids={item.slip.id for item in sent if item.slip})
    rows = []
    for item in sent:
        if item.slip is None or item.slip.id in known:
            continue
        collector = collectors.get((device_id, sound_code(item.slip.badge, "badge") or ""))
        row = row_of(item, item.slip, device, actor=actor, batch_offset=None)
        row["collector_id"] = collector.user_id if collector else device.enrolment.user_id
        rows.append(row)
    if rows:
        session.execute(insert(FieldScan), rows)
    mark_settled(session, actor=actor, discrepancy=discrepancy, settlement=settlement, note=note)
    return {
        "id": str(discrepancy.id),
        "settlement": settlement,
        "device": str(device_id),
        "scans": len(rows),
    }
