"""Reading where a laboratory keeps its tubes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.intake.models import Storage


def list_storages(session: Session, *, laboratory_id: uuid.UUID) -> Sequence[Storage]:
    """Return a laboratory's refrigerators and freezers by name."""
    return session.scalars(
        select(Storage).where(Storage.laboratory_id == laboratory_id).order_by(Storage.name, Storage.id)
    ).all()
