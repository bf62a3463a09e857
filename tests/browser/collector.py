"""A collector with a phone: a browser profile that outlives the browser, as a phone's does."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, Playwright, expect

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    # a page that nobody looks at must not be slowed down in a test that waits for it
    "--disable-renderer-backgrounding",
)
PHONE = {"width": 360, "height": 740}


class Collector:
    """One phone.

    Args:
        playwright: a running Playwright.
        address: of the product.
        profile: folder of the browser's profile; what the phone keeps is in it.
        arguments: that start Chromium.
        options: of the browser's context, as `service_workers`.
    """

    def __init__(
        self,
        playwright: Playwright,
        address: str,
        profile: Path,
        *,
        arguments: Sequence[str] = ARGUMENTS,
        size: dict[str, int] | None = None,
        **options: object,
    ) -> None:
        self.playwright, self.address, self.profile = playwright, address, profile
        self.arguments, self.size, self.options = list(arguments), size or PHONE, options
        self.complaints: list[str] = []
        self.context: BrowserContext = None  # type: ignore[assignment]
        self.page: Page = None  # type: ignore[assignment]
        self.open()

    def open(self, *, offline: bool = False) -> None:
        """Start the browser with this phone's profile."""
        self.context = self.playwright.chromium.launch_persistent_context(
            str(self.profile),
            executable_path="/usr/bin/chromium",
            headless=True,
            args=self.arguments,
            viewport=self.size,
            locale="vi-VN",
            timezone_id="Asia/Ho_Chi_Minh",
            **{"has_touch": True, "is_mobile": True, "accept_downloads": True, **self.options},
        )
        self.context.set_default_timeout(20_000)
        self.context.set_offline(offline)
        self.page = self.context.pages[0]
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, line) -> None:
        # without network the browser itself complains of every request; that is what is tried here
        expected = ("net::ERR", "Failed to load resource", "Blocked call to navigator.vibrate")
        if line.type == "error" and not any(words in line.text for words in expected):
            self.complaints.append(line.text)

    def go(self, path: str = "/field/vi") -> None:
        """Open a page of the product and wait until the app can take scans, if it is the app."""
        self.page.goto(self.address + path)

    def enrol(self, code: str) -> None:
        """Open the coordinator's QR and wait until the app asks how the session goes."""
        self.go(f"/field/vi#enrol={code}")
        expect(self.page.locator("form[data-start]")).to_be_visible()

    def start(self, *, mode: str = "single", first: str = "person") -> None:
        """Begin a session."""
        self.page.locator(f'input[name="mode"][value="{mode}"]').check()
        if mode == "single":
            self.page.locator(f'input[name="first"][value="{first}"]').check()
        self.page.locator('form[data-start] button[type="submit"]').click()
        self.await_scanning()

    def await_scanning(self) -> None:
        """Wait until scans are taken."""
        expect(self.page.locator('[data-figure="today"]')).to_be_visible()
        expect(self.page.locator("html")).to_have_attribute("data-ready", "yes")

    def await_installed(self) -> None:
        """Wait until the app is kept on the phone and works without network."""
        self.page.wait_for_function(
            "() => navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null)"
        )

    def scan(self, code: str) -> None:
        """Scan as a hand scanner does: fast keys, ended by Enter."""
        self.page.keyboard.type(code)
        self.page.keyboard.press("Enter")

    def figure(self, name: str) -> int:
        """Read one of the big counters."""
        return int(self.page.locator(f'[data-figure="{name}"]').inner_text())

    def expect_figure(self, name: str, number: int, *, within_s: float = 30) -> None:
        """Wait until a counter shows a number."""
        expect(self.page.locator(f'[data-figure="{name}"]')).to_have_text(
            str(number), timeout=within_s * 1000
        )

    def expect_banner(self, state: str, words: str = "") -> None:
        """Wait for the banner: good, again or wrong, and part of what it says."""
        banner = self.page.locator("[data-banner]")
        expect(banner).to_have_attribute("data-state", state)
        if words:
            expect(banner).to_contain_text(words)

    def bind(self, person: str, tube: str, *, count: int) -> None:
        """Bind a pair by two scans and wait for the counter."""
        self.scan(person)
        self.scan(tube)
        self.expect_figure("today", count)

    def kill(self) -> None:
        """End the browser as an empty battery does: no event, no time to save anything."""
        marker = f"--user-data-dir={self.profile}".encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if marker in (entry / "cmdline").read_bytes().split(b"\0"):
                    os.kill(int(entry.name), signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError):
                continue
        until = time.monotonic() + 20
        while (self.profile / "SingletonLock").is_symlink() and time.monotonic() < until:
            (self.profile / "SingletonLock").unlink(missing_ok=True)

    def leave(self) -> None:
        """Close the browser; nothing may have complained."""
        self.context.close()
        assert not self.complaints, "\n".join(self.complaints)
