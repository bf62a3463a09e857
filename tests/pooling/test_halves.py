"""The strategy of halves: a positive pool of ten becomes two of five, a positive half its single tubes."""

from __future__ import annotations

import pytest
from factories import make_world
from pooling import bench
from pooling.received import receive, samples_of
from reconciled import assert_reconciled
from results import desk
from sqlalchemy import select

from lims.extensions import db
from lims.intake.actions.reception import reject_tubes
from lims.intake.models import Discrepancy, Tube
from lims.pooling.models import Pool, PoolMember
from lims.results.actions.review import review_run


@pytest.fixture
def lab(app):
    world = make_world(positive_pool_strategy="halves")
    bench.install(world)
    return world


def waiting() -> list[Pool]:
    """Return the pools that wait for a plate, in order."""
    db.session.rollback()
    return list(db.session.scalars(select(Pool).where(Pool.status == "closed").order_by(Pool.opened_at)))


def half_with(tube_code: str) -> str:
    """Return the code of the waiting pool that a tube is in."""
    db.session.rollback()
    return db.session.scalars(
        select(Pool.code)
        .join(PoolMember, PoolMember.pool_id == Pool.id)
        .join(Tube, Tube.id == PoolMember.tube_id)
        .where(Tube.code == tube_code, Pool.status == "closed")
    ).one()


def test_ten_become_five_and_five_then_the_positive_half_its_tubes(lab):
    _, tubes = desk.run_tubes(lab, 10, finding="detected")
    assert [(pool.purpose, pool.member_count) for pool in waiting()] == [("retest", 5), ("retest", 5)]
    answer = desk.run_plate(lab, {half_with(tubes[0]): "detected"})
    # the other half is negative, and somebody was found in this one: its people are reported
    assert answer["results"] == 5
    assert {samples_of(tube)[0].finding for tube in tubes[5:]} == {"not_detected"}
    assert [(pool.purpose, pool.member_count) for pool in waiting()] == [("retest", 1)] * 5
    desk.run_plate(lab, {half_with(tubes[2]): "detected"})
    assert [samples_of(tube)[0].finding for tube in tubes[:5]] == [
        "not_detected",
        "not_detected",
        "detected",
        "not_detected",
        "not_detected",
    ]
    assert_reconciled(db.session())


def test_a_negative_half_waits_for_its_sibling(lab):
    _, tubes = desk.run_tubes(lab, 10, finding="detected")
    first = bench.plan(lab, pool_codes=[half_with(tubes[0])])
    bench.read(lab, first)
    from_first = bench_review(lab, first)
    assert from_first["results"] == 0
    second = desk.run_plate(lab, {half_with(tubes[9]): "detected"})
    assert second["results"] == 5
    assert_reconciled(db.session())


def bench_review(world, planned) -> dict:
    return review_run(actor=world.actor("technician"), run_code=planned["run"])


def test_two_negative_halves_of_a_positive_pool_are_a_discordance(lab):
    desk.run_tubes(lab, 10, finding="detected")
    answer = desk.run_plate(lab)
    assert (answer["results"], answer["held"]) == (10, 10)
    assert db.session.scalars(select(Discrepancy.kind)).all() == ["discordance"]
    assert_reconciled(db.session())


def test_a_half_without_a_clear_finding_is_no_answer_until_its_tubes_are_tested(lab):
    _, tubes = desk.run_tubes(lab, 10, finding="detected")
    answer = desk.run_plate(lab, {half_with(tubes[0]): "inconclusive"})
    assert answer["results"] == 0
    assert [(pool.purpose, pool.member_count) for pool in waiting()] == [("retest", 1)] * 5
    answer = desk.run_plate(lab)
    assert (answer["results"], answer["held"]) == (10, 10)  # nobody was found: a discordance of all ten
    assert_reconciled(db.session())


def test_an_invalid_half_is_extracted_again_as_a_half(lab):
    _, tubes = desk.run_tubes(lab, 10, finding="detected")
    desk.run_plate(lab, {half_with(tubes[0]): "invalid"})
    assert [(pool.purpose, pool.member_count, pool.attempt) for pool in waiting()] == [("retest", 5, 2)]
    answer = desk.run_plate(lab, {half_with(tubes[0]): "detected"})
    assert answer["results"] == 5
    assert_reconciled(db.session())


@pytest.mark.parametrize(("count", "halves"), [(2, [1, 1]), (3, [1, 1, 1]), (4, [2, 2]), (7, [4, 3])])
def test_small_pools_go_to_single_tubes_at_once_and_odd_ones_are_halved(lab, count, halves):
    desk.run_tubes(lab, count, finding="detected")
    assert [pool.member_count for pool in waiting()] == halves


def test_a_tube_lost_before_the_halves_leaves_its_half_smaller(lab):
    tubes = receive(lab, 10)
    made = desk.pool_up(lab, tubes)
    planned = bench.plan(lab, pool_codes=made)
    reject_tubes(actor=lab.actor("technician"), tube_codes=tubes[:1], reason="broken")
    bench.read(lab, planned, {made[0]: "detected"})
    bench_review(lab, planned)
    assert [pool.member_count for pool in waiting()] == [5, 4]
    assert_reconciled(db.session())
