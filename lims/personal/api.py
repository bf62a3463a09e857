"""What is kept of a person, for the person; and requests about it, for whoever handles them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Literal

from apiflask import APIBlueprint
from flask import request
from pydantic import BaseModel, Field

from lims.auth.actors import RESIDENT
from lims.extensions import db, vault
from lims.intake.actions.accesses import record_accesses
from lims.personal.actions import requests as actions
from lims.personal.actions.corrections import Corrected, correct_person
from lims.personal.opening import open_own_data
from lims.personal.own_data import describe_person, describe_request
from lims.personal.queries import requests as queries
from lims.personal.queries.own import find_person
from lims.personal.rules import LONGEST_NOTE
from lims.security import current_actor, needs

personal_api = APIBlueprint("personal_api", __name__, url_prefix="/api/v1", tag="Personal data")


class OwnDataAsked(BaseModel):
    """A result code and the second fact."""

    result_code: str = Field(max_length=200)
    birth_date: str = Field(max_length=40)


class CorrectionAsked(BaseModel):
    """All four values as they should be."""

    name: str = Field(max_length=200)
    birth_date: str = Field(max_length=40)
    phone: str = Field(default="", max_length=40)
    address: str = Field(default="", max_length=400)

    def corrected(self) -> Corrected:
        """Return the same for the action."""
        return Corrected(self.name, self.birth_date, self.phone, self.address)


class Settlement(BaseModel):
    """What is decided, what the person is told, and how the data should be where a correction is granted."""

    decision: Literal["granted", "declined_by_law", "identity_unclear", "taken_back"]
    answer: str = Field(max_length=LONGEST_NOTE)
    corrected: CorrectionAsked | None = None


class Settled(BaseModel):
    """What was decided and done."""

    request: uuid.UUID
    decision: str
    fields: list[str] = Field(default_factory=list)
    version: int = 0
    revoked: int = 0
    withdrawn: int = 0
    erased: int = 0


class DataCorrected(BaseModel):
    """Which fields were changed, as which version, and how many certificates were revoked."""

    fields: list[str]
    version: int
    revoked: int


class RestrictionLifted(BaseModel):
    """One of the declarations of whom it was."""

    declaration: str


class DataRequestShown(BaseModel):
    """A request and its terms."""

    id: uuid.UUID
    kind: str
    status: str
    note: str
    asked_at: datetime
    answer_due_at: datetime
    done_due_at: datetime
    answered_at: datetime | None
    settled_at: datetime | None
    decision: str | None
    answer: str


class DataRequests(BaseModel):
    """Requests that are not settled, what is due first on top."""

    requests: list[DataRequestShown]


@personal_api.post("/my-data")
@personal_api.input(OwnDataAsked)
@personal_api.doc(
    summary="Everything that is kept of a person, with a result code and the birth date",
    responses=[404, 422, 429],
)
def read_own_data(json_data: OwnDataAsked) -> dict[str, Any]:
    """Show a person's own data; open to everybody, limited in tries."""
    declaration_id = open_own_data(
        result_code=json_data.result_code,
        birth_date=json_data.birth_date,
        address=request.remote_addr or "",
    )
    found = describe_person(db.session(), declaration_id=declaration_id, vault=vault())
    person = find_person(db.session(), declaration_id=declaration_id)
    if person is not None:
        record_accesses(actor=RESIDENT, person_ids=[person.id], shown_by="own")
    return found


@personal_api.get("/data-requests")
@personal_api.output(DataRequests)
@personal_api.doc(summary="Requests of people about their data that are not settled")
@needs("handle_data_requests")
def list_data_requests() -> dict[str, Any]:
    """List requests."""
    found = queries.list_requests(db.session(), actor=current_actor())
    shown = {one.person_id for one in found}
    answer = {"requests": [describe_request(one, one.person, vault()) for one in found]}
    record_accesses(actor=current_actor(), person_ids=shown, shown_by="program")
    return answer


@personal_api.post("/data-requests/<uuid:request_id>/settlement")
@personal_api.input(Settlement)
@personal_api.output(Settled)
@personal_api.doc(summary="Decide on a request; what is granted is done at once", responses=[404, 409, 422])
@needs("handle_data_requests")
def settle_data_request(request_id: uuid.UUID, json_data: Settlement) -> dict[str, Any]:
    """Settle a request."""
    return actions.settle_request(
        actor=current_actor(),
        request_id=request_id,
        decision=json_data.decision,
        answer=json_data.answer,
        corrected=json_data.corrected.corrected() if json_data.corrected else None,
    )


@personal_api.post("/people/<code>/correction")
@personal_api.input(CorrectionAsked)
@personal_api.output(DataCorrected)
@personal_api.doc(summary="Correct a person's data", responses=[404, 409, 422])
@needs("handle_data_requests")
def correct_data(code: str, json_data: CorrectionAsked) -> dict[str, Any]:
    """Correct the data of the person of a declaration."""
    return correct_person(actor=current_actor(), declaration_code=code, corrected=json_data.corrected())


@personal_api.post("/people/<code>/restriction-end")
@personal_api.output(RestrictionLifted)
@personal_api.doc(summary="Use a restricted person's data again as before", responses=[404, 409])
@needs("handle_data_requests")
def lift_restriction(code: str) -> dict[str, Any]:
    """Lift a restriction that the person no longer wants."""
    return actions.lift_restriction(actor=current_actor(), declaration_code=code)
