"""The bench's pages and API: the same actions through a browser and through a program."""

from __future__ import annotations

import io
import uuid

import pytest
from pooling import bench
from pooling.received import receive
from signing import bearer, sign_in

from lims.pooling.actions import pools


@pytest.fixture
def ready(world):
    bench.install(world)
    return world


class Browser:
    """A technician's browser that sends the token of its pages along."""

    def __init__(self, client) -> None:
        self.get = client.get
        self._post = client.post

    def post(self, url: str, data=None, **more):
        page = self.get("/pools").get_data(as_text=True)
        token = page.split('name="csrf-token" content="')[1].split('"')[0]
        return self._post(url, data={"csrf_token": token} | (data or {}), **more)


@pytest.fixture
def browser(client, ready):
    return Browser(sign_in(client, ready.actor("technician")))


class Program:
    """A program signed in as an account."""

    def __init__(self, client, actor) -> None:
        self.client, self.headers = client, bearer(actor)

    def post(self, url: str, status: int = 200, **body):
        answer = self.client.post(
            f"/api/v1{url}", json={"client_id": str(uuid.uuid4())} | body, headers=self.headers
        )
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.json

    def get(self, url: str, status: int = 200):
        answer = self.client.get(f"/api/v1{url}", headers=self.headers)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.json


@pytest.fixture
def program(app, ready):
    return Program(app.test_client(), ready.actor("technician"))


def text(answer, status: int = 200) -> str:
    page = answer.get_data(as_text=True)
    assert answer.status_code == status, page[:2000]
    return page


def made(world, count: int = 12) -> list[str]:
    receive(world, count)
    answer = pools.propose_pools(actor=world.actor("technician"), laboratory_id=world.laboratory_id)
    return [pool["pool"] for pool in answer["pools"]]


def test_a_program_pools_plates_and_reads_a_rack(ready, program):
    tubes = receive(ready, 3)
    laboratory = str(ready.laboratory_id)
    assert program.get(f"/laboratories/{laboratory}/waiting")["tubes"] == tubes
    code = program.post("/pools", laboratory_id=laboratory)["pool"]
    added = program.post(f"/pools/{code}/tubes", tubes=[*tubes, tubes[0], "nonsense"])
    assert [verdict["verdict"] for verdict in added["verdicts"]] == ["good"] * 3 + ["again", "wrong"]
    assert all(verdict["message"] and "parameters" not in verdict for verdict in added["verdicts"])
    assert program.post(f"/pools/{code}/removed-tubes", tubes=tubes[2:])["count"] == 2
    assert program.post(f"/pools/{code}/close")["status"] == "closed"
    assert [pool["pool"] for pool in program.get(f"/laboratories/{laboratory}/waiting")["pools"]] == [code]
    planned = program.post("/runs", laboratory_id=laboratory, assay_id=None, size=96, pools=None)
    run = planned["run"]
    program.post(f"/runs/{run}/start")
    rows = bench.readings_for(planned["wells"], {code: "detected"})
    answer = program.post(f"/runs/{run}/readings", readings=rows)
    assert answer["pools"] == [{"pool": code, "finding": "detected"}]
    shown = program.get(f"/runs/{run}")
    assert shown["status"] == "imported"
    assert shown["wells"][0]["finding"] == "detected" and "Ct" in shown["wells"][0]["reason"]


def test_scans_of_one_station_open_one_pool_however_they_arrive(ready, program):
    tubes = receive(ready, 3)
    opening, laboratory = str(uuid.uuid4()), str(ready.laboratory_id)
    sent = [
        {"client_id": str(uuid.uuid4()), "opening_id": opening, "laboratory_id": laboratory, "tubes": [tube]}
        for tube in tubes
    ]
    answers = [program.post("/pooled-tubes", **one) for one in [*sent, sent[0]]]
    assert len({answer["pool"] for answer in answers}) == 1
    assert answers[2]["tubes"] == tubes
    assert answers[3] == answers[0]
    elsewhere = {"opening_id": str(uuid.uuid4()), "laboratory_id": str(uuid.uuid4()), "tubes": tubes}
    program.post("/pooled-tubes", 404, **elsewhere)


def test_a_repeated_message_is_answered_the_same_and_changes_nothing(ready, program):
    receive(ready, 2)
    sent = {"client_id": str(uuid.uuid4()), "laboratory_id": str(ready.laboratory_id), "tubes": None}
    first = program.post("/pool-proposals", **sent)
    assert program.post("/pool-proposals", **sent) == first
    other = program.post("/pool-proposals", 409, **(sent | {"close": False}))
    assert other["code"] == "client_id_reused"


def test_refused_readings_name_every_mistake_in_the_reader_s_language(ready, program):
    made(ready, 1)
    planned = program.post("/runs", laboratory_id=str(ready.laboratory_id))
    rows = [{"well": "A1", "target": "N", "ct": "abc"}, {"well": "B9", "target": "XX", "ct": 1}]
    answer = program.post(f"/runs/{planned['run']}/readings", 422, readings=rows)
    assert [(one["line"], one["column"]) for one in answer["problems"]] == [(1, "ct"), (2, "target")]
    assert all(one["message"] and "%(" not in one["message"] for one in answer["problems"])


@pytest.mark.parametrize(
    ("url", "body", "status"),
    [
        ("/pools", {}, 422),
        ("/pools", {"laboratory_id": "x"}, 422),
        ("/pools", {"laboratory_id": str(uuid.uuid4())}, 404),
        ("/pools/P00/close", {}, 422),
        ("/runs", {"laboratory_id": str(uuid.uuid4())}, 404),
        ("/runs/G00/start", {}, 422),
        ("/pool-proposals", {"laboratory_id": str(uuid.uuid4())}, 404),
        ("/runs/\x00/start", {}, 422),
    ],
)
def test_bad_input_is_refused_with_a_sentence(program, url, body, status):
    assert program.post(url, status, **body)


def test_another_laboratory_sees_none_of_it(ready, app, program):
    [code] = made(ready, 1)
    planned = bench.plan(ready)
    other = Program(app.test_client(), ready.actor("technician_confirming"))
    other.get(f"/laboratories/{ready.laboratory_id}/waiting", 404)
    other.get(f"/runs/{planned['run']}", 404)
    other.post(f"/pools/{code}/void", 404)
    browser = sign_in(app.test_client(), ready.actor("technician_confirming"))
    assert browser.get(f"/pools/{code}").status_code == 404
    assert browser.get(f"/runs/{planned['run']}").status_code == 404


@pytest.mark.parametrize("role", ["collector", "courier", "health_worker"])
def test_the_bench_is_closed_to_those_who_do_not_work_there(ready, app, role):
    browser = sign_in(app.test_client(), ready.actor(role))
    pages = ("/pools", "/pools/station", "/runs", "/runs/new")
    assert {browser.get(page).status_code for page in pages} == {403}


def test_the_list_says_why_each_pool_waits_most_urgent_first(ready, browser):
    first = made(ready, 2)[0]
    bench.plate_all(ready, {first: "detected"})
    [waiting] = made(ready, 3)
    page = text(browser.get("/pools"))
    assert page.index('class="urgent"') < page.index(waiting[:3])
    assert text(browser.get("/pools?purpose=confirm")).count('class="urgent"') == 0


def test_the_station_shows_the_pool_being_filled(ready, browser):
    code = pools.open_pool(actor=ready.actor("technician"), laboratory_id=ready.laboratory_id)["pool"]
    pools.add_tubes(actor=ready.actor("technician"), pool_code=code, tube_codes=receive(ready, 2))
    page = text(browser.get(f"/pools/station?pool={code}"))
    assert f'data-pool-code="{code}"' in page
    assert page.count("slot filled") == 2
    assert "data-scan-input" in text(browser.get("/pools/station"))


def test_a_rack_is_pooled_from_the_page_and_what_was_left_out_is_said(ready, browser):
    tubes = receive(ready, 3)
    [away] = receive(ready, status="boxed")
    answer = browser.post(
        "/pools/proposals", data={"tubes": "\r\n".join([*tubes, away])}, follow_redirects=True
    )
    page = text(answer)
    assert away[:3] in page
    assert page.count("/pools/P") >= 1


def test_a_pool_s_record_closes_it_prints_its_label_and_voids_it(ready, browser):
    code = pools.open_pool(actor=ready.actor("technician"), laboratory_id=ready.laboratory_id)["pool"]
    assert "/close" not in text(browser.get(f"/pools/{code}"))
    [tube] = receive(ready, 1)
    pools.add_tubes(actor=ready.actor("technician"), pool_code=code, tube_codes=[tube])
    assert f"/tubes/{tube}" in text(browser.get(f"/pools/{code}"))
    browser.post(f"/pools/{code}/close")
    assert bench.status_of(code)[0] == "closed"
    assert browser.get(f"/pools/{code}/label.pdf").data.startswith(b"%PDF")
    assert browser.get("/pools/labels.pdf").data.startswith(b"%PDF")
    browser.post(f"/pools/{code}/void", data={"reason": "wrong"})
    assert bench.status_of(code)[0] == "void"
    assert "/void" not in text(browser.get(f"/pools/{code}"))


def test_a_record_links_what_a_pool_answers_and_what_answers_it(ready, browser):
    tubes = receive(ready, 2)
    [code] = [
        pool["pool"]
        for pool in pools.propose_pools(actor=ready.actor("technician"), laboratory_id=ready.laboratory_id)[
            "pools"
        ]
    ]
    run, _resolution = bench.plate_all(ready, {code: "detected"})
    page = text(browser.get(f"/pools/{code}"))
    child = bench.pools_of(tubes[0])[-1].code
    assert f"/pools/{child}" in page and f"/runs/{run}" in page
    assert f"/pools/{code}" in text(browser.get(f"/pools/{child}"))


def test_a_plate_is_filled_started_read_and_shown(ready, browser):
    first, second = made(ready, 12)
    assert "assay_id" in text(browser.get("/runs/new"))
    answer = browser.post("/runs/new", data={"size": "96", "kit_lot": "L1"})
    url = answer.location
    assert 'data-plate="96"' in text(browser.get(url))
    browser.post(f"{url}/start")
    run = url.rsplit("/", 1)[1]
    table = text(browser.get(f"{url}/readings"))
    assert table.count("data-ct") == 5 * 3
    wells = {"A01": first, "B01": second}
    sent = {}
    for position, kind in {
        "A01": "not_detected",
        "B01": "detected",
        "F12": "NTC",
        "G12": "NEC",
        "H12": "PC",
    }.items():
        sent |= {
            f"ct-{position}-{target}": "" if ct is None else str(ct) for target, ct in bench.CTS[kind].items()
        }
    assert browser.post(f"{url}/readings", data=sent).location.endswith(url)
    page = text(browser.get(url))
    assert "well stop" in page and "well good" in page and wells["B01"][:3] in page
    assert run[:3] in text(browser.get("/runs"))
    assert "24,8" in text(browser.get(f"{url}/readings")), "what was typed is there to be mended"


def test_mistakes_in_the_table_are_listed_and_what_was_typed_stays(ready, browser):
    made(ready, 1)
    url = browser.post("/runs/new", data={"size": "96"}).location
    page = text(browser.post(f"{url}/readings", data={"ct-A01-N": "abc"}), 422)
    assert "data-error-summary" in page and 'value="abc"' in page
    assert '<a href="#ct-A01-N">A01, N:' in page, "a table has no lines: the mistake leads to its field"


def test_a_csv_is_handed_in_or_pasted(ready, browser):
    made(ready, 1)
    planned = bench.plan(ready)
    lines = ["well,target,ct"] + [
        f"{row['well']},{row['target']},{str(row['ct'] or '').replace(',', '.')}"
        for row in bench.readings_for(planned["wells"], {})
    ]
    url, csv = f"/runs/{planned['run']}/readings", "\n".join(lines)
    assert browser.post(url, data={"csv": csv}).status_code == 302
    file = {"file": (io.BytesIO(csv.encode()), "run.csv")}
    assert browser.post(url, data=file, content_type="multipart/form-data").status_code == 302
    assert "Z99,ORF1ab," in text(browser.post(url, data={"csv": csv.replace("F12", "Z99")}), 422), (
        "nothing is lost"
    )


def test_nothing_to_plate_is_said_on_the_page(browser):
    assert "data-error-summary" in text(browser.post("/runs/new", data={"size": "96"}), 422)


def test_a_run_is_given_up_from_its_record(ready, browser):
    [code] = made(ready, 1)
    planned = bench.plan(ready)
    browser.post(f"/runs/{planned['run']}/void", data={"reason": "wrong plate"})
    assert bench.status_of(code)[0] == "closed"
    assert "wrong plate" in text(browser.get(f"/runs/{planned['run']}"))
