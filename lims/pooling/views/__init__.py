"""Pages of the laboratory's bench. Each module adds its routes to this blueprint."""

from __future__ import annotations

from flask import Blueprint

pooling = Blueprint("pooling", __name__)

from lims.pooling.views import pools, runs  # noqa: E402, F401  (they register themselves)
