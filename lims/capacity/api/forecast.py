"""The forecast for programs."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from pydantic import BaseModel, Field

from lims.capacity.api import capacity_api
from lims.capacity.forecast.asking import (
    MOST_ARRIVALS_PERCENT,
    MOST_MORE_LABORATORIES,
    USUAL_DAYS,
    USUAL_REPLICATIONS,
    Asked,
    answer,
)
from lims.capacity.forecast.telling import as_figures
from lims.capacity.forecast.values import MOST_DAYS, MOST_IN_POOL
from lims.capacity.queries.forecast import Start, read_start
from lims.extensions import db
from lims.security import current_actor, needs

MOST_WAITED_FOR = 50


class ForecastAsked(BaseModel):
    """What to forecast; what is left out is as it is measured."""

    campaign_id: uuid.UUID | None = Field(
        default=None, description="the newest open one where it is left out"
    )
    days: int = Field(default=USUAL_DAYS, ge=1, le=MOST_DAYS)
    seed: int = Field(default=1, ge=0, lt=2**31, description="the same seed gives the same forecast")
    replications: int = Field(
        default=USUAL_REPLICATIONS,
        ge=1,
        le=MOST_WAITED_FOR,
        description="runs at most; fewer are made where they would take too long, and the answer tells how many",
    )
    prevalence: float | None = Field(default=None, ge=0, le=1)
    pool_size: int | None = Field(default=None, ge=1, le=MOST_IN_POOL)
    more_shifts: int = Field(default=0, ge=0, le=2)
    more_laboratories: int = Field(default=0, ge=0, le=MOST_MORE_LABORATORIES)
    arrivals_percent: int = Field(default=100, ge=0, le=MOST_ARRIVALS_PERCENT)


class SpreadOut(BaseModel):
    """Median, and what a tenth of the runs stay below or exceed; null lies beyond the end."""

    median: float | None
    low: float | None
    high: float | None


class ForecastHour(BaseModel):
    """One of the next 24 hours; the first may be a part of one."""

    begins_after_minutes: float
    hour: int
    released: SpreadOut
    so_far: SpreadOut


class ForecastDay(BaseModel):
    """A local day, 0 is today; the last is a part of one."""

    day: int
    collected: SpreadOut
    released: SpreadOut
    backlog: SpreadOut


class BottleneckOut(BaseModel):
    """What limits the whole."""

    word: Literal["grows", "busy", "none"]
    sentence: str
    station: str | None
    laboratory_id: str | None


class StationOut(BaseModel):
    """How busy a station is and how its queue changes."""

    laboratory_id: str
    laboratory: str
    station: str
    utilisation: float | None
    stood: int
    stands: int
    grows_per_day: float


class WhatIfOut(BaseModel):
    """What a change would do, run by run against the same random numbers; below 0 is less than without it."""

    change: Literal["shift", "laboratory", "pool_size"]
    pool_size: int | None
    refusal: str | None
    backlog: SpreadOut | None
    backlog_with: SpreadOut | None
    released_first_day: SpreadOut | None


class ChecksOut(BaseModel):
    """What the simulation checks of itself."""

    little_gap: float = Field(description="largest distance from L = λW at any station, relative")
    in_is_out_and_inside: bool


class ForecastOut(BaseModel):
    """The forecast with what it rests on."""

    campaign_id: uuid.UUID
    seed: int
    replications: int
    what_if_replications: int
    days: int
    samples_together: int
    standing: int
    collected_per_day: float
    prevalence: float
    prevalence_is_assumed: bool
    pool_size: int
    reactions_per_person: float
    reactions_per_day: float
    confirms_elsewhere: bool
    half_released_after_minutes: SpreadOut
    most_released_after_minutes: SpreadOut
    hours: list[ForecastHour]
    daily: list[ForecastDay]
    bottleneck: BottleneckOut
    stations: list[StationOut]
    what_ifs: list[WhatIfOut]
    checks: ChecksOut


@capacity_api.get("/forecast")
@capacity_api.input(ForecastAsked, location="query")
@capacity_api.output(ForecastOut)
@capacity_api.doc(
    summary="What is released by hour tonight, the week's backlog, its bottleneck, what would help",
    responses=[404, 422],
)
@needs("see_board")
def show_forecast(query_data: ForecastAsked) -> dict[str, Any]:
    """Return the forecast; where nothing waits or no laboratory can test, a refusal says so."""
    start = read_start(db.session(), actor=current_actor(), campaign_id=query_data.campaign_id)
    asked = Asked(**query_data.model_dump(exclude={"campaign_id"}))
    return write_start(start) | as_figures(answer(start.state, start.assumptions, asked))


def write_start(start: Start) -> dict[str, Any]:
    """Return what a forecast starts from as JSON holds it, as far as the forecast itself does not tell it."""
    return {
        "campaign_id": str(start.campaign.id),
        "prevalence_is_assumed": start.estimate is None,
        "confirms_elsewhere": start.confirms_elsewhere,
    }
