"""A new release comes while a collector works: the old page still sends, nothing is lost, the next start is new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.collector import Collector
from field.phones import make_enrolment
from field.shell_site import listening
from intake.people import declare, print_tubes
from playwright.sync_api import expect, sync_playwright
from sqlalchemy import func, select

import lims
from lims.extensions import db
from lims.intake.models import Sample

pytestmark = pytest.mark.browser
# asks for the new release and waits until the old one is gone from the phone
UPDATE = """async ([before]) => {
  const registration = await navigator.serviceWorker.getRegistration("/field/");
  await registration.update();
  while ((await caches.keys()).includes(before)) await new Promise((done) => setTimeout(done, 50));
}"""
CACHES = "() => caches.keys()"


@pytest.fixture
def collector(app, world, tmp_path: Path) -> Iterator[Collector]:
    with listening(app) as address, sync_playwright() as playwright:
        one = Collector(playwright, address, tmp_path / "phone")
        yield one
        one.leave()


def count_samples() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Sample))


def test_a_page_of_the_old_release_still_sends_and_the_next_one_finds_every_scan(
    world, collector, monkeypatch
):
    people, tubes = declare(world, 4), print_tubes(world, 4)
    collector.enrol(make_enrolment(world))
    collector.await_installed()
    collector.start()
    collector.context.set_offline(True)
    for number in range(3):
        collector.bind(people[number], tubes[number], count=number + 1)
    before = collector.page.evaluate(CACHES)
    monkeypatch.setattr(lims, "__version__", "9.9.9")
    collector.context.set_offline(False)
    collector.page.evaluate(UPDATE, before)
    collector.expect_figure("unsent", 0)
    assert count_samples() == 3, "the old page has sent them"
    collector.context.set_offline(True)
    collector.bind(people[3], tubes[3], count=4)
    collector.page.reload()
    collector.await_scanning()
    collector.expect_figure("today", 4)
    assert collector.figure("unsent") == 1
    collector.context.set_offline(False)
    collector.expect_figure("unsent", 0)
    assert count_samples() == 4
    assert collector.page.evaluate(CACHES) != before
    expect(collector.page.locator("html")).to_have_attribute("data-version", "9.9.9")
