"""A record's journey: lines of the chain of custody in words, with who did it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

from lims.audit import Event
from lims.codes import grouped
from lims.extensions import db
from lims.intake.queries import people as people_queries
from lims.language import say_word
from lims.msgid import N_

VERBS = {
    "minted": (N_("Codes minted"), "tags", ""),
    "registered": (N_("Person registered"), "person-plus", "good"),
    "declared": (N_("Declared"), "check", "good"),
    "withdrawn": (N_("Declaration taken back"), "x-circle", "stop"),
    "result_code_issued": (N_("Result code printed"), "tags", ""),
    "result_code_reissued": (N_("New result code issued"), "arrow-repeat", "look"),
    "bound": (N_("Sample taken"), "droplet", "good"),
    "collected": (N_("Sample taken"), "droplet", "good"),
    "closed": (N_("Closed"), "check", "good"),
    "boxed": (N_("Packed into a box"), "box-seam", ""),
    "packed": (N_("Packed into a box"), "box-seam", ""),
    "received": (N_("Received by the laboratory"), "inbox", "good"),
    "rejected": (N_("Rejected"), "x-circle", "stop"),
    "sampled": (N_("Sample taken"), "droplet", "good"),
    "used": (N_("Filled"), "droplet", "good"),
    "named": (N_("Its name came"), "person-check", "good"),
    "taken_back": (N_("Scan taken back"), "arrow-counterclockwise", "look"),
    "scan_taken_back": (N_("Scan taken back"), "arrow-counterclockwise", "look"),
    "opened_again": (N_("A new sample is asked for"), "arrow-repeat", "look"),
    "taken_out": (N_("Taken out of the box"), "box", ""),
    "sealed": (N_("Sealed"), "lock", ""),
    "opened": (N_("Opened"), "box", ""),
    "dispatched": (N_("Sent to the laboratory"), "truck", ""),
    "handed_over": (N_("Handed over"), "person-check", ""),
    "unpacked": (N_("Tubes scanned"), "inbox", ""),
    "reconciled": (N_("Checked against its list"), "check-circle", "good"),
    "missing": (N_("Missing"), "question-circle", "stop"),
    "damaged": (N_("Damaged"), "exclamation-triangle", "stop"),
    "settled": (N_("Settled"), "check-circle", "good"),
    "reopened": (N_("A new sample is asked for"), "arrow-repeat", "look"),
}
"""What a verb of the chain is called on a page, its icon and its tone; others are shown as a word."""


def timeline_of(events: Sequence[Event], *, codes_of: Mapping[uuid.UUID, str]) -> list[dict[str, Any]]:
    """Return the lines of some subjects for the timeline, oldest first.

    Args:
        events: lines of the chain.
        codes_of: printed code of each subject, '' for one without.
    """
    names = people_queries.map_display_names(db.session(), user_ids={event.actor_id for event in events})
    return [
        {
            "title": _(VERBS[event.verb][0]) if event.verb in VERBS else say_word(event.verb),
            "icon": VERBS.get(event.verb, ("", "check", ""))[1],
            "tone": VERBS.get(event.verb, ("", "check", ""))[2],
            "at": event.occurred_at,
            "who": names.get(event.actor_id, "") if event.actor_id else "",
            "where": grouped(codes_of[event.subject_id]) if codes_of.get(event.subject_id) else "",
        }
        for event in events
    ]
