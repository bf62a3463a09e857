"""The board on a wall, a desk and a phone: what its charts draw is what the API answers, and it keeps itself fresh."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from apiflask import APIFlask
from browser.curves_site import listening
from browser.visitor import Visitor
from browser.words import vi
from engines import Engines, make_app
from factories import World, make_world
from playwright.sync_api import expect
from pooling import bench
from pooling.received import receive
from results import desk
from signing import bearer
from sqlalchemy import update

from lims.auth.actions import start_session
from lims.capacity.counting.folding import fold_all
from lims.extensions import db
from lims.places.models import Laboratory
from lims.transaction import writing

pytestmark = pytest.mark.browser
SIZES = {"wall": (1920, 1080), "desk": (1366, 900), "phone": (320, 740)}
SERIES = ("collected", "received", "released")
REFRESH = "() => window.dispatchEvent(new Event('online'))"


@pytest.fixture(scope="module")
def product(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[APIFlask]:
    """The whole product on a file."""
    folder = tmp_path_factory.mktemp("board")
    with engines.fresh("sqlite", folder) as url:
        yield make_app(url, folder)


@pytest.fixture(scope="module")
def world(product: APIFlask) -> Iterator[World]:
    """A world without anybody in it."""
    with product.app_context():
        made = make_world()
        bench.install(made)
        yield made
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="module")
def site(product: APIFlask, world: World) -> Iterator[str]:
    with listening(product) as at:
        yield at


@pytest.fixture(scope="module")
def filled(world: World) -> None:
    """Samples at most stations; the first test of the file sees the world before."""
    run, _tubes = desk.run_tubes(world, 20)
    desk.verify_and_release(world, run)
    desk.run_tubes(world, 10, finding="detected")
    desk.run_tubes(world, 10)
    desk.run_tubes(world, 30)
    desk.pool_up(world, receive(world, 12))
    receive(world, 8)
    fold_all()


@pytest.fixture
def open_board(visit: Callable[..., Visitor], site: str, world: World) -> Iterator[Callable[..., Visitor]]:
    """Open the board of the coordinator at a size and in a language; at the end it is closed, as it asks for ever."""
    opened: list[Visitor] = []

    def open_one(size: str, path: str = "/board", language: str = "vi") -> Visitor:
        visitor = visit(site, f"board-{size}-{language}", SIZES[size])
        opened.append(visitor)
        actor = world.actor("coordinator")
        token = start_session(actor=actor, user_id=actor.user_id, kind="browser")
        visitor.context.add_cookies([{"name": "lims-sign-in", "value": token, "url": site}])
        visitor.go("/home")
        visitor.page.evaluate(
            """async (language) => {
              const form = new FormData();
              form.set("csrf_token", document.querySelector("meta[name=csrf-token]").content);
              form.set("language", language);
              await fetch("/language", { method: "POST", body: form });
            }""",
            language,
        )
        visitor.go(path)
        expect(visitor.page.locator("main")).to_have_attribute("data-state", "fresh")
        return visitor

    yield open_one
    for visitor in opened:
        visitor.leave()


def ask(site: str, world: World, path: str = "board") -> dict[str, Any]:
    """Return what the API answers."""
    answer = httpx.get(f"{site}/api/v1/{path}", headers=bearer(world.actor("coordinator")))
    return answer.json()


def drawn(visitor: Visitor, chart: str) -> dict[str, Any]:
    """Return what a chart says that it has drawn, once its canvas is not bare."""
    canvas = visitor.page.locator(f"#chart-{chart} canvas")
    bare = canvas.evaluate(
        "(canvas) => !canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
    )
    assert not bare, f"{chart} is a blank chart"
    return json.loads(canvas.get_attribute("data-drawn") or "{}")


def test_an_empty_campaign_is_a_sentence_and_no_blank_chart(open_board):
    board = open_board("desk")
    main = board.page.get_by_role("main")
    expect(main).to_contain_text(vi("Nobody is declared or sampled here yet"))
    expect(main).to_contain_text(vi("Nothing was collected, received or released in these hours."))
    assert board.page.locator("canvas").count() == 1, "only what the laboratories can do is drawn"
    board.look("empty")


@pytest.mark.usefixtures("filled")
def test_charts_draw_what_the_api_answers_and_each_has_its_table(open_board, site, world):
    board = open_board("desk")
    told = ask(site, world)
    for chart in ("hours", "days"):
        found = drawn(board, chart)
        assert [one["data"] for one in found["series"]] == [
            [row[name] for row in told[chart]] for name in SERIES
        ]
        assert len(found["labels"]) == len(told[chart])
    rows = [
        row[kind]
        for row in told["laboratories"]
        for kind in ("screening", "confirmation")
        if kind == "screening" or row[kind]["capacity"]
    ]
    found = drawn(board, "laboratories")
    assert [one["data"] for one in found["series"]] == [
        [row[name] for row in rows] for name in ("used", "planned", "free")
    ]
    found = drawn(board, "legs")
    for one, name in zip(found["series"], ("median_minutes", "p75_minutes", "p90_minutes"), strict=True):
        assert one["data"] == [
            pytest.approx(leg[name] / 60, abs=0.006) if leg[name] is not None else None
            for leg in told["legs"]
        ]
    for chart in ("hours", "days", "laboratories", "legs"):
        table = board.page.locator(f"#chart-{chart} table")
        board.page.locator(f"#chart-{chart} summary").click()
        expect(table).to_be_visible()
    cells = board.page.locator("#chart-days tbody tr").last.locator("td").all_inner_texts()
    assert [int(cell.replace(".", "")) for cell in cells] == [told["days"][-1][name] for name in SERIES]
    board.look("tables")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("size", SIZES)
def test_it_is_read_on_a_wall_a_desk_and_a_phone(open_board, size, language):
    path = "/board?wall=1" if size == "wall" else "/board"
    board = open_board(size, path, language)
    board.look("full")
    if size == "wall":
        height = board.page.evaluate("() => document.scrollingElement.scrollHeight")
        assert height <= SIZES["wall"][1], "all on one screen"
        small = board.page.evaluate(
            """() => [...document.querySelectorAll("main *")]
              .filter((one) => one.checkVisibility() && [...one.childNodes].some((node) => node.nodeType === 3
                && node.nodeValue.trim()))
              .filter((one) => parseFloat(getComputedStyle(one).fontSize) < 17 && !one.closest(".row-of-actions"))
              .map((one) => one.outerHTML.slice(0, 80))"""
        )
        assert small == [], "too small to be read from 4 m"
    tiles = board.page.locator("a.tile")
    assert tiles.count() == 6
    if size == "desk":
        lowest = max(tile.bounding_box()["y"] + tile.bounding_box()["height"] for tile in tiles.all())
        assert lowest <= SIZES["desk"][1], "the six numbers stand above the fold"


@pytest.mark.usefixtures("filled")
def test_a_release_comes_without_a_reload_and_nothing_that_was_opened_closes(open_board, site, world):
    board = open_board("desk")
    page = board.page
    page.evaluate("() => { window.same = true; }")
    page.locator("#chart-hours summary").click()
    page.locator("#chart-hours summary").focus()
    page.evaluate("() => window.scrollTo(0, 300)")
    before = ask(site, world)
    run, _tubes = desk.run_tubes(world, 10)
    desk.verify_and_release(world, run)
    fold_all()
    page.evaluate(REFRESH)
    released = ask(site, world)["released_today"]
    assert released >= before["released_today"] + 10
    expect(page.locator("a.tile.good .figure")).to_have_text(str(released))
    assert sum(drawn(board, "hours")["series"][2]["data"]) == sum(
        hour["released"] for hour in ask(site, world)["hours"]
    )
    assert page.evaluate("() => window.same"), "no reload"
    assert page.evaluate("() => window.scrollY") == 300, "nothing jumps"
    assert page.locator("#behind-hours").get_attribute("open") is not None
    assert page.evaluate("() => document.activeElement.closest('details').id") == "behind-hours"
    with page.expect_response(lambda answer: answer.url.endswith("/board")) as answered:
        page.evaluate(REFRESH)
    assert answered.value.status == 304, "nothing has changed since"


def test_a_lost_connection_is_said_and_so_is_its_return(open_board):
    board = open_board("desk")
    page, state = board.page, board.page.locator("[data-live-state]")
    page.route("**/board", lambda route: route.abort())
    page.evaluate(REFRESH)
    expect(state).to_have_text(vi("No connection. These are the figures of the time above; trying again."))
    board.keep_picture("lost", full=False)
    page.unroute("**/board")
    page.evaluate(REFRESH)
    expect(state).to_have_text(vi("kept fresh by itself"))
    board.complaints.clear()  # the browser's own line about what was cut off


@pytest.mark.usefixtures("filled")
def test_every_number_leads_to_a_list(open_board):
    board = open_board("desk")
    links = board.page.locator("main a[href^='/']")
    ways = {link.get_attribute("href") for link in links.all()}
    assert any(way.startswith("/board/waiting?station=received") for way in ways)
    assert any(way.startswith("/board/happened?") for way in ways)
    answers = {way: board.page.request.get(board.address + way).status for way in ways}
    assert {way: status for way, status in answers.items() if status != 200} == {}
    assert len([way for way in ways if "format=csv" in way]) == 4, "each chart has its file"
    board.page.locator("[data-station-of=received] a").click()
    expect(board.page.locator("main table tbody tr")).to_have_count(8)
    board.look("waiting")
    board.go("/board/happened?measure=released")
    board.look("happened")


def test_a_capacity_of_nothing_is_a_sentence_and_no_blank_chart(open_board, world):
    with writing() as session:
        session.execute(update(Laboratory).values(screening_per_day=0, confirmation_per_day=0))
    board = open_board("desk", f"/board?laboratory_id={world.confirming_id}")
    sentence = vi("No laboratory has a capacity. Enter what each can do in a day; it is drawn here then.")
    expect(board.page.locator("#chart-laboratories")).to_contain_text(sentence)
    expect(board.page.locator("#chart-laboratories canvas")).to_have_count(0)
    expect(board.page.locator("#tables")).to_contain_text(vi("Enter what it can do in a day"))
    board.look("no-capacity")
