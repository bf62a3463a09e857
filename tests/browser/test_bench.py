"""A day at the laboratory's bench, in Vietnamese, with the cycler's own files: handed in, looked at, used or refused.

The tests are the chapters of one day and run in order. Two of ten people in one pool are infected; a control fails; a
pool is positive and nobody in it; and at the end a whole run is withdrawn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from browser.plates import export, hand_in, plan, release, run_plate, set_up
from browser.town import CONFIRMING, SCREENING, Town, fill_town
from browser.visitor import PHONE, Visitor
from browser.words import vi
from playwright.sync_api import expect
from pooling.received import receive
from sqlalchemy import select

from lims import create_app, database
from lims.auth import queries as auth_queries
from lims.config import DEMO_SECRET_KEY, Settings
from lims.extensions import db
from lims.places.models import Campaign, Place
from lims.pooling.actions import pools

pytestmark = pytest.mark.browser


@dataclass
class Day:
    """What the day leaves from one chapter to the next.

    Args:
        pools: tubes by pool, as they were proposed.
        runs: codes of the runs by chapter.
    """

    pools: dict[str, list[str]] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def day() -> Day:
    """The day's notebook."""
    return Day()


@pytest.fixture(scope="module")
def town(town_folder: Path, day: Day) -> Town:
    """The town, and forty tubes that have arrived in its laboratory, in four pools."""
    settings = Settings(
        secret_key=DEMO_SECRET_KEY,
        database_url=f"sqlite:///{town_folder / 'lims.sqlite'}",
        instance_path=town_folder,
        demo=True,
    )
    with create_app(settings).app_context():
        database.upgrade()
        filled = fill_town()
        day.pools = _pool_up(filled)
        db.session.remove()
        db.engine.dispose()
    return filled


def _pool_up(town: Town) -> dict[str, list[str]]:
    keys = {place.name: place.id for place in db.session.scalars(select(Place))}
    campaign = db.session.scalars(select(Campaign)).one()
    site = db.session.scalars(select(Place).where(Place.kind == "site")).one()
    there = SimpleNamespace(
        campaign_id=campaign.id,
        site_id=site.id,
        commune_id=site.parent_id,
        laboratory_id=keys[SCREENING],
        confirming_id=keys[CONFIRMING],
    )
    receive(there, 40)
    technician = auth_queries.get_actor(db.session(), user_id=town.accounts["technician"].user_id)
    made = pools.propose_pools(actor=technician, laboratory_id=there.laboratory_id)
    return {pool["pool"]: pool["tubes"] for pool in made["pools"]}


def test_a_file_of_another_plate_is_refused_with_its_reason(visit, address, town, day) -> None:
    technician = visit(address, "bench-technician")
    technician.sign_in(town.accounts["technician"].username)
    first, second, *_rest = list(day.pools)
    run = day.runs["first"] = plan(technician, first, second)
    rows = set_up(technician, run)
    # the same plate, put in the wrong way round
    turned = [
        {**row, "well": f"{'HGFEDCBA'['ABCDEFGH'.index(row['well'][0])]}{13 - int(row['well'][1:]):02}"}
        for row in rows
    ]
    hand_in(technician, run, export(turned, {}))
    expect(technician.page.get_by_text(vi("This file was refused. Nothing of it was used."))).to_be_visible()
    technician.look("file-refused")
    hand_in(technician, run, b"Sample,Result\n1,2\n", name="khong-phai-ket-qua.csv")
    expect(technician.page.get_by_role("heading", name=vi("Name its columns"))).to_be_visible()
    technician.look("file-unknown")


def test_the_right_file_is_looked_at_then_used_and_its_curves_are_seen(visit, address, town, day) -> None:
    technician = visit(address, "bench-curves")
    technician.sign_in(town.accounts["technician"].username)
    first, run = next(iter(day.pools)), day.runs["first"]
    technician.go(f"/runs/{run}")
    hand_in(technician, run, export(set_up(technician, run), {first: "detected"}))
    technician.look("file-staged")
    technician.click("Use these readings")
    panel = technician.page.locator("[data-curves][data-ready]")
    expect(panel).to_be_visible()
    expect(technician.page.locator("canvas[data-drawn='5']")).to_be_visible()
    well = panel.get_by_role("button").filter(has_text=re.compile(r"^26[.,]4")).first
    well.click()
    expect(panel.get_by_role("link", name=re.compile(day.pools[first][0][:3])).first).to_be_visible()
    technician.look("run-with-curves")
    technician.click("Review: use these calls")
    phone = visit(address, "bench-phone", PHONE)
    phone.sign_in(town.accounts["technician"].username)
    phone.go(f"/runs/{run}")
    phone.look("run-on-a-phone")
    phone.go("/kept-tubes")
    expect(phone.page.get_by_role("main")).to_contain_text(day.pools[first][0][:3])
    phone.look("tubes-to-fetch")


def test_a_positive_pool_leads_to_its_two_positive_members(visit, address, town, day) -> None:
    technician = visit(address, "bench-members")
    technician.sign_in(town.accounts["technician"].username)
    first = next(iter(day.pools))
    technician.go(f"/pools/{first}")
    technician.look("positive-pool")
    retests = _children(technician)
    assert len(retests) == 10
    day.runs["members"] = run_plate(technician, retests, dict.fromkeys(retests[:2], "detected"))
    technician.click("Review: use these calls")
    supervisor = visit(address, "bench-supervisor")
    supervisor.sign_in(town.accounts["supervisor"].username)
    supervisor.go(f"/runs/{day.runs['members']}/release")
    supervisor.look("release-members")
    # this laboratory may not confirm: the two wait for another, the eight negatives are theirs to release
    release(supervisor, day.runs["members"], negatives=8)
    release(supervisor, day.runs["first"], negatives=10)


def _children(visitor: Visitor) -> list[str]:
    """Return the codes of the pools that answer the pool on the page."""
    links = visitor.page.get_by_role("main").get_by_role("link", name=vi("retested in")).all()
    return [(link.get_attribute("href") or "").rpartition("/")[2] for link in links]


def test_a_failed_control_is_seen_before_the_file_is_used_and_fails_the_run(
    visit, address, town, day
) -> None:
    technician = visit(address, "bench-control")
    technician.sign_in(town.accounts["technician"].username)
    third = list(day.pools)[2]
    run = plan(technician, third)
    hand_in(technician, run, export(set_up(technician, run), {}, failed="PC"))
    expect(
        technician.page.get_by_text(vi("A control is not as it must be: this run will fail at its review."))
    ).to_be_visible()
    technician.look("control-failed")
    technician.click("Use these readings")
    technician.click("Review: use these calls")
    expect(technician.page.get_by_role("main").get_by_text(vi("Failed")).first).to_be_visible()
    technician.look("run-failed")
    technician.go(f"/pools/{third}")
    expect(technician.page.get_by_role("main").get_by_text(vi("Ready for a plate"))).to_be_visible()


def test_nobody_in_a_positive_pool_is_a_discordance_that_a_supervisor_settles(
    visit, address, town, day
) -> None:
    technician = visit(address, "bench-discordance")
    technician.sign_in(town.accounts["technician"].username)
    third = list(day.pools)[2]
    run_plate(technician, [third], {third: "detected"})
    technician.click("Review: use these calls")
    technician.go(f"/pools/{third}")
    retests = _children(technician)
    day.runs["discordant"] = run_plate(technician, retests, {})
    technician.click("Review: use these calls")
    supervisor = visit(address, "bench-settles")
    supervisor.sign_in(town.accounts["supervisor"].username)
    supervisor.go("/discrepancies")
    words = vi("all members negative after a positive pool")
    supervisor.page.get_by_role("main").get_by_role("link", name=words).first.click()
    supervisor.look("discordance")
    supervisor.page.locator("main .choice", has_text=vi("The record is right as it stands.")).click()
    supervisor.page.get_by_label(vi("Why?")).fill("Hai lần đều âm tính, chứng tốt.")
    supervisor.click("Settle")
    expect(supervisor.page.get_by_role("main").get_by_role("link", name=words)).to_have_count(0)
    release(supervisor, day.runs["discordant"], negatives=10)
    supervisor.go(f"/runs/{day.runs['discordant']}")
    supervisor.look("discordant-run")


def test_a_withdrawn_run_says_who_is_tested_again(visit, address, town, day) -> None:
    supervisor = visit(address, "bench-withdrawal")
    supervisor.sign_in(town.accounts["supervisor"].username)
    run = day.runs["discordant"]
    supervisor.go(f"/runs/{run}")
    supervisor.page.get_by_label(vi("What was wrong")).select_option("swapped_plates")
    supervisor.page.locator("#withdrawal-reason").fill("Hai đĩa bị đổi chỗ trong máy.")
    supervisor.page.locator(f'form[action$="/runs/{run}/withdrawal"] button').click()
    supervisor.look("withdraw-asked")
    supervisor.page.locator(".ask-once").get_by_role("button", name=vi("Withdraw the run")).click()
    expect(supervisor.page.get_by_role("heading", name=vi("Withdrawn"))).to_be_visible()
    expect(supervisor.page.get_by_role("heading", name=vi("Tested again in"))).to_be_visible()
    told = supervisor.page.locator("dt", has_text=vi("Of them released before"))
    expect(told.locator("xpath=following-sibling::dd[1]")).to_have_text("10")
    supervisor.look("withdrawn")
    supervisor.go("/control-charts")
    supervisor.look("control-charts")
    supervisor.go("/prevalence")
    supervisor.look("prevalence")
