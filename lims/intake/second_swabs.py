"""The second swab of the same visit takes the place of the first one, whose pool was positive.

Not an action: called by the laboratory inside a review. To the record it is a new sample of the same person, taken at
the same time: the first one is superseded by name, the declaration counts one attempt more and is not opened again.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session, aliased

from lims import audit, clock
from lims.intake.models import Declaration, Sample, SecondSwab, Tube
from lims.tables import new_id

REASON = "second_swab"


def find_second_tubes(
    session: Session, *, tube_ids: Collection[uuid.UUID], laboratory_id: uuid.UUID
) -> dict[uuid.UUID, Tube]:
    """Return the kept second tube of each tube that has one in a laboratory, nobody bound to it yet; locked."""
    second = aliased(Tube)
    taken = select(Sample.id).where(Sample.tube_id == second.id, Sample.status != "void").exists()
    rows = session.execute(
        select(SecondSwab.tube_id, second)
        .join(second, second.id == SecondSwab.second_tube_id)
        .where(
            SecondSwab.tube_id.in_(tube_ids),
            second.laboratory_id == laboratory_id,
            second.status.in_(("received", "stored")),
            ~taken,
        )
        .order_by(second.id)
        .with_for_update(of=second)
    )
    found: dict[uuid.UUID, Tube] = {}
    for tube_id, tube in rows:
        found[tube_id] = tube
    return found


def move_to_second_tubes(session: Session, *, second_tubes: dict[uuid.UUID, Tube]) -> None:
    """Let second tubes stand for the first: each waiting person gets a sample in the second, the first is superseded.

    Args:
        session: writing session.
        second_tubes: first tube's key → second tube.
    """
    samples = session.scalars(
        select(Sample)
        .where(Sample.tube_id.in_(second_tubes), Sample.status == "bound")
        .order_by(Sample.id)
        .with_for_update(of=Sample)
    ).all()
    if not samples:
        return
    now = clock.now()
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "campaign_id": sample.campaign_id,
            "declaration_id": sample.declaration_id,
            "person_id": sample.person_id,
            "tube_id": second_tubes[sample.tube_id].id,
            "slot": sample.slot,
            "attempt": sample.attempt + 1,
            "status": "bound",
            "place_id": sample.place_id,
            "commune_id": sample.commune_id,
            "collected_by_id": sample.collected_by_id,
            "sampled_on": sample.sampled_on,
            "sampled_at": sample.sampled_at,
            "recorded_at": now,
            "client_id": uuid.uuid4(),
        }
        for sample in samples
    ]
    ids = [sample.id for sample in samples]
    declarations = [sample.declaration_id for sample in samples]
    for sample, row in zip(samples, rows, strict=True):
        audit.note(session, "sample", sample.id, "superseded", reason=REASON)
        audit.note(
            session, "sample", row["id"], "bound", tube=second_tubes[sample.tube_id].code, reason=REASON
        )
    session.execute(update(Sample).where(Sample.id.in_(ids)).values(status="superseded"))
    session.execute(
        update(Declaration)
        .where(Declaration.id.in_(declarations))
        .values(attempt=Declaration.attempt + 1, resample_reason=REASON)
    )
    session.execute(insert(Sample), rows)
    session.flush()
