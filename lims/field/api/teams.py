"""The coordinator's page, live."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from lims import clock
from lims.extensions import db
from lims.field.api import field_api
from lims.field.queries import teams as queries
from lims.security import current_actor, needs


class TeamQuery(BaseModel):
    """Which phones: of a day (today by default), a site, a team; and after which page."""

    day: date | None = None
    place_id: uuid.UUID | None = None
    team: str = Field(default="", max_length=60)
    after: str = Field(default="", max_length=120)


class PhoneOfTeam(BaseModel):
    """One enrolment and its phone."""

    model_config = ConfigDict(from_attributes=True)
    enrolment_id: uuid.UUID
    device_id: uuid.UUID | None
    team: str
    collector: str
    site: str
    standing: str
    last_seen_at: datetime | None
    bound: int
    last_hour: int
    unsent: int
    wrong: int
    clock_off_minutes: int


class TeamTotals(BaseModel):
    """A day's phones in figures."""

    model_config = ConfigDict(from_attributes=True)
    enrolments: int
    waiting: int
    phones: int
    live: int
    bound: int
    unsent: int
    discrepancies: int


class SiteToGo(BaseModel):
    """People of a site's commune still to be sampled."""

    model_config = ConfigDict(from_attributes=True)
    site: str
    commune_id: uuid.UUID
    left: int


class Teams(BaseModel):
    """Teams and phones at one moment; at most 100 phones, by team, and what to ask for the next."""

    made_at: datetime
    totals: TeamTotals
    phones: list[PhoneOfTeam]
    next: str
    left: list[SiteToGo]


@field_api.get("/teams")
@field_api.input(TeamQuery, location="query")
@field_api.output(Teams)
@field_api.doc(summary="Teams and phones of a day", responses=[401, 422])
@needs("manage_teams")
def list_teams(query_data: TeamQuery) -> dict[str, Any]:
    """Return what the page shows, for its script."""
    actor, session = current_actor(), db.session()
    wanted = queries.TeamFilter(
        query_data.day or clock.today(), query_data.place_id, query_data.team, query_data.after
    )
    phones = queries.list_phones(session, actor=actor, wanted=wanted)
    return {
        "made_at": clock.now(),
        "totals": queries.count_totals(session, actor=actor, wanted=wanted),
        "phones": phones,
        "next": queries.next_cursor(phones),
        "left": queries.list_left(session, actor=actor, wanted=wanted),
    }
