"""Every figure for others' dashboards, as JSON and as CSV (`format=csv`), with the same filters as the board."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from flask import Response, jsonify
from pydantic import BaseModel, Field

from lims import clock
from lims.capacity.api import capacity_api
from lims.capacity.api.board import LaboratoryLoad
from lims.capacity.api.narrowing import Narrowed, OfDay
from lims.capacity.board_figures import as_figures
from lims.capacity.histograms import EDGES
from lims.capacity.pace import read_legs
from lims.capacity.queries import figures
from lims.capacity.queries.board import check_day, read_board
from lims.delimited import harmless
from lims.errors import InvalidInput
from lims.extensions import db
from lims.security import current_actor, needs

Format = Literal["json", "csv"]
MOST_HOURS = 24 * 31
CSV = "text/csv"
CSV_TOO: dict[int | str, Any] = {200: {"content": {CSV: {"schema": {"type": "string"}}}}}
"""Beside JSON each address gives its rows as CSV."""
FIRST_YEAR, LAST_YEAR = 2000, 2100
NESTED_OR_NOTHING = {
    "oldest": ("tube", "since", "laboratory"),
    "effective": ("people", "reactions_per_person", "confirmations_per_person", "bound_by"),
    "kits": ("left", "per_day", "days_left"),
}
"""What a laboratory may lack, with its columns."""


class StandingAsked(Narrowed):
    """What is asked of what stands now."""

    format: Format = "json"


class DaysAsked(Narrowed):
    """Some local days, both included; the last 14 where they are left out."""

    first_on: date | None = None
    last_on: date | None = None
    known_on: date | None = Field(default=None, description="as it was known at the end of that day")
    format: Format = "json"


class HoursAsked(Narrowed):
    """Some hours, at most 744; the last 24 where they are left out."""

    since: datetime | None = Field(
        default=None, description="the hour it lies in is the first; UTC without a zone"
    )
    until: datetime | None = Field(
        default=None, description="the hour that begins then is not in it any more"
    )
    format: Format = "json"


class LaboratoriesAsked(OfDay):
    """Each laboratory's day."""

    format: Format = "json"


class WaitingAsked(Narrowed):
    """A page of waiting samples."""

    station: str | None = Field(default=None, max_length=20)
    after_at: datetime | None = Field(default=None, description="`collected_at` of the last line before")
    after_id: uuid.UUID | None = Field(default=None, description="`sample_id` of the last line before")
    most: int = Field(default=50, ge=1, le=500)
    format: Format = "json"


class DayRow(BaseModel):
    """How often something happened on a local day; `detail` as described in `/figures/days`."""

    day: date
    measure: str
    detail: str
    number: int


class DaysOut(BaseModel):
    """One row for each day, measure and detail that is not 0."""

    days: list[DayRow]


class HourRow(BaseModel):
    """How often something happened in an hour."""

    begins_at: datetime
    measure: str
    number: int


class HoursOut(BaseModel):
    """One row for each hour and measure that is not 0."""

    hours: list[HourRow]


class Bucket(BaseModel):
    """How many took from so many minutes on; the last bucket has no end."""

    from_minutes: int
    to_minutes: int | None
    number: int


class LegRow(BaseModel):
    """How long a leg of the way took, with its histogram."""

    name: str
    total: int
    median_minutes: float | None
    p75_minutes: float | None
    p90_minutes: float | None
    target_minutes: int
    within_target: float | None
    buckets: list[Bucket]


class LegsOut(BaseModel):
    """All legs, in the order of the way."""

    legs: list[LegRow]


class StationRow(BaseModel):
    """How many samples stand at a station, and which waits longest."""

    station: str
    number: int
    oldest_tube: str | None
    oldest_since: datetime | None


class StandingOut(BaseModel):
    """All stations, in the order of the way."""

    counted_until: datetime
    standing: list[StationRow]


class LaboratoriesOut(BaseModel):
    """The caller's laboratories, by name."""

    laboratories: list[LaboratoryLoad]


class WaitingRow(BaseModel):
    """A sample without a released result."""

    sample_id: uuid.UUID
    tube: str
    station: str
    laboratory_id: uuid.UUID | None
    collected_at: datetime


class WaitingListOut(BaseModel):
    """Waiting samples, the oldest first."""

    waiting: list[WaitingRow]


def _answer(
    wanted: Format, name: str, rows: Sequence[Mapping[str, Any]], columns: Iterable[str], **beside: Any
) -> Response:
    """Return rows as JSON under their name, or as CSV with a line of columns."""
    if wanted == "json":
        return jsonify({name: rows, **beside})
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    columns = list(columns)
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    response = Response(written.getvalue(), mimetype=CSV)
    response.headers["Content-Disposition"] = f"attachment; filename={name}.csv"
    return response


def _cell(value: Any) -> str:
    return "" if value is None else harmless(str(value))


@capacity_api.get("/figures/days")
@capacity_api.input(DaysAsked, location="query")
@capacity_api.output(DaysOut)
@capacity_api.doc(
    summary="What happened by local day: declared, collected, received, … by measure and detail",
    responses=CSV_TOO,
)
@needs("see_board")
def list_day_figures(query_data: DaysAsked) -> Response:
    """Return what happened on each day.

    `detail` is the reason of `rejected`, the purpose of `reactions`, the size of pools, the finding of `tested` and
    `released`, the kind of discrepancies; empty for all others.
    """
    last_on = query_data.last_on or clock.today()
    first_on = query_data.first_on or _days_before(last_on, 13)
    found = figures.read_days(
        db.session(),
        actor=current_actor(),
        scope=query_data.scope(),
        first_on=first_on,
        last_on=last_on,
        known_on=query_data.known_on,
    )
    rows = [
        {"day": day.isoformat(), "measure": measure, "detail": detail, "number": number}
        for day, counts in found
        for (measure, detail), number in sorted(counts.items())
    ]
    return _answer(query_data.format, "days", rows, DayRow.model_fields)


def _days_before(day: date, days: int) -> date:
    return day - timedelta(days=min(days, day.toordinal() - 1))


@capacity_api.get("/figures/hours")
@capacity_api.input(HoursAsked, location="query")
@capacity_api.output(HoursOut)
@capacity_api.doc(summary="What happened by hour", responses=CSV_TOO)
@needs("see_board")
def list_hour_figures(query_data: HoursAsked) -> Response:
    """Return what happened in each hour."""
    until = _aware(query_data.until, "until") or clock.now().replace(
        minute=0, second=0, microsecond=0
    ) + timedelta(hours=1)
    since = _aware(query_data.since, "since") or until - timedelta(hours=24)
    if not timedelta(0) < until - since <= timedelta(hours=MOST_HOURS):
        raise InvalidInput(
            "Choose an end after the begin, at most %(most)s hours later.", field="until", most=MOST_HOURS
        )
    found = figures.read_hours(
        db.session(), actor=current_actor(), scope=query_data.scope(), since=since, until=until
    )
    rows = [
        {"begins_at": hour.begins_at.isoformat(), "measure": measure, "number": number}
        for hour in found
        for measure, number in sorted(hour.counts.items())
    ]
    return _answer(query_data.format, "hours", rows, HourRow.model_fields)


def _aware(moment: datetime | None, field: str) -> datetime | None:
    """Return a moment in UTC.

    Raises:
        InvalidInput: it lies before any calendar of ours.
    """
    if moment is None:
        return None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise InvalidInput("Write a moment such as 2021-08-16T08:00+07:00.", field=field)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@capacity_api.get("/figures/legs")
@capacity_api.input(DaysAsked, location="query")
@capacity_api.output(LegsOut)
@capacity_api.doc(
    summary="How long each leg of the way took: quantiles, share within target, histogram",
    responses=CSV_TOO,
)
@needs("see_board")
def list_leg_figures(query_data: DaysAsked) -> Response:
    """Return the legs that ended on some days; today where none is given."""
    last_on = query_data.last_on or clock.today()
    found = figures.read_day(
        db.session(),
        actor=current_actor(),
        scope=query_data.scope(),
        first_on=query_data.first_on or last_on,
        last_on=last_on,
        known_on=query_data.known_on,
    ).legs
    rows = [
        {
            **asdict(leg),
            "buckets": [
                {
                    "from_minutes": EDGES[bucket],
                    "to_minutes": EDGES[bucket + 1] if bucket + 1 < len(EDGES) else None,
                    "number": number,
                }
                for bucket, number in sorted(found[leg.name].counts.items())
            ]
            if leg.name in found
            else [],
        }
        for leg in read_legs(found)
    ]
    columns = [name for name in LegRow.model_fields if name != "buckets"]
    return _answer(query_data.format, "legs", rows, columns)


@capacity_api.get("/figures/standing")
@capacity_api.input(StandingAsked, location="query")
@capacity_api.output(StandingOut)
@capacity_api.doc(
    summary="How many samples stand at each station now, and which waits longest", responses=CSV_TOO
)
@needs("see_board")
def list_standing_figures(query_data: StandingAsked) -> Response:
    """Return what stands where."""
    session, actor, scope = db.session(), current_actor(), query_data.scope()
    oldest = figures.find_oldest_by_station(session, actor=actor, scope=scope)
    rows = [
        {
            "station": station,
            "number": number,
            "oldest_tube": oldest[station].tube if station in oldest else None,
            "oldest_since": oldest[station].collected_at.isoformat() if station in oldest else None,
        }
        for station, number in figures.read_standing(session, actor=actor, scope=scope).items()
    ]
    return _answer(
        query_data.format,
        "standing",
        rows,
        StationRow.model_fields,
        counted_until=figures.counted_until(session).isoformat(),
    )


@capacity_api.get("/figures/laboratories")
@capacity_api.input(LaboratoriesAsked, location="query")
@capacity_api.output(LaboratoriesOut)
@capacity_api.doc(
    summary="Each laboratory's day: stations, reactions, pace, effective capacity, kits",
    responses=CSV_TOO,
)
@needs("see_board")
def list_laboratory_figures(query_data: LaboratoriesAsked) -> Response:
    """Return each laboratory's day; in CSV its numbers in one row."""
    board = read_board(
        db.session(), actor=current_actor(), scope=query_data.scope(), day=check_day(query_data.day)
    )
    rows = as_figures(board)["laboratories"]
    if query_data.format == "csv":
        rows = [_flatten(row) for row in rows]
    return _answer(query_data.format, "laboratories", rows, rows[0] if rows else ("id", "name"))


def _flatten(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested numbers under joined names; what is null in a row keeps its columns out of none of the others."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if name in NESTED_OR_NOTHING:
            value = value or dict.fromkeys(NESTED_OR_NOTHING[name])
        if isinstance(value, Mapping):
            found.update(_flatten(value, f"{prefix}{name}_"))
        else:
            found[f"{prefix}{name}"] = value
    return found


@capacity_api.get("/figures/waiting")
@capacity_api.input(WaitingAsked, location="query")
@capacity_api.output(WaitingListOut)
@capacity_api.doc(
    summary="The samples behind a station's number, the oldest first, by pages", responses=CSV_TOO
)
@needs("see_board")
def list_waiting_figures(query_data: WaitingAsked) -> Response:
    """Return waiting samples; give `collected_at` and `sample_id` of the last line for the next page."""
    after_at = _aware(query_data.after_at, "after_at")
    if (after_at is None) != (query_data.after_id is None):
        raise InvalidInput("Give both, the moment and the key of the last line.", field="after_id")
    found = figures.list_waiting(
        db.session(),
        actor=current_actor(),
        scope=query_data.scope(),
        station=query_data.station or None,
        after=None if after_at is None or query_data.after_id is None else (after_at, query_data.after_id),
        most=query_data.most,
    )
    rows = [asdict(one) | {"collected_at": one.collected_at.isoformat()} for one in found]
    return _answer(query_data.format, "waiting", rows, WaitingRow.model_fields)
