"""What phones ask and send. Each module adds its routes to this blueprint; docs/field.md describes them."""

from __future__ import annotations

from apiflask import APIBlueprint

field_api = APIBlueprint("field_api", __name__, url_prefix="/api/v1", tag="Field collection")

from lims.field.api import (  # noqa: E402, F401  (they register themselves)
    devices,
    enrolments,
    scans,
    teams,
)
