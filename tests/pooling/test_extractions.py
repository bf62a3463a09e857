"""Extractions: what was extracted together is lost together, and nothing else."""

from __future__ import annotations

import pytest
from pooling import bench
from pooling.received import receive, samples_of
from reconciled import assert_reconciled
from results import desk
from sqlalchemy import select

from lims.errors import AlreadyDone, InvalidInput, NotFound, Refused
from lims.extensions import db
from lims.pooling.actions.extractions import fail_extraction, make_extraction
from lims.pooling.actions.readings import record_readings
from lims.pooling.models import Extraction, Pool, Well
from lims.results.actions.review import review_run


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


def extract(world, pools=None, **more) -> dict:
    """Extract some pools, or what waits."""
    return make_extraction(
        actor=world.actor("technician"), laboratory_id=world.laboratory_id, pool_codes=pools, **more
    )


def controls_of(run: str) -> list[tuple[str, str | None]]:
    """Return (kind, extraction) of a plate's controls."""
    db.session.rollback()
    rows = db.session.execute(
        select(Well.position, Well.control, Extraction.code)
        .outerjoin(Extraction, Extraction.id == Well.extraction_id)
        .where(Well.control.is_not(None))
    ).all()
    return sorted((row.control, row.code) for row in rows)


def test_each_extraction_on_a_plate_has_its_own_control(lab):
    first = desk.pool_up(lab, receive(lab, 10))
    second = desk.pool_up(lab, receive(lab, 20))
    one, two = extract(lab, first)["extraction"], extract(lab, second)["extraction"]
    planned = bench.plan(lab)
    assert controls_of(planned["run"]) == sorted([("NEC", one), ("NEC", two), ("NTC", None), ("PC", None)])


def test_a_spoilt_extraction_control_costs_its_own_pools_and_no_others(lab):
    bad_tubes, good_tubes = receive(lab, 10), receive(lab, 10)
    bad, good = desk.pool_up(lab, bad_tubes), desk.pool_up(lab, good_tubes)
    lost = extract(lab, bad)["extraction"]
    extract(lab, good)
    planned = bench.plan(lab)
    db.session.rollback()
    spoilt = db.session.scalars(
        select(Well.position)
        .join(Extraction, Extraction.id == Well.extraction_id)
        .where(Extraction.code == lost, Well.control.is_not(None))
    ).one()
    rows = bench.readings_for(planned["wells"], {})
    for row in rows:
        if row["well"] == spoilt and row["target"] == "N":
            row["ct"] = 31.0
    answer = record_readings(actor=lab.actor("technician"), run_code=planned["run"], readings=rows)
    assert answer["valid"]
    assert {item["pool"]: item["finding"] for item in answer["pools"]} == {
        bad[0]: "invalid",
        good[0]: "not_detected",
    }
    review_run(actor=lab.actor("technician"), run_code=planned["run"])
    assert {samples_of(tube)[0].status for tube in good_tubes} == {"resulted"}
    assert {samples_of(tube)[0].status for tube in bad_tubes} == {"bound"}
    again = db.session.scalars(select(Pool).where(Pool.status == "closed")).one()
    assert (again.member_count, again.attempt, again.new_extraction) == (10, 2, True)
    failed = db.session.scalars(select(Extraction).where(Extraction.failed_at.is_not(None))).one()
    assert failed.code == lost
    assert_reconciled(db.session())


def test_pools_of_no_extraction_share_one_control_and_its_failure_is_the_runs(lab):
    desk.pool_up(lab, receive(lab, 20))
    planned = bench.plan(lab)
    assert controls_of(planned["run"]) == [("NEC", None), ("NTC", None), ("PC", None)]
    assert bench.read(lab, planned, spoilt="NEC")["valid"] is False


def test_a_pool_is_in_one_extraction_until_that_fails(lab):
    pools = desk.pool_up(lab, receive(lab, 10))
    made = extract(lab, pools)["extraction"]
    with pytest.raises(Refused):
        extract(lab, pools)
    with pytest.raises(Refused, match="waits"):
        extract(lab)
    fail_extraction(actor=lab.actor("technician"), extraction_code=made, reason="the robot stopped")
    with pytest.raises(AlreadyDone):
        fail_extraction(actor=lab.actor("technician"), extraction_code=made, reason="again")
    assert extract(lab)["pools"] == pools


def test_an_extraction_on_a_plate_is_not_given_up(lab):
    made = extract(lab, desk.pool_up(lab, receive(lab, 10)))["extraction"]
    bench.plan(lab, extraction_codes=[made])
    with pytest.raises(Refused, match="plate"):
        fail_extraction(actor=lab.actor("technician"), extraction_code=made, reason="the robot stopped")


def test_a_plate_is_filled_by_extractions_in_their_order(lab):
    first = desk.pool_up(lab, receive(lab, 20))
    second = desk.pool_up(lab, receive(lab, 10))
    one, two = extract(lab, first)["extraction"], extract(lab, second)["extraction"]
    planned = bench.plan(lab, extraction_codes=[two, one])
    assert [well["pool"] for well in planned["wells"] if well["pool"]] == [*second, *first]


def test_what_does_not_fit_beside_the_controls_waits_for_the_next_plate(lab):
    for _ in range(4):
        extract(lab, desk.pool_up(lab, receive(lab, 24), size=1))
    planned = bench.plan(lab)
    pools = [well for well in planned["wells"] if well["pool"]]
    assert (len(planned["wells"]), len(pools)) == (96, 90)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"pool_codes": ["T3K9F2C5N"]}, InvalidInput),
        ({"most": 0}, InvalidInput),
        ({"pool_codes": []}, InvalidInput),
    ],
)
def test_what_no_extraction_can_be_is_refused(lab, more, error):
    with pytest.raises(error):
        make_extraction(actor=lab.actor("technician"), laboratory_id=lab.laboratory_id, **more)


def test_other_laboratories_extractions_are_as_if_they_were_not_there(lab):
    made = extract(lab, desk.pool_up(lab, receive(lab, 10)))["extraction"]
    with pytest.raises(NotFound):
        fail_extraction(actor=lab.actor("technician_confirming"), extraction_code=made, reason="mine")
