"""Reception for stations and programs: boxes and tubes that come, reconciling, rejecting."""

from __future__ import annotations

import uuid
from typing import Any

from pydantic import BaseModel, Field

from lims.intake.actions import reception as actions
from lims.intake.api import intake_api
from lims.intake.api.boxes import BoxAnswer, Dispatch, Step
from lims.intake.api.verdicts import (
    LONGEST_SCAN,
    MOST_AT_ONCE,
    ScannedTubes,
    TubeVerdict,
    speak_all,
)
from lims.intake.receiving import ReceivedTube
from lims.security import current_actor, needs


class Arrival(Dispatch):
    """Where a box is received and how cold it is inside; `anyway` if it was meant for another laboratory."""

    anyway: bool = False


class ArrivedTube(BaseModel):
    """One tube as the reception desk scans it."""

    code: str = Field(max_length=LONGEST_SCAN)
    condition: str = Field("good", max_length=24)
    rack_position: str = Field("", max_length=12, pattern=r"^[0-9A-Z-]*$")


class ArrivedTubes(BaseModel):
    """Tubes received at a laboratory."""

    client_id: uuid.UUID
    laboratory_id: uuid.UUID
    tubes: list[ArrivedTube] = Field(min_length=1, max_length=MOST_AT_ONCE)


class Received(BaseModel):
    """The box after it, where there is one, and a verdict for each tube in the order sent."""

    box: str | None
    count: int
    of: int
    extra: int
    verdicts: list[TubeVerdict]


class Reconciled(BaseModel):
    """What was in a box, by tube code."""

    box: str
    status: str
    count: int | None
    received: int
    missing: list[str]
    extra: list[str]
    damaged: list[str]
    too_old: list[str]
    too_warm: bool


class Rejection(ScannedTubes):
    """Tubes that cannot be tested, and why."""

    reason: str = Field(max_length=24)


class Rejected(BaseModel):
    """How many people were asked for a new sample, and a verdict for each tube in the order sent."""

    asked_again: int
    verdicts: list[TubeVerdict]


@intake_api.post("/boxes/<code>/receive")
@intake_api.input(Arrival)
@intake_api.output(BoxAnswer)
@intake_api.doc(summary="Receive a box", responses=[404, 409, 422])
@needs("receive_boxes")
def receive_box(code: str, json_data: Arrival) -> dict[str, Any]:
    """Receive a box; its tubes come next."""
    return actions.receive_box(
        actor=current_actor(),
        client_id=json_data.client_id,
        box_code=code,
        laboratory_id=json_data.laboratory_id,
        temperature_c=json_data.temperature_c,
        anyway=json_data.anyway,
    )


@intake_api.post("/boxes/<code>/received-tubes")
@intake_api.input(ArrivedTubes)
@intake_api.output(Received)
@intake_api.doc(summary="Receive the tubes of a box", responses=[404, 409, 422])
@needs("receive_boxes")
def receive_box_tubes(code: str, json_data: ArrivedTubes) -> dict[str, Any]:
    """Receive tubes out of a box."""
    return _receive(json_data, code)


@intake_api.post("/received-tubes")
@intake_api.input(ArrivedTubes)
@intake_api.output(Received)
@intake_api.doc(summary="Receive tubes that came without a box", responses=[404, 409, 422])
@needs("receive_boxes")
def receive_tubes(json_data: ArrivedTubes) -> dict[str, Any]:
    """Receive tubes without a box."""
    return _receive(json_data, None)


def _receive(sent: ArrivedTubes, box_code: str | None) -> dict[str, Any]:
    answer = actions.receive_tubes(
        actor=current_actor(),
        client_id=sent.client_id,
        laboratory_id=sent.laboratory_id,
        box_code=box_code,
        tubes=[ReceivedTube(**tube.model_dump()) for tube in sent.tubes],
    )
    return speak_all(answer)


@intake_api.post("/boxes/<code>/reconcile")
@intake_api.input(Step)
@intake_api.output(Reconciled)
@intake_api.doc(summary="Compare a box with its list and close it", responses=[404, 409, 422])
@needs("receive_boxes")
def reconcile_box(code: str, json_data: Step) -> dict[str, Any]:
    """Name what is missing, extra, damaged, too warm or too old."""
    return actions.reconcile_box(actor=current_actor(), client_id=json_data.client_id, box_code=code)


@intake_api.post("/tube-rejections")
@intake_api.input(Rejection)
@intake_api.output(Rejected)
@intake_api.doc(summary="Reject tubes and ask for new samples", responses=[404, 409, 422])
@needs("receive_boxes")
def reject_tubes(json_data: Rejection) -> dict[str, Any]:
    """Reject tubes."""
    answer = actions.reject_tubes(
        actor=current_actor(),
        client_id=json_data.client_id,
        tube_codes=json_data.tubes,
        reason=json_data.reason,
    )
    return speak_all(answer)
