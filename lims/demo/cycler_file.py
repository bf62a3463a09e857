"""The file that the thermocycler of the demonstration exports: QuantStudio text with results and curves. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lims.plates import well_index

CYCLES = 45
HEIGHT = 3.2
"""Plateau of a curve above its baseline, in ΔRn."""
STEEPNESS = 1.45
THRESHOLD = 0.2
NOISE = 0.004


def write_instrument_file(
    *,
    wells: Sequence[Mapping[str, Any]],
    targets: Sequence[Mapping[str, str]],
    readings: Iterable[Mapping[str, Any]],
    size: int,
    dice: random.Random,
    with_curves: bool = True,
    instrument: str = "QuantStudio 5",
) -> bytes:
    """Return a run's export as QuantStudio's Design and Analysis 1.x writes it (text, tabs).

    Args:
        wells: `position`, `pool`, `control` of each, as `plan_run` answers.
        targets: `name` and `dye` of each.
        readings: `well`, `target` and `ct` of each; empty for no Ct.
        size: 96 or 384.
        dice: the source of noise.
        with_curves: write the amplification data too.
        instrument: type that the file names.
    """
    dyes = {target["name"]: target["dye"] for target in targets}
    contents = {well["position"]: well for well in wells}
    lines = [
        f"* Block Type = {size}-Well 0.2-mL Block",
        "* Chemistry = TAQMAN",
        "* Experiment Run End Time = 2021-08-16 11:42:07 AM ICT",
        f"* Instrument Type = {instrument}",
        "* Passive Reference = ROX",
        "",
        "[Results]",
        "\t".join(
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
        ),
    ]
    curves: list[str] = []
    for one in readings:
        position, target = str(one["well"]), str(one["target"])
        well = contents[position]
        number, name = well_index(position, size=size), position[0] + str(int(position[1:]))
        sample = well["pool"] or well["control"]
        text = "" if one["ct"] is None else str(one["ct"]).replace(",", ".")
        task = "NTC" if well["control"] == "NTC" else "UNKNOWN"
        shown = text or "Undetermined"
        lines.append(
            "\t".join((str(number), name, "false", sample, target, task, dyes[target], shown, str(THRESHOLD)))
        )
        if with_curves:
            values = draw_curve(float(text) if text else None, dice)
            curves.extend(
                f"{number}\t{name}\t{cycle}\t{target}\t{2 + value:.5f}\t{value:.5f}"
                for cycle, value in enumerate(values, start=1)
            )
    if with_curves:
        lines += [
            "",
            "[Amplification Data]",
            "Well\tWell Position\tCycle\tTarget Name\tRn\tDelta Rn",
            *curves,
        ]
    return ("\r\n".join(lines) + "\r\n").encode()


def draw_curve(ct: float | None, dice: random.Random) -> list[float]:
    """Return ΔRn of each cycle: a sigmoid that crosses the threshold at the Ct, or a flat line with noise."""
    if ct is None:
        return [dice.gauss(0, NOISE) for _ in range(CYCLES)]
    # the cycle at which half the height is reached, so that the threshold is crossed at the Ct
    half = ct + STEEPNESS * math.log(HEIGHT / THRESHOLD - 1)
    return [
        HEIGHT / (1 + math.exp((half - cycle) / STEEPNESS)) + dice.gauss(0, NOISE)
        for cycle in range(1, CYCLES + 1)
    ]
