"""A scan station never falls back to English: every sentence its scripts can say is brought by its page."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORDS = (ROOT / "templates" / "components" / "station_messages.html").read_text()
BROUGHT = set(re.findall(r"^  '(.+?)': _\('(.+?)'", WORDS, re.MULTILINE))


def _said_by(script: str, pattern: str) -> set[str]:
    found = set(re.findall(pattern, (ROOT / "static" / "js" / script).read_text()))
    assert found, f"{script} says nothing: the pattern of this test is stale"
    return found


def test_a_station_brings_every_sentence_that_reading_a_code_can_say() -> None:
    said = _said_by("codes.js", r'"([A-Z%][^"]* [^"]*\.)"')
    assert said - {msgid for msgid, _ in BROUGHT} == set()


def test_a_station_brings_every_sentence_of_its_own_script() -> None:
    said = _said_by("station.js", r"""\bsay\("([^"]+)"\)""")
    assert said - {msgid for msgid, _ in BROUGHT} == set()


def test_each_sentence_is_translated_as_itself() -> None:
    assert [pair for pair in BROUGHT if pair[0] != pair[1]] == []
