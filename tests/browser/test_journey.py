"""One day in the town, in Vietnamese, by clicks and key presses alone: from declarations to results that are read.

The tests are the chapters of one day and run in order. Bình is infected: he is found in a pool of five, again alone,
and by the second laboratory. Hoa is not. A household of three shares a tube. One tube gets lost on its way, one is
broken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest
from browser.town import COMMUNE, COMMUNE_CODE
from browser.visitor import PHONE, Visitor
from browser.words import vi
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

HOA = {"name": "Nguyễn Thị Hoa", "birth": ("27", "3", "1958")}
BINH_CARD = "022090001234|100123456|Trần Văn Bình|12051990|Nam|Tổ 3, khu 3, Hà Khánh, Hạ Long|01042021"
BINH = {"name": "Trần Văn Bình", "birth": ("12", "5", "1990")}
LISTED = (
    "Vũ Đức Long", "Đỗ Thị Mai", "Bùi Quang Huy", "Hoàng Thị Yến", "Đặng Văn Tú",
    "Ngô Thị Hạnh", "Dương Văn Nam", "Lý Thị Cúc", "Đinh Văn Phúc",
)  # fmt: skip
HOUSEHOLD = (("Lê Văn Sơn", "1975"), ("Phạm Thị Lan", "1978"), ("Lê Minh Anh", "2010"))


@dataclass
class Day:
    """What the people of the day carry from one station to the next.

    Args:
        declarations: code by the person's name.
        secrets: result code by the person's name.
        tubes: code by the person's name.
    """

    declarations: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    tubes: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def day() -> Day:
    """The day's notebook."""
    return Day()


def _choose(visitor: Visitor, msgid: str) -> None:
    visitor.page.get_by_role("main").get_by_text(vi(msgid), exact=True).click()


def _type_birth(visitor: Visitor, birth: tuple[str, ...]) -> None:
    for msgid, value in zip(("Day", "Month", "Year")[-len(birth) :], birth, strict=True):
        visitor.page.get_by_role("main").get_by_label(vi(msgid), exact=True).fill(value)


def _fill(visitor: Visitor, msgid: str, value: str) -> None:
    visitor.page.get_by_role("main").get_by_label(vi(msgid)).fill(value)


def _state_place_health_and_consent(visitor: Visitor, *, address: str = "", pictures: bool = False) -> None:
    """Go through the steps after the first one."""
    visitor.page.get_by_label(vi("Commune")).select_option(COMMUNE_CODE)
    if address:
        _fill(visitor, "House, street, hamlet", address)
        _fill(visitor, "Telephone", "0912 345 678")
    if pictures:
        visitor.look("declare-place")
    visitor.click("Continue")
    if pictures:
        visitor.look("declare-health")
    visitor.click("Continue")
    _choose(visitor, "I agree to be tested, and that what I have stated is kept for the campaign.")
    if pictures:
        visitor.look("declare-check")
    visitor.click("Declare")


def _note_slip(visitor: Visitor, day: Day, name: str) -> None:
    expect(visitor.page.get_by_text(vi("Show this where the sample is taken"))).to_be_visible()
    codes = [
        re.sub(r"\s", "", text)
        for text in visitor.page.locator(".slip .code[data-code], .slip .code").all_inner_texts()
    ]
    day.declarations[name], day.secrets[name] = codes


def test_a_resident_declares_on_a_phone(visit, address, day) -> None:
    resident = visit(address, "resident", PHONE)
    resident.go("/")
    resident.click("Declare for testing", role="link")
    resident.look("declare-who")
    with resident.refused():
        resident.click("Continue")
        expect(resident.page.get_by_role("alert")).to_be_visible()
        resident.look("declare-who-refused")
    _fill(resident, "Full name", HOA["name"])
    _type_birth(resident, HOA["birth"])
    _choose(resident, "Female")
    resident.click("Continue")
    _state_place_health_and_consent(resident, address="Số 12, tổ 3, khu 3", pictures=True)
    _note_slip(resident, day, HOA["name"])
    resident.look("declared")


def test_a_card_read_by_a_scanner_fills_the_form(visit, address, day) -> None:
    resident = visit(address, "resident-card", PHONE)
    resident.go("/declare")
    resident.page.get_by_label(vi("QR of the identity card")).focus()
    resident.scan(BINH_CARD)
    expect(resident.page.get_by_label(vi("Full name"))).to_have_value(BINH["name"])
    expect(resident.page.get_by_label(vi("Identity number"), exact=False).last).to_have_value("022090001234")
    resident.look("declare-from-card")
    resident.click("Continue")
    _state_place_health_and_consent(resident)
    _note_slip(resident, day, BINH["name"])


def test_a_health_worker_declares_a_household(visit, address, town, day) -> None:
    worker = visit(address, "health-worker", PHONE)
    worker.sign_in(town.accounts["health_worker"].username)
    worker.go("/declare/for-others")
    for number, (name, year) in enumerate(HOUSEHOLD):
        _fill(worker, "Full name", name)
        _type_birth(worker, (year,))
        worker.click("Continue")
        if number == 0:
            _state_place_health_and_consent(worker, address="Số 40, tổ 5, khu 3", pictures=True)
        else:
            expect(worker.page.get_by_label(vi("House, street, hamlet"))).to_have_value("Số 40, tổ 5, khu 3")
            _state_place_health_and_consent(worker)
        _note_slip(worker, day, name)
        if number + 1 < len(HOUSEHOLD):
            worker.click("Next member of the household")
    worker.look("declared")
    assert len(set(day.declarations.values())) == 5


def test_a_list_with_a_bad_row_declares_the_good_ones_and_gives_the_bad_one_back(
    visit, address, town, day, tmp_path
) -> None:
    rows = [f"{number};{name};{1950 + number};{'Nữ' if 'Thị' in name else 'Nam'};0912000{number:03d}"
            for number, name in enumerate(LISTED, start=1)]  # fmt: skip
    listed = tmp_path / "to-dan-pho-3.csv"
    listed.write_text(
        "\n".join(["STT;Họ và tên;Năm sinh;Giới tính;Điện thoại", *rows, "10;Phan Văn Sai;31/02/1980;Nam;"]),
        "utf-8",
    )
    worker = visit(address, "health-worker-desk")
    worker.sign_in(town.accounts["health_worker"].username)
    worker.look("home")
    worker.go("/lists")
    worker.look("lists")
    worker.page.get_by_label(vi("File (CSV or XLSX)")).set_input_files(listed)
    _choose(worker, "The people on this list have agreed to be tested.")
    worker.click("Send")
    expect(worker.page.get_by_role("heading", level=1)).to_have_text(listed.name)
    worker.look("list-sent")
    expect(worker.page.get_by_role("table").get_by_role("row")).to_have_count(2)
    with worker.page.expect_download() as refused:
        worker.click("Download the refused rows", role="link")
    assert "Phan Văn Sai" in refused.value.path().read_text("utf-8-sig")
    worker.go("/people")
    worker.page.get_by_label(vi("Name, code, identity number or telephone")).fill("mai")
    worker.page.keyboard.press("Enter")
    expect(worker.page.get_by_role("link", name="Đỗ Thị Mai")).to_be_visible()
    worker.page.get_by_label(vi("Name, code, identity number or telephone")).fill("")
    worker.page.get_by_label(vi("Commune")).select_option(label=f"{COMMUNE}, Thành phố Hạ Long")
    worker.click("Show these")
    worker.look("people")
    for row in worker.page.get_by_role("table").get_by_role("row").all()[1:]:
        name = row.get_by_role("rowheader").inner_text().strip()
        day.declarations[name] = re.sub(r"\s", "", row.locator(".code").first.inner_text())
    assert set(LISTED) <= set(day.declarations)


def test_labels_of_a_new_lot_come_as_a_pdf(visit, address, town) -> None:
    worker = visit(address, "labels")
    worker.sign_in(town.accounts["health_worker"].username)
    worker.go("/labels")
    worker.look("labels")
    worker.page.get_by_label(vi("How many tubes")).fill("70")
    worker.click("Mint the lot")
    worker.look("lot")
    worker.open_pdf("A4 sheets (PDF)")
