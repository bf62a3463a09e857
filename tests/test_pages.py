"""Pages that belong to no station."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from signing import sign_in

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = re.compile(r'"(CMD-[A-Z]+)"')


def test_the_command_card_shows_every_command_that_the_stations_know(client, world):
    script = (ROOT / "static/js/station.js").read_text(encoding="utf-8")
    page = sign_in(client, world.actor("technician")).get("/command-card").text
    known = set(COMMANDS.findall(script))
    assert known == {"CMD-DONE", "CMD-UNDO"}
    assert [command for command in known if command not in page] == []
    assert page.count("<svg") >= len(known)


@pytest.mark.parametrize(
    "target", ["//elsewhere.example", "/\\elsewhere.example", "https://elsewhere.example"]
)
def test_choosing_a_language_never_leads_elsewhere(client, world, target):
    answer = client.post("/language", data={"language": "en", "next": target})
    assert answer.location in (None, "/")
