"""Pages of the laboratory's bench. Each module adds its routes to this blueprint."""

from __future__ import annotations

from flask import Blueprint

pooling = Blueprint("pooling", __name__)

from lims.pooling.views import (  # noqa: E402, F401  (they register themselves)
    assays,
    control_charts,
    curves,
    extractions,
    files,
    kept_tubes,
    kit_lots,
    plate_files,
    pools,
    prevalence,
    runs,
)
