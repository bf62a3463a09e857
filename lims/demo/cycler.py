"""A thermocycler that does not exist: what it would read, given who is infected. Pure.

Mixing dilutes: one positive among n tubes comes log2(n) cycles later. The highest first Ct is chosen so that a pool of
ten stays below a cut-off of 38; a demonstration is not the place to show what dilution misses.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

INTERNAL_TARGETS = frozenset({"IC", "RP", "MS2"})
LOWEST_CT, HIGHEST_CT = 17.0, 32.0
# of wells whose extraction fails, so that the internal control does not show
FAILED_EXTRACTIONS = 0.004


def simulate_readings(
    *,
    wells: Sequence[Mapping[str, Any]],
    targets: Sequence[str],
    infected_by_pool: Mapping[str, int],
    size_by_pool: Mapping[str, int],
    dice: random.Random,
    faults: bool = True,
) -> list[dict[str, str]]:
    """Return one reading for each well and target.

    Args:
        wells: `position`, `pool`, `control` of each, as `plan_run` answers.
        targets: names, as `plan_run` answers; those of `INTERNAL_TARGETS` are internal controls.
        infected_by_pool: pool code → how many of its people are infected; 0 where it is missing.
        size_by_pool: pool code → how many people or tubes were mixed; 1 where it is missing.
        dice: the source of chance.
        faults: whether an extraction may fail.

    Returns:
        `well`, `target` and `ct` (text, empty for none) for each.
    """
    readings = []
    for well in wells:
        pool = well["pool"]
        infected = infected_by_pool.get(pool, 0) if pool else 0
        failed = bool(pool) and faults and not infected and dice.random() < FAILED_EXTRACTIONS
        base = dice.uniform(LOWEST_CT, HIGHEST_CT) + math.log2(
            max(1, size_by_pool.get(pool, 1) / max(1, infected))
        )
        for target in targets:
            ct = ""
            if target in INTERNAL_TARGETS:
                if _shows_internal(well["control"]) and not failed:
                    ct = f"{dice.uniform(24, 30):.2f}"
            elif infected or well["control"] in ("PC", "weak_PC", "PEC"):
                ct = f"{(base if infected else 25.0) + dice.uniform(-0.6, 0.6):.2f}"
            readings.append({"well": well["position"], "target": target, "ct": ct})
    return readings


def _shows_internal(control: str | None) -> bool:
    """Tell whether the internal control is seen: not without template, as every kit here agrees."""
    return control not in ("NTC",)
