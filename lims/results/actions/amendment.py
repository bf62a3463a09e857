"""A result is amended, never overwritten (DESIGN §3, rule 13; ISO 15189:2022, 7.4.1.8)."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.errors import InvalidInput, Refused
from lims.intake.models import Sample
from lims.pooling.rules import FINDINGS
from lims.results.actions.release import check_reason
from lims.results.announcing import announce_taken_back
from lims.results.models import Result
from lims.results.queries import results as queries
from lims.results.rules import RESULT
from lims.tables import new_id
from lims.transaction import action


@action
def amend_result(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    result_id: uuid.UUID,
    finding: str,
    reason: str,
) -> dict[str, Any]:
    """Write the next version of a result, with the reason; the version before stays readable.

    The amendment waits for a second person like every other result: whoever amends does not verify.

    Args:
        actor: the supervisor who amends.
        client_id: id made by the sender.
        result_id: the current version.
        finding: what is to be reported from now on.
        reason: why, at most 500 characters; stays in the record.

    Returns:
        `result` (id of the new version), `version`, `status`.

    Raises:
        InvalidInput: an unknown finding, or no reason.
        NotFound: no such result in the actor's places.
        Refused: it is not the current version, its sample is closed, or it is on hold for a reason that must end
            first.
    """
    before = queries.lock_result(session, actor=actor, result_id=result_id)
    reason = check_reason(reason, field="reason")
    if finding not in FINDINGS:
        raise InvalidInput(
            "“%(finding)s” is not a finding. Choose one of the list.", field="finding", finding=finding
        )
    sample = session.get(Sample, before.sample_id, with_for_update=True)
    if before.status in ("superseded", "held") or sample is None or sample.status != "resulted":
        raise Refused(
            "Only the current result of a sample with a result can be amended, and not while it is on hold. "
            "Open the latest version.",
            field="result_id",
        )
    RESULT.check(before.status, "superseded", code=f"v{before.version}", field="result_id")
    was_released = before.status == "released"
    before.status = "superseded"
    session.flush()
    after = Result(
        id=new_id(),
        sample_id=before.sample_id,
        version=before.version + 1,
        status="preliminary",
        finding=finding,
        pool_id=before.pool_id,
        run_id=before.run_id,
        laboratory_id=before.laboratory_id,
        entered_by_id=actor.user_id,
        created_at=clock.now(),
        amendment_reason=reason,
    )
    session.add(after)
    sample.finding = finding
    if was_released:
        announce_taken_back(session, [before.id], reason)
    audit.note(session, "result", before.id, "superseded", by_version=after.version)
    audit.note(
        session, "result", after.id, "amended", version=after.version, finding=finding, before=before.finding
    )
    audit.note(session, "sample", sample.id, "amended", version=after.version, finding=finding)
    return {"result": str(after.id), "version": after.version, "status": after.status}
