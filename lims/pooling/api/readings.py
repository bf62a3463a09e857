"""Readings for programs: typed, or the text of a plain CSV."""

from __future__ import annotations

from typing import Any

from flask import Response
from pydantic import BaseModel, Field

from lims.language import say_error
from lims.pooling.actions import readings as actions
from lims.pooling.api import pooling_api
from lims.pooling.api.sent import Once, spoken_failure, spoken_problems
from lims.pooling.typed_readings import MOST_TYPED, ReadingsRefused
from lims.problems import answer_problem
from lims.security import current_actor, needs


class TypedReading(BaseModel):
    """One Ct; empty for no Ct."""

    well: str = Field(max_length=10)
    target: str = Field(max_length=40)
    ct: str | float | None = Field(default=None)


class Readings(Once):
    """All readings of a run, typed, or the text of a plain CSV (well, target, Ct)."""

    readings: list[TypedReading] | None = Field(default=None, max_length=MOST_TYPED)
    csv: str | None = Field(default=None, max_length=2 * 1024 * 1024)
    file_name: str = Field(default="", max_length=200)


class CalledPool(BaseModel):
    """What the rules make of a pool."""

    pool: str
    finding: str


class Recorded(BaseModel):
    """The run after its readings: is it valid, why not, what was found."""

    run: str
    status: str
    version: int
    valid: bool
    failure: list[str]
    pools: list[CalledPool]


@pooling_api.errorhandler(ReadingsRefused)
def _show_problems(refusal: ReadingsRefused) -> tuple[Response, int]:
    """Answer with every mistake, so that a file is mended once and not once for each."""
    answer = answer_problem(
        refusal.status,
        code=refusal.code,
        message=say_error(refusal),
        field=refusal.field,
        problems=spoken_problems(refusal.problems),
    )
    return answer, refusal.status


@pooling_api.post("/runs/<run_code>/readings")
@pooling_api.input(Readings)
@pooling_api.output(Recorded)
@pooling_api.doc(summary="Record all readings of a run; every mistake is named", responses=[404, 409, 422])
@needs("record_readings")
def record_readings(run_code: str, json_data: Readings) -> dict[str, Any]:
    """Record readings."""
    typed = json_data.readings
    answer = actions.record_readings(
        actor=current_actor(),
        client_id=json_data.client_id,
        run_code=run_code,
        readings=None if typed is None else [reading.model_dump() for reading in typed],
        file_name=json_data.file_name,
        content=None if json_data.csv is None else json_data.csv.encode(),
    )
    return answer | {"failure": spoken_failure(answer["failure"])}
