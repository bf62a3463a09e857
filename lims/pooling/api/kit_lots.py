"""Lots of kits for programs: what is left of them, and a new one."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from lims.extensions import db
from lims.pooling.actions import kit_lots as actions
from lims.pooling.api import pooling_api
from lims.pooling.api.sent import AtLaboratory, Once
from lims.pooling.queries import kit_lots as queries
from lims.security import current_actor, needs


class NewKitLot(Once):
    """A lot as on its box."""

    laboratory_id: uuid.UUID
    assay_name: str = Field(max_length=80)
    lot: str = Field(min_length=1, max_length=40)
    expires_on: date
    reactions: int = Field(ge=1, le=actions.MOST_REACTIONS)


class MadeKitLot(BaseModel):
    """The lot that was added."""

    lot_id: uuid.UUID
    lot: str


class KitLotOut(BaseModel):
    """A lot and what is left of it; `days_left` at the pace of the last 24 hours, null where nothing was used."""

    id: uuid.UUID
    assay: str
    lot: str
    expires_on: date
    reactions: int
    used: int
    left: int
    days_left: int | None
    is_usable: bool


class KitLotsOut(BaseModel):
    """A laboratory's lots, the first to expire at the head."""

    kit_lots: list[KitLotOut]


@pooling_api.get("/kit-lots")
@pooling_api.input(AtLaboratory, location="query")
@pooling_api.output(KitLotsOut)
@pooling_api.doc(summary="A laboratory's lots of kits, with what is left of them", responses=[404])
@needs("see_laboratory")
def list_kit_lots(query_data: AtLaboratory) -> dict[str, Any]:
    """Return lots."""
    current_actor().check_place(query_data.laboratory_id)
    stock = queries.list_stock(db.session(), laboratory_id=query_data.laboratory_id)
    return {
        "kit_lots": [
            {
                "id": one.lot.id,
                "assay": one.lot.assay_name,
                "lot": one.lot.lot,
                "expires_on": one.lot.expires_on,
                "reactions": one.lot.reactions,
                "used": one.used,
                "left": one.left,
                "days_left": one.days_left,
                "is_usable": one.is_usable,
            }
            for one in stock
        ]
    }


@pooling_api.post("/kit-lots")
@pooling_api.input(NewKitLot)
@pooling_api.output(MadeKitLot)
@pooling_api.doc(
    summary="Add a lot of a kit: plates of its assay take their lot from the list", responses=[404]
)
@needs("fill_plates")
def add_kit_lot(json_data: NewKitLot) -> dict[str, Any]:
    """Add a lot."""
    return actions.add_kit_lot(actor=current_actor(), **json_data.model_dump())
