"""When a tube is lost nobody waits for its test: neither its own people, nor those whom the test would have told."""

from __future__ import annotations

import pytest
from intake import people, rows
from pooling import bench
from pooling.received import receive, samples_of
from reconciled import assert_reconciled
from results import desk
from sqlalchemy import select
from statements import count_statements

from lims.errors import Refused, WrongState
from lims.extensions import db
from lims.intake.actions.boxes import dispatch_box, pack_tubes, seal_box
from lims.intake.actions.discrepancies import settle_discrepancy
from lims.intake.actions.reception import receive_box, receive_tubes, reconcile_box, reject_tubes
from lims.intake.models import Declaration, Tube
from lims.intake.receiving import ReceivedTube
from lims.pooling.actions import pools, runs
from lims.pooling.models import Pool, PoolMember
from lims.results.queries.portal import get_facts
from lims.results.reading import tell


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


@pytest.fixture
def positive(lab):
    """A positive pool of three whose retests wait; return the tubes."""
    return desk.run_tubes(lab, 3, finding="detected")[1]


def retest_of(tube: str) -> str:
    return bench.pools_of(tube)[-1].code


def run_only(world, findings) -> None:
    """Plate, read and review some pools alone."""
    planned = bench.plan(world, pool_codes=list(findings))
    bench.read(world, planned, findings)
    desk.review_run(actor=world.actor("technician"), run_code=planned["run"])


def reject(world, *tubes: str, confirming: bool = False) -> dict:
    actor = world.actor("technician_confirming" if confirming else "technician")
    return reject_tubes(actor=actor, tube_codes=tubes, reason="leaked")


def told(tube: str) -> str:
    """Return what the person of a tube reads."""
    sample = samples_of(tube)[0]
    return tell(get_facts(db.session(), declaration_id=sample.declaration_id).facts).status


def members(pool: str) -> list[str]:
    db.session.rollback()
    return list(
        db.session.scalars(
            select(Tube.code)
            .join(PoolMember, PoolMember.tube_id == Tube.id)
            .join(Pool, Pool.id == PoolMember.pool_id)
            .where(Pool.code == pool)
            .order_by(PoolMember.position)
        )
    )


def pool_status(pool: str) -> str:
    return bench.status_of(pool)[0]


def send_to_confirm(world, tube: str) -> str:
    """Pack a tube at the screening laboratory and send it to the one that may confirm; return the box."""
    (box,) = people.print_boxes(world)
    actor = world.actor("coordinator")
    pack_tubes(actor=actor, box_code=box, place_id=world.laboratory_id, tube_codes=[tube])
    seal_box(actor=actor, box_code=box)
    dispatch_box(actor=actor, box_code=box, laboratory_id=world.confirming_id)
    receive_box(actor=world.actor("technician_confirming"), box_code=box, laboratory_id=world.confirming_id)
    return box


# ---- the last open sibling of a positive pool ----


def test_negative_siblings_are_reported_when_the_last_tube_is_rejected_and_somebody_was_detected(
    lab, positive
):
    first, second, third = positive
    run_only(lab, {retest_of(first): "detected", retest_of(second): "not_detected"})
    assert samples_of(second)[0].status == "bound"
    waited = retest_of(third)
    assert reject(lab, third)["asked_again"] == 1
    found = desk.result_of(second)
    assert (found.status, found.finding, found.hold_reason) == ("preliminary", "not_detected", None)
    assert pool_status(waited) == "void"
    assert {pool.status for pool in bench.pools_of(second)} == {"resolved"}
    assert_reconciled(db.session())


def test_negative_siblings_are_a_discordance_when_the_last_tube_is_lost_and_nobody_was_detected(
    lab, positive
):
    first, second, third = positive
    run_only(lab, {retest_of(first): "not_detected", retest_of(second): "not_detected"})
    reject(lab, third)
    assert {desk.result_of(tube).hold_reason for tube in (first, second)} == {"discordance"}
    assert [kept.kind for kept in rows.discrepancies()] == ["discordance"]


def test_siblings_go_on_waiting_while_one_retest_is_open(lab, positive):
    first, second, third = positive
    run_only(lab, {retest_of(first): "not_detected"})
    reject(lab, second)
    assert desk.results_of(first) == []
    run_only(lab, {retest_of(third): "detected"})
    assert desk.result_of(first).finding == "not_detected"


def test_a_positive_pool_whose_tubes_are_all_lost_is_resolved_without_a_discordance(lab, positive):
    [parent] = {pool.code for pool in bench.pools_of(positive[0]) if pool.purpose == "screen"}
    reject(lab, *positive)
    assert pool_status(parent) == "resolved"
    assert rows.discrepancies() == []
    assert {told(tube) for tube in positive} == {"new_sample"}


def test_who_reported_a_sibling_entered_it_and_does_not_verify_it(lab, positive):
    first, second, third = positive
    run_only(lab, {retest_of(first): "detected", retest_of(second): "not_detected"})
    reject(lab, third)
    assert desk.result_of(second).entered_by_id == lab.actor("technician").user_id


def test_rejecting_many_tubes_costs_the_statements_of_few(lab):
    def cost(count):
        tubes = desk.run_tubes(lab, count, size=10, finding="detected")[1]
        with count_statements() as sent:
            reject(lab, *tubes)
        return len(sent)

    assert cost(10) == cost(40)


# ---- a held result whose tube never arrives ----


def test_a_tube_rejected_before_its_confirmation_asks_its_person_again(lab):
    tube = desk.run_tubes(lab, 1, finding="detected")[1][0]
    waiting = retest_of(tube)
    held = desk.result_of(tube)
    assert held.hold_reason == "confirmation"
    assert reject(lab, tube)["asked_again"] == 1
    assert (desk.result_of(tube).status, pool_status(waiting)) == ("withdrawn", "void")
    assert rows.verbs(held.id)[-1] == "withdrawn"
    assert samples_of(tube)[0].status == "superseded"
    assert told(tube) == "new_sample"
    assert_reconciled(db.session())


def test_a_tube_that_arrives_broken_for_its_confirmation_asks_its_person_again(lab):
    tube = desk.run_tubes(lab, 1, finding="detected")[1][0]
    box = send_to_confirm(lab, tube)
    receive_tubes(
        actor=lab.actor("technician_confirming"),
        laboratory_id=lab.confirming_id,
        box_code=box,
        tubes=[ReceivedTube(tube, "broken")],
    )
    assert (desk.result_of(tube).status, told(tube)) == ("withdrawn", "new_sample")
    assert pool_status(retest_of(tube)) == "void"


def test_a_tube_missing_on_its_way_to_the_confirmation_waits_for_a_supervisor_who_asks_again(lab):
    tube = desk.run_tubes(lab, 1, finding="detected")[1][0]
    box = send_to_confirm(lab, tube)
    reconcile_box(actor=lab.actor("technician_confirming"), box_code=box)
    [missing] = rows.discrepancies(kind="tube_missing")
    asked = {"actor": lab.actor("coordinator"), "discrepancy_id": missing.id, "note": "Nobody has it."}
    for wrong in ("accepted", "dismissed"):
        with pytest.raises(Refused, match="still missing"):
            settle_discrepancy(settlement=wrong, **asked)
    assert settle_discrepancy(settlement="resample", **asked)["asked_again"] == 1
    assert (desk.result_of(tube).status, told(tube)) == ("withdrawn", "new_sample")
    assert (rows.tube(tube).status, pool_status(retest_of(tube))) == ("rejected", "void")
    assert_reconciled(db.session())


def test_a_missing_tube_that_was_found_needs_no_new_sample(lab):
    tube = desk.run_tubes(lab, 1, finding="detected")[1][0]
    box = send_to_confirm(lab, tube)
    reconcile_box(actor=lab.actor("technician_confirming"), box_code=box)
    receive_tubes(
        actor=lab.actor("technician_confirming"),
        laboratory_id=lab.confirming_id,
        tubes=[ReceivedTube(tube, "good")],
    )
    [missing] = rows.discrepancies(kind="tube_missing")
    settle_discrepancy(
        actor=lab.actor("coordinator"), discrepancy_id=missing.id, settlement="accepted", note="Under the ice"
    )
    assert desk.result_of(tube).hold_reason == "confirmation"
    desk.run_plate(lab, {retest_of(tube): "detected"}, confirming=True)
    assert desk.result_of(tube).status == "preliminary"


def test_a_result_that_needs_its_tube_no_more_stays(lab):
    run, [tube] = desk.run_tubes(lab, 1)
    assert reject(lab, tube)["asked_again"] == 0
    desk.verify_and_release(lab, run)
    assert desk.result_of(tube).status == "released"


# ---- a pool that loses a tube before it is plated ----


def test_an_open_pool_loses_a_rejected_tube_and_takes_another(lab):
    first, second = receive(lab, 2)
    actor = lab.actor("technician")
    pool = pools.open_pool(actor=actor, laboratory_id=lab.laboratory_id)["pool"]
    pools.add_tubes(actor=actor, pool_code=pool, tube_codes=[first, second])
    reject(lab, first)
    assert (members(pool), pool_status(pool)) == ([second], "open")
    [third] = receive(lab, 1)
    assert pools.add_tubes(actor=actor, pool_code=pool, tube_codes=[third])["count"] == 2
    assert rows.verbs(bench.pools_of(second)[0].id) == [
        "opened",
        "tubes_added",
        "tubes_removed",
        "tubes_added",
    ]


def test_a_closed_pool_goes_on_without_a_rejected_tube_and_tells_the_others(lab):
    first, second = receive(lab, 2)
    [pool] = desk.pool_up(lab, [first, second])
    reject(lab, first)
    desk.run_plate(lab)
    assert (told(first), desk.result_of(second).finding) == ("new_sample", "not_detected")
    assert pool_status(pool) == "resolved"
    assert_reconciled(db.session())


def test_a_closed_pool_of_a_rejected_tube_alone_is_void(lab):
    [tube] = receive(lab, 1)
    [pool] = desk.pool_up(lab, [tube])
    reject(lab, tube)
    assert pool_status(pool) == "void"
    with pytest.raises(Refused, match="No closed pool waits"):
        bench.plan(lab)


def test_a_repeat_that_waits_for_its_new_extraction_is_made_of_the_tubes_that_are_left(lab):
    first, second, third = desk.run_tubes(lab, 3, finding="invalid")[1]
    repeat = retest_of(first)
    reject(lab, first)
    assert (members(repeat), pool_status(repeat)) == ([second, third], "closed")
    desk.run_plate(lab)
    assert desk.result_of(second).finding == "not_detected"
    reject(lab, *receive(lab, 1))
    assert_reconciled(db.session())


# ---- failed, void and reviewed runs ----


@pytest.mark.parametrize("end", [runs.fail_run, runs.void_run])
def test_pools_of_a_run_that_ends_wait_again_and_one_whose_tube_is_lost_is_over(lab, positive, end):
    first, second, third = positive
    run_only(lab, {retest_of(first): "detected", retest_of(second): "not_detected"})
    [other] = receive(lab, 1)
    desk.pool_up(lab, [other])
    planned = bench.plan(lab)
    runs.start_run(actor=lab.actor("technician"), run_code=planned["run"])
    reject(lab, third)
    assert pool_status(retest_of(third)) == "on_plate"
    end(actor=lab.actor("technician"), run_code=planned["run"], reason="power cut")
    assert (pool_status(retest_of(third)), pool_status(retest_of(other))) == ("void", "closed")
    assert desk.result_of(second).finding == "not_detected"


def test_a_run_whose_controls_failed_gives_up_the_tests_of_lost_tubes(lab, positive):
    first, second, third = positive
    run_only(lab, {retest_of(first): "detected", retest_of(second): "not_detected"})
    planned = bench.plan(lab)
    bench.read(lab, planned, spoilt="NTC")
    reject(lab, third)
    desk.review_run(actor=lab.actor("technician"), run_code=planned["run"])
    assert pool_status(retest_of(third)) == "void"
    assert desk.result_of(second).finding == "not_detected"
    assert_reconciled(db.session())


def test_a_reviewed_run_is_neither_failed_nor_void(lab):
    run, [tube] = desk.run_tubes(lab, 1)
    with pytest.raises(Refused, match="its results must be withdrawn instead"):
        runs.void_run(actor=lab.actor("technician"), run_code=run, reason="wrong plate")
    with pytest.raises(WrongState):
        runs.fail_run(actor=lab.actor("technician"), run_code=run, reason="wrong plate")
    assert desk.result_of(tube).status == "preliminary"
    assert pool_status(retest_of(tube)) == "resolved"


def test_a_negative_confirmation_of_somebody_asked_again_contradicts_nobody(lab):
    tube = desk.run_tubes(lab, 1, finding="detected")[1][0]
    box = send_to_confirm(lab, tube)
    receive_tubes(
        actor=lab.actor("technician_confirming"),
        laboratory_id=lab.confirming_id,
        box_code=box,
        tubes=[ReceivedTube(tube, "good")],
    )
    planned = bench.plan(lab, confirming=True)
    bench.read(lab, planned, confirming=True)
    reject(lab, tube, confirming=True)
    desk.review_run(actor=lab.actor("technician_confirming"), run_code=planned["run"])
    assert rows.discrepancies() == []
    assert told(tube) == "new_sample"
    assert db.session.scalars(select(Declaration.status)).all() == ["open"]


# ---- a tube that would leave its pool behind ----


def test_a_tube_that_waits_for_its_test_here_is_not_sent_to_another_laboratory(lab, positive):
    [box] = people.print_boxes(lab)
    sent = {"actor": lab.actor("coordinator"), "box_code": box, "place_id": lab.laboratory_id}
    [verdict] = pack_tubes(tube_codes=positive[:1], **sent)["verdicts"]
    assert (verdict["verdict"], verdict["code"]) == ("wrong", "in_test")
    assert rows.tube(positive[0]).status == "stored"
    run_only(lab, {retest_of(positive[0]): "detected"})
    [verdict] = pack_tubes(tube_codes=positive[:1], **sent)["verdicts"]
    assert verdict["verdict"] == "good", "its confirmation waits in another laboratory"
