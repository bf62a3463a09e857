"""Erasing identities: names, birth dates, numbers, addresses, keys, and what was kept as it came. Counts stay.

Not actions: called inside those of requests and of retention, and by the replay of a list after an old backup. The
number of statements does not grow with the number of people.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from lims import audit
from lims.extensions import vault
from lims.field.models import FieldScan
from lims.intake.models import Declaration, Discrepancy, Person, PersonIdentity, ResultCode, Sample, Tube
from lims.msgid import N_
from lims.names import fold
from lims.outbox.models import Message
from lims.personal.actions.corrections import BEFORE
from lims.personal.models import DataRequest, PersonCorrection
from lims.results.certificates.models import Certificate
from lims.results.fhir.models import ForeignIdentifier
from lims.results.models import Result

ERASED = N_("What was scanned was erased with the people's identities.")
GONE = "…"
EMPTY_HASH = bytes(32)


def erase_people(
    session: Session, *, person_ids: Collection[uuid.UUID], reason: str, erased_at: datetime
) -> list[uuid.UUID]:
    """Erase the identity of some people: year of birth, sex and commune stay, for the figures.

    Args:
        session: writing session.
        person_ids: at most some hundreds; those erased before are left alone.
        reason: "retention", "request" or "replayed".
        erased_at: the moment that is kept.

    Returns:
        Who was erased now.
    """
    people = session.execute(
        select(Person.id, Person.name, Person.birth_on, Person.person_key)
        .where(Person.id.in_(person_ids), Person.erased_at.is_(None))
        .order_by(Person.id)
        .with_for_update()
    ).all()
    ids = [row.id for row in people]
    if not ids:
        return []
    declarations = session.execute(
        select(Declaration.id, Declaration.code).where(Declaration.person_id.in_(ids))
    ).all()
    names = _names_of(session, people)
    _erase_own_words(session, names)
    _erase_raw(session, ids, declarations, names)
    session.execute(update(Person), [_emptied(row, erased_at) for row in people])
    session.execute(delete(PersonIdentity).where(PersonIdentity.person_id.in_(ids)))
    _erase_links(session, ids, [row.id for row in declarations], erased_at)
    for person_id in ids:
        audit.note(session, "person", person_id, "erased", reason=reason)
    session.expire_all()
    return ids


def _names_of(session: Session, people: Sequence[Any]) -> dict[uuid.UUID, list[str]]:
    """Return every name that each person had here, before corrections too, the longest first."""
    keys = {row.id: row.person_key for row in people}
    names = {row.id: {row.name} for row in people}
    corrections = session.execute(
        select(PersonCorrection.person_id, PersonCorrection.before_sealed).where(
            PersonCorrection.person_id.in_(names)
        )
    )
    for person_id, sealed in corrections:
        if sealed is None:
            continue
        before = vault().unseal(sealed, person_key=keys[person_id], person_id=person_id, column=BEFORE)
        names[person_id].add(json.loads(before).get("name", ""))
    return {key: sorted(filter(None, some), key=len, reverse=True) for key, some in names.items()}


def _emptied(row: Any, erased_at: datetime) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": "",
        "name_key": b"",
        "name_folded": "",
        "birth_on": date(row.birth_on.year, 1, 1),
        "birth_precision": "year",
        # what was sealed under it cannot be opened any more, in any copy that has no older key
        "person_key": None,
        "phone_sealed": None,
        "phone_index": None,
        "address_sealed": None,
        "address_index": None,
        "erased_at": erased_at,
    }


def _erase_links(
    session: Session, ids: list[uuid.UUID], declaration_ids: list[uuid.UUID], erased_at: datetime
) -> None:
    """Erase what leads from elsewhere to the person: codes, households, rows of lists, numbers of other systems."""
    session.execute(
        update(Declaration)
        .where(Declaration.person_id.in_(ids))
        .values(natural_key=None, household_code=None)
    )
    session.execute(
        update(ResultCode)
        .where(ResultCode.declaration_id.in_(declaration_ids), ResultCode.revoked_at.is_(None))
        .values(revoked_at=erased_at)
    )
    session.execute(
        update(DataRequest).where(DataRequest.person_id.in_(ids)).values(note_sealed=None, answer_sealed=None)
    )
    session.execute(
        update(PersonCorrection).where(PersonCorrection.person_id.in_(ids)).values(before_sealed=None)
    )
    foreign = session.scalars(
        select(ForeignIdentifier.id)
        .where(ForeignIdentifier.person_id.in_(ids))
        .order_by(ForeignIdentifier.id)
    ).all()
    if foreign:
        session.execute(
            update(ForeignIdentifier),
            [
                {
                    "id": key,
                    "value_sealed": None,
                    "value_index": secrets.token_bytes(32),
                    "content_hash": None,
                }
                for key in foreign
            ],
        )
    of_people = select(Result.id).join(Sample, Sample.id == Result.sample_id).where(Sample.person_id.in_(ids))
    session.execute(update(Certificate).where(Certificate.result_id.in_(of_people)).values(text_sealed=b""))
    # a gateway's own words may repeat the number that it was given
    session.execute(update(Message).where(Message.person_id.in_(ids)).values(last_error="", provider_id=None))


def _erase_own_words(session: Session, names: Mapping[uuid.UUID, Sequence[str]]) -> None:
    """Take the person's names out of what staff wrote about their results, where somebody wrote it after all."""
    written = (Result.hold_note, Result.hold_end_note, Result.amendment_reason, Result.withdrawal_reason)
    rows = session.execute(
        select(Result.id, Sample.person_id, *written)
        .join(Sample, Sample.id == Result.sample_id)
        .where(Sample.person_id.in_(names), or_(*(column != "" for column in written)))
        .order_by(Result.id)
    ).all()
    changed = []
    for key, person_id, *notes in rows:
        cut_notes = [without_names(note, names[person_id]) for note in notes]
        if cut_notes != notes:
            columns = [column.key for column in written]
            changed.append({"id": key, **dict(zip(columns, cut_notes, strict=True))})
    if changed:
        session.execute(update(Result), changed)
    revoked = session.execute(
        select(Certificate.id, Certificate.revoked_reason, Sample.person_id)
        .join(Result, Result.id == Certificate.result_id)
        .join(Sample, Sample.id == Result.sample_id)
        .where(Sample.person_id.in_(names), Certificate.revoked_reason.is_not(None))
        .order_by(Certificate.id)
    ).all()
    if revoked:
        cut = [
            {"id": row.id, "revoked_reason": without_names(row.revoked_reason, names[row.person_id])}
            for row in revoked
        ]
        session.execute(update(Certificate), cut)


def without_names(note: str, names: Iterable[str]) -> str:
    """Return a note without some names, however they are written; the whole note goes where one cannot be cut out.

    Args:
        note: what somebody wrote.
        names: none empty, the longest first.
    """
    for name in names:
        note = note.replace(name, GONE)
        if fold(name) in fold(note):
            return GONE
    return note


def _erase_raw(
    session: Session,
    ids: list[uuid.UUID],
    declarations: Sequence[Any],
    names: Mapping[uuid.UUID, Sequence[str]],
) -> None:
    """Erase scans as they came: those of the people's declarations, and of tubes that were theirs alone."""
    tubes = session.execute(
        select(Tube.id, Tube.code)
        .join(Sample, Sample.tube_id == Tube.id)
        .where(Sample.person_id.in_(ids), Tube.mode == "single")
    ).all()
    erase_discrepancies(
        session,
        or_(
            Discrepancy.declaration_id.in_([row.id for row in declarations]),
            Discrepancy.tube_id.in_([row.id for row in tubes]),
        ),
        names=[name for some in names.values() for name in some],
    )
    erase_scans(
        session,
        or_(
            FieldScan.declaration_code.in_([row.code for row in declarations]),
            FieldScan.tube_code.in_([row.code for row in tubes]),
        ),
    )


def erase_discrepancies(session: Session, condition: Any, *, names: Collection[str]) -> int:
    """Erase what discrepancies kept as it came; kind, codes and how they were settled stay."""
    rows = session.execute(
        select(Discrepancy.id, Discrepancy.details, Discrepancy.settled_note)
        .where(condition)
        .order_by(Discrepancy.id)
    ).all()
    if not rows:
        return 0
    changed = []
    for row in rows:
        note = without_names(row.settled_note, names)
        # a message's parameters repeat what somebody typed
        details = {key: value for key, value in row.details.items() if key not in ("message", "parameters")}
        changed.append({"id": row.id, "raw_sealed": None, "details": details, "settled_note": note})
    session.execute(update(Discrepancy), changed)
    return len(changed)


def erase_scans(session: Session, condition: Any) -> None:
    """Erase what phones sent, as it came, once it is judged; which discrepancy keeps a refused one stays told."""
    wrong = session.execute(
        select(FieldScan.id, FieldScan.answer)
        .where(condition, FieldScan.verdict == "wrong")
        .order_by(FieldScan.id)
    ).all()
    if wrong:
        session.execute(update(FieldScan), [{"id": row.id, "answer": _silent(row.answer)} for row in wrong])
    session.execute(
        update(FieldScan)
        .where(condition, FieldScan.verdict.is_not(None))
        .values(raw_sealed=b"", content_hash=EMPTY_HASH)
        .execution_options(synchronize_session=False)
    )


def _silent(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return a phone's answer without what it repeated of the scan."""
    kept = {name: answer[name] for name in ("verdict", "code", "kind", "discrepancy") if name in answer}
    return {**kept, "message": ERASED, "parameters": {}}
