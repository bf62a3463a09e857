"""A collector's day in a real browser, against the real server: without network, with an empty battery, with a
network that breaks in the middle of a batch, and with a server that is killed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from browser.collector import Collector
from browser.cutting import cutting
from browser.field_town import FieldTown, fill_field_town
from browser.words import vi
from playwright.sync_api import Playwright, expect, sync_playwright
from servers import ServerProcess

pytestmark = pytest.mark.browser
PEOPLE = 330
ENDED = "The enrolment of this phone has ended. Ask the coordinator for a new one. What was scanned is still sent."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("field")


@pytest.fixture(scope="module")
def town(folder: Path) -> FieldTown:
    return fill_field_town(folder, people=PEOPLE)


@pytest.fixture(scope="module")
def server(town: FieldTown, folder: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(f"sqlite:///{town.file}", folder)
    process.start()
    yield process
    process.kill_if_alive()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture
def phone(
    playwright: Playwright, server: ServerProcess, tmp_path: Path
) -> Iterator[Callable[..., Collector]]:
    """Make phones; they are closed at the end, and none may have complained."""
    made: list[Collector] = []

    def make(address: str = "", name: str = "phone", **options: object) -> Collector:
        made.append(Collector(playwright, address or server.url, tmp_path / name, **options))
        return made[-1]

    yield make
    for one in made:
        one.leave()


def sent(town: FieldTown, people: list[str]) -> list[tuple[int, str, str, datetime, datetime]]:
    """Return what the server holds of some people's scans: seq, person, tube, by the phone's clock, corrected."""
    marks = ",".join("?" * len(people))
    rows = town.ask(
        "select f.seq, d.code, t.code, f.device_at, f.occurred_at from sample s"
        " join declaration d on d.id = s.declaration_id join tube t on t.id = s.tube_id"
        f" join field_scan f on f.id = s.client_id where s.status <> 'void' and d.code in ({marks}) order by f.seq",
        *people,
    )
    moment = lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC)  # noqa: E731
    return [(seq, person, tube, moment(at), moment(corrected)) for seq, person, tube, at, corrected in rows]


def test_three_hundred_people_without_network_a_reload_and_an_empty_battery(town, phone):
    collector = phone()
    collector.enrol(town.enrolments[0])
    collector.await_installed()
    collector.start()
    people, tubes = town.people[:300], town.tubes[:300]
    pairs = list(zip(people, tubes, strict=True))
    collector.context.set_offline(True)
    began = datetime.now(UTC)
    for number, pair in enumerate(pairs[:100], start=1):
        collector.bind(*pair, count=number)
    collector.page.reload()
    collector.await_scanning()
    collector.expect_figure("today", 100)
    for number, pair in enumerate(pairs[100:200], start=101):
        collector.bind(*pair, count=number)
    collector.kill()
    collector.open(offline=True)
    collector.go()
    collector.await_scanning()
    collector.expect_figure("today", 200)
    for number, pair in enumerate(pairs[200:], start=201):
        collector.bind(*pair, count=number)
    assert collector.figure("unsent") == 300
    assert sent(town, people) == []
    ended = datetime.now(UTC)
    collector.context.set_offline(False)
    collector.expect_figure("unsent", 0, within_s=60)
    rows = sent(town, people)
    assert [(person, tube) for _, person, tube, _, _ in rows] == pairs, "each once, in order"
    assert [seq for seq, *_ in rows] == list(range(1, 301))
    times = [at for *_, at, _ in rows]
    assert times == sorted(times)
    assert began <= times[0] <= times[-1] <= ended, "with their own times"
    assert all(abs((corrected - at).total_seconds()) < 5 for *_, at, corrected in rows)


def test_a_network_that_breaks_in_a_batch_and_a_server_that_is_killed_change_nothing_twice(
    town, server, phone
):
    with cutting(server.port) as cutter:
        collector = phone(cutter.address)
        collector.enrol(town.enrolments[1])
        collector.start(first="tube")
        collector.context.set_offline(True)
        people, tubes = town.people[300:312], town.tubes[300:312]
        for number, (person, tube) in enumerate(zip(people, tubes, strict=True), start=1):
            collector.bind(tube, person, count=number)
        cutter.plan = ["request", "answer", "half"]
        collector.context.set_offline(False)
        collector.expect_figure("unsent", 0, within_s=60)
        assert cutter.done == ["request", "answer", "half"], "each was tried"
        assert [row[1] for row in sent(town, people)] == people
        more, spare = town.people[312:318], town.tubes[312:318]
        server.kill()
        for number, (person, tube) in enumerate(zip(more, spare, strict=True), start=13):
            collector.bind(tube, person, count=number)
        assert collector.figure("unsent") > 0
        server.start()
        collector.expect_figure("unsent", 0, within_s=90)
        assert [row[1] for row in sent(town, more)] == more
    kept = town.ask("select count(*), count(distinct id) from field_scan")
    assert kept[0][0] == kept[0][1]
    assert town.ask("select count(*) from discrepancy") == [(0,)]


def test_two_phones_that_took_one_tube_are_told(town, phone):
    one, other = phone(name="one"), phone(name="other")
    for number, collector in enumerate((one, other)):
        collector.enrol(town.enrolments[2 + number])
        collector.start()
        collector.context.set_offline(True)
        collector.bind(town.people[318 + number], town.tubes[318], count=1)
    one.context.set_offline(False)
    one.expect_figure("unsent", 0)
    other.context.set_offline(False)
    other.expect_figure("unsent", 0)
    expect(other.page.locator('[data-chip="check"]')).to_be_visible()
    assert town.ask("select kind from discrepancy where status = 'open'") == [("tube_reused",)]


def test_a_phone_without_any_signal_hands_its_scans_over_as_a_file(town, phone, tmp_path):
    silent, carrier = phone(name="silent"), phone(name="carrier")
    silent.enrol(town.enrolments[4])
    silent.await_installed()
    silent.start()
    silent.context.set_offline(True)
    silent.bind(town.people[321], town.tubes[321], count=1)
    silent.page.locator('nav [data-go="more"]').click()
    with silent.page.expect_download() as downloaded:
        silent.page.locator('[data-part="more"] [data-do="hand-over"]').click()
    file = tmp_path / "handed-over.json"
    downloaded.value.save_as(file)
    content = json.loads(file.read_text())
    assert set(content) == {"v", "made_at", "ephemeral", "iv", "sealed"}
    assert town.people[321] not in file.read_text()
    carrier.enrol(town.enrolments[5])
    carrier.start()
    carrier.page.locator('nav [data-go="more"]').click()
    carrier.page.locator('input[type="file"]').set_input_files(file)
    carrier.page.wait_for_timeout(500)
    for _ in range(50):
        if sent(town, [town.people[321]]):
            break
        carrier.page.wait_for_timeout(100)
    assert len(sent(town, [town.people[321]])) == 1
    silent.page.locator('nav [data-go="scan"]').click()
    assert silent.figure("unsent") == 1, "it is its own phone that must be answered"
    silent.context.set_offline(False)
    silent.expect_figure("unsent", 0)
    assert len(sent(town, [town.people[321]])) == 1


KEPT = """() => new Promise((done) => {
  const asked = indexedDB.open("lims-field");
  asked.onsuccess = () => {
    const inside = asked.result.transaction(["scans", "state"]);
    const scans = inside.objectStore("scans").count();
    const packet = inside.objectStore("state").get("packet");
    inside.oncomplete = () => { asked.result.close(); done([scans.result, packet.result !== undefined]); };
  };
})"""


def test_when_its_day_is_over_a_phone_forgets_the_names_but_no_unsent_scan(town, phone):
    late = phone()
    late.enrol(town.enrolments[6])
    late.start()
    late.bind(town.people[322], town.tubes[322], count=1)
    late.expect_figure("unsent", 0)
    assert late.page.evaluate(KEPT) == [1, True]
    with sqlite3.connect(town.file, timeout=20) as connection:
        over = (datetime.now(UTC) - timedelta(minutes=1)).strftime("%Y-%m-%d %H:%M:%S.%f")
        connection.execute("update enrolment set expires_at = ? where team = 'Tổ 7'", (over,))
    late.page.locator('nav [data-go="lists"]').click()
    late.page.locator('[data-do="send"]').click()
    expect(late.page.locator("[data-notices]")).to_contain_text(vi(ENDED))
    late.page.wait_for_timeout(6_000)  # the phone looks at its clock every five seconds
    assert late.page.evaluate(KEPT) == [0, False]


def test_practice_sends_nothing_and_is_marked(town, phone):
    learner = phone()
    asked: list[str] = []
    learner.page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    before = town.ask("select count(*) from field_scan")
    learner.go()
    learner.page.locator('[data-part="enrol"] [data-do="practise"]').click()
    expect(learner.page.locator("[data-practice]")).to_be_visible()
    learner.start()
    for kind in ("person", "tube"):
        learner.page.locator(f'[data-label="{kind}"]').click()
    learner.expect_figure("today", 1)
    expect(learner.page.locator("[data-practice]")).to_be_visible()
    learner.page.wait_for_timeout(1_500)
    assert [line for line in asked if "/api/" in line] == []
    assert town.ask("select count(*) from field_scan") == before
