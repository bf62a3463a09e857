"""The figures against an independent recomputation: pandas over an export of the same data, without the summaries."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from capacity.test_counts_machine import FIRST, LAST, CountedHistory
from engines import make_app
from exports.files import read_ndjson, take
from factories import make_world
from journeys.history import STEPS, USUAL
from pooling import bench

from lims import clock
from lims.capacity.counting.folding import fold_all
from lims.capacity.figures import Scope
from lims.capacity.histograms import EDGES, Histogram, find_bucket
from lims.capacity.queries import figures
from lims.extensions import db

MOMENTS = ("sampled_at", "received_at", "created_at", "verified_at", "released_at", "called_at")
STEPS_TAKEN = (
    *USUAL,
    *STEPS,
    "release",
    "scan_late",
    "send",
    "pool",
    "plate",
    "wait_for_hours",
    "end_runs",
    "release",
)


@pytest.fixture(scope="module")
def played(engines):
    """A history, its exports as tables, and where it was played."""
    with (
        TemporaryDirectory() as folder,
        engines.fresh("sqlite", Path(folder)) as url,
        make_app(url, Path(folder)).app_context(),
    ):
        world = make_world(pool_size=3, mixed_tube_size=3)
        bench.install(world)
        history = CountedHistory(world, 11)
        history.play(
            [*STEPS_TAKEN, "amend", "wait_for_hours", "collect_alone", "send", "pool", "plate", "release"]
        )
        fold_all()
        yield (
            world,
            {kind: table(world, kind) for kind in ("declarations", "samples", "tubes", "pools", "results")},
        )
        db.session.remove()
        db.engine.dispose()


def table(world, kind: str) -> pd.DataFrame:
    """Return an export as a table, its moments read and its local days beside."""
    _about, rows, _end = read_ndjson(take(world.actor("coordinator"), kind)[1])
    frame = pd.DataFrame(rows)
    for name in MOMENTS:
        if name in frame:
            frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601").dt.floor("s")
            frame[f"{name}_day"] = frame[name].dt.tz_convert(str(clock.ZONE)).dt.date
    return frame


def by_day(frame: pd.DataFrame, moment: str, detail: str | None = None) -> dict:
    """Count rows by local day, or by day and detail."""
    keys = [f"{moment}_day", detail] if detail else f"{moment}_day"
    return {key: int(number) for key, number in frame.dropna(subset=[moment]).groupby(keys).size().items()}


def read_days(world, measure: str, *, with_detail: bool = False) -> dict:
    """Return a measure's numbers by day, or by day and detail."""
    found: dict = {}
    for day, counts in figures.read_days(
        db.session(), actor=world.actor("administrator"), scope=Scope(), first_on=FIRST, last_on=LAST
    ):
        for (name, detail), number in counts.items():
            if name == measure:
                key = (day, detail) if with_detail else day
                found[key] = found.get(key, 0) + number
    return found


def whole_way(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return every sample that counts, with its tube and the moments of its results."""
    samples = tables["samples"][tables["samples"]["status"] != "void"]
    way = samples.merge(tables["tubes"][["tube", "received_at", "received_at_day"]], on="tube", how="left")
    results = tables["results"].sort_values("version")
    of = results.groupby(["tube", "slot"])
    first = of.agg(
        tested=("created_at", "first"),
        tested_finding=("finding", "first"),
        verified=("verified_at", "min"),
        released=("released_at", "min"),
        last_status=("status", "last"),
    )
    said = results.dropna(subset=["released_at"]).groupby(["tube", "slot"])["finding"].last()
    first["said"] = said
    first.loc[first["last_status"] == "withdrawn", "released"] = pd.NaT
    # a tube's place that was bound twice has two samples; results hang on the one that is not void
    return way.merge(first.reset_index(), on=["tube", "slot"], how="left")


def test_counts_are_exactly_those_of_pandas(played):
    world, tables = played
    way = whole_way(tables)
    for name in ("tested", "verified", "released"):
        way[f"{name}_day"] = way[name].dt.tz_convert(str(clock.ZONE)).dt.date
    assert len(tables["declarations"]) == sum(read_days(world, "declared").values())
    assert by_day(way, "sampled_at") == read_days(world, "collected")
    assert by_day(way, "received_at") == read_days(world, "received")
    assert by_day(way, "tested", "tested_finding") == read_days(world, "tested", with_detail=True)
    assert by_day(way, "verified") == read_days(world, "verified")
    released = by_day(way, "released", "said")
    assert released == read_days(world, "released", with_detail=True) and released
    pools = tables["pools"]
    mixed = set(tables["tubes"].loc[tables["tubes"]["mode"] == "mixed", "tube"])
    assert mixed
    clear = pools[
        (pools["purpose"] == "screen")
        & pools["status"].isin(["called", "resolved"])
        & pools["finding"].isin(["detected", "not_detected"])
    ]
    # mixed tubes are pooled alone: a pool of several is none of theirs
    several = clear[clear["members"] > 1].assign(size=lambda frame: frame["members"].astype(str))
    for measure, rows in (
        ("pools_tested", several),
        ("pools_positive", several[several["finding"] == "detected"]),
    ):
        counted = {key: n for key, n in read_days(world, measure, with_detail=True).items() if key[1] != "1"}
        assert by_day(rows, "called_at", "size") == counted


@pytest.mark.parametrize(
    ("leg", "begin", "end"),
    [
        ("collected_received", "sampled_at", "received_at"),
        ("tested_verified", "tested", "verified"),
        ("verified_released", "verified", "released"),
        ("collected_released", "sampled_at", "released"),
    ],
)
def test_quantiles_are_within_a_buckets_width_of_pandas(played, leg, begin, end):
    world, tables = played
    way = whole_way(tables).dropna(subset=[begin, end])
    minutes = ((way[end] - way[begin]).dt.total_seconds() / 60).clip(lower=0)
    day = figures.read_day(
        db.session(), actor=world.actor("administrator"), scope=Scope(), first_on=FIRST, last_on=LAST
    )
    found = day.legs[leg]
    wanted: dict[int, int] = {}
    for one in minutes:
        wanted[find_bucket(one)] = wanted.get(find_bucket(one), 0) + 1
    assert dict(found.counts) == wanted and found.total == len(minutes) > 5
    for share in (0.5, 0.75, 0.9):
        exact = float(minutes.quantile(share, interpolation="higher"))
        near(found, share, exact, sorted(minutes))


def near(found: Histogram, share: float, exact: float, ordered: list[float]) -> None:
    """Check a quantile against the values beside it, to the width of their buckets."""
    place = share * len(ordered)
    low = ordered[max(0, int(place) - 1)]
    high = ordered[min(len(ordered) - 1, int(place))]
    buckets = [find_bucket(value) for value in (low, exact, high)]
    first, last = EDGES[min(buckets)], EDGES[min(max(buckets) + 1, len(EDGES) - 1)]
    assert first <= found.quantile(share) <= last
