"""300 boxes and 20 laboratories: how long the choice takes, and how near it is to the best that there can be.

Goal: 5 s. Prints the time, the sum of finishing times against the simple rule's, and the gap to the bound:

    python bench/dispatch.py
"""

from __future__ import annotations

import random
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

from lims.capacity.dispatch.choosing import Chosen, choose, choose_simply  # noqa: E402
from lims.capacity.dispatch.hours import ALWAYS, Hours, count_capacities  # noqa: E402
from lims.capacity.dispatch.problem import Bench, Box, Laboratory  # noqa: E402

BOXES, LABORATORIES = 300, 20
NOON = datetime(2021, 8, 16, 12, 0, tzinfo=UTC)
GOAL = 5.0


def make_laboratories(dice: random.Random) -> list[Laboratory]:
    """Return laboratories of 100 to 1,500 reactions a day in pools of ten, some closed at night, four that confirm."""
    found = []
    for number in range(LABORATORIES):
        hours = dice.choice((ALWAYS, Hours(6, 22), Hours(7, 19, "123456")))
        per_day = 10 * dice.randint(100, 1500)
        screening = Bench(
            count_capacities(hours, NOON, per_hour=per_day / hours.a_day),
            waiting=dice.randint(0, per_day),
            coming=[(dice.uniform(5, 90), dice.randint(50, 400)) for _ in range(dice.randint(0, 5))],
        )
        confirming = Bench(count_capacities(hours, NOON, per_hour=4)) if number < 4 else None
        found.append(Laboratory(uuid.UUID(int=number + 1), screening, confirming))
    return found


def make_boxes(dice: random.Random, laboratories: list[Laboratory]) -> list[Box]:
    """Return boxes of 50 to 400 samples, one in thirty to be confirmed."""
    found = []
    for number in range(BOXES):
        near = dice.sample(laboratories, 4)
        minutes = {
            one.id: dice.uniform(15, 40) if one in near else dice.uniform(60, 180) for one in laboratories
        }
        confirms = number % 30 == 0
        samples = dice.randint(1, 20) if confirms else dice.randint(50, 400)
        found.append(
            Box(
                uuid.UUID(int=1000 + number),
                f"B{number:03}",
                samples,
                dice.uniform(-120, 240),
                minutes,
                confirms,
            )
        )
    return found


def measure(seed: int) -> tuple[float, float, Chosen]:
    """Return the seconds of the choice and of the simple rule alone, and the choice."""
    dice = random.Random(seed)
    laboratories = make_laboratories(dice)
    boxes = make_boxes(dice, laboratories)
    begun = time.perf_counter()
    choose_simply(boxes, laboratories)
    simple = time.perf_counter() - begun
    begun = time.perf_counter()
    chosen = choose(boxes, laboratories)
    return time.perf_counter() - begun, simple, chosen


def main() -> None:
    """Print what was measured; exit with 1 beyond the goal."""
    slowest = 0.0
    for seed in (1, 2, 3):
        seconds, simple, chosen = measure(seed)
        slowest = max(slowest, seconds)
        gap = "no bound" if chosen.gap is None else f"{chosen.gap:.3%} above the bound at most"
        print(
            f"{BOXES} boxes, {LABORATORIES} laboratories, seed {seed}: {seconds:.1f} s (the simple rule alone "
            f"{simple:.1f} s), {chosen.way}, {chosen.cost / chosen.simple_cost:.4f} of the simple rule's sum, {gap}"
        )
    print(f"slowest {slowest:.1f} s, goal {GOAL:.0f} s")
    raise SystemExit(slowest > GOAL)


if __name__ == "__main__":
    main()
