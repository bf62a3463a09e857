"""The advice on the pool size for programs."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, Field

from lims.capacity.advice import Accuracy, Dilution
from lims.capacity.advice_commands import as_figures
from lims.capacity.api import capacity_api
from lims.capacity.queries.advice import MOST_DAYS, read_advice
from lims.extensions import db
from lims.security import current_actor, needs


class AdviceAsked(BaseModel):
    """Of which campaign and area, and what the test can do."""

    campaign_id: uuid.UUID | None = Field(
        default=None, description="the newest open one where it is left out"
    )
    area_id: uuid.UUID | None = Field(default=None, description="a district or a commune")
    days: int = Field(default=7, ge=1, le=MOST_DAYS, description="local days, today included")
    sensitivity: float = Field(default=1.0, ge=0, le=1)
    specificity: float = Field(default=1.0, ge=0, le=1)
    dilutes: bool = Field(default=True, description="false: swabs go into one tube, which does not dilute")
    cutoff: float = Field(default=38.0, gt=0, le=60, description="Ct up to which a sample is detected")


class CostOut(BaseModel):
    """What one pool size costs and finds."""

    size: int
    reactions_per_person: float
    reactions_per_person_low: float
    reactions_per_person_high: float
    reactions_per_person_diluted: float
    found: float
    finds_enough: bool
    people_per_day: int


class BreakEvenOut(BaseModel):
    """Above which prevalence the smaller size needs fewer reactions."""

    smaller: int
    larger: int
    prevalence: float | None


class SizeAdviceOut(BaseModel):
    """Which size needs the fewest reactions and what a change would free; nothing is changed."""

    best_size: int
    size_in_use: int | None
    advice: str = Field(description="keep, keep_unsure, change or change_unsure")
    is_sure: bool
    sizes: list[CostOut]
    break_even: list[BreakEvenOut]
    freed_reactions: int
    freed_reactions_low: int
    freed_reactions_high: int
    more_people: int


class PoolsOut(BaseModel):
    """Screening pools of one size with a clear finding."""

    size: int
    tested: int
    positive: int


class MeasuredOut(BaseModel):
    """The prevalence that the pools tell."""

    share: float
    low: float
    high: float
    confidence: float
    people: int


class AdviceOut(BaseModel):
    """The advice with what it rests on; without a called pool there is none."""

    campaign_id: uuid.UUID
    area_id: uuid.UUID | None
    days: int
    reactions: int
    pools: list[PoolsOut]
    pools_left_out: int
    prevalence: MeasuredOut | None
    advice: SizeAdviceOut | None


@capacity_api.get("/advice")
@capacity_api.input(AdviceAsked, location="query")
@capacity_api.output(AdviceOut)
@capacity_api.doc(
    summary="Which pool size needs the fewest reactions at the measured prevalence", responses=[404, 422]
)
@needs("see_board")
def advise_size(query_data: AdviceAsked) -> dict[str, Any]:
    """Return the advice."""
    read = read_advice(
        db.session(),
        actor=current_actor(),
        campaign_id=query_data.campaign_id,
        area_id=query_data.area_id,
        days=query_data.days,
        test=Accuracy(
            query_data.sensitivity,
            query_data.specificity,
            dilution=Dilution(cutoff=query_data.cutoff) if query_data.dilutes else None,
        ),
    )
    estimate = read.estimate
    return {
        "campaign_id": str(read.campaign.id),
        "area_id": read.area and str(read.area.id),
        "days": read.days,
        "reactions": read.reactions,
        "pools": [asdict(group) for group in read.pools.pools],
        "pools_left_out": read.pools.left_out,
        "prevalence": estimate
        and {
            "share": estimate.firth,
            "low": estimate.interval.low,
            "high": estimate.interval.high,
            "confidence": estimate.interval.confidence,
            "people": estimate.people,
        },
        "advice": read.advice and as_figures(read.advice),
    }
