"""What the page of a box asks the capacity package, without knowing it: imports point the other way.

    from lims.intake import advising
    advising.answer(advise)     # (session, box) -> Advice, or None where nothing is advised

Nobody answers in tests of intake alone, and then nothing is advised.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from lims.intake.models import Box


@dataclass(frozen=True)
class Advice:
    """Where a sealed box should go.

    Args:
        laboratory_id: the laboratory; None: nowhere now.
        sentence: why, in the reader's language.
        planned_at: when that was worked out.
    """

    laboratory_id: uuid.UUID | None
    sentence: str
    planned_at: datetime


Adviser = Callable[[Session, Box], Advice | None]
_advisers: list[Adviser] = []


def answer(adviser: Adviser) -> None:
    """Take over the answer."""
    _advisers[:] = [adviser]


def advise(session: Session, box: Box) -> Advice | None:
    """Return where a sealed box should go; None where nothing is advised."""
    if box.status != "sealed":
        return None
    return next((adviser(session, box) for adviser in _advisers), None)
