"""The search box: a code leads to its record, and what a role may not open is said in a sentence, never as a 403."""

from __future__ import annotations

import pytest
from signing import sign_in

from lims import codes


def search(client, text: str):
    return client.get("/search", query_string={"q": text})


def english(client):
    with client.session_transaction() as kept:
        kept["language"] = "en"
    return client


@pytest.mark.parametrize(
    ("kind", "role", "path"),
    [
        ("declaration", "health_worker", "/people/"),
        ("tube", "collector", "/tubes/"),
        ("box", "courier", "/boxes/"),
        ("pool", "technician", "/pools/"),
        ("plate", "technician", "/runs/"),
    ],
)
def test_a_code_leads_to_its_record(world, client, kind, role, path):
    code = codes.mint(kind)
    answer = search(sign_in(client, world.actor(role)), codes.grouped(code).lower())
    assert answer.status_code == 302
    assert answer.location == f"{path}{code}"


@pytest.mark.parametrize(
    ("kind", "role", "sentence"),
    [
        ("declaration", "collector", "cannot open people&#39;s records"),
        ("declaration", "technician", "cannot open people&#39;s records"),
        ("pool", "collector", "Your role cannot open the record of"),
        ("plate", "courier", "Your role cannot open the record of"),
        ("box", "administrator", "Your role cannot open the record of"),
        ("household", "coordinator", "There is no record to open for"),
    ],
)
def test_a_code_a_role_may_not_open_gives_a_sentence(world, client, kind, role, sentence):
    answer = search(english(sign_in(client, world.actor(role))), codes.mint(kind))
    assert answer.status_code == 200
    assert sentence in answer.text


def test_who_may_not_see_people_is_told_that_names_are_not_searched(world, client):
    english(sign_in(client, world.actor("technician")))
    answer = search(client, "Nguyễn Thị Ánh")
    assert "Only codes can be searched with your role." in answer.text
    assert "input method" not in answer.text
    assert 'placeholder="Any code"' in answer.text
    assert "name" not in answer.text.split('id="wanted"')[0].split('for="wanted"')[1]


def test_a_damaged_code_is_still_told_how_to_be_mended(world, client):
    english(sign_in(client, world.actor("technician")))
    assert "Only codes" not in search(client, "TẾ23ÂƯ789").text
    assert "input method" in search(client, "TẾ23ÂƯ789").text


def test_who_may_see_people_finds_them_by_name(world, client):
    english(sign_in(client, world.actor("health_worker")))
    assert search(client, "Ánh").location.startswith("/people?q=")
    assert 'placeholder="Any code or a name"' in client.get("/search").text
