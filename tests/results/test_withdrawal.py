"""A run is withdrawn: everybody it concerns is found, nobody is left with a result that hangs on it."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from pooling import bench
from pooling.received import receive, samples_of
from reconciled import assert_reconciled
from results import desk
from sqlalchemy import select, update
from statements import count_statements

from lims import audit, clock
from lims.errors import AlreadyDone, InvalidInput, NotFound, Refused
from lims.extensions import db
from lims.intake.models import Declaration, Discrepancy, Sample, Tube
from lims.pooling.actions.kit_lots import add_kit_lot
from lims.pooling.models import Pool, Run
from lims.results.actions.review import review_run
from lims.results.actions.withdrawal import withdraw_kit_lot, withdraw_run
from lims.transaction import writing


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


def withdraw(world, run_code: str, cause: str = "swapped_plates", role: str = "supervisor") -> dict:
    """Withdraw a run as its supervisor does."""
    return withdraw_run(
        actor=world.actor(role), run_code=run_code, cause=cause, reason="two plates were swapped"
    )


def waiting_pools() -> list[tuple[str, int, bool]]:
    """Return (purpose, tubes, new extraction) of the pools that wait for a plate."""
    db.session.rollback()
    rows = db.session.scalars(select(Pool).where(Pool.status == "closed").order_by(Pool.opened_at))
    return [(pool.purpose, pool.member_count, pool.new_extraction) for pool in rows]


def test_released_negatives_are_withdrawn_and_the_same_tubes_wait_again(lab):
    run, tubes = desk.run_tubes(lab, 25)
    desk.verify_and_release(lab, run)
    answer = withdraw(lab, run)
    assert (answer["status"], answer["results"], answer["told"], answer["asked"]) == ("void", 25, 25, [])
    assert [desk.result_of(tube).status for tube in tubes] == ["withdrawn"] * 25
    assert [samples_of(tube)[0].status for tube in tubes] == ["bound"] * 25
    assert waiting_pools() == [("screen", 10, True), ("screen", 10, True), ("screen", 5, True)]
    assert_reconciled(db.session())


def test_tested_again_the_new_result_is_the_next_version_and_is_released(lab):
    run, tubes = desk.run_tubes(lab, 3)
    desk.verify_and_release(lab, run)
    withdraw(lab, run)
    again = desk.run_plate(lab)
    desk.verify_and_release(lab, again["run"])
    versions = desk.results_of(tubes[0])
    assert [(row.version, row.status) for row in versions] == [(2, "released"), (1, "superseded")]
    assert [pool.status for pool in bench.pools_of(tubes[0])] == ["void", "resolved"]
    assert_reconciled(db.session())


def test_after_a_wrong_pool_map_each_tube_is_tested_alone(lab):
    run, _ = desk.run_tubes(lab, 10)
    answer = withdraw(lab, run, cause="pool_map")
    assert waiting_pools() == [("screen", 1, True)] * 10
    assert len(answer["pools"]) == 10
    assert_reconciled(db.session())


def test_who_is_tested_alone_already_is_not_tested_twice(lab):
    run, _ = desk.run_tubes(lab, 10, finding="detected")
    assert len(waiting_pools()) == 10
    answer = withdraw(lab, run)
    assert answer["pools"] == []
    assert waiting_pools() == [("retest", 1, False)] * 10
    second = desk.run_plate(lab)
    assert second["results"] == 10  # negative, and no discordance: the positive pool says nothing any more
    assert db.session.scalars(select(Discrepancy)).all() == []
    assert_reconciled(db.session())


def test_negative_retests_that_waited_for_a_withdrawn_positive_are_reported(lab):
    _, tubes = desk.run_tubes(lab, 4, finding="detected")
    first = db.session.scalars(select(Run.code)).one()
    plan = bench.plan(lab, pool_codes=retests()[:2])
    bench.read(lab, plan)
    assert review_run(actor=lab.actor("technician"), run_code=plan["run"])["results"] == 0
    withdraw(lab, first)
    told = [samples_of(tube)[0].status for tube in tubes]
    assert sorted(told) == ["bound", "bound", "resulted", "resulted"]
    assert_reconciled(db.session())


def retests() -> list[str]:
    db.session.rollback()
    return list(
        db.session.scalars(
            select(Pool.code)
            .where(Pool.purpose == "retest", Pool.status == "closed")
            .order_by(Pool.opened_at)
        )
    )


def test_a_withdrawn_retest_opens_its_resolved_parent_and_settles_the_discordance(lab):
    desk.run_tubes(lab, 3, finding="detected")
    second = desk.run_plate(lab)
    assert second["held"] == 3
    withdraw(lab, second["run"])
    assert waiting_pools() == [("retest", 1, True)] * 3
    third = desk.run_plate(lab, dict.fromkeys(retests()[:1], "detected"))
    assert third["results"] == 3
    assert_reconciled(db.session())


def test_who_has_no_tube_left_is_asked_for_a_new_sample(lab):
    run, tubes = desk.run_tubes(lab, 10)
    desk.verify_and_release(lab, run)
    with writing() as session:
        session.execute(update(Tube).where(Tube.code.in_(tubes[:2])).values(status="discarded"))
    answer = withdraw(lab, run, cause="kit_lot")
    assert answer["asked"] == sorted(tubes[:2])
    assert waiting_pools() == [("screen", 8, True)]
    sample = samples_of(tubes[0])[0]
    assert sample.status == "superseded"
    declaration = db.session.get(Declaration, sample.declaration_id)
    assert (declaration.status, declaration.resample_reason) == ("open", "run_withdrawn")
    assert_reconciled(db.session())


def test_what_other_runs_found_stays(lab):
    first, tubes = desk.run_tubes(lab, 10)
    second, others = desk.run_tubes(lab, 10)
    desk.verify_and_release(lab, first)
    desk.verify_and_release(lab, second)
    withdraw(lab, first)
    assert desk.result_of(tubes[0]).status == "withdrawn"
    assert {desk.result_of(tube).status for tube in others} == {"released"}


def test_a_confirmed_positive_is_withdrawn_and_confirmed_again(lab):
    _, tubes = desk.run_tubes(lab, 1, finding="detected", laboratory_id=lab.laboratory_id)
    bench.send_on(lab, tubes)
    pool = bench.pools_of(tubes[0])[-1]
    run = desk.run_plate(lab, {pool.code: "detected"}, confirming=True)
    assert desk.result_of(tubes[0]).finding == "detected"
    withdraw(lab, run["run"], role="supervisor_confirming")
    assert desk.result_of(tubes[0]).status == "withdrawn"
    assert waiting_pools() == [("confirm", 1, True)]
    pool = bench.pools_of(tubes[0])[-1]
    desk.run_plate(lab, {pool.code: "detected"}, confirming=True)
    assert (desk.result_of(tubes[0]).status, desk.result_of(tubes[0]).finding) == ("preliminary", "detected")
    assert_reconciled(db.session())


@pytest.mark.parametrize(
    ("more", "error"),
    [({"reason": "  "}, InvalidInput), ({"cause": "weather"}, InvalidInput)],
    ids=["no reason", "unknown cause"],
)
def test_a_withdrawal_says_what_was_wrong(lab, more, error):
    run, _ = desk.run_tubes(lab, 1)
    with pytest.raises(error):
        withdraw_run(
            **{"actor": lab.actor("supervisor"), "run_code": run, "cause": "kit_lot", "reason": "bad lot"}
            | more
        )
    assert db.session.scalars(select(Run.status)).one() == "reviewed"


def test_only_a_reviewed_run_of_ones_own_is_withdrawn_and_once(lab):
    receive(lab, 2)
    made = desk.pool_up(lab, [row.code for row in db.session.scalars(select(Tube))])
    planned = bench.plan(lab, pool_codes=made)
    with pytest.raises(Refused):
        withdraw(lab, planned["run"])
    bench.read(lab, planned)
    review_run(actor=lab.actor("technician"), run_code=planned["run"])
    with pytest.raises(NotFound):
        withdraw(lab, planned["run"], role="supervisor_confirming")
    withdraw(lab, planned["run"])
    with pytest.raises(AlreadyDone):
        withdraw(lab, planned["run"])
    db.session.rollback()
    run = db.session.scalars(select(Run)).one()
    verbs = [event.verb for event in audit.list_events(db.session, subject_ids=[run.id])]
    assert verbs == ["planned", "readings_recorded", "reviewed", "withdrawn"]


def test_a_bad_lot_withdraws_every_run_it_was_used_for(lab):
    lot = add_kit_lot(
        actor=lab.actor("supervisor"),
        laboratory_id=lab.laboratory_id,
        assay_name="Screening ORF1ab + N",
        lot="L-77",
        expires_on=clock.today() + timedelta(days=90),
        reactions=500,
    )
    runs = []
    for _ in range(2):
        tubes = receive(lab, 10)
        planned = bench.plan(lab, pool_codes=desk.pool_up(lab, tubes), kit_lot="l-77")
        bench.read(lab, planned)
        review_run(actor=lab.actor("technician"), run_code=planned["run"])
        runs.append(planned["run"])
    open_plate = bench.plan(lab, pool_codes=desk.pool_up(lab, receive(lab, 10)), kit_lot="L-77")
    answer = withdraw_kit_lot(
        actor=lab.actor("supervisor"), lot_id=uuid.UUID(lot["lot_id"]), reason="recalled by its maker"
    )
    assert (answer["runs"], answer["results"]) == ([*runs, open_plate["run"]], 20)
    assert waiting_pools() == [("screen", 10, False), ("screen", 10, True), ("screen", 10, True)]
    with pytest.raises(Refused, match="withdrawn"):
        bench.plan(lab, kit_lot="L-77")
    assert_reconciled(db.session())


def test_a_withdrawal_costs_as_many_statements_for_90_pools_as_for_one(lab):
    small, _ = desk.run_tubes(lab, 1)
    large, _ = desk.run_tubes(lab, 90, size=1)
    with count_statements() as few:
        withdraw(lab, small)
    with count_statements() as many:
        withdraw(lab, large)
    assert len(many) <= len(few) + 4
    assert db.session.scalar(select(Sample.status).limit(1)) == "bound"
