"""What reception writes of tubes that came: their state, the lists of their boxes, new samples for those not usable.

Called inside the actions of reception; nothing commits here.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.intake import consequences, receiving
from lims.intake.asking_again import ask_for_new_samples
from lims.intake.collecting import TubeFacts
from lims.intake.models import Box, BoxTube, Tube
from lims.intake.queries import boxes as box_queries
from lims.intake.queries import samples as sample_queries
from lims.intake.receiving import ReceivedTube
from lims.places.models import Place

# What a box's tube was found to be, by what the tube became.
BOX_TUBE_STATES = {"received": "received", "damaged": "damaged", "rejected": "rejected"}


def keep_arrivals(
    session: Session,
    laboratory: Place,
    box: Box | None,
    arrived: Sequence[tuple[TubeFacts, ReceivedTube, str]],
) -> None:
    """Write which tubes came, in what condition, and ask for new samples where one cannot be tested.

    Args:
        session: writing session.
        laboratory: where they came.
        box: the box they came in; None: without one.
        arrived: each tube as it was before, its scan, and the state it gets.
    """
    if not arrived:
        return
    now = clock.now()
    before = 0
    if box:
        counts = box_queries.count_box_tubes(session, box_ids=[box.id])[box.id]
        before = sum(counts.get(state, 0) for state in ("received", "extra"))
    session.execute(
        update(Tube),
        [
            {
                "id": tube.id,
                "status": status,
                "laboratory_id": laboratory.id,
                "received_at": now,
                "rack_position": scan.rack_position or (receiving.rack_place(before + number) if box else ""),
                "rejection_reason": "" if status == "received" else scan.condition,
            }
            for number, (tube, scan, status) in enumerate(arrived, start=1)
        ],
    )
    _note_in_boxes(session, box, arrived)
    for tube, scan, status in arrived:
        audit.note(
            session,
            "tube",
            tube.id,
            status,
            laboratory=str(laboratory.id),
            box=box.code if box else "",
            condition=scan.condition,
            before_names=tube.status == "printed",
        )
    if box:
        audit.note(session, "box", box.id, "unpacked", tubes=len(arrived))
    reject_samples(
        session, {tube.id: scan.condition for tube, scan, status in arrived if status != "received"}
    )


def _note_in_boxes(
    session: Session, box: Box | None, arrived: Sequence[tuple[TubeFacts, ReceivedTube, str]]
) -> None:
    """Write what was found in the box; a tube of another box's list leaves that list, as it is not in there."""
    box_ids = {tube.box_id for tube, _, _ in arrived if tube.box_id} | ({box.id} if box else set())
    known = box_queries.map_box_tubes(session, box_ids=box_ids, tube_ids=[tube.id for tube, _, _ in arrived])
    changed: dict[tuple[uuid.UUID, str], list[uuid.UUID]] = {}
    extra: list[uuid.UUID] = []
    for tube, _, status in arrived:
        home = box.id if box else tube.box_id
        if box and tube.box_id and tube.box_id != box.id and known.get((tube.box_id, tube.id)) == "packed":
            changed.setdefault((tube.box_id, "taken_out"), []).append(tube.id)
        if home is None:
            continue
        if known.get((home, tube.id)) in (None, "taken_out"):
            extra.append(tube.id)
        else:
            changed.setdefault((home, BOX_TUBE_STATES[status]), []).append(tube.id)
    for (box_id, state), tube_ids in sorted(changed.items()):
        session.execute(
            update(BoxTube).where(BoxTube.box_id == box_id, BoxTube.tube_id.in_(tube_ids)).values(state=state)
        )
    if extra and box:
        _add_extra(session, box, extra, known)


def _add_extra(
    session: Session,
    box: Box,
    tube_ids: Sequence[uuid.UUID],
    known: dict[tuple[uuid.UUID, uuid.UUID], str],
) -> None:
    """Put tubes on the list of the box they lay in."""
    listed_once = [tube_id for tube_id in tube_ids if (box.id, tube_id) in known]
    fresh = [tube_id for tube_id in tube_ids if (box.id, tube_id) not in known]
    if listed_once:
        session.execute(
            update(BoxTube)
            .where(BoxTube.box_id == box.id, BoxTube.tube_id.in_(listed_once))
            .values(state="extra")
        )
    if fresh:
        session.execute(
            insert(BoxTube),
            [{"box_id": box.id, "tube_id": key, "state": "extra", "packed_at": clock.now()} for key in fresh],
        )
    session.execute(update(Tube).where(Tube.id.in_(tube_ids)).values(box_id=box.id))


def reject_samples(session: Session, reasons: dict[uuid.UUID, str]) -> int:
    """Ask everybody whom some lost tubes were kept for for a new sample; return how many were asked."""
    if not reasons:
        return 0
    samples = sample_queries.list_samples_of_tubes(session, tube_ids=reasons)
    by_reason: dict[str, list[Any]] = {}
    for sample in samples:
        if sample.status == "bound":
            by_reason.setdefault(reasons[sample.tube_id], []).append(sample)
    # At most as many rounds as there are reasons, however many tubes.
    asked = sum(
        len(ask_for_new_samples(session, samples=rejected, reason=reason))
        for reason, rejected in by_reason.items()
    )
    tubes_of: dict[str, list[uuid.UUID]] = {}
    for tube_id, reason in reasons.items():
        tubes_of.setdefault(reason, []).append(tube_id)
    return asked + sum(
        consequences.tell(session, "tubes_gone", gone, reason=reason) for reason, gone in tubes_of.items()
    )
