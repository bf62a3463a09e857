"""Control characters are refused at the edge, in every text of every address, and nothing is changed by them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from security.shapes import list_posts, make_example

from lims.errors import InvalidInput
from lims.texts import check_text, walk_texts

ADMITTED = "\t\r\n"
REFUSED = ("\x00", "\x1b", "\x7f", "\x85", "\ud800")
# Who may send to everything that asks for a permission.
ROLES = ("supervisor", "coordinator", "collector", "health_worker", "administrator")


@pytest.mark.parametrize("character", REFUSED)
def test_what_cannot_be_printed_is_refused_with_its_name(character):
    with pytest.raises(InvalidInput, match=rf"U\+{ord(character):04X}") as refused:
        check_text(f"An{character}h", field="name")
    assert refused.value.field == "name"


def test_vietnamese_line_breaks_and_tabs_pass():
    check_text(f"Nguyễn Thị Ánh{ADMITTED}<b>'; drop table", field="note")


def test_every_text_inside_is_found_however_deep():
    value: Any = "x"
    for _ in range(5000):
        value = [value]
    assert [text for _, text in walk_texts({"a": value})] == ["a", "x"]
    found = dict(walk_texts({"scans": [{"tube": "T"}, {"tube": "U"}]}))
    assert found["scans.1.tube"] == "U"


def _spoiled(value: Any, bad: str) -> Iterator[tuple[str, Any]]:
    """Yield copies of a value, each with one text spoiled, and the name of that text."""
    if isinstance(value, str):
        yield "", value + bad
    elif isinstance(value, dict):
        for name, inner in value.items():
            for where, copy in _spoiled(inner, bad):
                yield f"{name}.{where}".rstrip("."), value | {name: copy}
    elif isinstance(value, list) and value:
        for where, copy in _spoiled(value[0], bad):
            yield f"0.{where}".rstrip("."), [copy]


def test_every_text_field_of_every_address_refuses_control_characters(stage):
    client = stage.app.test_client(use_cookies=False)
    document = client.get("/api/v1/openapi.json").json
    for role in ROLES:
        stage.bearer(role)
    before = stage.picture()
    tried = 0
    for path, schema in list_posts(document):
        address = re.sub(r"{\w+_id}", str(uuid.uuid4()), path).replace("{", "").replace("}", "")
        body = make_example(schema, document)
        assert isinstance(body, dict), path
        for bad in ("\x00", "\ud800"):  # what PostgreSQL crashes on; the others are told above
            for field, spoiled in _spoiled(body, bad):
                answer = _first_allowed(stage, client, address, spoiled)
                assert answer.status_code == 422, (path, field, bad, answer.text)
                assert answer.json["field"] == field, (path, field)
                tried += 1
    assert tried > 100
    assert stage.picture() == before


def _first_allowed(stage, client, address: str, body: Any) -> Any:
    for role in ROLES:
        answer = client.post(address, json=body, headers=stage.bearer(role))
        if answer.status_code not in (401, 403):
            return answer
    raise AssertionError(f"none of {ROLES} may send to {address}")


def test_addresses_and_queries_refuse_control_characters(stage):
    client = stage.browser("supervisor")
    before = stage.picture()
    for address in ("/search?q=%00", "/results?%00=1", "/results/%00", "/api/v1/results?status=%1b"):
        assert client.get(address).status_code in (404, 422), address
    assert stage.picture() == before


def test_a_page_shows_the_refusal_as_a_page(stage):
    client = stage.browser("supervisor")
    answer = client.get("/search?q=a%00b")
    assert (answer.status_code, answer.mimetype) == (422, "text/html")
    assert "U+0000" in answer.text


def test_html_in_a_name_is_kept_as_text_and_shown_as_text(stage):
    name = "<script>alert('Ánh')</script>"
    sent = {
        "client_id": str(uuid.uuid4()),
        "name": name,
        "birth_date": "1990",
        "commune_code": stage.world.commune_code,
        "consent": True,
    }
    answer = stage.app.test_client().post(
        "/api/v1/declarations",
        json={"campaign_id": str(stage.world.campaign_id), "declarations": [sent]},
    )
    verdict = answer.json["verdicts"][0]
    assert verdict["verdict"] == "good"
    page = stage.browser("health_worker").get(f"/people/{verdict['declaration_code']}").text
    assert "&lt;script&gt;alert(" in page
    assert "<script>alert" not in page
