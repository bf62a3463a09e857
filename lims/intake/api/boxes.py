"""Transport for stations and programs: pack, take out, seal, open, dispatch, hand over."""

from __future__ import annotations

import uuid
from typing import Any

from pydantic import BaseModel, Field

from lims.intake.actions import boxes as actions
from lims.intake.api import intake_api
from lims.intake.api.verdicts import LONGEST_SCAN, ScannedTubes, TubeVerdict, speak_all
from lims.security import current_actor, needs


class TubesToPack(ScannedTubes):
    """Tubes, and where the box is packed."""

    place_id: uuid.UUID


class Packed(BaseModel):
    """The box after it, and a verdict for each tube in the order sent."""

    box: str
    count: int
    verdicts: list[TubeVerdict]


class Step(BaseModel):
    """A step that needs no more than its id."""

    client_id: uuid.UUID


class Dispatch(Step):
    """Where a box goes, and how cold it is inside; `anyway` if that is outside the campaign's limits."""

    laboratory_id: uuid.UUID
    temperature_c: float | None = None
    anyway: bool = False


class HandOver(Step):
    """Who takes the box."""

    badge: str = Field(max_length=LONGEST_SCAN)


class BoxAnswer(BaseModel):
    """The box after a step; what the step does not tell is empty."""

    box: str
    status: str
    count: int | None = None
    laboratory: str | None = None
    outside_limits: bool = False
    courier: str | None = None
    sent_to: str | None = None


@intake_api.post("/boxes/<code>/tubes")
@intake_api.input(TubesToPack)
@intake_api.output(Packed)
@intake_api.doc(summary="Put tubes into a box", responses=[404, 409, 422])
@needs("pack_boxes")
def pack_tubes(code: str, json_data: TubesToPack) -> dict[str, Any]:
    """Pack tubes."""
    answer = actions.pack_tubes(
        actor=current_actor(),
        client_id=json_data.client_id,
        box_code=code,
        place_id=json_data.place_id,
        tube_codes=json_data.tubes,
    )
    return speak_all(answer)


@intake_api.post("/boxes/<code>/removed-tubes")
@intake_api.input(ScannedTubes)
@intake_api.output(Packed)
@intake_api.doc(summary="Take tubes out of a box", responses=[404, 409, 422])
@needs("pack_boxes")
def take_out_tubes(code: str, json_data: ScannedTubes) -> dict[str, Any]:
    """Take tubes out."""
    answer = actions.take_out_tubes(
        actor=current_actor(), client_id=json_data.client_id, box_code=code, tube_codes=json_data.tubes
    )
    return speak_all(answer)


@intake_api.post("/boxes/<code>/seal")
@intake_api.input(Step)
@intake_api.output(BoxAnswer)
@intake_api.doc(summary="Seal a box", responses=[404, 409, 422])
@needs("pack_boxes")
def seal_box(code: str, json_data: Step) -> dict[str, Any]:
    """Fix the box's list."""
    return actions.seal_box(actor=current_actor(), client_id=json_data.client_id, box_code=code)


@intake_api.post("/boxes/<code>/open")
@intake_api.input(Step)
@intake_api.output(BoxAnswer)
@intake_api.doc(summary="Open a sealed box again", responses=[404, 409, 422])
@needs("pack_boxes")
def open_box(code: str, json_data: Step) -> dict[str, Any]:
    """Break the seal before the box leaves."""
    return actions.open_box(actor=current_actor(), client_id=json_data.client_id, box_code=code)


@intake_api.post("/boxes/<code>/dispatch")
@intake_api.input(Dispatch)
@intake_api.output(BoxAnswer)
@intake_api.doc(summary="Send a box to a laboratory", responses=[404, 409, 422])
@needs("pack_boxes")
def dispatch_box(code: str, json_data: Dispatch) -> dict[str, Any]:
    """Send a sealed box."""
    return actions.dispatch_box(
        actor=current_actor(),
        client_id=json_data.client_id,
        box_code=code,
        laboratory_id=json_data.laboratory_id,
        temperature_c=json_data.temperature_c,
        anyway=json_data.anyway,
    )


@intake_api.post("/boxes/<code>/hand-over")
@intake_api.input(HandOver)
@intake_api.output(BoxAnswer)
@intake_api.doc(summary="Hand a box over by badge", responses=[404, 409, 422])
@needs("pack_boxes")
def hand_over_box(code: str, json_data: HandOver) -> dict[str, Any]:
    """Hand a box to whoever wears the badge."""
    return actions.hand_over_box(
        actor=current_actor(), client_id=json_data.client_id, box_code=code, badge_code=json_data.badge
    )
