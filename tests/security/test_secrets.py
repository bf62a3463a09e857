"""R2, R5 and ASVS 8.2.3, 14.2.1: after a whole journey no secret and no personal number stands anywhere but in the
answer that was made for its owner, and the laboratory has learnt nobody's name.
"""

from __future__ import annotations

import io
import logging
import re
import uuid
from typing import Any

import pytest
from pooling.bench import readings_for
from security.stage import NOON, Stage

NAMES = ("Trịnh Xuân Bách", "Quách Thu Lựu", "Tạ Đình Mận")
PHONES = ("0977123451", "0977123452", "0977123453")
NUMBERS = ("022090123451", "022190123452", "022090123453")
STREETS = ("17 ngõ Bưởi", "18 ngõ Bưởi", "19 ngõ Bưởi")
# the code or the id in an address, and links to records
CODE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[A-Z][0-9A-Z]{8}\b")
RECORD = re.compile(r'href="(/(?:people|tubes|boxes|pools|runs|results|labels|lists|release)/[^"#?]*)')
# roles that see samples and never people
LABORATORY = ("courier", "technician", "supervisor")


class Journey:
    """Three people from declaration to reading, through the API alone; every answer is kept."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.answers: list[tuple[str | None, str, str]] = []
        self.logged = io.StringIO()
        self.seen: dict[str, dict[str, str]] = {}
        self.secrets: list[str] = []
        self.declarations: list[str] = []

    def post(self, role: str | None, path: str, **body: Any) -> dict[str, Any]:
        """Send a body with an id of its own; the answer must be good."""
        sent = {"client_id": str(uuid.uuid4())} | body
        answer = self.stage.app.test_client(use_cookies=False).post(
            f"/api/v1{path}", json=sent, headers=self.stage.bearer(role)
        )
        assert answer.status_code == 200, (path, answer.text)
        wrong = [one for one in answer.json.get("verdicts", []) if one["verdict"] == "wrong"]
        assert not wrong, (path, wrong)
        self.answers.append((role, path, answer.text))
        return dict(answer.json)

    def play(self) -> None:
        """Declare, collect, box, send, receive, pool, run, review, verify, release, read."""
        world = self.stage.world
        campaign, site, laboratory = str(world.campaign_id), str(world.site_id), str(world.laboratory_id)
        people = [
            {
                "client_id": str(uuid.uuid4()),
                "name": name,
                "birth_date": "1990",
                "identity_number": number,
                "phone": phone,
                "address": street,
                "commune_code": world.commune_code,
                "consent": True,
            }
            for name, number, phone, street in zip(NAMES, NUMBERS, PHONES, STREETS, strict=True)
        ]
        verdicts = self.post(None, "/declarations", campaign_id=campaign, declarations=people)["verdicts"]
        self.secrets = [verdict["result_code"] for verdict in verdicts]
        self.declarations = [verdict["declaration_code"] for verdict in verdicts]
        lot = self.post(
            "health_worker", "/tube-lots", campaign_id=campaign, mode="single", count=3, place_id=None
        )
        (box,) = self.post("health_worker", "/box-labels", campaign_id=campaign, count=1)["boxes"]
        tubes = lot["tubes"]
        scans = [
            {
                "client_id": str(uuid.uuid4()),
                "tube": tube,
                "declaration": code,
                "occurred_at": NOON.isoformat(),
            }
            for tube, code in zip(tubes, self.declarations, strict=True)
        ]
        self.post("collector", "/collections", session_id=str(uuid.uuid4()), place_id=site, scans=scans)
        self.post("collector", f"/boxes/{box}/tubes", place_id=site, tubes=tubes)
        self.post("collector", f"/boxes/{box}/seal")
        self.post("courier", f"/boxes/{box}/dispatch", laboratory_id=laboratory, temperature_c=4.0)
        self.post("technician", f"/boxes/{box}/receive", laboratory_id=laboratory, temperature_c=4.0)
        self.post(
            "technician",
            f"/boxes/{box}/received-tubes",
            laboratory_id=laboratory,
            tubes=[{"code": tube} for tube in tubes],
        )
        self.post("technician", f"/boxes/{box}/reconcile")
        pool = self.post("technician", "/pools", laboratory_id=laboratory)["pool"]
        self.post("technician", f"/pools/{pool}/tubes", tubes=tubes)
        self.post("technician", f"/pools/{pool}/close")
        planned = self.post("technician", "/runs", laboratory_id=laboratory, pools=[pool])
        run = planned["run"]
        self.post("technician", f"/runs/{run}/start")
        self.post("technician", f"/runs/{run}/readings", readings=readings_for(planned["wells"], {}))
        self.post("technician", f"/runs/{run}/review")
        self.post("supervisor", f"/runs/{run}/verify")
        self.post("supervisor", f"/runs/{run}/release")
        for secret in self.secrets:
            told = self.post(None, "/results/read", result_code=secret, birth_date="1990")
            assert told["status"] == "not_detected"


@pytest.fixture
def journey(stage: Stage) -> Journey:
    """The journey, played once a stage while everything that is logged is caught."""
    if "journey" not in stage.things:
        made, root = Journey(stage), logging.getLogger()
        caught, level = logging.StreamHandler(made.logged), root.level
        root.addHandler(caught)
        root.setLevel(logging.DEBUG)
        made.play()
        root.removeHandler(caught)
        root.setLevel(level)
        stage.things["journey"] = made
    found: Journey = stage.journey
    return found


def _crawl(journey: Journey, role: str) -> dict[str, str]:
    """Return what a role sees, by address: every page, one of each kind of record, and the three people's own."""
    if role in journey.seen:
        return journey.seen[role]
    client = journey.stage.browser(role)
    with journey.stage.app.test_request_context():
        waiting = [
            journey.stage.app.url_for(rule.endpoint)
            for rule in journey.stage.app.url_map.iter_rules()
            if not rule.arguments and "GET" in (rule.methods or set())
        ]
    own = {f"/people/{code}{more}" for code in journey.declarations for more in ("", "/slip.pdf")}
    waiting += [*own, *(f"/people?q={name}" for name in NAMES)]
    seen: dict[str, str] = {}
    shapes: set[str] = set()
    while waiting:
        address = waiting.pop(0)
        shape = address if address in own else CODE.sub("…", address)
        if shape in shapes:
            continue
        shapes.add(shape)
        answer = client.get(address)
        seen[address] = answer.get_data().decode(errors="replace") + str(answer.headers)
        if answer.mimetype == "text/html":
            waiting += RECORD.findall(answer.text)
        answer.close()
    return journey.seen.setdefault(role, seen)


def _forms(number: str) -> tuple[str, ...]:
    """Return a telephone number as it may be written; an identity number as it is."""
    if len(number) == 10:
        return number, f"+84{number[1:]}", f"{number[:4]} {number[4:7]} {number[7:]}"
    return (number,)


def _hidden(text: str, *, result_codes: list[str]) -> list[str]:
    plain = [code for code in result_codes if code in text or f"{code[:5]} {code[5:10]} {code[10:]}" in text]
    plain += [code for code in result_codes if f"{code[:5]}-{code[5:10]}-{code[10:]}" in text]
    return plain


def test_no_secret_or_number_stands_in_any_table(journey):
    rows = "\n".join(
        f"{name}: {row}"
        for name, found in journey.stage.picture(without=frozenset()).items()
        for row in found
    )
    assert _hidden(rows, result_codes=journey.secrets) == []
    for number in (*PHONES, *NUMBERS):
        assert not [form for form in _forms(number) if form in rows]
        assert number.encode().hex() not in rows
    assert not [street for street in STREETS if street in rows]


def test_no_person_stands_in_any_event(journey):
    events = "\n".join(journey.stage.picture(without=frozenset())["event"])
    for word in (*NAMES, *PHONES, *NUMBERS, *STREETS, *journey.secrets):
        assert word not in events
        assert word.encode("unicode_escape").decode() not in events


def test_nothing_of_a_person_is_logged(journey):
    for word in (*NAMES, *PHONES, *NUMBERS, *STREETS, *journey.secrets):
        assert word not in journey.logged.getvalue()


def test_a_result_code_is_in_no_answer_but_the_first(journey):
    for role, path, text in journey.answers:
        if path != "/declarations":
            assert _hidden(text, result_codes=journey.secrets) == [], (role, path)


@pytest.mark.parametrize("role", ["health_worker", "coordinator", "supervisor", "administrator", "collector"])
def test_no_page_list_search_or_print_shows_a_result_code(journey, role):
    shown = [
        address
        for address, text in _crawl(journey, role).items()
        if _hidden(text, result_codes=journey.secrets)
    ]
    assert shown == []


def _exported(journey: Journey, role: str) -> dict[str, str]:
    """Return every export that a role may take, in each of the formats that are text."""
    client, headers = journey.stage.app.test_client(use_cookies=False), journey.stage.bearer(role)
    kinds = [one["kind"] for one in client.get("/api/v1/exports", headers=headers).json["kinds"]]
    return {
        f"{kind}.{form}": client.post(
            f"/api/v1/exports/{kind}", json={"format": form}, headers=headers
        ).get_data(as_text=True)
        for kind in kinds
        for form in ("csv", "ndjson")
    }


@pytest.mark.parametrize(
    "role", ["health_worker", "technician", "supervisor", "coordinator", "administrator"]
)
def test_no_export_holds_a_result_code_and_the_laboratory_s_name_nobody(journey, role):
    files = _exported(journey, role)
    assert len(files) > 4
    assert [name for name, text in files.items() if _hidden(text, result_codes=journey.secrets)] == []
    if role in LABORATORY:
        for word in (*NAMES, *PHONES, *NUMBERS, *STREETS):
            assert [name for name, text in files.items() if any(form in text for form in _forms(word))] == []
    if role == "health_worker":
        assert NAMES[0] in files["people.csv"], "or this proves nothing"


@pytest.mark.parametrize("role", LABORATORY)
def test_the_laboratory_learns_nobodys_name_or_number(journey, role):
    told = [
        (address, word)
        for address, text in _crawl(journey, role).items()
        for word in (*NAMES, *PHONES, *NUMBERS, *STREETS)
        if word in text and not address.startswith("/people?q=")
    ]
    assert told == []
    for by, path, text in journey.answers:
        if by == role:
            assert not [word for word in (*NAMES, *PHONES, *NUMBERS, *STREETS) if word in text], path


def test_whoever_may_see_people_sees_them_or_the_tests_above_prove_nothing(journey):
    page = _crawl(journey, "health_worker")[f"/people/{journey.declarations[0]}"]
    assert NAMES[0] in page
    assert any(form in page for form in _forms(PHONES[0]))


def test_no_address_has_a_place_for_a_secret(stage):
    rules = [rule.rule for rule in stage.app.url_map.iter_rules()]
    assert not [rule for rule in rules if re.search(r"<[^>]*(secret|result_code|token|phone|identity)", rule)]
