"""A subject's chain of custody as a journey to read: what happened, when, who. Used by every record page."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.audit import Event
from lims.auth.actors import Actor
from lims.auth.models import User
from lims.language import say_word
from lims.msgid import N_

# What is said of an event, by its verb. A house test fails on a verb that is missing here.
SAID = {
    "agreed": N_("Agreed by a second person"),
    "amended": N_("Amended"),
    "asked_again": N_("A new sample was asked for"),
    "boxed": N_("Packed into a box"),
    "capacity_set": N_("Capacity changed"),
    "called": N_("Called by the assay's rules"),
    "closed": N_("Closed"),
    "created": N_("Created"),
    "declared": N_("Declared"),
    "dispatched": N_("Sent on its way"),
    "drafted": N_("Drafted"),
    "entered": N_("Entered"),
    "failed": N_("The run failed"),
    "handed_over": N_("Handed over to the courier"),
    "held": N_("Put on hold"),
    "imported": N_("Readings entered"),
    "late_binding": N_("Its name came after the test"),
    "listed": N_("Found on a list of people"),
    "loaded": N_("Loaded"),
    "minted": N_("Codes minted"),
    "missing": N_("Missing from its box"),
    "opened": N_("Opened"),
    "opened_again": N_("Opened again"),
    "packed": N_("Tubes packed"),
    "password_set": N_("Password set"),
    "planned": N_("Planned"),
    "plated": N_("Put on a plate"),
    "put_back": N_("Put back to wait for another run"),
    "read": N_("Read by the person"),
    "readings_recorded": N_("Readings entered"),
    "received": N_("Received by the laboratory"),
    "reconciled": N_("Counted and reconciled"),
    "registered": N_("Registered"),
    "rejected": N_("Rejected"),
    "released": N_("Released"),
    "reopened": N_("Opened again"),
    "resolved": N_("Resolved"),
    "result_code_issued": N_("Result code issued"),
    "result_code_reissued": N_("A new result code was issued; the old one is dead"),
    "resulted": N_("Has a result"),
    "retired": N_("Retired"),
    "reviewed": N_("Reviewed"),
    "sampled": N_("Sampled"),
    "scan_taken_back": N_("Scan taken back"),
    "sealed": N_("Sealed"),
    "settled": N_("Settled"),
    "signed_in": N_("Signed in"),
    "signed_out": N_("Signed out"),
    "started": N_("Started"),
    "stored": N_("Stored"),
    "superseded": N_("Superseded"),
    "taken_back": N_("Taken back"),
    "taken_out": N_("Taken out of its box"),
    "tubes_added": N_("Tubes added"),
    "tubes_removed": N_("Tubes taken out"),
    "unheld": N_("Hold ended"),
    "unpacked": N_("Tubes taken out"),
    "bound": N_("Bound to its tube"),
    "used": N_("Used for a person"),
    "verified": N_("Verified by a second person"),
    "void": N_("Made void"),
    "voided": N_("Made void"),
    "withdrawn": N_("Withdrawn"),
}
TONES = {
    "released": "good",
    "verified": "good",
    "rejected": "stop",
    "failed": "stop",
    "missing": "stop",
    "held": "look",
    "asked_again": "look",
    "late_binding": "look",
}


@dataclass(frozen=True)
class Happening:
    """One line of a journey, as `components/record.html` shows it.

    Args:
        title: what happened, in the reader's language.
        at: when it happened.
        who: the account's name; empty for a resident or the system.
        note: codes and words of the event.
        tone: good, look, stop or empty.
        icon: name in the icon sprite.
    """

    title: str
    at: datetime
    who: str
    note: str
    tone: str = ""
    icon: str = "check"


def read_timeline(
    session: Session, *, subject_ids: Collection[uuid.UUID], most: int = 100
) -> Sequence[Happening]:
    """Return what happened to some subjects, latest first, in one statement.

    Args:
        session: reading session.
        subject_ids: keys of the subjects (a tube, its samples, their results).
        most: lines returned.
    """
    rows = session.execute(
        select(Event, User.display_name)
        .outerjoin(User, User.id == Event.actor_id)
        .where(Event.subject_id.in_(subject_ids))
        .order_by(Event.recorded_at.desc(), Event.subject_id, Event.seq.desc())
        .limit(most)
    ).all()
    return [_tell(event, name or "") for event, name in rows]


def read_own(session: Session, *, actor: Actor, most: int = 8) -> Sequence[Happening]:
    """Return the last things an account did, for its home page."""
    events = session.scalars(
        select(Event).where(Event.actor_id == actor.user_id).order_by(Event.recorded_at.desc()).limit(most)
    ).all()
    return [_tell(event, "") for event in events]


def _tell(event: Event, who: str) -> Happening:
    said = gettext(SAID[event.verb]) if event.verb in SAID else event.verb
    return Happening(
        title=f"{say_word(event.subject_kind).capitalize()}: {said}",
        at=event.occurred_at,
        who=who,
        note=_note(event),
        tone=TONES.get(event.verb, ""),
    )


def _note(event: Event) -> str:
    """Return the codes and words of an event's details; keys and lists are for programs."""
    shown = [
        say_word(value)
        for name, value in event.details.items()
        if isinstance(value, str | int | float)
        and not isinstance(value, bool)
        and not name.endswith("_id")
        and value != ""
    ]
    return " · ".join(shown)
