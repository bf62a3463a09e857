"""Enrolments for programs: collectors named for a site and a day, withdrawn; their QR is printed from the page."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, Field

from lims.field.actions import enrolments as actions
from lims.field.api import field_api
from lims.field.enrolling import LONGEST_TEAM
from lims.field.rules import WITHDRAWAL_REASONS
from lims.security import current_actor, needs

MOST_COLLECTORS = 500


class NewEnrolments(BaseModel):
    """Collectors who have an account, for a site and a day."""

    client_id: uuid.UUID
    campaign_id: uuid.UUID
    place_id: uuid.UUID
    day: date
    team: str = Field(max_length=LONGEST_TEAM)
    user_ids: list[uuid.UUID] = Field(min_length=1, max_length=MOST_COLLECTORS)


class MadeEnrolments(BaseModel):
    """The enrolments in the order of the accounts."""

    enrolments: list[uuid.UUID]


class EnrolmentStep(BaseModel):
    """A step that needs no more than its id."""

    client_id: uuid.UUID


class DeviceWithdrawal(EnrolmentStep):
    """Why a phone is withdrawn."""

    reason: Literal[tuple(WITHDRAWAL_REASONS)]  # type: ignore[valid-type]


class WithdrawnFromTeam(BaseModel):
    """What was withdrawn."""

    id: uuid.UUID


@field_api.post("/teams/enrolments")
@field_api.input(NewEnrolments)
@field_api.output(MadeEnrolments)
@field_api.doc(summary="Enrol collectors for a site and a day", responses=[404])
@needs("manage_teams")
def enrol_collectors(json_data: NewEnrolments) -> dict[str, Any]:
    """Enrol collectors."""
    return actions.enrol_collectors(actor=current_actor(), **json_data.model_dump())


@field_api.post("/teams/enrolments/<uuid:enrolment_id>/withdrawal")
@field_api.input(EnrolmentStep)
@field_api.output(WithdrawnFromTeam)
@field_api.doc(summary="Withdraw an enrolment and the phone that used it", responses=[404])
@needs("manage_teams")
def withdraw_enrolment(enrolment_id: uuid.UUID, json_data: EnrolmentStep) -> dict[str, Any]:
    """Withdraw an enrolment."""
    return actions.withdraw_enrolment(
        actor=current_actor(), client_id=json_data.client_id, enrolment_id=enrolment_id
    )


@field_api.post("/teams/devices/<uuid:device_id>/withdrawal")
@field_api.input(DeviceWithdrawal)
@field_api.output(WithdrawnFromTeam)
@field_api.doc(summary="Withdraw a phone: its token opens nothing from now on", responses=[404])
@needs("manage_teams")
def withdraw_device(device_id: uuid.UUID, json_data: DeviceWithdrawal) -> dict[str, Any]:
    """Withdraw a phone."""
    return actions.withdraw_device(
        actor=current_actor(),
        client_id=json_data.client_id,
        device_id=device_id,
        reason=json_data.reason,
    )
