"""The list behind a number of a day: which samples were collected, received, rejected or released then.

It is read from the tables themselves, so a reader can see that a figure is right. It costs what the laboratory's tubes
or results of that kind are, other than the figures: it is looked at now and then, not every ten seconds.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.expression import ColumnElement

from lims import clock
from lims.auth.actors import Actor
from lims.capacity.counting.parts import GONE_AT_ARRIVAL
from lims.capacity.figures import Scope
from lims.capacity.models.counts import Counted
from lims.capacity.queries.figures import list_campaign_ids
from lims.errors import InvalidInput
from lims.intake.models import Sample, Tube
from lims.results.models import Result

LISTED = ("collected", "received", "rejected", "released")


@dataclass(frozen=True)
class HappenedSample:
    """A line of the list.

    Args:
        sample_id: its key.
        tube: printed code.
        laboratory_id: where; None before a laboratory.
        at: when it happened.
        detail: of a rejection the reason, of a release the finding; empty otherwise.
    """

    sample_id: uuid.UUID
    tube: str
    laboratory_id: uuid.UUID | None
    at: datetime
    detail: str


def list_happened(
    session: Session,
    *,
    actor: Actor,
    scope: Scope,
    measure: str,
    day: date,
    detail: str = "",
    after: tuple[datetime, uuid.UUID] | None = None,
    most: int = 50,
) -> list[HappenedSample]:
    """Return the samples behind a number of a day, the latest first.

    Args:
        session: reading session.
        actor: whose places.
        scope: which part of them.
        measure: one of `LISTED`.
        day: local day on which it happened.
        detail: only with that reason, or that finding; '' for all.
        after: moment and sample of the last line of the page before.
        most: lines.

    Raises:
        InvalidInput: there is no list of such a measure.
    """
    if measure not in LISTED:
        raise InvalidInput("There is no list of this. Choose one of the board.", field="measure")
    begins = datetime.combine(day, time.min, tzinfo=clock.ZONE)
    at, query = _statement(measure, detail)
    query = query.where(
        at >= begins, at < begins + timedelta(days=1), *_within(session, actor, scope, measure)
    )
    if scope.team is not None:
        query = query.join(Counted, Counted.id == Sample.id).where(Counted.team == scope.team)
    if after is not None:
        query = query.where(tuple_(at, Sample.id) < tuple_(*after))
    rows = session.execute(query.order_by(at.desc(), Sample.id.desc()).limit(most))
    return [HappenedSample(row[0], row[1], row[2], row[3], row[4]) for row in rows]


def _statement(measure: str, detail: str) -> tuple[ColumnElement[datetime], Select[Any]]:
    at: ColumnElement[datetime] = Sample.sampled_at  # type: ignore[assignment]
    what: ColumnElement[str] = Tube.rejection_reason  # type: ignore[assignment]
    place: ColumnElement[uuid.UUID | None] = Tube.laboratory_id  # type: ignore[assignment]
    conditions: list[ColumnElement[bool]] = [Sample.status != "void"]
    if measure == "received":
        at = Tube.received_at  # type: ignore[assignment]
        conditions.append(Tube.received_at.is_not(None))
    if measure == "rejected":
        at = func.coalesce(Tube.received_at, Sample.sampled_at)
        conditions.append(Tube.status.in_(GONE_AT_ARRIVAL))
        if detail:
            conditions.append(Tube.rejection_reason == detail)
    if measure == "released":
        at, what, place = Result.released_at, Result.finding, Result.laboratory_id  # type: ignore[assignment]
        earlier = aliased(Result)
        # as the figures: at the first release, and not any more once it is withdrawn
        again = select(earlier.id).where(
            earlier.sample_id == Result.sample_id, earlier.released_at < Result.released_at
        )
        conditions += [Result.status.in_(("released", "superseded")), ~again.exists()]
        if detail:
            conditions.append(Result.finding == detail)
    query = (
        select(Sample.id, Tube.code, place, at, what)
        .select_from(Sample)
        .join(Tube, Tube.id == Sample.tube_id)
        .where(*conditions)
    )
    if measure == "released":
        query = query.join(Result, Result.sample_id == Sample.id)
    return at, query  # type: ignore[return-value]


def _within(session: Session, actor: Actor, scope: Scope, measure: str) -> list[ColumnElement[bool]]:
    place = Result.laboratory_id if measure == "released" else Tube.laboratory_id
    found: list[ColumnElement[bool]] = []
    campaigns = list_campaign_ids(session, actor=actor, scope=scope)
    if campaigns is not None:
        found.append(Sample.campaign_id.in_(campaigns))
    if not (actor.everywhere or "coordinator" in actor.roles):
        found.append(place.in_(actor.place_ids))
    if scope.laboratory_id is not None:
        found.append(place == scope.laboratory_id)
    if scope.commune_id is not None:
        found.append(Sample.commune_id == scope.commune_id)
    if scope.site_id is not None:
        found.append(Sample.place_id == scope.site_id)
    return found
