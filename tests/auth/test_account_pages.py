"""Badges and one's own password."""

from __future__ import annotations

import pytest
from signing import sign_in

from lims.auth import accounts, actions, passwords, queries
from lims.auth.actors import SYSTEM
from lims.auth.views import sign_in_user
from lims.errors import InvalidInput, Refused
from lims.extensions import db

OLD, NEW = "the old long sentence", "a new and longer sentence"


@pytest.fixture
def collector(world):
    """A collector with a password, as an actor."""
    actor = world.actor("collector")
    actions.set_password(actor=SYSTEM, user_id=actor.user_id, password_hash=passwords.hash_password(OLD))
    return actor


def change(client, **changes):
    return client.post("/own-password", data={"old": OLD, "password": NEW, "again": NEW, **changes})


@pytest.fixture(autouse=True)
def without_form_tokens(app):
    app.config["WTF_CSRF_ENABLED"] = False


def test_a_new_password_of_ones_own_ends_every_session_and_opens_the_next(client, collector):
    sign_in(client, collector)
    assert change(client).status_code == 302
    db.session.rollback()
    assert client.get("/home").status_code == 302
    assert sign_in_user(username="collector", password=NEW, address="127.0.0.1", kind="program")
    with pytest.raises(InvalidInput):
        sign_in_user(username="collector", password=OLD, address="127.0.0.1", kind="program")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"old": "something else"}, "sai"),
        ({"password": "short", "again": "short"}, "12"),
        ({"again": "something else"}, "khác nhau"),
    ],
)
def test_a_refused_change_keeps_the_old_password(client, collector, changes, says):
    answer = change(sign_in(client, collector), **changes)
    assert answer.status_code == 422
    assert says in answer.text
    assert sign_in_user(username="collector", password=OLD, address="127.0.0.1", kind="program")


def test_the_last_administrator_cannot_be_closed(world):
    with pytest.raises(Refused, match="last administrator"):
        actions.set_user_active(actor=SYSTEM, user_id=world.actor("administrator").user_id, is_active=False)
    db.session.rollback()
    assert queries.get_user(db.session(), username="administrator").is_active


def test_the_badges_of_a_role_are_printed(client, world):
    sheet = sign_in(client, world.actor("administrator")).get("/accounts/badges.pdf?role=courier")
    assert sheet.data.startswith(b"%PDF")
    assert client.get("/accounts/badges.pdf?user=nobody").status_code == 404


def test_more_badges_than_a_sheet_takes_are_refused_not_cut(client, world, monkeypatch):
    monkeypatch.setattr(accounts, "MOST_BADGES", 1)
    answer = sign_in(client, world.actor("administrator")).get("/accounts/badges.pdf")
    assert answer.status_code == 422


def test_a_closed_accounts_badge_is_not_printed(client, world):
    actions.set_user_active(actor=SYSTEM, user_id=world.actor("courier").user_id, is_active=False)
    answer = sign_in(client, world.actor("administrator")).get("/accounts/badges.pdf?user=courier")
    assert answer.status_code == 422
