"""Pages on which people see what is kept of them, and on which requests are handled."""

from __future__ import annotations

from flask import Blueprint

from lims.intake.identity import written_phone
from lims.personal import retention  # noqa: F401  (registers its work of every night)

personal = Blueprint("personal", __name__)
personal.add_app_template_filter(written_phone)

from lims.personal.views import handling, own  # noqa: E402, F401  (they register themselves)
