"""Places for programs: what to choose from."""

from __future__ import annotations

import uuid
from typing import Any

from apiflask import APIBlueprint
from flask import request

from lims.extensions import db
from lims.places import queries
from lims.places.models import Place
from lims.security import current_actor, needs

places_api = APIBlueprint("places_api", __name__, url_prefix="/api/v1", tag="Places")


def _place(place: Place) -> dict[str, Any]:
    return {"id": str(place.id), "code": place.code, "name": place.name, "full_name": place.full_name}


def _province() -> uuid.UUID | None:
    return request.args.get("province_id", type=uuid.UUID)


@places_api.get("/campaigns")
@places_api.doc(summary="Campaigns that are open, with their policy")
@needs("home")
def list_campaigns() -> dict[str, Any]:
    """Return the open campaigns."""
    return {
        "campaigns": [
            {
                "id": str(campaign.id),
                "name": campaign.name,
                "province": _place(campaign.province),
                "pool_size": campaign.pool_size,
                "mixed_tube_size": campaign.mixed_tube_size,
            }
            for campaign in queries.list_open_campaigns(db.session(), province_id=_province())
        ]
    }


@places_api.get("/communes")
@places_api.doc(summary="Communes, by part of a name or the beginning of a code (q)")
@needs("home")
def list_communes() -> dict[str, Any]:
    """Return communes."""
    found = queries.list_communes(db.session(), province_id=_province(), text=request.args.get("q", ""))
    return {"communes": [_place(place) for place in found]}


@places_api.get("/laboratories")
@places_api.doc(summary="Laboratories with their capacities in reactions a day")
@needs("home")
def list_laboratories() -> dict[str, Any]:
    """Return laboratories."""
    return {
        "laboratories": [
            {
                **_place(laboratory.place),
                "screening_per_day": laboratory.screening_per_day,
                "confirmation_per_day": laboratory.confirmation_per_day,
                "can_confirm": laboratory.can_confirm,
            }
            for laboratory in queries.list_laboratories(db.session(), province_id=_province())
        ]
    }


@places_api.get("/sites")
@places_api.doc(summary="Collection sites among the caller's places")
@needs("home")
def list_sites() -> dict[str, Any]:
    """Return sites."""
    found = queries.list_sites(db.session(), actor=current_actor(), province_id=_province())
    return {"sites": [_place(place) for place in found]}
