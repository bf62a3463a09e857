"""Adding differences to the summaries, and keeping what each thing has added."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Insert, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lims.capacity.counting import parts
from lims.capacity.counting.parts import DAY, HOUR, LEG, LEVEL, STANDING, Counted, Key
from lims.capacity.models import counts as models
from lims.tables import Base

ROWS = 1000
"""Rows in one statement."""
_TABLES: Mapping[str, type[Base]] = {
    LEVEL: models.Level,
    HOUR: models.HourCount,
    DAY: models.DayCount,
    LEG: models.LegCount,
}


def insert_into(session: Session, model: type[Base]) -> Any:
    """Return the engine's INSERT that knows ON CONFLICT."""
    return (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert(model)


def read_counted(session: Session, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Counted]:
    """Return things as they were counted last, by key."""
    rows = session.scalars(select(models.Counted).where(models.Counted.id.in_(ids)))
    return {row.id: as_counted(row) for row in rows}


def as_counted(row: models.Counted) -> Counted:
    """Return the value of a row."""
    return Counted(
        id=row.id,
        kind=row.kind,
        campaign_id=row.campaign_id,
        commune_id=row.commune_id,
        site_id=row.site_id,
        team=row.team,
        station=row.station,
        laboratory_id=row.laboratory_id,
        collected_at=row.collected_at,
        happened=parts.read(row.happened),
    )


def keep_counted(session: Session, things: Iterable[Counted]) -> None:
    """Remember what things were counted as."""
    rows = [
        {
            "id": one.id,
            "kind": one.kind,
            "campaign_id": one.campaign_id,
            "commune_id": one.commune_id,
            "site_id": one.site_id,
            "team": one.team,
            "station": one.station,
            "laboratory_id": one.laboratory_id,
            "collected_at": one.collected_at,
            "happened": parts.write(one.happened),
        }
        for one in things
    ]
    if rows:
        statement = insert_into(session, models.Counted)
        changed = {name: statement.excluded[name] for name in rows[0] if name != "id"}
        _put(session, statement.on_conflict_do_update(index_elements=["id"], set_=changed), rows)


def forget_counted(session: Session, ids: Collection[uuid.UUID]) -> None:
    """Forget things that are not there any more."""
    if ids:
        session.execute(delete(models.Counted).where(models.Counted.id.in_(ids)))


def add_differences(session: Session, differences: Mapping[Key, int], *, known_on: date) -> int:
    """Add differences to the summaries: one upsert for each table.

    Args:
        session: the writing session of whoever holds the turn.
        differences: what each number changes by.
        known_on: the local day on which it became known.

    Returns:
        How many numbers were changed.
    """
    by_table: dict[str, list[dict[str, Any]]] = {name: [] for name in _TABLES}
    for key, number in sorted(differences.items(), key=lambda item: (item[0].table, str(item[0]))):
        if number:
            if key.table == STANDING:
                key = key._replace(table=DAY, period=known_on, word=STANDING, detail=key.word)
            by_table[key.table].append(_as_row(key, number, known_on))
    for name, rows in by_table.items():
        if not rows:
            continue
        model = _TABLES[name]
        statement = insert_into(session, model)
        keys = [column.name for column in model.__table__.primary_key]
        number = model.__table__.c.number + statement.excluded.number
        _put(session, statement.on_conflict_do_update(index_elements=keys, set_={"number": number}), rows)
    return sum(len(rows) for rows in by_table.values())


def _put(session: Session, statement: Insert, rows: list[dict[str, Any]]) -> None:
    # on the connection: the session's own bulk insert would ask for the rows back
    connection = session.connection()
    for begin in range(0, len(rows), ROWS):
        connection.execute(statement, rows[begin : begin + ROWS])


def _as_row(key: Key, number: int, known_on: date) -> dict[str, Any]:
    row: dict[str, Any] = {
        "grain": key.grain,
        "campaign_id": key.campaign_id,
        "laboratory_id": key.laboratory_id,
        "commune_id": key.commune_id,
        "site_id": key.site_id,
        "team": key.team,
        "number": number,
    }
    if key.table == LEVEL:
        return row | {"station": key.word}
    if key.table == HOUR:
        return row | {"hour_at": key.period, "measure": key.word, "detail": key.detail}
    # a scan is known at the earliest on the day on which it happened
    known = max(known_on, key.period) if isinstance(key.period, date) else known_on
    row |= {"day": key.period, "known_on": known}
    if key.table == LEG:
        return row | {"leg": key.word, "bucket": int(key.detail)}
    return row | {"measure": key.word, "detail": key.detail}


def read_all(session: Session) -> Counter[Key]:
    """Return every number of the summaries as known now, without those that are 0."""
    found: Counter[Key] = Counter()
    for name, model in _TABLES.items():
        table = model.__table__
        own = {
            LEVEL: [table.c.station] if name == LEVEL else [],
            HOUR: [table.c[column] for column in ("measure", "detail", "hour_at") if name == HOUR],
            DAY: [table.c[column] for column in ("measure", "detail", "day") if name == DAY],
            LEG: [table.c[column] for column in ("leg", "bucket", "day") if name == LEG],
        }[name]
        places = [
            table.c[column]
            for column in ("grain", "campaign_id", "laboratory_id", "commune_id", "site_id", "team")
        ]
        rows = session.execute(select(*own, *places, func.sum(table.c.number)).group_by(*own, *places))
        for row in rows:
            word, detail, period = (row[0], "", None) if name == LEVEL else (row[0], str(row[1]), row[2])
            if isinstance(period, datetime):
                period = period.astimezone(UTC)
            key = Key(name, period, word, detail, *row[len(own) : -1])
            if word == STANDING:
                key = key._replace(table=STANDING, period=None, word=detail, detail="")
            found[key] += int(row[-1])
    return Counter({key: number for key, number in found.items() if number})
