"""Amplification curves as they are kept: single-precision values of consecutive cycles. Pure.

A well's curve of 45 cycles takes 180 bytes. A cycle that the file left out is NaN.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from sys import byteorder
from typing import Any

from lims.pooling.instruments.run_file import Curve

MOST_CYCLES = 100
"""No protocol runs longer; a curve by time or temperature is none."""


def pack_curve(curve: Curve) -> dict[str, Any]:
    """Return the columns `first_cycle` and `points` of a curve.

    Args:
        curve: with rising cycles; values of the same cycle twice: the last one stands.
    """
    by_cycle = {round(cycle): value for cycle, value in zip(curve.cycles, curve.values, strict=True)}
    first, last = min(by_cycle, default=1), max(by_cycle, default=0)
    last = min(last, first + MOST_CYCLES - 1)
    points = array("f", (by_cycle.get(cycle, math.nan) for cycle in range(first, last + 1)))
    if byteorder == "big":
        points.byteswap()
    return {"first_cycle": first, "points": points.tobytes()}


def unpack_points(points: bytes) -> Sequence[float]:
    """Return the values of consecutive cycles; NaN where one is missing."""
    values = array("f")
    values.frombytes(points)
    if byteorder == "big":
        values.byteswap()
    return values
