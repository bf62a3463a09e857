"""The second pair of eyes: a plate of negatives in one step, positives one by one (DESIGN §3, rule 10)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.errors import AlreadyDone, Refused, WrongState
from lims.pooling.rules import RUN
from lims.results.models import Result
from lims.results.obstacles import LOOKED_AT, Standing, list_obstacles_to_verify
from lims.results.queries import results as queries
from lims.results.queries.lists import ResultList, get_list, list_criteria
from lims.results.queries.standings import lock_standings
from lims.results.rules import MOST_AT_ONCE
from lims.results.verdicts import give_verdict
from lims.transaction import action


@action
def verify_run(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, run_code: str
) -> dict[str, Any]:
    """Verify a reviewed run, and with it all its "not detected" results that nothing blocks.

    Args:
        actor: the second person.
        client_id: id made by the sender.
        run_code: printed code of the plate.

    Returns:
        `run`, `status`, `verified` (how many), `verdicts` (of the results that were blocked).

    Raises:
        NotFound: no such run in the actor's places.
        WrongState: it was not reviewed.
        Refused: the actor entered its readings.
        AlreadyDone: nothing of it waits for verification.
    """
    run = queries.lock_run(session, actor=actor, code=run_code)
    if run.status not in LOOKED_AT:
        raise WrongState(
            "%(code)s is %(state)s. Only a reviewed run can be verified.",
            field="run_code",
            code=run.code,
            state=run.status,
        )
    if actor.user_id is None or actor.user_id == run.entered_by_id:
        raise Refused(
            "The readings of %(code)s were entered with this account. A second person verifies them.",
            field="run_code",
            code=run.code,
        )
    standings = lock_standings(
        session, Result.run_id == run.id, Result.status == "preliminary", Result.finding == "not_detected"
    )
    if run.status == "verified" and not standings:
        raise AlreadyDone(
            "%(code)s is already verified. Nothing was changed.", field="run_code", code=run.code
        )
    verdicts = _verify(session, actor, standings)
    if run.status == "reviewed":
        RUN.check(run.status, "verified", code=run.code)
        run.status, run.verified_by_id, run.verified_at = "verified", actor.user_id, clock.now()
    done = sum(verdict["verdict"] == "good" for verdict in verdicts)
    audit.note(session, "run", run.id, "verified", results=done, blocked=len(verdicts) - done)
    return {
        "run": run.code,
        "status": run.status,
        "verified": done,
        "verdicts": [verdict for verdict in verdicts if verdict["verdict"] != "good"],
    }


@action
def verify_list(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, kind: str, key: str
) -> dict[str, Any]:
    """Verify all "not detected" results of a household, a box or a commune that nothing blocks, 5,000 at most.

    Args:
        actor: the second person.
        client_id: id made by the sender.
        kind: a word of `rules.LISTS`.
        key: the household's or the box's code, or the commune's id.

    Returns:
        `list` (its key), `verified` (how many), `verdicts` (of the results that were blocked).

    Raises:
        InvalidInput: no such kind of list, or not a code of it.
        NotFound: no result of it is among the actor's places.
        AlreadyDone: nothing of it waits for verification.
    """
    standings, found = lock_negatives_of_list(session, actor=actor, kind=kind, key=key, status="preliminary")
    if not standings:
        raise AlreadyDone("No negative of %(list)s waits for a second person.", field="key", list=found.title)
    verdicts = _verify(session, actor, standings)
    return {
        "list": found.key,
        "verified": sum(verdict["verdict"] == "good" for verdict in verdicts),
        "verdicts": [verdict for verdict in verdicts if verdict["verdict"] != "good"],
    }


def lock_negatives_of_list(
    session: Session, *, actor: Actor, kind: str, key: str, status: str
) -> tuple[list[Standing], ResultList]:
    """Lock the negatives of a list that wait for one step, the oldest 5,000 at most.

    Raises:
        InvalidInput: no such kind of list, or not a code of it.
        NotFound: no result of it is among the actor's places.
    """
    found = get_list(session, actor=actor, kind=kind, key=key)
    criteria = list_criteria(found, actor=actor)
    standings = lock_standings(
        session,
        *criteria,
        Result.status == status,
        Result.finding == "not_detected",
        most=MOST_AT_ONCE,
    )
    return standings, found


@action
def verify_results(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, result_ids: Sequence[uuid.UUID]
) -> dict[str, Any]:
    """Verify some results; one that was detected only alone.

    Args:
        actor: the second person.
        client_id: id made by the sender.
        result_ids: versions to verify.

    Returns:
        `verified` (how many) and `verdicts`, one for each result.

    Raises:
        NotFound: one of them is not in the actor's places.
        Refused: several, and one of them was detected.
    """
    standings = lock_chosen(session, actor=actor, result_ids=result_ids)
    check_positives_alone(standings)
    verdicts = _verify(session, actor, standings)
    return {"verified": sum(verdict["verdict"] == "good" for verdict in verdicts), "verdicts": verdicts}


def lock_chosen(session: Session, *, actor: Actor, result_ids: Sequence[uuid.UUID]) -> list[Standing]:
    """Lock results chosen by their ids.

    Raises:
        NotFound: one of them is not in the actor's places.
    """
    found = lock_standings(session, Result.id.in_(set(result_ids)))
    standings = [standing for standing in found if actor.sees(standing.laboratory_id)]
    queries.check_all_found(standings, result_ids=result_ids)
    return standings


def check_positives_alone(standings: Sequence[Standing]) -> None:
    """Refuse a bulk step with a detected result in it.

    Raises:
        Refused: positives are looked at one by one.
    """
    if len(standings) > 1 and any(standing.finding == "detected" for standing in standings):
        raise Refused(
            "A result “detected” is among them. Positives are verified and released one by one: open its record.",
            field="results",
        )


def _verify(session: Session, actor: Actor, standings: Sequence[Standing]) -> list[dict[str, Any]]:
    blocked = {
        item.result_id: list_obstacles_to_verify(item, verifier_id=actor.user_id) for item in standings
    }
    free = [item for item in standings if not blocked[item.result_id]]
    move_results(session, free, status="verified", verified_by_id=actor.user_id, verified_at=clock.now())
    return [give_verdict(item, blocked[item.result_id], wanted="verified") for item in standings]


def move_results(session: Session, free: Sequence[Standing], *, status: str, **values: object) -> None:
    """Give results a new state in one statement, with one event each.

    Args:
        free: results that nothing stands against.
        status: verified or released.
        values: columns that say who and when.
    """
    if not free:
        return
    ids = [item.result_id for item in free]
    session.execute(update(Result).where(Result.id.in_(ids)).values(status=status, **values))
    for item in free:
        audit.note(session, "result", item.result_id, status, finding=item.finding, tube=item.tube_code)
