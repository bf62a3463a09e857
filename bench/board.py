"""What the board's figures cost at few and at many samples, on both engines.

Prints the 95th percentile of each read at both sizes and their ratio; the goal is at most 1.5. Reads of the two sizes
take turns, so that whoever else is at work slows down both:

    python bench/board.py [few] [many] [repeats] [engine]

For ten million: `python bench/board.py 10000 10000000 60 sqlite`, and `… postgresql`.
"""

from __future__ import annotations

import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "bench")]

from engines import ENGINES, Engines, make_app  # noqa: E402
from generator import BEGIN, COMMUNE, DAYS, LAB, fill  # noqa: E402

from lims import clock  # noqa: E402
from lims.auth.actors import SYSTEM  # noqa: E402
from lims.capacity.figures import Scope  # noqa: E402
from lims.capacity.queries import figures  # noqa: E402
from lims.capacity.queries.board import read_board  # noqa: E402
from lims.extensions import db  # noqa: E402

FEW, MANY, REPEATS = 10_000, 200_000, 60
NOW = datetime.fromtimestamp(BEGIN, UTC) + timedelta(days=DAYS - 1, hours=12)
TODAY = clock.local(NOW).date()
YESTERDAY = TODAY - timedelta(days=1)
ALL = Scope()
OF_COMMUNE = Scope(commune_id=uuid.UUID(hex=f"{COMMUNE:08x}{7:024x}"))
OF_LABORATORY = Scope(laboratory_id=uuid.UUID(hex=f"{LAB:08x}{3:024x}"))


def day(scope: Scope, on: Any = TODAY) -> Callable[[], Any]:
    """Return the read of a day's figures."""
    return lambda: figures.read_day(db.session(), actor=SYSTEM, scope=scope, first_on=on, last_on=on)


READS: dict[str, Callable[[], Any]] = {
    "the whole board": lambda: read_board(db.session(), actor=SYSTEM),
    "the board of a commune": lambda: read_board(db.session(), actor=SYSTEM, scope=OF_COMMUNE),
    "oldest of each station": lambda: figures.find_oldest_by_station(db.session(), actor=SYSTEM, scope=ALL),
    "standing": lambda: figures.read_standing(db.session(), actor=SYSTEM, scope=ALL),
    "standing of a commune": lambda: figures.read_standing(db.session(), actor=SYSTEM, scope=OF_COMMUNE),
    "today": day(ALL),
    "yesterday and its evening": day(ALL, YESTERDAY),
    "today of a commune": day(OF_COMMUNE),
    "today of a laboratory": day(OF_LABORATORY),
    "30 days": lambda: figures.read_days(
        db.session(), actor=SYSTEM, scope=ALL, first_on=TODAY - timedelta(days=29), last_on=TODAY
    ),
    "24 hours": lambda: figures.read_hours(
        db.session(), actor=SYSTEM, scope=ALL, since=NOW - timedelta(hours=24), until=NOW
    ),
    "all laboratories": lambda: figures.read_laboratories(db.session(), actor=SYSTEM, scope=ALL),
    "oldest": lambda: figures.find_oldest(db.session(), actor=SYSTEM, scope=ALL),
    "50 that wait to be verified": lambda: figures.list_waiting(
        db.session(), actor=SYSTEM, scope=ALL, station="to_verify"
    ),
    "pools of 30 days": lambda: figures.read_pools(
        db.session(), actor=SYSTEM, scope=ALL, first_on=TODAY - timedelta(days=29), last_on=TODAY
    ),
}


@contextmanager
def filled(engines: Engines, engine: str, count: int) -> Iterator[Any]:
    """Give an application on a database with so many samples."""
    with TemporaryDirectory() as folder, engines.fresh(engine, Path(folder)) as url:
        app = make_app(url, Path(folder))
        with app.app_context():
            began = time.perf_counter()
            fill(count)
            print(
                f"  {engine}: {count} samples in {time.perf_counter() - began:.0f} s",
                file=sys.stderr,
                flush=True,
            )
        yield app
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def timed(app: Any, read: Callable[[], Any]) -> float:
    """Return the milliseconds of a read in a session of its own."""
    with app.app_context(), clock.at(NOW):
        began = time.perf_counter()
        found = read()
        took = 1000 * (time.perf_counter() - began)
        assert found is not None
        db.session.remove()
        return took


def main() -> None:
    """Fill both sizes on both engines and compare."""
    few, many, repeats, chosen = _wishes()
    worst = 0.0
    with TemporaryDirectory() as folder:
        engines = Engines(Path(folder))
        for engine in chosen:
            with filled(engines, engine, few) as small, filled(engines, engine, many) as large:
                print(f"{engine}: p95 in ms at {few} and at {many} samples")
                for name, read in READS.items():
                    for app in (small, large):
                        timed(app, read)
                    took = [(timed(small, read), timed(large, read)) for _ in range(repeats)]
                    low, high = (statistics.quantiles(column, n=20)[-1] for column in zip(*took, strict=True))
                    worst = max(worst, high / low)
                    print(f"  {name:<28} {low:8.2f} {high:8.2f}   ratio {high / low:5.2f}", flush=True)
        engines.close()
    print(f"worst ratio {worst:.2f}; the goal is 1.5")


def _wishes() -> tuple[int, int, int, tuple[str, ...]]:
    """Return the sizes, to the next multiple of what a day's pools are made of, the repeats and the engines."""
    chosen = tuple(word for word in sys.argv[1:] if word in ENGINES) or ENGINES
    words = [int(word) for word in sys.argv[1:] if word not in ENGINES]
    few, many, repeats = [*words, *(FEW, MANY, REPEATS)[len(words) :]]
    return few + -few % 300, many + -many % 300, repeats, chosen


if __name__ == "__main__":
    main()
