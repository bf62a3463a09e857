"""The page that checks certificates, as people have it: opened from a disk, the network off, in a real browser."""

from __future__ import annotations

import io
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from browser.visitor import _RUN_AXE as RUN_AXE
from browser.visitor import AXE, SERIOUS
from engines import make_app
from field.camera_video import launch_arguments, photograph
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright
from results.sheets.signer import install_signer
from results.sheets.test_verifier_agrees import NOW, Ours

from lims import labels
from lims.results.certificates.publishing import _describe_signer
from lims.results.certificates.refusals import REASONS
from lims.results.certificates.uvci import hash_uvci, make_uvci
from lims.results.verifier.bundle import BundleError, bundle
from lims.results.verifier.page import make_page
from lims.results.verifier.words import WORDS

CHROMIUM = shutil.which("chromium")
ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "static" / "js" / "certificate"
WITHOUT_LIST = "khong-co-danh-sach"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@pytest.fixture(scope="module")
def ours():
    return Ours()


@pytest.fixture(scope="module")
def revoked_uvci():
    return make_uvci()


@pytest.fixture(scope="module")
def file(ours, revoked_uvci, tmp_path_factory) -> Path:
    """The page, saved on a disk."""
    folder = tmp_path_factory.mktemp("disk")
    app = make_app("sqlite:///:memory:", folder)
    with app.app_context():
        revocations = ours.write_list(certificates=[hash_uvci(revoked_uvci)])
        trust = {"signers": [_describe_signer(ours.signer)]}
        for name, some in (("kiem-tra", revocations), (WITHOUT_LIST, "")):
            page = make_page(trust, some, made_at=NOW)
            (folder / f"{name}.html").write_text(page.html, encoding="utf-8")
    return folder / "kiem-tra.html"


@pytest.fixture(scope="module")
def browser(ours, tmp_path_factory):
    """A browser whose camera sees a certificate of ours."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    code = Image.open(io.BytesIO(labels.qr_png(ours.write(), module_px=8))).convert("RGB")
    arguments = launch_arguments([photograph(code)], tmp_path_factory.mktemp("camera"))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *arguments])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, file):
    """The file opened without a network, an hour after its lists were made; nobody may complain or be asked."""
    context = browser.new_context(offline=True, viewport={"width": 320, "height": 800})
    opened, complaints, asked = context.new_page(), [], []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.clock.set_fixed_time(NOW + timedelta(hours=1))
    opened.goto(file.as_uri())
    yield opened
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    context.close()


def paste(page: Page, text: str) -> str:
    """Check a text; return what the page says."""
    page.fill("textarea", text)
    page.click("[data-part=submit]")
    answer = page.locator("[data-part=answer]")
    expect(answer).to_be_visible()
    expect(answer).to_be_focused()
    return answer.inner_text()


def in_english(page: Page) -> None:
    page.click("[data-part=language]")
    expect(page.locator("html")).to_have_attribute("lang", "en")


@pytest.mark.browser
def test_a_valid_certificate_is_shown_with_all_that_is_compared(page, ours):
    in_english(page)
    said = paste(page, f"  {ours.write()} \n")
    for words in (
        "Not detected",
        "This sheet is genuine and valid.",
        "Nguyễn Thị Hồng Ánh",
        "27/03/1958",
        "16/08/2021, 19:00",
        "19/08/2021, 19:00",
        "SARS-CoV-2",
    ):
        assert words in said, words
    assert page.locator("[data-part=answer]").get_attribute("class") == "answer good"
    assert "(1 hours old)" in page.locator("footer").inner_text()


@pytest.mark.browser
def test_what_does_not_hold_says_why(page, ours, revoked_uvci):
    in_english(page)
    text, stranger = ours.write(), Ours()
    cases = [
        (text[:200] + ("A" if text[200] != "A" else "B") + text[201:], None),
        (ours.write(issued=NOW - timedelta(hours=80)), "expired"),
        (ours.write(uvci=revoked_uvci), "revoked"),
        (stranger.write(), "unknown_signer"),
        ("xin chào", "prefix"),
        ("", "prefix"),
        ("HC1:xin chào", "base45"),
        (text[:304], "compression"),
    ]
    for changed, reason in cases:
        said = paste(page, changed)
        assert said.startswith("Not valid"), changed[:40]
        assert reason is None or REASONS[reason] in said, reason
        assert "genuine" not in said
        assert "Compare name" not in said
        assert page.locator("[data-part=answer]").get_attribute("class") == "answer stop"


@pytest.mark.browser
def test_a_picture_of_the_code_is_read(page, ours, tmp_path):
    in_english(page)
    picture = tmp_path / "phieu.png"
    picture.write_bytes(labels.qr_png(ours.write(), module_px=5))
    page.set_input_files("[data-part=picture]", str(picture))
    expect(page.locator("[data-part=sentence]")).to_have_text(
        "This sheet is genuine and valid.", timeout=20_000
    )
    empty = tmp_path / "nothing.png"
    Image.new("RGB", (300, 300), "white").save(empty)
    page.set_input_files("[data-part=picture]", str(empty))
    expect(page.locator("[data-part=headline]")).to_contain_text("No QR code was found")


@pytest.mark.browser
def test_the_camera_reads_the_code(page):
    in_english(page)
    page.click("[data-part=camera]")
    expect(page.locator("[data-part=sentence]")).to_have_text(
        "This sheet is genuine and valid.", timeout=30_000
    )
    expect(page.locator("[data-part=view]")).to_be_hidden()


@pytest.mark.browser
def test_old_lists_are_said_to_be_old(page, file):
    in_english(page)
    page.clock.set_fixed_time(NOW + timedelta(days=3))
    page.goto(file.as_uri() + "#en")
    page.reload()
    said = page.locator("footer").inner_text()
    assert "(3 days old)" in said
    assert "They are old" in said


@pytest.mark.browser
def test_a_sheet_is_not_said_to_count_where_nobody_knows_what_was_revoked(page, ours, file):
    text = ours.write(uvci=make_uvci())
    page.goto(file.with_stem(WITHOUT_LIST).as_uri() + "#en")
    missing = paste(page, text)
    page.goto(file.as_uri() + "#en")
    page.clock.set_fixed_time(NOW + timedelta(hours=30))
    old = paste(page, text)
    for said, why in ((missing, "there is no list"), (old, "is old")):
        assert "This sheet is genuine. Whether it was revoked" in said
        assert why in said
        assert "genuine and valid" not in said
    assert page.locator("[data-part=answer]").get_attribute("class") == "answer look"


@pytest.mark.browser
def test_a_clock_that_is_slow_makes_no_sheet_valid(page, ours):
    in_english(page)
    over = ours.write(issued=NOW - timedelta(hours=80))
    page.clock.set_fixed_time(NOW - timedelta(hours=40))
    assert REASONS["expired"] in paste(page, over)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1920])
def test_both_languages_fit_any_width_and_can_be_read_by_everybody(page, ours, width, scheme):
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.evaluate(AXE)
    for _language in ("vi", "en"):
        for text in (ours.write(), "HC1:" + "W" * 400, Ours().write()):
            paste(page, text)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert [each for each in page.evaluate(RUN_AXE) if each["impact"] in SERIOUS] == []
        page.click("[data-part=language]")


def test_the_served_page_is_kept_by_browsers_until_its_lists_change(app, world, client):
    empty = client.get("/verify")
    assert (empty.status_code, empty.headers["Cache-Control"]) == (200, "no-cache")
    assert "Set-Cookie" not in empty.headers
    again = client.get("/verify", headers={"If-None-Match": empty.headers["ETag"]})
    assert again.status_code == 304
    trust = install_signer(world)
    made = client.get("/verify")
    assert made.headers["ETag"] != empty.headers["ETag"]
    assert any(kid.hex() in made.text for kid in trust.signers)


def test_the_policy_of_the_page_names_its_own_script_and_style_and_no_connection(client):
    answer = client.get("/verify")
    (within,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', answer.text)
    within = within.replace("&#39;", "'")
    assert within.startswith("default-src 'none'; ")
    hashes = set(re.findall(r"'sha256-[^']+'", within))
    assert len(hashes) == 2
    assert hashes == set(re.findall(r"'sha256-[^']+'", answer.headers["Content-Security-Policy"]))
    assert "connect-src" not in within, "nothing may be connected to"
    assert not re.search(r'\b(?:src|href)="(?!data:|/verify")', answer.text.partition("<script")[0])


def test_the_words_are_those_that_template_and_scripts_say():
    scripts = "".join(script.read_text() for script in SCRIPTS.glob("*.js"))
    template = (ROOT / "templates" / "results" / "verifier.html").read_text()
    said = set(re.findall(r'\bsay\(\s*"([^"]+)"', scripts))
    said |= set(re.findall(r"(?:words\('|vietnamese\[')([^']+)'", template))
    said |= set(re.findall(r'data-say="([^"{]+)"', template))
    assert len(said) > 30
    assert said - set(WORDS) == set()
    assert [word for word in WORDS if word not in scripts + template and word not in REASONS.values()] == []


@pytest.mark.parametrize(
    "text",
    [
        'import x from "./b.js";',
        'const x = await import("./b.js");',
        "export default 1;",
        'export * from "./b.js";',
    ],
)
def test_a_form_of_import_that_the_bundle_does_not_know_is_refused(tmp_path, text):
    (tmp_path / "b.js").write_text("export const x = 1;\n")
    (tmp_path / "a.js").write_text(text + "\n")
    with pytest.raises(BundleError):
        bundle(tmp_path / "a.js")


def test_modules_in_a_ring_are_refused(tmp_path):
    (tmp_path / "a.js").write_text('import { b } from "./b.js";\nexport const a = 1;\n')
    (tmp_path / "b.js").write_text('import { a } from "./a.js";\nexport const b = 1;\n')
    with pytest.raises(BundleError):
        bundle(tmp_path / "a.js")
