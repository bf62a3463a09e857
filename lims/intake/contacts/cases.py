"""A detected result opens a case (F0) and asks for its contacts; one that is taken back closes it.

Not actions: the results package calls these in the transaction of the release, of the amendment and of the withdrawal.
A constant number of statements, and the events, however many samples. What was detected in a person stands with the
sample; intake knows nothing of results.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.intake.contacts.models import FollowUp
from lims.intake.models import Declaration, Person, Sample
from lims.tables import new_id


def open_cases(session: Session, *, sample_ids: Collection[uuid.UUID]) -> int:
    """Open the case of each sample in which the virus was detected, once; one closed before opens again.

    Args:
        session: writing session of the release.
        sample_ids: samples whose result "detected" is released now.

    Returns:
        How many cases were opened, those opened again included.
    """
    if not sample_ids:
        return 0
    actor, now = session.info.get("actor"), clock.now()
    known = session.execute(
        select(FollowUp.id, FollowUp.sample_id, FollowUp.status, FollowUp.end_reason)
        .where(FollowUp.sample_id.in_(sample_ids))
        .order_by(FollowUp.id)
        .with_for_update(of=FollowUp)
    ).all()
    again = [row.id for row in known if row.end_reason == "result_taken_back"]
    if again:
        session.execute(
            update(FollowUp)
            .where(FollowUp.id.in_(again))
            .values(status="open", ended_at=None, end_reason=None, ended_by_id=None)
        )
    for key in again:
        audit.note(session, "follow_up", key, "reopened")
    samples = session.execute(
        select(Sample.id, Sample.campaign_id, Sample.person_id, Declaration.commune_id, Sample.sampled_on)
        .join(Declaration, Declaration.id == Sample.declaration_id)
        .join(Person, Person.id == Sample.person_id)
        .where(Sample.id.in_(set(sample_ids) - {row.sample_id for row in known}), Person.erased_at.is_(None))
        .order_by(Sample.id)
    ).all()
    fresh = [
        FollowUp(
            id=new_id(),
            campaign_id=row.campaign_id,
            person_id=row.person_id,
            commune_id=row.commune_id,
            contact_class="f0",
            since=row.sampled_on,
            known_by="result",
            sample_id=row.id,
            symptoms=[],
            opened_by_id=actor.user_id if actor else None,
            opened_at=now,
        )
        for row in samples
    ]
    session.add_all(fresh)
    session.flush()
    for one in fresh:
        audit.note(session, "follow_up", one.id, "case_opened")
    return len(again) + len(fresh)


def close_cases(session: Session, *, sample_ids: Collection[uuid.UUID]) -> int:
    """Close the cases of samples whose released result no longer holds; their contacts stay followed up.

    Args:
        session: writing session of the amendment or withdrawal.
        sample_ids: samples whose released result is taken back, whatever it was.

    Returns:
        How many cases were closed.
    """
    if not sample_ids:
        return 0
    keys = session.scalars(
        select(FollowUp.id)
        .where(FollowUp.sample_id.in_(sample_ids), FollowUp.status == "open")
        .order_by(FollowUp.id)
        .with_for_update(of=FollowUp)
    ).all()
    if keys:
        end_follow_ups(session, keys=keys, reason="result_taken_back")
    return len(keys)


def end_follow_ups(session: Session, *, keys: Collection[uuid.UUID], reason: str) -> None:
    """End open follow-ups that the caller holds, with one event each.

    Args:
        session: writing session.
        keys: of the follow-ups.
        reason: a word of `rules.END_REASONS`.
    """
    actor = session.info.get("actor")
    session.execute(
        update(FollowUp)
        .where(FollowUp.id.in_(keys))
        .values(
            status="ended",
            ended_at=clock.now(),
            end_reason=reason,
            ended_by_id=actor.user_id if actor else None,
        )
    )
    for key in keys:
        audit.note(session, "follow_up", key, "ended", reason=reason)
