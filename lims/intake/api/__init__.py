"""The API from the declaration to the laboratory's door. Each module adds its routes to this blueprint."""

from __future__ import annotations

from apiflask import APIBlueprint

intake_api = APIBlueprint("intake_api", __name__, url_prefix="/api/v1", tag="Intake")

from lims.intake.api import (  # noqa: E402, F401  (they register themselves)
    boxes,
    collections,
    contacts,
    declarations,
    discrepancies,
    lists,
    lots,
    people,
    places,
    reception,
    records,
)
