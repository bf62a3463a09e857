"""Where samples stand, by statements over the tables themselves that know no summaries: a second opinion."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from lims.capacity.measures import STATIONS
from lims.intake.models import Box, Sample, Tube
from lims.pooling.models import Pool, PoolMember
from lims.results.models import Result

OF_RESULT = {"preliminary": "to_verify", "verified": "to_release", "held": "held"}


def count_standing(session: Session) -> dict[str, int]:
    """Return the samples without a released result by station."""
    past = aliased(PoolMember)
    tested = exists(select(past.tube_id).where(past.tube_id == Tube.id, past.in_test.is_(False)))
    at_site = or_(Tube.status == "used", Box.status.in_(("open", "sealed")))
    station = case(
        (Pool.status == "on_plate", "on_plate"),
        (Pool.status.in_(("open", "closed")), "pooled"),
        (tested, "next_test"),
        (Tube.status.in_(("received", "stored")), "received"),
        (at_site, "at_the_site"),
        else_="on_the_road",
    ).label("station")
    open_samples = (
        select(station)
        .select_from(Sample)
        .join(Tube, Tube.id == Sample.tube_id)
        .outerjoin(Box, Box.id == Tube.box_id)
        .outerjoin(PoolMember, (PoolMember.tube_id == Tube.id) & PoolMember.in_test)
        .outerjoin(Pool, Pool.id == PoolMember.pool_id)
        .where(Sample.status == "bound")
        .subquery()
    )
    counts: Counter[str] = Counter()
    for name, number in session.execute(
        select(open_samples.c.station, func.count()).group_by(open_samples.c.station)
    ):
        counts[name] += number
    for status, number in session.execute(
        select(Result.status, func.count()).where(Result.status.in_(OF_RESULT)).group_by(Result.status)
    ):
        counts[OF_RESULT[status]] += number
    return {name: counts[name] for name in STATIONS}
