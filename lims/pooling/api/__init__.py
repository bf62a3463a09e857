"""The laboratory's bench for programs. Each module adds its routes to this blueprint."""

from __future__ import annotations

from apiflask import APIBlueprint

pooling_api = APIBlueprint("pooling_api", __name__, url_prefix="/api/v1", tag="Laboratory")

from lims.pooling.api import (  # noqa: E402, F401  (they register themselves)
    assays,
    benches,
    extractions,
    files,
    kept_tubes,
    kit_lots,
    pools,
    readings,
    runs,
)
