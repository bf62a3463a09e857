"""Deny by default: every route asks for a permission that some role has, or stands on the short list of open ones."""

from __future__ import annotations

from collections import Counter

from apiflask import APIFlask

from lims.auth.rules import OPEN_ENDPOINTS, PERMISSIONS
from lims.navigation import ENTRIES

KNOWN = frozenset().union(*PERMISSIONS.values())


def _asked(app: APIFlask) -> dict[str, str | None]:
    return {
        rule.endpoint: getattr(app.view_functions[rule.endpoint], "needed_permission", None)
        for rule in app.url_map.iter_rules()
    }


def test_every_route_asks_for_a_permission_or_is_open_on_purpose(app):
    neither = [
        name for name, permission in _asked(app).items() if permission is None and name not in OPEN_ENDPOINTS
    ]
    assert neither == []


def test_no_open_route_asks_for_a_permission(app):
    both = [
        name for name, permission in _asked(app).items() if permission is not None and name in OPEN_ENDPOINTS
    ]
    assert both == []


def test_every_permission_asked_for_is_one_that_a_role_has(app):
    assert {permission for permission in _asked(app).values() if permission} - KNOWN == set()


def test_every_open_endpoint_exists_and_says_why(app):
    there = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert [name for name, why in OPEN_ENDPOINTS.items() if name not in there or not why] == []


def test_whoever_sees_an_entry_of_the_menu_may_open_its_page(app):
    asked = _asked(app)
    assert [entry.endpoint for entry in ENTRIES if entry.endpoint not in asked] == []
    shut = [
        (role, entry.endpoint)
        for entry in ENTRIES
        for role, permissions in PERMISSIONS.items()
        if entry.permission in permissions and asked[entry.endpoint] not in permissions
    ]
    assert shut == []


def test_a_stranger_is_sent_to_sign_in_from_every_page_and_refused_by_every_program_address(app, client):
    for rule in app.url_map.iter_rules():
        if rule.endpoint in OPEN_ENDPOINTS or "GET" not in (rule.methods or ()):
            continue
        values = {name: _any_value(rule, name) for name in rule.arguments}
        with app.test_request_context():
            address = app.url_for(rule.endpoint, **values)
        answer = client.get(address)
        if address.startswith(("/api/", "/metrics")):
            assert (answer.status_code, answer.json["code"]) == (401, "sign_in_needed"), address
        elif address.startswith("/fhir"):
            assert (answer.status_code, answer.json["issue"][0]["code"]) == (401, "login"), address
        else:
            assert answer.status_code == 302, address
            assert answer.location.startswith("/sign-in"), address


def _any_value(rule, name: str) -> object:
    converter = type(rule._converters[name]).__name__
    return {"UUIDConverter": "01890000-0000-7000-8000-000000000000", "IntegerConverter": 1}.get(
        converter, "X"
    )


def test_no_address_is_claimed_twice(app):
    claims = Counter(
        (rule.rule, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )
    assert [claim for claim, times in claims.items() if times > 1] == []
