"""Keeping a scenario and dropping one."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.capacity.models.scenarios import KeptScenario
from lims.capacity.scenarios import queries
from lims.capacity.scenarios.rules import read_scenario
from lims.errors import InvalidInput, NotFound
from lims.tables import new_id
from lims.transaction import action


@action
def keep_scenario(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    province_id: uuid.UUID,
    document: Mapping[str, Any],
) -> dict[str, str]:
    """Keep a scenario, so that others of the province see it and it can be compared.

    Without laboratories in the document, those of the province as they are now are kept with it.

    Args:
        actor: who keeps it.
        client_id: id made by the sender.
        province_id: in which the actor works.
        document: as `rules.read_scenario` takes it, with a name.

    Returns:
        `scenario` and `name`.

    Raises:
        NotFound: no such province among those in which the actor works.
        InvalidInput: something is impossible, or it has no name; names the field.
    """
    provinces = queries.list_own_provinces(session, actor=actor)
    if province_id not in {place.id for place in provinces}:
        raise NotFound("There is no such province among your places.", field="province_id")
    whole = dict(document)
    if whole.get("laboratories") is None:
        whole["laboratories"] = queries.list_live_laboratories(session, actor=None, province_id=province_id)
    whole.setdefault("starts_on", clock.today().isoformat())
    scenario = read_scenario(whole, starts_on=clock.today())
    if not scenario.name:
        raise InvalidInput("Give the scenario a name, so that others can tell it apart.", field="name")
    row = KeptScenario(
        id=new_id(),
        name=scenario.name,
        province_id=province_id,
        document=whole,
        kept_by_id=actor.user_id,
        kept_at=clock.now(),
    )
    session.add(row)
    audit.note(session, "scenario", row.id, "scenario_kept", name=row.name)
    return {"scenario": str(row.id), "name": row.name}


@action
def drop_scenario(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, scenario_id: uuid.UUID
) -> dict[str, str]:
    """Take a kept scenario off the list; it can be calculated again from its document.

    Args:
        actor: who drops it.
        client_id: id made by the sender.
        scenario_id: of a province in which the actor works.

    Returns:
        `scenario` and `name`.

    Raises:
        NotFound: no such scenario among the actor's.
    """
    row = queries.get_scenario(session, actor=actor, scenario_id=scenario_id, lock=True)
    audit.note(session, "scenario", row.id, "scenario_dropped", name=row.name)
    session.delete(row)
    return {"scenario": str(row.id), "name": row.name}
