"""What the page of a box is told of the newest plan (`lims.intake.advising`)."""

from __future__ import annotations

from sqlalchemy.orm import Session

from lims.capacity.dispatch.telling import say_line
from lims.capacity.queries.dispatch import find_advised
from lims.intake import advising
from lims.intake.advising import Advice
from lims.intake.models import Box


def advise(session: Session, box: Box) -> Advice | None:
    """Return what the newest plan says of a sealed box."""
    found = find_advised(session, box=box)
    if found is None:
        return None
    return Advice(found.line.laboratory_id, say_line(found.line, found.names), found.planned_at)


advising.answer(advise)
