"""One day in the town, in Vietnamese, by clicks and key presses alone: from declarations to results that are read.

The tests are the chapters of one day and run in order. Bình is infected: he is found in a pool of five, again alone,
and by the second laboratory. Hoa is not. A household of three shares a tube. One tube gets lost on its way, one is
broken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from browser.town import COMMUNE, COMMUNE_CODE, CONFIRMING, SCREENING, Town
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
LOST, BROKEN = LISTED[0], LISTED[1]
SINGLE = (HOA["name"], BINH["name"], *LISTED)
POSITIVE_POOL = (BINH["name"], *LISTED[2:6])
# Ct by target; what is not named has none
CT_DETECTED = {"ORF1ab": "27.4", "N": "28.1", "IC": "30.2"}
CT_NOT_DETECTED = {"IC": "29.8"}
CT_OF_CONTROLS = {"NTC": {}, "NEC": {"IC": "30.0"}, "PC": {"ORF1ab": "25.3", "N": "26.0", "IC": "29.5"}}


@dataclass
class Day:
    """What the people of the day carry from one station to the next.

    Args:
        declarations: code by the person's name.
        secrets: result code by the person's name.
        tubes: code by the person's name.
        runs: codes of the first laboratory's runs.
    """

    declarations: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    tubes: dict[str, str] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def day() -> Day:
    """The day's notebook."""
    return Day()


def _choose(visitor: Visitor, msgid: str) -> None:
    visitor.page.locator("main .choice", has_text=vi(msgid)).first.click()


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
    _choose(visitor, "I agree to the text above.")
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
    resident.page.locator("summary", has_text=vi("Fill in from the card")).click()
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
    worker.page.locator("input[name=consent_given][value=signed_list]").check()
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


def test_a_collector_binds_people_to_single_tubes_and_takes_one_back(visit, address, town, day) -> None:
    collector = visit(address, "collector", PHONE)
    collector.sign_in(town.accounts["collector"].username)
    collector.go("/collection")
    collector.look("session")
    collector.click("Start")
    collector.await_station()
    tubes = iter(town.single_tubes)
    for name in SINGLE:
        day.tubes[name] = next(tubes)
        collector.scan_good(day.declarations[name])
        collector.scan_good(day.tubes[name])
    collector.look("single", full=False)
    # a wrong order, a used tube and a mistake that is taken back
    collector.scan(next(tubes))
    collector.expect_banner("wrong")
    last = HOUSEHOLD[0][0]
    collector.scan_good(day.declarations[last])
    collector.scan(day.tubes[HOA["name"]])
    collector.expect_banner("wrong")
    collector.look("used-tube", full=False)
    collector.scan_good(day.declarations[last])
    collector.scan_good(next(tubes))
    collector.page.locator("[data-undo]:visible").first.click()
    expect(collector.page.locator("[data-scans] [data-verdict=undone]")).to_have_count(1)
    expect(collector.page.locator("[data-mine]")).to_have_text(str(len(SINGLE)))
    collector.look("taken-back")


def test_a_household_shares_a_mixed_tube(visit, address, town, day) -> None:
    collector = visit(address, "collector-mixed", PHONE)
    collector.sign_in(town.accounts["collector"].username)
    collector.go("/collection")
    _choose(collector, "Several people in a tube")
    collector.click("Start")
    collector.await_station()
    collector.scan_good(town.mixed_tubes[0])
    for name, _year in HOUSEHOLD:
        collector.scan_good(day.declarations[name])
        day.tubes[name] = town.mixed_tubes[0]
    expect(collector.page.get_by_label(vi("Swabs in the tube"))).to_have_value(str(len(HOUSEHOLD)))
    collector.look("mixed")
    collector.click("Close the tube")
    expect(collector.page.locator("[data-banner-title]")).to_contain_text(vi("Tube closed"))


def test_the_tubes_go_into_a_box_that_is_sealed_sent_and_handed_over(visit, address, town, day) -> None:
    collector = visit(address, "collector-boxes")
    collector.sign_in(town.accounts["collector"].username)
    collector.go("/boxes")
    collector.look("boxes")
    _pack_and_send(collector, town, town.boxes[0], sorted(set(day.tubes.values())), SCREENING, pictures=True)


def test_the_laboratory_names_what_is_missing_and_what_is_broken(visit, address, town, day) -> None:
    technician = visit(address, "technician-reception")
    technician.sign_in(town.accounts["technician"].username)
    technician.look("home")
    good = [tube for name, tube in day.tubes.items() if name not in {LOST, BROKEN}]
    _receive_box(technician, town.boxes[0], sorted(set(good)), broken=[day.tubes[BROKEN]], pictures=True)
    for name in (LOST, BROKEN):
        expect(technician.page.get_by_role("main")).to_contain_text(day.tubes[name])
    technician.page.get_by_role("main").get_by_role("link", name=day.tubes[LOST]).first.click()
    technician.look("tube")


def test_the_technician_pools_by_scans_and_by_proposal(visit, address, town, day) -> None:
    technician = visit(address, "technician")
    technician.sign_in(town.accounts["technician"].username)
    technician.go("/pools/station")
    technician.await_station()
    for name in POSITIVE_POOL:
        technician.scan_good(day.tubes[name])
    technician.scan_good(day.tubes[HOA["name"]])
    technician.click("Undo")
    expect(technician.page.locator("[data-scans] [data-verdict=undone]")).to_have_count(1)
    technician.look("pooling")
    technician.scan("CMD-DONE")
    expect(technician.page.locator("[data-banner-title]")).to_contain_text(vi("Pool closed"))
    technician.click("Make the pools")
    technician.look("pools")
    rows = technician.page.get_by_role("table").get_by_role("row").all()[1:]
    assert sorted(row.locator("td.number").inner_text().strip() for row in rows) == ["1", "4", "5"]
    technician.open_pdf("Labels (PDF)")


def test_a_plate_is_filled_run_and_read_by_keyboard(visit, address, town, day) -> None:
    technician = visit(address, "technician-run")
    technician.sign_in(town.accounts["technician"].username)
    positive = _pool_of(technician, tubes=len(POSITIVE_POOL))
    day.runs.append(_fill_and_start_plate(technician, pictures=True))
    _type_readings(technician, detected={positive}, pictures=True)
    technician.look("run-imported")
    technician.click("Review: use these calls")
    technician.look("run-reviewed")


def test_before_the_release_people_see_where_their_sample_is(visit, address, day) -> None:
    hoa = visit(address, "hoa", PHONE)
    _read_result(hoa, day, HOA, "Your result is not ready yet")
    hoa.look("waiting")
    binh = visit(address, "binh", PHONE)
    _read_result(binh, day, BINH, "Your sample needs a second test")
    binh.look("second-test")


def test_the_retest_finds_one_member_of_the_positive_pool(visit, address, town, day) -> None:
    technician = visit(address, "technician-retest")
    technician.sign_in(town.accounts["technician"].username)
    technician.go("/pools")
    technician.look("retests")
    retest = _pool_of(technician, tube=day.tubes[BINH["name"]])
    day.runs.append(_fill_and_start_plate(technician))
    _type_readings(technician, detected={retest})
    technician.click("Review: use these calls")
    technician.look("retest-reviewed")


def test_the_scan_that_did_not_fit_is_settled(visit, address, town, day) -> None:
    coordinator = visit(address, "coordinator-settles")
    coordinator.sign_in(town.accounts["coordinator"].username)
    coordinator.look("home")
    coordinator.go("/discrepancies")
    coordinator.look("discrepancies")
    row = coordinator.page.get_by_role("main").get_by_role("row", name=day.tubes[HOA["name"]])
    row.get_by_role("link").first.click()
    coordinator.look("discrepancy")
    _choose(coordinator, "The scan does not count.")
    _fill(coordinator, "Why?", "Quét nhầm ống đã dùng, đã quét lại ngay.")
    coordinator.click("Settle")
    expect(
        coordinator.page.get_by_role("main").get_by_role("row", name=day.tubes[HOA["name"]])
    ).to_have_count(0)


def test_a_second_person_verifies_and_releases(visit, address, town, day) -> None:
    supervisor = visit(address, "supervisor")
    supervisor.sign_in(town.accounts["supervisor"].username)
    supervisor.look("home")
    for run in day.runs:
        supervisor.go("/release")
        supervisor.look("release")
        supervisor.page.get_by_role("main").get_by_role("link", name=run).click()
        supervisor.look("release-desk")
        supervisor.page.get_by_role("main").locator("form[action$='/verify'] button").click()
        supervisor.page.get_by_role("main").locator("form[action$='/release'] button").click()
        supervisor.look("released")
    supervisor.go("/release")
    expect(supervisor.page.get_by_role("link", name=day.runs[0])).to_have_count(0)


def test_the_detected_one_is_confirmed_by_the_second_laboratory(visit, address, town, day) -> None:
    technician = visit(address, "technician-sends")
    technician.sign_in(town.accounts["technician"].username)
    _pack_and_send(technician, town, town.boxes[1], [day.tubes[BINH["name"]]], CONFIRMING)
    other = visit(address, "technician-confirming")
    other.sign_in(town.accounts["technician_confirming"].username)
    _receive_box(other, town.boxes[1], [day.tubes[BINH["name"]]])
    other.go("/pools")
    other.look("confirmations")
    confirmation = _pool_of(other, tube=day.tubes[BINH["name"]])
    run = _fill_and_start_plate(other)
    _type_readings(other, detected={confirmation})
    other.click("Review: use these calls")
    supervisor = visit(address, "supervisor-confirming")
    supervisor.sign_in(town.accounts["supervisor_confirming"].username)
    supervisor.go("/release")
    supervisor.page.get_by_role("main").get_by_role("link", name=run).click()
    supervisor.look("release-desk")
    if supervisor.page.locator("form[action$='/verify'] button").count():
        supervisor.page.locator("form[action$='/verify'] button").click()
    main = supervisor.page.get_by_role("main")
    main.get_by_role("link", name=re.compile(vi("Look and verify"))).first.click()
    supervisor.look("result")
    main.locator("form[action$='/verify'] button").click()
    # without the tick the browser sends nothing
    main.locator("form[action$='/release'] button").click()
    expect(main.locator("form[action$='/release']")).to_have_count(1)
    main.locator("input[name=looked]").check()
    main.locator("form[action$='/release'] button").click()
    supervisor.look("result-released")


def test_people_read_their_results_on_a_phone(visit, address, day) -> None:
    hoa = visit(address, "hoa", PHONE)
    _read_result(hoa, day, HOA, "Not detected")
    hoa.look("not-detected")
    binh = visit(address, "binh", PHONE)
    _read_result(binh, day, BINH, "Detected")
    binh.look("detected")
    for name, year in HOUSEHOLD:
        member = visit(address, "household", PHONE)
        _read_result(member, day, {"name": name, "birth": (year,)}, "Not detected")
    stranger = visit(address, "stranger", PHONE)
    with stranger.refused():
        _ask_for_result(stranger, day.secrets[HOA["name"]], ("1", "1", "1990"))
        expect(stranger.page.get_by_role("alert")).to_be_visible()
    stranger.look("refused")


def test_at_the_end_everybody_is_accounted_for(visit, address, town) -> None:
    coordinator = visit(address, "coordinator")
    coordinator.sign_in(town.accounts["coordinator"].username)
    for width, height in ((1366, 900), (1920, 1080), (320, 640)):
        coordinator.page.set_viewport_size({"width": width, "height": height})
        coordinator.go("/board")
        coordinator.look(f"board-{width}")
    coordinator.page.set_viewport_size({"width": 1366, "height": 900})
    coordinator.go("/reconciliation")
    coordinator.look("reconciliation")
    expect(coordinator.page.get_by_role("main").locator("caption", has_text=vi("adds up"))).not_to_have_count(
        0
    )


# ---- What several chapters do ----


def _pack_and_send(
    visitor: Visitor, town: Town, box: str, tubes: list[str], laboratory: str, *, pictures: bool = False
) -> None:
    """Pack a box by scans, seal it, send it and hand it to the courier by badge."""
    visitor.go("/boxes")
    visitor.page.get_by_label(vi("Scan a box")).focus()
    visitor.scan(box)
    visitor.await_station()
    for tube in tubes:
        visitor.scan_good(tube)
    if pictures:
        visitor.look("box-packing")
    visitor.click("Seal the box")
    visitor.page.get_by_label(vi("Laboratory")).select_option(label=laboratory)
    visitor.page.get_by_label(vi("Temperature in the box, °C")).fill("4,5")
    if pictures:
        visitor.look("box-sealed")
    visitor.click("Send the box")
    visitor.page.get_by_label(vi("Scan the courier's badge")).focus()
    visitor.scan(town.accounts["courier"].badge_code)
    expect(visitor.page.get_by_role("main")).to_contain_text(town.accounts["courier"].name)
    if pictures:
        visitor.look("box-sent")


def _receive_box(
    visitor: Visitor, box: str, tubes: list[str], *, broken: Sequence[str] = (), pictures: bool = False
) -> None:
    """Receive a box and its tubes by scans, and finish it."""
    visitor.go("/reception")
    if pictures:
        visitor.look("reception")
    visitor.await_station()
    visitor.scan(box)
    visitor.page.get_by_label(vi("Temperature in the box, °C")).fill("5")
    visitor.click("Receive the box")
    visitor.await_station()
    for tube in tubes:
        visitor.scan_good(tube)
    for tube in broken:
        visitor.page.get_by_label(vi("The next tube looks")).select_option("broken")
        visitor.scan(tube)
        visitor.expect_banner("again")
    if pictures:
        visitor.look("reception-box")
    visitor.click("Finish the box")
    visitor.click("Finish")
    expect(visitor.page.get_by_role("link", name=vi("Next box"))).to_be_visible()
    if pictures:
        visitor.look("reception-found")


def _pool_of(visitor: Visitor, *, tubes: int = 0, tube: str = "") -> str:
    """Return the code of the pool in the worklist that has so many tubes, or this one."""
    visitor.go("/pools")
    for row in visitor.page.get_by_role("main").get_by_role("table").get_by_role("row").all()[1:]:
        text = re.sub(r"\s", "", row.inner_text())
        if (tube and tube in text) or (tubes and row.locator("td.number").inner_text().strip() == str(tubes)):
            return re.sub(r"\s", "", row.get_by_role("rowheader").inner_text())
    raise AssertionError(f"no pool with {tube or tubes} in the worklist")


def _fill_and_start_plate(visitor: Visitor, *, pictures: bool = False) -> str:
    """Fill a plate with what waits, start the run and return its code."""
    visitor.go("/runs/new")
    visitor.page.get_by_label(vi("Assay"), exact=True).select_option(index=0)
    if pictures:
        visitor.look("plan-run")
    visitor.click("Fill the plate")
    if pictures:
        visitor.look("run-planned")
    visitor.click("Start the run")
    visitor.click("No file? Type the Ct values", role="link")
    visitor.page.wait_for_url(re.compile(r"/runs/\w{9}/readings$"))
    found = re.search(r"/runs/(\w{9})/", visitor.page.url)
    assert found, visitor.page.url
    return found[1]


def _type_readings(visitor: Visitor, *, detected: set[str], pictures: bool = False) -> None:
    """Type the Ct values of every well, from field to field by Enter, and send them."""
    visitor.page.wait_for_load_state()  # with its script: before that, Enter would send the form
    table = visitor.page.locator("[data-readings]")
    table.locator("[data-ct]").first.focus()
    targets = table.locator("thead th").all_inner_texts()[2:]
    assert targets, "the table of wells has no targets"
    for row in table.locator("tbody tr").all():
        holds = re.sub(r"\s", "", row.locator("td").first.inner_text())
        values = next((ct for word, ct in CT_OF_CONTROLS.items() if f"({word})" in holds), None)
        if values is None:
            values = CT_DETECTED if holds in detected else CT_NOT_DETECTED
        for target in targets:
            visitor.page.keyboard.type(values.get(target, ""))
            visitor.page.keyboard.press("Enter")
    if pictures:
        visitor.look("readings")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("button", name=vi("Review: use these calls"))).to_be_visible()


def _ask_for_result(visitor: Visitor, secret: str, birth: tuple[str, ...]) -> None:
    visitor.go("/results")
    _fill(visitor, "Result code", secret)
    _type_birth(visitor, birth)
    visitor.click("Read the result")


def _read_result(visitor: Visitor, day: Day, person: dict, msgid: str) -> None:
    """Read somebody's result with the code of the slip and the birth date."""
    _ask_for_result(visitor, day.secrets[person["name"]], person["birth"])
    expect(visitor.page.locator(".answer h2")).to_have_text(vi(msgid))
