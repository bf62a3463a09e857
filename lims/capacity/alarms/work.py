"""What `lims worker` does for the alarms: look at everything once a minute."""

from __future__ import annotations

from lims.auth.actors import SYSTEM
from lims.capacity.alarms.actions import watch
from lims.rounds import every_round

SECONDS = 60.0


def look() -> dict[str, int] | None:
    """Look once; return what was raised and ended, if anything."""
    done = watch(actor=SYSTEM)
    return done if done["raised"] or done["ended"] else None


every_round("alarms", look, seconds=SECONDS)
