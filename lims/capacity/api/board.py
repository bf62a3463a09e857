"""The board and the reconciliation for programs."""

from __future__ import annotations

from datetime import date, datetime

from flask import Response, jsonify, request
from pydantic import BaseModel

from lims.capacity.api import capacity_api
from lims.capacity.api.narrowing import OfDay
from lims.capacity.board_figures import as_figures as board_as_figures
from lims.capacity.board_figures import tag_figures
from lims.capacity.commands import as_figures
from lims.capacity.queries.board import read_board
from lims.capacity.queries.reconciliation import list_campaign_ids, reconcile
from lims.extensions import db
from lims.security import current_actor, needs


class LoadOut(BaseModel):
    """Reactions of the day against those that can be done in a day."""

    used: int
    planned: int
    capacity: int
    free: int


class WaitingOut(BaseModel):
    """The tube that waits longest."""

    tube: str
    since: datetime
    laboratory: str


class PaceOut(BaseModel):
    """What came to laboratories and was done in some hours; `hours_to_clear` is null where it never ends."""

    waiting: int
    arrived: int
    done: int
    hours: int
    arrivals_per_hour: float
    done_per_hour: float
    hours_to_clear: float | None
    standing: str


class LegOut(BaseModel):
    """How long a leg of the way took those that ended it on the day."""

    name: str
    total: int
    median_minutes: float | None
    p75_minutes: float | None
    p90_minutes: float | None
    target_minutes: int
    within_target: float | None


class ShareOut(BaseModel):
    """An estimated share, 0 to 1, with its interval."""

    share: float
    low: float
    high: float
    confidence: float
    tested: int


class PositivityOut(BaseModel):
    """Positive pools and infected people of the last seven days."""

    first_on: date
    pools: int
    pools_positive: int
    of_pools: ShareOut | None
    of_people: ShareOut | None
    from_pools: bool


class EffectiveOut(BaseModel):
    """For how many people a day the reactions are enough at the measured prevalence."""

    people: int
    reactions_per_person: float
    confirmations_per_person: float
    bound_by: str


class KitsOut(BaseModel):
    """Reactions left in usable lots, and for how many days."""

    left: int
    per_day: float
    days_left: float | None


class HourOut(BaseModel):
    """What happened in one hour."""

    begins_at: datetime
    collected: int
    received: int
    released: int


class DayOut(BaseModel):
    """What happened on one local day."""

    day: date
    collected: int
    received: int
    released: int


class LaboratoryLoad(BaseModel):
    """What stands in a laboratory, by station, its load and its pace."""

    id: str
    name: str
    stations: dict[str, int]
    screening: LoadOut
    confirmation: LoadOut
    received_today: int
    released_today: int
    oldest: WaitingOut | None
    pace: PaceOut
    effective: EffectiveOut | None
    kits: KitsOut | None


class BoardOut(BaseModel):
    """The board's figures; `released_today` and `today` are of `day`."""

    at: datetime
    counted_until: datetime
    day: date
    is_today: bool
    declared: int
    sampled: int
    to_sample: int
    released: int
    released_today: int
    waiting: int
    today: dict[str, int]
    stations: dict[str, int]
    oldest_by_station: dict[str, WaitingOut]
    oldest: WaitingOut | None
    pace: PaceOut
    legs: list[LegOut]
    positivity: PositivityOut
    pool_size: int | None
    effective: EffectiveOut | None
    rejected: dict[str, int]
    discrepancies: int
    hours: list[HourOut]
    days: list[DayOut]
    laboratories: list[LaboratoryLoad]
    narrowed: bool


class FaultOut(BaseModel):
    """A row in none or in two classes."""

    key: str
    classes: list[str]


class IdentityOut(BaseModel):
    """A whole and its classes; at most the first 100 faults are named."""

    name: str
    total: int
    classes: dict[str, int]
    fault_count: int
    faults: list[FaultOut]


class ReconciliationOut(BaseModel):
    """Whether all identities hold, and each of them."""

    holds: bool
    identities: list[IdentityOut]


@capacity_api.get("/board")
@capacity_api.input(OfDay, location="query")
@capacity_api.output(BoardOut)
@capacity_api.doc(
    summary="What stands where, how fast it goes, each laboratory's day; 304 by If-None-Match where nothing changed",
    responses=[304],
)
@needs("see_board")
def board(query_data: OfDay) -> Response:
    """Return the board's figures."""
    figures = board_as_figures(
        read_board(db.session(), actor=current_actor(), scope=query_data.scope(), day=query_data.day)
    )
    response = jsonify(figures)
    response.set_etag(tag_figures(figures))
    response.make_conditional(request)
    return response


@capacity_api.get("/reconciliation")
@capacity_api.output(ReconciliationOut)
@capacity_api.doc(summary="People and tubes by class; rows in none or in two classes are named")
@needs("reconcile")
def reconciliation() -> dict[str, object]:
    """Return the identities."""
    campaigns = list_campaign_ids(db.session(), actor=current_actor())
    return as_figures(reconcile(db.session(), campaign_ids=campaigns))
