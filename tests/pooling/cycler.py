"""Instrument files of planned plates, for tests of the import."""

from __future__ import annotations

import random
from collections.abc import Mapping

from pooling import bench

from lims.demo.cycler_file import write_instrument_file
from lims.pooling.seed_assays import screening_two_targets

TARGETS = [{"name": target.name, "dye": target.dye} for target in screening_two_targets().targets]


def export(
    planned,
    findings: Mapping[str, str] | None = None,
    *,
    spoilt: str = "",
    wells=None,
    rows=None,
    **more,
) -> bytes:
    """Return the file that a cycler writes of a plate.

    Args:
        planned: answer of `plan_run`.
        findings: pool → finding, else not detected.
        spoilt: kind of a control that shows what it must not.
        wells: what stands in the file's wells, where that is not what was planned.
        rows: the readings, where they are not those of the findings.
        more: of `write_instrument_file`.
    """
    return write_instrument_file(
        wells=wells or planned["wells"],
        targets=TARGETS,
        readings=rows or bench.readings_for(wells or planned["wells"], findings or {}, spoilt=spoilt),
        size=planned["size"],
        dice=random.Random(7),
        **more,
    )
