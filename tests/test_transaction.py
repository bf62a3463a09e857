"""One action is one transaction: all or nothing, once per client-made id, retried as a whole."""

from __future__ import annotations

import multiprocessing
import time
import uuid
from pathlib import Path

import pytest
from engines import make_app
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from lims import audit, transaction
from lims.audit import Event
from lims.auth.actors import SYSTEM, Actor
from lims.auth.models import Throttle
from lims.clock import now
from lims.errors import ClientIdReused, Refused
from lims.extensions import db
from lims.transaction import action, writing


@action
def add_one(session, *, actor: Actor, client_id: uuid.UUID | None = None, key: str) -> dict[str, int]:
    """Count a failure: the smallest read-modify-write there is."""
    row = session.scalars(select(Throttle).where(Throttle.key == key).with_for_update()).first()
    if row is None:
        row = Throttle(key=key, window_started_at=now(), failures=0)
        session.add(row)
    row.failures += 1
    return {"failures": row.failures}


@action
def add_one_and_refuse(session, *, actor: Actor, key: str) -> None:
    """Change something, note it, then refuse."""
    session.add(Throttle(key=key, window_started_at=now(), failures=1))
    session.flush()
    audit.note(session, "tube", uuid.uuid4(), "used")
    raise Refused("No.")


def failures(key: str) -> int | None:
    db.session.rollback()
    return db.session.scalar(select(Throttle.failures).where(Throttle.key == key))


def test_a_refused_action_leaves_neither_a_change_nor_an_event(app):
    with pytest.raises(Refused):
        add_one_and_refuse(actor=SYSTEM, key="a")
    assert failures("a") is None
    assert db.session.scalars(select(Event)).all() == []


def test_the_same_client_id_is_answered_the_same_and_changes_nothing_twice(app):
    client_id = uuid.uuid4()
    first = add_one(actor=SYSTEM, client_id=client_id, key="a")
    second = add_one(actor=SYSTEM, client_id=client_id, key="a")
    assert first == second == {"failures": 1}
    assert failures("a") == 1


def test_the_same_client_id_with_other_content_is_refused(app):
    client_id = uuid.uuid4()
    add_one(actor=SYSTEM, client_id=client_id, key="a")
    with pytest.raises(ClientIdReused):
        add_one(actor=SYSTEM, client_id=client_id, key="b")
    assert failures("b") is None


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_a_serialisation_failure_or_deadlock_is_tried_again_as_a_whole(app, monkeypatch, state):
    monkeypatch.setattr(transaction.time, "sleep", lambda _seconds: None)
    runs = []

    @action
    def beaten_twice(session, *, actor: Actor) -> int:
        runs.append(1)
        session.add(Throttle(key="a", window_started_at=now(), failures=len(runs)))
        session.flush()
        if len(runs) < 3:
            error = Exception("serialisation")
            error.sqlstate = state
            raise OperationalError("select", {}, error)
        return len(runs)

    assert beaten_twice(actor=SYSTEM) == 3
    assert failures("a") == 3


def test_a_constraint_that_stays_broken_is_raised_after_a_few_tries(app, monkeypatch):
    monkeypatch.setattr(transaction.time, "sleep", lambda _seconds: None)
    runs = []

    @action
    def doubled(session, *, actor: Actor) -> None:
        runs.append(1)
        session.add(Throttle(key="a", window_started_at=now(), failures=1))
        session.flush()
        session.execute(
            text("insert into throttle (key, window_started_at, failures) select * from throttle")
        )

    with pytest.raises(IntegrityError):
        doubled(actor=SYSTEM)
    assert len(runs) == transaction.TRIES_WHEN_BEATEN
    assert failures("a") is None


def test_the_session_of_a_request_only_reads(app):
    db.session.add(Throttle(key="a", window_started_at=now(), failures=1))
    with pytest.raises(RuntimeError, match="only reads"):
        db.session.flush()
    db.session.rollback()


def _count(url: str, folder: str, times: int) -> None:
    app = make_app(url, Path(folder))
    with app.app_context():
        for _ in range(times):
            add_one(actor=SYSTEM, key="shared")


def test_four_processes_lose_no_update(app, database_url, tmp_path):
    add_one(actor=SYSTEM, key="shared")
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_count, args=(database_url, str(tmp_path), 50)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert failures("shared") == 201


def test_sqlite_is_durable_and_new_enough(app):
    if db.engine.dialect.name == "sqlite":
        with db.engine.connect() as connection:
            modes = [
                connection.exec_driver_sql(f"pragma {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint")
            ]
        assert modes == ["wal", 2, 1, 0]
        assert transaction.check_sqlite_version() >= "3.51.3"
    else:
        with writing() as session:
            assert session.scalar(text("show transaction_isolation")) == "read committed"


def test_a_long_reader_holds_up_no_writer_and_the_log_is_folded_back_after_it(app, monkeypatch):
    if db.engine.dialect.name != "sqlite":
        return
    monkeypatch.setattr(transaction, "CHECKPOINT_BYTES", 1)
    wal = Path(f"{db.engine.url.database}-wal")
    with db.engine.connect() as reader:
        reader.execute(text("select count(*) from throttle")).scalar()
        add_one(actor=SYSTEM, key="a")
        began = time.monotonic()
        add_one(actor=SYSTEM, key="a")
        assert time.monotonic() - began < transaction.BUSY_TIMEOUT_MS / 1000
        assert wal.stat().st_size > 0
    add_one(actor=SYSTEM, key="a")
    assert wal.stat().st_size == 0
