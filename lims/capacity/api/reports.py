"""Reports for programs: the figures of page, PDF and workbook as JSON."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel

from lims.capacity.api import capacity_api
from lims.capacity.queries import reports as queries
from lims.capacity.reports import actions, files
from lims.extensions import db
from lims.security import current_actor, needs


class ReportAsked(BaseModel):
    """Which report; of a week any of its days."""

    province_id: uuid.UUID
    day: date
    kind: Literal["daily", "weekly"] = "daily"
    known: Literal["now", "then"] = "now"


class ReportOut(BaseModel):
    """A report: what it says, as it was made or is known now, and which of its counts are others by now."""

    known: str
    made_at: datetime | None
    content: dict[str, Any]
    changed: dict[str, int]


class MadeOut(BaseModel):
    """A report that was made."""

    id: uuid.UUID
    kind: str
    province_id: uuid.UUID
    first_on: date
    made_at: datetime


class MadesOut(BaseModel):
    """The reports that were made, the latest first; at most 60."""

    reports: list[MadeOut]


class KeepIn(BaseModel):
    """A report to be kept as it is known now."""

    client_id: uuid.UUID
    province_id: uuid.UUID
    kind: Literal["daily", "weekly"]
    day: date


class KeptOut(BaseModel):
    """The report that was kept."""

    report: uuid.UUID
    kind: str
    first_on: date


class PlanIn(BaseModel):
    """From which hour on reports are made by themselves."""

    client_id: uuid.UUID
    province_id: uuid.UUID
    hour: int
    is_active: bool = True


class PlanOut(BaseModel):
    """As it holds from now on."""

    hour: int
    is_active: bool


@capacity_api.get("/reports")
@capacity_api.output(MadesOut)
@capacity_api.doc(summary="Reports of your provinces that were made")
@needs("see_board")
def list_reports() -> dict[str, Any]:
    """Return which reports were made."""
    rows = queries.list_reports(db.session(), actor=current_actor())
    return {
        "reports": [
            {
                "id": str(row.id),
                "kind": row.kind,
                "province_id": str(row.province_id),
                "first_on": row.first_on.isoformat(),
                "made_at": row.made_at.isoformat(),
            }
            for row in rows
        ]
    }


@capacity_api.get("/reports/read")
@capacity_api.input(ReportAsked, location="query")
@capacity_api.output(ReportOut)
@capacity_api.doc(
    summary="A report of a day or a week, as it was made or as it is known now", responses=[404, 422]
)
@needs("see_board")
def show_report(query_data: ReportAsked) -> dict[str, Any]:
    """Return a report."""
    report = files.read_report(
        db.session(),
        actor=current_actor(),
        province_id=query_data.province_id,
        kind=query_data.kind,
        day=query_data.day,
        known=query_data.known,
    )
    return {
        "known": report.known,
        "made_at": report.made_at and report.made_at.isoformat(),
        "content": report.content,
        "changed": {name: after for name, _before, after in report.changed},
    }


@capacity_api.post("/reports")
@capacity_api.input(KeepIn)
@capacity_api.output(KeptOut)
@capacity_api.doc(summary="Keep a report as it is known now", responses=[404, 409, 422])
@needs("manage_campaign")
def keep_report(json_data: KeepIn) -> dict[str, str]:
    """Keep it."""
    return actions.make_report(
        actor=current_actor(),
        client_id=json_data.client_id,
        province_id=json_data.province_id,
        kind=json_data.kind,
        day=json_data.day,
    )


@capacity_api.post("/reports/plan")
@capacity_api.input(PlanIn)
@capacity_api.output(PlanOut)
@capacity_api.doc(summary="Say from which hour on reports are made by themselves", responses=[404, 409, 422])
@needs("manage_campaign")
def plan_reports(json_data: PlanIn) -> dict[str, Any]:
    """Change it."""
    return actions.plan_reports(
        actor=current_actor(),
        client_id=json_data.client_id,
        province_id=json_data.province_id,
        hour=json_data.hour,
        is_active=json_data.is_active,
    )
