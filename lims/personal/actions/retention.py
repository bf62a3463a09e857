"""Erasing what a campaign's term has ended for, some hundreds of people in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.field.models import Device, Enrolment, FieldScan
from lims.inbox import Inbound
from lims.intake.models import Discrepancy, PeopleImport
from lims.personal.actions.erasing import erase_discrepancies, erase_people, erase_scans
from lims.personal.queries import retention as queries
from lims.personal.rules import REFUSED_ROWS_DAYS
from lims.places.models import Campaign
from lims.transaction import action

PEOPLE_AT_ONCE = 500


@action
def erase_due_people(session: Session, *, actor: Actor) -> int:
    """Erase at most 500 people whose every campaign is past its term; return how many, 0 when none are left."""
    _overwrite(session)
    due = queries.list_due_people(session, today=clock.today(), most=PEOPLE_AT_ONCE)
    return len(erase_people(session, person_ids=due, reason="retention", erased_at=clock.now()))


@action
def erase_campaign_records(
    session: Session, *, actor: Actor, campaign_id: uuid.UUID, erased_at: datetime | None = None
) -> dict[str, int]:
    """Erase what a campaign kept as it came: refused rows and names of lists, scans of phones and desks.

    Counts, pools, results and the chain of custody stay.

    Args:
        actor: the system.
        campaign_id: its term is over.
        erased_at: the moment that is kept; now by default, the first one in a replay.

    Returns:
        How many `lists` and `discrepancies` were erased.
    """
    _overwrite(session)
    erased_before = session.scalar(
        select(Campaign.identities_erased_at).where(Campaign.id == campaign_id).with_for_update()
    )
    if erased_before is not None and erased_at is None:
        return {"lists": 0, "discrepancies": 0}  # by another worker of this night
    imports = list(
        session.scalars(select(PeopleImport.id).where(PeopleImport.campaign_id == campaign_id)).all()
    )
    _forget_lists(session, imports)
    discrepancies = erase_discrepancies(session, Discrepancy.campaign_id == campaign_id, names=())
    phones = (
        select(Device.id)
        .join(Enrolment, Enrolment.id == Device.enrolment_id)
        .where(Enrolment.campaign_id == campaign_id)
    )
    erase_scans(session, FieldScan.device_id.in_(phones))
    session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id)
        .values(identities_erased_at=erased_at or clock.now())
    )
    counts = {"lists": len(imports), "discrepancies": discrepancies}
    audit.note(session, "campaign", campaign_id, "identities_erased", lists=counts["lists"])
    return counts


@action
def erase_old_refused_rows(session: Session, *, actor: Actor) -> int:
    """Erase the refused rows of lists that nobody mended within a month; return of how many lists."""
    _overwrite(session)
    before = clock.now() - timedelta(days=REFUSED_ROWS_DAYS)
    return len(
        session.scalars(
            update(PeopleImport)
            .where(PeopleImport.refused_sealed.is_not(None), PeopleImport.imported_at < before)
            .values(refused_sealed=None)
            .returning(PeopleImport.id)
            .execution_options(synchronize_session=False)
        ).all()
    )


@action
def replay_people(session: Session, *, actor: Actor, erased: Collection[tuple[uuid.UUID, datetime]]) -> int:
    """Erase again whom an older copy of the database brought back; return how many.

    Args:
        actor: the system.
        erased: at most some hundreds, with the moment at which each was erased first.
    """
    _overwrite(session)
    first = min((moment for _, moment in erased), default=clock.now())
    keys = [key for key, _ in erased]
    return len(erase_people(session, person_ids=keys, reason="replayed", erased_at=first))


def _forget_lists(session: Session, import_ids: list[uuid.UUID]) -> None:
    """Forget the refused rows and the names of lists, in the answers kept for their senders as well."""
    session.execute(
        update(PeopleImport)
        .where(PeopleImport.id.in_(import_ids))
        .values(refused_sealed=None, file_name="")
        .execution_options(synchronize_session=False)
    )
    texts = {str(key) for key in import_ids}
    answers = session.execute(select(Inbound.id, Inbound.answer).where(Inbound.kind == "import_people")).all()
    changed: list[dict[str, Any]] = [
        {"id": row.id, "answer": {**row.answer, "file_name": "", "unused_columns": []}}
        for row in answers
        if row.answer and row.answer.get("import_id") in texts
    ]
    if changed:
        session.execute(update(Inbound), changed)


def _overwrite(session: Session) -> None:
    """Let SQLite write zeros over what is erased; PostgreSQL does so when the table is written anew."""
    if session.get_bind().dialect.name == "sqlite":
        session.connection().exec_driver_sql("pragma secure_delete=on")
