"""Every page that a role can reach by links, on the demonstration's data: three widths, two languages, no complaint."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
from browser.running import serving
from browser.visitor import Visitor
from playwright.sync_api import expect

from lims.auth.rules import ROLES
from lims.demo.province import PASSWORD

pytestmark = pytest.mark.browser

WIDTHS = (1920, 768, 320)
PEOPLE = 240
# the phones' app keeps its language in its address and has its own tests of looks (tests/field/test_app_looks.py)
APP = "/field/"
# one file in both languages, looked at where it is tested (tests/results/sheets/test_verifier_page.py)
OWN = (APP, "/verify")
FILES = re.compile(r"\.(pdf|csv|zpl|png|xlsx|json)$")
KEYS = re.compile(r"/(?:[0-9a-f]{8}-[0-9a-f-]{27}|[A-Z][0-9A-Z]{8})(?=/|$)")
_LINKS = """() => [...document.querySelectorAll("a[href]:not([download])")]
  .map((link) => link.getAttribute("href")).filter((href) => href.startsWith("/"))"""


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demonstration as `make run` serves it, with few people."""
    with serving(tmp_path_factory.mktemp("demonstration"), people=PEOPLE) as address:
        yield address


def _shape(link: str) -> str:
    """Return what makes a page one of its kind: /pools/P12… and /pools/P34… are the same page."""
    parts = urlsplit(link)
    return KEYS.sub("/*", parts.path) + "?" + "&".join(sorted(name for name, _ in parse_qsl(parts.query)))


def _is_file(link: str) -> bool:
    """Whether a link gives a file, which has its own test, and no page."""
    parts = urlsplit(link)
    return bool(FILES.search(parts.path)) or "format" in dict(parse_qsl(parts.query))


def _resize(visitor: Visitor, width: int) -> None:
    visitor.page.set_viewport_size({"width": width, "height": 900})


def _crawl(visitor: Visitor, start: str) -> list[str]:
    """Visit one page of each shape and look at it in every width; return their addresses."""
    queue, known, visited = deque([start]), {_shape(start)}, []
    while queue:
        path = queue.popleft()
        _resize(visitor, WIDTHS[0])
        answer = visitor.page.goto(visitor.address + path)
        assert answer is not None and answer.ok, f"{path} answers {answer and answer.status}"
        visitor.check_console()
        visited.append(path)
        for link in visitor.page.evaluate(_LINKS):
            if _shape(link) not in known and not (_is_file(link) or link.startswith(OWN)):
                known.add(_shape(link))
                queue.append(link)
        name = re.sub(r"\W+", "-", _shape(path)).strip("-") or "front"
        visitor.check_words()
        for width in WIDTHS:
            _resize(visitor, width)
            visitor.check_width()
            if width != 768:
                visitor.check_axe()
                visitor.keep_picture(f"{name}-{width}")
    return visited


@pytest.fixture(scope="module")
def read_in_english() -> set[str]:
    """Kinds of pages that an earlier role has seen in English: the words are the same for all."""
    return set()


def _check_in_english(visitor: Visitor, visited: list[str], done: set[str]) -> None:
    paths = [path for path in visited if _shape(path) not in done]
    done.update(map(_shape, paths))
    if not paths:
        return
    _resize(visitor, WIDTHS[0])
    visitor.go(paths[0])
    visitor.page.get_by_role("button", name="English").click()
    for path in paths:
        _resize(visitor, WIDTHS[0])
        visitor.go(path)
        expect(visitor.page.locator("html")).to_have_attribute("lang", "en")
        visitor.check_console()
        for width in WIDTHS:
            _resize(visitor, width)
            visitor.check_width()


@pytest.mark.parametrize("role", ROLES)
def test_every_page_of_a_role_is_whole_in_every_width_and_language(
    visit, demonstration, read_in_english, role
) -> None:
    visitor = visit(demonstration, f"crawl-{role}", (WIDTHS[0], 900))
    visitor.sign_in(role, PASSWORD)
    visited = _crawl(visitor, "/home")
    assert len(visited) > 3
    _check_in_english(visitor, visited, read_in_english)
    visitor.page.goto("about:blank")  # a page that asks for news by itself would miss the server at the end


def test_every_page_of_a_resident_is_whole_in_every_width_and_language(
    visit, demonstration, read_in_english
) -> None:
    visitor = visit(demonstration, "crawl-resident", (WIDTHS[0], 900))
    visited = _crawl(visitor, "/")
    assert {"/", "/results", "/sign-in"} <= {urlsplit(path).path for path in visited}
    _check_in_english(visitor, visited, read_in_english)
