"""Which role takes which exports, and how much memory a long one needs."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from exports.files import make_readings, read_ndjson, take
from pooling import bench
from pooling.received import person_of, receive
from results import desk

from lims.auth.rules import PERMISSIONS, ROLES
from lims.errors import NotAllowed
from lims.exports.checking import check_file
from lims.exports.queries import KINDS
from lims.exports.queries.kinds import Filters
from lims.exports.taking import take_export
from lims.extensions import db
from lims.intake.actions.accesses import record_accesses
from lims.pooling.actions.extractions import make_extraction

THINGS = {"samples", "tubes", "events"}
BENCH = {"boxes", "pools", "extractions", "runs", "readings", "calls", "results", "kit_lots"}
PEOPLE = {"people", "declarations", "commune_results", "data_requests", "accesses"}
# what each role finds on its pages, as files; a role that is not here takes none
TAKES = {
    "health_worker": THINGS | PEOPLE,
    "technician": THINGS | BENCH,
    "supervisor": THINGS | BENCH | {"discrepancies", "messages"},
    "coordinator": THINGS | (BENCH - {"boxes"}) | PEOPLE | {"discrepancies", "messages"},
    "administrator": THINGS | (BENCH - {"boxes"}) | {"messages"},
}
LEAST_MB = 8


@pytest.mark.parametrize("role", ROLES)
def test_a_role_takes_these_kinds_and_no_others(world, role):
    actor = world.actor(role)
    assert ("export_data" in PERMISSIONS[role]) == (role in TAKES)
    taken = set()
    for kind in KINDS:
        try:
            take_export(actor=actor, kind=kind, format="csv", filters=Filters()).pieces.close()
            taken.add(kind)
        except NotAllowed:
            pass
    if role in TAKES:
        assert taken == TAKES[role]


def test_every_kind_is_somebodys():
    assert set().union(*TAKES.values()) == set(KINDS)


def test_the_log_of_accesses_says_who_has_seen_whose_data_within_ones_places(world):
    (tube,) = receive(world, 1)
    person = person_of(tube)
    technician = world.actor("technician")
    record_accesses(actor=world.actor("coordinator"), person_ids=[person], shown_by="record")
    _about, rows, _end = read_ndjson(take(world.actor("health_worker"), "accesses")[1])
    assert [(row["person_id"], row["username"], row["shown_by"]) for row in rows] == [
        (str(person), "coordinator", "record")
    ]
    bench.install(world)
    made = desk.pool_up(world, [tube], size=1)
    make_extraction(actor=technician, laboratory_id=world.laboratory_id, pool_codes=made)
    _about, rows, _end = read_ndjson(take(technician, "extractions")[1])
    assert [(row["pools"], row["failure"]) for row in rows] == [(1, "")]
    for kind, name in (("extractions", "technician_confirming"), ("messages", "supervisor_confirming")):
        assert take(world.actor(name), kind)[0].rows == 0


def _peak_mb(actor, format: str, path: Path) -> float:
    """Return how much memory an export needed at most, in MB; the file stays."""
    tracemalloc.start()
    try:
        taken = take_export(actor=actor, kind="readings", format=format, filters=Filters())
        with path.open("wb") as file:
            for piece in taken.pieces:
                assert len(piece) < 1_000_000
                file.write(piece)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def test_two_hundred_thousand_rows_need_no_more_memory_than_a_few_and_are_whole(world, tmp_path):
    if db.engine.dialect.name != "sqlite":
        pytest.skip("pages of two thousand rows, by the same statements")
    bench.install(world)
    actor = world.actor("technician")
    make_readings(world, 10_000)
    file = tmp_path / "readings.csv"
    few = _peak_mb(actor, "csv", file)
    make_readings(world, 190_000)
    many, size = _peak_mb(actor, "csv", file), file.stat().st_size / 1e6
    with file.open("rb") as lines:
        assert check_file(lines).rows == 200_000
    print(f"10,000 rows: {few:.1f} MB; 200,000 rows: {many:.1f} MB for a file of {size:.1f} MB")
    assert size > 2 * LEAST_MB
    assert many < max(1.5 * few, LEAST_MB)


def test_a_workbook_needs_no_more_memory_than_a_few_rows(world, tmp_path):
    if db.engine.dialect.name != "sqlite":
        pytest.skip("pages of two thousand rows, by the same statements")
    bench.install(world)
    actor = world.actor("technician")
    make_readings(world, 5_000)
    file = tmp_path / "readings.xlsx"
    few = _peak_mb(actor, "xlsx", file)
    make_readings(world, 15_000)
    many, size = _peak_mb(actor, "xlsx", file), file.stat().st_size / 1e6
    print(f"5,000 rows: {few:.1f} MB; 20,000 rows: {many:.1f} MB for a file of {size:.1f} MB")
    assert many < max(1.5 * few, LEAST_MB)
