"""Counting SQL statements, to prove that a bulk action costs the same for 1 and for 500."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from lims.extensions import db


@contextmanager
def count_statements() -> Iterator[list[str]]:
    """Collect the statements sent to the database inside; an executemany counts once."""
    sent: list[str] = []

    def remember(_connection, _cursor, statement, _parameters, _context, _executemany) -> None:
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", remember)
    try:
        yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", remember)
