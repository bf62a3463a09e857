"""What a kind of export is: its permission, its columns, its rows within an actor's places, read in chunks."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, or_, select, true, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from lims import clock
from lims.auth.actors import Actor
from lims.errors import InvalidInput
from lims.vault import Vault

ROWS_AT_ONCE = 2_000
# Days that are also days in every other zone, and have a day before and after them.
EARLIEST, LATEST = date(2, 1, 1), date(9998, 12, 31)
Column = InstrumentedAttribute[Any] | ColumnElement[Any]


@dataclass(frozen=True)
class Filters:
    """What an export is narrowed to.

    Args:
        campaign_id: only of this campaign; None for all.
        since: only from this day on, local time.
        until: only up to this day, itself included.
    """

    campaign_id: uuid.UUID | None = None
    since: date | None = None
    until: date | None = None

    def as_words(self) -> dict[str, str]:
        """Return what is set, as it is kept and as the file says it."""
        values = {"campaign_id": self.campaign_id, "since": self.since, "until": self.until}
        return {name: str(value) for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class Chunk:
    """Rows of an export, and whose data they show."""

    rows: Sequence[Sequence[Any]]
    person_ids: Collection[uuid.UUID]


@dataclass(frozen=True)
class Kind:
    """One kind of export.

    Args:
        name: a word of `rules.KINDS`.
        permission: of the pages that show the same.
        columns: names of the columns.
        key: columns of the query that are unique together and in whose order the rows come.
        query: from an actor to the rows within their places: the key's columns labelled k0, k1, …, then what `read`
            takes.
        of_campaign: the condition that a row is of a campaign; None where rows are of none.
        at: the column that the days are counted by.
        read: from a session, the vault and rows of the query to rows of the file.
        person: label of the query's column that says whose data a row shows; '' where it shows nobody's.
    """

    name: str
    permission: str
    columns: tuple[str, ...]
    key: tuple[Column, ...]
    query: Callable[[Actor], Select[*tuple[Any, ...]]]
    of_campaign: Callable[[uuid.UUID], ColumnElement[bool]] | None
    at: Column
    read: Callable[[Session, Vault, Sequence[Any]], list[Sequence[Any]]]
    person: str = ""

    def select(self, actor: Actor, filters: Filters) -> Select[*tuple[Any, ...]]:
        """Return the query of what an actor may see, narrowed.

        Raises:
            InvalidInput: a campaign was chosen for what is of none, or the last day is before the first.
        """
        if filters.since and filters.until and filters.until < filters.since:
            raise InvalidInput("The last day is before the first. Change one of them.", field="until")
        query = self.query(actor).add_columns(*(column.label(f"k{n}") for n, column in enumerate(self.key)))
        if filters.campaign_id is not None:
            if self.of_campaign is None:
                raise InvalidInput(
                    "These rows belong to no campaign. Leave the campaign out and choose days.",
                    field="campaign_id",
                )
            query = query.where(self.of_campaign(filters.campaign_id))
        if filters.since is not None:
            query = query.where(self.at >= begin_of(max(filters.since, EARLIEST)))
        if filters.until is not None:
            query = query.where(self.at < begin_of(min(filters.until, LATEST) + timedelta(days=1)))
        return query


def of(column: Column) -> Callable[[uuid.UUID], ColumnElement[bool]]:
    """Return the condition that a column is a campaign's key."""

    def condition(campaign_id: uuid.UUID) -> ColumnElement[bool]:
        return column == campaign_id

    return condition


def begin_of(day: date) -> datetime:
    """Return the moment at which a day begins, local time."""
    return datetime.combine(day, time.min, tzinfo=clock.ZONE)


def within(actor: Actor, *places: Column) -> ColumnElement[bool]:
    """Return the condition that one of some places is among the actor's."""
    if actor.everywhere:
        return true()
    if not actor.place_ids:
        return false()
    return or_(*(place.in_(actor.place_ids) for place in places))


def count_rows(session: Session, *, kind: Kind, actor: Actor, filters: Filters) -> int:
    """Return how many rows an export will have."""
    query = kind.select(actor, filters).order_by(None)
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def read_chunks(
    session: Session, *, kind: Kind, actor: Actor, filters: Filters, vault: Vault
) -> Iterator[Chunk]:
    """Yield all rows of an export, keyset-paged, so that memory does not grow with the table."""
    query = kind.select(actor, filters).order_by(*kind.key).limit(ROWS_AT_ONCE)
    last: tuple[Any, ...] | None = None
    while True:
        following = query if last is None else query.where(tuple_(*kind.key) > tuple_(*last))
        rows = session.execute(following).all()
        if not rows:
            return
        last = tuple(getattr(rows[-1], f"k{n}") for n in range(len(kind.key)))
        people = {getattr(row, kind.person) for row in rows} if kind.person else set()
        yield Chunk(kind.read(session, vault, rows), people)
        session.expunge_all()


def plain(*names: str) -> Callable[[Session, Vault, Sequence[Any]], list[Sequence[Any]]]:
    """Return a reader of rows whose columns are those of the query, by their labels."""

    def read(_session: Session, _vault: Vault, rows: Sequence[Any]) -> list[Sequence[Any]]:
        return [[getattr(row, name) for name in names] for row in rows]

    return read
