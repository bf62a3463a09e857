"""Reading runs and results for review, verification, release and their records."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from lims.auth.actors import Actor
from lims.errors import NotFound
from lims.intake.models import Sample, Tube
from lims.pooling.models import AmplificationCurve, Pool, PoolMember, Run, Well
from lims.pooling.queries.runs import no_such_run
from lims.results.models import Result
from lims.results.obstacles import Standing, Unreported, say_why_unreported
from lims.results.queries.standings import count_names, read_standings

PAGE = 100


def lock_run(session: Session, *, actor: Actor, code: str) -> Run:
    """Return a run of the actor's places by its printed code, locked.

    Raises:
        NotFound: there is no such run among the actor's places.
    """
    run = session.scalars(select(Run).where(Run.code == code).with_for_update(of=Run)).one_or_none()
    if run is None or not actor.sees(run.laboratory_id):
        raise no_such_run(code)
    return run


def get_run(session: Session, *, actor: Actor, code: str) -> Run:
    """Return a run of the actor's places by its printed code.

    Raises:
        NotFound: there is no such run among the actor's places.
    """
    run = session.scalars(
        select(Run).where(Run.code == code).options(joinedload(Run.laboratory), joinedload(Run.campaign))
    ).one_or_none()
    if run is None or not actor.sees(run.laboratory_id):
        raise no_such_run(code)
    return run


def lock_latest_versions(session: Session, *, sample_ids: Collection[uuid.UUID]) -> Sequence[Any]:
    """Return `id`, `sample_id`, `version`, `status` of the current results of some samples, locked."""
    return session.execute(
        select(Result.id, Result.sample_id, Result.version, Result.status)
        .where(Result.sample_id.in_(sample_ids), Result.status != "superseded")
        .with_for_update()
    ).all()


def find_laboratories_of_runs(
    session: Session, *, run_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, uuid.UUID]:
    """Return where each run was done."""
    return dict(session.execute(select(Run.id, Run.laboratory_id).where(Run.id.in_(run_ids))).all())


def lock_samples(session: Session, *, sample_ids: Collection[uuid.UUID]) -> Sequence[Sample]:
    """Return some samples, locked in the order of their keys."""
    return session.scalars(
        select(Sample)
        .where(Sample.id.in_(sample_ids))
        .order_by(Sample.id)
        .with_for_update(of=Sample)
        .execution_options(populate_existing=True)
    ).all()


def lock_result(session: Session, *, actor: Actor, result_id: uuid.UUID) -> Result:
    """Return one version of a result of the actor's places, locked.

    Raises:
        NotFound: there is no such result among the actor's places.
    """
    result = session.scalars(
        select(Result).where(Result.id == result_id).with_for_update(of=Result)
    ).one_or_none()
    if result is None or not actor.sees(result.laboratory_id):
        raise NotFound("There is no such result among your places.", field="result_id")
    return result


def has_curves(session: Session, *, run_id: uuid.UUID, pool_id: uuid.UUID) -> bool:
    """Tell whether the run's readings hold curves of a pool's wells."""
    return (
        session.scalar(
            select(AmplificationCurve.position)
            .join(
                Run,
                (Run.id == AmplificationCurve.run_id) & (Run.readings_version == AmplificationCurve.version),
            )
            .join(
                Well,
                (Well.run_id == AmplificationCurve.run_id) & (Well.position == AmplificationCurve.position),
            )
            .where(Run.id == run_id, Well.pool_id == pool_id)
            .limit(1)
        )
        is not None
    )


def check_all_found(standings: Sequence[Standing], *, result_ids: Collection[uuid.UUID]) -> None:
    """Refuse when one of the results asked for is not there.

    Raises:
        NotFound: says how many are missing.
    """
    missing = len(set(result_ids)) - len(standings)
    if missing or not standings:
        raise NotFound(
            "%(missing)s of the chosen results are not among your places. Load the list again.",
            field="results",
            missing=missing or len(set(result_ids)),
        )


@dataclass(frozen=True)
class RunToRelease:
    """A run on the release worklist with what waits of it.

    Args:
        run: the plate.
        negatives_to_verify, negatives_to_release: results "not detected" that wait, done in one step.
        others_to_verify, others_to_release: all other findings, one by one.
        held: results on hold.
    """

    run: Run
    negatives_to_verify: int
    negatives_to_release: int
    others_to_verify: int
    others_to_release: int
    held: int

    @property
    def urgent(self) -> bool:
        """Whether somebody who was detected waits."""
        return bool(self.others_to_verify or self.others_to_release)


def list_runs_to_release(session: Session, *, actor: Actor, most: int = PAGE) -> list[RunToRelease]:
    """Return the runs with results that wait, oldest first, positives before the rest."""
    waiting = ("preliminary", "verified", "held")
    query = (
        select(Result.run_id, Result.status, Result.finding, func.count())
        .where(Result.status.in_(waiting))
        .group_by(Result.run_id, Result.status, Result.finding)
    )
    counts: dict[uuid.UUID, dict[tuple[str, bool], int]] = {}
    for run_id, status, finding, count in session.execute(_in_places(query, actor)):
        row = counts.setdefault(run_id, {})
        key = (status, finding == "not_detected")
        row[key] = row.get(key, 0) + count
    runs = session.scalars(
        select(Run)
        .where(Run.id.in_(counts))
        .options(joinedload(Run.laboratory))
        .order_by(Run.reviewed_at, Run.id)
        .limit(most)
    ).all()
    rows = [
        RunToRelease(
            run=run,
            negatives_to_verify=counts[run.id].get(("preliminary", True), 0),
            negatives_to_release=counts[run.id].get(("verified", True), 0),
            others_to_verify=counts[run.id].get(("preliminary", False), 0),
            others_to_release=counts[run.id].get(("verified", False), 0),
            held=counts[run.id].get(("held", True), 0) + counts[run.id].get(("held", False), 0),
        )
        for run in runs
    ]
    return sorted(rows, key=lambda row: not row.urgent)


def list_runs_to_review(session: Session, *, actor: Actor, most: int = PAGE) -> Sequence[Run]:
    """Return the runs whose readings are in and that nobody has looked at, oldest first."""
    query = select(Run).where(Run.status == "imported").options(joinedload(Run.laboratory))
    if not actor.everywhere:
        query = query.where(Run.laboratory_id.in_(actor.place_ids))
    return session.scalars(query.order_by(Run.entered_at, Run.id).limit(most)).all()


def _in_places(query: Any, actor: Actor) -> Any:
    return query if actor.everywhere else query.where(Result.laboratory_id.in_(actor.place_ids))


def list_results(
    session: Session,
    *,
    actor: Actor,
    laboratory_id: uuid.UUID | None = None,
    run_id: uuid.UUID | None = None,
    status: str = "",
    finding: str = "",
    not_finding: str = "",
    criteria: Sequence[ColumnElement[bool]] = (),
    after: uuid.UUID | None = None,
    most: int = PAGE,
) -> Sequence[Result]:
    """Return current results of the actor's places, oldest first, keyset-paged after an id.

    Args:
        session: a reading session.
        actor: whose places.
        laboratory_id, run_id: only those of one laboratory, of one run.
        status, finding: only those; empty for all.
        not_finding: all but this finding.
        criteria: further conditions on `Result`, as of a list.
        after: id of the last result of the page before.
        most: page size.
    """
    query = (
        select(Result)
        .where(Result.status != "superseded", *criteria)
        .options(
            joinedload(Result.sample, innerjoin=True).joinedload(Sample.tube, innerjoin=True),
            joinedload(Result.pool, innerjoin=True),
            joinedload(Result.run, innerjoin=True),
        )
        .order_by(Result.id)
        .limit(most)
    )
    for column, value in (
        (Result.laboratory_id, laboratory_id),
        (Result.run_id, run_id),
        (Result.status, status),
    ):
        if value:
            query = query.where(column == value)
    if finding:
        query = query.where(Result.finding == finding)
    if not_finding:
        query = query.where(Result.finding != not_finding)
    if after:
        query = query.where(Result.id > after)
    found: Sequence[Result] = session.scalars(_in_places(query, actor)).all()
    return found


def count_findings_of_run(session: Session, *, run_id: uuid.UUID) -> dict[tuple[str, str], int]:
    """Return how many results of a run there are by (status, finding)."""
    rows = session.execute(
        select(Result.status, Result.finding, func.count())
        .where(Result.run_id == run_id)
        .group_by(Result.status, Result.finding)
    ).all()
    return {(status, finding): count for status, finding, count in rows}


def list_pools_of_run(session: Session, *, run_id: uuid.UUID) -> Sequence[Pool]:
    """Return the pools of a plate in the order of their codes."""
    return session.scalars(
        select(Pool).where(Pool.id.in_(select(Well.pool_id).where(Well.run_id == run_id))).order_by(Pool.code)
    ).all()


def list_unreported(session: Session, *, run_id: uuid.UUID, most: int = PAGE) -> list[dict[str, Any]]:
    """Return the samples of a run's pools that were tested and have no result, each with what it waits for."""
    rows = session.execute(
        select(
            Tube.id,
            Tube.code,
            Tube.mode,
            Tube.closed_count,
            Pool.code,
            Pool.finding,
            Pool.purpose,
            Pool.called_at,
            Sample.recorded_at,
        )
        .select_from(Well)
        .join(Pool, Pool.id == Well.pool_id)
        .join(PoolMember, PoolMember.pool_id == Pool.id)
        .join(Tube, Tube.id == PoolMember.tube_id)
        .outerjoin(Sample, and_(Sample.tube_id == Tube.id, Sample.status != "void"))
        .where(
            Well.run_id == run_id,
            Pool.status == "called",
            Sample.status.is_(None) | (Sample.status == "bound"),
        )
        .order_by(Tube.code)
        .limit(most)
    ).all()
    names = count_names(session, tube_ids={row[0] for row in rows})
    return [
        {
            "tube": code,
            "pool": pool,
            "reason": say_why_unreported(
                Unreported(
                    pool_finding=finding,
                    pool_purpose=purpose,
                    names_bound=names[tube_id],
                    closed_count=closed,
                    tube_mode=mode,
                    came_after_call=bool(recorded_at and called_at and recorded_at > called_at),
                )
            ),
        }
        for tube_id, code, mode, closed, pool, finding, purpose, called_at, recorded_at in rows
    ]


def get_result(session: Session, *, actor: Actor, result_id: uuid.UUID) -> Result:
    """Return one version of a result of the actor's places, with what its record shows.

    Raises:
        NotFound: there is no such result among the actor's places.
    """
    result = session.scalars(
        select(Result)
        .where(Result.id == result_id)
        .options(
            joinedload(Result.sample, innerjoin=True).options(
                joinedload(Sample.tube, innerjoin=True), joinedload(Sample.declaration, innerjoin=True)
            ),
            joinedload(Result.pool, innerjoin=True).joinedload(Pool.parent),
            joinedload(Result.run, innerjoin=True).joinedload(Run.laboratory),
        )
    ).one_or_none()
    if result is None or not actor.sees(result.laboratory_id):
        raise NotFound("There is no such result among your places.", field="result_id")
    return result


def get_current_id(session: Session, *, actor: Actor, sample_id: uuid.UUID) -> uuid.UUID:
    """Return the key of the latest version of a sample's result.

    Raises:
        NotFound: there is no such result among the actor's places.
    """
    found = session.execute(
        select(Result.id, Result.laboratory_id)
        .where(Result.sample_id == sample_id)
        .order_by(Result.version.desc())
        .limit(1)
    ).one_or_none()
    if found is None or not actor.sees(found.laboratory_id):
        raise NotFound("There is no such result among your places.", field="sample_id")
    key: uuid.UUID = found.id
    return key


def find_next_to_look_at(session: Session, *, result: Result) -> uuid.UUID | None:
    """Return the next result of the same run that is decided alone, or None; the first again after the last."""
    return session.scalar(
        select(Result.id)
        .where(
            Result.run_id == result.run_id,
            Result.id != result.id,
            Result.status.in_(("preliminary", "verified")),
            Result.finding != "not_detected",
        )
        .order_by(Result.id < result.id, Result.id)
        .limit(1)
    )


def get_standing(session: Session, *, result_id: uuid.UUID) -> Standing:
    """Return what decides about one result, to show which steps are possible."""
    return read_standings(session, Result.id == result_id)[0]


def list_versions(session: Session, *, sample_id: uuid.UUID) -> Sequence[Result]:
    """Return all versions of a sample's result, the latest first."""
    return session.scalars(
        select(Result).where(Result.sample_id == sample_id).order_by(Result.version.desc())
    ).all()


def lock_waiting_negatives(session: Session, *, parent_ids: Collection[uuid.UUID]) -> Sequence[uuid.UUID]:
    """Return the negative results that no person was told yet and that hang on tests answering some pools, locked."""
    parent = aliased(Pool)
    return session.scalars(
        select(Result.id)
        .join(Pool, Pool.id == Result.pool_id)
        .outerjoin(parent, parent.id == Pool.parent_id)
        .where(
            Result.status.in_(("preliminary", "verified")),
            Result.finding == "not_detected",
            or_(Pool.parent_id.in_(parent_ids), parent.parent_id.in_(parent_ids)),
        )
        .order_by(Result.id)
        .with_for_update(of=Result)
    ).all()
