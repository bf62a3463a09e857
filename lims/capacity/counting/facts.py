"""Reading what the tables say of things that are counted: a constant number of statements for up to `MOST` of them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from lims.audit import Event
from lims.capacity.counting.parts import (
    GONE_AT_ARRIVAL,
    Counted,
    Membership,
    SampleFacts,
    Version,
    count_declaration,
    count_discrepancy,
    count_pool,
    count_run,
    count_sample,
)
from lims.field.models import Enrolment
from lims.intake.models import Box, Declaration, Discrepancy, Sample, Tube
from lims.places.models import Place
from lims.pooling.models import Pool, PoolMember, Run, Well
from lims.results.models import Result

MOST = 2000
"""Keys in one statement; SQLite takes 32,766 parameters, PostgreSQL 65,535."""
KINDS = ("declaration", "sample", "pool", "run", "discrepancy")


def find_affected(session: Session, subjects: Iterable[tuple[str, uuid.UUID]]) -> dict[str, set[uuid.UUID]]:
    """Return the counted things that changed subjects may have moved: kind → keys.

    A box moves the samples of its tubes, a pool those of its members, a run those of its pools, a result its own; an
    enrolment made later gives its team to what its collector took there that day.

    Args:
        session: a session.
        subjects: kind and key, as in the queue.
    """
    by_kind: defaultdict[str, set[uuid.UUID]] = defaultdict(set)
    for kind, key in subjects:
        by_kind[kind].add(key)
    found = {kind: set(by_kind[kind]) for kind in KINDS}
    pool_ids = set(by_kind["pool"])
    for part in chunks(by_kind["run"]):
        pool_ids.update(
            session.scalars(select(Well.pool_id).where(Well.run_id.in_(part), Well.pool_id.is_not(None)))
        )
    found["pool"] |= pool_ids
    tube_ids = set(by_kind["tube"])
    for part in chunks(by_kind["box"]):
        tube_ids.update(session.scalars(select(Tube.id).where(Tube.box_id.in_(part))))
    for part in chunks(pool_ids):
        tube_ids.update(session.scalars(select(PoolMember.tube_id).where(PoolMember.pool_id.in_(part))))
    for part in chunks(tube_ids):
        found["sample"].update(session.scalars(select(Sample.id).where(Sample.tube_id.in_(part))))
    for part in chunks(by_kind["enrolment"]):
        found["sample"].update(
            session.scalars(
                select(Sample.id)
                .join(
                    Enrolment,
                    and_(
                        Enrolment.place_id == Sample.place_id,
                        Enrolment.day == Sample.sampled_on,
                        Enrolment.user_id == Sample.collected_by_id,
                    ),
                )
                .where(Enrolment.id.in_(part))
            )
        )
    for part in chunks(by_kind["result"]):
        found["sample"].update(session.scalars(select(Result.sample_id).where(Result.id.in_(part))))
    return found


def chunks(keys: Collection[uuid.UUID], most: int = MOST) -> Iterable[list[uuid.UUID]]:
    """Yield keys in order, at most so many at once."""
    ordered = sorted(keys)
    for begin in range(0, len(ordered), most):
        yield ordered[begin : begin + most]


def read_things(session: Session, kind: str, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Counted]:
    """Return things as they are counted now, by key; what is not there is left out.

    Args:
        session: a session.
        kind: one of `KINDS`.
        ids: at most `MOST` keys.
    """
    return {one.id: one for one in _READERS[kind](session, ids)}


def _declarations(session: Session, ids: Sequence[uuid.UUID]) -> Iterable[Counted]:
    rows = session.execute(
        select(Declaration.id, Declaration.campaign_id, Declaration.commune_id, Declaration.created_at).where(
            Declaration.id.in_(ids)
        )
    )
    return [count_declaration(**row._mapping) for row in rows]


def _pools(session: Session, ids: Sequence[uuid.UUID]) -> Iterable[Counted]:
    mixed = exists(
        select(PoolMember.pool_id)
        .join(Tube, Tube.id == PoolMember.tube_id)
        .where(PoolMember.pool_id == Pool.id, Tube.mode == "mixed")
    )
    rows = session.execute(
        select(
            Pool.id,
            Pool.campaign_id,
            Pool.laboratory_id,
            Pool.purpose,
            Pool.status,
            Pool.finding,
            Pool.member_count,
            mixed.label("is_mixed"),
            Pool.opened_at,
            Pool.called_at,
        ).where(Pool.id.in_(ids))
    )
    return [count_pool(**row._mapping) for row in rows]


def _runs(session: Session, ids: Sequence[uuid.UUID]) -> Iterable[Counted]:
    wells: defaultdict[uuid.UUID, dict[str, int]] = defaultdict(dict)
    for run_id, purpose, number in session.execute(
        select(Well.run_id, Pool.purpose, func.count())
        .join(Pool, Pool.id == Well.pool_id)
        .where(Well.run_id.in_(ids))
        .group_by(Well.run_id, Pool.purpose)
    ):
        wells[run_id][purpose] = number
    rows = session.execute(
        select(Run.id, Run.campaign_id, Run.laboratory_id, Run.planned_at, Run.entered_at).where(
            Run.id.in_(ids)
        )
    )
    return [count_run(**row._mapping, wells=wells[row.id]) for row in rows]


def _discrepancies(session: Session, ids: Sequence[uuid.UUID]) -> Iterable[Counted]:
    parent = aliased(Place)
    rows = session.execute(
        select(
            Discrepancy.id,
            Discrepancy.kind,
            Discrepancy.campaign_id,
            Discrepancy.place_id,
            Discrepancy.opened_at,
            Discrepancy.settled_at,
            Place.kind.label("place_kind"),
            parent.id.label("parent_id"),
            parent.kind.label("parent_kind"),
        )
        .outerjoin(Place, Place.id == Discrepancy.place_id)
        .outerjoin(parent, parent.id == Place.parent_id)
        .where(Discrepancy.id.in_(ids))
    )
    found = []
    for row in rows:
        commune = row.place_id if row.place_kind == "commune" else None
        if row.parent_kind == "commune":
            commune = row.parent_id
        found.append(
            count_discrepancy(
                id=row.id,
                kind=row.kind,
                campaign_id=row.campaign_id,
                laboratory_id=row.place_id if row.place_kind == "laboratory" else None,
                commune_id=commune,
                site_id=row.place_id if row.place_kind == "site" else None,
                opened_at=row.opened_at,
                settled_at=row.settled_at,
            )
        )
    return found


def _samples(session: Session, ids: Sequence[uuid.UUID]) -> Iterable[Counted]:
    rows = session.execute(
        select(
            Sample.id,
            Sample.campaign_id,
            Sample.commune_id,
            Sample.place_id,
            Sample.status,
            Sample.sampled_on,
            Sample.sampled_at,
            Sample.collected_by_id,
            Tube.id.label("tube_id"),
            Tube.status.label("tube_status"),
            Tube.laboratory_id,
            Tube.received_at,
            Tube.rejection_reason,
            Box.status.label("box_status"),
            Box.laboratory_id.label("box_laboratory_id"),
        )
        .join(Tube, Tube.id == Sample.tube_id)
        .outerjoin(Box, Box.id == Tube.box_id)
        .where(Sample.id.in_(ids))
    ).all()
    memberships = _read_memberships(session, {row.tube_id for row in rows})
    versions = _read_versions(session, ids)
    teams = _read_teams(session, rows)
    rejected = _read_rejections(session, {row.tube_id for row in rows if row.tube_status in GONE_AT_ARRIVAL})
    return [
        count_sample(
            SampleFacts(
                id=row.id,
                campaign_id=row.campaign_id,
                commune_id=row.commune_id,
                site_id=row.place_id,
                team=teams.get((row.collected_by_id, row.place_id, row.sampled_on), ""),
                status=row.status,
                sampled_at=row.sampled_at,
                tube_status=row.tube_status,
                tube_laboratory_id=row.laboratory_id,
                tube_received_at=row.received_at,
                rejection_reason=row.rejection_reason,
                rejected_at=rejected.get(row.tube_id),
                box_status=row.box_status,
                box_laboratory_id=row.box_laboratory_id,
                memberships=memberships[row.tube_id],
                versions=versions[row.id],
            )
        )
        for row in rows
    ]


def _read_memberships(session: Session, tube_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[Membership]]:
    found: defaultdict[uuid.UUID, list[Membership]] = defaultdict(list)
    rows = session.execute(
        select(
            PoolMember.tube_id,
            Pool.status,
            Pool.purpose,
            Pool.laboratory_id,
            PoolMember.added_at,
            PoolMember.in_test,
        )
        .join(Pool, Pool.id == PoolMember.pool_id)
        .where(PoolMember.tube_id.in_(tube_ids))
    )
    row: Any
    for row in rows:
        found[row.tube_id].append(Membership(*row[1:]))
    return found


def _read_versions(session: Session, sample_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[Version]]:
    found: defaultdict[uuid.UUID, list[Version]] = defaultdict(list)
    rows = session.execute(
        select(
            Result.sample_id,
            Result.version,
            Result.status,
            Result.finding,
            Result.laboratory_id,
            Result.created_at,
            Result.verified_at,
            Result.released_at,
            Result.withdrawn_at,
            (Result.amendment_reason != "").label("is_amendment"),
        ).where(Result.sample_id.in_(sample_ids))
    )
    row: Any
    for row in rows:
        found[row.sample_id].append(Version(*row[1:]))
    return found


def _read_teams(session: Session, samples: Sequence[Any]) -> dict[tuple[uuid.UUID, uuid.UUID, Any], str]:
    """Return the team of a collector, site and day: the first one they were enrolled in."""
    rows = session.execute(
        select(Enrolment.user_id, Enrolment.place_id, Enrolment.day, Enrolment.team)
        .where(
            Enrolment.user_id.in_({row.collected_by_id for row in samples if row.collected_by_id}),
            Enrolment.day.in_({row.sampled_on for row in samples}),
        )
        .order_by(Enrolment.created_at.desc(), Enrolment.id.desc())
    )
    return {(row.user_id, row.place_id, row.day): row.team for row in rows}


def _read_rejections(session: Session, tube_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Any]:
    """Return when tubes were refused; only their own chain says so."""
    if not tube_ids:
        return {}
    rows = session.execute(
        select(Event.subject_id, func.max(Event.occurred_at))
        .where(Event.subject_id.in_(tube_ids), Event.verb.in_(GONE_AT_ARRIVAL))
        .group_by(Event.subject_id)
    )
    return dict(rows.all())


_READERS = {
    "declaration": _declarations,
    "sample": _samples,
    "pool": _pools,
    "run": _runs,
    "discrepancy": _discrepancies,
}
