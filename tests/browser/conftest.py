"""Fixtures of the browser tests: a town with the real server, Chromium, and visitors who are watched."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser.running import serving
from browser.town import Town, fill_town
from browser.visitor import DESK, Visitor
from playwright.sync_api import Browser, expect, sync_playwright

from lims import create_app, database
from lims.config import DEMO_SECRET_KEY, Settings
from lims.extensions import db

expect.set_options(timeout=15_000)  # two cores are shared with other tests
CHROMIUM = shutil.which("chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium for one file of tests; Playwright's loop must be gone before another file starts its own."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: nothing is tried in a real browser")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def town_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the town's database."""
    return tmp_path_factory.mktemp("town")


@pytest.fixture(scope="module")
def town(town_folder: Path) -> Town:
    """The small invented world, filled through the actions before the server starts."""
    settings = Settings(
        secret_key=DEMO_SECRET_KEY,
        database_url=f"sqlite:///{town_folder / 'lims.sqlite'}",
        instance_path=town_folder,
        demo=True,
    )
    with create_app(settings).app_context():
        database.upgrade()
        filled = fill_town()
        db.session.remove()
        db.engine.dispose()
    return filled


@pytest.fixture(scope="module")
def address(town: Town, town_folder: Path) -> Iterator[str]:
    """Where the real server listens."""
    with serving(town_folder) as listening:
        yield listening


@pytest.fixture(scope="module")
def visit(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Make visitors; at the end nobody's console may have complained."""
    made: list[Visitor] = []

    def come(at: str, name: str, size: tuple[int, int] = DESK) -> Visitor:
        visitor = Visitor(browser, at, size=size, name=name)
        made.append(visitor)
        return visitor

    yield come
    for visitor in made:
        visitor.leave()
