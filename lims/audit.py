"""The chain of custody: append, seal, verify.

Actions `note` what they did to which subject; the transaction appends one event per note, in that subject's own hash
chain, in a constant number of statements. Events are append-only by triggers (see the first migration). UNIQUE
(subject, seq) and UNIQUE (subject, previous hash) keep a chain from forking. `EventHead` remembers where each chain
ends, so that a removed last line is missed; seals, keyed, over explicit ids, catch a chain removed as a whole.

No personal data in events: only codes, ids, words and numbers. One global chain would make every writer wait for the
one before (five times slower, measured), hence one chain per subject.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, UniqueConstraint, insert, select, tuple_, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from lims import clock, uncounted
from lims.tables import Base, Keyed, new_id, word
from lims.vault import Vault

FIRST = bytes(32)


class Event(Keyed, Base):
    """One line of a subject's chain; never changed."""

    __tablename__ = "event"
    subject_kind: Mapped[str] = mapped_column(word())
    subject_id: Mapped[uuid.UUID]
    seq: Mapped[int]
    verb: Mapped[str] = mapped_column(word(48))
    actor_id: Mapped[uuid.UUID | None]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    __table_args__ = (
        UniqueConstraint("subject_id", "seq"),
        UniqueConstraint("subject_id", "previous_hash"),
        # "my last actions" on a role's home
        Index(None, "actor_id", "recorded_at"),
        # what was changed since a moment, for programs that ask again and again
        Index(None, "recorded_at"),
    )


class EventHead(Base):
    """Where a subject's chain ends; read and locked before the next line is written."""

    __tablename__ = "event_head"
    subject_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    seq: Mapped[int]
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class Seal(Keyed, Base):
    """A keyed hash over explicit lines, chained to the seal before; its text is to be kept outside, too."""

    __tablename__ = "event_seal"
    number: Mapped[int] = mapped_column(unique=True)
    made_at: Mapped[datetime]
    event_count: Mapped[int]
    previous_digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))


class SealedEvent(Base):
    """Which seal covers which line. No foreign key: a removed line must be missed, not cascade."""

    __tablename__ = "event_sealed"
    event_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    seal_id: Mapped[uuid.UUID] = mapped_column(index=True)
    event_hash: Mapped[bytes] = mapped_column(LargeBinary(32))


@dataclass(frozen=True)
class Note:
    """Something that happened to one subject in this transaction.

    Args:
        kind: the subject's word, as "tube".
        subject_id: its key.
        verb: past participle, as "sealed".
        details: codes, ids, words and numbers; never personal data.
        occurred_at: when it happened if that is not now (offline scans, paper entered later).
    """

    kind: str
    subject_id: uuid.UUID
    verb: str
    details: dict[str, Any]
    occurred_at: datetime | None = None


def note(
    session: Session,
    kind: str,
    subject_id: uuid.UUID,
    verb: str,
    /,
    *,
    occurred_at: datetime | None = None,
    **details: Any,
) -> None:
    """Note an event, to be appended when the transaction ends. See `Note` for the arguments."""
    session.info.setdefault("notes", []).append(Note(kind, subject_id, verb, details, occurred_at))


def calculate_hash(
    *,
    subject_kind: str,
    subject_id: uuid.UUID,
    seq: int,
    verb: str,
    actor_id: uuid.UUID | None,
    occurred_at: datetime,
    recorded_at: datetime,
    details: dict[str, Any],
    previous_hash: bytes,
) -> bytes:
    """Return the SHA-256 (32 bytes) of an event's canonical JSON, the hash before it included."""
    text = json.dumps(
        [
            subject_kind,
            str(subject_id),
            seq,
            verb,
            str(actor_id or ""),
            occurred_at.isoformat(),
            recorded_at.isoformat(),
            details,
            previous_hash.hex(),
        ],
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return hashlib.sha256(text.encode()).digest()


def append_noted(session: Session) -> None:
    """Append the events noted in this transaction, and what is to be counted again.

    Four statements, however many there are.
    """
    notes: list[Note] = session.info.pop("notes", [])
    now = clock.now()
    uncounted.append_touched(
        session, ((item.kind, item.subject_id, item.verb) for item in notes), recorded_at=now
    )
    if not notes:
        return
    actor = session.info.get("actor")
    actor_id = actor.user_id if actor else None
    ids = sorted({item.subject_id for item in notes})
    known = {
        head.subject_id: (head.seq, head.hash)
        for head in session.execute(
            select(EventHead.subject_id, EventHead.seq, EventHead.hash)
            .where(EventHead.subject_id.in_(ids))
            .order_by(EventHead.subject_id)
            .with_for_update()
        )
    }
    heads = dict(known)
    rows = []
    for item in notes:
        seq, previous = heads.get(item.subject_id, (0, FIRST))
        line: dict[str, Any] = {
            "subject_kind": item.kind,
            "subject_id": item.subject_id,
            "seq": seq + 1,
            "verb": item.verb,
            "actor_id": actor_id,
            "occurred_at": item.occurred_at or now,
            "recorded_at": now,
            "details": json.loads(json.dumps(item.details, default=str)),
            "previous_hash": previous,
        }
        line["hash"] = calculate_hash(**line)
        heads[item.subject_id] = (seq + 1, line["hash"])
        rows.append({"id": new_id(), **line})
    session.execute(insert(Event), rows)
    fresh = [subject for subject in ids if subject not in known]
    if fresh:
        session.execute(
            insert(EventHead), [{"subject_id": s, "seq": heads[s][0], "hash": heads[s][1]} for s in fresh]
        )
    if known:
        session.execute(
            update(EventHead), [{"subject_id": s, "seq": heads[s][0], "hash": heads[s][1]} for s in known]
        )


def list_events(session: Session, *, subject_ids: Sequence[uuid.UUID], most: int = 200) -> Sequence[Event]:
    """Return the lines of some subjects, oldest first."""
    return session.scalars(
        select(Event)
        .where(Event.subject_id.in_(subject_ids))
        .order_by(Event.recorded_at, Event.subject_id, Event.seq)
        .limit(most)
    ).all()


def seal_events(session: Session, *, vault: Vault) -> Seal | None:
    """Seal all lines that no seal covers yet; None where there are none.

    Membership is by explicit id, not by a range: a transaction that commits late is sealed next time.
    """
    rows = session.execute(
        select(Event.id, Event.hash)
        .outerjoin(SealedEvent, SealedEvent.event_id == Event.id)
        .where(SealedEvent.event_id.is_(None))
        .order_by(Event.id)
    ).all()
    if not rows:
        return None
    last = session.scalars(select(Seal).order_by(Seal.number.desc()).limit(1)).first()
    number = last.number + 1 if last else 1
    previous = last.digest if last else FIRST
    seal = Seal(
        id=new_id(),
        number=number,
        made_at=clock.now(),
        event_count=len(rows),
        previous_digest=previous,
        digest=_seal_digest(vault, number, previous, [row.hash for row in rows]),
    )
    session.add(seal)
    session.flush()
    session.execute(
        insert(SealedEvent),
        [{"event_id": row.id, "seal_id": seal.id, "event_hash": row.hash} for row in rows],
    )
    return seal


def _seal_digest(vault: Vault, number: int, previous: bytes, hashes: Sequence[bytes]) -> bytes:
    body = hashlib.sha256(b"".join(sorted(hashes))).hexdigest()
    return vault.digest(f"{number}|{previous.hex()}|{body}", purpose="event-seal")


@dataclass(frozen=True)
class Fault:
    """What `verify` found wrong with one line, or with a seal.

    Args:
        what: changed, removed, added, or seal.
        subject: `kind id` of the chain.
        seq: number of the line within it.
    """

    what: str
    subject: str
    seq: int


def verify(session: Session, *, vault: Vault) -> tuple[int, list[Fault]]:
    """Walk every chain and every seal.

    Returns:
        The number of lines read, and the faults: each names a changed, removed or added line, or a broken seal.
    """
    count = 0
    faults: list[Fault] = []
    ends: dict[uuid.UUID, tuple[int, bytes]] = {}
    previous_subject: uuid.UUID | None = None
    seq, link = 0, FIRST
    for line in _walk(session):
        count += 1
        if line.subject_id != previous_subject:
            seq, link, previous_subject = 0, FIRST, line.subject_id
        name = f"{line.subject_kind} {line.subject_id}"
        for missing in range(seq + 1, line.seq):
            faults.append(Fault("removed", name, missing))
        computed = calculate_hash(
            subject_kind=line.subject_kind,
            subject_id=line.subject_id,
            seq=line.seq,
            verb=line.verb,
            actor_id=line.actor_id,
            occurred_at=line.occurred_at,
            recorded_at=line.recorded_at,
            details=line.details,
            previous_hash=line.previous_hash,
        )
        broken_link = line.seq == seq + 1 and line.previous_hash != link
        if not hmac.compare_digest(computed, line.hash) or broken_link:
            faults.append(Fault("changed", name, line.seq))
        seq, link = line.seq, line.hash
        ends[line.subject_id] = (seq, link)
    faults += _check_heads(session, ends)
    faults += _check_seals(session, vault)
    return count, faults


def compare_seals(session: Session, *, kept: dict[int, str]) -> list[Fault]:
    """Compare the seals with digests kept outside; only these show that the newest seals were removed.

    Args:
        session: reading session.
        kept: digest (hexadecimal) by the seal's number.
    """
    here = {seal.number: seal.digest.hex() for seal in session.scalars(select(Seal))}
    return [
        Fault("seal", f"seal {number}", number)
        for number, digest in sorted(kept.items())
        if here.get(number) != digest
    ]


def _walk(session: Session) -> Iterator[Event]:
    """Yield every line by subject and number, keyset-paged, so that memory does not grow with the table."""
    last: tuple[uuid.UUID, int] | None = None
    while True:
        query = select(Event).order_by(Event.subject_id, Event.seq).limit(5000)
        if last:
            query = query.where(tuple_(Event.subject_id, Event.seq) > tuple_(*last))
        lines = session.scalars(query).all()
        if not lines:
            return
        yield from lines
        last = (lines[-1].subject_id, lines[-1].seq)
        session.expunge_all()


def _check_heads(session: Session, ends: dict[uuid.UUID, tuple[int, bytes]]) -> list[Fault]:
    faults = []
    heads = {
        head.subject_id: (head.seq, head.hash)
        for head in session.execute(select(EventHead.subject_id, EventHead.seq, EventHead.hash))
    }
    for subject, (seq, link) in ends.items():
        head_seq, head_hash = heads.get(subject, (0, FIRST))
        if seq > head_seq:
            faults.append(Fault("added", str(subject), seq))
        elif seq < head_seq:
            faults.append(Fault("removed", str(subject), head_seq))
        elif link != head_hash:
            faults.append(Fault("changed", str(subject), seq))
    faults += [
        Fault("removed", str(subject), seq) for subject, (seq, _) in heads.items() if subject not in ends
    ]
    return faults


def _check_seals(session: Session, vault: Vault) -> list[Fault]:
    faults = []
    previous = FIRST
    number = 0
    for seal in session.scalars(select(Seal).order_by(Seal.number)):
        rows = session.execute(
            select(SealedEvent.event_hash, Event.hash, Event.id)
            .outerjoin(Event, Event.id == SealedEvent.event_id)
            .where(SealedEvent.seal_id == seal.id)
        ).all()
        now_there = [row.hash for row in rows if row.id is not None]
        sound = (
            seal.number == number + 1
            and seal.previous_digest == previous
            and len(now_there) == seal.event_count
            and seal.digest == _seal_digest(vault, seal.number, previous, now_there)
        )
        if not sound:
            faults.append(Fault("seal", f"seal {seal.number}", seal.event_count - len(now_there)))
        previous, number = seal.digest, seal.number
    return faults
