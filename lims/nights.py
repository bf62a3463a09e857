"""Work of every night: a package registers it, an idle `lims worker` does it. Doing it twice must be harmless."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta

from sqlalchemy.exc import DBAPIError

from lims import clock
from lims.errors import LimsError

log = logging.getLogger(__name__)

# local time: after the last plates of the day, before the report of the morning
BEGINS_AT = timedelta(hours=2)
_WORK: dict[str, Callable[[], object]] = {}


def every_night(name: str, work: Callable[[], object]) -> None:
    """Have something done every night.

    Args:
        name: what it is called in the log.
        work: done as the system; returns what is logged.
    """
    _WORK[name] = work


class Nights:
    """Which night's work one worker has done last; it begins with the night before it was started."""

    def __init__(self) -> None:
        self._done: date | None = None

    def do_what_is_due(self) -> bool:
        """Do the last night's work unless this worker has; tell whether there was any.

        What fails is logged and tried again the next night: messages must go on.
        """
        night = night_of(clock.now())
        if self._done == night:
            return False
        self._done = night
        for name, work in _WORK.items():
            try:
                log.info("%s: %s", name, work())
            except (LimsError, DBAPIError):
                log.exception("%s failed", name)
        return True


def night_of(moment: datetime) -> date:
    """Return the day whose night was the last one to begin before a moment."""
    return (clock.local(moment) - BEGINS_AT).date()
