"""Pages from the declaration to the laboratory's door. Each module adds its pages to this blueprint."""

from __future__ import annotations

from flask import Blueprint

from lims.intake.identity import written_phone

intake = Blueprint("intake", __name__)
intake.add_app_template_filter(written_phone)

from lims.intake.views import (  # noqa: E402, F401  (they register themselves)
    boxes,
    collection,
    declarations,
    discrepancies,
    follow_ups,
    labels,
    lists,
    people,
    reception,
    second_swabs,
)
