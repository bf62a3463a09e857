"""A 384-well run with three targets and 40 cycles, from the instrument's workbook to stored readings, curves and calls.

Prints medians of one process and their ratio to openpyxl's plain reading of the same file, the usual library for it:

    python bench/import_run.py
"""

from __future__ import annotations

import io
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from factories import make_world  # noqa: E402
from pooling import bench  # noqa: E402
from pooling.received import receive  # noqa: E402
from results import desk  # noqa: E402
from signing import sign_in  # noqa: E402

from lims import create_app, database  # noqa: E402
from lims.config import Settings  # noqa: E402
from lims.demo.cycler_file import draw_curve  # noqa: E402
from lims.extensions import db  # noqa: E402
from lims.plates import well_index  # noqa: E402
from lims.pooling.handing_in import accept, hand_in  # noqa: E402
from lims.pooling.instruments import read_run_file  # noqa: E402
from lims.results.actions.review import review_run  # noqa: E402

TIMES = 5
CYCLES = 40
POOLS = 381


def write_workbook(planned: dict[str, Any]) -> bytes:
    """Return a plate's export as QuantStudio's Design and Analysis 1.x writes it."""
    dice = random.Random(7)
    workbook = openpyxl.Workbook(write_only=True)
    results, curves = workbook.create_sheet("Results"), workbook.create_sheet("Amplification Data")
    for sheet in (results, curves):
        for line in (
            ("Block Type", "384-Well Block"),
            ("Instrument Type", "QuantStudio 7 Flex"),
            ("Experiment Run End Time", "2021-08-16 11:42:07 AM ICT"),
            (),
        ):
            sheet.append(line)
    results.append(
        (
            "Well",
            "Well Position",
            "Omit",
            "Sample Name",
            "Target Name",
            "Task",
            "Reporter",
            "CT",
            "Ct Threshold",
        )
    )
    curves.append(("Well", "Well Position", "Cycle", "Target Name", "Rn", "Delta Rn"))
    wells = {well["position"]: well for well in planned["wells"]}
    for row in bench.readings_for(planned["wells"], {}):
        well = wells[row["well"]]
        number, name = well_index(row["well"], size=384), row["well"][0] + str(int(row["well"][1:]))
        ct = None if row["ct"] is None else float(str(row["ct"]).replace(",", "."))
        sample = well["pool"] or well["control"]
        shown = "Undetermined" if ct is None else ct
        results.append((number, name, False, sample, row["target"], "UNKNOWN", "FAM", shown, 0.2))
        for cycle, value in enumerate(draw_curve(ct, dice)[:CYCLES], start=1):
            curves.append((number, name, cycle, row["target"], 2 + value, value))
    kept = io.BytesIO()
    workbook.save(kept)
    return kept.getvalue()


def read_plainly(content: bytes) -> int:
    """Read every cell with openpyxl, in its faster, read-only way."""
    workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    return sum(1 for sheet in workbook for row in sheet.iter_rows(values_only=True) for cell in row if cell)


def median(step: Callable[[], object], times: int = TIMES) -> float:
    """Return the median of some repetitions, in seconds."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        step()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            secret_key="b" * 40,
            database_url=f"sqlite:///{folder}/lims.sqlite",
            instance_path=Path(folder),
        )
        app = create_app(settings)
        with app.app_context():
            database.upgrade()
            world = make_world()
            bench.install(world)
            desk.pool_up(world, receive(world, POOLS), size=1)
            planned = bench.plan(world, size=384)
            content = write_workbook(planned)
            plain = median(lambda: read_plainly(content))
            reading = median(lambda: read_run_file(content))
            began = time.perf_counter()
            staged = hand_in(
                actor=world.actor("technician"),
                run_code=planned["run"],
                file_name="run.xlsx",
                content=content,
            )
            handed_in = time.perf_counter() - began
            assert staged["status"] == "staged", staged["problems"][:3]
            began = time.perf_counter()
            answer = accept(actor=world.actor("technician"), file_id=uuid.UUID(staged["file"]))
            accepted = time.perf_counter() - began
            assert answer["valid"]
            began = time.perf_counter()
            review_run(actor=world.actor("technician"), run_code=planned["run"])
            reviewed = time.perf_counter() - began
            client = app.test_client()
            sign_in(client, world.actor("technician"))
            page = median(lambda: client.get(f"/runs/{planned['run']}"))
            drawn = median(lambda: client.get(f"/runs/{planned['run']}/curves.json"))
            db.session.remove()
            db.engine.dispose()
    print(f"workbook: 384 wells × 3 targets × {CYCLES} cycles, {len(content) / 1e6:.1f} MB")
    print(f"openpyxl, read only, every cell        {plain:6.2f} s   1.00")
    for words, taken in (
        ("read_run_file (parsed, checked)", reading),
        ("handed in: kept, read, matched", handed_in),
        ("accepted: read again, called, stored", accepted),
        ("from the upload to stored calls", handed_in + accepted),
        ("reviewed: 381 results", reviewed),
        ("the run's page", page),
        ("its curves as JSON", drawn),
    ):
        print(f"{words:38} {taken:6.2f} s   {taken / plain:4.2f}")


if __name__ == "__main__":
    main()
