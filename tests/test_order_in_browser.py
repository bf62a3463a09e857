"""static/js/order.js: who is held, who is chosen, and that a refused tube does not lose the person."""

import base64
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

SCRIPT = Path(__file__).parents[1] / "static" / "js" / "order.js"
CHROMIUM = shutil.which("chromium")

RUN = """async ([source, first, steps]) => {
  const { Order } = await import("data:text/javascript;base64," + source);
  const order = new Order(first);
  return steps.map(([name, ...given]) => {
    const answer = order[name](...given);
    return [answer?.step ?? answer ?? null, order.held, order.wanted];
  });
}"""


@pytest.fixture(scope="module")
def run():
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    source = base64.b64encode(SCRIPT.read_bytes()).decode()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        yield lambda first, *steps: page.evaluate(RUN, [source, first, steps])
        browser.close()


def test_the_right_one_of_two_in_a_row_is_chosen_by_scanning_it_again(run):
    steps = [["take", "person", "K1"], ["take", "person", "K2"]]
    for code, which in (("K1", "first"), ("K2", "second"), ("K3", None), ("T1", None)):
        assert run("person", *steps, ["chosenBy", code])[-1][0] == which
    assert run("person", steps[0], ["chosenBy", "K1"])[-1][0] is None, "nothing is to be chosen yet"


def test_a_person_whose_tube_was_refused_is_held_for_the_next_tube(run):
    paired = [["take", "person", "K1"], ["take", "tube", "T1"]]
    assert run("person", *paired, ["holdAgain", "K1"])[-1] == [True, "K1", "tube"]
    assert run("person", *paired, ["holdAgain", "K1"], ["take", "tube", "T2"])[-1][0] == "pair"


def test_a_late_refusal_never_replaces_the_person_scanned_since(run):
    begun = [["take", "person", "K1"], ["take", "tube", "T1"], ["take", "person", "K2"]]
    assert run("person", *begun, ["holdAgain", "K1"])[-1] == [False, "K2", "tube"]
