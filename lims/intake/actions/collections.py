"""Collection: people bound to tubes, mixed tubes closed, an own scan taken back.

What a scan means is decided in `intake.collecting`; here the facts are locked, the decisions written and kept. One
batch costs the same number of statements for one scan and for five hundred.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from lims import audit, clock, codes, inbox
from lims.auth.actors import Actor
from lims.errors import InvalidInput, WrongState
from lims.intake import collecting, consequences, late_names
from lims.intake.actions.discrepancies import Finding, open_discrepancies
from lims.intake.collecting import (
    Binding,
    CollectionScan,
    Decision,
    DeclarationFacts,
    TubeClosing,
    TubeFacts,
)
from lims.intake.models import Declaration, Sample, Tube
from lims.intake.queries import samples as sample_queries
from lims.intake.queries import tubes as tube_queries
from lims.intake.rules import DECLARATION, SAMPLE, TUBE
from lims.msgid import N_
from lims.places import queries as place_queries
from lims.places.models import Place
from lims.tables import new_id
from lims.transaction import action

LATE = N_("Tube %(tube)s was tested before this name came. A supervisor decides about the result.")
REUSED = N_("The id %(client_id)s was used before for something else. Make a new id and send again.")


@dataclass(frozen=True)
class _Bound:
    """A scan that was decided "good", to be written."""

    scan: CollectionScan
    tube: TubeFacts
    declaration: DeclarationFacts
    binding: Binding
    sample_id: uuid.UUID


@action
def register_collections(
    session: Session,
    *,
    actor: Actor,
    place_id: uuid.UUID,
    session_id: uuid.UUID,
    scans: Sequence[CollectionScan],
) -> list[dict[str, Any]]:
    """Bind people to tubes, a verdict for each scan.

    Args:
        actor: the collector.
        place_id: site (or commune) where the swabs were taken; one of the actor's.
        session_id: collection session, made by the device; one session fills a mixed tube.
        scans: in the order of scanning; each with its own client-made id, so that a batch sent twice changes nothing.

    Returns:
        A verdict for each scan, in their order: "good", "again" or "wrong", with `code`, `message`, `parameters`,
        `tube`, `declaration`, `count` (people in the tube), `limit`, and `discrepancy` where one keeps the scan.

    Raises:
        NotFound: the place is not one of the actor's.
    """
    place = place_queries.get_place(session, place_id=place_id)
    actor.check_place(place.id)
    letters = [
        _letter(scan.client_id, "register_collections", [str(place_id), str(session_id), scan])
        for scan in scans
    ]
    answers, fresh = _sort_repeats(session, letters)
    judged = _judge_scans(session, actor, place, session_id, [scans[index] for index in fresh])
    return _keep(session, letters, answers, fresh, judged)


def _letter(client_id: uuid.UUID, kind: str, content: Any) -> inbox.Letter:
    return inbox.Letter(client_id, kind, inbox.content_hash(content))


def _sort_repeats(
    session: Session, letters: Sequence[inbox.Letter]
) -> tuple[dict[uuid.UUID, Any], list[int]]:
    """Return the answers already given, and the places in the batch of those to be judged now."""
    answers, reused = inbox.find_reused(session, letters)
    first: dict[uuid.UUID, int] = {}
    for index, letter in enumerate(letters):
        if letter.client_id not in answers and letter.client_id not in reused:
            first.setdefault(letter.client_id, index)
    return answers, list(first.values())


def _keep(
    session: Session,
    letters: Sequence[inbox.Letter],
    answers: dict[uuid.UUID, Any],
    fresh: Sequence[int],
    judged: Sequence[dict[str, Any]],
) -> list[dict[str, Any]]:
    """Keep the new answers and return one for each letter of the batch, in its order.

    An id that came with other content, before or within the batch, is told so and changed nothing.
    """
    kept = [(letters[index], verdict) for index, verdict in zip(fresh, judged, strict=True)]
    inbox.keep_answers(session, kept)
    given = answers | {letter.client_id: verdict for letter, verdict in kept}
    hashes = {letter.client_id: letter.content_hash for letter, _ in kept}
    return [
        given[letter.client_id]
        if letter.client_id in given
        and hashes.get(letter.client_id, letter.content_hash) == letter.content_hash
        else _reused(letter.client_id)
        for letter in letters
    ]


def _reused(client_id: uuid.UUID) -> dict[str, Any]:
    return {
        "client_id": str(client_id),
        "verdict": "wrong",
        "code": "client_id_reused",
        "message": REUSED,
        "parameters": {"client_id": str(client_id)},
        "discrepancy": None,
    }


def _judge_scans(
    session: Session, actor: Actor, place: Place, session_id: uuid.UUID, scans: Sequence[CollectionScan]
) -> list[dict[str, Any]]:
    read = [_read(scan) for scan in scans]
    pairs = [pair for pair in read if isinstance(pair, tuple)]
    tubes = tube_queries.lock_tubes(
        session, tube_codes={tube for tube, _ in pairs}, province_id=place.province_id
    )
    declarations = tube_queries.lock_declarations(
        session, declaration_codes={code for _, code in pairs}, province_id=place.province_id
    )
    tube_queries.fill_bindings(session, tubes=tubes.values(), declarations=declarations.values())
    campaigns = tube_queries.map_campaigns(
        session, campaign_ids={tube.campaign_id for tube in tubes.values()}
    )
    now = clock.local(clock.now())
    verdicts: list[dict[str, Any]] = []
    bound: list[_Bound] = []
    findings: list[tuple[int, Finding]] = []
    for scan, pair in zip(scans, read, strict=True):
        if isinstance(pair, Decision):
            verdicts.append(_verdict(scan, pair))
            continue
        tube, declaration = tubes.get(pair[0]), declarations.get(pair[1])
        if tube is None or declaration is None:
            missing = ("tube", pair[0]) if tube is None else ("declaration", pair[1])
            decision = collecting.refuse_unknown(*missing)
        else:
            decision = collecting.decide(
                tube=tube,
                declaration=declaration,
                campaign=campaigns[tube.campaign_id],
                session_id=session_id,
                occurred_at=clock.local(scan.occurred_at),
                now=now,
            )
            if decision.verdict == "good":
                binding = collecting.bind(
                    tube, declaration, session_id=session_id, sampled_at=clock.local(scan.occurred_at)
                )
                bound.append(_Bound(scan, tube, declaration, binding, new_id()))
        if decision.discrepancy:
            findings.append(
                (len(verdicts), _finding(scan, pair, decision, place, session_id, tube, declaration))
            )
        limit = campaigns[tube.campaign_id].mixed_tube_size if tube and tube.mode == "mixed" else 1
        verdicts.append(_verdict(scan, decision, pair, tube, limit))
    late = _bind(session, actor, place, bound)
    at = {verdict["client_id"]: index for index, verdict in enumerate(verdicts)}
    findings += [(at[str(item.scan.client_id)], _late_finding(item, place)) for item in late]
    keys = open_discrepancies(session, findings=[finding for _, finding in findings])
    for (index, _), key in zip(findings, keys, strict=True):
        verdicts[index]["discrepancy"] = str(key)
    for item in late:
        verdicts[at[str(item.scan.client_id)]] |= {"code": "late_binding", "message": LATE}
    return verdicts


def _read(scan: CollectionScan) -> tuple[str, str] | Decision:
    try:
        return collecting.read_scan(scan)
    except InvalidInput as error:
        return collecting.refuse_unreadable(error)


def _verdict(
    scan: CollectionScan | TubeClosing,
    decision: Decision,
    pair: tuple[str, str] | None = None,
    tube: TubeFacts | None = None,
    limit: int = 1,
) -> dict[str, Any]:
    return {
        "client_id": str(scan.client_id),
        "verdict": decision.verdict,
        "code": decision.code,
        "message": decision.message,
        "parameters": decision.parameters,
        "discrepancy": None,
        "tube": pair[0] if pair else None,
        "declaration": pair[1] if pair else None,
        "mode": tube.mode if tube else None,
        "count": len(tube.bindings) if tube else 0,
        "limit": limit,
    }


def _finding(
    scan: CollectionScan,
    pair: tuple[str, str],
    decision: Decision,
    place: Place,
    session_id: uuid.UUID,
    tube: TubeFacts | None,
    declaration: DeclarationFacts | None,
) -> Finding:
    return Finding(
        kind=str(decision.discrepancy),
        details={"tube": pair[0], "declaration": pair[1], "scanned_at": scan.occurred_at.isoformat()},
        raw={
            "client_id": scan.client_id,
            "session_id": session_id,
            "tube": scan.tube,
            "declaration": scan.declaration,
            "occurred_at": scan.occurred_at.isoformat(),
        },
        place_id=place.id,
        campaign_id=tube.campaign_id if tube else (declaration.campaign_id if declaration else None),
        tube_id=tube.id if tube else None,
        declaration_id=declaration.id if declaration else None,
    )


def _late_finding(item: _Bound, place: Place) -> Finding:
    return Finding(
        kind="late_binding",
        details={
            "tube": item.tube.code,
            "declaration": item.declaration.code,
            "scanned_at": item.scan.occurred_at.isoformat(),
        },
        place_id=place.id,
        campaign_id=item.tube.campaign_id,
        tube_id=item.tube.id,
        declaration_id=item.declaration.id,
    )


def _bind(session: Session, actor: Actor, place: Place, bound: Sequence[_Bound]) -> list[_Bound]:
    """Write what was decided "good"; return those whose tube was called before its name came."""
    if not bound:
        return []
    came_before = {item.tube.id for item in bound if item.tube.status in collecting.CAME_BEFORE_ITS_NAMES}
    tested = late_names.find_tested(session, tube_ids=came_before)
    now = clock.now()
    session.execute(
        insert(Sample),
        [
            {
                "id": item.sample_id,
                "campaign_id": item.tube.campaign_id,
                "declaration_id": item.declaration.id,
                "person_id": item.declaration.person_id,
                "tube_id": item.tube.id,
                "slot": item.binding.slot,
                "attempt": item.binding.attempt,
                "status": "bound",
                "place_id": place.id,
                "commune_id": item.declaration.commune_id,
                "collected_by_id": actor.user_id,
                "sampled_on": item.binding.sampled_on,
                "sampled_at": item.scan.occurred_at,
                "recorded_at": now,
                "client_id": item.scan.client_id,
            }
            for item in bound
        ],
    )
    _use_tubes(session, actor, place, bound)
    open_ids = sorted(
        {item.declaration.id for item in bound if DECLARATION.can(item.declaration.status, "sampled")}
    )
    session.execute(update(Declaration).where(Declaration.id.in_(open_ids)).values(status="sampled"))
    for item in bound:
        audit.note(
            session,
            "sample",
            item.sample_id,
            "bound",
            occurred_at=item.scan.occurred_at,
            tube=item.tube.code,
            declaration=item.declaration.code,
            slot=item.binding.slot,
            attempt=item.binding.attempt,
        )
        audit.note(
            session,
            "declaration",
            item.declaration.id,
            "sampled",
            occurred_at=item.scan.occurred_at,
            tube=item.tube.code,
        )
    return [item for item in bound if item.tube.id in tested]


def _use_tubes(session: Session, actor: Actor, place: Place, bound: Sequence[_Bound]) -> None:
    """Move printed tubes to used; a tube that came before its names learns whose it is and stays where it is."""
    first: dict[uuid.UUID, _Bound] = {}
    for item in bound:
        first.setdefault(item.tube.id, item)
    changed = [item for item in first.values() if item.tube.collected_at is None]
    if not changed:
        return
    session.execute(
        update(Tube),
        [
            {
                "id": item.tube.id,
                "status": "used" if item.tube.status == "printed" else item.tube.status,
                "session_id": item.tube.session_id,
                "closed_count": item.tube.closed_count,
                "place_id": place.id,
                "collected_by_id": actor.user_id,
                "collected_at": item.scan.occurred_at,
            }
            for item in changed
        ],
    )
    for item in changed:
        verb = "used" if item.tube.status == "printed" else "named"
        audit.note(
            session, "tube", item.tube.id, verb, occurred_at=item.scan.occurred_at, place=str(place.id)
        )


@action
def close_tubes(
    session: Session, *, actor: Actor, session_id: uuid.UUID, closings: Sequence[TubeClosing]
) -> list[dict[str, Any]]:
    """Close mixed tubes with the number of swabs their collector counted, a verdict for each.

    A tube whose count is higher than the names known is closed all the same; it releases nothing before the others'
    names have come (DESIGN §3, rule 7). Its own session may count again while the tube is at the site.

    Args:
        actor: the collector.
        session_id: collection session that filled the tubes.
        closings: each with its own client-made id.

    Returns:
        A verdict for each, as of `register_collections`.
    """
    letters = [_letter(closing.client_id, "close_tubes", [str(session_id), closing]) for closing in closings]
    answers, fresh = _sort_repeats(session, letters)
    judged = _judge_closings(session, actor, session_id, [closings[index] for index in fresh])
    return _keep(session, letters, answers, fresh, judged)


def _judge_closings(
    session: Session, actor: Actor, session_id: uuid.UUID, closings: Sequence[TubeClosing]
) -> list[dict[str, Any]]:
    read: list[str | Decision] = []
    for closing in closings:
        try:
            read.append(codes.parse(closing.tube, expect="tube", field="tube").text)
        except InvalidInput as error:
            read.append(collecting.refuse_unreadable(error))
    tubes = tube_queries.lock_visible_tubes(
        session, actor=actor, tube_codes={code for code in read if isinstance(code, str)}
    )
    tube_queries.fill_bindings(session, tubes=tubes.values())
    campaigns = tube_queries.map_campaigns(
        session, campaign_ids={tube.campaign_id for tube in tubes.values()}
    )
    verdicts = []
    counted: dict[uuid.UUID, TubeFacts] = {}
    for closing, code in zip(closings, read, strict=True):
        if isinstance(code, Decision):
            verdicts.append(_verdict(closing, code))
            continue
        tube = tubes.get(code)
        if tube is None:
            decision = Decision(
                "wrong", "unknown_code", tube_queries.NOT_THERE, {"code": codes.grouped(code)}
            )
            verdicts.append(_verdict(closing, decision))
            continue
        campaign = campaigns[tube.campaign_id]
        decision = collecting.decide_closing(
            tube=tube, campaign=campaign, session_id=session_id, count=closing.count
        )
        if decision.verdict == "good":
            tube.closed_count = closing.count
            counted[tube.id] = tube
        verdicts.append(_verdict(closing, decision, (tube.code, ""), tube, campaign.mixed_tube_size))
    if counted:
        session.execute(
            update(Tube), [{"id": tube.id, "closed_count": tube.closed_count} for tube in counted.values()]
        )
    for tube in counted.values():
        audit.note(session, "tube", tube.id, "closed", count=tube.closed_count, names=len(tube.bindings))
    consequences.tell(session, "tubes_counted", list(counted))
    return verdicts


@action
def undo_collection(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, scan_client_id: uuid.UUID
) -> dict[str, Any]:
    """Take one's own scan back while the tube is still at the site: sample void, tube and declaration free again.

    See docs/decisions/undo-of-a-scan.md for why a single tube may be used again.

    Args:
        actor: the collector who made the scan.
        client_id: id made by the device for the undoing.
        scan_client_id: id of the scan.

    Returns:
        `tube`, `declaration` and `count`, the number of people still in the tube.

    Raises:
        NotFound: the actor made no such scan.
        WrongState: it was taken back already, has a result, or the tube left the site.
    """
    sample = sample_queries.lock_own_scan(session, collected_by_id=actor.user_id, client_id=scan_client_id)
    tube = session.get_one(Tube, sample.tube_id, with_for_update={"of": Tube})
    declaration = session.get_one(Declaration, sample.declaration_id, with_for_update={"of": Declaration})
    SAMPLE.check(sample.status, "void", code=codes.grouped(declaration.code), field="scan_client_id")
    if tube.status != "used":
        raise WrongState(
            "Tube %(tube)s has left the site and the scan can no longer be taken back. Tell a supervisor.",
            field="scan_client_id",
            tube=codes.grouped(tube.code),
        )
    sample.status = "void"
    if DECLARATION.can(declaration.status, "open"):
        declaration.status = "open"
    session.flush()
    left = len(sample_queries.list_samples_of_tubes(session, tube_ids=[tube.id]))
    tube.closed_count = None
    if left == 0:
        _free_tube(tube)
    audit.note(session, "sample", sample.id, "taken_back", tube=tube.code, declaration=declaration.code)
    audit.note(session, "declaration", declaration.id, "scan_taken_back", tube=tube.code)
    audit.note(session, "tube", tube.id, "scan_taken_back", left=left)
    return {"tube": tube.code, "declaration": declaration.code, "count": left}


def _free_tube(tube: Tube) -> None:
    TUBE.check(tube.status, "printed", code=codes.grouped(tube.code))
    tube.status = "printed"
    tube.session_id = None
    tube.collected_at = None
    tube.collected_by_id = None
