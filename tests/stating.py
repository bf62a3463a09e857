"""Declarations for tests: a form that is right, and the same with something changed."""

from __future__ import annotations

import uuid
from typing import Any

from lims.auth.actors import RESIDENT
from lims.intake.actions.declarations import declare_people
from lims.intake.declaring import DeclarationForm


def make_form(**changes: Any) -> DeclarationForm:
    """Return a form that is right, apart from the changes."""
    right: dict[str, Any] = {
        "client_id": uuid.uuid4(),
        "name": "Nguyễn Thị Ánh",
        "birth_date": "17/05/1990",
        "sex": "female",
        "commune_code": "06655",
        "consent": True,
    }
    return DeclarationForm(**{**right, **changes})


def declare(world, *forms: DeclarationForm, actor=RESIDENT) -> list[dict[str, Any]]:
    """Declare some forms and return their verdicts."""
    return declare_people(actor=actor, campaign_id=world.campaign_id, declarations=forms or (make_form(),))
