"""How fast a run of 384 wells, three targets and 40 cycles is read, beside what reads the same workbook otherwise.

Run: python bench/instruments.py [times]. It prints ratios of medians in one process, since seconds are the machine's:
lims.pooling.instruments.read_run_file against openpyxl (read_only, every cell of every sheet) and pandas, where it is
installed (every sheet).
"""

from __future__ import annotations

import io
import math
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

import openpyxl

from lims.plates import well_at
from lims.pooling.instruments import read_run_file

TARGETS = (("ORF1ab", "FAM"), ("N", "VIC"), ("RP", "CY5"))
CYCLES = 40
HEAD = (("Block Type", "384-Well Block"), ("Instrument Type", "QuantStudio(TM) 7 Flex System"), ())


def write_run() -> bytes:
    """Write a QuantStudio workbook: results of 1,152 reactions and 46,080 points of their curves."""
    book = openpyxl.Workbook(write_only=True)
    results, curves = book.create_sheet("Results"), book.create_sheet("Amplification Data")
    for sheet in (results, curves):
        for row in HEAD:
            sheet.append(row)
    results.append(
        [
            "Well",
            "Well Position",
            "Omit",
            "Sample Name",
            "Target Name",
            "Task",
            "Reporter",
            "CT",
            "Ct Threshold",
        ]
    )
    curves.append(["Well", "Cycle", "Target Name", "Rn", "Delta Rn"])
    for index in range(1, 385):
        name = well_at(index, size=384)
        for place, (target, dye) in enumerate(TARGETS):
            ct = 20.0 + (index * (place + 3)) % 190 / 10
            results.append(
                [index, f"{name[0]}{int(name[1:])}", False, f"P{index}", target, "UNKNOWN", dye, ct, 0.2]
            )
            for cycle in range(1, CYCLES + 1):
                value = 3 / (1 + math.exp(ct + 4 - cycle))
                curves.append([index, cycle, target, 1 + value, value])
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def read_by_openpyxl(content: bytes) -> int:
    """Read every cell of every sheet."""
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    return sum(len(row) for sheet in book.worksheets for row in sheet.iter_rows(values_only=True))


def read_by_pandas(content: bytes) -> int:
    """Read every sheet as a table."""
    import pandas

    return sum(table.size for table in pandas.read_excel(io.BytesIO(content), sheet_name=None).values())


def measure(read: Callable[[bytes], object], content: bytes, times: int) -> float:
    """Return the median of the seconds that a reader takes."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        read(content)
        seconds.append(time.perf_counter() - started)
    return median(seconds)


def main() -> None:
    """Write the workbook, read it by each, print."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    content = write_run()
    found = read_run_file(content)
    assert len(found.readings) == 384 * len(TARGETS)
    assert sum(len(curve.cycles) for curve in found.curves) == 384 * len(TARGETS) * CYCLES
    ours = measure(read_run_file, content, times)
    print(f"{len(content) / 1024**2:.1f} MB, read_run_file: median {ours:.2f} s here, 1.0 x")
    others = [("openpyxl, read only", read_by_openpyxl)]
    if find_spec("pandas"):
        others.append(("pandas", read_by_pandas))
    for name, read in others:
        print(f"{name}: {measure(read, content, max(times // 2, 1)) / ours:.1f} x as long")


if __name__ == "__main__":
    main()
