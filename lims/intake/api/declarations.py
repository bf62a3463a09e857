"""Declaring people, and reading the QR of an identity card, for programs and stations."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from pydantic import BaseModel, Field

from lims.intake.actions import declarations as actions
from lims.intake.api import intake_api
from lims.intake.consent import get_current_text
from lims.intake.declaring import DeclarationForm
from lims.intake.identity import read_person_qr
from lims.language import say
from lims.security import current_actor, needs


class Declared(BaseModel):
    """One person's declaration; what is not understood is answered with the name of its field."""

    client_id: uuid.UUID
    name: str
    birth_date: str = Field(description="day/month/year, month/year or only the year; ISO 8601 is read, too")
    sex: str = ""
    commune_code: str = Field(max_length=16)
    identity_number: str = ""
    old_identity_number: str = ""
    phone: str = ""
    address: str = ""
    symptoms: list[str] = Field(default_factory=list, max_length=20)
    is_contact: bool = False
    consent: bool = False
    declared_by: str = "self"
    household_code: str = ""
    consent_version: str = Field(
        default="",
        max_length=24,
        description="of the text that was shown (`GET /consent-text`); refused when there is a newer one",
    )


class Declarations(BaseModel):
    """People to declare for one campaign."""

    campaign_id: uuid.UUID
    declarations: list[Declared] = Field(min_length=1, max_length=actions.MOST_AT_ONCE)


class Mistake(BaseModel):
    """One value that cannot be taken."""

    field: str
    message: str


class DeclarationVerdict(BaseModel):
    """What became of one declaration."""

    client_id: uuid.UUID
    verdict: Literal["good", "again", "wrong"]
    code: str
    message: str
    field: str = ""
    discrepancy: uuid.UUID | None = None
    declaration_code: str
    result_code: str
    warnings: list[str]
    mistakes: list[Mistake] = Field(default_factory=list)


class DeclarationVerdicts(BaseModel):
    """One verdict a declaration, in the order they were sent."""

    verdicts: list[DeclarationVerdict]


class ConsentTextShown(BaseModel):
    """What people agree to when they declare, one paragraph an item."""

    version: str
    vi: list[str]
    en: list[str]


class CardReading(BaseModel):
    """What a scanner read."""

    text: str = Field(max_length=4000)


class Card(BaseModel):
    """What a card or a phone says of its holder; empty where it says nothing."""

    name: str
    birth_date: str
    sex: str
    identity_number: str
    old_identity_number: str
    phone: str
    address: str


@intake_api.get("/consent-text")
@intake_api.output(ConsentTextShown)
@intake_api.doc(summary="The text that people agree to when they declare")
def show_consent_text() -> dict[str, Any]:
    """Return the text to show before somebody agrees."""
    text = get_current_text()
    return {"version": text.version, "vi": list(text.vi), "en": list(text.en)}


@intake_api.post("/declarations")
@intake_api.input(Declarations)
@intake_api.output(DeclarationVerdicts)
@intake_api.doc(summary="Declare people (open to residents)", responses=[404, 409, 422])
def declare_people(json_data: Declarations) -> dict[str, Any]:
    """Declare people; the same client ids again are answered the same."""
    verdicts = actions.declare_people(
        actor=current_actor(),
        campaign_id=json_data.campaign_id,
        declarations=[_form(declared) for declared in json_data.declarations],
    )
    return {"verdicts": [_spoken(verdict) for verdict in verdicts]}


@intake_api.post("/card-readings")
@intake_api.input(CardReading)
@intake_api.output(Card)
@intake_api.doc(summary="Read the QR of an identity card or a phone", responses=[422])
@needs("declare_others")
def read_card(json_data: CardReading) -> dict[str, str]:
    """Read a QR; nothing is kept of it."""
    return read_person_qr(json_data.text, field="card")


def _form(declared: Declared) -> DeclarationForm:
    values = declared.model_dump()
    return DeclarationForm(**{**values, "symptoms": tuple(values["symptoms"])})


def _spoken(verdict: dict[str, Any]) -> dict[str, Any]:
    mistakes = [
        {"field": mistake["field"], "message": say(mistake["message"], mistake["parameters"])}
        for mistake in verdict.get("mistakes", [])
    ]
    return {
        **verdict,
        "message": say(verdict["message"], verdict["parameters"]),
        "warnings": [say(warning) for warning in verdict["warnings"]],
        "mistakes": mistakes,
    }
