"""People for programs: found among one's communes, one's record, taken back, a result code anew."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from lims.errors import InvalidInput
from lims.extensions import db, vault
from lims.intake import rules
from lims.intake.actions import declarations as actions
from lims.intake.actions.accesses import record_accesses
from lims.intake.api import intake_api
from lims.intake.birth_dates import BirthDate
from lims.intake.declaring import WITHDRAWAL_REASONS
from lims.intake.models import Declaration
from lims.intake.people import open_contact
from lims.intake.queries import declarations as queries
from lims.intake.queries import people as people_queries
from lims.intake.queries.people import PeopleFilter
from lims.intake.result_codes import result_code_for
from lims.security import current_actor, needs


class PeopleAsked(BaseModel):
    """Whom to list: by name, identity number or telephone, of a commune, in a state; then after a page."""

    q: str = Field(default="", max_length=200)
    commune_id: uuid.UUID | None = None
    status: Literal[tuple(rules.DECLARATION.words)] | None = None  # type: ignore[valid-type]
    after: str = Field(default="", max_length=2000)


class PersonOut(BaseModel):
    """A declaration with its person; a birth date as exactly as it is known."""

    declaration: str
    status: str
    name: str
    birth_date: str
    sex: str
    commune_id: uuid.UUID
    household_code: str | None
    declared_at: datetime


class PeopleOut(BaseModel):
    """At most 50 declarations by given name, and what to ask for the next; empty at the end."""

    people: list[PersonOut]
    next: str


class SampleOut(BaseModel):
    """A sample of a person and its tube; what was found is told by results alone."""

    tube: str
    status: str
    sampled_at: datetime


class PersonRecord(PersonOut):
    """A declaration, its person with what was given to reach them, their samples, and their household."""

    campaign_id: uuid.UUID
    phone: str
    address: str
    identity_numbers: list[str]
    symptoms: list[str]
    is_contact: bool
    resample_reason: str
    samples: list[SampleOut]
    household: list[str]


class Withdrawal(BaseModel):
    """Why a declaration is taken back; no names of people."""

    client_id: uuid.UUID
    reason: Literal[tuple(WITHDRAWAL_REASONS)] | Literal[""] = ""  # type: ignore[valid-type]


class Withdrawn(BaseModel):
    """The declaration after it."""

    declaration: str
    status: str


class Reissue(BaseModel):
    """Whether the identity of whoever asks was checked."""

    client_id: uuid.UUID
    identity_checked: bool


class Reissued(BaseModel):
    """The new result code; the one before is dead. Show it to the person alone."""

    declaration: str
    result_code: str


def _describe(declaration: Declaration) -> dict[str, Any]:
    person = declaration.person
    return {
        "declaration": declaration.code,
        "status": declaration.status,
        "name": person.name,
        "birth_date": BirthDate.of(person.birth_on, person.birth_precision).iso,
        "sex": person.sex,
        "commune_id": declaration.commune_id,
        "household_code": declaration.household_code,
        "declared_at": declaration.created_at,
    }


@intake_api.get("/people")
@intake_api.input(PeopleAsked, location="query")
@intake_api.output(PeopleOut)
@intake_api.doc(summary="People declared for the caller's communes; reading them is kept")
@needs("see_people")
def list_people(query_data: PeopleAsked) -> dict[str, Any]:
    """Return people; one commune's list costs what the commune has, a province's what the campaign has."""
    text = query_data.q.strip()
    if not text and query_data.commune_id is None:
        raise InvalidInput("Choose a commune, or search for a name, number or telephone.", field="commune_id")
    wanted = PeopleFilter(
        text=text,
        commune_id=query_data.commune_id,
        status=query_data.status or "",
        after=query_data.after,
    )
    page, cursor = people_queries.list_people(
        db.session(), actor=current_actor(), vault=vault(), wanted=wanted
    )
    shown = {one.person_id for one in page}
    answer = {"people": [_describe(one) for one in page], "next": cursor}
    record_accesses(actor=current_actor(), person_ids=shown, shown_by="program")
    return answer


@intake_api.get("/people/<code>")
@intake_api.output(PersonRecord)
@intake_api.doc(summary="A declaration with its person and samples; reading it is kept", responses=[404])
@needs("see_people")
def show_declaration(code: str) -> dict[str, Any]:
    """Return a declaration."""
    session = db.session()
    declaration = queries.get_declaration(session, actor=current_actor(), code=code)
    contact = open_contact(vault(), declaration.person)
    household = queries.list_household(session, declaration=declaration)
    person_id = declaration.person_id
    answer = _describe(declaration) | {
        "campaign_id": declaration.campaign_id,
        "phone": contact.phone,
        "address": contact.address,
        "identity_numbers": list(contact.identity_numbers),
        "symptoms": list(declaration.symptoms),
        "is_contact": declaration.is_contact,
        "resample_reason": declaration.resample_reason,
        "samples": [
            {"tube": one.tube.code, "status": one.status, "sampled_at": one.sampled_at}
            for one in queries.list_samples(session, declaration_id=declaration.id)
        ],
        "household": [one.code for one in household],
    }
    record_accesses(actor=current_actor(), person_ids=[person_id], shown_by="program")
    return answer


@intake_api.post("/people/<code>/withdrawal")
@intake_api.input(Withdrawal)
@intake_api.output(Withdrawn)
@intake_api.doc(summary="Take a declaration back before its sample", responses=[404])
@needs("see_people")
def withdraw_declaration(code: str, json_data: Withdrawal) -> dict[str, Any]:
    """Take a declaration back."""
    return actions.withdraw_declaration(
        actor=current_actor(),
        client_id=json_data.client_id,
        declaration_code=code,
        reason=json_data.reason,
    )


@intake_api.post("/people/<code>/result-code")
@intake_api.input(Reissue)
@intake_api.output(Reissued)
@intake_api.doc(summary="Issue a result code anew; the one before is dead at once", responses=[404])
@needs("reissue_result_code")
def reissue_result_code(code: str, json_data: Reissue) -> dict[str, Any]:
    """Issue a result code anew; sent twice, the same code is answered."""
    actions.reissue_result_code(
        actor=current_actor(),
        client_id=json_data.client_id,
        declaration_code=code,
        identity_checked=json_data.identity_checked,
    )
    declaration = queries.get_declaration(db.session(), actor=current_actor(), code=code)
    answer = {
        "declaration": declaration.code,
        "result_code": result_code_for(vault(), client_id=json_data.client_id),
    }
    record_accesses(actor=current_actor(), person_ids=[declaration.person_id], shown_by="program")
    return answer
