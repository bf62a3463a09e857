"""What stations choose from: campaigns, communes, laboratories, collection sites."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from lims.extensions import db
from lims.intake.api import intake_api
from lims.places import queries
from lims.places.models import Place
from lims.security import current_actor, needs


class PlaceOut(BaseModel):
    """A place; the full name says what it lies in, as names of communes are not unique."""

    id: uuid.UUID
    code: str
    name: str
    full_name: str


class CampaignOut(BaseModel):
    """A campaign and the parts of its policy that a station shows."""

    id: uuid.UUID
    name: str
    province: PlaceOut
    starts_on: date
    ends_on: date | None
    pool_size: int
    mixed_tube_size: int


class CampaignsOut(BaseModel):
    """Open campaigns, the newest first."""

    campaigns: list[CampaignOut]


class CommunesOut(BaseModel):
    """Communes in the Vietnamese order of their names."""

    communes: list[PlaceOut]


class SitesOut(BaseModel):
    """Collection sites among the caller's places."""

    sites: list[PlaceOut]


class LaboratoryOut(PlaceOut):
    """A laboratory with its capacity, in reactions a day."""

    screening_per_day: int
    confirmation_per_day: int
    can_confirm: bool


class LaboratoriesOut(BaseModel):
    """All open laboratories: a box may be sent to any of them."""

    laboratories: list[LaboratoryOut]


class Asked(BaseModel):
    """Which places are wanted."""

    q: str = Field(default="", max_length=120)
    province_id: uuid.UUID | None = None
    campaign_id: uuid.UUID | None = None


@intake_api.get("/campaigns")
@intake_api.input(Asked, location="query")
@intake_api.output(CampaignsOut)
@intake_api.doc(summary="Open campaigns with their policy", responses=[422])
@needs("home")
def list_campaigns(query_data: Asked) -> dict[str, Any]:
    """Return the open campaigns."""
    plain = CampaignOut.model_fields.keys() - {"province"}
    found = queries.list_open_campaigns(db.session(), province_id=query_data.province_id)
    return {
        "campaigns": [
            {**{name: getattr(one, name) for name in plain}, "province": _place(one.province)}
            for one in found
        ]
    }


@intake_api.get("/communes")
@intake_api.input(Asked, location="query")
@intake_api.output(CommunesOut)
@intake_api.doc(
    summary="Communes by a part of their name, or the beginning of their code", responses=[404, 422]
)
@needs("home")
def list_communes(query_data: Asked) -> dict[str, Any]:
    """Return communes by a part of their name, with or without marks."""
    found = queries.list_communes(
        db.session(),
        text=query_data.q,
        province_id=query_data.province_id,
        campaign_id=query_data.campaign_id,
    )
    return {"communes": [_place(place) for place in found]}


@intake_api.get("/laboratories")
@intake_api.input(Asked, location="query")
@intake_api.output(LaboratoriesOut)
@intake_api.doc(summary="Laboratories and their capacity", responses=[422])
@needs("home")
def list_laboratories(query_data: Asked) -> dict[str, Any]:
    """Return the laboratories."""
    figures = ("screening_per_day", "confirmation_per_day", "can_confirm")
    return {
        "laboratories": [
            {**_place(one.place), **{name: getattr(one, name) for name in figures}}
            for one in queries.list_laboratories(db.session(), province_id=query_data.province_id)
        ]
    }


@intake_api.get("/sites")
@intake_api.input(Asked, location="query")
@intake_api.output(SitesOut)
@intake_api.doc(summary="Collection sites among the caller's places", responses=[422])
@needs("home")
def list_sites(query_data: Asked) -> dict[str, Any]:
    """Return the collection sites of the caller."""
    found = queries.list_sites(db.session(), actor=current_actor(), province_id=query_data.province_id)
    return {"sites": [_place(place) for place in found]}


def _place(place: Place) -> dict[str, Any]:
    return {"id": place.id, "code": place.code, "name": place.name, "full_name": place.full_name}
