"""Reading assays: agreed versions, and the rules in them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lims.errors import NotFound, Refused
from lims.pooling.models import Assay


def list_agreed_assays(session: Session) -> Sequence[Assay]:
    """Return the assays that may be used, the one agreed on first at the head: it is the usual one."""
    return session.scalars(
        select(Assay).where(Assay.status == "agreed").order_by(Assay.created_at, Assay.id)
    ).all()


def list_assays(session: Session, *, most: int = 200) -> Sequence[Assay]:
    """Return all versions of all assays, by name and the newest version first."""
    return session.scalars(select(Assay).order_by(Assay.name, Assay.version.desc()).limit(most)).all()


def get_assay(session: Session, *, assay_id: uuid.UUID) -> Assay:
    """Return an assay in any state.

    Raises:
        NotFound: there is no such assay.
    """
    assay = session.get(Assay, assay_id)
    if assay is None:
        raise NotFound("There is no such assay. Choose one from the list.", field="assay_id")
    return assay


def get_usable_assay(session: Session, *, assay_id: uuid.UUID | None) -> Assay:
    """Return an assay that a plate may be planned with.

    Args:
        session: reading or writing session.
        assay_id: which; None: the usual one.

    Raises:
        NotFound: there is no such assay.
        Refused: it is not agreed by two people, or was replaced by a newer version; or there is none at all.
    """
    if assay_id is None:
        agreed = list_agreed_assays(session)
        if not agreed:
            raise Refused(
                "No assay has been agreed yet. Two supervisors must agree on one first.", field="assay_id"
            )
        return agreed[0]
    assay = get_assay(session, assay_id=assay_id)
    if assay.status == "draft":
        raise Refused(
            "%(assay)s version %(version)s is not agreed by a second person yet.",
            field="assay_id",
            assay=assay.name,
            version=assay.version,
        )
    if assay.status != "agreed":
        raise Refused(
            "%(assay)s version %(version)s was replaced by a newer version. Choose that one.",
            field="assay_id",
            assay=assay.name,
            version=assay.version,
        )
    return assay


def find_last_version(session: Session, *, name: str) -> int:
    """Return the number of an assay's newest version, 0 where there is none."""
    return session.scalar(select(func.max(Assay.version)).where(Assay.name == name)) or 0
