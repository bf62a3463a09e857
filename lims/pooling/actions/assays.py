"""Assays: drafted by one person, agreed by another, never changed, followed by the next version."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.errors import AlreadyDone, NotFound, Refused
from lims.extensions import db
from lims.pooling.assays import read_definition
from lims.pooling.models import Assay
from lims.pooling.queries import assays as queries
from lims.pooling.seed_assays import list_seed_assays
from lims.tables import new_id
from lims.transaction import action


@action
def draft_assay(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, definition: Mapping[str, Any]
) -> dict[str, Any]:
    """Draft the next version of an assay; it can be used after a second person agreed.

    Args:
        actor: who drafts it.
        client_id: id made by the sender.
        definition: as `assays.Assay.to_definition` writes it.

    Returns:
        `assay_id`, `name`, `version`.

    Raises:
        InvalidInput: the definition is incomplete or contradicts itself.
    """
    assay = read_definition(definition)
    row = Assay(
        id=new_id(),
        name=assay.name,
        version=queries.find_last_version(session, name=assay.name) + 1,
        definition=assay.to_definition(),
        status="draft",
        drafted_by_id=actor.user_id,
        created_at=clock.now(),
    )
    session.add(row)
    session.flush()
    audit.note(session, "assay", row.id, "drafted", name=row.name, version=row.version)
    return {"assay_id": str(row.id), "name": row.name, "version": row.version}


@action
def agree_assay(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, assay_id: uuid.UUID
) -> dict[str, Any]:
    """Agree to a drafted assay; the version agreed on before is retired.

    Args:
        actor: a second person.
        client_id: id made by the sender.
        assay_id: the draft.

    Returns:
        `assay_id`, `name`, `version`, `status`.

    Raises:
        NotFound: there is no such assay.
        AlreadyDone: it is agreed already.
        Refused: the actor drafted it, or it is retired.
    """
    row = session.get(Assay, assay_id, with_for_update={"of": Assay})
    if row is None:
        raise NotFound("There is no such assay. Choose one from the list.", field="assay_id")
    words: dict[str, object] = {"assay": row.name, "version": row.version}
    if row.status == "agreed":
        raise AlreadyDone("%(assay)s version %(version)s is agreed already.", field="assay_id", **words)
    if row.status != "draft":
        raise Refused(
            "%(assay)s version %(version)s is retired. Draft the next one.", field="assay_id", **words
        )
    if actor.user_id is None or actor.user_id == row.drafted_by_id:
        raise Refused(
            "%(assay)s version %(version)s was drafted by you. A second person must agree.",
            field="assay_id",
            **words,
        )
    earlier = session.scalars(select(Assay).where(Assay.name == row.name, Assay.status == "agreed")).all()
    newer = next((old for old in earlier if old.version > row.version), None)
    if newer is not None:
        raise Refused(
            "%(assay)s version %(newer)s is agreed already, which is newer than version %(version)s. "
            "Draft the next one.",
            field="assay_id",
            newer=newer.version,
            **words,
        )
    session.execute(update(Assay).where(Assay.id.in_([old.id for old in earlier])).values(status="retired"))
    row.status, row.agreed_by_id = "agreed", actor.user_id
    session.flush()
    for old in earlier:
        audit.note(session, "assay", old.id, "retired", name=old.name, version=old.version)
    audit.note(session, "assay", row.id, "agreed", name=row.name, version=row.version)
    return {"assay_id": str(row.id), "name": row.name, "version": row.version, "status": "agreed"}


def install_seed_assays(*, actor: Actor, second: Actor) -> list[dict[str, Any]]:
    """Draft and agree the assays that come with the product, for the demonstration and for tests.

    All but the last are agreed; that one stays a draft, as its maker's own limits are not confirmed. An assay
    whose name is known already is left as it is, so a second call changes nothing.

    Args:
        actor: drafts them.
        second: agrees; another person.

    Returns:
        One answer of `draft_assay` for each that was new, the usual one first.
    """
    seeds = list_seed_assays()
    known = {assay.name for assay in queries.list_assays(db.session())}
    made = []
    for assay in seeds:
        if assay.name in known:
            continue
        drafted = draft_assay(actor=actor, definition=assay.to_definition())
        if assay is not seeds[-1]:
            agree_assay(actor=second, assay_id=uuid.UUID(drafted["assay_id"]))
        made.append(drafted)
    return made
