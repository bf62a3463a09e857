"""The app on a phone, from the coordinator's QR to the server's answer: no scan is lost, none is sent that is practice.

The real page, styles and scripts under the content security policy, against a server that remembers what it was sent.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from field import phone_site
from field.phone_site import (
    BADGE,
    BOX,
    COURIER,
    ENROLMENT,
    MIXED,
    NEXT_ENROLMENT,
    OTHER_BADGE,
    PEOPLE,
    TUBES,
    Centre,
)
from playwright.sync_api import BrowserContext, Page, expect

CARD = "022085001234|101234567|Nguyễn Văn An|17051950|Nam|Thôn 7, Hạ Long|01072021"


@pytest.fixture
def centre() -> Iterator[Centre]:
    with phone_site.serve(Centre()) as served:
        yield served


@pytest.fixture
def browser() -> Iterator[BrowserContext]:
    with phone_site.open_browser(viewport={"width": 360, "height": 740}, accept_downloads=True) as opened:
        yield opened


@pytest.fixture
def page(browser: BrowserContext, centre: Centre) -> Page:
    """A phone that is enrolled and not yet at work."""
    opened = browser.new_page()
    opened.goto(f"{centre.url}/field/en#enrol={ENROLMENT}")
    _expect_view(opened, "start")
    return opened


def _expect_view(page: Page, view: str) -> None:
    expect(page.locator("body")).to_have_attribute("data-view", view)


def _start(page: Page, mode: str = "single", first: str = "person") -> None:
    page.locator(f"[name=mode][value={mode}]").check()
    if mode == "single":
        page.locator(f"[name=first][value={first}]").check()
    page.locator("[data-start] [type=submit]").click()
    expect(page.locator("html")).to_have_attribute("data-ready", "yes")


# The keys of a scan one after the other inside the page, so that no load on the machine slows them.
AT_ONCE = """text => {
  for (const key of [...text, "Enter"]) {
    const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
    if (document.activeElement.dispatchEvent(event) && key !== "Enter") document.execCommand("insertText", false, key);
  }
}"""


def _scan(page: Page, text: str) -> None:
    """Scan and wait until the banner has said something."""
    shown = page.locator("[data-banner]").get_attribute("data-shown") or "0"
    page.evaluate(AT_ONCE, text)
    expect(page.locator("[data-banner]")).not_to_have_attribute("data-shown", shown)


def _bind(page: Page, place: int) -> None:
    _scan(page, PEOPLE[place])
    _scan(page, TUBES[place])
    _expect_banner(page, "good", "Bound")


def _expect_banner(page: Page, state: str, words: str) -> None:
    expect(page.locator("[data-banner]")).to_have_attribute("data-state", state)
    expect(page.locator("[data-banner]")).to_contain_text(words)


def _expect_unsent(page: Page, count: int) -> None:
    expect(page.locator('[data-figure="unsent"]')).to_have_text(str(count))


def _menu(page: Page, view: str) -> None:
    page.locator(f'.field-nav [data-go="{view}"]').click()


def _verify(slip: dict[str, str], public_key: str) -> None:
    raw = base64.b64decode(slip["signature"])
    pair = utils.encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), base64.b64decode(public_key))
    key.verify(pair, slip["text"].encode(), ec.ECDSA(SHA256()))


def test_an_enrolment_leaves_the_address_and_brings_key_token_and_roster(page: Page, centre: Centre) -> None:
    (asked,) = centre.enrolments
    assert asked["code"] == ENROLMENT
    assert len(base64.b64decode(asked["public_key"])) == 65
    assert len(base64.urlsafe_b64decode(asked["token"] + "=")) == 32
    assert "enrol" not in page.url
    expect(page.locator("[data-part=start] [data-facts]")).to_contain_text("Nhà văn hóa thôn 7")
    expect(page.locator("[data-part=start] [data-facts]")).to_contain_text("6")


def test_an_unknown_code_is_refused_in_the_servers_words(browser: BrowserContext, centre: Centre) -> None:
    page = browser.new_page()
    page.goto(f"{centre.url}/field/en")
    _expect_view(page, "enrol")
    page.locator("#enrolment").fill("x" * 43)
    page.locator("[data-enrol] [type=submit]").click()
    expect(page.locator("[data-enrol-problem]")).to_have_text("Mã nhận máy không có ở đây.")
    page.locator("#enrolment").fill("hello")
    page.locator("[data-enrol] [type=submit]").click()
    expect(page.locator("[data-enrol-problem]")).to_contain_text("This is no enrolment.")


def test_the_same_phone_asks_again_with_the_same_key_when_the_answer_was_lost(
    browser: BrowserContext, centre: Centre
) -> None:
    page = browser.new_page()
    centre.down = True
    page.goto(f"{centre.url}/field/en#enrol={ENROLMENT}")
    expect(page.locator("[data-enrol-problem]")).to_contain_text("No connection.")
    centre.down = False
    page.locator("[data-enrol] [type=submit]").click()
    _expect_view(page, "start")
    page.reload()
    _expect_view(page, "start")
    assert len(centre.enrolments) == 1, "the first never arrived"


def test_pairs_are_bound_by_two_scans_each_signed_and_sent_in_order(page: Page, centre: Centre) -> None:
    _start(page)
    for place in range(5):
        _bind(page, place)
    _expect_unsent(page, 0)
    expect(page.locator('[data-figure="today"]')).to_have_text("5")
    assert [(text["tube"], text["declaration"]) for text in centre.texts] == list(
        zip(TUBES[:5], PEOPLE[:5], strict=True)
    )
    assert [text["seq"] for text in centre.texts] == [1, 2, 3, 4, 5]
    assert {text["badge"] for text in centre.texts} == {BADGE}
    assert {text["how"] for text in centre.texts} == {"scanner"}
    assert len({text["session"] for text in centre.texts}) == 1
    for slip in centre.slips.values():
        _verify(slip, centre.enrolments[0]["public_key"])


def test_what_was_scanned_without_network_outlives_a_reload_and_is_sent_later(
    page: Page, centre: Centre
) -> None:
    _start(page)
    centre.down = True
    _bind(page, 0)
    _scan(page, PEOPLE[1])
    _expect_unsent(page, 1)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-ready", "yes")
    _expect_unsent(page, 1)
    expect(page.locator("[data-banner-next]")).to_have_text("Now scan the tube.")
    _scan(page, TUBES[1])
    _expect_banner(page, "good", "Bound: Trần Thị Bình")
    _scan(page, PEOPLE[0])
    _expect_banner(page, "wrong", "was sampled with this phone already")
    centre.down = False
    _menu(page, "lists")
    page.locator('[data-do="send"]').click()
    expect(page.locator('[data-list-none="unsent"]')).to_be_visible()
    assert [text["seq"] for text in centre.texts] == [1, 2]


def test_only_the_scan_that_an_answer_names_counts_as_sent(page: Page, centre: Centre) -> None:
    _start(page)
    centre.down = True
    _bind(page, 0)
    _bind(page, 1)
    stored = page.evaluate(
        """async () => {
          const { openDB } = await import("/static/vendor/idb/index.js");
          const database = await openDB("lims-field");
          const scans = await database.getAllFromIndex("scans", "number");
          database.close();
          return scans.map(({ id, state, slip }) => [id, state, slip ?? null]);
        }"""
    )
    assert [one[1:] for one in stored] == [["unsent", None], ["unsent", None]]
    centre.leave_out, centre.down = {stored[0][0]}, False
    _menu(page, "lists")
    page.locator('[data-do="send"]').click()
    expect(page.locator('[data-list="unsent"] li')).to_have_count(1)
    expect(page.locator('[data-list="unsent"]')).to_contain_text("Nguyễn Văn An")


def test_a_withdrawn_phone_keeps_everything_and_says_so(page: Page, centre: Centre) -> None:
    _start(page)
    centre.unknown = True
    _bind(page, 0)
    expect(page.locator("[data-notices]")).to_contain_text("Nothing is lost")
    asked = len(centre.requests)
    _bind(page, 1)
    _expect_unsent(page, 2)
    page.wait_for_timeout(1500)
    assert len(centre.requests) == asked, "a server that does not know the phone is not asked again and again"
    centre.unknown = False
    _menu(page, "lists")
    page.locator('[data-do="send"]').click()
    expect(page.locator('[data-list-none="unsent"]')).to_be_visible()


def test_what_the_server_did_not_take_is_shown_in_its_words_until_seen(page: Page, centre: Centre) -> None:
    _start(page)
    centre.wrong_tubes = {TUBES[0]}
    _bind(page, 0)
    chip = page.locator('[data-chip="check"]')
    expect(chip).to_contain_text("1")
    chip.click()
    expect(page.locator('[data-list="check"]')).to_contain_text("Ống này đã dùng cho người khác.")
    page.locator('[data-list="check"] button').click()
    expect(chip).to_be_hidden()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-ready", "yes")
    expect(chip).to_be_hidden()


def test_a_mixed_tube_offers_the_household_and_closes_with_the_next(page: Page, centre: Centre) -> None:
    _start(page, mode="mixed")
    _scan(page, MIXED[0])
    _scan(page, PEOPLE[0])
    page.locator("[data-members] button").first.click()
    _expect_banner(page, "good", "Bound: Trần Thị Bình")
    expect(page.locator('[data-figure="in-tube"]')).to_have_text("2")
    expect(page.locator("[data-members] button")).to_have_count(1)
    _scan(page, MIXED[1])
    _expect_unsent(page, 0)
    assert centre.kinds() == ["bind", "bind", "close"]
    assert centre.texts[1]["how"] == "screen"
    assert (centre.texts[2]["tube"], centre.texts[2]["count"]) == (MIXED[0], 2)


def test_a_mixed_tube_is_closed_with_the_swabs_counted(page: Page, centre: Centre) -> None:
    _start(page, mode="mixed")
    _scan(page, MIXED[0])
    _scan(page, PEOPLE[0])
    page.locator('[data-do="close"]').click()
    page.locator("#swabs").fill("3")
    page.locator("[data-close] [type=submit]").click()
    _expect_banner(page, "again", "is closed with 3 people")
    _expect_unsent(page, 0)
    assert centre.texts[1]["count"] == 3


def test_somebody_of_the_roster_is_found_by_name_without_marks(page: Page, centre: Centre) -> None:
    _start(page)
    page.locator('[data-go="person"]').click()
    page.locator("#person-name").fill("le ho")
    page.locator("[data-found] button").click()
    _expect_banner(page, "good", "Lê Hoà · 1964")
    _scan(page, TUBES[0])
    _expect_unsent(page, 0)
    assert (centre.kinds(), centre.texts[0]["declaration"]) == (["bind"], PEOPLE[2])


def test_somebody_new_is_declared_on_the_spot_by_enter_alone(page: Page, centre: Centre) -> None:
    _start(page)
    page.locator('[data-go="person"]').click()
    page.locator("#person-name").fill("Lê Văn Mới")
    page.locator("#person-name").press("Enter")
    expect(page.locator("#person-birth")).to_be_focused()
    page.locator("#person-birth").fill("31/02/1980")
    page.keyboard.press("Enter")
    expect(page.locator("[name=consent]")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator("[data-person-problem]")).to_contain_text("There is no day 31 in month 2 of 1980")
    expect(page.locator("#person-birth")).to_be_focused()
    page.locator("#person-birth").fill("5,1980")
    page.keyboard.press("Enter")
    _expect_banner(page, "good", "Lê Văn Mới · 1980")
    _scan(page, TUBES[0])
    _expect_unsent(page, 0)
    declared, bound = centre.texts
    assert (declared["kind"], declared["how"], declared["likely"]) == ("declare", "hand", None)
    assert declared["person"] == {
        "name": "Lê Văn Mới", "birth_date": "05/1980", "sex": "", "phone": "", "household": "",
        "symptoms": [], "is_contact": False,
    }  # fmt: skip
    assert (bound["declared"], "declaration" in bound) == (declared["id"], False)


def test_a_card_is_a_declaration_with_the_likely_namesake_and_the_same_card_is_the_same_person(
    page: Page, centre: Centre
) -> None:
    _start(page)
    page.locator("[data-scan-input]").fill(CARD)
    page.keyboard.press("Enter")
    _expect_banner(page, "good", "Nguyễn Văn An · 1950")
    _scan(page, TUBES[0])
    _bind(page, 1)
    page.wait_for_timeout(1600)  # sooner it would be the same sighting
    page.locator("[data-scan-input]").fill(CARD)
    page.keyboard.press("Enter")
    _expect_banner(page, "wrong", "was sampled with this phone already")
    _expect_unsent(page, 0)
    assert centre.kinds() == ["declare", "bind", "bind"]
    assert (centre.texts[0]["card"], centre.texts[0]["likely"]) == (CARD, PEOPLE[0])
    _scan(page, PEOPLE[0])
    _expect_banner(page, "again", "has been sampled already")


def test_undo_by_button_and_by_the_printed_command_adds_slips_and_removes_nothing(
    page: Page, centre: Centre
) -> None:
    _start(page)
    _bind(page, 0)
    page.locator('[data-do="undo"]').click()
    _expect_banner(page, "again", "Undone: Nguyễn Văn An")
    _bind(page, 0)
    _scan(page, "CMD-UNDO")
    _expect_unsent(page, 0)
    assert centre.kinds() == ["bind", "undo", "bind", "undo"]
    assert [text["undoes"] for text in centre.texts[1::2]] == [text["id"] for text in centre.texts[::2]]


def test_the_phone_changes_hands_by_a_badge(page: Page, centre: Centre) -> None:
    _start(page)
    _bind(page, 0)
    _scan(page, OTHER_BADGE)
    expect(page.locator("[data-who]")).to_contain_text("Ngô Văn Hải")
    _bind(page, 1)
    _expect_unsent(page, 0)
    assert [text["badge"] for text in centre.texts] == [BADGE, OTHER_BADGE]


def test_a_box_is_filled_sealed_and_handed_over(page: Page, centre: Centre) -> None:
    _start(page)
    _bind(page, 0)
    _menu(page, "boxes")
    _scan(page, BOX)
    _scan(page, TUBES[0])
    _expect_banner(page, "good", "Packed")
    page.locator('[data-do="seal"]').click()
    page.locator('[data-do="seal-now"]').click()
    _expect_banner(page, "good", "is sealed")
    page.locator("#laboratory").select_option("l1")
    _scan(page, COURIER)
    _expect_banner(page, "good", "Handed over to Đỗ Văn Xe")
    _menu(page, "lists")
    expect(page.locator('[data-list-none="unsent"]')).to_be_visible()
    assert centre.kinds() == ["bind", "pack", "seal", "hand_over"]
    assert centre.texts[3]["laboratory"] == "l1"


def test_the_end_of_the_shift_wipes_what_was_sent_and_keeps_what_was_not(page: Page, centre: Centre) -> None:
    _start(page)
    _bind(page, 0)
    _expect_unsent(page, 0)
    centre.down = True
    _bind(page, 1)
    _menu(page, "more")
    page.locator('[data-do="end-shift"]').click()
    expect(page.locator("[data-end-words]")).to_contain_text("Not sent yet: 1.")
    page.locator('[data-do="end-shift-now"]').click()
    _expect_view(page, "start")
    kept = page.evaluate(
        """async () => {
          const { openDB } = await import("/static/vendor/idb/index.js");
          const database = await openDB("lims-field");
          const kept = [(await database.getAll("scans")).length, (await database.get("state", "packet")) ?? null];
          database.close();
          return kept;
        }"""
    )
    assert kept == [1, None]
    centre.down = False
    page.reload()
    _expect_view(page, "start")
    expect(page.locator('[data-chip="unsent"]')).to_be_hidden()
    assert [text["seq"] for text in centre.texts] == [1, 2]


def test_an_expired_enrolment_stops_scanning_and_goes_on_sending(page: Page, centre: Centre) -> None:
    _start(page)
    centre.down = True
    _bind(page, 0)
    centre.down = False
    centre.expires_at = centre.expires_at.replace(year=2020)
    _menu(page, "lists")
    page.locator('[data-do="send"]').click()
    expect(page.locator("[data-notices]")).to_contain_text("has ended")
    expect(page.locator('[data-list-none="unsent"]')).to_be_visible()
    _menu(page, "scan")
    _scan(page, PEOPLE[1])
    _expect_banner(page, "wrong", "The enrolment of this phone has ended")


def test_a_hand_over_file_opens_with_the_servers_key_alone(page: Page, centre: Centre) -> None:
    _start(page)
    centre.down = True
    _bind(page, 0)
    _menu(page, "more")
    with page.expect_download() as saved:
        page.locator('[data-part=more] [data-do="hand-over"]').click()
    assert saved.value.suggested_filename == f"lims-to-3-{centre.day:%Y-%m-%d}-1.json"
    outer = json.loads(saved.value.path().read_text())
    part = {name: base64.b64decode(outer[name]) for name in ("ephemeral", "iv", "sealed")}
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), part["ephemeral"])
    shared = ec.derive_private_key(123456789, ec.SECP256R1()).exchange(ec.ECDH(), theirs)
    key = HKDF(SHA256(), 32, salt=bytes(32), info=b"lims field file v1").derive(shared)
    content = json.loads(AESGCM(key).decrypt(part["iv"], part["sealed"], None))
    (slip,) = content["slips"]
    assert content["device"] == json.loads(slip["text"])["device"]
    _verify(slip, centre.enrolments[0]["public_key"])
    _menu(page, "scan")
    _expect_unsent(page, 1)


def test_another_phones_file_is_handed_in(page: Page, centre: Centre) -> None:
    _menu(page, "more")
    page.locator("#hand-over-file").set_input_files(
        {"name": "lims.json", "mimeType": "application/json", "buffer": b"{}"}
    )
    expect(page.locator("[data-file-words]")).to_contain_text("Handed in: 3 scans, 3 taken")


def test_practice_sends_nothing_and_touches_nothing_real(browser: BrowserContext, centre: Centre) -> None:
    page = browser.new_page()
    page.goto(f"{centre.url}/field/en")
    _expect_view(page, "enrol")
    page.locator('[data-part=enrol] [data-do="practise"]').click()
    _expect_view(page, "start")
    _start(page)
    expect(page.locator("[data-practice]")).to_be_visible()
    page.locator('[data-label="person"]').click()
    page.locator('[data-label="tube"]').first.click()
    _expect_banner(page, "good", "Bound: Tập Văn Một")
    page.wait_for_timeout(1000)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    assert centre.requests == []
    _menu(page, "more")
    expect(page.locator("[data-practice]")).to_be_visible()
    page.locator('[data-part=more] [data-do="practise"]').click()
    _expect_view(page, "enrol")
    expect(page.locator("[data-practice]")).to_be_hidden()


def test_a_second_tab_says_that_it_waits_and_goes_on_when_the_first_is_closed(
    page: Page, browser: BrowserContext, centre: Centre
) -> None:
    _start(page)
    second = browser.new_page()
    second.goto(f"{centre.url}/field/en")
    expect(second.locator("[data-wait-title]")).to_have_text("The app is open in another tab")
    _bind(page, 0)
    page.close()
    expect(second.locator("html")).to_have_attribute("data-ready", "yes")
    expect(second.locator('[data-figure="today"]')).to_have_text("1")


def test_a_wrong_clock_is_told(page: Page, centre: Centre) -> None:
    centre.clock = timedelta(minutes=10)
    _start(page)
    _bind(page, 0)
    expect(page.locator("[data-notices]")).to_contain_text("wrong by 10 minutes")
    _bind(page, 1)
    _expect_unsent(page, 0)
    assert abs(centre.texts[1]["offset_ms"] - 600_000) < 5_000


def test_what_an_earlier_enrolment_left_is_sent_with_the_next_and_numbered_for_itself(
    page: Page, centre: Centre
) -> None:
    _start(page)
    centre.unknown = True
    _bind(page, 0)
    expect(page.locator("[data-notices]")).to_contain_text("Nothing is lost")
    page.goto(f"{centre.url}/field/en#enrol={NEXT_ENROLMENT}")
    expect(page.locator("[data-enrol-problem]")).to_contain_text("This phone is enrolled already, for Tổ 3.")
    assert len(centre.enrolments) == 1, "nothing is changed before somebody says so"
    centre.unknown = False
    page.locator("[data-enrol] [type=submit]").click()
    _expect_view(page, "start")
    _start(page)
    _bind(page, 1)
    _expect_unsent(page, 0)
    assert [(text["device"][0], text["seq"]) for text in centre.texts] == [("1", 1), ("2", 1)]
    assert centre.tokens[-1] == f"Device {centre.enrolments[1]['token']}"


def test_the_same_enrolment_opened_again_changes_nothing(page: Page, centre: Centre) -> None:
    _start(page)
    page.goto(f"{centre.url}/field/en#enrol={ENROLMENT}")
    expect(page.locator("html")).to_have_attribute("data-ready", "yes")
    assert "enrol" not in page.url
    assert len(centre.enrolments) == 1


def test_a_scan_that_could_not_be_kept_is_never_told_as_bound(page: Page, centre: Centre) -> None:
    _start(page)
    _scan(page, PEOPLE[0])
    page.evaluate(
        """() => {
          window.put = IDBObjectStore.prototype.put;
          IDBObjectStore.prototype.put = function (value, key) {
            if (this.name === "state") throw new DOMException("no room", "QuotaExceededError");
            return window.put.call(this, value, key);
          };
          console.error = () => {};
        }"""
    )
    _scan(page, TUBES[0])
    _expect_banner(page, "wrong", "could not keep the scan")
    page.evaluate("() => { IDBObjectStore.prototype.put = window.put; }")
    page.wait_for_timeout(1600)  # sooner it would be the same sighting
    _scan(page, TUBES[0])
    _expect_banner(page, "good", "Bound")
    _expect_unsent(page, 0)
    assert [text["seq"] for text in centre.texts] == [1]


def test_touching_a_person_of_the_household_works_while_scans_are_sent(page: Page, centre: Centre) -> None:
    _start(page, mode="mixed")
    _scan(page, MIXED[0])
    _scan(page, PEOPLE[0])
    button = page.locator("[data-members] button").first
    page.evaluate("() => { window.member = document.querySelector('[data-members] button'); }")
    _expect_unsent(page, 0)
    assert page.evaluate("() => window.member.isConnected"), "the button was drawn anew under the finger"
    button.click()
    _expect_banner(page, "good", "Bound: Trần Thị Bình")
