"""What stands in the database, for tests that look at what an action left behind."""

from __future__ import annotations

from sqlalchemy import func, select

from lims.audit import Event
from lims.extensions import db
from lims.intake.models import Box, BoxTube, Declaration, Discrepancy, Sample, Tube


def find(model, **columns):
    """Return the one row with these values, read afresh, or None."""
    db.session.rollback()
    return db.session.scalars(select(model).filter_by(**columns)).unique().one_or_none()


def tube(code: str) -> Tube:
    return find(Tube, code=code)


def box(code: str) -> Box:
    return find(Box, code=code)


def declaration(code: str) -> Declaration:
    return find(Declaration, code=code)


def samples(tube_code: str) -> list[Sample]:
    """Return a tube's samples that count, by slot."""
    db.session.rollback()
    query = (
        select(Sample).join(Tube).where(Tube.code == tube_code, Sample.status != "void").order_by(Sample.slot)
    )
    return list(db.session.scalars(query))


def box_states(box_code: str) -> dict[str, str]:
    """Return the state of each tube in a box, by tube code."""
    db.session.rollback()
    query = (
        select(Tube.code, BoxTube.state)
        .join(BoxTube)
        .join(Box, Box.id == BoxTube.box_id)
        .where(Box.code == box_code)
    )
    return {row.code: row.state for row in db.session.execute(query)}


def discrepancies(**columns) -> list[Discrepancy]:
    """Return discrepancies, oldest first."""
    db.session.rollback()
    return list(
        db.session.scalars(select(Discrepancy).filter_by(**columns).order_by(Discrepancy.opened_at)).unique()
    )


def verbs(subject_id) -> list[str]:
    """Return what the chain of custody says of a subject."""
    db.session.rollback()
    return list(
        db.session.scalars(select(Event.verb).where(Event.subject_id == subject_id).order_by(Event.seq))
    )


def count_events() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Event))
