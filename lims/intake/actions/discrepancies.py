"""What did not fit: kept when it is found, settled by a person who says how and why."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from lims import audit, clock, codes, extensions
from lims.auth.actors import Actor
from lims.errors import AlreadyDone, InvalidInput, Refused
from lims.intake import consequences, settling
from lims.intake.asking_again import ask_for_new_samples
from lims.intake.models import BoxTube, Discrepancy, Sample, Tube
from lims.intake.queries import discrepancies as discrepancy_queries
from lims.intake.queries import samples as sample_queries
from lims.intake.rules import HOLDING_KINDS, SETTLEMENTS, TUBE
from lims.tables import new_id
from lims.transaction import action

LONGEST_NOTE = 500
# A new sample is asked of these people only, not of everybody in the tube.
OF_ONE_PERSON = frozenset({"sampled_twice", "other_campaign"})


@dataclass(frozen=True)
class Finding:
    """Something that does not fit, before it is kept.

    Args:
        kind: a word of `rules.DISCREPANCY_KINDS`.
        details: codes, numbers, times as text; never personal data.
        raw: the scan or record as it came; sealed.
        place_id, campaign_id, tube_id, declaration_id, box_id, pool_id, run_id: what it is about, as far as known.
    """

    kind: str
    details: dict[str, Any] = field(default_factory=dict)
    raw: dict[str, Any] | None = None
    place_id: uuid.UUID | None = None
    campaign_id: uuid.UUID | None = None
    tube_id: uuid.UUID | None = None
    declaration_id: uuid.UUID | None = None
    box_id: uuid.UUID | None = None
    pool_id: uuid.UUID | None = None
    run_id: uuid.UUID | None = None


def open_discrepancies(session: Session, *, findings: Sequence[Finding]) -> list[uuid.UUID]:
    """Keep what does not fit, in one statement; not an action, used inside others.

    Args:
        session: writing session.
        findings: what was found.

    Returns:
        The keys of the rows, in the order of the findings.
    """
    actor = session.info.get("actor")
    vault = extensions.vault()
    keys = [new_id() for _ in findings]
    rows = []
    for key, finding in zip(keys, findings, strict=True):
        raw = json.dumps(finding.raw, ensure_ascii=False, default=str).encode() if finding.raw else None
        rows.append(
            {
                "id": key,
                "kind": finding.kind,
                "details": finding.details,
                "raw_sealed": vault.seal_record(raw, record_id=key, column="discrepancy.raw")
                if raw
                else None,
                "holds_results": finding.kind in HOLDING_KINDS,
                "status": "open",
                "opened_by_id": actor.user_id if actor else None,
                "opened_at": clock.now(),
                "settled_note": "",
                "place_id": finding.place_id,
                "campaign_id": finding.campaign_id,
                "tube_id": finding.tube_id,
                "declaration_id": finding.declaration_id,
                "box_id": finding.box_id,
                "pool_id": finding.pool_id,
                "run_id": finding.run_id,
            }
        )
        audit.note(session, "discrepancy", key, "opened", kind=finding.kind, **finding.details)
    if rows:
        session.execute(insert(Discrepancy), rows)
    return keys


@action
def settle_discrepancy(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    discrepancy_id: uuid.UUID,
    settlement: str,
    note: str,
) -> dict[str, Any]:
    """Settle a discrepancy of intake; what it held is let go.

    Args:
        actor: who settles it.
        client_id: id made by the sender.
        discrepancy_id: which.
        settlement: "accepted" (the record is right as it stands), "dismissed" (the scan was a mistake) or "resample"
            (nobody can say whose it is: the people concerned are asked for a new sample, the tube is put out of use).
        note: why, 3 to 500 characters; no personal data.

    Returns:
        `id`, `settlement` and `asked_again`, the number of people asked for a new sample.

    Raises:
        NotFound: there is none among the actor's places.
        AlreadyDone: it is settled.
        InvalidInput: an unknown settlement, or no note.
        Refused: a kind of the laboratory, nobody is known who could be asked for a new sample, or a tube that is
            still missing would be left with people who wait for it.
    """
    discrepancy = discrepancy_queries.get_discrepancy(
        session, actor=actor, discrepancy_id=discrepancy_id, lock=True
    )
    if discrepancy.kind in settling.OF_THE_LABORATORY:
        raise Refused("This kind of discrepancy is settled in the laboratory.", field="kind")
    check_settlement(discrepancy, settlement=settlement, note=note)
    asked = 0
    if discrepancy.kind == "tube_missing":
        asked = _settle_missing(session, discrepancy, settlement)
    elif settlement == "resample":
        asked = _ask_again(session, discrepancy)
    mark_settled(session, actor=actor, discrepancy=discrepancy, settlement=settlement, note=note)
    return {"id": str(discrepancy.id), "settlement": settlement, "asked_again": asked}


def check_settlement(discrepancy: Discrepancy, *, settlement: str, note: str) -> None:
    """Refuse a settlement that cannot be; used by every action that settles.

    Raises:
        AlreadyDone: it is settled already.
        InvalidInput: an unknown word, or no note.
    """
    if discrepancy.status == "settled":
        raise AlreadyDone("This discrepancy was settled before. Nothing was changed.", field="settlement")
    if settlement not in SETTLEMENTS:
        raise InvalidInput(
            "Choose how to settle it: accepted, dismissed, or a new sample.", field="settlement"
        )
    if not 3 <= len(note.strip()) <= LONGEST_NOTE:
        raise InvalidInput("Write in a few words why, at most 500 characters.", field="note")


def mark_settled(
    session: Session, *, actor: Actor, discrepancy: Discrepancy, settlement: str, note: str
) -> None:
    """Write down how a discrepancy was settled; used inside others."""
    discrepancy.status = "settled"
    discrepancy.settlement = settlement
    discrepancy.settled_note = note.strip()
    discrepancy.settled_by_id = actor.user_id
    discrepancy.settled_at = clock.now()
    session.flush()
    audit.note(
        session, "discrepancy", discrepancy.id, "settled", settlement=settlement, kind=discrepancy.kind
    )


def _settle_missing(session: Session, discrepancy: Discrepancy, settlement: str) -> int:
    """Write a missing tube off, or let a found one be: nobody may wait for a tube that nobody looks for any more."""
    tube = session.get(Tube, discrepancy.tube_id, with_for_update={"of": Tube})
    if tube is None or tube.status != "missing":
        return _ask_again(session, discrepancy) if settlement == "resample" else 0
    if settlement != "resample":
        raise Refused(
            "Tube %(tube)s is still missing. Receive it if it was found, else ask for a new sample.",
            field="settlement",
            tube=codes.grouped(tube.code),
        )
    samples = sample_queries.list_samples_of_tubes(session, tube_ids=[tube.id])
    waiting = [sample for sample in samples if sample.status == "bound"]
    asked = ask_for_new_samples(session, samples=waiting, reason=discrepancy.kind)
    return len(asked) + _reject(session, [tube.id], discrepancy.kind)


def _ask_again(session: Session, discrepancy: Discrepancy) -> int:
    samples = _concerned(session, discrepancy)
    if not samples:
        raise Refused(
            "No sample is known here, so nobody can be asked for a new one. Accept or dismiss it.",
            field="settlement",
        )
    asked = ask_for_new_samples(session, samples=samples, reason=discrepancy.kind)
    return len(asked) + _put_out_of_use(session, {sample.tube_id for sample in samples}, discrepancy.kind)


def _concerned(session: Session, discrepancy: Discrepancy) -> list[Sample]:
    """Return the samples whose owner or state is in doubt: the person's, or everybody's in the tube or the box."""
    samples: dict[uuid.UUID, Sample] = {}
    tube_ids: set[uuid.UUID] = set()
    if discrepancy.kind not in OF_ONE_PERSON and discrepancy.tube_id:
        tube_ids.add(discrepancy.tube_id)
    if discrepancy.kind == "too_warm" and discrepancy.box_id:
        tube_ids.update(session.scalars(select(BoxTube.tube_id).where(BoxTube.box_id == discrepancy.box_id)))
    for sample in sample_queries.list_samples_of_tubes(session, tube_ids=tube_ids):
        samples[sample.id] = sample
    if discrepancy.declaration_id:
        of_person = sample_queries.list_samples_of_declaration(
            session, declaration_id=discrepancy.declaration_id
        )
        samples |= {sample.id: sample for sample in of_person}
    return [sample for sample in samples.values() if sample.status in ("bound", "resulted")]


def _put_out_of_use(session: Session, tube_ids: set[uuid.UUID], reason: str) -> int:
    """Reject the tubes nobody counts on any more, so that they are not tested for nothing."""
    needed = (
        select(Sample.id).where(Sample.tube_id == Tube.id, Sample.status.in_(("bound", "resulted"))).exists()
    )
    rows = session.execute(select(Tube.id, Tube.status).where(Tube.id.in_(sorted(tube_ids)), ~needed)).all()
    return _reject(session, [row.id for row in rows if TUBE.can(row.status, "rejected")], reason)


def _reject(session: Session, tube_ids: Sequence[uuid.UUID], reason: str) -> int:
    """Reject tubes; return how many people were asked for a new sample by the laboratory that kept them."""
    if tube_ids:
        session.execute(
            update(Tube).where(Tube.id.in_(tube_ids)).values(status="rejected", rejection_reason=reason)
        )
    for tube_id in tube_ids:
        audit.note(session, "tube", tube_id, "rejected", reason=reason)
    return consequences.tell(session, "tubes_gone", tube_ids, reason=reason)
