"""Declaring people, taking a declaration back, issuing result codes."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from lims import audit, clock, inbox
from lims.auth.actors import Actor
from lims.errors import InvalidInput, LimsError, Refused
from lims.extensions import vault
from lims.inbox import Letter
from lims.intake import rules
from lims.intake.declaring import WITHDRAWAL_REASONS, DeclarationForm, Mistakes, Statement, check_declaration
from lims.intake.models import ResultCode
from lims.intake.queries import declarations as queries
from lims.intake.registration import Entry, new_result_code, register_people
from lims.intake.result_codes import result_code_for
from lims.msgid import N_
from lims.places import queries as place_queries
from lims.places.models import Campaign, Place
from lims.transaction import action

MOST_AT_ONCE = 1_000
MOST_SLIPS = 500

GOOD = N_("Declared. Show the code %(code)s where the sample is taken.")
AGAIN = N_("This person has declared already, with the code %(code)s. Nothing was added.")


@action
def declare_people(
    session: Session, *, actor: Actor, campaign_id: uuid.UUID, declarations: Sequence[DeclarationForm]
) -> list[dict[str, Any]]:
    """Declare people: one as well as a household or a hundred, in the same number of SQL statements.

    Open to residents. Whoever comes again with the same client id and content is answered the same, result code
    included; whoever has an open declaration in the campaign is told its code and gets no second one.

    Args:
        actor: who declares; a resident has no account.
        campaign_id: the campaign; it must be open.
        declarations: at most 1,000, as they were sent.

    Returns:
        One verdict for each, in order: `client_id`, `verdict`, `code`, `message`, `parameters`, `discrepancy`
        (always None here), `declaration_code`, `result_code` (only with "good"), `warnings` (message ids), and with
        "wrong" also `field` and `mistakes`, all of them with `field`, `message`, `parameters`.

    Raises:
        InvalidInput: too many at once.
        NotFound: there is no such campaign.
        Refused: the campaign is closed.
    """
    if len(declarations) > MOST_AT_ONCE:
        raise InvalidInput(
            "At most %(most)s people at once. Send the rest after them.",
            field="declarations",
            most=MOST_AT_ONCE,
        )
    campaign = get_open_campaign(session, campaign_id=campaign_id)
    letters = {form: _letter(campaign_id, form) for form in declarations}
    known, reused = inbox.find_reused(session, list(letters.values()))
    communes = place_queries.map_places(
        session,
        kind="commune",
        codes={form.commune_code.strip() for form in declarations},
        edition=campaign.province.edition,
    )
    answers: dict[uuid.UUID, dict[str, Any]] = dict(known)
    refused: dict[DeclarationForm, dict[str, Any]] = {}
    entries: dict[uuid.UUID, tuple[DeclarationForm, Entry]] = {}
    for form in declarations:
        if form.client_id in answers:
            continue
        try:
            _check_client_id(form, entries, reused)
            statement, commune = _check(form, actor, campaign, communes)
        except LimsError as refusal:
            refused[form] = _wrong(form, refusal)
        else:
            entries[form.client_id] = (form, Entry(form.client_id, statement, commune.id))
    registered = register_people(
        session,
        actor=actor,
        vault=vault(),
        campaign=campaign,
        entries=[entry for _, entry in entries.values()],
        with_result_codes=True,
    )
    fresh = []
    for (form, entry), outcome in zip(entries.values(), registered, strict=True):
        answers[form.client_id] = _accepted(form, outcome.code, outcome.is_new, entry.statement.warnings)
        fresh.append((letters[form], answers[form.client_id]))
    inbox.keep_answers(session, fresh)
    return [refused.get(form) or _with_result_code(answers[form.client_id]) for form in declarations]


@action
def withdraw_declaration(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    declaration_code: str,
    reason: str = "",
) -> dict[str, Any]:
    """Take a declaration back before its sample: a mistake, or the person does not want to be tested.

    Args:
        actor: staff of the commune.
        client_id: id made by the sender.
        declaration_code: the declaration.
        reason: one of "mistake", "declined", "moved", or ''; no names.

    Returns:
        `declaration` and `status`.

    Raises:
        NotFound: it is not among the actor's places.
        WrongState: a sample was taken.
        AlreadyDone: it was withdrawn before.
    """
    declaration = queries.get_declaration(session, actor=actor, code=declaration_code, lock=True)
    rules.DECLARATION.check(declaration.status, "withdrawn", code=declaration.code, field="declaration")
    if reason not in ("", *WITHDRAWAL_REASONS):
        raise InvalidInput("Choose a reason from the list.", field="reason")
    declaration.status, declaration.closed_at = "withdrawn", clock.now()
    audit.note(session, "declaration", declaration.id, "withdrawn", reason=reason)
    return {"declaration": declaration.code, "status": declaration.status}


@action
def reissue_result_code(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID,
    declaration_code: str,
    identity_checked: bool = True,
) -> dict[str, Any]:
    """Issue a result code anew; the old one is dead from this moment.

    The code itself is not in the answer, which is kept: whoever asked derives it by `result_code_for` from the
    same client id, and shows it once.

    Args:
        actor: staff who checked the person's identity.
        client_id: id made by the sender.
        declaration_code: the declaration.
        identity_checked: the staff member has seen who it is.

    Returns:
        `declaration`.

    Raises:
        InvalidInput: the identity was not checked.
        NotFound: it is not among the actor's places.
        Refused: it was withdrawn.
    """
    declaration = queries.get_declaration(session, actor=actor, code=declaration_code, lock=True)
    if not identity_checked:
        raise InvalidInput(
            "Check the identity of the person first, then tick that you have done so.",
            field="identity_checked",
        )
    if declaration.status in ("withdrawn", "expired"):
        raise Refused(
            "%(code)s is %(state)s: there is no result to read. Declare the person again.",
            field="declaration",
            code=declaration.code,
            state=declaration.status,
        )
    live = queries.find_live_result_code(session, declaration_id=declaration.id)
    if live is not None:
        live.revoked_at = clock.now()
        session.flush()
    fresh = result_code_for(vault(), client_id=client_id)
    row = new_result_code(vault(), actor, declaration_id=declaration.id, code=fresh)
    session.execute(insert(ResultCode), [row])
    audit.note(session, "declaration", declaration.id, "result_code_reissued", first=live is None)
    return {"declaration": declaration.code}


@action
def issue_slips(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID,
    campaign_id: uuid.UUID,
    commune_id: uuid.UUID,
    most: int,
) -> dict[str, Any]:
    """Issue the result codes of listed people of a commune who have none yet, to be printed on their slips.

    People on a list never saw a page that could have shown them their code: it is made when their slip is printed,
    once. The same request sent again (the printer jammed) is answered the same.

    Args:
        actor: staff of the commune.
        client_id: id made by the sender; the codes are derived from it and the declaration's key.
        campaign_id: the campaign.
        commune_id: the commune.
        most: how many slips, 1 to 500.

    Returns:
        `declarations`: their keys, as text.

    Raises:
        InvalidInput: not a number of slips that can be printed at once.
        NotFound: the commune is not among the actor's places.
    """
    if not 1 <= most <= MOST_SLIPS:
        raise InvalidInput("Print 1 to %(most)s slips at once.", field="most", most=MOST_SLIPS)
    actor.check_place(commune_id)
    declaration_ids = queries.list_without_slip(
        session, commune_id=commune_id, campaign_id=campaign_id, most=most
    )
    return {"declarations": _issue_codes(session, actor, client_id, declaration_ids)}


@action
def issue_slips_of(
    session: Session, *, actor: Actor, client_id: uuid.UUID, declaration_codes: Sequence[str]
) -> dict[str, Any]:
    """Issue the result codes of some declarations that have none yet, to be printed on their slips.

    The same request sent again (the printer jammed) is answered the same. Who has a code already gets a slip without
    it: a code is on one paper only.

    Args:
        actor: staff of the communes.
        client_id: id made by the sender; the codes are derived from it and the declaration's key.
        declaration_codes: 1 to 500, all of them open.

    Returns:
        `declarations`: keys of all of them, as text; `issued`: of those that got a code now.

    Raises:
        InvalidInput: not a number of slips that can be printed at once.
        NotFound: one of them is not among the actor's places.
    """
    if not 1 <= len(set(declaration_codes)) <= MOST_SLIPS:
        raise InvalidInput("Print 1 to %(most)s slips at once.", field="declarations", most=MOST_SLIPS)
    found = queries.list_by_code(session, actor=actor, declaration_codes=declaration_codes)
    without = queries.find_without_result_code(session, declaration_ids=[row.id for row in found])
    return {
        "declarations": [str(row.id) for row in found],
        "issued": _issue_codes(session, actor, client_id, without),
    }


def _issue_codes(
    session: Session, actor: Actor, client_id: uuid.UUID, declaration_ids: Sequence[uuid.UUID]
) -> list[str]:
    """Issue a result code for each declaration; return their keys."""
    issued = []
    for declaration_id in declaration_ids:
        code = result_code_for(vault(), client_id=client_id, declaration_id=declaration_id)
        issued.append(new_result_code(vault(), actor, declaration_id=declaration_id, code=code))
        audit.note(session, "declaration", declaration_id, "result_code_issued")
    if issued:
        session.execute(insert(ResultCode), issued)
    return [str(row["declaration_id"]) for row in issued]


def get_open_campaign(session: Session, *, campaign_id: uuid.UUID) -> Campaign:
    """Return a campaign that takes declarations today.

    Raises:
        NotFound: there is no such campaign.
        Refused: it is closed.
    """
    campaign = place_queries.get_campaign(session, campaign_id=campaign_id)
    if not campaign.is_open or (campaign.ends_on is not None and campaign.ends_on < clock.today()):
        raise Refused(
            "The campaign %(campaign)s is closed. Choose one that is open.",
            field="campaign_id",
            campaign=campaign.name,
        )
    return campaign


def _letter(campaign_id: uuid.UUID, form: DeclarationForm) -> Letter:
    # Keyed: a plain hash of a name and a birth date could be found out by trying.
    plain = inbox.content_hash([campaign_id, form])
    keyed = vault().digest(hashlib.sha256(plain).hexdigest(), purpose="inbound-declaration")
    return Letter(form.client_id, "declare_people", keyed)


def _check_client_id(
    form: DeclarationForm,
    entries: dict[uuid.UUID, tuple[DeclarationForm, Entry]],
    reused: set[uuid.UUID],
) -> None:
    twice = form.client_id in entries and entries[form.client_id][0] != form
    if twice or form.client_id in reused:
        raise Refused(
            "The id %(client_id)s was used before for something else. Make a new id and send again.",
            field="client_id",
            client_id=form.client_id,
        )


def _check(
    form: DeclarationForm, actor: Actor, campaign: Campaign, communes: dict[str, Place]
) -> tuple[Statement, Place]:
    """Return the checked values and the commune of a form.

    Raises:
        Mistakes: everything that cannot be taken.
    """
    commune = communes.get(form.commune_code.strip())
    if commune is not None and commune.province_id != campaign.province_id:
        commune = None
    found: tuple[InvalidInput, ...] = ()
    try:
        statement = check_declaration(form, today=clock.today())
    except Mistakes as mistakes:
        found = mistakes.found
    if commune is None:
        found += (
            InvalidInput(
                "Choose the commune from the list of this campaign's province.", field="commune_code"
            ),
        )
    if actor.user_id is None and form.declared_by not in ("self", "relative"):
        found += (InvalidInput("Choose who fills in this declaration.", field="declared_by"),)
    if found or commune is None:
        raise Mistakes(found)
    return statement, commune


def _accepted(form: DeclarationForm, code: str, is_new: bool, warnings: Sequence[str]) -> dict[str, Any]:
    """Return the answer that is kept; the result code is never in it."""
    return {
        "client_id": str(form.client_id),
        "verdict": "good" if is_new else "again",
        "code": "declared" if is_new else "already_declared",
        "message": GOOD if is_new else AGAIN,
        "parameters": {"code": code},
        "discrepancy": None,
        "declaration_code": code,
        "warnings": list(warnings),
    }


def _with_result_code(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as it is shown: the secret code is derived again, for the sender of the same id alone."""
    if answer["verdict"] != "good":
        return {**answer, "result_code": ""}
    return {**answer, "result_code": result_code_for(vault(), client_id=uuid.UUID(answer["client_id"]))}


def _wrong(form: DeclarationForm, refusal: LimsError) -> dict[str, Any]:
    mistakes = refusal.found if isinstance(refusal, Mistakes) else (refusal,)
    return {
        "client_id": str(form.client_id),
        "verdict": "wrong",
        "code": "invalid_input" if isinstance(refusal, InvalidInput) else "client_id_reused",
        "field": refusal.field,
        "message": refusal.message,
        "parameters": dict(refusal.parameters),
        "discrepancy": None,
        "declaration_code": "",
        "result_code": "",
        "warnings": [],
        "mistakes": [
            {"field": one.field, "message": one.message, "parameters": dict(one.parameters)}
            for one in mistakes
        ],
    }
