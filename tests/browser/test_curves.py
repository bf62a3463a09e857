"""The curves of a run and the values of its controls, drawn in a real Chromium from a run that is known."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from browser import curves_site
from browser.curves_site import CHARTS, DETECTED, EMPTY, INCONCLUSIVE, WAITING, listening, make_run, make_site
from browser.visitor import DESK, Visitor
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
RUN = make_run(96)
SMALL = (320, 640)
# A copy is read, as the browser warns of a canvas of the page that is read several times.
_READ = """const { width, height } = canvas;
  const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, width, height);"""
# How many points of a canvas are not bare, and a sum over all of them that another picture changes.
PIXELS = f"""(canvas) => {{
  {_READ}
  let drawn = 0;
  let sum = 0;
  for (let at = 0; at < data.length; at += 4) {{
    if (data[at + 3]) drawn += 1;
    const point = data[at] * 3 + data[at + 1] * 5 + data[at + 2] * 7 + data[at + 3];
    sum = (sum + point * (at % 9973)) % 2147483647;
  }}
  return [drawn, sum];
}}"""
# How many points have a variable's colour, where the edge of a thin line is half bare.
HAS_COLOUR = f"""(canvas, name) => {{
  {_READ}
  copy.fillStyle = getComputedStyle(canvas).getPropertyValue(name).trim();
  copy.fillRect(0, 0, 1, 1);
  const wanted = copy.getImageData(0, 0, 1, 1).data;
  let found = 0;
  for (let at = 0; at < data.length; at += 4) {{
    const far = Math.max(...[0, 1, 2].map((part) => Math.abs(data[at + part] - wanted[part])));
    if (data[at + 3] > 60 && far <= 6) found += 1;
  }}
  return found;
}}"""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with listening(make_site()) as at:
        yield at


@pytest.fixture
def open_page(visit: Callable[..., Visitor], site: str) -> Iterator[Callable[..., Visitor]]:
    """Open a page of the site at a size and in a theme; at the end it is closed and its console must be clean."""
    opened: list[Visitor] = []

    def open_one(name: str, size: tuple[int, int] = DESK, theme: str = "light") -> Visitor:
        visitor = visit(site, f"curves-{name}-{size[0]}-{theme}", size)
        opened.append(visitor)
        visitor.page.add_init_script(f"localStorage.setItem('appearance', '{theme}')")
        visitor.go(f"/{name}")
        return visitor

    yield open_one
    for visitor in opened:
        visitor.leave()


def _ready(page: Page) -> Page:
    expect(page.locator("[data-curves]")).to_have_attribute("data-ready", "yes")
    page.evaluate("() => document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(done)))")
    return page


def _pixels(page: Page, chart: str) -> tuple[int, int]:
    drawn, total = page.locator(f"[data-chart={chart}]").evaluate(PIXELS)
    return drawn, total


def _curves(page: Page, chart: str = "plate") -> int:
    return int(page.locator(f"[data-chart={chart}]").get_attribute("data-drawn") or "-1")


def _well(page: Page, name: str):
    return page.locator(f'td[data-well="{name}"] button')


def _wells(wanted: Callable[[dict], bool], target: str = "N") -> list[str]:
    return [name for name, well in RUN["wells"].items() if wanted(well) and name in RUN["curves"][target]]


@pytest.mark.parametrize("size", [96, 384])
def test_all_curves_of_a_target_are_drawn(open_page, size):
    page = _ready(open_page(str(size)).page)
    assert _curves(page) == size - 1  # one well is empty
    assert _curves(page, "well") == 3
    assert page.locator("td[data-well] button").count() == size - 1
    assert page.locator(f'td[data-well="{EMPTY}"] .empty').count() == 1
    for chart in ("plate", "well"):
        drawn, _sum = _pixels(page, chart)
        assert drawn > 3_000
    canvas = page.locator("[data-chart=plate]")
    for kind in ("detected", "not_detected", "control", "chosen"):
        assert canvas.evaluate(HAS_COLOUR, f"--line-{kind}") > 20, kind
    expect(page.locator("[data-no-curves]")).to_be_hidden()


def test_the_plate_tells_ct_by_number_and_shape(open_page):
    page = _ready(open_page("96").page)
    ct = RUN["wells"][DETECTED]["readings"]["N"]["ct"]
    content = f"{DETECTED}, {RUN['wells'][DETECTED]['label']}: Detected."
    expect(_well(page, DETECTED)).to_have_text(f"{ct:.1f}")
    expect(_well(page, DETECTED)).to_have_accessible_name(f"{content} N Ct {ct:.1f}")
    expect(_well(page, DETECTED)).to_have_attribute("title", f"{content} N Ct {ct:.2f}")
    expect(_well(page, DETECTED)).to_have_class(re.compile(r"\bflagged\b"))
    expect(_well(page, INCONCLUSIVE)).to_have_class(re.compile(r"\bpast\b"))
    expect(_well(page, INCONCLUSIVE)).to_have_attribute("data-level", "5")
    expect(_well(page, "A01")).to_have_text("–")
    expect(_well(page, "A01")).to_have_class("well by-ct none control")
    levels = {level: page.locator(f".legend [data-level='{level}']").count() for level in range(1, 6)}
    assert all(levels.values())


def test_another_target_changes_the_plate_and_the_chart(open_page):
    page = _ready(open_page("96").page)
    before = _pixels(page, "plate")
    page.get_by_text("ORF1ab (VIC)", exact=True).click()
    expect(page.locator("[data-caption=plate]")).to_have_text("Target ORF1ab: 94 of 94 curves")
    assert _curves(page) == 94  # one well was not measured for it
    expect(_well(page, WAITING)).to_have_text("·")
    ct = RUN["wells"][DETECTED]["readings"]["ORF1ab"]["ct"]
    expect(_well(page, DETECTED)).to_have_text(f"{ct:.1f}")
    assert _pixels(page, "plate") != before


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ("controls", lambda well: well["control"]),
        ("detected", lambda well: well["finding"] == "detected"),
        ("one", lambda well: well is RUN["wells"][DETECTED]),
    ],
)
def test_only_the_curves_that_are_asked_for_are_drawn(open_page, choice, wanted):
    page = _ready(open_page("96").page)
    _well(page, DETECTED).click()
    page.locator(f'input[value="{choice}"]').check()
    assert _curves(page) == len(_wells(wanted)) < 95
    page.locator('input[value="all"]').check()
    assert _curves(page) == 95


def test_a_choice_without_curves_is_said(open_page):
    page = _ready(open_page("96").page)
    _well(page, WAITING).click()
    page.locator('input[value="ORF1ab"]').check()
    page.locator('input[value="one"]').check()
    expect(page.locator("[data-none-fits]")).to_be_visible()
    assert _curves(page) == 0


def test_a_logarithmic_scale_is_another_picture(open_page):
    page = _ready(open_page("96").page)
    before = _pixels(page, "plate"), _pixels(page, "well")
    page.get_by_text("Logarithmic", exact=True).click()
    after = _pixels(page, "plate"), _pixels(page, "well")
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert _curves(page) == 95


def test_a_click_on_a_well_tells_all_of_it(open_page):
    page = _ready(open_page("96").page)
    _well(page, DETECTED).click()
    well = RUN["wells"][DETECTED]
    fact = "[data-fact={}]"
    expect(page.locator(fact.format("well"))).to_have_text(DETECTED)
    expect(page.locator(fact.format("content") + " a")).to_have_attribute("href", well["url"])
    expect(page.locator(fact.format("finding"))).to_have_text("Detected")
    expect(page.locator(fact.format("reason"))).to_have_text(well["reason"])
    links = page.locator(fact.format("tubes") + " a").evaluate_all(
        "(all) => all.map((each) => each.getAttribute('href'))"
    )
    assert links == [tube["url"] for tube in well["tubes"]]
    rows = page.locator(fact.format("readings") + " tr")
    expect(rows).to_have_count(3)
    reading = well["readings"]["N"]
    expect(rows.nth(0).locator("td")).to_have_text(
        [f"{reading['ct']:.2f}", reading["raw"], "38", "0.2", "BADROX, NOISE"]
    )
    expect(page.locator("[data-said]")).to_contain_text(f"{DETECTED}, {well['label']}: Detected.")
    expect(page.locator('td[aria-selected="true"]')).to_have_attribute("data-well", DETECTED)
    expect(page.locator("[data-caption=well]")).to_have_text(f"Well {DETECTED}: curves of all targets")


def test_a_control_and_a_well_without_call_say_so(open_page):
    page = _ready(open_page("96").page)
    _well(page, "A01").click()
    expect(page.locator("[data-fact=content]")).to_have_text("Control NTC")
    expect(page.locator("[data-fact=tubes]")).to_be_hidden()
    expect(page.locator("[data-fact=readings] tr").nth(2).locator("td").first).to_have_text("no Ct")
    _well(page, WAITING).click()
    expect(page.locator("[data-fact=finding]")).to_have_text("Waiting")
    expect(page.locator("[data-fact=readings] tr").nth(1).locator("td").first).to_have_text("not measured")
    assert _curves(page, "well") == 2


def test_keys_lead_through_the_plate(open_page):
    page = _ready(open_page("96").page)
    _well(page, "D05").click()

    def press(key: str) -> str:
        page.keyboard.press(key)
        at = page.evaluate("() => document.activeElement.closest('td').dataset.well")
        expect(page.locator("[data-fact=well]")).to_have_text(at)
        return at

    walk = ["ArrowDown", "ArrowRight", "ArrowUp", "ArrowLeft", "Home", "ArrowUp", "ArrowUp", "ArrowUp", "End"]
    # E05 is empty, so the way down leads over it; at the edge a key leads nowhere
    assert [press(key) for key in [*walk, "ArrowUp"]] == [
        "F05",
        "F06",
        "E06",
        "E04",
        "E01",
        "D01",
        "C01",
        "B01",
        "B12",
        "A12",
    ]
    assert press("ArrowUp") == "A12"
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.closest('td')") is None
    page.keyboard.press("Shift+Tab")  # the plate is one stop, at the well that was chosen
    expect(_well(page, "A12")).to_be_focused()
    assert page.locator('td button[tabindex="0"]').count() == 1


def test_a_click_on_a_curve_chooses_its_well(open_page):
    page = _ready(open_page("96").page)
    page.locator('input[value="one"]').check()
    _well(page, DETECTED).click()  # its curve stands alone, so that where it is can be seen
    canvas = page.locator("[data-chart=plate]")
    place = canvas.evaluate(
        """(canvas) => {
          const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
          copy.drawImage(canvas, 0, 0);
          const x = Math.round(canvas.width * 0.8);
          const { data } = copy.getImageData(x, 0, 1, Math.round(canvas.height * 0.5));
          const shades = Array.from({ length: data.length / 4 }, (_, y) => data[y * 4 + 2] - data[y * 4]);
          const y = shades.indexOf(Math.max(...shades));
          return [x / devicePixelRatio, y / devicePixelRatio];
        }"""
    )
    page.locator('input[value="all"]').check()
    _well(page, "H12").click()
    canvas.hover(position={"x": place[0], "y": place[1]})
    expect(page.locator("[data-pointed]")).to_contain_text("cycle")
    canvas.click(position={"x": place[0], "y": place[1]})
    chosen = page.locator("[data-fact=well]").inner_text()
    assert RUN["wells"][chosen]["finding"] == "detected"  # on the plateau, where several lie close


def test_another_theme_redraws_the_charts(open_page):
    page = _ready(open_page("96").page)
    before = _pixels(page, "plate")[1]
    page.locator("[data-theme=dark]").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    canvas = page.locator("[data-chart=plate]")
    assert canvas.evaluate(HAS_COLOUR, "--line-detected") > 20
    assert _pixels(page, "plate")[1] != before


def test_paper_is_drawn_in_the_colours_of_paper(open_page):
    page = _ready(open_page("96", theme="dark").page)
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    colour = page.locator("[data-curves]").evaluate(
        "(one) => getComputedStyle(one).getPropertyValue('--chart-ink')"
    )
    assert colour.strip() == "#000000"
    assert page.locator("[data-chart=plate]").evaluate(HAS_COLOUR, "--line-control") > 20
    page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    expect(page.locator(".curves-on-paper")).to_have_count(0)


def test_a_run_without_curves_shows_its_plate_and_one_sentence(open_page):
    visitor = open_page("typed")
    page = _ready(visitor.page)
    expect(page.locator("[data-no-curves]")).to_be_visible()
    for canvas in page.locator("canvas").all():
        expect(canvas).to_be_hidden()
    expect(page.locator("[data-options=wells]")).to_be_hidden()
    expect(page.locator("[data-options=target]")).to_be_visible()
    _well(page, DETECTED).click()
    expect(page.locator("[data-fact=reason]")).to_have_text(RUN["wells"][DETECTED]["reason"])
    visitor.check_axe()


def test_an_answer_that_does_not_come_is_said(open_page):
    visitor = open_page("broken")
    expect(visitor.page.locator("[data-failed]")).to_be_visible()
    expect(visitor.page.locator("[data-no-curves]")).to_be_hidden()
    assert any("503 of /runs/broken/curves.json" in line for line in visitor.complaints)
    visitor.complaints.clear()


@pytest.mark.parametrize("theme", ["light", "dark", "sun"])
@pytest.mark.parametrize("size", [SMALL, (1920, 1080)], ids=["small", "large"])
@pytest.mark.parametrize("name", ["96", "384", "typed", "charts"])
def test_it_is_readable_at_every_size_and_in_every_theme(open_page, name, size, theme):
    visitor = open_page(name, size, theme)
    page = visitor.page
    if name == "charts":
        expect(page.locator("[data-frame][data-points]")).to_have_count(2)
    else:
        _ready(page)
        frame = page.locator(".plate-frame").bounding_box()
        assert frame
        assert frame["x"] + frame["width"] <= size[0]
        if name != "typed":
            chart = page.locator("[data-chart=plate]").bounding_box()
            assert chart
            assert chart["width"] > 220
            assert chart["height"] > 220
    visitor.check_width()
    visitor.check_axe()
    visitor.keep_picture("whole")


def test_a_control_chart_marks_what_is_broken_with_shape_and_name(open_page):
    page = open_page("charts").page
    chart = CHARTS["Positive control, target N"]
    figure = page.locator("[data-control-chart]").first
    expect(figure.locator("[data-frame]")).to_have_attribute("data-points", str(len(chart["points"])))
    assert figure.locator(".point").count() == len(chart["points"])
    assert figure.locator(".point[data-kind=warning]").count() == 1
    assert figure.locator(".point[data-kind=rejection]").count() == 1
    shapes = {
        kind: figure.locator(f".point[data-kind={kind}] path").first.get_attribute("d")
        for kind in ("within", "warning", "rejection")
    }
    assert len(set(shapes.values())) == 3
    assert figure.locator(".rule").all_text_contents() == ["1-2s", "1-3s"]
    limits = figure.locator("[data-limit]").evaluate_all(
        "(all) => all.map((line) => [Number(line.dataset.limit), Number(line.getAttribute('y1'))])"
    )
    heights = dict(limits)
    assert sorted(heights) == [-3, -2, -1, 0, 1, 2, 3]
    step = heights[0] - heights[1]
    assert step > 10
    for limit, y in limits:
        assert y == pytest.approx(heights[0] - limit * step)
    # the point that broke 1-3s stands where its value is: 25.6 is 3.5 standard deviations under 27.0
    low = figure.locator(".point[data-kind=rejection]").get_attribute("transform")
    assert low
    assert float(low.split()[1].rstrip(")")) == pytest.approx(heights[0] + 3.5 * step)
    figure.locator(".point[data-kind=warning] path").click()
    expect(page).to_have_url(re.compile(re.escape(chart["points"][4]["url"]) + "$"))


def test_a_control_chart_holds_its_table_without_a_script(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/charts")
    chart = CHARTS["Positive control, target N"]
    figure = page.locator("[data-control-chart]").first
    figure.locator("summary").click()
    rows = figure.locator("tbody tr")
    expect(rows).to_have_count(len(chart["points"]))
    expect(rows.nth(1)).to_contain_text("25.60")
    expect(rows.nth(1)).to_contain_text("Rejection 1-3s")
    expect(rows.nth(1)).to_contain_text("-3.5 SD")
    expect(rows.nth(1).locator("a")).to_have_attribute("href", chart["points"][-2]["url"])
    expect(figure).to_contain_text("provisional")
    expect(page.locator("[data-control-chart]").nth(2)).to_contain_text("No run has a value")
    context.close()


def test_every_sentence_of_the_script_is_brought_by_the_page(open_page):
    said = set(
        re.findall(
            r'\b(?:say|translate)\((?:[^"()]*\? )?"([^"]+)"',
            (curves_site.ROOT / "static/js/curves.js").read_text(),
        )
    )
    assert len(said) > 10, "the pattern of this test is stale"
    brought = json.loads(open_page("96").page.locator("#messages").text_content() or "{}")
    assert said - set(brought) == set()
