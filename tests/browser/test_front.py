"""The front page and signing in, seen by a resident's phone and a technician's desk."""

from __future__ import annotations

import pytest
from browser.visitor import PHONE, Visitor
from browser.words import vi
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_a_resident_sees_two_ways_to_go_on_a_phone(visit, address) -> None:
    resident = visit(address, "resident", PHONE)
    resident.go("/")
    expect(resident.page.get_by_role("link", name=vi("Declare for testing"))).to_be_visible()
    expect(resident.page.get_by_role("link", name=vi("Read a result"))).to_be_visible()
    resident.look("front")


def test_a_wrong_password_is_told_and_the_right_one_opens_the_home(visit, address, town) -> None:
    technician = visit(address, "technician")
    technician.go("/sign-in")
    technician.look("sign-in")
    with technician.refused():
        technician.page.get_by_label(vi("User name")).fill("technician")
        technician.page.get_by_label(vi("Password")).fill("not this one")
        technician.page.keyboard.press("Enter")
        expect(technician.page.get_by_role("alert")).to_contain_text(
            vi("The user name or the password is wrong. Try again.")
        )
    technician.look("sign-in-refused")
    technician.sign_in(town.accounts["technician"].username)
    technician.look("home")


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        ("document.querySelector('#username').labels[0].remove()", Visitor.check_axe),
        ("document.querySelector('h1').style.color = '#ddd'", Visitor.check_axe),
        ("document.querySelector('main').style.width = '120vw'", Visitor.check_width),
        ("document.querySelector('h1').textContent = 'Please mend this first'", Visitor.check_words),
        ("console.error('something broke')", Visitor.check_console),
        ("fetch('http://127.0.0.2:9/').catch(() => 0)", Visitor.check_console),
        ("fetch('/not-there')", Visitor.check_console),
    ],
)  # fmt: skip
def test_a_spoilt_page_does_not_pass(browser, address, spoil, check) -> None:
    visitor = Visitor(browser, address, size=PHONE, name="spoilt")
    visitor.go("/sign-in")
    check(visitor)
    visitor.page.evaluate(f"() => {{ {spoil}; }}")
    visitor.page.wait_for_timeout(100)
    with pytest.raises(AssertionError):
        check(visitor)
    visitor.context.close()
