"""A result's journey in words: what a line of the chain of custody is called, with its icon and its tone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lims.audit import Event
from lims.codes import grouped
from lims.language import say, say_word
from lims.msgid import N_

VERBS = {
    "bound": (N_("Sample taken"), "droplet", "good"),
    "boxed": (N_("Packed into a box"), "box-seam", ""),
    "received": (N_("Received by the laboratory"), "inbox", "good"),
    "entered": (N_("Result written"), "pencil", ""),
    "resulted": (N_("Sample has a result"), "check", ""),
    "verified": (N_("Verified by a second person"), "check", "good"),
    "released": (N_("Result released"), "check-all", "good"),
    "held": (N_("Put on hold"), "pause-circle", "look"),
    "unheld": (N_("Taken off hold"), "play-circle", ""),
    "amended": (N_("Result amended"), "pencil", "look"),
    "superseded": (N_("Replaced by a newer one"), "arrow-repeat", "look"),
    "withdrawn": (N_("Result withdrawn"), "x-circle", "stop"),
    "read": (N_("Read by the person"), "eye", "good"),
    "stored": (N_("Tested and kept"), "check", "good"),
}


def list_steps(events: Sequence[tuple[Event, str]]) -> list[dict[str, Any]]:
    """Return the lines of a result, its sample and its tube for the timeline.

    Args:
        events: lines with the name of who did it, in the order wanted.
    """
    return [_step(event, who) for event, who in events]


def _step(event: Event, who: str) -> dict[str, Any]:
    words, icon, tone = VERBS.get(event.verb, ("", "check", ""))
    pool = event.details.get("pool", "")
    return {
        "title": say(words) if words else say_word(event.verb),
        "icon": icon,
        "tone": tone,
        "at": event.occurred_at,
        "who": who,
        "where": grouped(pool) if len(str(pool)) == 9 else "",
    }
