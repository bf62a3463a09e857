"""The coordinator's page: teams and phones of a day, with what they have sent. A constant number of statements."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select, tuple_
from sqlalchemy.orm import Session, aliased, lazyload

from lims import clock
from lims.auth.actors import Actor
from lims.auth.models import User
from lims.field.models import Device, Enrolment, FieldScan
from lims.field.rules import CLOCK_TOLD_FROM, SILENT_AFTER, calculate_standing
from lims.intake.models import Declaration, Discrepancy
from lims.places.models import Place

PAGE = 100
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class TeamFilter:
    """What the page is narrowed to.

    Args:
        day: of the enrolments.
        place_id: only this site.
        team: only this team.
        after: the `next_cursor` of the page before; '' for the first.
    """

    day: date
    place_id: uuid.UUID | None = None
    team: str = ""
    after: str = ""


@dataclass(frozen=True)
class PhoneRow:
    """One enrolment and its phone, as the page shows it; counts are of scans that stand."""

    enrolment_id: uuid.UUID
    device_id: uuid.UUID | None
    team: str
    collector: str
    site: str
    standing: str
    last_seen_at: datetime | None
    bound: int
    last_hour: int
    unsent: int
    wrong: int
    clock_off_minutes: int

    @property
    def urgent(self) -> bool:
        """Somebody should call this team."""
        return self.standing == "silent" or self.clock_off_minutes != 0


@dataclass(frozen=True)
class Totals:
    """A day's phones in figures.

    Args:
        enrolments: all of the day.
        waiting: those that a phone can still use.
        phones: that have used one.
        live: phones that were heard of within half an hour.
        bound: scans that stand.
        unsent: scans that the phones still hold, as they say.
        discrepancies: open ones of the actor's places.
    """

    enrolments: int
    waiting: int
    phones: int
    live: int
    bound: int
    unsent: int
    discrepancies: int


@dataclass(frozen=True)
class SiteLeft:
    """How many people of a site's commune are still to be sampled."""

    site: str
    commune_id: uuid.UUID
    left: int


def list_phones(session: Session, *, actor: Actor, wanted: TeamFilter) -> list[PhoneRow]:
    """Return the enrolments of a day with their phones, by team, keyset-paged."""
    query = (
        _narrowed(
            select(Enrolment, Device, User.display_name, Place.name)
            .join(User, User.id == Enrolment.user_id)
            .join(Place, Place.id == Enrolment.place_id)
            .outerjoin(Device, Device.enrolment_id == Enrolment.id)
            # its own inner join would leave out who has no phone yet
            .options(lazyload(Device.enrolment)),
            actor,
            wanted,
        )
        .order_by(Enrolment.team, Enrolment.id)
        .limit(PAGE)
    )
    with suppress(ValueError):
        team, _bar, key = wanted.after.rpartition("|")
        query = query.where(tuple_(Enrolment.team, Enrolment.id) > tuple_(team, uuid.UUID(key)))
    found = session.execute(query).unique().all()
    counted = _count_scans(session, [device.id for _, device, _, _ in found if device])
    return [_row(*row, counted=counted) for row in found]


def next_cursor(rows: Sequence[PhoneRow]) -> str:
    """Return where the page after some rows begins; '' at the end."""
    return f"{rows[-1].team}|{rows[-1].enrolment_id}" if len(rows) == PAGE else ""


def is_live(now: datetime) -> ColumnElement[bool]:
    """Return the condition for a phone, joined to its enrolment, to be in contact."""
    return and_(
        Device.withdrawn_at.is_(None),
        Enrolment.withdrawn_at.is_(None),
        Enrolment.expires_at > now,
        Device.last_seen_at >= now - SILENT_AFTER,
    )


def count_totals(session: Session, *, actor: Actor, wanted: TeamFilter) -> Totals:
    """Return a day's figures over all pages."""
    now = clock.now()
    is_waiting = and_(Device.id.is_(None), Enrolment.withdrawn_at.is_(None), Enrolment.expires_at > now)
    row = session.execute(
        _narrowed(
            select(
                func.count(),
                func.coalesce(func.sum(case((is_waiting, 1), else_=0)), 0),
                func.count(Device.id),
                func.coalesce(func.sum(case((is_live(now), 1), else_=0)), 0),
                func.coalesce(func.sum(Device.unsent), 0),
            )
            .select_from(Enrolment)
            .outerjoin(Device, Device.enrolment_id == Enrolment.id),
            actor,
            wanted,
        )
    ).one()
    bound = session.scalar(
        _narrowed(
            select(func.count())
            .select_from(FieldScan)
            .join(Device, Device.id == FieldScan.device_id)
            .join(Enrolment, Enrolment.id == Device.enrolment_id)
            .where(*_STANDS),
            actor,
            wanted,
        )
    )
    waiting = select(func.count()).where(Discrepancy.status == "open")
    if not actor.everywhere:
        waiting = waiting.where(Discrepancy.place_id.in_(actor.place_ids))
    return Totals(
        enrolments=row[0],
        waiting=int(row[1]),
        phones=row[2],
        live=int(row[3]),
        bound=bound or 0,
        unsent=int(row[4]),
        discrepancies=session.scalar(waiting) or 0,
    )


def list_left(session: Session, *, actor: Actor, wanted: TeamFilter) -> list[SiteLeft]:
    """Return the sites of a day's enrolments with how many of their commune wait for a sample, most first."""
    sites = _narrowed(select(Enrolment.place_id), actor, wanted).distinct().subquery()
    commune = aliased(Place)
    rows = session.execute(
        select(Place.name, commune.id, func.count(Declaration.id).label("open_count"))
        .join(sites, sites.c.place_id == Place.id)
        .join(commune, commune.id == Place.parent_id)
        .outerjoin(Declaration, and_(Declaration.commune_id == commune.id, Declaration.status == "open"))
        .group_by(Place.id, Place.name, commune.id)
        .order_by(func.count(Declaration.id).desc(), Place.name)
        .limit(PAGE)
    )
    return [SiteLeft(*row) for row in rows]


def list_teams(session: Session, *, actor: Actor, day: date) -> Sequence[str]:
    """Return the names of a day's teams."""
    return session.scalars(
        _narrowed(select(Enrolment.team), actor, TeamFilter(day))
        .distinct()
        .order_by(Enrolment.team)
        .limit(500)
    ).all()


def list_last_scans(session: Session, *, device_id: uuid.UUID, most: int = 50) -> Sequence[FieldScan]:
    """Return a phone's last scans, the latest first."""
    return session.scalars(
        select(FieldScan)
        .where(FieldScan.device_id == device_id)
        .order_by(FieldScan.occurred_at.desc(), FieldScan.seq.desc())
        .limit(most)
    ).all()


def count_verdicts(session: Session, *, device_id: uuid.UUID) -> dict[str, int]:
    """Return how many scans of a phone were judged how; not yet judged ones under ''."""
    rows = session.execute(
        select(FieldScan.verdict, func.count())
        .where(FieldScan.device_id == device_id)
        .group_by(FieldScan.verdict)
    )
    return {verdict or "": count for verdict, count in rows}


def count_missing(session: Session, *, device_id: uuid.UUID) -> int:
    """Return how many of a phone's running numbers have not come, up to the highest that has: it still holds them, or
    they were not let in."""
    highest, kept = session.execute(
        select(func.coalesce(func.max(FieldScan.seq), 0), func.count(FieldScan.seq.distinct())).where(
            FieldScan.device_id == device_id
        )
    ).one()
    return int(highest - kept)


_STANDS = (FieldScan.kind == "bind", FieldScan.verdict == "good", ~FieldScan.taken_back)


def _narrowed(query: Any, actor: Actor, wanted: TeamFilter) -> Any:
    query = query.where(Enrolment.day == wanted.day)
    if not actor.everywhere:
        query = query.where(Enrolment.place_id.in_(actor.place_ids))
    if wanted.place_id is not None:
        query = query.where(Enrolment.place_id == wanted.place_id)
    if wanted.team:
        query = query.where(Enrolment.team == wanted.team)
    return query


def _count_scans(session: Session, device_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Any]:
    stands = and_(*_STANDS)
    recent = and_(stands, FieldScan.occurred_at > clock.now() - HOUR)
    rows = session.execute(
        select(
            FieldScan.device_id,
            func.sum(case((stands, 1), else_=0)).label("bound"),
            func.sum(case((recent, 1), else_=0)).label("last_hour"),
            func.sum(case((FieldScan.verdict == "wrong", 1), else_=0)).label("wrong"),
        )
        .where(FieldScan.device_id.in_(sorted(device_ids)))
        .group_by(FieldScan.device_id)
    )
    return {row.device_id: row for row in rows}


def _row(
    enrolment: Enrolment, device: Device | None, collector: str, site: str, *, counted: dict[uuid.UUID, Any]
) -> PhoneRow:
    counts = counted.get(device.id) if device else None
    offset = timedelta(milliseconds=device.offset_ms if device else 0)
    return PhoneRow(
        enrolment_id=enrolment.id,
        device_id=device.id if device else None,
        team=enrolment.team,
        collector=collector,
        site=site,
        standing=calculate_standing(
            withdrawn=bool(enrolment.withdrawn_at or (device and device.withdrawn_at)),
            expires_at=enrolment.expires_at,
            last_seen_at=device.last_seen_at if device else None,
            now=clock.now(),
        ),
        last_seen_at=device.last_seen_at if device else None,
        bound=int(counts.bound) if counts else 0,
        last_hour=int(counts.last_hour) if counts else 0,
        unsent=device.unsent if device else 0,
        wrong=int(counts.wrong) if counts else 0,
        clock_off_minutes=round(offset.total_seconds() / 60) if abs(offset) > CLOCK_TOLD_FROM else 0,
    )
