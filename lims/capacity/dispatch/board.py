"""What the page and the API show of dispatch: the newest plan laid over what is there now, as far as the actor sees."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from lims.auth.actors import Actor
from lims.capacity.models.dispatch import DispatchPlan, DispatchPlanBox
from lims.capacity.queries import dispatch as queries
from lims.capacity.queries.dispatch import BoxFacts, LaboratoryFacts


@dataclass(frozen=True)
class Row:
    """A box that needs a place.

    Args:
        box: as it is now.
        line: what the newest plan says of it; None where it was sealed after the plan, or that laboratory has closed.
    """

    box: BoxFacts
    line: DispatchPlanBox | None

    @property
    def id(self) -> uuid.UUID:
        """The box's key."""
        return self.box.id

    @property
    def laboratory_id(self) -> uuid.UUID | None:
        """Where it should go."""
        return self.line.laboratory_id if self.line else None

    @property
    def urgent(self) -> bool:
        """Whether it goes nowhere, or is on the road to a laboratory that has closed."""
        return self.box.status == "dispatched" or (self.line is not None and self.line.laboratory_id is None)


@dataclass(frozen=True)
class Board:
    """Dispatch of a province now.

    Args:
        plan: the newest; None before the first.
        is_stale: something was changed after it: a closure, a choice by hand, a box sealed.
        rows: boxes that need a place, those to be redirected first.
        coming: boxes on the road to laboratories that are open.
        coming_samples: laboratory → samples on the road to it.
        laboratories: by name.
        names: of all laboratories.
    """

    plan: DispatchPlan | None
    is_stale: bool
    rows: Sequence[Row]
    coming: Sequence[BoxFacts]
    coming_samples: Mapping[uuid.UUID, int]
    laboratories: Sequence[LaboratoryFacts]
    names: Mapping[uuid.UUID, str]

    @property
    def planned_at(self) -> datetime | None:
        """When the plan was made."""
        return self.plan.planned_at if self.plan else None


def read_board(session: Session, *, actor: Actor, province_id: uuid.UUID) -> Board:
    """Return dispatch of a province; whoever does not lead it sees only what leaves or comes to their places.

    Args:
        session: reading session.
        actor: who looks.
        province_id: one in which they work.
    """
    facts = queries.read_facts(session, province_id=province_id)
    plan = queries.find_plan(session, province_id=province_id)
    lines = {line.box_id: line for line in plan.boxes} if plan else {}
    names = {one.id: one.name for one in facts.laboratories}
    rows = []
    for box in facts.ready:
        line = lines.get(box.id)
        if line is not None and line.laboratory_id in facts.closed_ids:
            line = None
        if actor.sees(box.origin_id) or actor.sees(box.laboratory_id or box.origin_id) or _comes(actor, line):
            rows.append(Row(box, line))
    rows.sort(key=lambda row: (not row.urgent, row.box.since))
    coming = [box for box in facts.coming if actor.sees(box.origin_id) or actor.sees(box.laboratory_id)]
    changed = plan is not None and queries.changed_since(
        session, province_id=province_id, moment=plan.planned_at
    )
    return Board(
        plan=plan,
        is_stale=changed or any(box.id not in lines for box in facts.ready),
        rows=rows,
        coming=coming,
        coming_samples=queries.count_by_laboratory(facts.coming),
        laboratories=[one for one in facts.laboratories if actor.sees(one.id)],
        names=names,
    )


def _comes(actor: Actor, line: DispatchPlanBox | None) -> bool:
    return line is not None and line.laboratory_id is not None and actor.sees(line.laboratory_id)
