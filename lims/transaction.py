"""The only way to write: one action is one transaction, retried as a whole where the engine asks for it.

`@action` wraps a function whose first parameter is the writing session. It

1. answers a repeated client-made id as it was answered the first time (`lims.inbox`),
2. begins (on SQLite: takes the fair lock file, then BEGIN IMMEDIATE),
3. runs the function, appends the events that it noted (`lims.audit`), commits,
4. and starts again from nothing on a serialisation failure, a deadlock, a busy or lost connection, or when a
   UNIQUE constraint shows that somebody else was first: the second run sees the other's row and can say so.

Nothing else commits. Mail, labels and messages go out after the commit, never inside.
"""

from __future__ import annotations

import fcntl
import functools
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from lims import audit, inbox
from lims.extensions import db

P = ParamSpec("P")
R = TypeVar("R")

TRIES = 8
# A UNIQUE constraint says that somebody was first; the next run sees their row, so few tries are enough.
TRIES_WHEN_BEATEN = 3
SERIALISATION_FAILURE = "40001"
DEADLOCK = "40P01"
BUSY_TIMEOUT_MS = 5000
CHECKPOINT_BYTES = 8 * 1024 * 1024
# SQLite before 3.51.3 can corrupt a WAL file when two connections checkpoint and write at the same moment.
SAFE_SQLITE = (3, 51, 3)


def prepare_engine(engine: Engine) -> None:
    """Give an engine the hooks that make its transactions mean what they say.

    SQLite's driver must not begin by itself (it lost 443 of 600 acknowledged updates in a test), writers begin
    IMMEDIATE, and readers never take the write lock. On PostgreSQL readers are read only by declaration.

    Args:
        engine: the engine of the application; called once for each.
    """
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin_sqlite)


def _set_pragmas(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=wal",
        "synchronous=full",
        "foreign_keys=on",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "trusted_schema=off",
        "wal_autocheckpoint=0",
    ):
        cursor.execute(f"pragma {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@event.listens_for(Session, "before_flush")
def _refuse_flush_of_a_reader(session: Session, _context: object, _instances: object) -> None:
    """Keep the request's session read only: a change there would be a write outside an action."""
    if session.info.get("read_only"):
        raise RuntimeError("the request's session only reads; write in an action (lims/transaction.py)")


@contextmanager
def _write_turn(engine: Engine) -> Iterator[None]:
    """Wait for this process's turn to write; on SQLite a lock file, fairer than its polling (OPERATIONS §1)."""
    database = engine.url.database
    if engine.dialect.name != "sqlite" or not database or database == ":memory:":
        yield
        return
    lock = os.open(f"{database}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
        _checkpoint(engine, Path(f"{database}-wal"))
    finally:
        os.close(lock)


def _checkpoint(engine: Engine, wal: Path) -> None:
    """Fold a grown write-ahead log back, under the same lock, so that no writer races the checkpoint.

    It waits for no reader: while a long one reads (an export), as much as can be is folded back, and the log grows
    until a later write finds nobody there. Waiting would hold up every writer for as long as the reader takes.
    """
    if not wal.exists() or wal.stat().st_size < CHECKPOINT_BYTES:
        return
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("pragma busy_timeout=0")
        try:
            cursor.execute("pragma wal_checkpoint(truncate)")
        finally:
            cursor.execute(f"pragma busy_timeout={BUSY_TIMEOUT_MS}")
    finally:
        connection.close()


def compact(tables: Sequence[str]) -> None:
    """Write what is stored anew, so that nothing of erased rows is left in free pages; everybody else waits.

    SQLite writes its whole file anew, and empties the write-ahead log; PostgreSQL only the tables named.

    Args:
        tables: names of tables.
    """
    db.session.rollback()
    engine = db.engine
    with _write_turn(engine):
        connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            if engine.dialect.name == "sqlite":
                cursor.execute("vacuum")
                cursor.execute("pragma wal_checkpoint(truncate)")
            else:
                connection.driver_connection.autocommit = True  # type: ignore[union-attr]
                cursor.execute(f"vacuum (full) {', '.join(tables)}")
                connection.driver_connection.autocommit = False  # type: ignore[union-attr]
        finally:
            connection.close()


@contextmanager
def writing() -> Iterator[Session]:
    """Open a session that may write, commit it at the end with its events, roll it back on any error.

    Yields:
        The session. Actions get it from `@action`; migrations and fixtures may call this directly.
    """
    engine = db.engine
    with _write_turn(engine), Session(engine.execution_options(writes=True)) as session, session.begin():
        yield session
        session.flush()
        audit.append_noted(session)


def _must_retry(error: DBAPIError, attempt: int) -> bool:
    if isinstance(error, IntegrityError):
        return attempt < TRIES_WHEN_BEATEN
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state in (SERIALISATION_FAILURE, DEADLOCK):
        return True
    return isinstance(error, OperationalError) and (
        "locked" in str(error.orig) or "busy" in str(error.orig) or (state or "").startswith(("08", "57P0"))
    )


def action(function: Callable[Concatenate[Session, P], R]) -> Callable[P, R]:
    """Make a function of (session, *, actor, …) an action: see the module's text.

    An action takes keyword arguments only. One that takes `client_id` is answered once per id: its answer must then
    be made of what JSON holds.

    Raises:
        LimsError: as the function does; nothing was changed.
        sqlalchemy.exc.DBAPIError: the engine still refused after the last try.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if args:
            raise TypeError(f"{function.__name__} takes keyword arguments only")
        for attempt in range(1, TRIES + 1):
            try:
                return _run_once(function, kwargs)
            except DBAPIError as error:
                if attempt == TRIES or not _must_retry(error, attempt):
                    raise
                time.sleep(random.uniform(0.005, 0.02) * 2**attempt)
        raise AssertionError("unreachable")

    return run


def _run_once(function: Callable[..., R], kwargs: dict[str, Any]) -> R:
    db.session.rollback()  # what the request has read so far is stale after this
    try:
        with writing() as session:
            session.info["actor"] = kwargs.get("actor")
            client_id = kwargs.get("client_id")
            if client_id is None:
                return function(session, **kwargs)
            content = {name: value for name, value in kwargs.items() if name not in ("actor", "client_id")}
            letter = inbox.Letter(client_id, function.__name__, inbox.content_hash(content))
            known = inbox.find_answers(session, [letter])
            if letter.client_id in known:
                return known[letter.client_id]
            answer = function(session, **kwargs)
            inbox.keep_answers(session, [(letter, answer)])
            return answer
    finally:
        db.session.rollback()


def check_sqlite_version() -> str:
    """Return the SQLite version in use.

    Raises:
        RuntimeError: it is older than 3.51.3 and could corrupt its own file.
    """
    with db.engine.connect() as connection:
        version = str(connection.scalar(text("select sqlite_version()")))
    if tuple(int(part) for part in version.split(".")) < SAFE_SQLITE:
        raise RuntimeError(
            f"SQLite {version} can corrupt a database in write-ahead mode; 3.51.3 or newer is needed "
            "(the pysqlite3 package of requirements.txt carries one)."
        )
    return version
