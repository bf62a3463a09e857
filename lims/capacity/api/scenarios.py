"""Scenarios for programs: calculated, kept, dropped."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from lims import clock
from lims.capacity.api import capacity_api
from lims.capacity.scenarios import actions, queries
from lims.capacity.scenarios.calculation import calculate_plan, tell_end, tell_first_break
from lims.capacity.scenarios.figures import as_figures
from lims.capacity.scenarios.rules import read_scenario
from lims.extensions import db
from lims.language import say
from lims.security import current_actor, needs

_DOCUMENT = "as the guide on planning shows it; without laboratories, those of the province"
_EXAMPLE = {"name": "5,000 cases", "cases": 5000, "policy": "members"}


class ScenarioIn(BaseModel):
    """A scenario to calculate."""

    document: dict[str, Any] = Field(description=_DOCUMENT, examples=[_EXAMPLE])
    province_id: uuid.UUID | None = None


class KeepIn(BaseModel):
    """A scenario to keep; it needs a name."""

    client_id: uuid.UUID
    province_id: uuid.UUID
    document: dict[str, Any] = Field(description=_DOCUMENT, examples=[_EXAMPLE])


class DropIn(BaseModel):
    """A scenario to take off the list."""

    client_id: uuid.UUID


class KeptOut(BaseModel):
    """A scenario that was kept or dropped."""

    scenario: uuid.UUID
    name: str


class StationOut(BaseModel):
    """One station's day: people for sampling, reactions for the laboratories."""

    asked: float
    done: float
    waiting: float


class PlanDayOut(BaseModel):
    """One day of a plan."""

    day: int
    on: str
    cases: int
    contact_tests: float
    community: float
    samplers: int
    tubes: int
    boxes: int
    kits: int
    sampling: StationOut
    screening: StationOut
    confirmation: StationOut


class BreakOut(BaseModel):
    """What is not enough, from which day on."""

    what: str
    day: int
    on: str
    short: int
    worst: int


class PlanOut(BaseModel):
    """What a scenario comes to, and what breaks first in the caller's language."""

    name: str
    starts_on: str
    policy: str
    screening_per_day: int
    confirmation_per_day: int
    confirmations_per_case: int
    case_days: float
    totals: dict[str, int]
    breaks: list[BreakOut]
    done_on: dict[str, str | None]
    days: list[PlanDayOut]
    first_break: str
    end: str


class ScenarioOut(BaseModel):
    """A kept scenario."""

    id: uuid.UUID
    name: str
    province_id: uuid.UUID
    kept_at: datetime
    document: dict[str, Any]


class ScenariosOut(BaseModel):
    """The kept scenarios of the caller's provinces, the newest first."""

    scenarios: list[ScenarioOut]


@capacity_api.post("/scenarios/calculate")
@capacity_api.input(ScenarioIn)
@capacity_api.output(PlanOut)
@capacity_api.doc(summary="Calculate a scenario: what each day asks for and what breaks first")
@needs("see_board")
def calculate_scenario(json_data: ScenarioIn) -> dict[str, Any]:
    """Return the plan; nothing is kept."""
    document = dict(json_data.document)
    if document.get("laboratories") is None:
        provinces = queries.list_own_provinces(db.session(), actor=current_actor())
        wanted = [one.id for one in provinces if json_data.province_id in (None, one.id)]
        document["laboratories"] = (
            queries.list_live_laboratories(db.session(), actor=None, province_id=wanted[0]) if wanted else []
        )
    plan = calculate_plan(read_scenario(document, starts_on=clock.today()))
    return as_figures(plan) | {
        "first_break": say(*tell_first_break(plan)),
        "end": say(*tell_end(plan)),
    }


@capacity_api.get("/scenarios")
@capacity_api.output(ScenariosOut)
@capacity_api.doc(summary="Scenarios that were kept")
@needs("see_board")
def list_scenarios() -> dict[str, Any]:
    """Return them with their documents."""
    return {
        "scenarios": [
            {
                "id": str(one.id),
                "name": one.name,
                "province_id": str(one.province_id),
                "kept_at": one.kept_at.isoformat(),
                "document": one.document,
            }
            for one in queries.list_scenarios(db.session(), actor=current_actor())
        ]
    }


@capacity_api.post("/scenarios")
@capacity_api.input(KeepIn)
@capacity_api.output(KeptOut)
@capacity_api.doc(summary="Keep a scenario for comparing", responses=[404, 409, 413, 422])
@needs("manage_campaign")
def keep_scenario(json_data: KeepIn) -> dict[str, str]:
    """Keep it."""
    return actions.keep_scenario(
        actor=current_actor(),
        client_id=json_data.client_id,
        province_id=json_data.province_id,
        document=json_data.document,
    )


@capacity_api.post("/scenarios/<uuid:scenario_id>/drop")
@capacity_api.input(DropIn)
@capacity_api.output(KeptOut)
@capacity_api.doc(summary="Take a kept scenario off the list")
@needs("manage_campaign")
def drop_scenario(scenario_id: uuid.UUID, json_data: DropIn) -> dict[str, str]:
    """Drop it."""
    return actions.drop_scenario(
        actor=current_actor(), client_id=json_data.client_id, scenario_id=scenario_id
    )
