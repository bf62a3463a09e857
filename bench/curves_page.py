"""How long a run's curves take in a browser: from the start of the navigation to all curves drawn.

    python bench/curves_page.py [TIMES]

The real frame, macros, styles and scripts in Chromium, from a small server with invented values; each time with a new
browser context, so that nothing is kept. A full plate of 384 wells with 3 targets of 45 cycles is to take under a
second. What the server needs to read the run from its database comes on top.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from browser.conftest import ARGUMENTS, CHROMIUM
from browser.curves_site import listening, make_site
from playwright.sync_api import Browser, sync_playwright

LIMIT_MS = 1_000
TIMES = 5
# The curves count as drawn when the frame that shows them has been made: two callbacks of the screen later.
_WATCH = """
window.drawn = new Promise((done) => {
  const look = () => {
    const canvas = document.querySelector("[data-chart=plate]");
    const ready = document.querySelector("[data-curves][data-ready]");
    if (!canvas?.dataset.drawn || !ready) return requestAnimationFrame(look);
    const end = () => done([performance.now(), Number(canvas.dataset.drawn)]);
    return requestAnimationFrame(() => requestAnimationFrame(end));
  };
  requestAnimationFrame(look);
});"""
# What a click on another target costs until it is drawn, and a key in the plate.
_AGAIN = """(selector) => new Promise((done) => {
  const begun = performance.now();
  document.querySelector(selector).click();
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begun)));
})"""


def measure(browser: Browser, address: str, curves: int) -> tuple[float, float, float]:
    """Open the page once.

    Returns:
        Milliseconds from the start of the navigation to all curves drawn, from a click on another target to its
        curves, and from a click on a well to its curves.

    Raises:
        RuntimeError: another number of curves was drawn.
    """
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    page = context.new_page()
    page.add_init_script(_WATCH)
    page.goto(address)
    spent, drawn = page.evaluate("() => window.drawn")
    if drawn != curves:
        raise RuntimeError(f"{drawn} curves were drawn at {address}, not {curves}.")
    target = page.evaluate(_AGAIN, 'input[value="ORF1ab"]')
    well = page.evaluate(_AGAIN, 'td[data-well="H12"] button')
    context.close()
    return spent, target, well


def main(times: int) -> int:
    """Print the medians for both plates; return 1 where the full plate is over its limit."""
    print(f"{'wells':>6} {'curves':>7} {'drawn ms':>9} {'worst ms':>9} {'target ms':>10} {'well ms':>8}")
    medians = {}
    with listening(make_site()) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        measure(browser, f"{address}/96", 95)  # the first start of a browser is not the page's
        for size in (96, 384):
            figures = [measure(browser, f"{address}/{size}", size - 1) for _ in range(times)]
            drawn, target, well = (statistics.median(each) for each in zip(*figures, strict=True))
            worst = max(figure[0] for figure in figures)
            medians[size] = drawn
            print(f"{size:>6} {3 * (size - 1):>7} {drawn:>9.0f} {worst:>9.0f} {target:>10.0f} {well:>8.0f}")
        browser.close()
    print(
        f"384 wells: median of {times} {medians[384]:.0f} ms, limit {LIMIT_MS} ms; "
        f"{medians[384] / medians[96]:.2f} times that of 96 wells"
    )
    return int(medians[384] > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else TIMES))
