"""How long a forecast takes, and how near the simulated waits come to the closed forms at length.

Run: python bench/forecast.py [samples a day] [laboratories]. Times are ratios to plain SimPy: the same number of events
that do nothing. The page's forecast must take less than 2 s of an ordinary processor.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import simpy

from lims.capacity.forecast.asking import Asked, answer
from lims.capacity.forecast.forecasting import Forecast, choose_box, estimate_seconds
from lims.capacity.forecast.queueing import calculate_md1_wait, calculate_mm1_wait, calculate_mmc_wait
from lims.capacity.forecast.simulation import simulate
from lims.capacity.forecast.values import BOX_PEOPLE, Assumptions, LaboratoryState, State

EVENTS = 100_000
CUSTOMERS = 250_000
SEEDS = range(10)


def make_state(samples: int, laboratories: int) -> State:
    """A province at 08:00 whose laboratories are just enough, with half a day's samples standing."""
    each = samples // laboratories
    rows = [
        LaboratoryState(
            str(number),
            f"Laboratory {number + 1}",
            round(each * 0.2),
            round(each * 0.02) if number % 4 == 0 else 0,
            can_confirm=number % 4 == 0,
            on_the_road=each // 20,
            received=each // 8,
            pooled=each // 10,
            on_plate=each // 10,
            to_verify=each // 10,
            to_release=each // 20,
        )
        for number in range(laboratories)
    ]
    hours = [0.0] * 7 + [samples / 10] * 10 + [0.0] * 7
    return State(480, rows, hours, at_the_site=samples // 50)


def measure(work: Callable[[], object]) -> float:
    """Processor seconds, the best of three."""
    found = []
    for _ in range(3):
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return min(found)


def run_plain() -> None:
    """Plain SimPy: one timeout after the other."""
    env = simpy.Environment()

    def tick():
        for _ in range(EVENTS):
            yield env.timeout(1.0)

    env.process(tick())
    env.run()


def measure_forecasts(samples: int, laboratories: int) -> None:
    """Print what a run, the page's forecast and the command's cost."""
    state, assumptions = make_state(samples, laboratories), Assumptions(prevalence=0.01, pool_size=10)
    plain = measure(run_plain)
    print(f"plain SimPy, {EVENTS} events: {plain:.2f} s")
    for box in (BOX_PEOPLE, choose_box(state)):
        seconds = measure(partial(simulate, state, assumptions, seed=1, minutes=7 * 1440, box_people=box))
        guess = estimate_seconds(state, assumptions, days=7, box_people=box)
        print(
            f"one run, 7 days of {samples} samples, {laboratories} laboratories, {box} together: "
            f"{seconds * 1000:.0f} ms = {seconds / plain:.2f} of plain ({guess * 1000:.0f} ms estimated)"
        )
    told: list[Forecast] = []
    seconds = measure(lambda: told.append(answer(state, assumptions, Asked())))
    print(
        f"the page: {told[0].replications} runs, {told[0].what_if_replications} with each of 3 changes: "
        f"{seconds:.2f} s (limit 2)"
    )
    started = time.process_time()
    told.append(answer(state, assumptions, Asked(), waits=False))
    print(
        f"the command: {told[-1].replications} runs with 3 changes, box by box: "
        f"{time.process_time() - started:.1f} s"
    )
    one, other = told[0].daily[-1].backlog, told[-1].daily[-1].backlog
    print(f"backlog after 7 days: merged boxes {one.median:.0f}, single boxes {other.median:.0f}")


def measure_waits() -> None:
    """Print how far each of ten seeds is from the closed form."""
    from capacity.test_forecast_queues import run_queue

    for name, arguments, expected in (
        ("M/M/1", {"arrival_rate": 0.5, "service_rate": 1.0}, calculate_mm1_wait(0.5, 1.0)),
        (
            "M/M/3",
            {"arrival_rate": 2.1, "service_rate": 1.0, "servers": 3},
            calculate_mmc_wait(2.1, 1.0, servers=3),
        ),
        ("M/D/1", {"arrival_rate": 0.6, "service_rate": 1.0, "constant": True}, calculate_md1_wait(0.6, 1.0)),
    ):
        errors = [
            run_queue(seed=seed, customers=CUSTOMERS, **arguments).mean_wait / expected - 1 for seed in SEEDS
        ]
        print(
            f"{name}, {CUSTOMERS} customers: mean of ten seeds {sum(errors) / len(errors):+.2%} from the closed "
            f"form, the worst {max(errors, key=abs):+.2%} (limit 3 %)"
        )


def main() -> None:
    """Print both."""
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 60_000
    laboratories = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    measure_forecasts(samples, laboratories)
    measure_waits()


if __name__ == "__main__":
    main()
