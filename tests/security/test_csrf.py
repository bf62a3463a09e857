"""ASVS 3.5.1: every unsafe address refuses a browser that does not bring the page's own token."""

from __future__ import annotations

import uuid

import pytest
from security.stage import Stage

from lims import codes
from lims.auth.actions import start_session

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
KINDS = {"pool_code": "pool", "run_code": "plate", "box_code": "box"}


def _unsafe_rules(stage: Stage, *, api: bool):
    for rule in stage.app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) & UNSAFE):
            if rule.rule.startswith("/api/") == api:
                yield rule, method


def _address(stage: Stage, rule) -> str:
    values = {
        name: uuid.uuid4()
        if "UUID" in type(rule._converters[name]).__name__
        else codes.mint(KINDS.get(name, "tube"))
        for name in rule.arguments
    }
    with stage.app.test_request_context():
        return stage.app.url_for(rule.endpoint, **values)


@pytest.mark.parametrize("token", ["", "invented", "stage"])
def test_every_form_refuses_without_its_token(stage, token):
    client = stage.browser("supervisor")
    before = stage.picture()
    asked = 0
    for rule, method in _unsafe_rules(stage, api=False):
        data = {"csrf_token": token} if token else {}
        answer = client.open(_address(stage, rule), method=method, data=data)
        assert (answer.status_code, asked) == (400, asked), rule.rule
        asked += 1
    assert asked > 15
    assert stage.picture() == before


def test_the_token_of_somebody_else_is_refused(stage):
    client = stage.browser("supervisor")
    with client.session_transaction() as session:
        session["csrf_token"] = "another"
    answer = client.post("/language", data={"language": "en", "csrf_token": stage.form_token()})
    assert answer.status_code == 400


def test_every_address_of_the_api_refuses_a_browser_without_the_token(stage):
    client = stage.browser("supervisor")
    before = stage.picture()
    for rule, method in _unsafe_rules(stage, api=True):
        answer = client.open(_address(stage, rule), method=method, json={})
        assert (answer.status_code, answer.json["code"]) == (400, "csrf"), rule.rule
    assert stage.picture() == before


def test_a_browser_with_the_token_and_a_program_without_one_are_let_through(stage):
    address, body = "/api/v1/results/verify", {"client_id": str(uuid.uuid4()), "results": [str(uuid.uuid4())]}
    browser = stage.browser("supervisor")
    assert browser.post(address, json=body, headers={"X-CSRFToken": stage.form_token()}).status_code == 404
    program = stage.app.test_client(use_cookies=False)
    assert program.post(address, json=body, headers=stage.bearer("supervisor")).status_code == 404


def test_an_invented_bearer_beside_the_cookie_does_not_get_around_the_token(stage):
    actor = stage.actor("supervisor")
    with stage.app.app_context():
        token = start_session(actor=actor, user_id=actor.user_id, kind="browser")
    headers = {"Authorization": "Bearer x", "Cookie": f"lims-sign-in={token}"}
    answer = stage.app.test_client(use_cookies=False).post(
        "/api/v1/results/verify", json={"client_id": str(uuid.uuid4()), "results": []}, headers=headers
    )
    assert (answer.status_code, answer.json["code"]) == (401, "sign_in_needed")


def test_the_refusal_says_what_to_do_in_both_languages(stage):
    said = [stage.browser("supervisor", language).post("/language").text for language in ("vi", "en")]
    assert "Load it again" in said[1]
    assert "Load it again" not in said[0]
