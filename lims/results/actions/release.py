"""A result becomes visible to its person, or is put on hold (DESIGN §3, rules 7, 9 and 10).

There is one way to release, for one result and for a plate: nothing is reported that was not verified by a second
person, that is on hold, or that hangs on anything but a called pool of that very sample's tube.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.errors import AlreadyDone, InvalidInput
from lims.intake.asking_again import ask_for_new_samples
from lims.intake.models import Declaration
from lims.msgid import N_
from lims.results.actions.verification import (
    check_positives_alone,
    lock_chosen,
    lock_negatives_of_list,
    move_results,
)
from lims.results.announcing import announce_released
from lims.results.models import Result
from lims.results.obstacles import ENDS_BY_ITSELF, HOLDS, Obstacle, Standing, list_obstacles_to_release
from lims.results.queries import results as queries
from lims.results.queries.standings import lock_standings
from lims.results.rules import RESULT, UNCLEAR
from lims.results.verdicts import give_verdict
from lims.transaction import action

MOST_NOTE = 500


@action
def release_run(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, run_code: str
) -> dict[str, Any]:
    """Release all verified "not detected" results of a run in one step.

    Args:
        actor: who releases.
        client_id: id made by the sender.
        run_code: printed code of the plate.

    Returns:
        `run`, `released` (how many), `verdicts` (of the results that were blocked).

    Raises:
        NotFound: no such run in the actor's places.
        AlreadyDone: nothing of it waits for release.
    """
    run = queries.lock_run(session, actor=actor, code=run_code)
    standings = lock_standings(
        session, Result.run_id == run.id, Result.status == "verified", Result.finding == "not_detected"
    )
    if not standings:
        raise AlreadyDone(
            "No verified negative of %(code)s waits for release. Verify first; positives are released one by one.",
            field="run_code",
            code=run.code,
        )
    verdicts = _release(session, actor, standings)
    done = sum(verdict["verdict"] == "good" for verdict in verdicts)
    audit.note(session, "run", run.id, "released", results=done, blocked=len(verdicts) - done)
    return {
        "run": run.code,
        "released": done,
        "verdicts": [verdict for verdict in verdicts if verdict["verdict"] != "good"],
    }


@action
def release_list(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, kind: str, key: str
) -> dict[str, Any]:
    """Release all verified "not detected" results of a household, a box or a commune, 5,000 at most.

    Args:
        actor: who releases.
        client_id: id made by the sender.
        kind: a word of `rules.LISTS`.
        key: the household's or the box's code, or the commune's id.

    Returns:
        `list` (its key), `released` (how many), `verdicts` (of the results that were blocked).

    Raises:
        InvalidInput: no such kind of list, or not a code of it.
        NotFound: no result of it is among the actor's places.
        AlreadyDone: nothing of it waits for release.
    """
    standings, found = lock_negatives_of_list(session, actor=actor, kind=kind, key=key, status="verified")
    if not standings:
        raise AlreadyDone(
            "No verified negative of %(code)s waits for release. Verify first; positives are released one by one.",
            field="key",
            code=found.title,
        )
    verdicts = _release(session, actor, standings)
    return {
        "list": found.key,
        "released": sum(verdict["verdict"] == "good" for verdict in verdicts),
        "verdicts": [verdict for verdict in verdicts if verdict["verdict"] != "good"],
    }


@action
def release_results(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    result_ids: Sequence[uuid.UUID],
    looked: bool = False,
) -> dict[str, Any]:
    """Release some results; one that was detected only alone, and only by somebody who has looked at its curves.

    Args:
        actor: who releases.
        client_id: id made by the sender.
        result_ids: versions to release.
        looked: the actor says to have seen the curves of its wells, or the Ct values where the run has no curves; kept
            with a result that was detected.

    Returns:
        `released` (how many) and `verdicts`, one for each result.

    Raises:
        NotFound: one of them is not in the actor's places.
        Refused: several, and one of them was detected.
    """
    standings = lock_chosen(session, actor=actor, result_ids=result_ids)
    check_positives_alone(standings)
    verdicts = _release(session, actor, standings, looked=looked)
    return {"released": sum(verdict["verdict"] == "good" for verdict in verdicts), "verdicts": verdicts}


def _release(
    session: Session, actor: Actor, standings: Sequence[Standing], *, looked: bool = False
) -> list[dict[str, Any]]:
    blocked = {item.result_id: list_obstacles_to_release(item, looked=looked) for item in standings}
    free = [item for item in standings if not blocked[item.result_id]]
    look = _name_look(session, free)
    move_results(
        session, free, status="released", released_by_id=actor.user_id, released_at=clock.now(), look=look
    )
    if free:
        _close_declarations(session, free)
        _ask_where_unclear(session, free)
        announce_released(session, free)
    return [give_verdict(item, blocked[item.result_id], wanted="released") for item in standings]


def _name_look(session: Session, released: Sequence[Standing]) -> str | None:
    """Return what there was to be seen of a positive; it is released alone. None of all others."""
    for item in released:
        if item.finding == "detected":
            return "curve" if queries.has_curves(session, run_id=item.run_id, pool_id=item.pool_id) else "ct"
    return None


def _close_declarations(session: Session, released: Sequence[Standing]) -> None:
    """Close what was declared; one whose result was amended is closed already."""
    ids = session.scalars(
        select(Declaration.id)
        .where(
            Declaration.id.in_({item.declaration_id for item in released}), Declaration.status == "sampled"
        )
        .order_by(Declaration.id)
        .with_for_update()
    ).all()
    if not ids:
        return
    session.execute(
        update(Declaration).where(Declaration.id.in_(ids)).values(status="closed", closed_at=clock.now())
    )
    for declaration_id in ids:
        audit.note(session, "declaration", declaration_id, "closed")


def _ask_where_unclear(session: Session, released: Sequence[Standing]) -> None:
    """Ask for new samples where the test gave no clear finding."""
    by_finding: defaultdict[str, list[uuid.UUID]] = defaultdict(list)
    for item in released:
        if item.finding in UNCLEAR:
            by_finding[item.finding].append(item.sample_id)
    for finding, ids in by_finding.items():
        samples = queries.lock_samples(session, sample_ids=ids)
        ask_for_new_samples(session, samples=samples, reason=finding, keep_results=True)


@action
def hold_results(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    result_ids: Sequence[uuid.UUID],
    note: str,
) -> dict[str, Any]:
    """Put results that are not released on hold; whoever takes them off has them verified again.

    Args:
        actor: the supervisor.
        client_id: id made by the sender.
        result_ids: versions to hold.
        note: why, at most 500 characters.

    Returns:
        `held` (how many) and `verdicts`.

    Raises:
        InvalidInput: no reason is given.
        NotFound: one of them is not in the actor's places.
    """
    note = check_reason(note, field="note")
    standings = lock_chosen(session, actor=actor, result_ids=result_ids)
    blocked = {item.result_id: _list_obstacles_to_move(item, "held") for item in standings}
    free = [item.result_id for item in standings if item.status != "held" and not blocked[item.result_id]]
    _move(
        session,
        free,
        verb="held",
        status="held",
        hold_reason="supervisor",
        hold_note=note,
        held_by_id=actor.user_id,
        held_at=clock.now(),
        hold_ended_by_id=None,
        hold_ended_at=None,
        hold_end_note="",
    )
    return {
        "held": len(free),
        "verdicts": [give_verdict(i, blocked[i.result_id], wanted="held") for i in standings],
    }


@action
def unhold_results(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    result_ids: Sequence[uuid.UUID],
    note: str,
) -> dict[str, Any]:
    """Take results off a hold that a person set; they wait for verification again.

    A hold for confirmation or discordance ends by the confirmation or by the supervisor's decision, never here.

    Args:
        actor: the supervisor.
        client_id: id made by the sender.
        result_ids: versions on hold.
        note: what was found out, at most 500 characters; kept beside the reason of the hold.

    Returns:
        `unheld` (how many) and `verdicts`.

    Raises:
        InvalidInput: nothing is said of what was found out.
        NotFound: one of them is not in the actor's places.
    """
    note = check_reason(note, field="note")
    standings = lock_chosen(session, actor=actor, result_ids=result_ids)
    blocked = {item.result_id: _list_obstacles_to_unhold(item) for item in standings}
    free = [item.result_id for item in standings if item.status == "held" and not blocked[item.result_id]]
    _move(
        session,
        free,
        verb="unheld",
        status="preliminary",
        hold_reason=None,
        hold_ended_by_id=actor.user_id,
        hold_ended_at=clock.now(),
        hold_end_note=note,
    )
    verdicts = [give_verdict(item, blocked[item.result_id], wanted="preliminary") for item in standings]
    return {"unheld": len(free), "verdicts": verdicts}


def _move(session: Session, ids: Sequence[uuid.UUID], *, verb: str, **columns: object) -> None:
    """Hold or unhold: whatever was verified before counts no more."""
    if not ids:
        return
    session.execute(
        update(Result).where(Result.id.in_(ids)).values(verified_by_id=None, verified_at=None, **columns)
    )
    for result_id in ids:
        audit.note(session, "result", result_id, verb)


def _list_obstacles_to_move(standing: Standing, wanted: str) -> list[Obstacle]:
    if RESULT.can(standing.status, wanted):
        return []
    message = N_("This result is %(state)s. Load the list again to see what waits.")
    return [Obstacle("wrong_state", message, {"state": standing.status})]


def _list_obstacles_to_unhold(standing: Standing) -> list[Obstacle]:
    if standing.status == "held" and standing.hold_reason in ENDS_BY_ITSELF:
        return [Obstacle("held", HOLDS[standing.hold_reason])]
    return _list_obstacles_to_move(standing, "preliminary")


def check_reason(text: str, *, field: str) -> str:
    """Return a reason without blanks around it.

    Raises:
        InvalidInput: there is none, or it is longer than 500 characters.
    """
    reason = text.strip()
    if not reason:
        raise InvalidInput("Write the reason: it stays in the record.", field=field)
    if len(reason) > MOST_NOTE:
        raise InvalidInput(
            "The reason has more than %(most)s characters. Shorten it.", field=field, most=MOST_NOTE
        )
    return reason
