"""The last line of every journey's test: everybody and every tube is in exactly one class."""

from __future__ import annotations

from sqlalchemy.orm import Session

from lims.capacity.queries.reconciliation import reconcile


def assert_reconciled(session: Session) -> None:
    """Fail with the rows that are in none or in two classes.

    Args:
        session: a session that sees what was committed, as `db.session()`.
    """
    session.rollback()
    broken = [identity for identity in reconcile(session) if not identity.holds]
    assert not broken, "\n".join(
        f"{identity.name}: {fault.key} is in {list(fault.classes) or 'no class'}"
        for identity in broken
        for fault in identity.faults
    )
