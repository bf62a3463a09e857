"""ASVS 3.5.3: following every link as every role changes nothing but who was seen when, and whose data they saw."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlsplit

import pytest
from security.stage import TRACES
from security.test_objects import PLAIN, name_thing

from lims.auth.rules import ROLES

LINK = re.compile(r'(?:href|src|data-[a-z-]+)="(/[^"#]*)')
MOST_PAGES = 150
# that somebody has looked is written down: this is what reading may change
LOOKED = TRACES | {"person_access"}


@pytest.mark.parametrize("role", [None, *ROLES])
def test_following_every_link_changes_nothing(stage, role):
    client = stage.browser(role)
    stage.bearer(role)
    before = stage.picture(without=LOOKED)
    waiting, seen, broken = ["/", "/home", "/declare", "/results"], set(), []
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.pop(0)
        shape = _shape(address)
        if shape in seen or address.startswith("/static/"):
            continue
        seen.add(shape)
        answer = client.get(address)
        if answer.status_code >= 500 or answer.status_code in (404, 405):
            broken.append((address, answer.status_code))
        if answer.status_code in (301, 302):
            waiting.append(urlsplit(answer.location).path)
        elif answer.mimetype == "text/html":
            waiting += [unescape(link) for link in LINK.findall(answer.text)]
        answer.close()
    assert broken == []
    assert stage.picture(without=LOOKED) == before
    assert len(seen) > (3 if role is None else 5)


def _shape(address: str) -> str:
    """Return an address with its codes and ids as one: ten tubes have the same page."""
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|/[A-Z][0-9A-Z]{8}\b", "…", address)


@pytest.mark.parametrize("role", [None, *ROLES])
def test_asking_every_address_changes_nothing(stage, role):
    client = stage.browser(role)
    before = stage.picture(without=LOOKED)
    for rule in stage.app.url_map.iter_rules():
        if "GET" not in (rule.methods or set()) or rule.endpoint == "static":
            continue
        values = {name: PLAIN[name] for name in set(rule.arguments) & PLAIN.keys()}
        for argument in set(rule.arguments) - PLAIN.keys():
            name, _kind = name_thing(rule, argument)
            thing = stage.things.get(name) or getattr(stage.world, name)
            values[argument] = thing[0] if isinstance(thing, list) else thing
        with stage.app.test_request_context():
            address = stage.app.url_for(rule.endpoint, **values)
        answer = client.get(address)
        assert answer.status_code < 500, address
        answer.close()
    assert stage.picture(without=LOOKED) == before
