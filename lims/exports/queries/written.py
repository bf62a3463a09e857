"""The list of files that were taken away, and the one that a file is."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from lims.auth.actors import Actor
from lims.exports.models import Export


def list_exports(session: Session, *, actor: Actor, most: int = 50) -> Sequence[Export]:
    """Return the newest exports: one's own; whoever manages accounts sees everybody's."""
    query = (
        select(Export)
        .options(joinedload(Export.asked_by))
        .order_by(Export.asked_at.desc(), Export.id)
        .limit(most)
    )
    if not actor.can("manage_accounts"):
        query = query.where(Export.asked_by_id == actor.user_id)
    return session.scalars(query).all()


def find_export_by_hash(session: Session, *, sha256: bytes) -> Export | None:
    """Return the export of a file's hash, or None where this installation wrote no such file."""
    return session.scalars(
        select(Export).options(joinedload(Export.asked_by)).where(Export.sha256 == sha256)
    ).first()
