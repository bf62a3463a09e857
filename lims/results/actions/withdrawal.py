"""A run is withdrawn: a wrong pool map, swapped plates, a bad kit lot (DESIGN §3, rule 12).

One action finds everybody it concerns. Their results are withdrawn, whoever was told included; what can be tested again
is in a pool again at once; whose tube is gone is asked for a new sample. What other runs found stays.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from lims import audit, clock, codes
from lims.auth.actors import Actor
from lims.errors import AlreadyDone, InvalidInput, Refused
from lims.intake.actions.discrepancies import mark_settled
from lims.pooling.models import Pool, Run
from lims.pooling.queries.kit_lots import get_lot
from lims.pooling.resolution import close_resolved, put_pools_back
from lims.pooling.retesting import hand_up, outcomes_of_orphans, pools_of_run, reopen_resolved, test_again
from lims.pooling.rules import RUN, WITHDRAWAL_CAUSES
from lims.results.actions.consequences import report
from lims.results.actions.release import check_reason
from lims.results.actions.review import ask_again
from lims.results.actions.withdrawing import move_samples, take_back
from lims.results.announcing import announce_taken_back
from lims.results.models import Result
from lims.results.queries import results as queries
from lims.results.queries import withdrawals
from lims.transaction import action


@dataclass
class Concerned:
    """Whom a withdrawal concerns.

    Args:
        results: results withdrawn.
        told: how many of them had been released.
        pools: codes of the pools that test the tubes again.
        asked: tubes whose people are asked for a new sample.
    """

    results: int = 0
    told: int = 0
    pools: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it as the run keeps it."""
        return {"results": self.results, "told": self.told, "pools": self.pools, "asked": self.asked}


@action
def withdraw_run(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    run_code: str,
    cause: str,
    reason: str,
) -> dict[str, Any]:
    """Withdraw a reviewed or verified run with everything that hangs on it.

    Args:
        actor: supervisor.
        client_id: id made by the sender.
        run_code: printed code of the plate.
        cause: a word of `pooling.rules.WITHDRAWAL_CAUSES`; after a wrong pool map each tube is tested alone, as nobody
            knows what the pools held.
        reason: what happened, at most 500 characters; no names of people.

    Returns:
        `run`, `status`, `results` (withdrawn), `told` (of them released before), `pools` (codes of the new ones) and
        `asked` (codes of tubes whose people are asked for a new sample).

    Raises:
        NotFound: no such run in the actor's places.
        InvalidInput: no reason, or an unknown cause.
        AlreadyDone: it is void.
        Refused: it was not reviewed yet: it is given up instead.
    """
    run = queries.lock_run(session, actor=actor, code=run_code)
    reason = check_reason(reason, field="reason")
    if cause not in WITHDRAWAL_CAUSES:
        raise InvalidInput("Say what was wrong: choose one of the list.", field="cause")
    if run.status not in ("reviewed", "verified") and run.status != "void":
        raise Refused(
            "%(run)s was not reviewed, so nothing hangs on it. Give it up instead.",
            field="run_code",
            run=codes.grouped(run.code),
        )
    RUN.check(run.status, "void", code=codes.grouped(run.code), field="run_code")
    concerned = _withdraw(session, actor, run, cause, reason)
    return {"run": run.code, "status": run.status, **concerned.as_json()}


@action
def withdraw_kit_lot(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, lot_id: uuid.UUID, reason: str
) -> dict[str, Any]:
    """Withdraw a bad lot of a kit: no plate is planned with it, and every run it was used for is withdrawn.

    Args:
        actor: supervisor.
        client_id: id made by the sender.
        lot_id: which.
        reason: what is wrong with it, at most 500 characters.

    Returns:
        `lot`, `runs` (codes), `results`, `told`, `pools` and `asked`, as `withdraw_run` answers, of all runs together.

    Raises:
        NotFound: no such lot in the actor's laboratories.
        AlreadyDone: it is withdrawn.
        InvalidInput: no reason.
    """
    lot = get_lot(session, actor=actor, lot_id=lot_id, lock=True)
    reason = check_reason(reason, field="reason")
    if lot.withdrawn_at is not None:
        raise AlreadyDone("Lot %(lot)s is withdrawn already.", field="lot_id", lot=lot.lot)
    lot.withdrawn_at, lot.withdrawn_reason = clock.now(), reason[:200]
    audit.note(session, "kit_lot", lot.id, "withdrawn", lot=lot.lot, reason="kit_lot")
    total = Concerned()
    runs = withdrawals.lock_runs_of_lot(session, lot=lot)
    for run in runs:
        if run.status in ("reviewed", "verified"):
            one = _withdraw(session, actor, run, "kit_lot", reason)
            total.results += one.results
            total.told += one.told
            total.pools += one.pools
            total.asked += one.asked
        else:
            _give_up(session, run, reason)
    return {"lot": lot.lot, "runs": [run.code for run in runs], **total.as_json()}


def _give_up(session: Session, run: Run, reason: str) -> None:
    """End a run that was not reviewed yet: its pools wait for another plate."""
    run.status = "void" if run.status == "planned" else "failed"
    run.failure = [*(run.failure or []), {"message": "%(text)s", "parameters": {"text": reason[:200]}}]
    session.flush()
    put_pools_back(session, run=run)
    audit.note(session, "run", run.id, "failed" if run.status == "failed" else "voided", reason="kit_lot")


def _withdraw(session: Session, actor: Actor, run: Run, cause: str, reason: str) -> Concerned:
    pools = pools_of_run(session, run)
    concerned = Concerned()
    _withdraw_results(session, run, concerned, reason)
    run.status, run.withdrawn_by_id, run.withdrawn_at = "void", actor.user_id, clock.now()
    _settle_what_is_open(session, actor, run, pools)
    for pool in pools:
        pool.status = "void"
        audit.note(session, "pool", pool.id, "voided", reason="run_withdrawn")
    session.flush()
    hand_up(session, pools=pools)
    tube_ids = withdrawals.list_tubes(session, pool_ids=[pool.id for pool in pools])
    reopen_resolved(session, tube_ids=tube_ids)
    report(session, outcomes_of_orphans(session, pool_ids=[pool.id for pool in pools]))
    again = test_again(session, actor=actor, pools=pools, alone=cause == "pool_map")
    concerned.pools += again.pool_codes
    gone = withdrawals.list_bound_samples(session, tube_ids=again.gone_tube_ids)
    ask_again(session, [(row.id, "run_withdrawn") for row in gone])
    concerned.asked += sorted({row.code for row in gone})
    session.flush()
    close_resolved(session, [pool.id for pool in pools])
    run.withdrawal = {"cause": cause, "reason": reason, **concerned.as_json()}
    audit.note(
        session, "run", run.id, "withdrawn", reason=cause, results=concerned.results, told=concerned.told
    )
    return concerned


def _withdraw_results(session: Session, run: Run, concerned: Concerned, reason: str) -> None:
    """Withdraw what hangs on a run; its samples wait again, but those whose people were asked for a new one."""
    rows = withdrawals.lock_results_of_run(session, run_id=run.id)
    take_back(session, [row.id for row in rows], reason="run_withdrawn", explanation=reason)
    released = [row.id for row in rows if row.status == "released"]
    announce_taken_back(session, released, reason)
    concerned.results, concerned.told = len(rows), len(released)
    waiting = [row for row in rows if row.sample_status == "resulted" and row.attempt == row.asked_attempt]
    replaced = [row for row in rows if row.sample_status == "resulted" and row.attempt != row.asked_attempt]
    move_samples(session, [row.sample_id for row in waiting], "bound", reason="run_withdrawn")
    move_samples(session, [row.sample_id for row in replaced], "superseded", reason="run_withdrawn")


def _settle_what_is_open(session: Session, actor: Actor, run: Run, pools: Sequence[Pool]) -> None:
    """Settle the suspicions and discordances that the run has raised: nothing of it is left to be doubted."""
    pool_ids = [pool.id for pool in pools]
    raised = withdrawals.list_discordant_above(session, pool_ids=pool_ids)
    held = withdrawals.lock_held_for_pools(session, pool_ids=pool_ids)
    if held:
        session.execute(
            update(Result).where(Result.id.in_(held)).values(status="preliminary", hold_reason=None)
        )
    for result_id in held:
        audit.note(session, "result", result_id, "unheld", reason="run_withdrawn")
    for discrepancy in withdrawals.lock_open_discrepancies(
        session, run_id=run.id, pool_ids=[*pool_ids, *raised]
    ):
        mark_settled(
            session,
            actor=actor,
            discrepancy=discrepancy,
            settlement="accepted",
            note=codes.grouped(run.code),
        )
