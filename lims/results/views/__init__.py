"""Pages of review, verification, release, a result's record, and the page on which people read.

Each module adds its routes to this blueprint.
"""

from __future__ import annotations

from flask import Blueprint

from lims.results.actions import consequences, late_names, suspicions  # noqa: F401  (register what intake asks)

results = Blueprint("results", __name__)

from lims.results.views import (  # noqa: E402, F401  (they register themselves)
    commune,
    lists,
    reading,
    records,
    release,
    sheets,
    verifier,
    withdrawals,
)
