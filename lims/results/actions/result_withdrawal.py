"""One result is withdrawn: it is not to be believed, and nobody can say yet what is true (DESIGN §3, rule 12).

What is known to be something else is amended instead. One supervisor may withdraw, as a wrong result harms as long as
it stands; what comes in its place is a result like every other, with two people.
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy.orm import Session

from lims import codes
from lims.auth.actors import Actor
from lims.errors import InvalidInput, Refused
from lims.intake.models import Declaration, Sample, Tube
from lims.pooling.models import Pool
from lims.pooling.resolution import close_resolved
from lims.pooling.retesting import reopen_resolved, test_tube_again
from lims.results.actions.release import check_reason
from lims.results.actions.review import ask_again
from lims.results.actions.withdrawing import move_samples, take_back
from lims.results.announcing import announce_taken_back
from lims.results.models import Result
from lims.results.obstacles import ENDS_BY_ITSELF
from lims.results.queries import results as queries
from lims.results.rules import AFTER_WITHDRAWAL, RESULT
from lims.transaction import action

REASON = "result_withdrawn"


@action
def withdraw_result(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    result_id: uuid.UUID,
    then: str,
    reason: str,
) -> dict[str, Any]:
    """Withdraw one result; its certificate is revoked, whoever was told is told that it is checked again.

    Args:
        actor: supervisor.
        client_id: id made by the sender.
        result_id: the current version.
        then: "retest", the kept tube is tested again, alone; or "resample", the person is asked for a new sample. Where
            a new sample was asked for already, nothing more follows.
        reason: what happened, at most 500 characters; no names of people.

    Returns:
        `result`, `version`, `status`, `was_released`, `pool` (code of the one that tests the tube again; empty) and
        `asked` (whether the person is asked for a new sample by this).

    Raises:
        NotFound: no such result in the actor's places.
        InvalidInput: no reason, or an unknown `then`.
        AlreadyDone: it is withdrawn.
        WrongState: a newer version has replaced it.
        Refused: it is on hold for what ends by itself, its sample has ended otherwise, or its tube cannot be tested.
    """
    result = queries.lock_result(session, actor=actor, result_id=result_id)
    reason = check_reason(reason, field="reason")
    if then not in AFTER_WITHDRAWAL:
        raise InvalidInput("Say what is to follow: choose one of the list.", field="then")
    sample = queries.lock_samples(session, sample_ids=[result.sample_id])[0]
    _check_can_withdraw(result, sample)
    was_released = result.status == "released"
    take_back(session, [result.id], reason=REASON, explanation=reason)
    asked_attempt = session.get_one(Declaration, sample.declaration_id).attempt
    pool_code, asked = "", False
    if sample.attempt != asked_attempt:
        move_samples(session, [sample.id], "superseded", reason=REASON)
    elif then == "retest":
        pool_code = _test_again(session, actor, result, sample)
    else:
        ask_again(session, [(sample.id, REASON)])
        asked = True
    session.flush()
    close_resolved(session, [result.pool_id])
    if was_released:
        announce_taken_back(session, [result.id], reason)
    return {
        "result": str(result.id),
        "version": result.version,
        "status": "withdrawn",
        "was_released": was_released,
        "pool": pool_code,
        "asked": asked,
    }


def _check_can_withdraw(result: Result, sample: Sample) -> None:
    RESULT.check(result.status, "withdrawn", code=f"v{result.version}", field="result_id")
    if result.hold_reason in ENDS_BY_ITSELF:
        raise Refused(
            "It is on hold for what ends by itself: a confirmation or a decision about its pool. Withdraw what comes "
            "of that.",
            field="result_id",
        )
    if sample.status != "resulted":
        raise Refused(
            "Its sample is %(state)s, so nothing is reported from it any more. Open the person's record.",
            field="result_id",
            state=sample.status,
        )


def _test_again(session: Session, actor: Actor, result: Result, sample: Sample) -> str:
    """Let the kept tube be tested again, and its sample wait for it; return the new pool's code."""
    pool = session.get_one(Pool, result.pool_id, with_for_update=True)
    move_samples(session, [sample.id], "bound", reason=REASON)
    reopen_resolved(session, tube_ids=[sample.tube_id], reason=REASON)
    code = test_tube_again(session, actor=actor, pool=pool, tube_id=sample.tube_id)
    if not code:
        raise Refused(
            "Tube %(tube)s cannot be tested again: it is gone, in another test, or holds several people. Ask for a new "
            "sample.",
            field="then",
            tube=codes.grouped(session.get_one(Tube, sample.tube_id).code),
        )
    return code
