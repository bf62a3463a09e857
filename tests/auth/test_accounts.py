"""Accounts and sessions."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from lims.audit import Event
from lims.auth import actions, passwords, queries
from lims.auth.actors import RESIDENT, SYSTEM
from lims.auth.models import SignIn
from lims.auth.views import sign_in_user
from lims.errors import InvalidInput, TooManyTries
from lims.extensions import db

PASSWORD = "a long enough sentence"


@pytest.fixture
def account(app):
    return actions.create_user(
        actor=SYSTEM,
        username="Lan.Tester",
        display_name="Lan Tester",
        password_hash=passwords.hash_password(PASSWORD),
        roles=[("technician", None)],
    )


def test_signing_in_gives_a_token_that_is_kept_only_as_a_hash(account):
    token = sign_in_user(username="lan.tester", password=PASSWORD, address="127.0.0.1", kind="program")
    row = db.session.scalars(select(SignIn)).one()
    assert token.encode() not in row.token_hash
    assert len(row.token_hash) == 32


def test_a_wrong_password_and_an_unknown_name_get_the_same_sentence(account):
    with pytest.raises(InvalidInput) as wrong:
        sign_in_user(username="lan.tester", password="no", address="127.0.0.1", kind="browser")
    with pytest.raises(InvalidInput) as unknown:
        sign_in_user(username="nobody", password="no", address="127.0.0.1", kind="browser")
    assert str(wrong.value) == str(unknown.value)


def test_after_ten_failures_even_the_right_password_waits(account):
    for _ in range(10):
        with pytest.raises(InvalidInput):
            sign_in_user(username="lan.tester", password="no", address="127.0.0.1", kind="browser")
    with pytest.raises(TooManyTries):
        sign_in_user(username="lan.tester", password=PASSWORD, address="127.0.0.2", kind="browser")


def test_a_taken_name_is_refused_and_nothing_is_left(account):
    with pytest.raises(InvalidInput, match="taken"):
        actions.create_user(
            actor=SYSTEM,
            username="lan.tester",
            display_name="X",
            password_hash="x",
            roles=[("courier", None)],
        )
    assert queries.count_users(db.session()) == 1


def test_creating_an_account_leaves_one_event(account):
    events = db.session.scalars(select(Event)).all()
    assert [(event.subject_kind, event.verb, event.seq) for event in events] == [("user", "created", 1)]
    assert events[0].actor_id is RESIDENT.user_id


def test_an_account_without_a_password_is_refused_by_the_same_work_as_an_unknown_one(monkeypatch):
    """Else the time of a sign-in would tell which accounts are reached by a phone alone."""
    from lims.auth import passwords

    worked = []

    class Watched:
        def verify(self, stored: str, password: str) -> bool:
            worked.append(stored)
            return honest.verify(stored, password)

    honest = passwords._HASHER
    monkeypatch.setattr(passwords, "_HASHER", Watched())
    assert [passwords.check_password("nothing", stored=stored) for stored in (None, "!", "")] == [False] * 3
    assert len(set(worked)) == 1
    assert worked[0].startswith("$argon2id$")
