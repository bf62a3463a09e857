"""Codes minted to be printed, for programs."""

from __future__ import annotations

import uuid
from typing import Any

from pydantic import BaseModel, Field

from lims.extensions import db
from lims.intake.actions import lots as actions
from lims.intake.api import intake_api
from lims.intake.queries import lots as queries
from lims.security import current_actor, needs


class TubeLotIn(BaseModel):
    """A lot of tubes to be printed."""

    client_id: uuid.UUID
    campaign_id: uuid.UUID
    mode: str = Field(max_length=24)
    count: int
    place_id: uuid.UUID | None = None


class TubeLotOut(BaseModel):
    """A minted lot and the codes of its tubes, in the order of printing."""

    lot_id: uuid.UUID
    mode: str
    count: int
    tubes: list[str]


class BoxLabelsIn(BaseModel):
    """Boxes to be printed."""

    client_id: uuid.UUID
    campaign_id: uuid.UUID
    count: int


class BoxLabelsOut(BaseModel):
    """Codes of minted boxes."""

    boxes: list[str]


@intake_api.post("/tube-lots")
@intake_api.input(TubeLotIn)
@intake_api.output(TubeLotOut)
@intake_api.doc(summary="Mint a lot of tube codes", responses=[404, 409, 422])
@needs("print_labels")
def mint_tubes(json_data: TubeLotIn) -> dict[str, Any]:
    """Mint a lot of tube codes."""
    lot = actions.mint_tubes(actor=current_actor(), **json_data.model_dump())
    lot_id = uuid.UUID(lot["lot_id"])
    codes = queries.list_tube_codes(db.session(), lot_id=lot_id, first=1, most=actions.MOST_TUBES)
    return {**lot, "tubes": list(codes)}


@intake_api.post("/box-labels")
@intake_api.input(BoxLabelsIn)
@intake_api.output(BoxLabelsOut)
@intake_api.doc(summary="Mint box codes", responses=[404, 409, 422])
@needs("print_labels")
def mint_boxes(json_data: BoxLabelsIn) -> dict[str, Any]:
    """Mint box codes."""
    return actions.mint_boxes(actor=current_actor(), **json_data.model_dump())
