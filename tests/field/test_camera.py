"""A real Chromium reads our printed labels through a camera, under the product's own policy, also without network."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from engines import make_app
from field.camera_video import BROWSER, launch_arguments, photograph, slip, tube_bars, tube_label
from field.shell_site import listening
from flask import Response
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from lims import codes
from lims.security import POLICY_OF_READER

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium")
BARE = (
    '<!doctype html><html lang="vi"><title>Camera</title>'
    '<link rel="icon" href="/static/img/mark.svg"><video></video></html>'
)
TUBE, OTHER_TUBE = codes.mint("tube"), codes.mint("tube")
DECLARATION, RESULT = codes.mint("declaration"), codes.mint_result_code()

MAKE = """async () => {
  const { Camera } = await import("/static/js/field/camera.js");
  window.seen = [];
  window.problems = [];
  window.streams = [];
  const asked = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await asked(wanted);
    window.streams.push(stream);
    return stream;
  };
  window.camera = new Camera(document.querySelector("video"), {
    onCode: (text, format) => window.seen.push(`${format} ${text}`),
    onProblem: (kind) => window.problems.push(kind),
  });
}"""
START = "() => window.camera.start()"
STOP = "() => window.camera.stop()"
RUNNING = "() => window.camera.running"
PROBLEMS = "() => window.problems"
LIVE = (
    "() => window.streams.flatMap((one) => one.getTracks()).filter((one) => one.readyState === 'live').length"
)
SEEN = """async (wanted) => {
  const until = performance.now() + 20_000;
  while (wanted.some((one) => !window.seen.includes(one)) && performance.now() < until) {
    await new Promise((done) => setTimeout(done, 20));
  }
  return [...new Set(window.seen)].sort();
}"""


@dataclass
class Phone:
    """One page with a camera, and what must not happen on it."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def watch(self, address: str) -> None:
        """Note what the console complains of, and who else is asked."""
        context = self.page.context
        context.on("console", lambda line: self.complaints.append(f"{line.type}: {line.text}"))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("request", lambda request: self._ask(request.url, address))

    def _ask(self, url: str, address: str) -> None:
        parts = urlsplit(url)
        if parts.scheme.startswith("http") and f"{parts.scheme}://{parts.netloc}" != address:
            self.complaints.append(f"asks another host: {url}")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The product, the app's page bare but for the picture of the camera, under the app's own policy."""
    app = make_app("sqlite:///:memory:", tmp_path_factory.mktemp("site"))
    app.view_functions["field.app"] = lambda language: Response(
        BARE, mimetype="text/html", headers={"Content-Security-Policy": POLICY_OF_READER}
    )
    with listening(app) as at:
        yield at


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: nothing is tried in a real browser")
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def cameras(playwright, tmp_path_factory) -> Iterator[Callable[..., Browser]]:
    """Start a browser with arguments, once for all tests that want the same."""
    started: dict[tuple[str, ...], Browser] = {}

    def start(*arguments: str) -> Browser:
        if arguments not in started:
            started[arguments] = playwright.chromium.launch(
                executable_path=CHROMIUM, args=arguments or BROWSER
            )
        return started[arguments]

    yield start
    for browser in started.values():
        browser.close()


@pytest.fixture(scope="module")
def labels_seen(tmp_path_factory) -> list[str]:
    """Arguments of a browser that sees, in turn: a tube's Code 128 alone, a slip, another tube's label, the table."""
    papers = [tube_bars(TUBE), slip(DECLARATION, RESULT), tube_label(OTHER_TUBE), None]
    return launch_arguments([photograph(one) for one in papers], tmp_path_factory.mktemp("video"))


@pytest.fixture
def hold(address) -> Iterator[Callable[[Browser], Phone]]:
    """Take a phone in hand: the page is open, the camera made and not started; at the end its console is clean."""
    held: list[Phone] = []

    def take(browser: Browser) -> Phone:
        phone = Phone(browser.new_context().new_page())
        held.append(phone)
        phone.watch(address)
        phone.page.goto(f"{address}/field/vi")
        phone.page.evaluate(MAKE)
        return phone

    yield take
    for phone in held:
        phone.page.context.close()
        assert phone.complaints == []


def test_the_camera_reads_the_bars_of_a_tube_and_the_qr_of_a_slip(cameras, hold, labels_seen):
    page = hold(cameras(*labels_seen)).page
    page.evaluate(START)
    assert page.evaluate(RUNNING)
    wanted = [
        f"Code128 {TUBE}",
        f"QRCode {DECLARATION}",
        f"QRCode {OTHER_TUBE}",
        f"Code128 {OTHER_TUBE}",
    ]
    assert page.evaluate(SEEN, wanted) == sorted(wanted)  # and nothing that was not shown
    size = page.evaluate(
        "() => [document.querySelector('video').videoWidth, document.querySelector('video').muted]"
    )
    assert size == [1280, True]


def test_a_label_is_told_again_as_long_as_it_is_seen_and_the_battery_is_spared(cameras, hold, labels_seen):
    page = hold(cameras(*labels_seen)).page
    page.evaluate(START)
    page.evaluate(SEEN, [f"QRCode {DECLARATION}"])
    page.evaluate("() => { window.seen = []; }")
    page.evaluate("() => new Promise((done) => setTimeout(done, 4000))")
    sightings = page.evaluate("() => window.seen.length")
    # four papers for half a second each, four symbols in all; at most 13 pictures a second
    assert 8 < sightings <= 4 * 13 * 1.3


def test_stopping_frees_the_camera_and_it_can_be_started_again(cameras, hold, labels_seen):
    page = hold(cameras(*labels_seen)).page
    page.evaluate("() => Promise.all([window.camera.start(), window.camera.start()])")
    assert page.evaluate("() => window.streams.length") == 1
    page.evaluate(STOP)
    assert (page.evaluate(RUNNING), page.evaluate(LIVE)) == (False, 0)
    page.evaluate("() => { window.seen = []; return new Promise((done) => setTimeout(done, 700)); }")
    assert page.evaluate("() => window.seen") == []
    page.evaluate(START)
    assert f"QRCode {DECLARATION}" in page.evaluate(SEEN, [f"QRCode {DECLARATION}"])
    assert page.evaluate(PROBLEMS) == []


def test_stopping_before_the_camera_has_come_frees_it_too(cameras, hold, labels_seen):
    page = hold(cameras(*labels_seen)).page
    page.evaluate("() => { const started = window.camera.start(); window.camera.stop(); return started; }")
    assert (page.evaluate(RUNNING), page.evaluate(LIVE), page.evaluate(PROBLEMS)) == (False, 0, [])
    page.evaluate(
        "() => { const started = window.camera.start(); window.camera.stop(); window.camera.start(); return started; }"
    )
    assert (page.evaluate(RUNNING), page.evaluate(LIVE)) == (True, 1)


def test_a_camera_without_lamp_says_so(cameras, hold, labels_seen):
    page = hold(cameras(*labels_seen)).page
    assert page.evaluate("() => window.camera.torch(true)") is False
    page.evaluate(START)
    assert page.evaluate("() => window.camera.torch(true)") is False


def test_a_lamp_is_lit_where_there_is_one(cameras, hold, labels_seen):
    page = hold(cameras(*labels_seen)).page
    page.evaluate(START)
    page.evaluate(
        """() => {
          const [track] = window.streams[0].getVideoTracks();
          track.getCapabilities = () => ({ torch: true });
          track.applyConstraints = async ({ advanced: [wanted] }) => { window.lamp = wanted.torch; };
        }"""
    )
    assert page.evaluate("() => window.camera.torch(true)") is True
    assert page.evaluate("() => window.lamp") is True


def test_without_permission_it_is_denied(cameras, hold):
    page = hold(cameras(*BROWSER, "--use-fake-device-for-media-stream")).page
    page.evaluate(START)
    assert (page.evaluate(PROBLEMS), page.evaluate(RUNNING)) == (["denied"], False)


def test_without_a_camera_there_is_none(cameras, hold):
    page = hold(cameras(*BROWSER, "--use-fake-ui-for-media-stream")).page
    page.evaluate(START)
    assert (page.evaluate(PROBLEMS), page.evaluate(RUNNING)) == (["none"], False)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("NotReadableError", "busy"),
        ("AbortError", "busy"),
        ("NotAllowedError", "denied"),
        ("OverconstrainedError", "none"),
    ],
)
def test_every_refusal_of_a_browser_has_a_kind(cameras, hold, labels_seen, name, kind):
    page = hold(cameras(*labels_seen)).page
    page.evaluate(
        "(name) => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', name)); }",
        name,
    )
    page.evaluate(START)
    assert page.evaluate(PROBLEMS) == [kind]


def test_a_camera_that_another_app_takes_away_is_busy(cameras, hold, labels_seen):
    page = hold(cameras(*labels_seen)).page
    page.evaluate(START)
    page.evaluate("() => window.streams[0].getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    assert (page.evaluate(PROBLEMS), page.evaluate(RUNNING), page.evaluate(LIVE)) == (["busy"], False, 0)


@pytest.mark.parametrize("lost", ["**/zxing_reader.wasm", "**/field/reader.js", "**/zxing-wasm/share.js"])
def test_an_engine_that_does_not_come_is_told_and_tried_again(cameras, hold, labels_seen, lost):
    phone = hold(cameras(*labels_seen))
    page = phone.page
    page.context.route(lost, lambda route: route.fulfill(status=404, body=""))
    page.evaluate(START)
    assert (page.evaluate(PROBLEMS), page.evaluate(RUNNING), page.evaluate(LIVE)) == (["engine"], False, 0)
    page.context.unroute(lost)
    page.evaluate(START)
    assert f"QRCode {DECLARATION}" in page.evaluate(SEEN, [f"QRCode {DECLARATION}"])
    # the browser's own line about the answer 404
    phone.complaints = [line for line in phone.complaints if "404" not in line]


def test_a_browser_whose_workers_cannot_draw_reads_all_the_same(cameras, hold, labels_seen, address):
    phone = hold(cameras(*labels_seen))
    module = (Path(__file__).parents[2] / "static/js/field/reader.js").read_text()
    old = module.replace('typeof OffscreenCanvas === "function"', "false")
    assert old != module
    phone.page.context.route(
        "**/static/js/field/reader.js",
        lambda route: route.fulfill(body=old, content_type="text/javascript"),
    )
    phone.page.evaluate(START)
    assert f"Code128 {TUBE}" in phone.page.evaluate(SEEN, [f"Code128 {TUBE}"])


def test_a_browser_that_does_not_tell_of_frames_reads_all_the_same(cameras, hold, labels_seen):
    page = hold(cameras(*labels_seen)).page
    page.evaluate("() => { delete HTMLVideoElement.prototype.requestVideoFrameCallback; }")
    page.evaluate(START)
    assert f"Code128 {TUBE}" in page.evaluate(SEEN, [f"Code128 {TUBE}"])


def test_without_network_the_kept_app_reads_from_the_first_start(playwright, cameras, labels_seen, tmp_path):
    """The worker too is answered by the service worker: its address lies under the service worker's scope."""
    with listening(make_app("sqlite:///:memory:", tmp_path)) as at:
        context = cameras(*labels_seen).new_context()
        phone = Phone(context.new_page())
        phone.watch(at)
        phone.page.goto(f"{at}/field/vi")
        phone.page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
        context.set_offline(True)
        phone.page.reload()
        phone.page.evaluate(MAKE)
        phone.page.evaluate(START)
        assert f"Code128 {TUBE}" in phone.page.evaluate(SEEN, [f"Code128 {TUBE}"])
        assert phone.page.evaluate(PROBLEMS) == []
        context.close()
    assert phone.complaints == []
