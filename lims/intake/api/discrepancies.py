"""What did not fit, for programs: the worklist, and settling."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from lims.extensions import db
from lims.intake import settling
from lims.intake.api import intake_api
from lims.intake.queries import discrepancies as queries
from lims.intake.rules import DISCREPANCY_KINDS, SETTLEMENTS
from lims.security import current_actor, needs

PAGE = 100


class DiscrepanciesAsked(BaseModel):
    """Which to list; `after` and `after_id` are the time and id of the last one seen."""

    status: Literal["open", "settled"] = "open"
    kind: Literal[DISCREPANCY_KINDS] | None = None  # type: ignore[valid-type]
    after: AwareDatetime | None = None
    after_id: uuid.UUID | None = None


class DiscrepancyOut(BaseModel):
    """A scan or a record that does not fit; what was scanned stays sealed."""

    id: uuid.UUID
    kind: str
    status: str
    holds_results: bool
    opened_at: datetime
    tube: str | None
    declaration: str | None
    box: str | None
    settlement: str | None


class DiscrepanciesOut(BaseModel):
    """At most 100, the oldest first; the last one's time and id ask for the next."""

    discrepancies: list[DiscrepancyOut]


class Settlement(BaseModel):
    """What is decided, and why."""

    client_id: uuid.UUID
    settlement: Literal[SETTLEMENTS]  # type: ignore[valid-type]
    note: str = Field(default="", max_length=500)


class Settled(BaseModel):
    """What was decided, and how many people were asked for a new sample."""

    id: uuid.UUID
    settlement: str
    asked_again: int = 0


@intake_api.get("/discrepancies")
@intake_api.input(DiscrepanciesAsked, location="query")
@intake_api.output(DiscrepanciesOut)
@intake_api.doc(summary="What is to be settled, the oldest first")
@needs("settle_discrepancies")
def list_discrepancies(query_data: DiscrepanciesAsked) -> dict[str, Any]:
    """Return discrepancies."""
    seen = query_data.after and (query_data.after, query_data.after_id or uuid.UUID(int=0))
    found = queries.list_discrepancies(
        db.session(),
        actor=current_actor(),
        status=query_data.status,
        kind=query_data.kind or "",
        after=seen or None,
        most=PAGE,
    )
    return {
        "discrepancies": [
            {
                "id": one.id,
                "kind": one.kind,
                "status": one.status,
                "holds_results": one.holds_results,
                "opened_at": one.opened_at,
                "tube": one.tube.code if one.tube else None,
                "declaration": one.declaration.code if one.declaration else None,
                "box": one.box.code if one.box else None,
                "settlement": one.settlement,
            }
            for one in found
        ]
    }


@intake_api.post("/discrepancies/<uuid:discrepancy_id>/settlement")
@intake_api.input(Settlement)
@intake_api.output(Settled)
@intake_api.doc(summary="Settle a discrepancy by the action that its kind asks for", responses=[404])
@needs("settle_discrepancies")
def settle_discrepancy(discrepancy_id: uuid.UUID, json_data: Settlement) -> dict[str, Any]:
    """Settle it."""
    found = queries.get_discrepancy(db.session(), actor=current_actor(), discrepancy_id=discrepancy_id)
    settle = settling.settler_of(found.kind)
    answer = settle(
        actor=current_actor(),
        client_id=json_data.client_id,
        discrepancy_id=discrepancy_id,
        settlement=json_data.settlement,
        note=json_data.note,
    )
    return {"id": discrepancy_id, "settlement": json_data.settlement} | {
        name: value for name, value in answer.items() if name == "asked_again"
    }
