"""Setting up for programs: campaigns with their policy, laboratories with their capacity, sites."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, Literal

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from lims.places import actions, rules
from lims.security import current_actor, needs

places_api = APIBlueprint("places_api", __name__, url_prefix="/api/v1", tag="Setting up")


class Once(BaseModel):
    """What is sent once: the id its sender made."""

    client_id: uuid.UUID


class NewCampaign(Once):
    """A campaign and its policy."""

    name: str = Field(min_length=1, max_length=120)
    province_id: uuid.UUID
    starts_on: date
    ends_on: date | None = None
    pool_size: int = Field(default=10, ge=1, le=rules.MOST_IN_A_POOL)
    mixed_tube_size: int = Field(default=10, ge=1, le=rules.MOST_IN_A_POOL)
    symptomatic_alone: bool = True
    contacts_alone: bool = False
    confirm_all_members: bool = False
    positive_pool_strategy: Literal["singles", "halves", "second_swab"] = "singles"
    validity_hours: int = Field(default=72, ge=1, le=rules.MOST_HOURS)
    hold_limit_hours: int = Field(default=48, ge=1, le=rules.MOST_HOURS)


class Telling(Once):
    """What a campaign's people are told, when, and how long their identities are kept; all values as they should be."""

    detected_advice_vi: str = Field(default="", max_length=rules.MOST_ADVICE)
    detected_advice_en: str = Field(default="", max_length=rules.MOST_ADVICE)
    second_test_advice_vi: str = Field(default="", max_length=rules.MOST_ADVICE)
    second_test_advice_en: str = Field(default="", max_length=rules.MOST_ADVICE)
    tells_people: bool
    quiet_from_hour: int = Field(ge=0, le=23)
    quiet_until_hour: int = Field(ge=0, le=23)
    certificate_hours: int = Field(ge=1, le=rules.MOST_CERTIFICATE_HOURS)
    retention_days: int | None = Field(default=None, ge=0, le=rules.MOST_RETENTION_DAYS)


class Capacity(Once):
    """What a laboratory can do in a day, in reactions."""

    screening_per_day: int = Field(ge=0, le=rules.MOST_REACTIONS)
    confirmation_per_day: int = Field(default=0, ge=0, le=rules.MOST_REACTIONS)
    can_confirm: bool = False


class NewLaboratory(Capacity):
    """A laboratory and what it can do in a day."""

    province_id: uuid.UUID
    code: str = Field(min_length=2, max_length=16, examples=["QN01"])
    name: str = Field(min_length=1, max_length=120)


class NewSite(Once):
    """A collection site."""

    commune_id: uuid.UUID
    name: str = Field(min_length=1, max_length=120)


class MadePlace(BaseModel):
    """A place that was added."""

    id: uuid.UUID
    code: str


class Changed(BaseModel):
    """What was made or changed."""

    id: uuid.UUID


@places_api.post("/campaigns")
@places_api.input(NewCampaign)
@places_api.output(Changed)
@places_api.doc(summary="Open a campaign in a province", responses=[404])
@needs("manage_campaign")
def create_campaign(json_data: NewCampaign) -> dict[str, Any]:
    """Open a campaign."""
    return actions.create_campaign(actor=current_actor(), **json_data.model_dump())


@places_api.post("/campaigns/<uuid:campaign_id>/telling")
@places_api.input(Telling)
@places_api.output(Changed)
@places_api.doc(summary="Change what a campaign's people are told", responses=[404])
@needs("manage_campaign")
def set_telling(campaign_id: uuid.UUID, json_data: Telling) -> dict[str, Any]:
    """Change what people are told."""
    return actions.set_telling(actor=current_actor(), campaign_id=campaign_id, **json_data.model_dump())


@places_api.post("/campaigns/<uuid:campaign_id>/close")
@places_api.input(Once)
@places_api.output(Changed)
@places_api.doc(
    summary="Close a campaign for new declarations; what was sampled is still tested", responses=[404]
)
@needs("manage_campaign")
def close_campaign(campaign_id: uuid.UUID, json_data: Once) -> dict[str, Any]:
    """Close a campaign."""
    return actions.close_campaign(
        actor=current_actor(), client_id=json_data.client_id, campaign_id=campaign_id
    )


@places_api.post("/laboratories")
@places_api.input(NewLaboratory)
@places_api.output(MadePlace)
@places_api.doc(summary="Add a laboratory", responses=[404])
@needs("manage_campaign")
def create_laboratory(json_data: NewLaboratory) -> dict[str, Any]:
    """Add a laboratory."""
    return actions.create_laboratory(actor=current_actor(), **json_data.model_dump())


@places_api.post("/laboratories/<uuid:laboratory_id>/capacity")
@places_api.input(Capacity)
@places_api.output(Changed)
@places_api.doc(summary="Change what a laboratory can do in a day", responses=[404])
@needs("manage_campaign")
def set_capacity(laboratory_id: uuid.UUID, json_data: Capacity) -> dict[str, Any]:
    """Change a capacity."""
    return actions.set_capacity(actor=current_actor(), laboratory_id=laboratory_id, **json_data.model_dump())


@places_api.post("/sites")
@places_api.input(NewSite)
@places_api.output(MadePlace)
@places_api.doc(summary="Open a collection site in a commune", responses=[404])
@needs("manage_campaign")
def create_site(json_data: NewSite) -> dict[str, Any]:
    """Open a site."""
    return actions.create_site(actor=current_actor(), **json_data.model_dump())
