"""static/js/codes.js reads codes as lims/codes.py does: same codes, same suggestions, same sentences."""

import base64
import random
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from lims import codes
from lims.errors import InvalidInput

SCRIPT = Path(__file__).parents[1] / "static" / "js" / "codes.js"
CHROMIUM = shutil.which("chromium")

READ_ALL = """async ([source, scans]) => {
  const codes = await import("data:text/javascript;base64," + source);
  const read = (text, expect) => {
    try {
      return codes.parse(text, expect);
    } catch (error) {
      if (!(error instanceof codes.CodeError)) throw error;
      return error.sentence();
    }
  };
  return scans.map(([text, expect]) => ({
    normalised: codes.normalise(text),
    read: read(text, expect),
    suggestion: codes.suggest(text),
    result: codes.checkResultCode(text),
    grouped: codes.grouped(codes.normalise(text)),
  }));
}"""


def read_in_python(text, expect):
    try:
        read = codes.parse(text, expect=expect)._asdict()
    except InvalidInput as refused:
        read = str(refused)
    try:
        result = codes.check_result_code(text)
    except InvalidInput:
        result = None
    normalised = codes.normalise(text)
    return {
        "normalised": normalised,
        "read": read,
        "suggestion": codes.suggest(text),
        "result": result,
        "grouped": codes.grouped(normalised),
    }


def scans_of_every_sort():
    chance = random.Random(7)
    letters = codes.ALPHABET + "OQDILZSBAEUWYabcxyz -#|ưế\u00a0\u2011"
    scans = [
        ["", None],
        ["ıııııı", None],
        ["ﬀ", None],
        ["ß" * 9, None],
        ["x" * 99, None],
        ["\x00\u2028T\u200e", None],
        ["12345678901234", None],
    ]
    for kind in codes.PREFIXES:
        for code in codes.mint_many(kind, 20):
            place = chance.randrange(9)
            scans.append([codes.grouped(code).lower(), chance.choice([None, kind, "tube", ["box", "pool"]])])
            scans.append([code[:place] + chance.choice(letters) + code[place + 1 :], None])
            scans.append([code[:place] + code[place + 1 :], None])
            scans.append(["".join(chance.choices(letters, k=chance.randrange(16))), "tube"])
            scans.append(["".join(chance.choices(codes.ALPHABET, k=9)), None])
            scans.append([codes.grouped(codes.mint_result_code()), None])
            scans.append(["https://example.org/results#" + codes.mint_result_code(), None])
    return scans


@pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium: the script's rules are compared where there is one"
)
def test_the_browser_reads_every_scan_as_the_server_does():
    scans = scans_of_every_sort()
    source = base64.b64encode(SCRIPT.read_bytes()).decode()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        try:
            in_browser = browser.new_page().evaluate(READ_ALL, [source, scans])
        finally:
            browser.close()
    assert len(in_browser) == len(scans) > 1_000
    for (text, expect), found in zip(scans, in_browser, strict=True):
        assert found == read_in_python(text, expect), text
