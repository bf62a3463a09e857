"""Sessions (ASVS 7.2 to 7.4, 9.2, 6.3): a saved cookie dies, ends are kept to, tokens are not taken for each other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from security.stage import NOON, Stage
from sqlalchemy import delete, select

from lims import clock
from lims.auth import actions, passwords, queries, throttles
from lims.auth.models import SignIn, Throttle, User
from lims.extensions import db
from lims.transaction import writing

COOKIE = "lims-sign-in"
PASSWORD = "ba con gà trống 2021"


@pytest.fixture
def account(stage: Stage):
    """An account with a password, open again at the end, whatever was done to it."""
    user_id = stage.actor("collector_2").user_id
    with stage.app.app_context():
        actions.set_password(
            actor=stage.actor("administrator"),
            user_id=user_id,
            password_hash=passwords.hash_password(PASSWORD),
        )
    yield user_id
    with stage.app.app_context(), writing() as session:
        session.get_one(User, user_id).is_active = True
        session.execute(delete(Throttle))


def _sign_in(stage: Stage, client, password: str = PASSWORD, username: str = "collector_2"):
    with client.session_transaction() as session:
        session["csrf_token"] = "stage"
    form = {"username": username, "password": password, "csrf_token": stage.form_token()}
    return client.post("/sign-in", data=form)


def _status(stage: Stage, token: str) -> int:
    """Ask for the home with a cookie that somebody kept."""
    client = stage.app.test_client()
    client.set_cookie(COOKIE, token)
    return client.get("/home").status_code


def _token(client) -> str:
    return client.get_cookie(COOKIE).value


def test_a_cookie_saved_before_signing_out_is_dead_afterwards(stage, account):
    client = stage.app.test_client()
    assert _sign_in(stage, client).status_code == 302
    saved = _token(client)
    assert _status(stage, saved) == 200
    with client.session_transaction() as session:
        session["csrf_token"] = "stage"
    client.post("/sign-out", data={"csrf_token": stage.form_token()})
    assert _status(stage, saved) == 302


def test_signing_in_makes_a_new_token_and_ends_the_one_that_was_there(stage, account):
    client = stage.app.test_client()
    client.set_cookie(COOKIE, "chosen-by-somebody-else")
    _sign_in(stage, client)
    first = _token(client)
    assert first != "chosen-by-somebody-else"
    assert len(first) >= 43, "256 bits"
    _sign_in(stage, client)
    second = _token(client)
    assert second != first
    assert (_status(stage, first), _status(stage, second)) == (302, 200)


def test_the_form_cookie_is_begun_anew_at_sign_in(stage, account):
    client = stage.app.test_client()
    _sign_in(stage, client)
    with client.session_transaction() as session:
        assert session.get("csrf_token") != "stage"


def test_the_token_is_kept_only_as_a_hash(stage, account):
    client = stage.app.test_client()
    _sign_in(stage, client)
    token = _token(client)
    assert not any(token in row for rows in stage.picture(without=frozenset()).values() for row in rows)


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(stage, account):
    header = _sign_in(stage, stage.app.test_client()).headers["Set-Cookie"]
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert "Path=/" in header


def test_closing_an_account_ends_its_sessions_at_once(stage, account):
    browser, program = stage.browser("collector_2"), stage.app.test_client(use_cookies=False)
    with stage.app.app_context():
        token = actions.start_session(actor=stage.actor("collector_2"), user_id=account, kind="program")
    headers = {"Authorization": f"Bearer {token}"}
    assert (browser.get("/home").status_code, program.get("/api/v1/sites", headers=headers).status_code) == (
        200,
        200,
    )
    admin = stage.browser("administrator")
    form = {"csrf_token": stage.form_token(), "active": "no"}
    assert admin.post(f"/accounts/{account}/active", data=form).status_code == 302
    assert browser.get("/home").status_code == 302
    assert program.get("/api/v1/sites", headers=headers).status_code == 401
    assert _sign_in(stage, stage.app.test_client()).status_code == 422, "nor can it sign in again"
    admin.post(f"/accounts/{account}/active", data=form | {"active": "yes"})
    assert browser.get("/home").status_code == 302, "opening it again does not wake them"


def test_a_new_password_ends_all_sessions(stage, account):
    browser = stage.browser("collector_2")
    assert browser.get("/home").status_code == 200
    with stage.app.app_context():
        actions.set_password(
            actor=stage.actor("administrator"),
            user_id=account,
            password_hash=passwords.hash_password("x" * 12),
        )
    assert browser.get("/home").status_code == 302


def test_a_browser_left_alone_is_signed_out(stage):
    client = stage.browser("collector_2")
    for hours, status in ((9, 200), (12, 200), (23, 302)):
        # nine hours after the start and three after the last page: still there; the end of fourteen comes all the same
        with clock.at(NOON + timedelta(hours=hours)):
            assert client.get("/home").status_code == status, hours
    idle = stage.browser("collector_2")
    with clock.at(NOON + queries.IDLE + timedelta(minutes=1)):
        assert idle.get("/home").status_code == 302


def test_a_session_ends_though_it_is_used_all_the_time(stage):
    client = stage.browser("collector_2")
    for minutes in range(0, 14 * 60, 120):
        with clock.at(NOON + timedelta(minutes=minutes)):
            assert client.get("/home").status_code == 200
    with clock.at(NOON + actions.BROWSER_LASTS):
        assert client.get("/home").status_code == 302


def test_being_seen_is_written_at_most_every_five_minutes(stage):
    client = stage.browser("collector_2")
    user_id = stage.actor("collector_2").user_id

    def seen() -> set[object]:
        with stage.app.app_context():
            rows = db.session.scalars(select(SignIn.last_seen_at).where(SignIn.user_id == user_id)).all()
        return set(rows)

    with clock.at(NOON + timedelta(minutes=4)):
        client.get("/home")
        assert NOON + timedelta(minutes=4) not in seen()
    with clock.at(NOON + timedelta(minutes=6)):
        client.get("/home")
        assert NOON + timedelta(minutes=6) in seen()


def test_a_programs_token_is_no_cookie_and_a_cookie_no_programs_token(stage):
    actor = stage.actor("technician")
    with stage.app.app_context():
        tokens = {
            kind: actions.start_session(actor=actor, user_id=actor.user_id, kind=kind)
            for kind in ("browser", "program")
        }
    address = "/api/v1/laboratories"
    client = stage.app.test_client(use_cookies=False)

    def ask(**headers: str) -> int:
        return client.get(address, headers=headers).status_code

    assert ask(Authorization=f"Bearer {tokens['program']}") == 200
    assert ask(Cookie=f"{COOKIE}={tokens['browser']}") == 200
    assert ask(Authorization=f"Bearer {tokens['browser']}") == 401
    assert ask(Cookie=f"{COOKIE}={tokens['program']}") == 401
    assert _status(stage, tokens["program"]) == 302


def test_a_programs_token_ends_after_thirty_days(stage):
    actor = stage.actor("technician")
    with stage.app.app_context():
        token = actions.start_session(actor=actor, user_id=actor.user_id, kind="program")
    client = stage.app.test_client(use_cookies=False)
    for days, status in ((29, 200), (30, 401)):
        with clock.at(NOON + timedelta(days=days)):
            answer = client.get("/api/v1/sites", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == status, days


def test_an_unknown_name_and_a_wrong_password_are_told_apart_by_nothing(stage, account, monkeypatch):
    checked = []
    whole = passwords.check_password
    monkeypatch.setattr(
        "lims.auth.views.passwords.check_password",
        lambda password, *, stored: checked.append(stored is None) or whole(password, stored=stored),
    )
    answers = []
    for username in ("collector_2", "nobody_at_all"):
        answers.append(
            stage.app.test_client().post("/api/v1/sign-in", json={"username": username, "password": "wrong"})
        )
    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].json == answers[1].json
    assert checked == [False, True], "the slow hash is calculated for both"


def test_trying_passwords_closes_the_account_for_a_while_and_no_other(stage, account, monkeypatch):
    monkeypatch.setattr(
        "lims.auth.views.passwords.check_password", lambda password, *, stored: password == PASSWORD
    )
    later = NOON + timedelta(hours=1)

    def attempt(username: str, password: str, address: str) -> int:
        return (
            stage.app.test_client()
            .post(
                "/api/v1/sign-in",
                json={"username": username, "password": password},
                environ_overrides={"REMOTE_ADDR": address},
            )
            .status_code
        )

    with clock.at(later):
        most = throttles.SIGN_IN_ACCOUNT.failures
        tried = [attempt("collector_2", "wrong", f"198.51.100.{place}") for place in range(most)]
        assert set(tried) == {422}
        assert attempt("collector_2", PASSWORD, "198.51.100.99") == 429, "even with the right one"
        assert attempt("collector", PASSWORD, "198.51.100.99") == 200, "another account is not locked"
    with clock.at(later + throttles.QUARTER + timedelta(minutes=1)):
        assert attempt("collector_2", PASSWORD, "198.51.100.99") == 200, "and it opens again by itself"


def test_nobody_is_sent_to_another_site_after_signing_in(stage, account):
    for target in ("https://example.test/", "//example.test", "/\\example.test", "javascript:alert(1)"):
        client = stage.app.test_client()
        with client.session_transaction() as session:
            session["csrf_token"] = "stage"
        form = {
            "username": "collector_2",
            "password": PASSWORD,
            "csrf_token": stage.form_token(),
            "next": target,
        }
        assert client.post("/sign-in", data=form).location == "/home", target
