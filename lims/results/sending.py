"""What the outbox asks when it is about to send: does it still hold, and where is the person reached (SECURITY R8).

There is no message without a released result of that very version: whatever was queued, the result is looked at again
in the transaction that takes the message in hand.
"""

from __future__ import annotations

import uuid

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from lims.intake.models import Person, Sample
from lims.intake.people import PHONE
from lims.outbox import stations
from lims.pooling.models import Run
from lims.results.models import Result
from lims.results.queries.portal import get_facts
from lims.results.reading import tell
from lims.vault import Vault

# These tell of a version that must be the released one at that moment.
OF_RELEASED = frozenset(
    {"result_ready", "result_amended", "positive_result", "result.released", "result.amended"}
)


def is_due(session: Session, template: str, subject_id: uuid.UUID) -> bool:
    """Tell whether what a message says holds at this moment.

    Args:
        session: the writing session that takes the message in hand.
        template: a word of `outbox.rules.TEMPLATES`.
        subject_id: the version of the result; of an alert of pools, the run; of a second test, the sample.
    """
    if template == "positive_pools":
        return session.scalar(select(Run.status).where(Run.id == subject_id)) in ("reviewed", "verified")
    if template in OF_RELEASED:
        return session.scalar(select(Result.status).where(Result.id == subject_id)) == "released"
    if template == "second_test":
        return _waits_for_second_test(session, subject_id)
    if template == "result_checked_again":
        # a newer version that is released already says more
        newer = aliased(Result)
        of_sample = exists().where(newer.sample_id == Result.sample_id, newer.status == "released")
        return session.scalar(select(Result.id).where(Result.id == subject_id, ~of_sample)) is not None
    return session.scalar(select(Result.status).where(Result.id == subject_id)) not in (None, "released")


def _waits_for_second_test(session: Session, sample_id: uuid.UUID) -> bool:
    """Tell whether the portal says the same at this moment, so that nobody looks there in vain."""
    declaration_id = session.scalar(select(Sample.declaration_id).where(Sample.id == sample_id))
    if declaration_id is None:
        return False
    return tell(get_facts(session, declaration_id=declaration_id).facts).status in (
        "second_test",
        "new_sample",
    )


def find_phone(session: Session, vault: Vault, person_id: uuid.UUID) -> str:
    """Return a person's telephone in E.164; '' where there is none, or none that may be used any more.

    Of whom identity was erased, or whose data may only be kept, nobody is told anything (SECURITY.md §2).
    """
    row = session.execute(
        select(Person.person_key, Person.phone_sealed).where(
            Person.id == person_id, Person.restricted_at.is_(None)
        )
    ).one_or_none()
    if row is None or row.person_key is None or row.phone_sealed is None:
        return ""
    return vault.unseal(row.phone_sealed, person_key=row.person_key, person_id=person_id, column=PHONE)


stations.answer(is_due=is_due, find_phone=find_phone)
