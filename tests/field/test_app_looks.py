"""The phone's app on the smallest screen: readable to all, nothing too small for a glove, nothing beside the screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from field import phone_site
from field.phone_site import BOX, ENROLMENT, MIXED, PEOPLE, TUBES, Centre
from playwright.sync_api import BrowserContext, Page, expect

AXE = (Path(__file__).parents[1] / "vendor" / "axe" / "axe.min.js").read_text()
RUN_AXE = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.map(({ id, help, nodes }) => `${id}: ${help} ${nodes.map(({ target }) => target)}`);
}"""
TOO_SMALL = """() => [...document.querySelectorAll("button, a, input, select, summary")]
  .filter((each) => each.checkVisibility() && !each.closest(".choice, .visually-hidden, .with-camera .scan-line"))
  .filter((each) => Math.min(each.offsetWidth, each.offsetHeight) < 47)
  .map((each) => `${each.outerHTML.slice(0, 90)} ${each.offsetWidth}x${each.offsetHeight}`)"""
# The menu may take two of five parts of the height, the banner has a third of it.
BANNER = "() => document.querySelector('[data-banner]').offsetHeight / innerHeight"


@pytest.fixture
def centre() -> Iterator[Centre]:
    with phone_site.serve(Centre()) as served:
        yield served


@pytest.fixture
def browser() -> Iterator[BrowserContext]:
    size = {"width": 320, "height": 568}
    with phone_site.open_browser(
        viewport=size, has_touch=True, is_mobile=True, reduced_motion="reduce"
    ) as opened:
        yield opened


def _look(page: Page) -> None:
    # a flash of the screen is over by then
    expect(page.locator("[data-flash]")).not_to_have_attribute("data-flash", "good")
    page.wait_for_timeout(500)
    view = page.locator("body").get_attribute("data-view")
    assert page.evaluate("() => document.scrollingElement.scrollWidth") <= 320, view
    assert page.evaluate("() => document.querySelector('main').scrollWidth") <= 320, view
    assert page.evaluate(TOO_SMALL) == [], view
    page.evaluate(AXE)
    assert page.evaluate(RUN_AXE) == [], view


def _scan(page: Page, text: str) -> None:
    shown = page.locator("[data-banner]").get_attribute("data-shown") or "0"
    page.locator("[data-scan-input]").fill(text)
    page.locator("[data-scan-input]").press("Enter")
    expect(page.locator("[data-banner]")).not_to_have_attribute("data-shown", shown)


def _start(page: Page, mode: str) -> None:
    page.locator(f"[name=mode][value={mode}]").check()
    _look(page)
    page.locator("[data-start] [type=submit]").click()
    expect(page.locator("html")).to_have_attribute("data-ready", "yes")


@pytest.mark.parametrize("theme", ["light", "dark", "sun"])
def test_every_view_is_readable_and_can_be_touched(
    browser: BrowserContext, centre: Centre, theme: str
) -> None:
    page = browser.new_page()
    page.add_init_script(f"localStorage.setItem('appearance', '{theme}')")
    page.goto(f"{centre.url}/field/vi")
    expect(page.locator("body")).to_have_attribute("data-view", "enrol")
    _look(page)
    page.goto(f"{centre.url}/field/vi#enrol={ENROLMENT}")
    expect(page.locator("body")).to_have_attribute("data-view", "start")
    _start(page, "single")
    _look(page)
    _scan(page, PEOPLE[0])
    _look(page)
    assert page.evaluate(BANNER) >= 0.32
    _scan(page, TUBES[0])
    _look(page)
    for person in PEOPLE[1:3]:
        _scan(page, person)
    _look(page)
    page.locator("[data-choose=second]").click()
    centre.wrong_tubes = {TUBES[1]}
    _scan(page, TUBES[1])
    page.locator('.field-actions [data-go="person"]').click()
    page.locator("#person-name").fill("an")
    page.locator("[data-more-fields] summary").click()
    page.locator("[data-person] [type=submit]").click()
    _look(page)
    page.locator('.field-nav [data-go="boxes"]').click()
    _scan(page, BOX)
    _scan(page, TUBES[0])
    page.locator('[data-do="seal"]').click()
    _look(page)
    page.locator('.field-nav [data-go="lists"]').click()
    expect(page.locator('[data-list="check"] li')).to_have_count(1)
    _look(page)
    page.locator('.field-nav [data-go="more"]').click()
    page.locator('[data-do="end-shift"]').click()
    _look(page)
    page.locator('[data-do="finish"]').click()
    _start(page, "mixed")
    _scan(page, MIXED[0])
    _scan(page, PEOPLE[3])
    page.locator('[data-do="close"]').click()
    _look(page)
