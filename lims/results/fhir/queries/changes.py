"""When things were changed: told by their chains of custody, to which every change adds a line.

What was changed since a moment is found from the newest lines, so that asking every few minutes costs as much as was
changed, however large the tables are.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, union
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


def changed_within(search: Search, key: Key, *others: Select[Any]) -> ColumnElement[bool]:
    """Return the condition that something was changed when a search asks for it.

    Args:
        search: with its bounds.
        key: the thing's key, whose own chain tells of it.
        others: queries for keys of it by what else tells of it, each joined with `Event`.
    """
    conditions = []
    if search.since is not None:
        conditions.append(key.in_(_since(search.since, others)))
    if search.before is not None:
        conditions.append(key.not_in(_since(search.before, others)))
    return and_(True, *conditions)


def _since(moment: datetime, others: tuple[Select[Any], ...]) -> Any:
    own = select(Event.subject_id)
    return union(*(query.where(Event.recorded_at >= moment) for query in (own, *others)))
