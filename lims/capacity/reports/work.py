"""What `lims worker` does for the reports: from the set hour on, make yesterday's, and on Monday last week's."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

from lims import clock
from lims.auth.actors import SYSTEM
from lims.capacity.queries import reports as queries
from lims.capacity.reports.actions import make_report
from lims.capacity.reports.content import KINDS, find_days
from lims.errors import AlreadyDone
from lims.extensions import db
from lims.rounds import every_round

SECONDS = 60.0
HOUR = 6
"""Where a province has not said another: before the steering committee meets."""


def make_due() -> int:
    """Make the reports that are due; return how many."""
    session, now = db.session(), clock.local(clock.now())
    yesterday = now.date() - timedelta(days=1)
    plans = queries.map_plans(session)
    due = []
    for kind in KINDS:
        first_on, last_on = find_days(kind, yesterday if kind == "daily" else now.date() - timedelta(days=7))
        if not queries.is_counted(session, last_on):
            # after a pause of the worker: what is kept is not changed any more
            continue
        made = set(queries.list_made(session, first_on=first_on, kind=kind))
        for province_id in queries.list_reporting_provinces(session):
            plan = plans.get(province_id)
            hour = HOUR if plan is None else plan.hour
            if province_id not in made and (plan is None or plan.is_active) and now.hour >= hour:
                due.append((province_id, kind, last_on))
    session.rollback()
    return sum(_make(province_id, kind, day) for province_id, kind, day in due)


def _make(province_id: uuid.UUID, kind: str, day: date) -> int:
    try:
        make_report(actor=SYSTEM, province_id=province_id, kind=kind, day=day)
    except AlreadyDone:
        return 0  # another worker was first
    return 1


every_round("reports", make_due, seconds=SECONDS)
