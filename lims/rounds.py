"""Work that comes round every few seconds: a package registers it, `lims worker` does it between messages.

Several workers may do it at the same time, and doing it twice must be harmless.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from sqlalchemy.exc import DBAPIError

from lims.errors import LimsError
from lims.extensions import db

log = logging.getLogger(__name__)

_WORK: dict[str, tuple[float, Callable[[], object]]] = {}


def every_round(name: str, work: Callable[[], object], *, seconds: float) -> None:
    """Have something done again and again.

    Args:
        name: what it is called in the log.
        work: done as the system; what it returns is logged unless it is nothing.
        seconds: pause between two of them.
    """
    _WORK[name] = (seconds, work)


class Rounds:
    """When one worker has done which work last."""

    def __init__(self) -> None:
        self._done: dict[str, float] = {}

    def do_what_is_due(self) -> None:
        """Do what was not done for long enough.

        What fails is logged and tried again the next time: messages must go on.
        """
        for name, (seconds, work) in _WORK.items():
            if time.monotonic() - self._done.get(name, -seconds) < seconds:
                continue
            try:
                if done := work():
                    log.info("%s: %s", name, done)
            except (LimsError, DBAPIError):
                db.session.rollback()
                log.exception("%s failed", name)
            self._done[name] = time.monotonic()
