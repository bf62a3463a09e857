"""A reviewed run becomes results, the next tests, or a failed run."""

from __future__ import annotations

import uuid

import pytest
from pooling import bench
from pooling.received import bind, receive, samples_of
from reconciled import assert_reconciled
from results import desk
from sqlalchemy import func, select
from statements import count_statements
from stating import declare

from lims import clock
from lims.audit import Event
from lims.errors import AlreadyDone, NotFound, WrongState
from lims.extensions import db
from lims.intake.actions.collections import register_collections
from lims.intake.actions.discrepancies import Finding, open_discrepancies
from lims.intake.collecting import CollectionScan
from lims.intake.models import Discrepancy, Tube
from lims.intake.settling import settler_of
from lims.pooling.models import Run
from lims.results.actions.release import release_results
from lims.results.actions.review import review_run
from lims.results.actions.verification import verify_results
from lims.results.models import Result
from lims.transaction import writing


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


def open_one(kind: str) -> Discrepancy:
    """Return the one open discrepancy of a kind."""
    db.session.rollback()
    return db.session.scalars(
        select(Discrepancy).where(Discrepancy.kind == kind, Discrepancy.status == "open")
    ).one()


def settle(world, kind: str, settlement: str, role: str = "supervisor") -> dict:
    """Settle the one open discrepancy of a kind as the discrepancies' page does."""
    return settler_of(kind)(
        actor=world.actor(role), discrepancy_id=open_one(kind).id, settlement=settlement, note="looked at it"
    )


def late_name(world, tube_code: str) -> None:
    """Bind a name to a tested tube and keep that it came late, as collection does."""
    bind(world, [tube_code])
    with writing() as session:
        session.info["actor"] = world.actor("collector")
        tube = session.scalars(select(Tube).where(Tube.code == tube_code)).one()
        sample = samples_of(tube_code)[-1]
        open_discrepancies(
            session,
            findings=[
                Finding(
                    kind="late_binding",
                    tube_id=tube.id,
                    declaration_id=sample.declaration_id,
                    place_id=world.site_id,
                    campaign_id=world.campaign_id,
                )
            ],
        )


def test_a_negative_pool_gives_all_its_members_a_preliminary_result(lab):
    _run, tubes = desk.run_tubes(lab, 10)
    results = [desk.result_of(tube) for tube in tubes]
    assert {(result.status, result.finding, result.version) for result in results} == {
        ("preliminary", "not_detected", 1)
    }
    assert {samples_of(tube)[0].status for tube in tubes} == {"resulted"}
    assert_reconciled(db.session())


def test_a_positive_pool_of_several_gives_nobody_a_result(lab):
    _run, tubes = desk.run_tubes(lab, 5, size=5, finding="detected")
    assert [desk.results_of(tube) for tube in tubes] == [[]] * 5
    assert {samples_of(tube)[0].status for tube in tubes} == {"bound"}
    assert_reconciled(db.session())


def test_failed_controls_give_no_result_and_put_the_pools_back(lab):
    tubes = receive(lab, 3)
    pool = desk.pool_up(lab, tubes)[0]
    answer = desk.run_plate(lab, {pool: "detected"}, spoilt="NTC")
    assert answer["status"] == "failed"
    assert answer["failure"]
    assert answer["results"] == 0
    assert bench.status_of(pool) == ("closed", None)
    assert [desk.results_of(tube) for tube in tubes] == [[]] * 3
    assert_reconciled(db.session())


def test_a_person_detected_where_nobody_may_confirm_is_held_until_the_second_laboratory_says_so(lab):
    tube = desk.run_tubes(lab, 1, finding="detected")[1][0]
    first = desk.result_of(tube)
    assert (first.status, first.hold_reason) == ("held", "confirmation")
    bench.send_on(lab, [tube])
    waiting = bench.pools_of(tube)[-1]
    desk.run_plate(lab, {waiting.code: "detected"}, confirming=True)
    second, old = desk.results_of(tube)
    assert (second.version, second.status, second.finding) == (2, "preliminary", "detected")
    assert second.laboratory_id == lab.confirming_id
    assert old.status == "superseded"
    assert desk.verify_and_release_one(lab, tube, role="supervisor_confirming")["verdict"] == "good"
    assert_reconciled(db.session())


def test_a_confirmation_that_contradicts_is_held_until_a_supervisor_decides(lab):
    tube = desk.run_tubes(lab, 1, finding="detected")[1][0]
    bench.send_on(lab, [tube])
    desk.run_plate(lab, confirming=True)
    held = desk.result_of(tube)
    assert (held.status, held.hold_reason, held.finding) == ("held", "discordance", "not_detected")
    settle(lab, "discordance", "accepted", role="coordinator")
    assert desk.result_of(tube).status == "preliminary"
    assert desk.verify_and_release_one(lab, tube, role="supervisor_confirming")["verdict"] == "good"
    assert_reconciled(db.session())


@pytest.mark.parametrize(
    ("settlement", "expected", "declaration"),
    [("accepted", "preliminary", "sampled"), ("resample", "withdrawn", "open")],
)
def test_all_members_negative_after_a_positive_pool_waits_for_the_supervisor(
    lab, settlement, expected, declaration
):
    _run, tubes = desk.run_tubes(lab, 3, size=3, finding="detected")
    desk.run_plate(lab)
    assert {desk.result_of(tube).hold_reason for tube in tubes} == {"discordance"}
    settle(lab, "discordance", settlement)
    assert {desk.result_of(tube).status for tube in tubes} == {expected}
    assert {samples_of(tube)[0].declaration.status for tube in tubes} == {declaration}
    assert_reconciled(db.session())


def test_a_discordance_cannot_be_dismissed(lab):
    desk.run_tubes(lab, 2, size=2, finding="detected")
    desk.run_plate(lab)
    with pytest.raises(Exception, match="cannot be dismissed"):
        settle(lab, "discordance", "dismissed")
    assert open_one("discordance").status == "open"


def test_a_positive_mixed_tube_asks_all_its_people_for_new_samples(lab):
    tube = receive(lab, 1, mode="mixed", people=4)[0]
    pool = desk.pool_up(lab, [tube])[0]
    answer = desk.run_plate(lab, {pool: "detected"})
    assert answer["asked_again"] == 4
    assert desk.results_of(tube) == []
    assert {(s.status, s.declaration.status) for s in samples_of(tube)} == {("superseded", "open")}
    assert_reconciled(db.session())


def test_a_tube_tested_before_its_name_reports_after_a_supervisor_accepted_the_name(lab):
    tube = receive(lab, 1, named=False)[0]
    desk.pool_up(lab, [tube])
    desk.run_plate(lab)
    assert desk.results_of(tube) == []
    late_name(lab, tube)
    answer = settle(lab, "late_binding", "accepted")
    assert answer["results"] == 1
    result = desk.result_of(tube)
    assert (result.status, result.finding) == ("preliminary", "not_detected")
    assert result.entered_by_id == lab.actor("supervisor").user_id
    assert {pool.status for pool in bench.pools_of(tube)} == {"resolved"}
    assert_reconciled(db.session())


def test_a_scan_that_comes_after_the_test_opens_the_discrepancy_by_itself(lab):
    tube = receive(lab, 1, named=False)[0]
    desk.pool_up(lab, [tube])
    desk.run_plate(lab)
    declared = declare(lab)[0]["declaration_code"]
    scan = CollectionScan(client_id=uuid.uuid4(), tube=tube, declaration=declared, occurred_at=clock.now())
    register_collections(
        actor=lab.actor("collector"), place_id=lab.site_id, session_id=uuid.uuid4(), scans=[scan]
    )
    assert desk.results_of(tube) == []
    assert settle(lab, "late_binding", "accepted")["results"] == 1
    assert_reconciled(db.session())


def test_who_accepted_a_late_name_does_not_verify_its_result(lab):
    tube = receive(lab, 1, named=False)[0]
    desk.pool_up(lab, [tube])
    desk.run_plate(lab)
    late_name(lab, tube)
    settle(lab, "late_binding", "accepted")
    ids = [desk.result_of(tube).id]
    verdict = verify_results(actor=lab.actor("supervisor"), result_ids=ids)["verdicts"][0]
    assert (verdict["verdict"], verdict["code"]) == ("wrong", "four_eyes")
    verify_results(actor=lab.actor("supervisor_2"), result_ids=ids)
    assert release_results(actor=lab.actor("supervisor_2"), result_ids=ids)["released"] == 1


@pytest.mark.parametrize(
    ("settlement", "sample", "declaration"),
    [("dismissed", "void", "open"), ("resample", "superseded", "open")],
)
def test_a_late_name_that_is_not_right_gets_no_result(lab, settlement, sample, declaration):
    tube = receive(lab, 1, named=False)[0]
    desk.pool_up(lab, [tube])
    desk.run_plate(lab)
    late_name(lab, tube)
    settle(lab, "late_binding", settlement)
    assert desk.results_of(tube) == []
    found = samples_of(tube)[0]
    assert (found.status, found.declaration.status) == (sample, declaration)
    assert_reconciled(db.session())


def test_a_run_is_reviewed_once_and_only_with_its_readings(lab):
    desk.pool_up(lab, receive(lab, 2))
    planned = bench.plan(lab)
    with pytest.raises(WrongState):
        review_run(actor=lab.actor("technician"), run_code=planned["run"])
    bench.read(lab, planned)
    review_run(actor=lab.actor("technician"), run_code=planned["run"])
    with pytest.raises(AlreadyDone):
        review_run(actor=lab.actor("technician"), run_code=planned["run"])


def test_a_repeated_review_is_answered_the_same_and_writes_nothing_twice(lab):
    desk.pool_up(lab, receive(lab, 2))
    planned = bench.plan(lab)
    bench.read(lab, planned)
    client_id = uuid.uuid4()
    answers = [
        review_run(actor=lab.actor("technician"), client_id=client_id, run_code=planned["run"])
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert db.session.scalar(select(func.count()).select_from(Result)) == 2


def test_another_laboratorys_run_does_not_exist(lab):
    desk.pool_up(lab, receive(lab, 2))
    planned = bench.plan(lab)
    bench.read(lab, planned)
    with pytest.raises(NotFound):
        review_run(actor=lab.actor("technician_confirming"), run_code=planned["run"])
    assert db.session.scalars(select(Run.status)).one() == "imported"


def test_a_review_leaves_one_event_for_the_run_each_result_and_each_sample(lab):
    desk.run_tubes(lab, 4)
    counts = dict(
        db.session.execute(
            select(Event.subject_kind, func.count())
            .where(Event.verb.in_(("reviewed", "entered", "resulted")))
            .group_by(Event.subject_kind)
        ).all()
    )
    assert counts == {"run": 1, "result": 4, "sample": 4}


def test_reviewing_costs_the_same_for_1_and_for_500_people(lab):
    spent = []
    for count in (1, 500):
        desk.pool_up(lab, receive(lab, count))
        planned = bench.plan(lab)
        bench.read(lab, planned)
        with count_statements() as sent:
            review_run(actor=lab.actor("technician"), run_code=planned["run"])
        spent.append(len(sent))
    assert spent[0] == spent[1]
