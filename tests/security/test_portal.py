"""R3: a code cannot be guessed, a birth date cannot be found out, and whoever tries is slowed down alone."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from security.stage import BORN, NOON, Stage, without_tokens
from sqlalchemy import delete
from statements import count_statements

from lims import clock, codes
from lims.auth.models import Throttle
from lims.auth.throttles import QUARTER, READ_ADDRESS, READ_CODE
from lims.errors import InvalidInput
from lims.transaction import writing
from lims.vault import Vault

ADDRESS = "/api/v1/results/read"
WRONG = "1981"


@pytest.fixture(autouse=True)
def forgotten(stage: Stage) -> Iterator[None]:
    """Begin and end without counted failures."""
    yield
    with stage.app.app_context(), writing() as session:
        session.execute(delete(Throttle))


def _ask(stage: Stage, code: str, born: str, address: str = "203.0.113.1", **headers: str):
    return stage.app.test_client().post(
        ADDRESS,
        json={"result_code": code, "birth_date": born},
        headers=headers,
        environ_overrides={"REMOTE_ADDR": address},
    )


def _both(stage: Stage) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return a known code with a wrong birth date, and an unknown one."""
    return (stage.result_code, WRONG), (codes.mint_result_code(), BORN)


def test_both_failures_have_the_same_answer(stage):
    answers = [_ask(stage, *wrong) for wrong in _both(stage)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].data == answers[1].data
    assert [name for name, _ in answers[0].headers] == [name for name, _ in answers[1].headers]


def test_both_failures_have_the_same_page(stage):
    pages = []
    for code, born in _both(stage):
        form = {"result_code": code, "birth_year": born, "csrf_token": stage.form_token()}
        page = stage.browser(None).post("/results", data=form)
        text = page.text.replace(f'value="{born}"', "")
        pages.append((page.status_code, without_tokens(text, code)))
    assert pages[0] == pages[1]
    assert pages[0][0] == 404


def test_both_failures_cost_the_same_statements_and_the_same_hashing(stage, monkeypatch):
    hashed: list[str] = []
    whole = Vault.digest

    def counted(self: Vault, text: str, *, purpose: str) -> bytes:
        hashed.append(purpose)
        return whole(self, text, purpose=purpose)

    monkeypatch.setattr(Vault, "digest", counted)
    seen = []
    for place, wrong in enumerate(_both(stage)):
        hashed.clear()
        with stage.app.app_context(), count_statements() as sent:
            _ask(stage, *wrong, address=f"203.0.113.{place + 10}")
        seen.append((list(hashed), [re.sub(r"\s+", " ", statement) for statement in sent]))
    assert seen[0] == seen[1]
    assert len(seen[0][1]) > 2


def test_a_robot_that_guesses_finds_nothing_and_is_slowed_down(stage):
    met: Counter[int] = Counter()
    for _ in range(READ_ADDRESS.failures + 40):
        met[_ask(stage, codes.mint_result_code(), BORN, "198.51.100.1").status_code] += 1
    assert met == {404: READ_ADDRESS.failures, 429: 40}


def test_naming_other_proxies_does_not_get_around_the_limit(stage):
    met = [
        _ask(stage, codes.mint_result_code(), BORN, "198.51.100.2", **{"X-Forwarded-For": f"10.0.0.{place}"})
        for place in range(READ_ADDRESS.failures + 1)
    ]
    assert met[-1].status_code == 429
    assert int(met[-1].headers["Retry-After"]) > 0


def test_a_village_is_not_locked_out_by_a_robot_behind_the_same_address(stage):
    for _ in range(READ_ADDRESS.failures + 1):
        _ask(stage, codes.mint_result_code(), BORN, "198.51.100.3")
    wrong = _ask(stage, stage.result_code, WRONG, "198.51.100.3")
    unknown = _ask(stage, codes.mint_result_code(), BORN, "198.51.100.3")
    assert (wrong.status_code, wrong.data) == (429, unknown.data)
    assert _ask(stage, stage.result_code, BORN, "198.51.100.3").status_code == 200
    assert _ask(stage, stage.result_code, BORN, "198.51.100.4").status_code == 200


def test_a_found_slip_gives_twenty_tries_a_day_however_patient_its_finder_is(stage):
    code, met = codes.mint_result_code(), Counter()
    for quarter in range(8):
        with clock.at(NOON + quarter * (QUARTER + timedelta(minutes=1))):
            met.update(_ask(stage, code, BORN, f"192.0.2.{quarter}").status_code for _ in range(12))
    assert met == {404: 2 * READ_CODE.failures, 429: 8 * 12 - 2 * READ_CODE.failures}
    with clock.at(NOON + timedelta(days=1, hours=1)):
        assert _ask(stage, code, BORN, "192.0.2.99").status_code == 404, "it opens again by itself"


def test_trying_every_birth_year_from_many_addresses_ends_after_ten(stage):
    met = [
        _ask(stage, stage.result_code, str(1900 + place), f"192.0.2.{place}").status_code
        for place in range(READ_CODE.failures + 5)
    ]
    assert met == [404] * READ_CODE.failures + [429] * 5
    assert _ask(stage, stage.result_code, BORN, "192.0.2.250").status_code == 429
    with clock.at(NOON + QUARTER + timedelta(seconds=1)):
        assert _ask(stage, stage.result_code, BORN, "192.0.2.250").status_code == 200, (
            "it opens again by itself"
        )


def test_a_reissued_code_kills_the_one_before(stage):
    client = stage.browser("health_worker")
    form = {"csrf_token": stage.form_token(), "identity_checked": "y"}
    address = f"/people/{stage.released_declaration}/result-code"
    shown = []
    for _ in range(2):
        page = client.post(address, data=form | {"client_id": str(uuid.uuid4())})
        assert page.status_code == 200, page.text
        found = re.findall(r"\b[0-9A-Z]{5}[ -]?[0-9A-Z]{5}[ -]?[0-9A-Z]{4}\b", page.text)
        shown.append(next(code for code in map(codes.normalise, found) if _is_code(code)))
    assert _ask(stage, shown[0], BORN).status_code == 404
    assert _ask(stage, shown[1], BORN).status_code == 200
    stage.things["result_code"] = shown[1]
    assert shown[1] not in client.get(f"/people/{stage.released_declaration}").text, "shown once"


def _is_code(text: str) -> bool:
    try:
        codes.check_result_code(text, field="result_code")
    except InvalidInput:
        return False
    return True
