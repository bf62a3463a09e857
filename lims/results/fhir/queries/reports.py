"""What is reported of samples, as DiagnosticReports, Observations and Provenances are made of it."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, aliased

from lims.audit import Event
from lims.auth import queries as accounts
from lims.auth.actors import Actor
from lims.intake.models import Sample
from lims.places.models import Place
from lims.pooling.models import Assay, PoolMember, Reading, Run, Well
from lims.results.fhir.facts import ReleaseFacts, ReportFacts, Threshold
from lims.results.fhir.queries.changes import changed_within, map_changes
from lims.results.fhir.queries.pages import list_keys
from lims.results.fhir.queries.scopes import sees_sample
from lims.results.fhir.search import Search
from lims.results.models import Result

URN = "urn:uuid:"


def list_reports(
    session: Session, *, actor: Actor, search: Search, after: uuid.UUID | None
) -> Sequence[uuid.UUID]:
    """Return keys of samples, one more than a page holds: each has its report, from the beginning on."""
    version = aliased(Result)
    results = select(version.sample_id).join(Event, Event.subject_id == version.id)
    query = select(Sample.id).where(sees_sample(actor), changed_within(search, Sample.id, results))
    if search.ids is not None:
        query = query.where(Sample.id.in_(search.ids))
    for name, keys in search.references:
        column = Sample.person_id if name == "patient" else Sample.declaration_id
        query = query.where(column.in_(keys))
    if search.identifiers is not None:
        query = query.where(Sample.id.in_(_keys_of_urns(search)))
    return list_keys(session, query, Sample.id, after=after, most=search.count + 1)


def _keys_of_urns(search: Search) -> list[uuid.UUID]:
    found = []
    for token in search.identifiers or ():
        if token.system in (None, "urn:ietf:rfc3986") and token.value.startswith(URN):
            try:
                found.append(uuid.UUID(token.value.removeprefix(URN)))
            except ValueError:
                continue
    return found


def read_reports(session: Session, *, actor: Actor, keys: Sequence[uuid.UUID]) -> list[ReportFacts]:
    """Return what is reported of some samples that the actor sees, in the order of their keys."""
    rows = session.execute(
        select(
            Sample.id,
            Sample.status.label("sample_status"),
            Sample.person_id,
            Sample.declaration_id,
            Sample.sampled_at,
            Sample.recorded_at,
            Result.id.label("result_id"),
            Result.status,
            Result.finding,
            Result.released_at,
            Result.laboratory_id,
            Result.pool_id,
            Result.run_id,
            Place.name.label("laboratory"),
            Assay.name.label("assay"),
        )
        .outerjoin(Result, (Result.sample_id == Sample.id) & (Result.status != "superseded"))
        .outerjoin(Place, Place.id == Result.laboratory_id)
        .outerjoin(Run, Run.id == Result.run_id)
        .outerjoin(Assay, Assay.id == Run.assay_id)
        .where(Sample.id.in_(keys), sees_sample(actor))
        .order_by(Sample.id)
    ).all()
    told = [row for row in rows if row.status == "released"]
    before = _map_told_before(session, sample_ids=[row.id for row in rows])
    sizes = _map_pool_sizes(session, pool_ids={row.pool_id for row in told})
    single = {row.pool_id for row in told if sizes.get(row.pool_id, 1) == 1}
    thresholds = _map_thresholds(session, pool_ids=single, run_ids={row.run_id for row in told})
    changes = _map_changes(session, [row.id for row in rows])
    return [
        ReportFacts(
            id=row.id,
            sample_status=row.sample_status,
            person_id=row.person_id,
            declaration_id=row.declaration_id,
            sampled_at=row.sampled_at,
            result_status=row.status,
            finding=row.finding,
            told_before=before.get(row.id),
            was_released=row.released_at is not None,
            released_at=row.released_at,
            laboratory_id=row.laboratory_id,
            laboratory=row.laboratory or "",
            pool_id=row.pool_id if sizes.get(row.pool_id, 1) > 1 else None,
            pool_size=sizes.get(row.pool_id, 1),
            assay=row.assay or "",
            thresholds=thresholds.get((row.run_id, row.pool_id), ()) if row.status == "released" else (),
            changed_at=max(row.recorded_at, changes.get(row.id, row.recorded_at)),
        )
        for row in rows
    ]


def _map_told_before(session: Session, *, sample_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the finding of the last released version that another has followed, by sample."""
    rows = session.execute(
        select(Result.sample_id, Result.finding)
        .where(
            Result.sample_id.in_(sample_ids), Result.status == "superseded", Result.released_at.is_not(None)
        )
        .order_by(Result.version)
    )
    return {row.sample_id: row.finding for row in rows}


def _map_pool_sizes(session: Session, *, pool_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return how many people's specimens are in some pools."""
    rows = session.execute(
        select(PoolMember.pool_id, func.count(Sample.id))
        .join(Sample, Sample.tube_id == PoolMember.tube_id)
        .where(PoolMember.pool_id.in_(pool_ids), Sample.status != "void")
        .group_by(PoolMember.pool_id)
    )
    return {row[0]: row[1] for row in rows}


def _map_thresholds(
    session: Session, *, pool_ids: Collection[uuid.UUID], run_ids: Collection[uuid.UUID]
) -> dict[tuple[uuid.UUID, uuid.UUID], tuple[Threshold, ...]]:
    """Return the Ct values of the viral targets of some pools in some runs; of several wells the lowest."""
    rows = session.execute(
        select(Well.run_id, Well.pool_id, Reading.target, Reading.ct, Assay.definition)
        .join(Run, Run.id == Well.run_id)
        .join(Assay, Assay.id == Run.assay_id)
        .join(
            Reading,
            (Reading.run_id == Well.run_id)
            & (Reading.position == Well.position)
            & (Reading.version == Run.readings_version),
        )
        .where(Well.pool_id.in_(pool_ids), Well.run_id.in_(run_ids), Reading.ct.is_not(None))
        .order_by(Reading.target, Reading.ct.desc())
    )
    lowest: defaultdict[tuple[uuid.UUID, uuid.UUID], dict[str, float]] = defaultdict(dict)
    for row in rows:
        if row.target in _viral_targets(row.definition):
            lowest[row.run_id, row.pool_id][row.target] = row.ct
    return {key: tuple(Threshold(*pair) for pair in cts.items()) for key, cts in lowest.items()}


def _viral_targets(definition: dict[str, Any]) -> set[str]:
    return {target["name"] for target in definition["targets"] if target["role"] == "viral"}


def _map_changes(session: Session, sample_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Any]:
    """Return when the samples or any version of their results were changed last."""
    owner = case((Result.id.is_(None), Event.subject_id), else_=Result.sample_id)
    results = select(Result.id).where(Result.sample_id.in_(sample_ids))
    rows = session.execute(
        select(owner.label("sample_id"), func.max(Event.recorded_at).label("at"))
        .select_from(Event)
        .outerjoin(Result, Result.id == Event.subject_id)
        .where(Event.subject_id.in_(sample_ids) | Event.subject_id.in_(results))
        .group_by(owner)
    )
    return {row.sample_id: row.at for row in rows}


def list_releases(
    session: Session, *, actor: Actor, search: Search, after: uuid.UUID | None
) -> Sequence[uuid.UUID]:
    """Return keys of the current versions that were released, one more than a page holds."""
    query = (
        select(Result.id)
        .join(Sample, Sample.id == Result.sample_id)
        .where(
            Result.status != "superseded",
            Result.released_at.is_not(None),
            sees_sample(actor),
            changed_within(search, Result.id),
        )
    )
    if search.ids is not None:
        query = query.where(Result.id.in_(search.ids))
    for _, samples in search.references:
        query = query.where(Result.sample_id.in_(samples))
    return list_keys(session, query, Result.id, after=after, most=search.count + 1)


def read_releases(session: Session, *, actor: Actor, keys: Sequence[uuid.UUID]) -> list[ReleaseFacts]:
    """Return who stands behind some released versions, in the order of their keys."""
    rows = session.execute(
        select(Result, Sample.person_id, Place.name.label("laboratory"))
        .join(Sample, Sample.id == Result.sample_id)
        .join(Place, Place.id == Result.laboratory_id)
        .where(
            Result.id.in_(keys),
            Result.status != "superseded",
            Result.released_at.is_not(None),
            sees_sample(actor),
        )
        .order_by(Result.id)
    ).all()
    staff = {
        key for row in rows for key in (row.Result.entered_by_id, row.Result.verified_by_id, row.Result.released_by_id)
    }  # fmt: skip
    names = accounts.map_display_names(session, user_ids=staff)
    changes = map_changes(session, subject_ids=[row.Result.id for row in rows])
    return [
        ReleaseFacts(
            id=row.Result.id,
            sample_id=row.Result.sample_id,
            person_id=row.person_id,
            version=row.Result.version,
            entered_by=names.get(row.Result.entered_by_id, ""),
            verified_by=names.get(row.Result.verified_by_id, ""),
            released_by=names.get(row.Result.released_by_id, ""),
            created_at=row.Result.created_at,
            released_at=row.Result.released_at,
            reason=row.Result.amendment_reason,
            laboratory_id=row.Result.laboratory_id,
            laboratory=row.laboratory,
            changed_at=max(
                row.Result.created_at,
                row.Result.released_at,
                changes.get(row.Result.id, row.Result.created_at),
            ),
        )
        for row in rows
    ]


def list_released_versions(session: Session, *, sample_ids: Sequence[uuid.UUID]) -> Sequence[uuid.UUID]:
    """Return the keys of the current released versions of some samples."""
    return session.scalars(
        select(Result.id).where(
            Result.sample_id.in_(sample_ids), Result.status != "superseded", Result.released_at.is_not(None)
        )
    ).all()
