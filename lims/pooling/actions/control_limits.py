"""A control's limits are approved: mean and spread frozen, and which of Westgard's rules hold a release."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.errors import InvalidInput, Refused
from lims.pooling.models import ControlLimits
from lims.pooling.queries.controls import IN_CONTROL, ChartKey, list_series, map_limits
from lims.pooling.westgard import LEAST_RUNS, RULES, RUNS_FOR_LIMITS, limits_of
from lims.tables import new_id
from lims.transaction import action


@action
def approve_limits(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    laboratory_id: uuid.UUID,
    assay_name: str,
    kit_lot: str,
    instrument: str,
    control: str,
    target: str,
    blocking: Sequence[str] = (),
) -> dict[str, Any]:
    """Freeze a control's limits from its first 20 runs, or change which rules hold a release.

    Limits that are approved stay as they are: only the rules change then.

    Args:
        actor: supervisor.
        client_id: id made by the sender.
        laboratory_id, assay_name, kit_lot, instrument: which chart.
        control: kind of the control.
        target: name of the target.
        blocking: words of `westgard.RULES`.

    Returns:
        `mean`, `sd`, `count`, `blocking`.

    Raises:
        NotFound: the laboratory is not among the actor's.
        InvalidInput: an unknown rule.
        Refused: the control has fewer than two runs with a Ct.
    """
    actor.check_place(laboratory_id)
    rules = [rule for rule in RULES if rule in set(blocking)]
    if len(rules) != len(set(blocking)):
        raise InvalidInput("Choose the rules of the list.", field="blocking")
    key = ChartKey(laboratory_id, assay_name, kit_lot, instrument)
    row = map_limits(session, key=key).get((control, target))
    if row is None:
        row = _freeze(session, key, control, target)
        session.add(row)
    row.blocking = rules
    row.approved_by_id, row.approved_at = actor.user_id, clock.now()
    session.flush()
    audit.note(session, "control_limits", row.id, "limits_approved", kind=control, rules=rules)
    return {"mean": row.mean, "sd": row.sd, "count": row.count, "blocking": rules}


def _freeze(session: Session, key: ChartKey, control: str, target: str) -> ControlLimits:
    series = next(
        (
            one
            for one in list_series(session, key=key, statuses=IN_CONTROL)
            if one.control == control and one.target == target
        ),
        None,
    )
    values = [value for value in series.values if value is not None] if series else []
    if len(values) < LEAST_RUNS:
        raise Refused(
            "This control has too few runs with a Ct for limits: %(count)s of at least %(least)s.",
            field="target",
            count=len(values),
            least=LEAST_RUNS,
        )
    limits = limits_of(values[:RUNS_FOR_LIMITS])
    return ControlLimits(
        id=new_id(),
        laboratory_id=key.laboratory_id,
        assay_name=key.assay_name,
        kit_lot=key.kit_lot,
        instrument=key.instrument,
        control=control,
        target=target,
        mean=limits.mean,
        sd=limits.sd,
        count=limits.count,
        blocking=[],
    )
