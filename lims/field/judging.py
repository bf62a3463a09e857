"""What became of a phone's scans: kept ones are handed, in the order of scanning, to the actions that the desk uses.

Neighbours of one kind go together, so that a batch costs the same number of statements for one scan and for a
hundred. Each step is a transaction of its own and answers a repeat as the first time: if the process ends half way,
the next batch goes on where this one stopped. Not an action itself; it runs between two of them.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, TypeVar

from lims import clock, codes
from lims.auth import queries as auth_queries
from lims.auth.actors import Actor
from lims.errors import AlreadyDone, InvalidInput, LimsError
from lims.extensions import db, vault
from lims.field.actions.scans import read_raw, record_verdicts
from lims.field.models import FieldScan
from lims.field.queries import scans as queries
from lims.field.slips import (
    BindSlip,
    CloseSlip,
    DeclareSlip,
    HandOverSlip,
    PackSlip,
    SealSlip,
    Slip,
    UndoSlip,
    read_slip,
    sound_code,
)
from lims.intake.actions import boxes, collections
from lims.intake.actions.declarations import declare_people
from lims.intake.birth_dates import parse_birth_date
from lims.intake.collecting import CollectionScan, TubeClosing
from lims.intake.declaring import DeclarationForm
from lims.intake.identity import read_person_qr
from lims.intake.models import Declaration
from lims.intake.people import identity_index
from lims.msgid import N_
from lims.names import fold

MOST_AT_ONCE = 500
# The id of a hand-over's dispatch is made from the slip's, so that a repeat is known for one.
DISPATCH = uuid.UUID("5f0f6a6e-3d50-4d1c-9a54-5d1c6b8b4a10")

# A fault of ours in one scan must not keep all later ones of its phone waiting for ever: it becomes a discrepancy and
# a line in the log. What an engine says (busy, lost) is not among them: that scan is judged at the next batch.
FAULTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
NOT_JUDGED = N_("This scan could not be judged. It is kept for the coordinator; tell the administrator.")

Answer = dict[str, Any]
log = logging.getLogger(__name__)
S = TypeVar("S", bound=Slip)


@dataclass(frozen=True)
class Post:
    """Where a phone stands: copied, as rows that were read are stale after each action.

    Args:
        device_id: the phone.
        campaign_id: it is enrolled for.
        place_id: its site.
        commune_code: of the commune that the site lies in.
    """

    device_id: uuid.UUID
    campaign_id: uuid.UUID
    place_id: uuid.UUID
    commune_code: str


@dataclass(frozen=True)
class Kept:
    """A scan that was kept.

    Args:
        id: made by the phone.
        slip: what it says.
        post: where its phone stands.
        collector_id: who held the phone.
        occurred_at: when it was made, corrected.
        tube_code: as it is kept; None for a misread one.
    """

    id: uuid.UUID
    slip: Slip
    post: Post
    collector_id: uuid.UUID
    occurred_at: datetime
    tube_code: str | None


def judge_kept(*, device_ids: Collection[uuid.UUID]) -> None:
    """Judge everything that some phones have sent and that is not judged yet.

    Args:
        device_ids: keys of phones.
    """
    while True:
        waiting = queries.list_not_judged(db.session(), device_ids=device_ids, most=MOST_AT_ONCE)
        kept = [_copy(scan) for scan in waiting]
        for _, group in groupby(kept, key=_together):
            _judge_group(list(group))
        if len(kept) < MOST_AT_ONCE:
            return


def _copy(scan: FieldScan) -> Kept:
    enrolment = scan.device.enrolment
    place = enrolment.place
    commune = place if place.kind == "commune" or place.parent is None else place.parent
    return Kept(
        id=scan.id,
        slip=read_slip(read_raw(scan)),
        post=Post(scan.device_id, enrolment.campaign_id, enrolment.place_id, commune.code),
        collector_id=scan.collector_id,
        occurred_at=scan.occurred_at,
        tube_code=scan.tube_code,
    )


def _together(kept: Kept) -> tuple[object, ...]:
    """Return what scans share that go through one action."""
    slip = kept.slip
    shared: tuple[object, ...] = (kept.post.device_id, kept.collector_id, slip.kind)
    if isinstance(slip, BindSlip | CloseSlip):
        return (*shared, slip.session)
    if isinstance(slip, PackSlip):
        return (*shared, slip.box)
    return shared if isinstance(slip, DeclareSlip) else (*shared, slip.id)


def _judge_group(group: Sequence[Kept]) -> None:
    first = group[0]
    actor = auth_queries.get_actor(db.session(), user_id=first.collector_id)
    try:
        answers = _JUDGES[type(first.slip)](actor, group)
    except LimsError as refusal:
        answers = [_answer_refusal(refusal) for _ in group]
    except FAULTS:
        if len(group) > 1:
            for kept in group:
                _judge_group([kept])
            return
        log.exception("the scan %s of the phone %s could not be judged", first.id, first.post.device_id)
        answers = [_answer("wrong", "not_judged", NOT_JUDGED)]
    record_verdicts(
        actor=actor,
        device_id=first.post.device_id,
        judged=[(kept.id, answer) for kept, answer in zip(group, answers, strict=True)],
    )


def _answer(verdict: str, code: str, message: str, parameters: Mapping[str, Any] | None = None) -> Answer:
    return {"verdict": verdict, "code": code, "message": message, "parameters": dict(parameters or {})}


def _answer_refusal(refusal: LimsError) -> Answer:
    """Return what was refused as a verdict; what was done before is no fault."""
    verdict = "again" if isinstance(refusal, AlreadyDone) else "wrong"
    parameters = {
        name: value if isinstance(value, int | float | str) else str(value)
        for name, value in refusal.parameters.items()
    }
    return _answer(verdict, refusal.code, refusal.message, parameters)


def _slips(group: Sequence[Kept], kind: type[S]) -> list[tuple[Kept, S]]:
    return [(kept, kept.slip) for kept in group if isinstance(kept.slip, kind)]


# ---- People and tubes ----


def _judge_binds(actor: Actor, group: Sequence[Kept]) -> list[Answer]:
    slips = _slips(group, BindSlip)
    taken_back = queries.find_taken_back(db.session(), scan_ids=[scan.id for scan, _ in slips])
    declared = queries.map_answers(
        db.session(), scan_ids=[slip.declared for _, slip in slips if slip.declared is not None]
    )
    campaigns = queries.map_campaigns_of_tubes(
        db.session(), tube_codes={scan.tube_code for scan, _ in slips if scan.tube_code}
    )
    answers: dict[uuid.UUID, Answer] = {}
    scans: list[CollectionScan] = []
    for scan, slip in slips:
        person = _person_of(slip, declared)
        early = _answer_before_binding(scan, person, taken_back, campaigns)
        if early:
            answers[scan.id] = early
        else:
            scans.append(CollectionScan(scan.id, slip.tube, person, scan.occurred_at))
    if scans:
        verdicts = collections.register_collections(
            actor=actor, place_id=group[0].post.place_id, session_id=slips[0][1].session, scans=scans
        )
        answers |= {scan.client_id: verdict for scan, verdict in zip(scans, verdicts, strict=True)}
    return [answers[scan.id] for scan, _ in slips]


def _person_of(slip: BindSlip, declared: Mapping[uuid.UUID, Answer]) -> str:
    if slip.declared is None:
        return slip.declaration
    return str(declared.get(slip.declared, {}).get("declaration") or "")


def _answer_before_binding(
    scan: Kept,
    person: str,
    taken_back: Collection[uuid.UUID],
    campaigns: Mapping[str, uuid.UUID],
) -> Answer | None:
    tube = scan.tube_code
    shown = {"tube": codes.grouped(tube or "")}
    if scan.id in taken_back:
        message = N_("This scan was taken back on the phone. Tube %(tube)s is free.")
        return _answer("good", "taken_back_before", message, shown)
    if not person:
        message = N_(
            "The person of this scan was not declared: name or birth date could not be read. "
            "Tube %(tube)s waits for its name."
        )
        return _answer("wrong", "person_not_declared", message, shown)
    if campaigns.get(tube or "", scan.post.campaign_id) != scan.post.campaign_id:
        message = N_(
            "Tube %(tube)s belongs to another campaign than this phone's. Put it aside; tell the coordinator."
        )
        return _answer("wrong", "other_campaign", message, shown) | {"kind": "other_campaign"}
    return None


def _judge_undo(actor: Actor, group: Sequence[Kept]) -> list[Answer]:
    ((scan, slip),) = _slips(group, UndoSlip)
    target = db.session.get(FieldScan, slip.undoes, populate_existing=True)
    if target is not None and (target.device_id != scan.post.device_id or target.kind != "bind"):
        message = N_("There is no scan of this phone that this one could take back.")
        return [_answer("wrong", "no_such_scan", message)]
    if target is None or target.verdict is None:
        return [_answer("good", "taken_back_before", N_("The scan is taken back before it came."))]
    shown = {"tube": codes.grouped(target.tube_code or "")}
    done = _answer("good", "taken_back", N_("The scan of tube %(tube)s is taken back."), shown)
    if target.answer and target.answer["code"] == "taken_back_before":
        return [done]
    if target.taken_back:
        return [
            _answer("again", "taken_back_already", N_("The scan was taken back before. Nothing was changed."))
        ]
    if target.verdict == "good":
        collections.undo_collection(
            actor=auth_queries.get_actor(db.session(), user_id=target.collector_id),
            client_id=scan.id,
            scan_client_id=target.id,
        )
    return [done]


def _judge_closings(actor: Actor, group: Sequence[Kept]) -> list[Answer]:
    slips = _slips(group, CloseSlip)
    return collections.close_tubes(
        actor=actor,
        session_id=slips[0][1].session,
        closings=[TubeClosing(scan.id, slip.tube, slip.count) for scan, slip in slips],
    )


# ---- People declared on the spot ----


def _judge_declares(actor: Actor, group: Sequence[Kept]) -> list[Answer]:
    answers: dict[uuid.UUID, Answer] = {}
    forms: list[DeclarationForm] = []
    post = group[0].post
    for scan, slip in _slips(group, DeclareSlip):
        try:
            form = _form(scan.id, slip, post.commune_code)
        except InvalidInput as refusal:
            answers[scan.id] = _answer_refusal(refusal)
            continue
        known = _find_namesake(slip, form, post)
        if known:
            message = N_("This person has declared already, with the code %(code)s. Nothing was added.")
            answers[scan.id] = _answer("again", "already_declared", message, {"code": known}) | {
                "declaration": known
            }
        else:
            forms.append(form)
    if forms:
        verdicts = declare_people(actor=actor, campaign_id=post.campaign_id, declarations=forms)
        answers |= {
            form.client_id: _answer(
                verdict["verdict"], verdict["code"], verdict["message"], verdict["parameters"]
            )
            | {"declaration": verdict["declaration_code"] or None}
            for form, verdict in zip(forms, verdicts, strict=True)
        }
    return [answers[kept.id] for kept in group]


def _form(client_id: uuid.UUID, slip: DeclareSlip, commune_code: str) -> DeclarationForm:
    """Return a slip as a declaration, as the collector has it; the person has agreed, or would not stand there.

    Raises:
        InvalidInput: the card cannot be read, or the slip names nobody.
    """
    if slip.person is None and not slip.card:
        raise InvalidInput(
            "This scan names nobody. Scan the card again, or type the details.", field="person"
        )
    said = slip.person
    values = read_person_qr(slip.card, field="card") if slip.card else {}
    if said:
        typed = {"name": said.name, "birth_date": said.birth_date, "sex": said.sex, "phone": said.phone}
        values = values | {name: text for name, text in typed.items() if text or name not in values}
    return DeclarationForm(
        client_id=client_id,
        commune_code=commune_code,
        symptoms=tuple(said.symptoms) if said else (),
        is_contact=bool(said and said.is_contact),
        consent=True,
        declared_by="health_worker",
        household_code=(sound_code(said.household, "household") or "") if said else "",
        **values,
    )


def _find_namesake(slip: DeclareSlip, form: DeclarationForm, post: Post) -> str:
    """Return the declaration of the roster's namesake if it is the same person; '' where it is not, or none is meant.

    The phone knows a name and a year; here the whole birth date and the numbers of papers have their say.
    """
    code = sound_code(slip.likely, "declaration") if slip.likely else None
    found = queries.find_namesake(db.session(), code=code, campaign_id=post.campaign_id) if code else None
    return found.code if found is not None and _is_same_person(found, form) else ""


def _is_same_person(declaration: Declaration, form: DeclarationForm) -> bool:
    person = declaration.person
    try:
        birth = parse_birth_date(form.birth_date, field="birth_date", today=clock.today())
    except InvalidInput:
        return False
    known_birth = type(birth).of(person.birth_on, person.birth_precision)
    stated = {
        identity_index(vault(), number)
        for number in (form.identity_number, form.old_identity_number)
        if number
    }
    papers = {identity.number_index for identity in person.identities}
    contradicts = bool(stated and papers and not stated & papers)
    return person.name_folded == fold(form.name) and known_birth.matches(birth) and not contradicts


# ---- Boxes ----


def _judge_packing(actor: Actor, group: Sequence[Kept]) -> list[Answer]:
    slips = _slips(group, PackSlip)
    tubes = [slip.tube for _, slip in slips]
    if slips[0][1].kind == "pack":
        answer = boxes.pack_tubes(
            actor=actor, box_code=slips[0][1].box, place_id=group[0].post.place_id, tube_codes=tubes
        )
    else:
        answer = boxes.take_out_tubes(actor=actor, box_code=slips[0][1].box, tube_codes=tubes)
    verdicts: list[Answer] = answer["verdicts"]
    return [verdict | {"count": answer["count"]} for verdict in verdicts]


def _judge_seal(actor: Actor, group: Sequence[Kept]) -> list[Answer]:
    ((scan, slip),) = _slips(group, SealSlip)
    box = boxes.seal_box(actor=actor, client_id=scan.id, box_code=slip.box, occurred_at=scan.occurred_at)
    shown = {"code": codes.grouped(box["box"]), "count": box["count"]}
    return [_answer("good", "sealed", N_("Box %(code)s is sealed with %(count)s tubes."), shown)]


def _judge_hand_over(actor: Actor, group: Sequence[Kept]) -> list[Answer]:
    ((scan, slip),) = _slips(group, HandOverSlip)
    if slip.laboratory is not None:
        # The courier stands there without network: a box that is too warm is found when it arrives.
        boxes.dispatch_box(
            actor=actor,
            client_id=uuid.uuid5(DISPATCH, str(scan.id)),
            box_code=slip.box,
            laboratory_id=slip.laboratory,
            occurred_at=scan.occurred_at,
        )
    box = boxes.hand_over_box(
        actor=actor,
        client_id=scan.id,
        box_code=slip.box,
        badge_code=slip.courier,
        occurred_at=scan.occurred_at,
    )
    shown = {"code": codes.grouped(box["box"])}
    return [_answer("good", "handed_over", N_("Box %(code)s is handed over."), shown)]


_JUDGES: Mapping[type, Callable[[Actor, Sequence[Kept]], list[Answer]]] = {
    BindSlip: _judge_binds,
    UndoSlip: _judge_undo,
    CloseSlip: _judge_closings,
    DeclareSlip: _judge_declares,
    PackSlip: _judge_packing,
    SealSlip: _judge_seal,
    HandOverSlip: _judge_hand_over,
}
