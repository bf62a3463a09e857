"""Plates in the browser: pools are planned, the cycler's file handed in and used, negatives verified and released."""

from __future__ import annotations

import csv
import io
import random
import re
from collections.abc import Mapping

from browser.visitor import Visitor
from browser.words import vi
from playwright.sync_api import expect

from lims.demo.cycler_file import write_instrument_file

CTS: Mapping[str, Mapping[str, float | None]] = {
    "detected": {"ORF1ab": 26.4, "N": 27.1, "IC": 29.0},
    "not_detected": {"ORF1ab": None, "N": None, "IC": 28.2},
    "NTC": {"ORF1ab": None, "N": None, "IC": None},
    "NEC": {"ORF1ab": None, "N": None, "IC": 30.1},
    "PC": {"ORF1ab": 25.3, "N": 26.0, "IC": 29.5},
    "failed PC": {"ORF1ab": None, "N": None, "IC": 29.5},
}


def plan(visitor: Visitor, *codes: str) -> str:
    """Fill a plate with some pools, start it, and return the run's code."""
    visitor.go("/runs/new")
    visitor.page.get_by_label(vi("Only these pools, one a line")).fill("\n".join(codes))
    visitor.click("Fill the plate")
    visitor.click("Start the run")
    expect(visitor.page.get_by_role("main").get_by_role("link", name=vi("Hand in the file"))).to_be_visible()
    found = re.search(r"/runs/(\w{9})", visitor.page.url)
    assert found, visitor.page.url
    return found[1]


def set_up(visitor: Visitor, run: str) -> list[dict[str, str]]:
    """Download the plate's plain set-up file and return its rows."""
    with visitor.page.expect_download() as downloaded:
        visitor.page.locator(f'a[href$="/runs/{run}/plate-files/plain"]').click()
    return list(csv.DictReader(io.StringIO(downloaded.value.path().read_text("utf-8-sig"))))


def export(rows: list[dict[str, str]], findings: Mapping[str, str], *, failed: str = "") -> bytes:
    """Return what the cycler writes of a plate: pools by their finding, controls right unless one has failed."""
    wells = {}
    readings = []
    for row in rows:
        pool, control = row["pool_id"] or None, row["control"] or None
        wells[row["well"]] = {"position": row["well"], "pool": pool, "control": control}
        kind = control or findings.get(pool or "", "not_detected")
        cts = CTS[f"failed {kind}" if kind == failed else kind]
        readings.append({"well": row["well"], "target": row["target"], "ct": cts[row["target"]]})
    return write_instrument_file(
        wells=list(wells.values()),
        targets=[
            {"name": name, "dye": dye} for name, dye in (("ORF1ab", "FAM"), ("N", "ROX"), ("IC", "VIC"))
        ],
        readings=readings,
        size=96,
        dice=random.Random(len(rows)),
    )


def hand_in(visitor: Visitor, run: str, content: bytes, name: str = "ket-qua.txt") -> None:
    """Hand a cycler's file in, on the run's own page."""
    if not visitor.page.url.endswith(f"/runs/{run}"):
        visitor.go(f"/runs/{run}")
    visitor.page.get_by_label(vi("File"), exact=True).set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )
    visitor.click("Hand it in")
    visitor.page.wait_for_url(re.compile("/result-files/"))


def run_plate(visitor: Visitor, codes: list[str], findings: Mapping[str, str], *, failed: str = "") -> str:
    """Bring pools through a plate to accepted readings."""
    run = plan(visitor, *codes)
    hand_in(visitor, run, export(set_up(visitor, run), findings, failed=failed))
    visitor.click("Use these readings")
    visitor.page.wait_for_url(re.compile(f"/runs/{run}$"))
    return run


def release(visitor: Visitor, run: str, *, negatives: int) -> None:
    """Verify a run and release its negatives; the desk must show as many released."""
    visitor.go(f"/runs/{run}/release")
    for step in ("verify", "release"):
        visitor.page.locator(f'form[action$="/runs/{run}/{step}"] button').click()
    released = visitor.page.locator("dt", has_text=re.compile(f"^{vi('Released')}$"))
    expect(released.locator("xpath=following-sibling::dd[1]")).to_have_text(str(negatives))
