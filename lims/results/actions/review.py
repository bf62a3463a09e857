"""A run is looked at: its calls become results, or it has failed."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.intake.actions.discrepancies import Finding, open_discrepancies
from lims.intake.asking_again import ask_for_new_samples
from lims.intake.models import Sample
from lims.pooling.models import Pool, Run
from lims.pooling.outcomes import Outcome
from lims.pooling.resolution import apply_calls, close_resolved
from lims.pooling.rules import RUN
from lims.pooling.suspecting import suspect_run
from lims.results.announcing import announce_positive_pools, announce_second_tests, announce_taken_back
from lims.results.models import Result
from lims.results.queries import results as queries
from lims.results.queries.announcing import list_members, list_positive_pools
from lims.results.queries.late_names import list_pools_with_discordance
from lims.tables import new_id
from lims.transaction import action


@action
def review_run(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, run_code: str
) -> dict[str, Any]:
    """Apply the calls of a run whose readings are in: results for all that is clear, the next test for the rest.

    Args:
        actor: who looked at the plate.
        client_id: id made by the sender.
        run_code: printed code of the plate.

    Returns:
        `run`, `status` ("reviewed" or "failed"), `failure` (reasons, when it failed), `results` (how many were
        written), `held`, `asked_again` (how many people are asked for a new sample), `suspicious` (how many things a
        supervisor must settle before the release).

    Raises:
        NotFound: no such run in the actor's places.
        WrongState: its readings are not in, or it was looked at before.
    """
    run = queries.lock_run(session, actor=actor, code=run_code)
    RUN.check(run.status, "reviewed", code=run.code, field="run_code")
    resolution = apply_calls(session, actor=actor, run=run)
    run.reviewed_by_id, run.reviewed_at = actor.user_id, clock.now()
    if not resolution.run_valid:
        run.status, run.failure = "failed", list(resolution.failure)
        audit.note(
            session, "run", run.id, "failed", reasons=[item.get("message") for item in resolution.failure]
        )
        return _answer(run, results=0, held=0, asked_again=0, suspicious=0)
    run.status = "reviewed"
    written = write_results(session, outcomes=resolution.outcomes, entered_by_id=run.entered_by_id)
    ask_again(session, resolution.ask_again)
    open_discordances(session, resolution.discordant_pool_ids)
    session.flush()
    close_resolved(session, resolution.pool_ids)
    suspicious = open_suspicions(session, run=run)
    positive = list_positive_pools(session, run_id=run.id)
    announce_positive_pools(session, positive)
    announce_second_tests(session, list_members(session, pool_ids=[pool.id for pool in positive]))
    held = sum(1 for outcome in resolution.outcomes if outcome.hold_reason)
    audit.note(session, "run", run.id, "reviewed", results=written, held=held, suspicious=suspicious)
    return _answer(
        run, results=written, held=held, asked_again=len(resolution.ask_again), suspicious=suspicious
    )


def _answer(run: Run, **counts: int) -> dict[str, Any]:
    return {"run": run.code, "status": run.status, "failure": run.failure or [], **counts}


def open_suspicions(session: Session, *, run: Run) -> int:
    """Open a discrepancy for each thing that looks too odd to be released; used inside the review.

    Args:
        session: the review's writing session.
        run: just called, its controls right.

    Returns:
        How many were opened.
    """
    found = suspect_run(session, run=run)
    open_discrepancies(
        session,
        findings=[
            Finding(
                kind=one.kind,
                campaign_id=run.campaign_id,
                place_id=run.laboratory_id,
                pool_id=one.pool_id,
                run_id=run.id,
                details=one.details,
            )
            for one in found
        ],
    )
    return len(found)


def write_results(session: Session, *, outcomes: Sequence[Outcome], entered_by_id: uuid.UUID | None) -> int:
    """Write one result for each outcome: a first version, or the next one of a result that waited.

    Args:
        session: the writing session of a review or of a supervisor's decision.
        outcomes: at most one for each sample.
        entered_by_id: who may then not verify them.

    Returns:
        How many were written.
    """
    if not outcomes:
        return 0
    sample_ids = [outcome.sample_id for outcome in outcomes]
    latest = {row.sample_id: row for row in queries.lock_latest_versions(session, sample_ids=sample_ids)}
    laboratories = queries.find_laboratories_of_runs(
        session, run_ids={outcome.run_id for outcome in outcomes}
    )
    tubes = dict(session.execute(select(Sample.id, Sample.tube_id).where(Sample.id.in_(sample_ids))).all())
    if latest:
        session.execute(
            update(Result)
            .where(Result.id.in_([row.id for row in latest.values()]))
            .values(status="superseded", hold_reason=None)
        )
    announce_taken_back(
        session, [row.id for row in latest.values() if row.status == "released"], "a later test"
    )
    now = clock.now()
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "sample_id": outcome.sample_id,
            "version": latest[outcome.sample_id].version + 1 if outcome.sample_id in latest else 1,
            "status": "held" if outcome.hold_reason else "preliminary",
            "finding": outcome.finding,
            "pool_id": outcome.pool_id,
            "run_id": outcome.run_id,
            "laboratory_id": laboratories[outcome.run_id],
            "entered_by_id": entered_by_id,
            "created_at": now,
            "hold_reason": outcome.hold_reason,
        }
        for outcome in outcomes
    ]
    session.execute(insert(Result), rows)
    _close_samples(session, outcomes)
    for row in rows:
        audit.note(
            session,
            "result",
            row["id"],
            "entered",
            sample=row["sample_id"],
            version=row["version"],
            finding=row["finding"],
            pool=row["pool_id"],
            hold=row["hold_reason"],
        )
        audit.note(
            session,
            "sample",
            row["sample_id"],
            "resulted",
            finding=row["finding"],
            tube=tubes[row["sample_id"]],
            version=row["version"],
        )
    for row in latest.values():
        audit.note(session, "result", row.id, "superseded", by_version=row.version + 1)
    return len(rows)


def _close_samples(session: Session, outcomes: Sequence[Outcome]) -> None:
    """Give the samples their findings: one statement for each of the four."""
    by_finding: defaultdict[str, list[uuid.UUID]] = defaultdict(list)
    for outcome in outcomes:
        by_finding[outcome.finding].append(outcome.sample_id)
    for finding, ids in by_finding.items():
        session.execute(update(Sample).where(Sample.id.in_(ids)).values(status="resulted", finding=finding))


def ask_again(session: Session, asked: Sequence[tuple[uuid.UUID, str]]) -> None:
    """Ask for new samples, one call for each reason.

    Args:
        session: the writing session.
        asked: (sample id, reason).
    """
    by_reason: defaultdict[str, list[uuid.UUID]] = defaultdict(list)
    for sample_id, reason in asked:
        by_reason[reason].append(sample_id)
    for reason, ids in by_reason.items():
        ask_for_new_samples(session, samples=queries.lock_samples(session, sample_ids=ids), reason=reason)
    session.flush()
    announce_second_tests(session, [sample_id for sample_id, _reason in asked])


def _hold_told_before(session: Session, pool_ids: Sequence[uuid.UUID]) -> None:
    """Hold negatives of discordant pools that were reported before, when somebody in the pool was still positive."""
    ids = queries.lock_waiting_negatives(session, parent_ids=pool_ids)
    if ids:
        session.execute(
            update(Result)
            .where(Result.id.in_(ids))
            .values(status="held", hold_reason="discordance", verified_by_id=None, verified_at=None)
        )
    for result_id in ids:
        audit.note(session, "result", result_id, "held", reason="discordance")


def open_discordances(session: Session, pool_ids: Sequence[uuid.UUID]) -> None:
    """Open one discrepancy for each positive pool none of whose members was found positive.

    Args:
        session: the writing session.
        pool_ids: pools; one that has an open discordance already gets no second one.
    """
    if not pool_ids:
        return
    _hold_told_before(session, pool_ids)
    known = list_pools_with_discordance(session, pool_ids=pool_ids)
    pools = session.execute(
        select(Pool.id, Pool.code, Pool.campaign_id, Pool.laboratory_id).where(
            Pool.id.in_(set(pool_ids) - known)
        )
    ).all()
    open_discrepancies(
        session,
        findings=[
            Finding(
                kind="discordance",
                campaign_id=pool.campaign_id,
                place_id=pool.laboratory_id,
                pool_id=pool.id,
                details={"pool": pool.code},
            )
            for pool in pools
        ],
    )
