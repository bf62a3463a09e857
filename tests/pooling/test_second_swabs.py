"""The second swab of the same visit takes the place of the first one, whose pool was positive."""

from __future__ import annotations

import pytest
from factories import make_world
from pooling import bench
from pooling.received import receive, samples_of
from reconciled import assert_reconciled
from results import desk
from sqlalchemy import select, update

from lims.extensions import db
from lims.intake.actions.second_swabs import note_second_swabs
from lims.intake.models import Declaration, Tube
from lims.pooling.actions import pools
from lims.pooling.models import Pool
from lims.transaction import writing


@pytest.fixture
def lab(app):
    world = make_world(positive_pool_strategy="second_swab")
    bench.install(world)
    return world


def pair(world, tubes, seconds) -> list[dict]:
    """Note second tubes at the site; return the verdicts."""
    return note_second_swabs(
        actor=world.actor("collector"),
        place_id=world.site_id,
        pairs=[{"tube": tube, "second": second} for tube, second in zip(tubes, seconds, strict=True)],
    )["verdicts"]


def with_seconds(world, count: int, *, missing: int = 0) -> tuple[list[str], list[str]]:
    """Receive tubes of people and as many second tubes, the last of which did not come."""
    tubes = receive(world, count)
    seconds = receive(world, count, named=False, status="printed")
    assert {verdict["verdict"] for verdict in pair(world, tubes, seconds)} == {"good"}
    here = seconds[: count - missing]
    with writing() as session:
        session.execute(update(Tube).where(Tube.code.in_(set(seconds) - set(here))).values(received_at=None))
        session.execute(update(Tube).where(Tube.code.in_(here)).values(status="received"))
    return tubes, seconds


def retested() -> list[str]:
    db.session.rollback()
    rows = db.session.scalars(select(Pool).where(Pool.purpose == "retest", Pool.status == "closed"))
    return sorted(pool.members[0].tube.code for pool in rows)


def test_a_positive_pool_is_answered_by_the_second_swabs(lab):
    tubes, seconds = with_seconds(lab, 10)
    made = desk.pool_up(lab, tubes)
    desk.run_plate(lab, {made[0]: "detected"})
    assert retested() == sorted(seconds)
    assert {samples_of(tube)[0].status for tube in tubes} == {"superseded"}
    found = db.session.scalars(
        select(Pool.code).where(Pool.purpose == "retest", Pool.status == "closed").limit(1)
    ).one()
    answer = desk.run_plate(lab, {found: "detected"})
    assert answer["results"] == 10
    findings = sorted(samples_of(second)[0].finding for second in seconds)
    assert findings == ["detected"] + ["not_detected"] * 9
    assert_reconciled(db.session())


def test_nobody_is_asked_again_and_the_visit_is_the_same(lab):
    tubes, seconds = with_seconds(lab, 2)
    made = desk.pool_up(lab, tubes)
    desk.run_plate(lab, {made[0]: "detected"})
    first, second = samples_of(tubes[0])[0], samples_of(seconds[0])[0]
    assert (second.person_id, second.sampled_at, second.attempt) == (
        first.person_id,
        first.sampled_at,
        first.attempt + 1,
    )
    assert db.session.get(Declaration, first.declaration_id).status == "sampled"


def test_whose_second_tube_did_not_come_is_tested_from_the_first(lab):
    tubes, seconds = with_seconds(lab, 3, missing=1)
    made = desk.pool_up(lab, tubes)
    desk.run_plate(lab, {made[0]: "detected"})
    assert retested() == sorted([*seconds[:2], tubes[2]])
    assert_reconciled(db.session())


def test_two_negative_second_swabs_are_a_discordance(lab):
    tubes, _ = with_seconds(lab, 2)
    made = desk.pool_up(lab, tubes)
    desk.run_plate(lab, {made[0]: "detected"})
    assert desk.run_plate(lab)["held"] == 2


def test_a_second_swab_is_pooled_neither_by_proposal_nor_by_hand(lab):
    _, seconds = with_seconds(lab, 2)
    proposed = pools.propose_pools(actor=lab.actor("technician"), laboratory_id=lab.laboratory_id)
    assert sum(len(pool["tubes"]) for pool in proposed["pools"]) == 2
    pool = pools.open_pool(actor=lab.actor("technician"), laboratory_id=lab.laboratory_id)["pool"]
    added = pools.add_tubes(actor=lab.actor("technician"), pool_code=pool, tube_codes=seconds)
    assert [verdict["code"] for verdict in added["verdicts"]] == ["second_swab"] * 2


def test_each_bad_pair_is_named_and_the_good_ones_are_kept(lab):
    tubes = receive(lab, 2)
    free = receive(lab, 2, named=False, status="printed")
    nameless = receive(lab, 1, named=False)[0]
    verdicts = pair(
        lab,
        [tubes[0], tubes[0], tubes[1], nameless, "T000", tubes[1]],
        [free[0], free[0], tubes[0], free[1], free[1], free[0]],
    )
    assert [verdict["code"] for verdict in verdicts] == [
        "noted",
        "noted_before",
        "not_free",
        "no_person",
        "no_person",
        "not_free",
    ]
