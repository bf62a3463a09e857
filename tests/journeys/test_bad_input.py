"""Bad input at each station: the answer names the field and says what to do, in both languages, and nothing changes.

The cases are rows of bad_input_table.py. Each is sent twice, in Vietnamese and in English, with the same ids, and the
whole database is compared before and after.
"""

# ruff: noqa: F811  (a fixture that is imported is named again by whoever asks for it)
from __future__ import annotations

import io
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from journeys.bad_input_table import BATCH, CASES, JSON, Case
from security.stage import NOON, Stage, built_stage, stage  # noqa: F401  (fixtures)

from lims import clock, codes
from lims.auth.actions import start_session
from lims.pooling.actions import pools

LETTERS = "34679ACEFGHJKMNPRTUVWXY"


class Words(dict[str, Any]):
    """What stands for the braces of a row: things of the stage, keys of its world, and fresh ids."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.things)
        self.stage = stage

    def __missing__(self, name: str) -> Any:
        return str(uuid.uuid4()) if name == "id" else getattr(self.stage.world, name)


@pytest.fixture
def words(stage: Stage) -> Words:
    """The stage's words, with what is derived from them once."""
    if "misread" not in stage.things:
        _derive(stage)
    return Words(stage)


def _derive(stage: Stage) -> None:
    tube, secret = stage.printed[0], stage.result_code
    other = next(letter for letter in LETTERS if letter != tube[3])
    pair = next(place for place in range(1, 8) if tube[place] != tube[place + 1])
    stage.things |= {
        "misread": tube[:3] + other + next(x for x in LETTERS if x != tube[4]) + tube[5:],
        "swapped": tube[:pair] + tube[pair + 1] + tube[pair] + tube[pair + 2 :],
        "foreign_tube": codes.mint("tube"),
        "foreign_declaration": codes.mint("declaration"),
        "foreign_box": codes.mint("box"),
        "foreign_result_code": codes.mint_result_code(),
        "short_result_code": secret[:-1],
        "noon": NOON.isoformat(),
        "tomorrow": (NOON + timedelta(days=1)).isoformat(),
        "before_campaign": (NOON - timedelta(days=60)).isoformat(),
        "used_id": uuid.uuid4(),
    }
    actor = stage.actor("technician")
    with stage.app.app_context():
        pools.open_pool(
            actor=actor, client_id=stage.things["used_id"], laboratory_id=stage.world.laboratory_id
        )
        for name, kind in (("browser_token", "browser"), ("program_token", "program")):
            stage.things[name] = start_session(actor=actor, user_id=actor.user_id, kind=kind)
        with clock.at(NOON - timedelta(days=31)):
            stage.things["expired_token"] = start_session(actor=actor, user_id=actor.user_id, kind="program")


def _filled(value: Any, words: Words) -> Any:
    """Return a row's value with its braces filled; a whole list of the same thing is filled once."""
    if isinstance(value, str) and value.startswith(("{", "/", "Bearer", "lims-")) and "}" in value:
        return value.format_map(words)
    if isinstance(value, dict):
        return {name: _filled(item, words) for name, item in value.items()}
    if isinstance(value, list):
        return (
            [_filled(value[0], words)] * len(value)
            if len(value) > 100
            else [_filled(item, words) for item in value]
        )
    return value


def _send_to_api(
    stage: Stage, case: Case, path: str, sent: Any, headers: dict[str, str], language: str
) -> Any:
    body = {"data": sent, "content_type": JSON} if isinstance(sent, str) else {"json": sent}
    if sent is None:
        body = {}
    client = stage.app.test_client(use_cookies=False)
    headers = {"Accept-Language": language} | stage.bearer(case.role) | headers
    return client.open(path, method=case.method, headers=headers, **body)


def _send_form(stage: Stage, case: Case, path: str, sent: dict[str, Any], language: str) -> Any:
    form = {
        name: (io.BytesIO(value[0]), value[1]) if isinstance(value, tuple) else value
        for name, value in sent.items()
    }
    client = stage.browser(case.role, language)
    answer = client.post(path, data=form | {"csrf_token": stage.form_token()})
    answer.request.environ["wsgi.input"].close()  # a big form was written to a temporary file
    return answer


def _sentence(case: Case, answer: Any) -> str:
    """Check the parts of an answer that a program reads, and return the sentence for the user."""
    assert answer.status_code == case.status, answer.text[:2000]
    if case.page:
        if case.field:
            assert f'href="#{case.field}"' in answer.text, "the error summary names the field"
        return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text.partition("<main")[2]))
    said = answer.json
    if case.verdict:
        said = said["verdicts"][0]
        assert said["verdict"] == "wrong"
        assert "parameters" not in said
        assert bool(said.get("discrepancy")) == bool(case.keeps)
        field = said.get("field", case.field)
    else:
        field = said["field"]
    if case.code:
        assert said["code"] == case.code
    assert field == case.field
    return str(said["message"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.station}: {case.name}".replace(" ", "_"))
def test_bad_input_is_refused_with_what_to_do_and_changes_nothing(stage, words, case):
    path, sent = case.path.format_map(words), _filled(case.send, words)
    headers = {name: _filled(value, words) for name, value in case.headers.items()}
    if case.page:
        stage.browser(case.role)
    else:
        stage.bearer(case.role)
    before = stage.picture()
    said = {}
    for language in ("vi", "en"):
        answer = (
            _send_form(stage, case, path, sent, language)
            if case.page
            else _send_to_api(stage, case, path, sent, headers, language)
        )
        said[language] = _sentence(case, answer)
    after = stage.picture()
    changed = {name for name in after if after[name] != before[name]}
    # signing in a browser leaves its own line in the account's chain
    allowed = (BATCH if case.keeps else set()) | (
        {"event", "event_head"} if case.page and case.role else set()
    )
    # a collector is answered with the name of who was scanned, and that is written down
    allowed |= {"person_access"} if case.station == "collection" else set()
    assert changed <= allowed, changed
    if case.keeps:
        kept = [row for row in after["discrepancy"] - before["discrepancy"] if f"'{case.keeps}'" in row]
        assert len(kept) == 1, "the scan is kept once, though it was sent twice"
    assert case.says in said["en"]
    assert said["vi"] != said["en"], "said in both languages"
    if not case.page:
        for sentence in said.values():
            assert re.search(r"\S+ \S+.*[.!?]$", sentence), f"a full sentence: {sentence}"


def test_there_are_at_least_sixty_cases_and_every_station_has_some():
    assert len(CASES) >= 60
    assert len({(case.station, case.name) for case in CASES}) == len(CASES)
    stations = {
        "declaration",
        "lists",
        "labels",
        "collection",
        "boxes",
        "reception",
        "pooling",
        "run",
        "review",
    }
    assert stations <= {case.station for case in CASES}
