"""The coordinator's night: alarms, boxes sent elsewhere, what comes, what would do, and the committee's report.

On the demonstration, whose trouble is played by its own actions: one laboratory overloaded, one whose positivity
shifts, one box late on the road, three boxes sealed and not sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browser.running import serving
from browser.visitor import DESK, PHONE, Visitor
from browser.words import vi
from playwright.sync_api import Locator, expect

from lims.demo.province import PASSWORD

pytestmark = pytest.mark.browser
# from 400 on the demonstration has its trouble
PEOPLE = 420
TROUBLE = ("backlog_old", "arrivals_above_capacity", "positivity_shift", "box_late")


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demonstration as `make run` serves it."""
    with serving(tmp_path_factory.mktemp("planning"), people=PEOPLE) as address:
        yield address


@pytest.fixture(scope="module")
def desk(visit: Callable[..., Visitor], demonstration: str) -> Visitor:
    """The coordinator at a desk."""
    visitor = visit(demonstration, "planning-desk", DESK)
    visitor.sign_in("coordinator", PASSWORD)
    return visitor


@pytest.fixture(scope="module")
def phone(visit: Callable[..., Visitor], demonstration: str) -> Visitor:
    """The coordinator on the way, with a phone."""
    visitor = visit(demonstration, "planning-phone", PHONE)
    visitor.sign_in("coordinator", PASSWORD)
    return visitor


def _rows(visitor: Visitor, caption: int = 0) -> Locator:
    return visitor.page.locator("main table").nth(caption).locator("tbody tr")


def _drawn(visitor: Visitor, chart: str) -> dict[str, Any]:
    canvas = visitor.page.locator(f"#chart-{chart} canvas")
    expect(canvas).to_have_attribute("data-drawn", re.compile("series"))
    bare = canvas.evaluate(
        "(canvas) => !canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
    )
    assert not bare, f"{chart} is a blank chart"
    return json.loads(canvas.get_attribute("data-drawn") or "{}")


def test_the_trouble_of_the_demonstration_is_an_alarm_each_and_one_is_seen(
    desk: Visitor, phone: Visitor
) -> None:
    page = desk.page
    for kind in TROUBLE:
        desk.go(f"/alarms?kind={kind}")
        assert _rows(desk).count() >= 1, f"no alarm of {kind}"
    desk.go("/alarms")
    desk.look("alarms")
    unseen = page.locator("main form[action$='/seen']")
    before = unseen.count()
    unseen.first.locator("input[name=note]").fill("Đã gọi người vận chuyển")
    unseen.first.locator("button").click()
    expect(unseen).to_have_count(before - 1)
    expect(page.get_by_role("main")).to_contain_text("Đã gọi người vận chuyển")
    phone.go("/alarms")
    expect(phone.page.get_by_role("main")).to_contain_text("Đã gọi người vận chuyển")
    phone.look("alarms")


def test_a_threshold_that_is_no_number_is_refused_beside_its_field_and_kept_as_typed(desk: Visitor) -> None:
    page = desk.page
    desk.go("/alarms")
    desk.click("Thresholds", role="link")
    field = page.locator("#box_late input[inputmode=decimal]").first
    was = field.input_value()
    field.fill("lâu")
    with desk.refused():
        page.locator("#box_late button[type=submit]").click()
        expect(page.get_by_role("alert")).to_be_visible()
    expect(field).to_have_value("lâu")
    expect(field).to_have_class(re.compile("is-invalid"))
    desk.look("threshold-refused")
    field.fill("5")
    page.locator("#box_late button[type=submit]").click()
    expect(page.locator(".flash")).to_be_visible()
    expect(field).to_have_value("5")
    assert was != "5"


def test_boxes_are_planned_one_is_sent_by_hand_and_a_closed_laboratory_gets_none(
    desk: Visitor, phone: Visitor
) -> None:
    page = desk.page
    desk.go("/dispatch")
    expect(_rows(desk)).to_have_count(3)
    desk.click("Plan")
    expect(page.get_by_role("main")).not_to_contain_text(vi("Not planned yet."))
    for row in _rows(desk).all():
        expect(row.locator("td").last).to_contain_text(re.compile(r"\w{2,}( \S+){6,}"))
    desk.look("dispatch")

    _rows(desk).first.locator("a", has_text=vi("Choose by hand")).click()
    page.locator("#laboratory").select_option(index=2)
    chosen = page.locator("#laboratory option:checked").inner_text()
    page.locator("#reason").fill("Xe đi qua đó")
    desk.look("overrule")
    desk.click("Send it there")
    expect(page.locator(".flash")).to_be_visible()
    expect(_rows(desk).filter(has_text="Xe đi qua đó")).to_contain_text(chosen)

    laboratory = _rows(desk, 1).filter(has_text=chosen)
    laboratory.locator("input[name=reason]").fill("Mất điện")
    laboratory.get_by_role("button", name=vi("Close it")).click()
    expect(_rows(desk, 1).filter(has_text=chosen)).to_contain_text("Mất điện")
    sent_there = _rows(desk).filter(has_text="Xe đi qua đó")
    expect(sent_there).to_contain_text(vi("It cannot be followed while that laboratory is closed."))
    phone.go("/dispatch")
    phone.look("laboratory-closed")
    _rows(desk, 1).filter(has_text=chosen).get_by_role("button", name=vi("Open the laboratory again")).click()
    expect(_rows(desk, 1).filter(has_text=chosen)).not_to_contain_text("Mất điện")


def test_the_forecast_draws_its_figures_and_says_what_is_no_number(desk: Visitor, phone: Visitor) -> None:
    page = desk.page
    desk.go("/forecast?days=3")
    told = json.loads(page.locator("#forecast-figures").inner_text())
    for chart, rows in (
        ("forecast-hours", [one["released"] for one in told["hours"]]),
        ("forecast-backlog", [one["backlog"] for one in told["daily"]]),
    ):
        median, high, low = (one["data"] for one in _drawn(desk, chart)["series"])
        assert (median, high, low) == tuple([row[name] for row in rows] for name in ("median", "high", "low"))
        page.locator(f"#chart-{chart} summary").click()
        expect(page.locator(f"#chart-{chart} tbody tr")).to_have_count(len(rows))
    desk.look("forecast")
    phone.go("/forecast?days=3")
    phone.look("forecast")
    page.locator("#prevalence").fill("100")
    page.locator("#pool_size").fill("0")
    with desk.refused():
        page.locator("main form.filters button[type=submit]").click()
        expect(page.get_by_role("alert")).to_be_visible()
    assert page.locator("canvas").count() == 0, "no chart of what cannot be"
    expect(page.locator("#pool_size")).to_have_value("0")
    desk.look("forecast-refused")


def test_two_scenarios_are_kept_and_compared_and_a_day_of_25_hours_is_a_sentence(
    desk: Visitor, phone: Visitor
) -> None:
    page = desk.page
    for policy in ("members", "positives"):
        desk.go("/scenarios/plan")
        page.locator("#name").fill(f"5.000 ca, {policy}")
        page.locator("#cases").fill("5000")
        page.locator("#policy").select_option(policy)
        desk.click("Calculate")
        expect(page.locator("#result")).to_be_visible()
        desk.look(f"scenario-{policy}")
        page.locator("#keep_name + button, #result button[type=submit]").first.click()
        expect(page.locator(".flash")).to_be_visible()
    desk.go("/scenarios")
    for tick in page.locator("input[form=compare]").all():
        tick.check()
    desk.click("Show the ticked ones side by side")
    heads = page.locator("main table").first.locator("thead th")
    expect(heads).to_have_count(3)
    row = (
        page.locator("main table").first.locator("tbody tr", has_text=vi("Confirmations for each case")).first
    )
    assert sorted(int(one) for one in row.locator("td").all_inner_texts()) == [1, 10]
    desk.look("scenarios")
    phone.go("/scenarios")
    phone.look("scenarios")
    desk.go("/scenarios/plan")
    page.locator("#hours_per_day").fill("25")
    with desk.refused():
        desk.click("Calculate")
        expect(page.get_by_role("alert").first).to_be_visible()
    assert page.locator("#result").count() == 0
    desk.look("scenario-refused")


def test_the_advice_is_read_on_a_desk_and_a_phone_and_an_impossible_test_is_a_sentence(
    desk: Visitor, phone: Visitor
) -> None:
    desk.go("/advice")
    expect(desk.page.locator("main table tbody tr")).to_have_count(4)
    desk.look("advice")
    phone.go("/advice")
    phone.look("advice")
    desk.page.locator("#sensitivity").fill("120")
    with desk.refused():
        desk.page.locator("main form button[type=submit]").first.click()
        expect(desk.page.get_by_role("alert").first).to_be_visible()
    desk.look("advice-refused")


def test_the_report_of_a_day_is_read_kept_and_taken_as_pdf_and_workbook(
    desk: Visitor, phone: Visitor
) -> None:
    page = desk.page
    desk.go("/reports")
    desk.look("reports")
    page.locator("form.filters.panel").first.get_by_role("button").click()
    expect(page.locator("main section.panel")).not_to_have_count(0)
    desk.look("report")
    phone.page.goto(page.url)
    phone.look("report")
    with page.expect_download() as taken:
        page.get_by_role("link", name="XLSX").click()
    assert taken.value.suggested_filename.endswith(".xlsx")
    pdf = page.get_by_role("link", name="PDF").get_attribute("href")
    answer = page.request.get(desk.address + str(pdf))
    assert answer.status == 200
    assert answer.body().startswith(b"%PDF")
