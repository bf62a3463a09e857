"""What phones send is kept first, as it came, and judged afterwards; nothing that was sent is ever dropped.

Two actions: `keep_scans` before anything is decided, `record_verdicts` after the actions of intake have decided. In
between `field.judging` calls those. If the process ends half way, the scans are kept and judged at the next batch:
every step answers a repeat as the first time.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from lims import clock, inbox
from lims.auth import queries as auth_queries
from lims.auth.actors import Actor
from lims.extensions import vault
from lims.field import rules
from lims.field.conflicts import find_conflicts
from lims.field.models import Device, FieldScan
from lims.field.queries import devices as device_queries
from lims.field.queries import scans as queries
from lims.field.slips import BindSlip, CloseSlip, PackSlip, Slip, UndoSlip, sound_code
from lims.intake.actions.discrepancies import Finding, open_discrepancies
from lims.transaction import action

RAW = "field_scan.raw"


@dataclass(frozen=True)
class SentSlip:
    """A slip as it came, and what could be told of it before anything was looked up in a transaction.

    Args:
        text: as the phone wrote it.
        signature: base64.
        slip: what it says; None where it cannot be read.
        is_signed: by the phone that it names.
    """

    text: str
    signature: str
    slip: Slip | None
    is_signed: bool

    @property
    def content_hash(self) -> bytes:
        """SHA-256 of the text, 32 bytes."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True)
class _Refused:
    """A slip that is kept for the coordinator and not let in."""

    sent: SentSlip
    reason: str
    device: Device | None


@dataclass(frozen=True)
class _Repeat:
    """A slip that is kept already; `answer` is None while it is not judged."""

    answer: dict[str, Any] | None


@dataclass(frozen=True)
class _Facts:
    """What a batch is sorted by.

    Args:
        devices: the phones that its slips name, as far as known.
        collectors: by phone and badge, who may collect at the phone's site.
        known: hash and answer of the scans kept already, by id; grows with the batch.
    """

    devices: Mapping[uuid.UUID, Device]
    collectors: Mapping[tuple[uuid.UUID, str], Actor]
    known: dict[uuid.UUID, tuple[bytes, dict[str, Any] | None]]


@action
def keep_scans(
    session: Session,
    *,
    actor: Actor,
    sent: Sequence[SentSlip],
    batch_offset: timedelta | None = None,
) -> list[dict[str, Any] | None]:
    """Keep slips as they came: those of phones in good standing to be judged, the others for the coordinator.

    Args:
        actor: who hands them in: a phone (its own scans or another's), or staff.
        sent: in the order of the batch.
        batch_offset: what the clock of the phone that speaks is behind now; None for a file.

    Returns:
        For each slip in order: the answer it has got already or gets now because it is not let in; None where it is
        kept and still to be judged.
    """
    facts = _look_up(session, sent)
    answers: list[dict[str, Any] | None] = [None] * len(sent)
    refused: dict[int, _Refused] = {}
    rows: list[dict[str, Any]] = []
    for index, item in enumerate(sent):
        found = _sort(item, facts, actor=actor, batch_offset=batch_offset)
        if isinstance(found, _Refused):
            refused[index] = found
        elif isinstance(found, _Repeat):
            answers[index] = found.answer
        else:
            rows.append(found)
    if rows:
        session.execute(insert(FieldScan), rows)
    for index, answer in zip(refused, _keep_refused(session, actor, list(refused.values())), strict=True):
        answers[index] = answer
    return answers


def _look_up(session: Session, sent: Sequence[SentSlip]) -> _Facts:
    slips = [item.slip for item in sent if item.slip is not None]
    devices = device_queries.map_devices(session, device_ids={slip.device for slip in slips})
    known = queries.map_known(session, scan_ids={slip.id for slip in slips})
    return _Facts(
        devices,
        find_collectors(session, sent, devices),
        {key: (row.content_hash, row.answer) for key, row in known.items()},
    )


def _sort(
    item: SentSlip, facts: _Facts, *, actor: Actor, batch_offset: timedelta | None
) -> _Refused | _Repeat | dict[str, Any]:
    """Return a slip as a row to be kept, or that it is kept already, or why it is not let in."""
    slip = item.slip
    if slip is None:
        return _Refused(item, "unreadable", None)
    device = facts.devices.get(slip.device)
    if device is None:
        return _Refused(item, "unknown_device", None)
    if not item.is_signed:
        return _Refused(item, "wrong_signature", device)
    before = facts.known.get(slip.id)
    if before and before[0] == item.content_hash:
        return _Repeat(before[1])
    row = row_of(item, slip, device, actor=actor, batch_offset=batch_offset)
    collector = facts.collectors.get((slip.device, sound_code(slip.badge, "badge") or ""))
    reason = _refuse_scan(device, is_known=before is not None, occurred_at=row["occurred_at"])
    if reason or collector is None:
        return _Refused(item, reason or "unknown_collector", device)
    facts.known[slip.id] = (item.content_hash, None)
    return row | {"collector_id": collector.user_id}


def find_collectors(
    session: Session, sent: Sequence[SentSlip], devices: Mapping[uuid.UUID, Device]
) -> dict[tuple[uuid.UUID, str], Actor]:
    """Return who collects, by phone and badge, as far as the account may collect at the phone's site."""
    held = {
        (item.slip.device, sound_code(item.slip.badge, "badge") or "")
        for item in sent
        if item.slip is not None and item.slip.device in devices
    }
    users = device_queries.map_users_by_badge(session, badges={badge for _, badge in held if badge})
    actors = {badge: auth_queries.get_actor(session, user_id=user_id) for badge, user_id in users.items()}
    return {
        (device_id, badge): actors[badge]
        for device_id, badge in held
        if badge in actors
        and actors[badge].can("collect")
        and actors[badge].sees(devices[device_id].enrolment.place_id)
    }


def _refuse_scan(device: Device, *, is_known: bool, occurred_at: datetime) -> str:
    if device.withdrawn_at or device.enrolment.withdrawn_at:
        return "withdrawn_device"
    if is_known:
        return "id_reused"
    return "enrolment_expired" if occurred_at > device.enrolment.expires_at else ""


def row_of(
    item: SentSlip, slip: Slip, device: Device, *, actor: Actor, batch_offset: timedelta | None
) -> dict[str, Any]:
    """Return a slip as a row to be kept, without its collector; used by the actions that keep scans."""
    now = clock.now()
    own = None if slip.offset_ms is None else timedelta(milliseconds=slip.offset_ms)
    speaks_itself = actor.device_id == device.id
    return {
        "id": slip.id,
        "device_id": device.id,
        "seq": slip.seq,
        "kind": slip.kind,
        "content_hash": item.content_hash,
        "raw_sealed": vault().seal_record(item.text.encode(), record_id=slip.id, column=RAW),
        "session_id": slip.session,
        "tube_code": sound_code(slip.tube, "tube")
        if isinstance(slip, BindSlip | CloseSlip | PackSlip)
        else None,
        "declaration_code": sound_code(slip.declaration, "declaration")
        if isinstance(slip, BindSlip)
        else None,
        "attempt": None,
        "of_scan_id": _of_scan(slip),
        "taken_back": False,
        "device_at": slip.at,
        "occurred_at": rules.correct_time(
            slip.at.astimezone(UTC),
            own_offset=own,
            batch_offset=batch_offset if speaks_itself else None,
            not_before=device.enrolled_at,
            received_at=now,
        ),
        "offset_ms": slip.offset_ms,
        "received_at": now,
        "carried_by_id": actor.user_id,
        "verdict": None,
        "answer": None,
    }


def _of_scan(slip: Slip) -> uuid.UUID | None:
    if isinstance(slip, UndoSlip):
        return slip.undoes
    return slip.declared if isinstance(slip, BindSlip) else None


def _keep_refused(session: Session, actor: Actor, refused: Sequence[_Refused]) -> list[dict[str, Any]]:
    """Keep what is not let in, one discrepancy for each phone and reason of a batch; the same again opens none.

    Its ids are not believed: whoever guesses the id of a scan to come must not be able to block it. So a refused
    slip is known by the hash of all that was sent.
    """
    letters = [_letter(one) for one in refused]
    known = inbox.find_answers(session, letters) if letters else {}
    groups: defaultdict[tuple[str, uuid.UUID | None], dict[uuid.UUID, _Refused]] = defaultdict(dict)
    for letter, one in zip(letters, refused, strict=True):
        if letter.client_id not in known:
            groups[one.reason, one.device.id if one.device else None][letter.client_id] = one
    if groups:
        keys = open_discrepancies(
            session, findings=[_finding(session, actor, list(group.values())) for group in groups.values()]
        )
        fresh = {
            letter_id: _answer_refused(one, key)
            for group, key in zip(groups.values(), keys, strict=True)
            for letter_id, one in group.items()
        }
        by_id = {letter.client_id: letter for letter in letters}
        inbox.keep_answers(session, [(by_id[letter_id], answer) for letter_id, answer in fresh.items()])
        known |= fresh
    return [known[letter.client_id] for letter in letters]


def _letter(one: _Refused) -> inbox.Letter:
    content = inbox.content_hash([one.sent.content_hash, one.sent.signature])
    return inbox.Letter(uuid.UUID(bytes=content[:16], version=4), "refuse_scan", content)


def _answer_refused(one: _Refused, discrepancy_id: uuid.UUID) -> dict[str, Any]:
    return {
        "verdict": "wrong",
        "code": one.reason,
        "message": rules.REFUSALS[one.reason],
        "parameters": {},
        "discrepancy": str(discrepancy_id),
    }


def _finding(session: Session, actor: Actor, group: Sequence[_Refused]) -> Finding:
    first = group[0]
    slip = first.sent.slip
    details: dict[str, Any] = {"reason": first.reason, "count": len(group)}
    if len(group) == 1 and isinstance(slip, BindSlip):
        details |= {
            "tube": sound_code(slip.tube, "tube"),
            "declaration": sound_code(slip.declaration, "declaration"),
        }
    if first.device:
        details["device"] = str(first.device.id)
    enrolment = first.device.enrolment if first.device else None
    return Finding(
        kind="scan_refused",
        details={name: value for name, value in details.items() if value is not None},
        raw={
            "reason": first.reason,
            "slips": [{"text": one.sent.text, "signature": one.sent.signature} for one in group],
        },
        place_id=enrolment.place_id
        if enrolment
        else device_queries.find_home_place(session, user_id=actor.user_id),
        campaign_id=enrolment.campaign_id if enrolment else None,
    )


@action
def record_verdicts(
    session: Session,
    *,
    actor: Actor,
    device_id: uuid.UUID,
    judged: Sequence[tuple[uuid.UUID, dict[str, Any]]],
) -> None:
    """Write down what became of a phone's scans, and open what contradicts the claims of others.

    A scan that two uploads had judged at one moment keeps its first answer: both are the same, as intake answers a
    repeat as the first time.

    Args:
        actor: the collector.
        device_id: the phone that made the scans.
        judged: id of the scan and its answer: `verdict`, `code`, `message`, `parameters`, `discrepancy`, and what the
            phone shows.
    """
    device = device_queries.map_devices(session, device_ids=[device_id])[device_id]
    answers = dict(judged)
    scans = session.scalars(
        select(FieldScan)
        .where(FieldScan.id.in_(sorted(answers)), FieldScan.verdict.is_(None))
        .order_by(FieldScan.id)
        .with_for_update(of=FieldScan)
    ).all()
    for scan in scans:
        answer = answers[scan.id]
        if scan.kind == "bind" and answer.get("declaration"):
            scan.declaration_code = answer["declaration"]
    binds = [scan for scan in scans if scan.kind == "bind"]
    declarations = queries.map_declarations(
        session, declaration_codes={scan.declaration_code for scan in binds if scan.declaration_code}
    )
    tubes = queries.map_tubes(session, tube_codes={scan.tube_code for scan in scans if scan.tube_code})
    _keep_what_was_wrong(session, device, scans, answers, tubes, declarations)
    for scan in scans:
        scan.verdict, scan.answer = answers[scan.id]["verdict"], answers[scan.id]
        found = declarations.get(scan.declaration_code or "")
        scan.attempt = found.attempt if found else None
        scan.taken_back = scan.taken_back or answers[scan.id]["code"] == "taken_back_before"
    session.flush()
    _take_back(session, scans)
    _open_conflicts(session, device, binds)


def _keep_what_was_wrong(
    session: Session,
    device: Device,
    scans: Sequence[FieldScan],
    answers: dict[uuid.UUID, dict[str, Any]],
    tubes: Mapping[str, uuid.UUID],
    declarations: Mapping[str, Any],
) -> None:
    """Open a discrepancy for each scan that was not taken and that intake did not keep by itself."""
    wrong = [
        scan
        for scan in scans
        if answers[scan.id]["verdict"] == "wrong" and not answers[scan.id].get("discrepancy")
    ]
    findings = [
        Finding(
            kind=answers[scan.id].get("kind") or "scan_refused",
            details={
                "reason": answers[scan.id]["code"],
                "device": str(device.id),
                "scanned_at": scan.occurred_at.isoformat(),
            }
            | ({"tube": scan.tube_code} if scan.tube_code else {})
            | ({"declaration": scan.declaration_code} if scan.declaration_code else {}),
            raw={"slips": [{"text": read_raw(scan)}]},
            place_id=device.enrolment.place_id,
            campaign_id=device.enrolment.campaign_id,
            tube_id=tubes.get(scan.tube_code or ""),
            declaration_id=declarations[scan.declaration_code].id
            if scan.declaration_code and scan.declaration_code in declarations
            else None,
        )
        for scan in wrong
    ]
    for scan, key in zip(wrong, open_discrepancies(session, findings=findings), strict=True):
        answers[scan.id] = answers[scan.id] | {"discrepancy": str(key)}


def _take_back(session: Session, scans: Sequence[FieldScan]) -> None:
    """Mark the claims that were taken back: they contradict nobody any more."""
    undone = {
        scan.of_scan_id
        for scan in scans
        if scan.kind == "undo" and scan.verdict in ("good", "again") and scan.of_scan_id
    }
    if undone:
        session.execute(update(FieldScan).where(FieldScan.id.in_(sorted(undone))).values(taken_back=True))


def _open_conflicts(session: Session, device: Device, binds: Sequence[FieldScan]) -> None:
    claimed = [scan for scan in binds if scan.tube_code and not scan.taken_back]
    if not claimed:
        return
    conflicts = find_conflicts(
        queries.list_claims(
            session,
            tube_codes={str(scan.tube_code) for scan in claimed},
            declaration_codes={scan.declaration_code for scan in claimed if scan.declaration_code},
        )
    )
    if not conflicts:
        return
    tubes = queries.map_tubes(session, tube_codes={one.tube for one in conflicts})
    declarations = queries.map_declarations(
        session, declaration_codes={one.declaration for one in conflicts if one.declaration}
    )
    about = {
        one: declarations[one.declaration].id if one.declaration else tubes[one.tube] for one in conflicts
    }
    known = queries.find_discrepancies(
        session,
        tube_ids=set(tubes.values()),
        declaration_ids={row.id for row in declarations.values()},
    )
    open_discrepancies(
        session,
        findings=[
            Finding(
                kind=one.kind,
                details={"tube": one.tube} | ({"declaration": one.declaration} if one.declaration else {}),
                place_id=device.enrolment.place_id,
                campaign_id=device.enrolment.campaign_id,
                tube_id=tubes[one.tube],
                declaration_id=declarations[one.declaration].id if one.declaration else None,
            )
            for one in sorted(conflicts, key=lambda one: (one.kind, one.tube, one.declaration))
            if (one.kind, about[one]) not in known
        ],
    )


def read_raw(scan: FieldScan) -> str:
    """Return the text of a kept scan as its phone wrote it."""
    return vault().unseal_record(scan.raw_sealed, record_id=scan.id, column=RAW).decode()
