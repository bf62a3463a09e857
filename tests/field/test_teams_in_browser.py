"""The coordinator's page in a real browser: kept up to date while looked at, honest when it is not, on any screen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta

import pytest
from apiflask import APIFlask
from engines import make_app
from factories import World, make_world
from field.camera_video import BROWSER
from field.coordinating import a_list, enrol, send_list
from field.phones import Phone, enrolled
from field.shell_site import listening
from intake.people import declare, print_tubes
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from lims import clock, database
from lims.auth.actions import start_session

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium")
TURN = """hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def site(tmp_path) -> Iterator[APIFlask]:
    app = make_app(f"sqlite:///{tmp_path / 'lims.sqlite'}", tmp_path)
    with app.app_context():
        database.upgrade()
        yield app


@pytest.fixture
def small(site: APIFlask) -> World:
    return make_world()


@pytest.fixture
def address(site: APIFlask) -> Iterator[str]:
    with listening(site) as served:
        yield served


@pytest.fixture
def browser(small: World, address: str) -> Iterator[BrowserContext]:
    """A browser of a signed-in coordinator."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: nothing is tried in a real browser")
    actor = small.actor("coordinator")
    token = start_session(actor=actor, user_id=actor.user_id, kind="browser")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(BROWSER))
        context = chromium.new_context(locale="vi-VN")
        context.add_cookies([{"name": "lims-sign-in", "value": token, "url": address}])
        yield context
        chromium.close()


@pytest.fixture
def asked() -> list[str]:
    """How often the page has asked for itself since it was open."""
    return []


@pytest.fixture
def page(browser: BrowserContext, address: str, asked: list[str]) -> Page:
    """The page of teams, its clock in the test's hands."""
    opened = browser.new_page()
    opened.clock.install()
    opened.goto(f"{address}/teams")
    opened.on("request", lambda request: asked.append(request.url) if request.url == opened.url else None)
    return opened


def _scan(phone: Phone, world: World) -> None:
    phone.send(phone.bind(print_tubes(world)[0], declare(world)[0]))


def _bound(page: Page):
    return page.locator("[data-phones] tbody tr td[data-label='Đã gắn']").first


@pytest.fixture
def phone(small: World, site: APIFlask) -> Phone:
    return enrolled(small, site.test_client())


def test_what_a_phone_sends_appears_by_itself_and_the_keyboard_stays_where_it_was(phone, small, page):
    expect(_bound(page)).to_have_text("0")
    link = page.locator("[data-phones] a").first
    link.focus()
    _scan(phone, small)
    page.clock.run_for(20_000)
    expect(_bound(page)).to_have_text("1")
    expect(link).to_be_focused()


def test_the_first_phone_of_a_day_and_who_is_left_appear_too(small, page):
    expect(page.locator("[data-phones] tbody tr")).to_have_count(0)
    declare(small, 3)
    enrol(small)
    page.clock.run_for(20_000)
    expect(page.locator("[data-phones] tbody tr")).to_have_count(1)
    expect(page.locator("[data-left] td a")).to_have_text("3")


def test_figures_that_are_old_say_so_and_the_server_is_asked_less_often(phone, small, page, asked):
    stale = page.locator("[data-stale]")
    page.route("**/teams", lambda route: route.abort())
    expect(stale).to_be_hidden()
    page.clock.run_for(20_000)
    expect(stale).to_be_visible()
    assert len(asked) == 1
    page.clock.run_for(39_000)
    assert len(asked) == 1, "after a silence twice as long is waited"
    page.clock.run_for(2_000)
    expect(stale).to_be_visible()
    assert len(asked) == 2
    page.unroute("**/teams")
    _scan(phone, small)
    page.clock.run_for(80_000)
    expect(stale).to_be_hidden()
    expect(_bound(page)).to_have_text("1")


def test_nothing_is_asked_while_nobody_looks(phone, small, page, asked):
    page.evaluate(TURN, True)
    page.clock.run_for(600_000)
    assert asked == []
    _scan(phone, small)
    page.evaluate(TURN, False)
    expect(_bound(page)).to_have_text("1")


@pytest.mark.parametrize("width", [320, 1920])
def test_no_page_is_wider_than_the_screen(phone, small, browser, address, width):
    phone.send(phone.bind("T00000000", "K00000000"))
    (key,) = enrol(small, day=clock.today() + timedelta(days=1), team="Tổ lấy mẫu lưu động số mười hai")[
        "enrolments"
    ]
    send_list(small, a_list(3))
    sheet = browser.new_page()
    sheet.set_viewport_size({"width": width, "height": 800})
    for path in (
        "/teams",
        "/teams/list",
        "/teams/enrolments/new",
        f"/teams/enrolments/{key}",
        f"/teams/devices/{phone.device}",
    ):
        sheet.goto(address + path)
        assert sheet.evaluate("() => document.scrollingElement.scrollWidth") <= width, path
    sheet.goto(f"{address}/teams/list")
    sheet.get_by_label("Hoặc dán từ bảng tính").fill(
        "Họ và tên\tTổ\tĐiểm\nNgười Một\tA\t\nNgười Hai\tA\tNơi Không Có Trong Tỉnh\nNgười Mượn 1\tĐội 1\t\n"
    )
    sheet.get_by_label("Điểm cho các dòng không ghi điểm").select_option(index=1)
    sheet.get_by_role("button", name="Gửi", exact=True).click()
    expect(sheet.get_by_role("rowheader")).to_have_text(["3", "4"])
    assert sheet.evaluate("() => document.scrollingElement.scrollWidth") <= width
