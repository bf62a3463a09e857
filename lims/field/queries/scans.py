"""Reading what phones sent: known scans, those not judged yet, and the claims that may contradict each other."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, case, or_, select
from sqlalchemy.orm import Session, joinedload

from lims.field.conflicts import Claim
from lims.field.models import Device, Enrolment, FieldScan
from lims.intake.models import Declaration, Discrepancy, Sample, Tube
from lims.places.models import Campaign


def map_known(session: Session, *, scan_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Any]:
    """Return `id, content_hash, answer` of the scans that are kept already, by their ids."""
    rows = session.execute(
        select(FieldScan.id, FieldScan.content_hash, FieldScan.answer).where(
            FieldScan.id.in_(sorted(scan_ids))
        )
    )
    return {row.id: row for row in rows}


def list_not_judged(session: Session, *, device_ids: Collection[uuid.UUID], most: int) -> Sequence[FieldScan]:
    """Return the scans of some phones that were kept and not judged yet, in the order of scanning."""
    return session.scalars(
        select(FieldScan)
        .where(FieldScan.device_id.in_(sorted(device_ids)), FieldScan.verdict.is_(None))
        .options(joinedload(FieldScan.device).joinedload(Device.enrolment).joinedload(Enrolment.campaign))
        .order_by(FieldScan.device_id, FieldScan.seq, FieldScan.id)
        .limit(most)
        .execution_options(populate_existing=True)
    ).all()


def map_answers(session: Session, *, scan_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    """Return what some scans were answered; those not judged yet are not in it."""
    rows = session.execute(
        select(FieldScan.id, FieldScan.answer).where(
            FieldScan.id.in_(sorted(scan_ids)), FieldScan.verdict.is_not(None)
        )
    )
    return {row.id: row.answer for row in rows}


def find_taken_back(session: Session, *, scan_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return which of some scans are taken back by another one, judged already or not."""
    return {
        key
        for key in session.scalars(
            select(FieldScan.of_scan_id).where(
                FieldScan.kind == "undo", FieldScan.of_scan_id.in_(sorted(scan_ids))
            )
        )
        if key is not None
    }


def map_campaigns_of_tubes(session: Session, *, tube_codes: Collection[str]) -> dict[str, uuid.UUID]:
    """Return the campaigns of some tubes by their codes."""
    rows = session.execute(select(Tube.code, Tube.campaign_id).where(Tube.code.in_(sorted(tube_codes))))
    return {row.code: row.campaign_id for row in rows}


def map_tubes(session: Session, *, tube_codes: Collection[str]) -> dict[str, uuid.UUID]:
    """Return the keys of some tubes by their codes."""
    rows = session.execute(select(Tube.code, Tube.id).where(Tube.code.in_(sorted(tube_codes))))
    return {row.code: row.id for row in rows}


def map_declarations(session: Session, *, declaration_codes: Collection[str]) -> dict[str, Any]:
    """Return `code, id, attempt` of some declarations by their codes."""
    rows = session.execute(
        select(Declaration.code, Declaration.id, Declaration.attempt).where(
            Declaration.code.in_(sorted(declaration_codes))
        )
    )
    return {row.code: row for row in rows}


def list_claims(
    session: Session, *, tube_codes: Collection[str], declaration_codes: Collection[str]
) -> list[Claim]:
    """Return every claim on some tubes and on some declarations: of phones, taken or refused, and of the desk."""
    limit = case((Tube.mode == "single", 1), else_=Campaign.mixed_tube_size)
    of_phones = (
        select(
            Tube.code,
            Tube.mode,
            limit,
            FieldScan.declaration_code,
            FieldScan.attempt,
            FieldScan.session_id,
        )
        .join(Tube, Tube.code == FieldScan.tube_code)
        .join(Campaign, Campaign.id == Tube.campaign_id)
        .where(
            FieldScan.kind == "bind",
            FieldScan.verdict.is_not(None),
            ~FieldScan.taken_back,
            FieldScan.declaration_code.is_not(None),
            FieldScan.attempt.is_not(None),
            or_(
                FieldScan.tube_code.in_(sorted(tube_codes)),
                FieldScan.declaration_code.in_(sorted(declaration_codes)),
            ),
        )
    )
    of_the_desk = (
        select(Tube.code, Tube.mode, limit, Declaration.code, Sample.attempt, Tube.session_id)
        .select_from(Sample)
        .join(Tube, Tube.id == Sample.tube_id)
        .join(Declaration, Declaration.id == Sample.declaration_id)
        .join(Campaign, Campaign.id == Tube.campaign_id)
        .where(
            Sample.status != "void",
            ~select(FieldScan.id).where(FieldScan.id == Sample.client_id).exists(),
            or_(
                Tube.code.in_(sorted(tube_codes)),
                Declaration.code.in_(sorted(declaration_codes)),
            ),
        )
    )
    return [Claim(*row) for query in (of_phones, of_the_desk) for row in session.execute(query)]


def find_discrepancies(
    session: Session, *, tube_ids: Collection[uuid.UUID], declaration_ids: Collection[uuid.UUID]
) -> set[tuple[str, uuid.UUID]]:
    """Return the kinds of discrepancies, open or settled, of some tubes and declarations, with what they are about."""
    return {
        (kind, key)
        for column, keys in (
            (Discrepancy.tube_id, tube_ids),
            (Discrepancy.declaration_id, declaration_ids),
        )
        for kind, key in session.execute(_kinds(column, column.in_(sorted(keys))))
    }


def _kinds(column: Any, condition: ColumnElement[bool]) -> Any:
    return select(Discrepancy.kind, column).where(condition)


def find_namesake(session: Session, *, code: str, campaign_id: uuid.UUID) -> Declaration | None:
    """Return a declaration of a campaign that may be that of the person on a card, with the person's papers."""
    return (
        session.scalars(
            select(Declaration).where(
                Declaration.code == code,
                Declaration.campaign_id == campaign_id,
                Declaration.status.in_(("open", "sampled")),
            )
        )
        .unique()
        .first()
    )
