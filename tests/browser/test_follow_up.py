"""The rapid-response team on a small phone: two contacts of a case, who is due, their slips.

Found by addresses and names of fields, not by words: what is proven is the way through the pages.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from browser.town import COMMUNE_CODE, Town
from browser.visitor import DESK, Visitor
from playwright.sync_api import expect

from lims import clock

pytestmark = pytest.mark.browser
SMALL = (320, 640)
PEOPLE = {"Lê Thị Không": (), "Trần Văn Bốn": (), "Phạm Thị Hai": ("fever", "cough")}


@pytest.fixture(scope="module")
def worker(visit: Callable[..., Visitor], address: str, town: Town) -> Visitor:
    """A health worker on a small phone, whose commune has declared three people."""
    visitor = visit(address, "follow-up", SMALL)
    visitor.sign_in(town.accounts["health_worker"].username)
    visitor.go("/lists")
    campaign = visitor.page.locator("#campaign_id option").first.get_attribute("value")
    for name, symptoms in PEOPLE.items():
        answer = httpx.post(
            f"{address}/api/v1/declarations",
            json={
                "campaign_id": campaign,
                "declarations": [
                    {
                        "client_id": str(uuid.uuid4()),
                        "name": name,
                        "birth_date": "1980",
                        "commune_code": COMMUNE_CODE,
                        "phone": "0912345678",
                        "symptoms": list(symptoms),
                        "consent": True,
                    }
                ],
            },
        )
        assert answer.json()["verdicts"][0]["verdict"] == "good"
    return visitor


def _find_and_write_down(
    visitor: Visitor, path: str, name: str, *, days_ago: int, of_class: str = ""
) -> None:
    page = visitor.page
    visitor.go(path)
    page.locator("main form[method=get] #q").fill(name)
    page.locator("main form[method=get] button").click()
    page.locator("main .choice", has_text=name).click()
    if of_class:
        page.locator("#contact_class").select_option(of_class)
    page.locator("#since").fill((clock.today() - timedelta(days=days_ago)).isoformat())
    visitor.look(f"new-{of_class or 'contact'}")
    page.locator("main form[method=post] button[type=submit]").click()
    expect(page.locator(".flash")).to_be_visible()


def test_two_contacts_of_a_case_are_listed(worker: Visitor) -> None:
    page = worker.page
    _find_and_write_down(worker, "/contacts/new", "Không", days_ago=0, of_class="f0")
    case = page.url
    worker.look("case-asks")
    worker.go("/contacts?show=unlisted")
    expect(page.locator("tbody tr")).to_have_count(1)
    worker.look("cases-without-contacts")
    for name, ago in (("Bốn", 3), ("Hai", 1)):
        _find_and_write_down(worker, case.removeprefix(worker.address) + "/contacts", name, days_ago=ago)
        assert page.url == case
    worker.look("case-with-contacts")
    worker.go("/contacts?show=unlisted")
    expect(page.locator(".nothing")).to_be_visible()
    worker.look("no-case-waits")


def test_who_is_due_is_declared_and_printed_symptoms_first(worker: Visitor) -> None:
    page = worker.page
    worker.go("/contacts")
    names = page.locator("tbody th a")
    expect(names).to_have_text(["Phạm Thị Hai", "Trần Văn Bốn"])
    worker.look("due")
    for tick in page.locator("tbody input.tick").all():
        tick.check()
    page.locator("#consent").check()
    with page.expect_response(lambda answer: "slips.pdf" in answer.url) as answered:
        page.locator("button[formaction$='slips.pdf']").click()
    assert answered.value.status == 200
    assert answered.value.headers["content-type"].startswith("application/pdf")
    worker.go("/contacts")
    expect(page.locator("tbody .code")).to_have_count(2)
    worker.look("due-and-declared")


def test_the_record_of_a_contact_and_the_list_of_symptoms(worker: Visitor) -> None:
    page = worker.page
    worker.go("/contacts?show=symptoms")
    expect(page.locator("tbody tr")).to_have_count(1)
    worker.look("symptoms")
    worker.go("/contacts")
    page.locator("tbody th a", has_text="Bốn").click()
    worker.look("contact")
    page.locator("main .choice", has=page.locator("#symptom-fever")).click()
    page.locator("form[action$='/symptoms'] button").click()
    expect(page.locator(".flash")).to_be_visible()
    worker.look("contact-with-symptoms")


def test_a_desk_and_the_days_of_tests(
    visit: Callable[..., Visitor], address: str, town: Town, worker
) -> None:
    visitor = visit(address, "follow-up-desk", DESK)
    visitor.sign_in(town.accounts["coordinator"].username)
    visitor.go("/contacts")
    visitor.look("due")
    visitor.go("/campaigns")
    visitor.page.locator("a[href$='/schedules']").first.click()
    visitor.page.locator("#days").fill("7, 1")
    with visitor.refused():
        visitor.page.locator("main form[method=post] button[type=submit]").click()
        expect(visitor.page.get_by_role("alert")).to_be_visible()
    visitor.look("schedule-refused")
    visitor.page.locator("#days").fill("1, 7")
    visitor.page.locator("main form[method=post] button[type=submit]").click()
    expect(visitor.page.locator(".flash")).to_be_visible()
    visitor.look("schedule")
