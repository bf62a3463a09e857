"""The phone's app never falls back to English: every sentence that its scripts can say is brought by its page."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "templates/field/app_messages.html").read_text()
BROUGHT = dict(re.findall(r"^  '((?:[^'\\]|\\.)+)': _\('((?:[^'\\]|\\.)+)'", PAGE, re.MULTILINE))
# camera.js, reader.js and the service worker tell what happened by words of one kind, never by sentences.
SCRIPTS = sorted((ROOT / "static/js/field").glob("*.js"))
SAID = re.compile(r'\b(?:say|words|CodeError)\(\s*"((?:[^"\\]|\\.)+)"')


def _said() -> set[str]:
    return {msgid for script in SCRIPTS for msgid in SAID.findall(script.read_text())}


def test_the_app_brings_every_sentence_of_its_scripts() -> None:
    said = _said()
    assert len(said) > 100, "the scripts say nothing: the pattern of this test is stale"
    assert said - {msgid.replace("\\'", "'") for msgid in BROUGHT} == set()


def test_every_call_that_says_something_names_its_sentence() -> None:
    hidden = re.compile(r"\b(?:say|words)\(\s*[^\"\s)]")
    allowed = {"say(sentence.msgid", "words(msgid", "say(asking", "say(phone", "say(this", "say(taking"}
    found = {
        f"{script.name}: {line.strip()}"
        for script in SCRIPTS
        for line in script.read_text().splitlines()
        if hidden.search(line)
        and not line.strip().startswith("//")
        and not any(one in line for one in allowed)
    }
    assert found == set()


def test_the_app_brings_every_sentence_that_reading_a_code_can_say() -> None:
    said = set(re.findall(r'"([A-Z%][^"]* [^"]*\.)"', (ROOT / "static/js/codes.js").read_text()))
    assert said
    assert said - set(BROUGHT) == set()


def test_nothing_is_brought_that_nobody_says() -> None:
    said = _said() | set(re.findall(r'"([A-Z%][^"]* [^"]*\.)"', (ROOT / "static/js/codes.js").read_text()))
    assert {msgid.replace("\\'", "'") for msgid in BROUGHT} - said == set()


def test_each_sentence_is_translated_as_itself() -> None:
    assert {msgid: other for msgid, other in BROUGHT.items() if msgid != other} == {}
