"""The collectors' app is whole on the phone: every file of it, in one release, offline, and with nobody's data."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname, join, normpath

import pytest
from apiflask import APIFlask
from engines import make_app
from field.camera_video import BROWSER
from field.shell_site import listening
from flask.testing import FlaskClient
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright
from signing import sign_in

from lims.field import shell
from lims.language import LANGUAGES

CHROMIUM = shutil.which("chromium")
ROOT = Path(__file__).parents[2]
ENGINE = "/static/vendor/zxing-wasm/reader/zxing_reader.wasm"


@pytest.fixture
def site(tmp_path: Path) -> APIFlask:
    """The application on files of its own, which a test may change; the database is never asked."""
    static = tmp_path / "static"
    shutil.copytree(ROOT / "static", static)
    app = make_app("sqlite:///:memory:", tmp_path)
    app.static_folder = str(static)
    return app


def files_of(app: APIFlask) -> dict[str, str]:
    with app.test_request_context():
        return shell.digests()


def release(app: APIFlask) -> str:
    return shell.release_of(files_of(app))


def read(client: FlaskClient, address: str) -> bytes:
    with client.get(address) as answer:
        assert answer.status_code == 200, address
        return answer.data


def change(app: APIFlask, name: str, more: str = "\n// changed\n") -> None:
    with (Path(app.static_folder) / name).open("a") as file:
        file.write(more)


def test_every_file_of_the_list_is_answered_as_its_digest_says(site):
    files, client = files_of(site), site.test_client()
    assert {"/field/vi", "/field/en", "/field/reader.js", "/static/js/field/app.js", ENGINE} <= set(files)
    for address, digest in files.items():
        sent = base64.b64encode(hashlib.sha256(read(client, address)).digest()).decode()
        assert digest == f"sha256-{sent}", address


def test_everything_that_the_apps_modules_and_styles_name_is_in_the_list(site):
    files, client = files_of(site), site.test_client()
    modules = [address for address in files if address.endswith(".js")]
    named = set()
    for address in modules:
        for name in re.findall(r'(?:from|import)\s*\(?\s*"(\.{0,2}/[^"]+)"', read(client, address).decode()):
            named.add(normpath(join(dirname(address), name)))
    for address in (address for address in files if address.endswith(".css")):
        for name in re.findall(r'url\("?([^)"]+)', read(client, address).decode()):
            if not name.startswith("data:"):
                named.add(normpath(join(dirname(address), name)))
    assert len(modules) > 5
    assert named - set(files) == set()


def test_every_module_of_the_app_is_in_the_list(site):
    """One that is not is one that nothing imports, or imports in a way that the list does not see."""
    there = {f"/static/js/field/{file.name}" for file in (ROOT / "static/js/field").glob("*.js")}
    assert there - set(files_of(site)) == set()


def test_a_release_is_another_one_when_a_file_of_it_changes_and_only_then(site, monkeypatch):
    first = release(site)
    assert release(site) == first
    change(site, "js/reception.js")  # no file of the app
    assert release(site) == first
    change(site, "js/field/camera.js")
    second = release(site)
    assert second != first
    change(site, "css/themes.css", "\n/* changed */\n")
    third = release(site)
    assert third not in {first, second}
    monkeypatch.setattr("lims.__version__", "9.9.9")
    assert release(site) not in {first, second, third}


def test_a_file_that_is_named_and_not_there_is_found_before_a_phone_finds_it(site):
    change(site, "js/field/camera.js", '\nimport "./lost.js";\n')
    with pytest.raises(FileNotFoundError, match="lost"):
        files_of(site)


def test_the_page_is_the_same_for_somebody_signed_in_and_for_nobody(client, world, app):
    for language in LANGUAGES:
        nobody = client.get(f"/field/{language}")
        somebody = app.test_client()
        sign_in(somebody, world.actor("coordinator"))
        with somebody.session_transaction() as session:
            session["language"] = "en" if language == "vi" else "vi"
        assert somebody.get("/home").status_code == 200
        assert somebody.get(f"/field/{language}").data == nobody.data
        assert f'<html lang="{language}"' in nobody.text
        assert "csrf" not in nobody.text
        assert "Set-Cookie" not in nobody.headers


def test_a_phone_is_sent_to_the_app_in_its_language(site):
    client = site.test_client()
    assert client.get("/field/").location == "/field/vi"
    with client.session_transaction() as session:
        session["language"] = "en"
    assert client.get("/field/").location == "/field/en"
    assert client.get("/field/fr").status_code == 404


def test_what_phones_keep_is_asked_for_again_and_answered_in_a_few_bytes(site):
    client = site.test_client()
    for address in ("/field/vi", "/field/sw.js", "/field/reader.js", "/field/vi/manifest.webmanifest"):
        for accepted in ("gzip, deflate, br", "identity"):
            headers = {"Accept-Encoding": accepted}
            first = client.get(address, headers=headers)
            assert first.headers["Cache-Control"] == "no-cache"
            again = client.get(address, headers=headers | {"If-None-Match": first.headers["ETag"]})
            assert (again.status_code, again.data) == (304, b""), (address, accepted)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_manifest_can_be_installed(site, language):
    client = site.test_client()
    answer = client.get(f"/field/{language}/manifest.webmanifest")
    assert answer.mimetype == "application/manifest+json"
    manifest = json.loads(answer.data)
    assert manifest["start_url"] == f"/field/{language}"
    assert manifest["start_url"].startswith(manifest["scope"])
    assert manifest["display"] == "standalone"
    assert manifest["name"] and 0 < len(manifest["short_name"]) <= 12
    assert {(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]} == {
        ("192x192", "any"),
        ("512x512", "any"),
        ("512x512", "maskable"),
    }
    for icon in manifest["icons"]:
        picture = Image.open(io.BytesIO(read(client, icon["src"])))
        assert f"{picture.width}x{picture.height}" == icon["sizes"]
    assert f"/field/{language}/manifest.webmanifest" in client.get(f"/field/{language}").text


@pytest.fixture(scope="module")
def chromium():
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: nothing is tried in a real browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=BROWSER)
        yield browser
        browser.close()


@pytest.fixture
def phone(chromium) -> Iterator[BrowserContext]:
    """A phone's browser, whose console must stay clean."""
    context = chromium.new_context(viewport={"width": 360, "height": 740}, locale="vi-VN")
    complaints = []
    context.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context
    context.close()
    assert complaints == []


@pytest.fixture
def address(site) -> Iterator[str]:
    with listening(site) as at:
        yield at


CONTROLLED = """() => navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller
  ?? new Promise((done) => navigator.serviceWorker.addEventListener("controllerchange", done))).then(() => true)"""
ASKED = """() => new Promise((done) => {
  navigator.serviceWorker.addEventListener("message", ({ data }) => done(data), { once: true });
  navigator.serviceWorker.startMessages();
  navigator.serviceWorker.controller.postMessage({ type: "version" });
})"""
RENEWED = """() => new Promise((done) => {
  navigator.serviceWorker.addEventListener("controllerchange", () => done(true), { once: true });
  navigator.serviceWorker.getRegistration("/field/").then((registration) => registration.update());
})"""
ONE_CACHE = """async () => {
  while ((await caches.keys()).length > 1) await new Promise((done) => setTimeout(done, 50));
  return true;
}"""
KEPT = """async () => {
  const names = await caches.keys();
  const files = await (await caches.open(names[0])).keys();
  return { names, files: files.map(({ url }) => new URL(url).pathname) };
}"""
WRITE = """() => new Promise((done) => {
  const asked = indexedDB.open("scans-of-a-test", 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore("slips");
  asked.onsuccess = () => {
    const put = asked.result.transaction("slips", "readwrite").objectStore("slips").put("unsent", 1);
    put.onsuccess = () => { asked.result.close(); done(true); };
  };
})"""
READ = """() => new Promise((done) => {
  const asked = indexedDB.open("scans-of-a-test", 1);
  asked.onsuccess = () => {
    const got = asked.result.transaction("slips").objectStore("slips").get(1);
    got.onsuccess = () => { asked.result.close(); done(got.result); };
  };
})"""


def open_app(phone: BrowserContext, address: str) -> Page:
    page = phone.new_page()
    page.goto(f"{address}/field/vi")
    assert page.evaluate(CONTROLLED)
    return page


@pytest.mark.browser
def test_without_network_the_app_is_loaded_again_and_speaks_both_languages(phone, address, site):
    page = open_app(phone, address)
    assert set(page.evaluate(KEPT)["files"]) == set(files_of(site))
    phone.set_offline(True)
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    # styles and fonts too: the body has the face that the product ships
    assert page.evaluate(
        '() => document.fonts.load("400 16px \\"Be Vietnam Pro\\"", "ữ").then((f) => f.length)'
    )
    page.goto(f"{address}/field/en?from=home-screen")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.goto(f"{address}/field/")  # only the network knows this one: the app opens all the same
    expect(page).to_have_url(f"{address}/field/vi")


@pytest.mark.browser
def test_a_new_release_takes_the_place_of_the_old_one_and_scans_stay(phone, address, site):
    page = open_app(phone, address)
    before, kept_before = page.evaluate(ASKED), page.evaluate(KEPT)
    assert before == {"type": "version", "version": before["version"], "release": release(site)}
    assert page.evaluate(WRITE)
    change(site, "js/field/camera.js")
    assert page.evaluate(RENEWED)
    assert page.evaluate(ONE_CACHE)
    after = page.evaluate(ASKED)
    assert after["release"] == release(site) != before["release"]
    assert page.evaluate(KEPT)["names"] == [f"field-{after['release']}"] != kept_before["names"]
    phone.set_offline(True)
    page.reload()
    changed = page.evaluate('() => fetch("/static/js/field/camera.js").then((answer) => answer.text())')
    assert changed.endswith("// changed\n")
    assert page.evaluate(READ) == "unsent"


@pytest.mark.browser
def test_a_release_that_does_not_come_whole_leaves_the_old_one_in_place(phone, address, site, monkeypatch):
    page = open_app(phone, address)
    before = page.evaluate(ASKED)["release"]
    honest = shell.digests

    def of_another_server() -> dict[str, str]:
        return honest() | {"/static/js/field/camera.js": shell._integrity(b"the next release")}

    monkeypatch.setattr(shell, "digests", of_another_server)
    ended = page.evaluate(
        """async () => {
          const registration = await navigator.serviceWorker.getRegistration("/field/");
          await registration.update();
          const worker = registration.installing;
          return new Promise((done) => worker.addEventListener("statechange", () => done(worker.state)));
        }"""
    )
    assert ended == "redundant"
    assert page.evaluate(KEPT)["names"] == [f"field-{before}"]
    phone.set_offline(True)
    page.reload()
    assert page.evaluate(ASKED)["release"] == before


@pytest.mark.browser
def test_what_is_not_the_apps_goes_to_the_network_untouched(chromium, address):
    phone = chromium.new_context()
    page = open_app(phone, address)
    assert page.evaluate('() => fetch("/health").then((answer) => answer.status)') == 200
    phone.set_offline(True)
    refused = "(path, method) => fetch(path, { method }).then(() => false, () => true)"
    for path, method in (("/health", "GET"), ("/field/vi", "POST"), ("/api/v1/field/scans", "POST")):
        assert page.evaluate(f"([path, method]) => ({refused})(path, method)", [path, method])
    phone.close()
