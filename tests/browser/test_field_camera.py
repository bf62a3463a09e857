"""The whole way by camera alone: a slip's QR and a tube's Code 128 are read through getUserMedia and bound, with no
touch of the screen between the first person and the last tube."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.collector import Collector
from browser.field_town import FieldTown, fill_field_town
from field.camera_video import launch_arguments, photograph, slip, tube_bars, tube_label
from playwright.sync_api import expect, sync_playwright
from servers import running

from lims import codes

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> FieldTown:
    return fill_field_town(tmp_path_factory.mktemp("camera"), people=12)


@pytest.fixture
def collector(town: FieldTown, tmp_path: Path) -> Iterator[Collector]:
    seen = [
        photograph(slip(town.people[0], codes.mint_result_code())),
        photograph(None),
        photograph(tube_bars(town.tubes[0])),
        photograph(None),
        photograph(slip(town.people[1], codes.mint_result_code())),
        photograph(None),
        photograph(tube_label(town.tubes[1])),
        photograph(None),
    ]
    arguments = launch_arguments(seen, tmp_path, frames_each=45)
    with running(f"sqlite:///{town.file}", town.file.parent) as server, sync_playwright() as playwright:
        one = Collector(playwright, server.url, tmp_path / "phone", arguments=arguments)
        yield one
        one.leave()


def test_slips_and_tubes_are_read_by_the_camera_and_bound_without_a_touch(town, collector):
    collector.enrol(town.enrolments[0])
    collector.start()
    camera = collector.page.locator('[data-part="scan"] [data-do="camera"]')
    if camera.get_attribute("aria-pressed") != "true":
        camera.click()
    collector.expect_figure("today", 2, within_s=60)
    collector.expect_figure("unsent", 0)
    bound = town.ask(
        "select d.code, t.code from sample s join declaration d on d.id = s.declaration_id"
        " join tube t on t.id = s.tube_id where s.status <> 'void'"
    )
    assert sorted(bound) == sorted(zip(town.people[:2], town.tubes[:2], strict=True))
    # the video plays on: the same labels again are no new scans, and no error
    collector.page.wait_for_timeout(13_000)
    collector.expect_figure("today", 2)
    assert town.ask("select count(*) from discrepancy") == [(0,)]
    expect(collector.page.locator("[data-scans] li")).to_have_count(2)
