"""A result was taken back: its certificates are revoked in the same transaction."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.results.certificates.models import Certificate

LONGEST_REASON = 500


def revoke_certificates(session: Session, *, result_ids: Collection[uuid.UUID], reason: str) -> int:
    """Revoke the certificates of some versions of results; not an action, called inside one.

    Args:
        session: the writing session of whoever takes the results back.
        result_ids: versions that are superseded or withdrawn.
        reason: why, for the record; a longer one than 500 characters is cut.

    Returns:
        How many certificates were revoked; the revocation list names them from now on.
    """
    if not result_ids:
        return 0
    live = session.execute(
        select(Certificate.id, Certificate.result_id)
        .where(Certificate.result_id.in_(result_ids), Certificate.revoked_at.is_(None))
        .order_by(Certificate.id)
        .with_for_update()
    ).all()
    if live:
        session.execute(
            update(Certificate)
            .where(Certificate.id.in_([row.id for row in live]))
            .values(revoked_at=clock.now(), revoked_reason=reason[:LONGEST_REASON])
        )
    for row in live:
        audit.note(session, "result", row.result_id, "certificate_revoked")
    return len(live)
