"""Board, plans, forecasts and reports for programs. Each module adds its routes to this blueprint."""

from __future__ import annotations

from apiflask import APIBlueprint

capacity_api = APIBlueprint("capacity_api", __name__, url_prefix="/api/v1", tag="Capacity")

from lims.capacity.api import (  # noqa: E402, F401  (they register themselves)
    advice,
    alarms,
    board,
    dispatch,
    figures,
    forecast,
    reports,
    scenarios,
)
