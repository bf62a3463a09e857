"""An export in a real browser: the rows are told beforehand, its progress is shown, and only a whole file is saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from browser.town import Town
from browser.visitor import DESK, Visitor
from browser.words import vi
from playwright.sync_api import Route, expect

from lims.exports.checking import check_file

pytestmark = pytest.mark.browser
SMALL = (320, 640)
TUBES = "/exports?kind=tubes&format={}&campaign_id=&since=&until="


@pytest.fixture
def coordinator(visit: Callable[..., Visitor], address: str, town: Town) -> Visitor:
    """A coordinator at a desk."""
    visitor = visit(address, "exports", DESK)
    visitor.sign_in(town.accounts["coordinator"].username)
    return visitor


@pytest.mark.parametrize("form", ["csv", "ndjson", "xlsx"])
def test_a_file_is_saved_once_its_last_row_has_come(coordinator, tmp_path: Path, form):
    page = coordinator.page
    coordinator.go(TUBES.format(form))
    rows = int(page.locator("[data-export]").get_attribute("data-rows"))
    assert rows == 44
    with page.expect_download() as taken:
        coordinator.click("Take the file")
    expect(page.locator("[data-progress-text]")).to_have_text(
        vi("Whole: %(all)s rows. The file is in your downloads.", all=rows)
    )
    assert page.locator("[data-progress] progress").evaluate("bar => bar.value / bar.max") == 1
    file = tmp_path / taken.value.suggested_filename
    assert file.suffix == f".{form}"
    taken.value.save_as(file)
    if form == "xlsx":
        assert file.read_bytes().startswith(b"PK")
    else:
        with file.open("rb") as lines:
            assert check_file(lines).rows == rows
    coordinator.look(f"taken-{form}")


@pytest.mark.parametrize(("form", "missing"), [("csv", 1), ("csv", 60), ("csv", 900), ("ndjson", 2)])
def test_a_file_that_was_cut_on_its_way_is_not_saved(coordinator, form, missing):
    page, saved = coordinator.page, []
    page.on("download", lambda one: saved.append(one))

    def cut(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.body()[:-missing])

    coordinator.go(TUBES.format(form))
    page.route("**/exports/file", cut)
    coordinator.click("Take the file")
    expect(page.locator("[data-progress-text]")).to_have_text(
        vi("The file was cut off on its way. Nothing was saved: take it again.")
    )
    assert saved == []
    page.unroute("**/exports/file")
    with page.expect_download():
        coordinator.click("Take the file")


def test_the_page_reads_on_a_small_phone(visit, address, town):
    visitor = visit(address, "exports-phone", SMALL)
    visitor.sign_in(town.accounts["coordinator"].username)
    visitor.go(TUBES.format("csv"))
    visitor.check_width()
    visitor.check_axe()
    visitor.go("/my-data")
    visitor.look("my-data")
