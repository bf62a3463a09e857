"""The app's shell for phones, and the pages of whoever leads the teams. Each module adds its routes here."""

from __future__ import annotations

from flask import Blueprint

field = Blueprint("field", __name__)

from lims.field.views import (  # noqa: E402, F401  (they register themselves)
    app,
    files,
    teams,
)
