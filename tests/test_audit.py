"""The chain of custody: what was written stays, and what was tampered with is named."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from lims import audit
from lims.audit import Fault
from lims.extensions import db, vault
from lims.tables import new_id
from lims.transaction import writing

SUBJECT = uuid.UUID("0197f0a0-0000-7000-8000-000000000001")
OTHER = uuid.UUID("0197f0a0-0000-7000-8000-000000000002")


def note(subject: uuid.UUID, *verbs: str) -> None:
    for verb in verbs:
        with writing() as session:
            audit.note(session, "tube", subject, verb, code="T3K9F2C7H")


def verify() -> list[Fault]:
    db.session.rollback()
    return audit.verify(db.session(), vault=vault())[1]


def without_triggers(*statements: str) -> None:
    """Tamper as somebody who owns the database file could: with the triggers out of the way."""
    with writing() as session:
        if session.get_bind().dialect.name == "sqlite":
            session.execute(text("drop trigger event_no_update"))
            session.execute(text("drop trigger event_no_delete"))
        else:
            session.execute(text("drop trigger event_append_only on event"))
        for statement in statements:
            session.execute(text(statement))


@pytest.fixture
def chain(app):
    note(SUBJECT, "used", "boxed", "received")
    note(OTHER, "used")


def test_an_untouched_chain_has_no_fault(chain):
    with writing() as session:
        audit.seal_events(session, vault=vault())
    note(SUBJECT, "stored")
    assert verify() == []


@pytest.mark.parametrize("statement", ["update event set verb = 'lost'", "delete from event"])
def test_the_database_refuses_to_change_or_remove_a_line(chain, statement):
    with pytest.raises(DBAPIError, match="append-only"), writing() as session:
        session.execute(text(statement))
    assert verify() == []


def test_a_changed_line_is_named(chain):
    without_triggers("update event set verb = 'lost' where seq = 2")
    assert verify() == [Fault("changed", f"tube {SUBJECT}", 2)]


def test_a_removed_line_in_the_middle_is_named(chain):
    without_triggers("delete from event where seq = 2")
    assert Fault("removed", f"tube {SUBJECT}", 2) in verify()


def test_a_removed_last_line_is_named(chain):
    without_triggers("delete from event where seq = 3")
    assert verify() == [Fault("removed", str(SUBJECT), 3)]


def test_an_added_line_is_named(chain):
    without_triggers(
        "insert into event (id, subject_kind, subject_id, seq, verb, actor_id, occurred_at, recorded_at,"
        f" details, previous_hash, hash) select '{_text(new_id())}', subject_kind, subject_id, 4, verb,"
        " actor_id, occurred_at, recorded_at, details, hash, hash from event where seq = 3"
    )
    faults = verify()
    assert Fault("added", str(SUBJECT), 4) in faults


def _text(key: uuid.UUID) -> str:
    return key.hex if db.engine.dialect.name == "sqlite" else str(key)


def test_a_chain_removed_as_a_whole_with_its_end_is_caught_by_the_seal(chain):
    with writing() as session:
        audit.seal_events(session, vault=vault())
    key = _text(OTHER)
    without_triggers(
        f"delete from event where subject_id = '{key}'", f"delete from event_head where subject_id = '{key}'"
    )
    assert verify() == [Fault("seal", "seal 1", 1)]


def test_a_newest_seal_that_was_removed_is_missed_by_the_digests_kept_outside(chain):
    with writing() as session:
        made = audit.seal_events(session, vault=vault())
        kept = {made.number: made.digest.hex()}
    assert audit.compare_seals(db.session(), kept=kept) == []
    assert audit.compare_seals(db.session(), kept={1: "00" * 32}) == [Fault("seal", "seal 1", 1)]
    assert audit.compare_seals(db.session(), kept={**kept, 2: "00" * 32}) == [Fault("seal", "seal 2", 2)]


def test_sealing_covers_each_line_once(chain):
    with writing() as session:
        first = audit.seal_events(session, vault=vault()).event_count
    note(OTHER, "boxed")
    with writing() as session:
        second = audit.seal_events(session, vault=vault()).event_count
    with writing() as session:
        third = audit.seal_events(session, vault=vault())
    assert (first, second, third) == (4, 1, None)
    assert verify() == []


def test_events_of_five_hundred_subjects_take_as_many_statements_as_of_one(app):
    def statements(count: int) -> int:
        seen = []
        listener = lambda *_: seen.append(1)  # noqa: E731
        event.listen(db.engine, "before_cursor_execute", listener)
        with writing() as session:
            for _ in range(count):
                audit.note(session, "tube", uuid.uuid4(), "used")
        event.remove(db.engine, "before_cursor_execute", listener)
        return len(seen)

    assert statements(500) == statements(1)
