"""A result from its release to the paper in somebody's hand: read on a phone, taken along, checked without a network.

The tests are the chapters of one day and run in order. In the evening the laboratory amends the result: the person
is told again, and the paper of the morning is refused from then on.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from browser.plates import release, run_plate
from browser.town import COMMUNE_CODE, SCREENING, Town, fill_town
from browser.visitor import PHONE, PICTURES, Visitor
from browser.words import vi
from playwright.sync_api import Browser, Page, expect
from pooling.received import receive
from results.sheets.paper import read_facts, read_words, scan
from results.sheets.signer import install_signer
from sqlalchemy import select, update
from stating import declare, make_form

from lims import clock, create_app, database
from lims.auth import queries as auth_queries
from lims.codes import grouped
from lims.config import DEMO_SECRET_KEY, Settings
from lims.extensions import db
from lims.intake.actions.collections import register_collections
from lims.intake.collecting import CollectionScan
from lims.intake.models import Tube
from lims.places.models import Campaign, Place
from lims.pooling.actions import pools
from lims.results.certificates.refusals import REASONS
from lims.tables import new_id
from lims.transaction import writing

pytestmark = pytest.mark.browser

NAME, BORN = "Đặng Thị Hồng Ánh", ("17", "5", "1990")


@dataclass
class Day:
    """What the day leaves from one chapter to the next.

    Args:
        secret: the person's result code.
        tube: of the person.
        pool: the tube's.
        run: its plate's code.
        sheets: the person's PDF files, as they were taken.
        certificates: what the QR code of each says.
    """

    secret: str = ""
    tube: str = ""
    pool: str = ""
    run: str = ""
    sheets: list[bytes] = field(default_factory=list)
    certificates: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def day() -> Day:
    """The day's notebook."""
    return Day()


@pytest.fixture(scope="module")
def town(town_folder: Path, day: Day) -> Town:
    """The town with a signing key, and ten tubes in its laboratory's pool; one is of somebody who has a slip."""
    settings = Settings(
        secret_key=DEMO_SECRET_KEY,
        database_url=f"sqlite:///{town_folder / 'lims.sqlite'}",
        instance_path=town_folder,
        demo=True,
    )
    with create_app(settings).app_context():
        database.upgrade()
        filled = fill_town()
        _collect_and_pool(filled, day)
        db.session.remove()
        db.engine.dispose()
    return filled


def _collect_and_pool(town: Town, day: Day) -> None:
    actors = {
        word: auth_queries.get_actor(db.session(), user_id=one.user_id) for word, one in town.accounts.items()
    }
    site = db.session.scalars(select(Place).where(Place.kind == "site")).one()
    there = SimpleNamespace(
        campaign_id=db.session.scalars(select(Campaign)).one().id,
        site_id=site.id,
        commune_id=site.parent_id,
        laboratory_id=next(
            place.id for place in db.session.scalars(select(Place)) if place.name == SCREENING
        ),
        actor=actors.__getitem__,
    )
    install_signer(there)
    (verdict,) = declare(there, make_form(name=NAME, birth_date="/".join(BORN), commune_code=COMMUNE_CODE))
    day.secret, day.tube = verdict["result_code"], town.single_tubes[0]
    bound = CollectionScan(new_id(), day.tube, verdict["declaration_code"], clock.now())
    register_collections(
        actor=actors["collector"], place_id=there.site_id, session_id=new_id(), scans=[bound]
    )
    with writing() as session:
        session.execute(
            update(Tube)
            .where(Tube.code == day.tube)
            .values(
                status="received",
                closed_count=1,
                laboratory_id=there.laboratory_id,
                received_at=clock.now(),
                rack_position="1-0099",
            )
        )
    receive(there, 9)
    (pool,) = pools.propose_pools(actor=actors["technician"], laboratory_id=there.laboratory_id)["pools"]
    day.pool = pool["pool"]
    assert day.tube in pool["tubes"]


def _read(visitor: Visitor, day: Day, headline: str) -> None:
    visitor.go("/results")
    visitor.page.get_by_label(vi("Result code")).fill(day.secret)
    for label, value in zip(("Day", "Month", "Year"), BORN, strict=True):
        visitor.page.get_by_label(vi(label), exact=True).fill(value)
    visitor.click("Read the result")
    expect(visitor.page.get_by_role("heading", level=2, name=vi(headline))).to_be_visible()


def _take_sheet(visitor: Visitor, day: Day) -> bytes:
    with visitor.page.expect_download() as downloaded:
        visitor.click("Result sheet (PDF)")
    day.sheets.append(downloaded.value.path().read_bytes())
    assert day.sheets[-1].startswith(b"%PDF")
    (certificate,) = scan(day.sheets[-1], dpi=150)
    day.certificates.append(certificate)
    return day.sheets[-1]


def _keep_verifier(visitor: Visitor, folder: Path) -> Path:
    """Take the page that checks sheets home, as a file."""
    visitor.go("/verify")
    with visitor.page.expect_download() as downloaded:
        visitor.page.get_by_role("link", name=vi("Download this page")).click()
    kept = folder / downloaded.value.suggested_filename
    downloaded.value.save_as(kept)
    return kept


@pytest.fixture
def offline(browser: Browser) -> Iterator[Callable[[Path], Page]]:
    """Open a file from the disk in a browser that has no network."""
    contexts = []

    def open_file(file: Path) -> Page:
        context = browser.new_context(
            offline=True, locale="vi-VN", viewport={"width": PHONE[0], "height": PHONE[1]}
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(file.as_uri())
        return page

    yield open_file
    for context in contexts:
        context.close()


def _check(page: Page, certificate: str) -> str:
    page.locator("[data-part=text]").fill(certificate)
    page.locator("[data-part=submit]").click()
    expect(page.locator("[data-part=answer]")).to_be_visible()
    return page.locator("[data-part=answer]").inner_text()


def test_the_plate_is_released_by_a_second_person(visit, address, town, day) -> None:
    technician = visit(address, "proof-technician")
    technician.sign_in(town.accounts["technician"].username)
    day.run = run_plate(technician, [day.pool], {})
    technician.click("Review: use these calls")
    supervisor = visit(address, "proof-supervisor")
    supervisor.sign_in(town.accounts["supervisor"].username)
    release(supervisor, day.run, negatives=10)


def test_the_person_reads_on_a_phone_and_takes_the_sheet(visit, address, day) -> None:
    phone = visit(address, "proof-phone", PHONE)
    _read(phone, day, "Not detected")
    phone.look("read")
    sheet = _take_sheet(phone, day)
    facts, words = read_facts(sheet), read_words(sheet)
    assert facts["Pages"] == "1"
    for said in (
        "PHIẾU KẾT QUẢ XÉT NGHIỆM",
        NAME,
        "17/05/1990",
        "ÂM TÍNH",
        grouped(day.tube),
        SCREENING,
        "Xét nghiệm mẫu gộp 10 người",
    ):
        assert said in words
    assert "Đã sửa" not in words


def test_anybody_checks_the_sheet_without_a_network(visit, address, day, offline, tmp_path) -> None:
    visitor = visit(address, "proof-verifier", PHONE)
    page = offline(_keep_verifier(visitor, tmp_path))
    answer = _check(page, day.certificates[0])
    assert vi("This sheet is genuine and valid.") in answer
    assert NAME in answer and "17/05/1990" in answer and vi("Not detected") in answer
    picture = tmp_path / "phieu.png"
    drawn = subprocess.run(["pdftoppm", "-r", "150", "-png", "-"], input=day.sheets[0], capture_output=True)
    picture.write_bytes(drawn.stdout)
    page.reload()
    page.locator("[data-part=picture]").set_input_files(picture)
    expect(page.locator("[data-part=sentence]")).to_have_text(vi("This sheet is genuine and valid."))
    page.screenshot(path=PICTURES / "proof-verified.png", full_page=True)
    # one letter of it changed
    changed = (
        day.certificates[0][:200]
        + ("A" if day.certificates[0][200] != "A" else "B")
        + day.certificates[0][201:]
    )
    assert vi("Not valid") in _check(page, changed)


def test_the_laboratory_amends_the_result_and_a_second_person_releases_it(visit, address, town, day) -> None:
    first = visit(address, "proof-amender")
    first.sign_in(town.accounts["supervisor"].username)
    _open_result(first, day)
    first.page.get_by_label(vi("Finding from now on")).select_option("inconclusive")
    form = first.page.locator("form").filter(has=first.page.get_by_label(vi("Finding from now on")))
    form.get_by_label(vi("Why")).fill("Nhầm ống với người bên cạnh")
    first.click("Write the next version")
    expect(first.page.get_by_role("main")).to_contain_text("Nhầm ống với người bên cạnh")
    first.look("amended")
    second = visit(address, "proof-second")
    second.sign_in(town.accounts["supervisor_2"].username)
    _open_result(second, day)
    second.click("Verify")
    second.click("Release this result")
    _open_result(second, day)
    second.look("versions")


def _open_result(visitor: Visitor, day: Day) -> None:
    """Go from the tube, as somebody who has it in the hand, to its result."""
    visitor.go(f"/tubes/{day.tube}")
    visitor.page.get_by_role("main").get_by_role("link").filter(
        has_text=re.compile(f"^{vi('Result')}")
    ).first.click()
    visitor.page.wait_for_url(re.compile("/results/[0-9a-f-]{36}$"))


def test_the_person_is_told_again_and_the_old_sheet_is_refused(
    visit, address, day, offline, tmp_path
) -> None:
    phone = visit(address, "proof-phone-again", PHONE)
    _read(phone, day, "A new sample is needed")
    expect(phone.page.get_by_role("main")).to_contain_text(vi("Amended"))
    expect(phone.page.get_by_role("button", name=vi("Result sheet (PDF)"))).to_have_count(0)
    phone.look("told-again")
    page = offline(_keep_verifier(phone, tmp_path))
    told = _check(page, day.certificates[0])
    assert vi("Not valid") in told
    assert vi(REASONS["revoked"]) in told
    assert vi("This sheet is genuine and valid.") not in told
