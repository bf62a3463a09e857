"""Records for programs: boxes of one's places, a box with its tubes, a tube; second swabs noted."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from lims.extensions import db
from lims.intake import rules
from lims.intake.actions import second_swabs
from lims.intake.api import intake_api
from lims.intake.api.verdicts import LONGEST_SCAN, speak
from lims.intake.models import Box
from lims.intake.queries import boxes as box_queries
from lims.intake.queries import tubes as tube_queries
from lims.security import current_actor, needs

MOST_BOXES = 100


class BoxesAsked(BaseModel):
    """Boxes in a state; `arriving` for those on their way to the caller's laboratories."""

    status: Literal[tuple(rules.BOX.words)] | None = None  # type: ignore[valid-type]
    arriving: bool = False


class BoxOut(BaseModel):
    """A box and its way."""

    box: str
    status: str
    origin_id: uuid.UUID | None
    laboratory_id: uuid.UUID | None
    sealed_count: int | None
    sealed_at: datetime | None
    dispatched_at: datetime | None
    received_at: datetime | None
    reconciled_at: datetime | None


class BoxesOut(BaseModel):
    """At most 100 boxes, those that wait longest first."""

    boxes: list[BoxOut]


class TubeInBox(BaseModel):
    """A tube of a box's list, and how it was found."""

    tube: str
    state: str


class BoxRecord(BoxOut):
    """A box with its list."""

    tubes: list[TubeInBox]


class TubeRecord(BaseModel):
    """A tube: where it is, and whose samples it holds, by their declarations' codes."""

    tube: str
    mode: str
    status: str
    closed_count: int | None
    collected_at: datetime | None
    received_at: datetime | None
    box: str | None
    laboratory_id: uuid.UUID | None
    rack_position: str
    rejection_reason: str
    declarations: list[str]


class PairOfTubes(BaseModel):
    """A tube just filled, and the second one of the same visit."""

    tube: str = Field(max_length=LONGEST_SCAN)
    second: str = Field(max_length=LONGEST_SCAN)


class SecondSwabs(BaseModel):
    """Pairs of tubes noted at a site."""

    client_id: uuid.UUID
    place_id: uuid.UUID
    pairs: list[PairOfTubes] = Field(min_length=1, max_length=second_swabs.MOST_PAIRS)


class PairVerdict(BaseModel):
    """What became of a pair."""

    verdict: str
    code: str
    message: str


class NotedSwabs(BaseModel):
    """How many pairs were noted, and a verdict for each in the order sent."""

    noted: int
    verdicts: list[PairVerdict]


def _describe(box: Box) -> dict[str, Any]:
    plain = BoxOut.model_fields.keys() - {"box"}
    return {"box": box.code} | {name: getattr(box, name) for name in plain}


@intake_api.get("/boxes")
@intake_api.input(BoxesAsked, location="query")
@intake_api.output(BoxesOut)
@intake_api.doc(summary="Boxes of the caller's places")
@needs("pack_boxes")
def list_boxes(query_data: BoxesAsked) -> dict[str, Any]:
    """Return boxes."""
    found = box_queries.list_boxes(
        db.session(),
        actor=current_actor(),
        statuses=[query_data.status] if query_data.status else list(rules.BOX.words),
        arriving=query_data.arriving,
        most=MOST_BOXES,
    )
    return {"boxes": [_describe(box) for box in found]}


@intake_api.get("/boxes/<code>")
@intake_api.output(BoxRecord)
@intake_api.doc(summary="A box with its list of tubes", responses=[404])
@needs("pack_boxes")
def show_box(code: str) -> dict[str, Any]:
    """Return a box."""
    box = box_queries.get_box(db.session(), actor=current_actor(), code=code)
    rows = box_queries.list_box_tubes(db.session(), box_id=box.id)
    return _describe(box) | {"tubes": [{"tube": row.tube.code, "state": row.state} for row in rows]}


@intake_api.get("/tubes/<code>")
@intake_api.output(TubeRecord)
@intake_api.doc(summary="A tube's record", responses=[404])
@needs("search")
def show_tube(code: str) -> dict[str, Any]:
    """Return a tube."""
    tube = tube_queries.get_tube_record(db.session(), actor=current_actor(), code=code)
    plain = TubeRecord.model_fields.keys() - {"tube", "box", "declarations"}
    return {name: getattr(tube, name) for name in plain} | {
        "tube": tube.code,
        "box": tube.box.code if tube.box else None,
        "declarations": [one.declaration.code for one in tube.samples if one.status != "void"],
    }


@intake_api.post("/second-swabs")
@intake_api.input(SecondSwabs)
@intake_api.output(NotedSwabs)
@intake_api.doc(summary="Note second tubes of the same visit", responses=[404])
@needs("collect")
def note_second_swabs(json_data: SecondSwabs) -> dict[str, Any]:
    """Note second swabs."""
    answer = second_swabs.note_second_swabs(
        actor=current_actor(),
        client_id=json_data.client_id,
        place_id=json_data.place_id,
        pairs=[pair.model_dump() for pair in json_data.pairs],
    )
    return answer | {"verdicts": [speak(verdict) for verdict in answer["verdicts"]]}
