"""Pages of keys, in the order in which things came into being: what arrives meanwhile comes at the end, and whatever
is changed keeps its place, so that each is met once."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session


def list_keys(
    session: Session,
    query: Select[uuid.UUID],
    key: InstrumentedAttribute[uuid.UUID],
    *,
    after: uuid.UUID | None,
    most: int,
) -> Sequence[uuid.UUID]:
    """Return the next keys of a query.

    Args:
        session: reading session.
        query: of keys, with its conditions.
        key: the column they are ordered by.
        after: the last key of the page before.
        most: at most so many.
    """
    if after is not None:
        query = query.where(key > after)
    return session.scalars(query.order_by(key).limit(most)).all()
