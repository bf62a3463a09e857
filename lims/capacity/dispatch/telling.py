"""A line of a plan as one sentence in the reader's language. Pure but for the language."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from flask_babel import gettext

from lims.capacity.dispatch.explaining import CHOSEN, LEFT, SENTENCES
from lims.capacity.models.dispatch import DispatchPlanBox
from lims.language import say
from lims.web import short_time


def say_line(line: DispatchPlanBox, names: Mapping[uuid.UUID, str]) -> str:
    """Return why a box goes where it goes, or why nowhere.

    Args:
        line: of a plan.
        names: of the laboratories that it names.
    """
    if line.laboratory_id is None:
        return gettext(LEFT[line.word])
    sentences = CHOSEN if line.by_hand else SENTENCES
    return say(
        sentences[line.word],
        {
            "laboratory": names.get(line.laboratory_id, ""),
            "done": short_time(line.done_at),
            "other": names.get(line.other_id, "") if line.other_id else "",
            "age": say_minutes(line.minutes),
            "count": line.number,
        },
    )


def say_minutes(minutes: int) -> str:
    """Return a length of time: "3 h 12 min"."""
    hours, rest = divmod(minutes, 60)
    if hours:
        return gettext("%(hours)s h %(minutes)s min", hours=hours, minutes=rest)
    return gettext("%(minutes)s min", minutes=rest)
