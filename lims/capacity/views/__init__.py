"""Pages that show what will be late: board, plans, forecasts, reports. Each module adds its pages to this blueprint."""

from __future__ import annotations

from flask import Blueprint

capacity = Blueprint("capacity", __name__)

from lims.capacity.views import (  # noqa: E402, F401  (they register themselves)
    advice,
    alarms,
    board,
    dispatch,
    forecast,
    metrics,
    reports,
    scenarios,
)
