"""Who listens where: staff on call and webhooks of a place or of any place above it."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from lims.auth.actors import Actor
from lims.errors import NotFound
from lims.outbox.models import OnCall, Webhook
from lims.places.models import Place


def find_above(session: Session, *, place_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, set[uuid.UUID]]:
    """Return each place with all places above it, itself included, in one statement."""
    tree = (
        select(Place.id.label("place"), Place.id.label("above"), Place.parent_id)
        .where(Place.id.in_(place_ids))
        .cte("above", recursive=True)
    )
    parent = aliased(Place)
    tree = tree.union_all(
        select(tree.c.place, parent.id, parent.parent_id).where(parent.id == tree.c.parent_id)
    )
    found: defaultdict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    for place, above in session.execute(select(tree.c.place, tree.c.above)):
        found[place].add(above)
    return found


def find_on_call(
    session: Session, *, place_ids: Collection[uuid.UUID], hears: str = "alarms"
) -> dict[uuid.UUID, Sequence[tuple[uuid.UUID, str]]]:
    """Return who is on call for some places: (key, channel) of entries of the place or of one above it.

    Args:
        session: reading or writing session.
        place_ids: of what is told.
        hears: a word of `rules.HEARS`.
    """
    rows = session.execute(
        select(OnCall.id, OnCall.channel, OnCall.place_id)
        .where(OnCall.is_active, OnCall.hears == hears)
        .order_by(OnCall.id)
    ).all()
    if not rows:
        return {}
    above = find_above(session, place_ids=place_ids)
    return {
        place: [(row.id, row.channel) for row in rows if row.place_id in above[place]] for place in place_ids
    }


def find_webhooks(
    session: Session, *, place_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, dict[uuid.UUID, frozenset[str]]]:
    """Return the webhooks that hear of some places: key → its events, by place."""
    rows = session.execute(
        select(Webhook.id, Webhook.place_id, Webhook.events).where(Webhook.is_active).order_by(Webhook.id)
    ).all()
    if not rows:
        return {}
    above = find_above(session, place_ids=place_ids)
    return {
        place: {
            row.id: frozenset(row.events)
            for row in rows
            if row.place_id is None or row.place_id in above[place]
        }
        for place in place_ids
    }


def list_on_call(session: Session, *, actor: Actor) -> Sequence[OnCall]:
    """Return who is on call among the actor's places, by place."""
    query = (select(OnCall).join(Place, Place.id == OnCall.place_id).where(OnCall.is_active)).order_by(
        Place.name_key, OnCall.label, OnCall.id
    )
    if not actor.everywhere:
        query = query.where(OnCall.place_id.in_(actor.place_ids))
    return session.scalars(query).unique().all()


def get_on_call(session: Session, *, actor: Actor, on_call_id: uuid.UUID, lock: bool = False) -> OnCall:
    """Return an entry of the actor's places.

    Raises:
        NotFound: there is none.
    """
    entry = session.get(OnCall, on_call_id, with_for_update={"of": OnCall} if lock else None)
    if entry is None or not actor.sees(entry.place_id):
        raise NotFound("There is no such entry among your places. Load the list again.", field="on_call_id")
    return entry


def list_webhooks(session: Session) -> Sequence[Webhook]:
    """Return the webhooks in use, by name."""
    return session.scalars(select(Webhook).where(Webhook.is_active).order_by(Webhook.name, Webhook.id)).all()


def get_webhook(session: Session, *, webhook_id: uuid.UUID, lock: bool = False) -> Webhook:
    """Return a webhook.

    Raises:
        NotFound: there is none.
    """
    webhook = session.get(Webhook, webhook_id, with_for_update=lock or None)
    if webhook is None:
        raise NotFound("There is no such webhook. Load the list again.", field="webhook_id")
    return webhook
