"""Assays for programs: those in use, one with its rules, drafting the next version, agreeing to it."""

from __future__ import annotations

import uuid
from typing import Any

from pydantic import BaseModel, Field

from lims.extensions import db
from lims.pooling.actions import assays as actions
from lims.pooling.actions import control_limits
from lims.pooling.api import pooling_api
from lims.pooling.api.sent import Once
from lims.pooling.queries import assays as queries
from lims.security import current_actor, needs


class AssayOut(BaseModel):
    """An assay that may be used."""

    id: uuid.UUID
    name: str
    version: int
    targets: list[str]
    wells_per_pool: int
    max_pool_size: int


class AssaysOut(BaseModel):
    """Agreed assays, the usual one first."""

    assays: list[AssayOut]


class AssayRules(BaseModel):
    """An assay's version with its rules as data."""

    id: uuid.UUID
    name: str
    version: int
    status: str
    definition: dict[str, Any]


class NewAssay(Once):
    """The next version of the assay that the definition names; of a new name, the first."""

    definition: dict[str, Any] = Field(description="as GET /api/v1/assays/{assay_id} answers it")


class DraftedAssay(BaseModel):
    """A version that waits for a second person's agreement."""

    assay_id: uuid.UUID
    name: str
    version: int


class AgreedAssay(DraftedAssay):
    """A version in use."""

    status: str


class NewLimits(Once):
    """Whose control's limits are frozen, and which rules hold a release."""

    laboratory_id: uuid.UUID
    assay_name: str = Field(max_length=80)
    kit_lot: str = Field(max_length=40)
    instrument: str = Field(default="", max_length=80)
    control: str = Field(max_length=12)
    target: str = Field(max_length=40)
    blocking: list[str] = Field(default_factory=list, max_length=20)


class LimitsOut(BaseModel):
    """A control's limits and the rules that hold a release."""

    mean: float
    sd: float
    count: int
    blocking: list[str]


@pooling_api.get("/assays")
@pooling_api.output(AssaysOut)
@pooling_api.doc(summary="Assays that may be used, the usual one first")
@needs("see_laboratory")
def list_assays() -> dict[str, Any]:
    """Return the agreed assays."""
    return {
        "assays": [
            {
                "id": assay.id,
                "name": assay.name,
                "version": assay.version,
                "targets": [target["name"] for target in assay.definition["targets"]],
                "wells_per_pool": assay.definition["wells_per_pool"],
                "max_pool_size": assay.definition["max_pool_size"],
            }
            for assay in queries.list_agreed_assays(db.session())
        ]
    }


@pooling_api.get("/assays/<uuid:assay_id>")
@pooling_api.output(AssayRules)
@pooling_api.doc(summary="An assay's version with its rules", responses=[404])
@needs("see_laboratory")
def show_assay(assay_id: uuid.UUID) -> dict[str, Any]:
    """Return an assay."""
    assay = queries.get_assay(db.session(), assay_id=assay_id)
    return {name: getattr(assay, name) for name in AssayRules.model_fields}


@pooling_api.post("/assays")
@pooling_api.input(NewAssay)
@pooling_api.output(DraftedAssay)
@pooling_api.doc(summary="Draft the next version of an assay")
@needs("verify_results")
def draft_assay(json_data: NewAssay) -> dict[str, Any]:
    """Draft an assay."""
    return actions.draft_assay(
        actor=current_actor(), client_id=json_data.client_id, definition=json_data.definition
    )


@pooling_api.post("/assays/<uuid:assay_id>/agree")
@pooling_api.input(Once)
@pooling_api.output(AgreedAssay)
@pooling_api.doc(summary="Agree to a draft as the second person", responses=[404])
@needs("verify_results")
def agree_assay(assay_id: uuid.UUID, json_data: Once) -> dict[str, Any]:
    """Agree to an assay."""
    return actions.agree_assay(actor=current_actor(), client_id=json_data.client_id, assay_id=assay_id)


@pooling_api.post("/control-limits")
@pooling_api.input(NewLimits)
@pooling_api.output(LimitsOut)
@pooling_api.doc(summary="Freeze a control's limits, and choose which rules hold a release", responses=[404])
@needs("verify_results")
def approve_limits(json_data: NewLimits) -> dict[str, Any]:
    """Approve limits."""
    return control_limits.approve_limits(actor=current_actor(), **json_data.model_dump())
