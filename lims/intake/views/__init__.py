"""Pages from the declaration to the laboratory's door. Each module adds its pages to this blueprint."""

from __future__ import annotations

from flask import Blueprint

intake = Blueprint("intake", __name__)

from lims.intake.views import (  # noqa: E402, F401  (they register themselves)
    boxes,
    collection,
    declarations,
    discrepancies,
    labels,
    lists,
    people,
    reception,
)
