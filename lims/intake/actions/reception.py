"""Reception: boxes and tubes that come, what is missing or damaged, what cannot be tested."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lims import audit, clock, codes
from lims.auth.actors import Actor
from lims.errors import InvalidInput, NotFound, Refused
from lims.intake import collecting, receiving
from lims.intake.actions.boxes import refuse_unknown_tube, show_box, tube_verdict
from lims.intake.actions.discrepancies import Finding, open_discrepancies
from lims.intake.arrivals import keep_arrivals, reject_samples
from lims.intake.collecting import Decision, TubeFacts
from lims.intake.models import Box, BoxTube, Tube
from lims.intake.queries import boxes as box_queries
from lims.intake.queries import tubes as tube_queries
from lims.intake.receiving import ReceivedTube
from lims.intake.rules import BOX, TUBE
from lims.msgid import N_
from lims.places import queries as place_queries
from lims.places.models import Campaign, Place
from lims.transaction import action

UNKNOWN = N_("Tube %(code)s was never printed here. Put it aside; a supervisor is told.")


@action
def receive_box(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    box_code: str,
    laboratory_id: uuid.UUID,
    temperature_c: float | None = None,
    anyway: bool = False,
) -> dict[str, Any]:
    """Receive a box; its tubes are scanned next.

    Args:
        actor: who receives it.
        client_id: id made by the sender.
        box_code: the box.
        laboratory_id: where it is received, one of the actor's.
        temperature_c: inside the box, in °C, if measured.
        anyway: True to receive a box that was sent to another laboratory.

    Returns:
        `box`, `status`, `count` (on its list), `outside_limits`, and `sent_to`, the name of the laboratory it was
        meant for where that is another one.

    Raises:
        NotFound: the laboratory is not the actor's, or there is no such box in its province.
        AlreadyDone, WrongState: it was received before, or was never sealed.
        Refused: it was sent to another laboratory and `anyway` is not set.
    """
    laboratory = place_queries.get_place(session, place_id=laboratory_id, kind="laboratory")
    actor.check_place(laboratory.id)
    box = _lock_box_of_province(session, box_code, laboratory)
    BOX.check(box.status, "received", code=codes.grouped(box.code), field="box")
    meant_for = None
    if box.laboratory_id not in (None, laboratory.id):
        meant_for = place_queries.get_place(session, place_id=box.laboratory_id).name
        if not anyway:
            raise Refused(
                "Box %(code)s was sent to %(laboratory)s. Call there; receive it here only if it stays.",
                field="laboratory_id",
                code=codes.grouped(box.code),
                laboratory=meant_for,
            )
    box.temperature_in_c = receiving.check_temperature(temperature_c)
    box.status, box.received_at, box.laboratory_id = "received", clock.now(), laboratory.id
    audit.note(
        session,
        "box",
        box.id,
        "received",
        laboratory=str(laboratory.id),
        temperature_c=temperature_c,
        meant_for_another=meant_for is not None,
    )
    outside = receiving.is_outside(
        temperature_c, coldest_c=box.campaign.coldest_c, warmest_c=box.campaign.warmest_c
    )
    return show_box(box, outside_limits=outside, sent_to=meant_for)


def _lock_box_of_province(session: Session, code: str, place: Place) -> Box:
    box = box_queries.lock_box(session, code=code)
    if box.campaign.province_id != place.province_id:
        raise NotFound(box_queries.NOT_THERE, field="box", code=codes.grouped(box.code))
    return box


@action
def receive_tubes(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    laboratory_id: uuid.UUID,
    box_code: str | None = None,
    tubes: Sequence[ReceivedTube],
) -> dict[str, Any]:
    """Receive tubes, out of a box or without one, a verdict for each.

    Args:
        actor: who receives them.
        client_id: id made by the sender.
        laboratory_id: where, one of the actor's.
        box_code: the box they were taken from, already received here; None without a box.
        tubes: as scanned, each with its condition.

    Returns:
        `box`, `count` (received of its list), `of` (its list), and `verdicts`, one for each tube in their order. The
        codes: received, waits_for_names, extra, too_old, refused_condition; received_already; at_another_laboratory,
        tube_gone, unknown_code, unreadable.

    Raises:
        NotFound: the laboratory is not the actor's, or the box is not there.
        Refused: the box was not received here, or is reconciled.
        InvalidInput: an unknown condition.
    """
    for tube in tubes:
        receiving.check_condition(tube)
    laboratory = place_queries.get_place(session, place_id=laboratory_id, kind="laboratory")
    actor.check_place(laboratory.id)
    box = _lock_received_box(session, box_code, laboratory) if box_code else None
    arrived, verdicts, findings = _judge_arrivals(session, laboratory, box, tubes)
    keep_arrivals(session, laboratory, box, arrived)
    keys = open_discrepancies(session, findings=[finding for _, finding in findings])
    for (index, _), key in zip(findings, keys, strict=True):
        verdicts[index]["discrepancy"] = str(key)
    counts = box_queries.count_box_tubes(session, box_ids=[box.id])[box.id] if box else {}
    return {
        "box": box.code if box else None,
        "count": sum(counts.get(state, 0) for state in ("received", "damaged", "rejected")),
        "of": sum(counts.get(state, 0) for state in box_queries.LISTED),
        "extra": counts.get("extra", 0),
        "verdicts": verdicts,
    }


def _lock_received_box(session: Session, code: str, laboratory: Place) -> Box:
    box = _lock_box_of_province(session, code, laboratory)
    if box.status != "received" or box.laboratory_id != laboratory.id:
        raise Refused(
            "Box %(code)s is %(state)s. Receive the box here first, then its tubes.",
            field="box",
            code=codes.grouped(box.code),
            state=box.status,
        )
    return box


def _judge_arrivals(
    session: Session, laboratory: Place, box: Box | None, scanned: Sequence[ReceivedTube]
) -> tuple[list[tuple[TubeFacts, ReceivedTube, str]], list[dict[str, Any]], list[tuple[int, Finding]]]:
    """Return the tubes that arrived (facts before, scan, new state), the verdicts, and what does not fit."""
    read = [_read(tube) for tube in scanned]
    facts = tube_queries.lock_tubes(
        session,
        tube_codes={code for code in read if isinstance(code, str)},
        province_id=laboratory.province_id,
    )
    hours = _map_hold_limits(session, {tube.campaign_id for tube in facts.values()})
    now = clock.now()
    arrived: list[tuple[TubeFacts, ReceivedTube, str]] = []
    verdicts: list[dict[str, Any]] = []
    findings: list[tuple[int, Finding]] = []
    for tube_scan, code in zip(scanned, read, strict=True):
        if isinstance(code, Decision):
            verdicts.append(tube_verdict(tube_scan.code, code))
            continue
        tube = facts.get(code)
        if tube is None:
            decision = replace(refuse_unknown_tube(code), message=UNKNOWN, discrepancy="unknown_code")
        else:
            old = receiving.is_too_old(tube.collected_at, now=now, hold_limit_hours=hours[tube.campaign_id])
            decision = receiving.decide_arrival(
                tube=tube,
                box_id=box.id if box else None,
                laboratory_id=laboratory.id,
                condition=tube_scan.condition,
                too_old=old,
            )
            if decision.code == "too_old" and box is None:
                # no box that will be reconciled: named at once
                decision = replace(decision, discrepancy="too_old")
        if decision.discrepancy:
            findings.append((len(verdicts), _finding(decision, code, tube, laboratory, box)))
        verdicts.append(tube_verdict(code, decision))
        if tube and decision.verdict == "good":
            arrived.append((replace(tube), tube_scan, receiving.state_after(tube_scan.condition)))
            tube.status, tube.laboratory_id = receiving.state_after(tube_scan.condition), laboratory.id
    return arrived, verdicts, findings


def _read(tube: ReceivedTube) -> str | Decision:
    try:
        return codes.parse(tube.code, expect="tube", field="tubes").text
    except InvalidInput as error:
        return collecting.refuse_unreadable(error)


def _map_hold_limits(session: Session, campaign_ids: set[uuid.UUID]) -> dict[uuid.UUID, int]:
    rows = session.execute(
        select(Campaign.id, Campaign.hold_limit_hours).where(Campaign.id.in_(sorted(campaign_ids)))
    )
    return {row.id: row.hold_limit_hours for row in rows}


def _finding(
    decision: Decision, code: str, tube: TubeFacts | None, laboratory: Place, box: Box | None
) -> Finding:
    return Finding(
        kind=str(decision.discrepancy),
        details={"tube": code, "box": box.code if box else "", "laboratory": laboratory.code},
        raw={"tube": code, "received_at": clock.now().isoformat()},
        place_id=laboratory.id,
        campaign_id=tube.campaign_id if tube else None,
        tube_id=tube.id if tube else None,
        box_id=box.id if box else None,
    )


@action
def reconcile_box(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, box_code: str
) -> dict[str, Any]:
    """Compare what was in a received box with its list, name what does not fit, and close it.

    Tubes on the list that were not scanned become missing. Missing and extra tubes, tubes past the hold limit and a
    box outside its temperature each open a discrepancy; damaged ones were rejected when they were scanned.

    Args:
        actor: who reconciles.
        client_id: id made by the sender.
        box_code: the box.

    Returns:
        `box`, `status`, `count` (on its list), `received`, and the tube codes of `missing`, `extra`, `damaged` (the
        rejected included), `too_old`; `too_warm` is True where the box was outside its temperature.

    Raises:
        NotFound: the box is not at one of the actor's laboratories.
        AlreadyDone, WrongState: it is not received, or reconciled already.
    """
    box = box_queries.lock_box(session, code=box_code)
    if box.laboratory_id is None or not actor.sees(box.laboratory_id):
        raise NotFound(box_queries.NOT_THERE, field="box", code=codes.grouped(box.code))
    BOX.check(box.status, "reconciled", code=codes.grouped(box.code), field="box")
    found = compare_box(box, box_queries.list_box_tubes(session, box_id=box.id))
    missing = [row for row in found["missing"] if row.tube.status == "boxed"]
    if missing:
        ids = [row.tube_id for row in missing]
        session.execute(update(Tube).where(Tube.id.in_(ids)).values(status="missing"))
        session.execute(
            update(BoxTube).where(BoxTube.box_id == box.id, BoxTube.tube_id.in_(ids)).values(state="missing")
        )
    for row in missing:
        audit.note(session, "tube", row.tube_id, "missing", box=box.code)
    open_discrepancies(session, findings=_findings_of_box(box, found))
    box.status, box.reconciled_at = "reconciled", clock.now()
    codes_of = {name: [row.tube.code for row in rows] for name, rows in found.items() if name != "warm"}
    found_count = {name: len(listed) for name, listed in codes_of.items()}
    audit.note(session, "box", box.id, "reconciled", tubes=found_count)
    return show_box(box, too_warm=bool(found["warm"]), **codes_of | {"received": len(codes_of["received"])})


def compare_box(box: Box, rows: Sequence[BoxTube]) -> dict[str, list[BoxTube]]:
    """Return a box's tubes by what was found: received, missing, extra, damaged, too_old; all of them if `warm`."""
    limit = box.campaign.hold_limit_hours
    return {
        "received": [row for row in rows if row.state == "received"],
        "missing": [row for row in rows if row.state in ("packed", "missing")],
        "extra": [row for row in rows if row.state == "extra"],
        "damaged": [row for row in rows if row.state in ("damaged", "rejected")],
        "too_old": [
            row
            for row in rows
            if row.state in ("received", "extra")
            and row.tube.received_at is not None
            and receiving.is_too_old(row.tube.collected_at, now=row.tube.received_at, hold_limit_hours=limit)
        ],
        "warm": list(rows)
        if receiving.is_outside(
            box.temperature_in_c, coldest_c=box.campaign.coldest_c, warmest_c=box.campaign.warmest_c
        )
        else [],
    }


def _findings_of_box(box: Box, found: dict[str, list[BoxTube]]) -> list[Finding]:
    kinds = {"missing": "tube_missing", "extra": "tube_extra", "too_old": "too_old"}
    findings = [
        Finding(
            kind=kind,
            details={"box": box.code, "tube": row.tube.code},
            place_id=box.laboratory_id,
            campaign_id=box.campaign_id,
            tube_id=row.tube_id,
            box_id=box.id,
        )
        for name, kind in kinds.items()
        for row in found[name]
    ]
    if found["warm"]:
        findings.append(
            Finding(
                kind="too_warm",
                details={
                    "box": box.code,
                    "temperature_c": box.temperature_in_c,
                    "coldest_c": box.campaign.coldest_c,
                    "warmest_c": box.campaign.warmest_c,
                    "tubes": len(found["warm"]),
                },
                place_id=box.laboratory_id,
                campaign_id=box.campaign_id,
                box_id=box.id,
            )
        )
    return findings


@action
def reject_tubes(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    tube_codes: Sequence[str],
    reason: str,
) -> dict[str, Any]:
    """Reject tubes that cannot be tested; everybody in them is asked for a new sample.

    Args:
        actor: who rejects them; the tubes lie at one of their laboratories.
        client_id: id made by the sender.
        tube_codes: as scanned.
        reason: a word of `rules.REJECTION_REASONS`.

    Returns:
        `asked_again`, the number of people asked for a new sample, and `verdicts`, one for each tube in their order.

    Raises:
        InvalidInput: an unknown reason.
    """
    receiving.check_reason(reason)
    scanned = [ReceivedTube(code) for code in tube_codes]
    read = [_read(tube) for tube in scanned]
    tubes = tube_queries.lock_visible_tubes(
        session, actor=actor, tube_codes={code for code in read if isinstance(code, str)}
    )
    rejected: list[TubeFacts] = []
    verdicts = []
    for tube_scan, code in zip(scanned, read, strict=True):
        tube = tubes.get(code) if isinstance(code, str) else None
        if isinstance(code, Decision):
            decision = code
        elif tube is None:
            decision = refuse_unknown_tube(code)
        else:
            decision = _decide_rejection(tube, actor, reason)
            if decision.verdict == "good":
                tube.status = "rejected"
                rejected.append(tube)
        verdicts.append(tube_verdict(tube.code if tube else tube_scan.code, decision))
    asked = 0
    if rejected:
        ids = [tube.id for tube in rejected]
        session.execute(
            update(Tube).where(Tube.id.in_(ids)).values(status="rejected", rejection_reason=reason)
        )
        session.execute(
            update(BoxTube)
            .where(BoxTube.tube_id.in_(ids), BoxTube.state.in_(("received", "extra")))
            .values(state="rejected")
        )
        for tube in rejected:
            audit.note(session, "tube", tube.id, "rejected", reason=reason)
        asked = reject_samples(session, dict.fromkeys(ids, reason))
    return {"asked_again": asked, "verdicts": verdicts}


def _decide_rejection(tube: TubeFacts, actor: Actor, reason: str) -> Decision:
    shown: dict[str, Any] = {"tube": codes.grouped(tube.code), "state": tube.status, "reason": reason}
    if tube.status == "rejected":
        message = N_("Tube %(tube)s was already rejected. Nothing was changed.")
        return Decision("again", "rejected_already", message, shown)
    at_hand = tube.status in ("received", "stored") and tube.laboratory_id and actor.sees(tube.laboratory_id)
    if not at_hand or not TUBE.can(tube.status, "rejected"):
        message = N_("Tube %(tube)s is %(state)s. Receive it first, then reject it.")
        return Decision("wrong", "not_received", message, shown)
    message = N_("Tube %(tube)s is rejected: %(reason)s. New samples are asked for.")
    return Decision("good", "rejected", message, shown)
