"""Somebody with a browser: a phone or a desk, of their own, watched for everything that must not happen.

Whatever the console complains of, whatever goes to another host, every serious finding of axe-core and every page
that scrolls sideways fails the test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from browser.town import PASSWORD
from browser.words import english_sentences, vi
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

TESTS = Path(__file__).parents[1]
AXE = (TESTS / "vendor" / "axe" / "axe.min.js").read_text()
PICTURES = TESTS.parent / "artefacts" / "browser"
PHONE, DESK = (360, 740), (1366, 900)
SERIOUS = {"serious", "critical"}
KEY_MS = 4  # between two keys of a hand scanner: 7 to 16 ms on its cable, and the browser adds some

_RUN_AXE = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations.map(({ id, impact, help, nodes }) => ({
    id, impact, help,
    nodes: nodes.slice(0, 4).map((node) => `${node.target} ${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`),
  }));
}"""
_WIDTH = "() => document.scrollingElement.scrollWidth"
_TEXTS = """() => {
  const texts = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (parent.closest("script, style, template, noscript, [lang=en]:not(input)")) continue;
    texts.add(walker.currentNode.textContent.trim().replace(/\\s+/g, " "));
  }
  for (const element of document.querySelectorAll("[placeholder], [aria-label], [title]")) {
    for (const name of ["placeholder", "aria-label", "title"]) texts.add((element.getAttribute(name) ?? "").trim());
  }
  return [...texts].filter(Boolean);
}"""


class Visitor:
    """One browser context with one page.

    Args:
        browser: a running Chromium.
        address: of the product.
        size: width and height of the screen, px.
        name: how this visitor's pictures begin.
    """

    def __init__(self, browser: Browser, address: str, *, size: tuple[int, int], name: str) -> None:
        self.address, self.name, self.size = address, name, size
        phone = size[0] < 700
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale="vi-VN",
            timezone_id="Asia/Ho_Chi_Minh",
            has_touch=phone,
            is_mobile=phone,
            reduced_motion="reduce",
            accept_downloads=True,
        )
        self.context.set_default_timeout(15_000)
        self.complaints: list[str] = []
        self._refusals_expected = 0
        self.page: Page = self.context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))
        self.page.on("request", self._watch)

    def _hear(self, line: ConsoleMessage) -> None:
        refused = "status of 4" in line.text and self._refusals_expected
        # a PDF names no icon, so the browser asks for this one by itself
        if line.location.get("url", "").endswith("/favicon.ico"):
            return
        if line.type in {"error", "warning"} and not refused:
            self.complaints.append(f"{self.page.url}: {line.text} ({line.location.get('url', '')})")

    def _watch(self, request: Request) -> None:
        parts = urlsplit(request.url)
        # the browser's own viewer of PDF files has addresses of its own scheme
        if parts.scheme in {"http", "https", "ws"} and f"{parts.scheme}://{parts.netloc}" != self.address:
            self.complaints.append(f"{self.page.url} asks another host: {request.url}")

    @contextmanager
    def refused(self) -> Iterator[None]:
        """What is done inside is refused on purpose; the browser's own line about an answer 4xx is expected."""
        self._refusals_expected += 1
        yield
        self.page.wait_for_load_state()
        self._refusals_expected -= 1

    def go(self, path: str) -> None:
        """Open a page by typing its address."""
        self.page.goto(self.address + path)

    def sign_in(self, username: str, password: str = PASSWORD) -> None:
        """Sign in through the page."""
        self.go("/sign-in")
        self.page.get_by_label(vi("User name")).fill(username)
        self.page.get_by_label(vi("Password")).fill(password)
        self.page.get_by_role("main").get_by_role("button").filter(has_text=vi("Sign in")).click()
        expect(self.page).to_have_url(f"{self.address}/home")

    def click(self, msgid: str, *, role: str = "button", **parameters: object) -> None:
        """Click the button or link with these words in the main part of the page."""
        self.page.get_by_role("main").get_by_role(role, name=vi(msgid, **parameters)).first.click()

    def await_station(self) -> None:
        """Wait until a scan station is ready: its field has the focus."""
        expect(self.page.locator("[data-scan-input]")).to_be_focused()

    def scan(self, code: str) -> None:
        """Scan a code: typed fast, ended by Enter."""
        self.page.keyboard.type(code, delay=KEY_MS)
        self.page.keyboard.press("Enter")

    def expect_banner(self, state: str) -> None:
        """Wait for the station's banner: good, again or wrong."""
        expect(self.page.locator("[data-banner]")).to_have_attribute("data-state", state)

    def scan_good(self, code: str) -> None:
        """Scan a code that must be taken, and wait until it stands in the list as good."""
        self.scan(code)
        row = self.page.locator(f'[data-scans] [data-code="{code}"][data-verdict=good]')
        expect(row.first).to_be_visible()

    def look(self, name: str, *, full: bool = True) -> None:
        """Keep a picture of the page and prove it readable: axe-core, no sideways scroll, no English left over."""
        self.keep_picture(name, full=full)
        self.check_console()
        self.check_width()
        self.check_axe()
        self.check_words()

    def keep_picture(self, name: str, *, full: bool = True) -> Path:
        """Keep a picture as the test's artefact."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        file = PICTURES / f"{self.name}-{name}.png"
        self.page.screenshot(path=file, full_page=full)
        return file

    def check_console(self) -> None:
        """Fail on what the browser complained of so far."""
        assert not self.complaints, "\n".join(self.complaints)

    def check_width(self) -> None:
        """Fail where the page scrolls sideways."""
        # not window.innerWidth: a phone's browser zooms out until a page that is too wide fits
        needed, there = self.page.evaluate(_WIDTH), (self.page.viewport_size or {})["width"]
        assert needed <= there, f"{self.page.url} is {needed} px wide on a screen of {there} px"

    def check_axe(self) -> None:
        """Fail on serious and critical findings of axe-core."""
        self.page.evaluate(AXE)
        found = [each for each in self.page.evaluate(_RUN_AXE) if each["impact"] in SERIOUS]
        lines = [f"{each['id']}: {each['help']}\n    " + "\n    ".join(each["nodes"]) for each in found]
        assert not lines, f"{self.page.url}\n" + "\n".join(lines)

    def check_words(self) -> None:
        """Fail on English sentences that have a translation, on a Vietnamese page."""
        if self.page.locator("html").get_attribute("lang") != "vi":
            return
        left = [text for text in self.page.evaluate(_TEXTS) if english_sentences().fullmatch(text)]
        assert left == [], f"{self.page.url} says in English: {left}"

    def open_pdf(self, msgid: str, *, role: str = "link") -> None:
        """Click what leads to a PDF and prove that one came."""
        with self.page.expect_response(lambda answer: ".pdf" in answer.url) as answered:
            self.click(msgid, role=role)
        assert answered.value.status == 200
        assert answered.value.headers["content-type"].startswith("application/pdf")

    def read(self, pattern: str) -> str:
        """Return the first text of the main part that matches a pattern, without spaces."""
        found = re.search(pattern, self.page.get_by_role("main").inner_text())
        assert found, f"{self.page.url} does not show {pattern}"
        return re.sub(r"\s", "", found[0])

    def leave(self) -> None:
        """Close the browser's window and fail on what it complained of."""
        self.context.close()
        self.check_console()
