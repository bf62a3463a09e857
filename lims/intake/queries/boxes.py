"""Reading boxes: one locked to be changed, one with its tubes, the lists of those that wait."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from lims import codes
from lims.auth.actors import Actor
from lims.errors import NotFound
from lims.intake.models import Box, BoxTube, Tube
from lims.msgid import N_

# The tube was on the box's list when it was sealed.
LISTED = ("packed", "received", "missing", "damaged", "rejected")
NOT_THERE = N_("There is no box %(code)s among your places. Check the code, or ask your coordinator.")


def lock_box(session: Session, *, code: str) -> Box:
    """Lock a box to change it.

    Raises:
        InvalidInput: it is not a box's code.
        NotFound: the box was never printed here.
    """
    wanted = codes.parse(code, expect="box", field="box").text
    box = session.scalars(
        select(Box).where(Box.code == wanted).options(joinedload(Box.campaign)).with_for_update(of=Box)
    ).first()
    if box is None:
        raise NotFound(NOT_THERE, field="box", code=codes.grouped(wanted))
    return box


def get_box(session: Session, *, actor: Actor, code: str) -> Box:
    """Return a box for its page; one without an origin is only a printed label and belongs to its province.

    Raises:
        InvalidInput: it is not a box's code.
        NotFound: no such box among the actor's places.
    """
    wanted = codes.parse(code, expect="box", field="box").text
    box = session.scalars(
        select(Box)
        .where(Box.code == wanted)
        .options(joinedload(Box.origin), joinedload(Box.laboratory), joinedload(Box.campaign))
    ).first()
    if box is None:
        raise NotFound(NOT_THERE, field="box", code=codes.grouped(wanted))
    check_sees(actor, box)
    return box


def find_box_of_province(session: Session, *, code: str, province_id: uuid.UUID | None) -> Box:
    """Return a box that may arrive at a laboratory of a province, wherever it was sent.

    Raises:
        InvalidInput: it is not a box's code.
        NotFound: the box was never printed in this province.
    """
    wanted = codes.parse(code, expect="box", field="box").text
    box = session.scalars(
        select(Box)
        .where(Box.code == wanted)
        .options(joinedload(Box.origin), joinedload(Box.laboratory), joinedload(Box.campaign))
    ).first()
    if box is None or box.campaign.province_id != province_id:
        raise NotFound(NOT_THERE, field="box", code=codes.grouped(wanted))
    return box


def check_sees(actor: Actor, box: Box) -> None:
    """Refuse a box neither of whose ends is the actor's, as if it did not exist; a printed label is anybody's.

    Raises:
        NotFound: the box comes from and goes to other people's places.
    """
    ends = [place for place in (box.origin_id, box.laboratory_id) if place]
    if ends and not any(actor.sees(place) for place in ends):
        raise NotFound(NOT_THERE, field="box", code=codes.grouped(box.code))


def list_box_tubes(session: Session, *, box_id: uuid.UUID) -> Sequence[BoxTube]:
    """Return the tubes of a box with what became of each, in the order packed; those taken out are left out."""
    return session.scalars(
        select(BoxTube)
        .join(Tube, Tube.id == BoxTube.tube_id)
        .where(BoxTube.box_id == box_id, BoxTube.state != "taken_out")
        .order_by(BoxTube.packed_at, Tube.code)
    ).all()


def map_box_tubes(
    session: Session, *, box_ids: Collection[uuid.UUID], tube_ids: Collection[uuid.UUID]
) -> dict[tuple[uuid.UUID, uuid.UUID], str]:
    """Return the state of each (box, tube) among some boxes and tubes."""
    rows = session.execute(
        select(BoxTube.box_id, BoxTube.tube_id, BoxTube.state).where(
            BoxTube.tube_id.in_(sorted(tube_ids)), BoxTube.box_id.in_(sorted(box_ids))
        )
    )
    return {(row.box_id, row.tube_id): row.state for row in rows}


def count_box_tubes(session: Session, *, box_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, dict[str, int]]:
    """Return, for each box, how many tubes it has in each state."""
    counts: dict[uuid.UUID, dict[str, int]] = {box_id: {} for box_id in box_ids}
    rows = session.execute(
        select(BoxTube.box_id, BoxTube.state, func.count())
        .where(BoxTube.box_id.in_(sorted(box_ids)))
        .group_by(BoxTube.box_id, BoxTube.state)
    )
    for box_id, state, count in rows:
        counts[box_id][state] = count
    return counts


def map_box_codes(session: Session, *, box_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the codes of some boxes."""
    return {
        row.id: row.code
        for row in session.execute(select(Box.id, Box.code).where(Box.id.in_(sorted(box_ids))))
    }


def list_boxes(
    session: Session, *, actor: Actor, statuses: Collection[str], arriving: bool = False, most: int = 100
) -> Sequence[Box]:
    """Return boxes of the actor's places, those that wait longest first.

    Args:
        session: reading session.
        actor: who asks.
        statuses: words of `rules.BOX`.
        arriving: True for boxes on their way to the actor's laboratories; False for those that leave their places.
        most: rows returned.
    """
    query = (
        select(Box)
        .where(Box.status.in_(sorted(statuses)), Box.origin_id.is_not(None))
        .options(joinedload(Box.origin), joinedload(Box.laboratory))
        .order_by(Box.dispatched_at, Box.sealed_at, Box.minted_at, Box.id)
        .limit(most)
    )
    if not actor.everywhere:
        mine = [Box.laboratory_id.in_(actor.place_ids)]
        if not arriving:
            mine = [Box.origin_id.in_(actor.place_ids)]
        query = query.where(or_(*mine))
    return session.scalars(query).all()
