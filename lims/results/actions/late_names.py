"""What a supervisor decides in the laboratory: names that came after the test, and pools that contradict their members.

Both are discrepancies; intake lists and shows them and calls the actions registered here (`lims.intake.settling`).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lims import audit
from lims.auth.actors import Actor
from lims.errors import InvalidInput, Refused
from lims.intake import late_names as asking
from lims.intake import settling
from lims.intake.actions.discrepancies import check_settlement, mark_settled
from lims.intake.models import Declaration, Discrepancy, Sample, Tube
from lims.intake.queries.discrepancies import get_discrepancy
from lims.intake.rules import DECLARATION, SAMPLE
from lims.pooling.resolution import close_resolved, late_outcomes
from lims.results.actions.review import ask_again, open_discordances, write_results
from lims.results.actions.withdrawing import take_back
from lims.results.models import Result
from lims.results.queries import late_names as late
from lims.transaction import action


@action
def settle_late_binding(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    discrepancy_id: uuid.UUID,
    settlement: str,
    note: str,
) -> dict[str, Any]:
    """Decide about a name that came after its tube was tested (DESIGN §3, rule 7).

    "accepted": the name is right; once all names of the tube are there, all its people get the finding of its last
    test. "dismissed": the scan was a mistake; the name is taken off the tube. "resample": this person is asked for a
    new sample.

    Args:
        actor: the supervisor; counts as who entered the results that follow, so that a second person verifies them.
        client_id: id made by the sender.
        discrepancy_id: of kind late_binding.
        settlement: one of the three words above.
        note: why, 3 to 500 characters.

    Returns:
        `id`, `settlement`, `results` (how many were written), `asked_again`.

    Raises:
        NotFound: there is none among the actor's places.
        AlreadyDone: it is settled.
        InvalidInput: an unknown settlement, or no note.
        Refused: it names no tube.
    """
    discrepancy = _lock(session, actor, discrepancy_id, settlement, note)
    tube = session.get(Tube, discrepancy.tube_id, with_for_update=True) if discrepancy.tube_id else None
    if tube is None:
        raise Refused(
            "This discrepancy belongs to no tube. Settle it as a discrepancy of collection.", field="kind"
        )
    samples = late.lock_bound_samples(session, tube_id=tube.id)
    of_person = [sample for sample in samples if sample.declaration_id == discrepancy.declaration_id]
    asked: list[tuple[uuid.UUID, str]] = []
    if settlement == "dismissed":
        _unbind(session, of_person)
    elif settlement == "resample":
        asked = [(sample.id, "late_binding") for sample in of_person]
        ask_again(session, asked)
    mark_settled(session, actor=actor, discrepancy=discrepancy, settlement=settlement, note=note)
    written, more = _report_late(session, actor, tube, samples)
    return {
        "id": str(discrepancy.id),
        "settlement": settlement,
        "results": written,
        "asked_again": len(asked) + more,
    }


def _lock(
    session: Session, actor: Actor, discrepancy_id: uuid.UUID, settlement: str, note: str
) -> Discrepancy:
    discrepancy = get_discrepancy(session, actor=actor, discrepancy_id=discrepancy_id, lock=True)
    check_settlement(discrepancy, settlement=settlement, note=note)
    return discrepancy


def _unbind(session: Session, samples: Sequence[Sample]) -> None:
    """Take names off a tube that never belonged there; their people are to be sampled."""
    for sample in samples:
        SAMPLE.check(sample.status, "void", code="sample")
        sample.status = "void"
        audit.note(session, "sample", sample.id, "void", reason="late_binding")
    declarations = session.scalars(
        select(Declaration)
        .where(Declaration.id.in_([sample.declaration_id for sample in samples]))
        .with_for_update(of=Declaration)
    )
    for declaration in declarations:
        if DECLARATION.can(declaration.status, "open"):
            declaration.status = "open"
            audit.note(session, "declaration", declaration.id, "opened_again", reason="late_binding")
    session.flush()


def _report_late(session: Session, actor: Actor, tube: Tube, samples: Sequence[Sample]) -> tuple[int, int]:
    """Report a tube's test to all its people, once all names are there and none is in doubt.

    Returns:
        How many results were written, and how many people are asked for a new sample.
    """
    session.flush()
    if late.is_in_doubt(session, tube_id=tube.id):
        return 0, 0
    resolution = late_outcomes(session, samples=samples)
    written = write_results(session, outcomes=resolution.outcomes, entered_by_id=actor.user_id)
    ask_again(session, resolution.ask_again)
    open_discordances(session, resolution.discordant_pool_ids)
    session.flush()
    close_resolved(session, resolution.pool_ids)
    return written, len(resolution.ask_again)


@action
def settle_discordance(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    discrepancy_id: uuid.UUID,
    settlement: str,
    note: str,
) -> dict[str, Any]:
    """Decide about a positive pool none of whose members was found positive (DESIGN §3, rule 4).

    "accepted": the members' own tests count; their results wait for verification like all others. "resample": nothing
    is reported and everybody is asked for a new sample.

    Args:
        actor: the supervisor.
        client_id: id made by the sender.
        discrepancy_id: of kind discordance.
        settlement: "accepted" or "resample".
        note: why, 3 to 500 characters.

    Returns:
        `id`, `settlement`, `results` (how many were let go), `asked_again`.

    Raises:
        NotFound: there is none among the actor's places.
        AlreadyDone: it is settled.
        InvalidInput: a settlement that leaves the members without an answer, or no note.
    """
    discrepancy = _lock(session, actor, discrepancy_id, settlement, note)
    if settlement == "dismissed":
        raise InvalidInput(
            "A discordance cannot be dismissed: accept the members' own tests, or ask for new samples.",
            field="settlement",
        )
    held = late.lock_held_for_discordance(session, pool_id=discrepancy.pool_id)
    ids = [row.id for row in held]
    if settlement == "accepted":
        _let_go(session, ids)
    else:
        take_back(session, ids, reason="discordance")
        ask_again(session, [(row.sample_id, "discordance") for row in held])
    mark_settled(session, actor=actor, discrepancy=discrepancy, settlement=settlement, note=note)
    let_go = len(ids) if settlement == "accepted" else 0
    return {
        "id": str(discrepancy.id),
        "settlement": settlement,
        "results": let_go,
        "asked_again": len(ids) - let_go,
    }


def _let_go(session: Session, ids: Sequence[uuid.UUID]) -> None:
    if ids:
        session.execute(
            update(Result).where(Result.id.in_(ids)).values(status="preliminary", hold_reason=None)
        )
    for result_id in ids:
        audit.note(session, "result", result_id, "unheld", reason="discordance")


asking.ask(late.find_called_tubes)
asking.ask_for_tubes_in_test(late.find_tubes_in_test)
settling.settle_with("late_binding", settle_late_binding)
settling.settle_with("discordance", settle_discordance)
