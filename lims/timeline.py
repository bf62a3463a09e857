"""A subject's chain of custody as a journey to read: what happened, when, who, where. Used by every record page."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import format_decimal, gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import codes
from lims.audit import Event
from lims.auth.actors import Actor
from lims.auth.models import User
from lims.language import say_word
from lims.places.models import Place
from lims.timeline_words import NOTED, SAID, SAID_OF, SILENT, SPOKEN, Saying

PLACES = ("place", "laboratory")
FINDINGS = ("finding", "before")


@dataclass(frozen=True)
class Happening:
    """One line of a journey, as `components/record.html` shows it.

    Args:
        title: what happened, in the reader's language.
        at: when it happened.
        who: the account's name; empty for a resident or the system.
        where: the site's or laboratory's name, or the code of the thing that it happened to.
        note: codes and words of the event.
        tone: good, look, stop or empty.
        icon: name in the icon sprite.
    """

    title: str
    at: datetime
    who: str
    where: str
    note: str
    tone: str
    icon: str


def read_timeline(
    session: Session,
    *,
    subject_ids: Collection[uuid.UUID],
    codes_of: Mapping[uuid.UUID, str] | None = None,
    with_findings: bool = True,
    most: int = 100,
) -> Sequence[Happening]:
    """Return what happened to some subjects, latest first, in two statements.

    Args:
        session: reading session.
        subject_ids: keys of the subjects (a tube, its samples, their results).
        codes_of: printed code of a subject, where the page shows several that have one.
        with_findings: False for whoever may not see the laboratory's work: what was found stays untold, as it is
            written down before it is released.
        most: lines returned.
    """
    rows = session.execute(
        select(Event, User.display_name)
        .outerjoin(User, User.id == Event.actor_id)
        .where(Event.subject_id.in_(subject_ids))
        .order_by(Event.recorded_at.desc(), Event.subject_id, Event.seq.desc())
        .limit(most)
    ).all()
    places = _places_of(session, [event for event, _ in rows])
    several = len({event.subject_kind for event, _ in rows}) > 1
    untold = () if with_findings else FINDINGS
    return [
        _tell(
            event,
            name or "",
            places,
            kind=several,
            code=(codes_of or {}).get(event.subject_id, ""),
            untold=untold,
        )
        for event, name in rows
    ]


def read_own(session: Session, *, actor: Actor, most: int = 8) -> Sequence[Happening]:
    """Return the last things an account did, for its home page."""
    events = session.scalars(
        select(Event).where(Event.actor_id == actor.user_id).order_by(Event.recorded_at.desc()).limit(most)
    ).all()
    places = _places_of(session, events)
    return [_tell(event, "", places, kind=True, code="") for event in events]


def _places_of(session: Session, events: Sequence[Event]) -> dict[str, str]:
    """Return the names of the places among the events' details, by their keys as text."""
    keys = {event.details[name] for event in events for name in PLACES if event.details.get(name)}
    if not keys:
        return {}
    rows = session.execute(select(Place.id, Place.name).where(Place.id.in_({uuid.UUID(key) for key in keys})))
    return {str(row.id): row.name for row in rows}


def _tell(
    event: Event,
    who: str,
    places: Mapping[str, str],
    *,
    kind: bool,
    code: str,
    untold: Collection[str] = (),
) -> Happening:
    # a verb of an older version of the product is shown as it stands
    saying = SAID_OF.get((event.subject_kind, event.verb)) or SAID.get(event.verb) or Saying(event.verb)
    said = gettext(saying.words)
    where = [places.get(str(event.details.get(name)), "") for name in PLACES]
    return Happening(
        title=f"{say_word(event.subject_kind).capitalize()}: {said}" if kind else said,
        at=event.occurred_at,
        who=who,
        where=" · ".join(part for part in [*where, codes.grouped(code)] if part),
        note=" · ".join(_notes(event, untold)),
        tone=saying.tone,
        icon=saying.icon,
    )


def _notes(event: Event, untold: Collection[str]) -> list[str]:
    """Return an event's details in words; keys, lists of codes and what goes without saying are left out."""
    told = []
    for name, words in NOTED.items():
        value = event.details.get(name)
        if name in untold or value in (None, "", []) or value == SILENT.get(name):
            continue
        shown = _shown(name, value)
        if shown:
            told.append(shown if words == "%(value)s" else gettext(words, value=shown))
    return told


def _shown(name: str, value: object) -> str:
    """Return one detail as it is read: a word, a grouped code or a number; '' for a key."""
    if isinstance(value, list):
        return format_decimal(len(value))
    if isinstance(value, int | float):
        return format_decimal(value)
    text = str(value)
    if name in SPOKEN:
        return say_word(text)
    if name in ("box", "tube", "pool", "answers", "run", "extraction"):
        # a result names its pool by key, which nobody reads
        return codes.grouped(text) if len(text) == codes.LENGTH else ""
    return text
