"""A coordinator decides about scans that were not let in: of a withdrawn phone, or made outside the enrolment's day.

Whoever sent them, they were signed by the phone that they name: "accepted" lets them in, as if the phone had been in
order. Scans that nobody signed, or that cannot be read, are only closed.
"""

from __future__ import annotations

import uuid
from typing import Any

from lims.auth.actors import Actor
from lims.extensions import db
from lims.field.actions.settlements import LET_IN, let_scans_in
from lims.field.judging import judge_kept
from lims.intake import settling
from lims.intake.actions.discrepancies import settle_discrepancy
from lims.intake.queries.discrepancies import get_discrepancy


def settle_refused_scans(
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    discrepancy_id: uuid.UUID,
    settlement: str,
    note: str,
) -> dict[str, Any]:
    """Settle a discrepancy about a phone's scans; see `settle_discrepancy` for the arguments and errors."""
    found = get_discrepancy(db.session(), actor=actor, discrepancy_id=discrepancy_id)
    if settlement != "accepted" or found.details.get("reason") not in LET_IN:
        return settle_discrepancy(
            actor=actor,
            client_id=client_id,
            discrepancy_id=discrepancy_id,
            settlement=settlement,
            note=note,
        )
    answer = let_scans_in(
        actor=actor, client_id=client_id, discrepancy_id=discrepancy_id, settlement=settlement, note=note
    )
    judge_kept(device_ids=[uuid.UUID(answer["device"])])
    return answer


settling.settle_with("scan_refused", settle_refused_scans)
