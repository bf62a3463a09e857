"""The scan station loses no scan, counts none twice and never takes the keyboard away from a form.

The real frame, styles and scripts under the real content security policy, with a page module of a few lines and an
API that remembers what it was sent and can be made to fail.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, Response, render_template_string, request
from flask_babel import Babel
from flask_wtf import CSRFProtect
from playwright.sync_api import Page, expect, sync_playwright
from servers import frame_pages
from werkzeug.serving import make_server

from lims import codes

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium")
TUBES = [f"T{number:06d}" + codes.check_characters(f"T{number:06d}") for number in range(101, 131)]
# Keys sent to a browser on a loaded machine come unevenly, so the scanner of these tests may be slow.
FAST_MS = 250
BOX = "X000001" + codes.check_characters("X000001")

PAGE = """{% extends "kinds/station.html" %}{% block title %}Pooling{% endblock %}
{% block side %}<form action="/sent"><label for="note">Note</label><input id="note" name="note">
<label for="need">Needed</label><input id="need" name="need" required>
<label for="rack">Rack</label><textarea id="rack" name="rack"></textarea></form>{% endblock %}
{% block station_script %}<script type="module" src="/page.js"></script>{% endblock %}"""

MODULE = """import { Station } from "/static/js/station.js";
new Station(document.querySelector("[data-station]"), {
  expect: ["tube"],
  async onScan(code, kind, scan) {
    const answer = await scan.send("/api", { client_id: scan.id, tube: code });
    return { ...answer, undo: { url: "/api", body: { undo: code } } };
  },
});"""


class Laboratory:
    """What the little API was sent, in order, and whether it answers."""

    def __init__(self) -> None:
        self.sent: list[dict[str, str]] = []
        self.down = False
        self.url = ""

    def tubes(self) -> list[str]:
        """The tubes by first arrival of each client-made id."""
        first = {body["client_id"]: body for body in reversed(self.sent)}
        return [body["tube"] for body in reversed(list(first.values())) if "tube" in body]


def _make_app(laboratory: Laboratory) -> Flask:
    app = Flask("station", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.config.update(SECRET_KEY="only here", SEND_FILE_MAX_AGE_DEFAULT=60)
    Babel(app, default_locale="en")
    CSRFProtect(app)
    frame_pages(app)
    app.add_url_rule("/", "station", lambda: render_template_string(PAGE, fast_ms=FAST_MS))
    app.add_url_rule("/page.js", "module", lambda: Response(MODULE, mimetype="text/javascript"))

    @app.post("/api")
    def answer():
        laboratory.sent.append(request.get_json())
        if laboratory.down:  # the change was written, the answer is lost
            return "", 503
        if request.json.get("tube") == TUBES[-1]:
            return {"code": "refused", "message": "Used at 08:42. Take a new tube.", "field": "tube"}, 409
        if request.json.get("tube") == TUBES[-2]:
            return {"verdicts": [{"verdict": "wrong", "message": "The pool is full."}]}
        return {"verdict": "good", "title": "In the pool", "text": "", "next": ""}

    @app.after_request
    def forbid_inline(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = (
            "default-src 'self'; style-src 'self'; script-src 'self'; img-src 'self' data:"
        )
        return response

    return app


@pytest.fixture
def laboratory() -> Iterator[Laboratory]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    laboratory = Laboratory()
    server = make_server("127.0.0.1", 0, _make_app(laboratory), threaded=True)
    laboratory.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield laboratory
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(laboratory: Laboratory) -> Iterator[Page]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: the scan station is not tried in a browser")
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.on("console", lambda line: complaints.append(line.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(laboratory.url)
        expect(page.locator("[data-scan-input]")).to_be_focused()
        yield page
        browser.close()
    # A refused, lost or offline request is told by the browser itself and is part of these tests.
    assert [line for line in complaints if "Failed to load resource" not in line] == []


def _scan(page: Page, text: str) -> None:
    page.keyboard.type(text)
    page.keyboard.press("Enter")


# The keys of a scan one after the other inside the page, so that no load on the machine slows them: what a browser
# does with a key nobody stopped is done here, as made-up keys put no letters in.
AT_ONCE = """text => {
  for (const key of [...text, "Enter"]) {
    const target = document.activeElement;
    const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
    if (!target.dispatchEvent(event)) continue;
    if (key !== "Enter") document.execCommand("insertText", false, key);
    else if (target.matches("textarea")) document.execCommand("insertText", false, "\\n");
  }
}"""


def _scan_at_once(page: Page, text: str) -> None:
    page.evaluate(AT_ONCE, text)


def _expect_banner(page: Page, state: str, words: str) -> None:
    expect(page.locator("[data-banner]")).to_have_attribute("data-state", state)
    expect(page.locator("[data-banner]")).to_contain_text(words)


def test_twenty_scans_back_to_back_all_arrive_in_order(page: Page, laboratory: Laboratory) -> None:
    for tube in TUBES[:20]:
        _scan(page, tube)
    expect(page.locator("[data-scans] [data-verdict=good]")).to_have_count(12)
    page.wait_for_function(
        "tube => document.querySelector('[data-scans] li').dataset.code === tube", arg=TUBES[19]
    )
    assert laboratory.tubes() == TUBES[:20]
    assert len(laboratory.sent) == 20


def test_the_same_label_read_again_at_once_counts_once(page: Page, laboratory: Laboratory) -> None:
    _scan(page, TUBES[0])
    _scan(page, TUBES[0])
    _scan(page, TUBES[1])
    expect(page.locator("[data-scans] [data-verdict=good]")).to_have_count(2)
    assert laboratory.tubes() == TUBES[:2]


def test_a_scan_into_another_field_is_taken_out_of_it_and_the_note_stays(
    page: Page, laboratory: Laboratory
) -> None:
    page.locator("#note").fill("two drops ")
    page.locator("#note").focus()
    _scan_at_once(page, TUBES[0])
    _expect_banner(page, "good", "In the pool")
    expect(page.locator("#note")).to_have_value("two drops ")
    expect(page.locator("[data-scan-input]")).to_be_focused()
    assert laboratory.tubes() == TUBES[:1]


def test_scans_into_a_list_of_codes_are_its_lines_and_nothing_to_the_station(
    page: Page, laboratory: Laboratory
) -> None:
    page.locator("#rack").focus()
    _scan_at_once(page, TUBES[0])
    _scan_at_once(page, TUBES[1])
    expect(page.locator("#rack")).to_be_focused()
    expect(page.locator("#rack")).to_have_value(f"{TUBES[0]}\n{TUBES[1]}\n")
    _expect_banner(page, "idle", "")
    page.locator("[data-scan-input]").focus()
    _scan_at_once(page, TUBES[2])
    _expect_banner(page, "good", "In the pool")
    assert laboratory.tubes() == TUBES[2:3]


def test_enter_never_sends_a_half_filled_form(page: Page, laboratory: Laboratory) -> None:
    page.locator("#note").fill("unfinished")
    page.locator("#note").press("Enter")
    expect(page.locator("#need")).to_be_focused()
    assert page.url == laboratory.url


def test_a_code_typed_slowly_by_hand_counts(page: Page, laboratory: Laboratory) -> None:
    page.keyboard.type(TUBES[0].lower(), delay=FAST_MS + 50)
    page.keyboard.press("Enter")
    _expect_banner(page, "good", "In the pool")
    assert laboratory.tubes() == TUBES[:1]


@pytest.mark.parametrize(
    ("scan", "words"),
    [
        (BOX, "is the code of a box"),
        ("T000101ZZ", "is not right"),
        ("TẾ23ÂƯ789", "Switch off the Vietnamese input method"),
        (TUBES[-1], "Used at 08:42. Take a new tube."),
    ],
)
def test_what_does_not_fit_stops_in_red_with_the_reason(page: Page, scan: str, words: str) -> None:
    _scan(page, scan)
    _expect_banner(page, "wrong", words)
    expect(page.locator("[data-scan-input]")).to_be_focused()


def test_scans_without_network_wait_and_arrive_in_order_once(page: Page, laboratory: Laboratory) -> None:
    page.context.set_offline(True)
    _scan(page, TUBES[0])
    _expect_banner(page, "waiting", "No connection")
    _scan(page, TUBES[1])
    expect(page.locator("[data-waiting-count]")).to_have_text("2")
    page.context.set_offline(False)
    expect(page.locator("[data-scans] [data-verdict=good]")).to_have_count(2)
    expect(page.locator("[data-waiting]")).to_be_hidden()
    assert laboratory.tubes() == TUBES[:2]


def test_a_lost_answer_is_asked_for_again_with_the_same_id_even_after_a_reload(
    page: Page, laboratory: Laboratory
) -> None:
    laboratory.down = True
    _scan(page, TUBES[0])
    _expect_banner(page, "waiting", "No connection")
    page.reload()
    expect(page.locator("[data-waiting-count]")).to_have_text("1")
    laboratory.down = False
    expect(page.locator("[data-waiting]")).to_be_hidden()
    assert len(laboratory.sent) > 1
    assert len({body["client_id"] for body in laboratory.sent}) == 1


def test_a_scan_that_is_not_taken_after_a_reload_stops_in_red_and_is_not_called_sent(
    page: Page, laboratory: Laboratory
) -> None:
    laboratory.down = True
    _scan(page, TUBES[-2])
    _expect_banner(page, "waiting", "No connection")
    page.reload()
    laboratory.down = False
    _expect_banner(page, "wrong", "The pool is full.")
    expect(page.locator("[data-scans] [data-verdict=wrong]")).to_contain_text("The pool is full.")


def test_the_last_scan_is_taken_back_by_button_and_by_printed_command(
    page: Page, laboratory: Laboratory
) -> None:
    _scan(page, TUBES[0])
    expect(page.locator("[data-scans] [data-verdict=good]")).to_have_count(1)
    _scan(page, TUBES[1])
    expect(page.locator("[data-scans] [data-verdict=good]")).to_have_count(2)
    page.locator("[data-undo]:visible").first.click()
    expect(page.locator("[data-scans] [data-verdict=undone]")).to_have_count(1)
    _scan(page, "CMD-UNDO")
    expect(page.locator("[data-scans] [data-verdict=undone]")).to_have_count(2)
    assert [body["undo"] for body in laboratory.sent if "undo" in body] == [TUBES[1], TUBES[0]]
