"""Transport: tubes into a box, the box sealed, sent and handed over."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from lims import audit, clock, codes
from lims.auth.actors import Actor
from lims.auth.models import User
from lims.errors import InvalidInput, NotFound, Refused
from lims.intake import collecting, late_names
from lims.intake.collecting import Decision, TubeFacts
from lims.intake.models import Box, BoxTube, Tube
from lims.intake.packing import decide_packing
from lims.intake.queries import boxes as box_queries
from lims.intake.queries import tubes as tube_queries
from lims.intake.receiving import check_fit_to_send, check_temperature, is_outside
from lims.intake.rules import BOX
from lims.msgid import N_
from lims.places import queries as place_queries
from lims.transaction import action


@action
def pack_tubes(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    box_code: str,
    place_id: uuid.UUID,
    tube_codes: Sequence[str],
) -> dict[str, Any]:
    """Put tubes into an open box, a verdict for each.

    Args:
        actor: who packs.
        client_id: id made by the sender.
        box_code: the box's label.
        place_id: where it is packed; the first tube fixes it.
        tube_codes: as scanned.

    Returns:
        `box`, `count` (tubes in it now) and `verdicts`, one for each tube in their order.

    Raises:
        NotFound: the box or the place is not among the actor's.
        WrongState: the box is closed.
        Refused: it is being packed at another place.
    """
    box = box_queries.lock_box(session, code=box_code)
    place = place_queries.get_place(session, place_id=place_id)
    actor.check_place(place.id)
    if box.campaign.province_id != place.province_id:
        raise NotFound(box_queries.NOT_THERE, field="box", code=codes.grouped(box.code))
    if box.status != "open":
        BOX.check(box.status, "open", code=codes.grouped(box.code), field="box")
        raise Refused(
            "Box %(code)s is sealed. Open it to pack more.", field="box", code=codes.grouped(box.code)
        )
    if box.origin_id not in (None, place.id):
        raise Refused(
            "Box %(code)s is being packed at another place. Take another box.",
            field="box",
            code=codes.grouped(box.code),
        )
    read = [_read(code) for code in tube_codes]
    tubes = tube_queries.lock_tubes(
        session,
        tube_codes={code for code in read if isinstance(code, str)},
        province_id=place.province_id,
    )
    others = box_queries.map_box_codes(
        session, box_ids={tube.box_id for tube in tubes.values() if tube.box_id}
    )
    # a laboratory's own tubes alone can be in a test
    received = {tube.id for tube in tubes.values() if tube.laboratory_id}
    in_test = late_names.find_in_test(session, tube_ids=received)
    packed: list[TubeFacts] = []
    verdicts = []
    for scanned, code in zip(tube_codes, read, strict=True):
        tube = tubes.get(code) if isinstance(code, str) else None
        if isinstance(code, Decision):
            decision = code
        elif tube is None:
            decision = refuse_unknown_tube(code)
        else:
            decision = decide_packing(
                tube=tube,
                box_id=box.id,
                campaign_id=box.campaign_id,
                place_id=place.id,
                other_box=others.get(tube.box_id, "") if tube.box_id else "",
                in_test=tube.id in in_test,
                sees=actor.sees,
            )
            if decision.verdict == "good":
                tube.status, tube.box_id = "boxed", box.id
                packed.append(tube)
        verdicts.append(tube_verdict(tube.code if tube else scanned, decision))
    _pack(session, box, place.id, actor, packed)
    return {"box": box.code, "count": _count_packed(session, box), "verdicts": verdicts}


def _read(code: str) -> str | Decision:
    try:
        return codes.parse(code, expect="tube", field="tubes").text
    except InvalidInput as error:
        return collecting.refuse_unreadable(error)


def refuse_unknown_tube(code: str) -> Decision:
    """Return the decision about a tube that is not among the actor's places."""
    return Decision("wrong", "unknown_code", tube_queries.NOT_THERE, {"code": codes.grouped(code)})


def tube_verdict(code: str, decision: Decision) -> dict[str, Any]:
    """Return a decision about a tube as a verdict, keyed by the tube's code."""
    return {
        "tube": code,
        "verdict": decision.verdict,
        "code": decision.code,
        "message": decision.message,
        "parameters": decision.parameters,
        "discrepancy": None,
    }


def _pack(session: Session, box: Box, place_id: uuid.UUID, actor: Actor, packed: Sequence[TubeFacts]) -> None:
    if not packed:
        return
    if box.origin_id is None:
        box.origin_id, box.packed_by_id = place_id, actor.user_id
        session.flush()
    ids = [tube.id for tube in packed]
    known = box_queries.map_box_tubes(session, box_ids=[box.id], tube_ids=ids)
    again = [tube_id for tube_id in ids if (box.id, tube_id) in known]
    fresh = [tube_id for tube_id in ids if (box.id, tube_id) not in known]
    now = clock.now()
    if again:
        session.execute(
            update(BoxTube)
            .where(BoxTube.box_id == box.id, BoxTube.tube_id.in_(again))
            .values(state="packed", packed_at=now)
        )
    if fresh:
        session.execute(
            insert(BoxTube),
            [{"box_id": box.id, "tube_id": key, "state": "packed", "packed_at": now} for key in fresh],
        )
    session.execute(update(Tube).where(Tube.id.in_(ids)).values(status="boxed", box_id=box.id))
    for tube_id in ids:
        audit.note(session, "tube", tube_id, "boxed", box=box.code)
    audit.note(session, "box", box.id, "packed", tubes=len(ids))


def _count_packed(session: Session, box: Box) -> int:
    return box_queries.count_box_tubes(session, box_ids=[box.id])[box.id].get("packed", 0)


@action
def take_out_tubes(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    box_code: str,
    tube_codes: Sequence[str],
) -> dict[str, Any]:
    """Take tubes out of an open box again; each goes back to where it was.

    Args:
        actor: who takes them out.
        client_id: id made by the sender.
        box_code: the box.
        tube_codes: as scanned.

    Returns:
        `box`, `count` (tubes left) and `verdicts`, one for each tube in their order.

    Raises:
        NotFound: the box is not among the actor's.
        Refused: the box is not open.
    """
    box = _lock_own_box(session, actor, box_code)
    if box.status != "open":
        raise Refused("Box %(code)s is sealed. Open it first.", field="box", code=codes.grouped(box.code))
    read = [_read(code) for code in tube_codes]
    tubes = tube_queries.lock_tubes(
        session,
        tube_codes={code for code in read if isinstance(code, str)},
        province_id=box.campaign.province_id,
    )
    back: dict[str, list[TubeFacts]] = {"used": [], "received": []}
    verdicts = []
    for scanned, code in zip(tube_codes, read, strict=True):
        tube = tubes.get(code) if isinstance(code, str) else None
        if isinstance(code, Decision):
            decision = code
        elif tube is None:
            decision = refuse_unknown_tube(code)
        elif tube.status != "boxed" or tube.box_id != box.id:
            message = N_("Tube %(tube)s is not in this box. Nothing was changed.")
            decision = Decision("again", "not_in_box", message, {"tube": codes.grouped(tube.code)})
        else:
            before = "received" if tube.laboratory_id else "used"
            back[before].append(tube)
            tube.status = before
            decision = Decision(
                "good",
                "taken_out",
                N_("Tube %(tube)s is out of the box."),
                {"tube": codes.grouped(tube.code)},
            )
        verdicts.append(tube_verdict(tube.code if tube else scanned, decision))
    _take_out(session, box, back)
    return {"box": box.code, "count": _count_packed(session, box), "verdicts": verdicts}


def _take_out(session: Session, box: Box, back: dict[str, list[TubeFacts]]) -> None:
    ids = [tube.id for tubes in back.values() for tube in tubes]
    if not ids:
        return
    for status, tubes in back.items():
        if tubes:
            session.execute(
                update(Tube)
                .where(Tube.id.in_([tube.id for tube in tubes]))
                .values(status=status, box_id=None)
            )
    session.execute(
        update(BoxTube).where(BoxTube.box_id == box.id, BoxTube.tube_id.in_(ids)).values(state="taken_out")
    )
    for tube_id in ids:
        audit.note(session, "tube", tube_id, "taken_out", box=box.code)
    audit.note(session, "box", box.id, "taken_out", tubes=len(ids))


def _lock_own_box(session: Session, actor: Actor, code: str) -> Box:
    box = box_queries.lock_box(session, code=code)
    if box.origin_id is None:
        raise Refused(
            "Box %(code)s is empty. Scan tubes into it first.", field="box", code=codes.grouped(box.code)
        )
    if not actor.sees(box.origin_id):
        raise NotFound(box_queries.NOT_THERE, field="box", code=codes.grouped(box.code))
    return box


def show_box(box: Box, **more: Any) -> dict[str, Any]:
    """Return what the actions on boxes answer: `box`, `status`, `count` and what the step adds."""
    return {"box": box.code, "status": box.status, "count": box.sealed_count, **more}


@action
def seal_box(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    box_code: str,
    occurred_at: datetime | None = None,
) -> dict[str, Any]:
    """Seal a box: its list and its count are fixed.

    Args:
        actor: who seals it.
        client_id: id made by the sender.
        box_code: the box.
        occurred_at: when it was done, where that was written down without network; now by default.

    Returns:
        `box`, `status` and `count`, the number of tubes on its list.

    Raises:
        NotFound: the box is not among the actor's.
        AlreadyDone, WrongState: it is not open.
        Refused: it is empty.
    """
    box = _lock_own_box(session, actor, box_code)
    BOX.check(box.status, "sealed", code=codes.grouped(box.code), field="box")
    count = _count_packed(session, box)
    if count == 0:
        raise Refused(
            "Box %(code)s is empty. Scan tubes into it first.", field="box", code=codes.grouped(box.code)
        )
    box.status, box.sealed_at, box.sealed_count = "sealed", occurred_at or clock.now(), count
    audit.note(session, "box", box.id, "sealed", occurred_at=occurred_at, tubes=count)
    return show_box(box)


@action
def open_box(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, box_code: str
) -> dict[str, Any]:
    """Break the seal of a box that has not left yet; it is packed on.

    Args:
        actor: who opens it.
        client_id: id made by the sender.
        box_code: the box.

    Returns:
        `box`, `status`.

    Raises:
        NotFound: the box is not among the actor's.
        AlreadyDone, WrongState: it is not sealed.
    """
    box = _lock_own_box(session, actor, box_code)
    BOX.check(box.status, "open", code=codes.grouped(box.code), field="box")
    box.status, box.sealed_at, box.sealed_count = "open", None, None
    audit.note(session, "box", box.id, "opened")
    return show_box(box)


@action
def dispatch_box(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    box_code: str,
    laboratory_id: uuid.UUID,
    temperature_c: float | None = None,
    anyway: bool = False,
    occurred_at: datetime | None = None,
) -> dict[str, Any]:
    """Send a sealed box to a laboratory.

    Args:
        actor: who sends it.
        client_id: id made by the sender.
        box_code: the box.
        laboratory_id: where it goes; another place than it comes from, in the same province.
        temperature_c: inside the box, in °C, if measured.
        anyway: True to send a box that is colder or warmer than the campaign allows.
        occurred_at: when it was done, where that was written down without network; now by default.

    Returns:
        `box`, `status`, `count` and `outside_limits`, True where the temperature is outside the campaign's.

    Raises:
        NotFound: the box is not among the actor's, or there is no such laboratory.
        AlreadyDone, WrongState: it is not sealed.
        InvalidInput: an impossible temperature, or a laboratory it cannot go to.
        Refused: it is outside the campaign's temperatures and `anyway` is not set.
    """
    box = _lock_own_box(session, actor, box_code)
    laboratory = place_queries.get_place(session, place_id=laboratory_id, kind="laboratory")
    BOX.check(box.status, "dispatched", code=codes.grouped(box.code), field="box")
    if laboratory.province_id != box.campaign.province_id or laboratory.id == box.origin_id:
        raise InvalidInput("Choose another laboratory of the campaign's province.", field="laboratory_id")
    box.temperature_out_c = check_temperature(temperature_c)
    limits = {"coldest_c": box.campaign.coldest_c, "warmest_c": box.campaign.warmest_c}
    if not anyway:
        check_fit_to_send(temperature_c, **limits)
    box.status, box.laboratory_id = "dispatched", laboratory.id
    box.dispatched_at = occurred_at or clock.now()
    audit.note(
        session,
        "box",
        box.id,
        "dispatched",
        occurred_at=occurred_at,
        laboratory=str(laboratory.id),
        temperature_c=temperature_c,
    )
    outside = is_outside(temperature_c, **limits)
    return show_box(box, laboratory=laboratory.name, outside_limits=outside)


@action
def hand_over_box(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    box_code: str,
    badge_code: str,
    occurred_at: datetime | None = None,
) -> dict[str, Any]:
    """Hand a sealed or dispatched box to whoever wears the badge.

    Args:
        actor: who hands it over.
        client_id: id made by the sender.
        box_code: the box.
        badge_code: the courier's badge as scanned.
        occurred_at: when it was done, where that was written down without network; now by default.

    Returns:
        `box`, `status` and `courier`, the name on the badge.

    Raises:
        NotFound: the box is not among the actor's, or nobody wears that badge.
        Refused: the box is still open, or has arrived.
    """
    box = _lock_own_box(session, actor, box_code)
    badge = codes.parse(badge_code, expect="badge", field="badge").text
    courier = session.scalars(select(User).where(User.badge_code == badge, User.is_active)).first()
    if courier is None:
        raise NotFound("Nobody here wears the badge %(code)s.", field="badge", code=codes.grouped(badge))
    if box.status not in ("sealed", "dispatched"):
        raise Refused(
            "Box %(code)s is %(state)s. Only a sealed box is handed over.",
            field="box",
            code=codes.grouped(box.code),
            state=box.status,
        )
    box.courier_id = courier.id
    audit.note(session, "box", box.id, "handed_over", occurred_at=occurred_at, courier=str(courier.id))
    return show_box(box, courier=courier.display_name)
