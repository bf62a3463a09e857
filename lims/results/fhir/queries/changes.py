"""When things were changed: told by their chains of custody, to which every change adds a line."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from lims.audit import Event
from lims.results.fhir.search import Search

Key = InstrumentedAttribute[uuid.UUID]


def map_changes(session: Session, *, subject_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, datetime]:
    """Return when each of some subjects was changed last, in one statement; one without a line is not in it."""
    rows = session.execute(
        select(Event.subject_id, func.max(Event.recorded_at))
        .where(Event.subject_id.in_(subject_ids))
        .group_by(Event.subject_id)
    )
    return {row[0]: row[1] for row in rows}


def changed_within(
    search: Search,
    *subjects: Key,
    made_at: InstrumentedAttribute[datetime],
    through: Select[Any] | None = None,
) -> ColumnElement[bool]:
    """Return the condition that something was changed when a search asks for it.

    Args:
        search: with its bounds.
        subjects: columns with the keys of the chains that tell of it.
        made_at: when it came into being, for what has no line.
        through: a query for keys of `subjects[0]` whose further chains tell of it too; it is narrowed to those
            changed by a condition on `Event.subject_id`, see `queries.reports`.
    """
    conditions = []
    if search.since is not None:
        conditions.append(_changed_since(search.since, subjects, made_at, through))
    if search.before is not None:
        conditions.append(not_(_changed_since(search.before, subjects, made_at, through)))
    return and_(True, *conditions)


def _changed_since(
    moment: datetime,
    subjects: tuple[Key, ...],
    made_at: InstrumentedAttribute[datetime],
    through: Select[Any] | None,
) -> ColumnElement[bool]:
    lines = select(Event.subject_id).where(Event.recorded_at >= moment)
    found: list[ColumnElement[bool]] = [made_at >= moment, *(subject.in_(lines) for subject in subjects)]
    if through is not None:
        found.append(subjects[0].in_(through.where(Event.recorded_at >= moment)))
    return or_(*found)
