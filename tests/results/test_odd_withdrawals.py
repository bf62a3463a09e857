"""Withdrawals in states that nobody plans for: nobody is left without a result, a test or a named end."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest
from factories import make_world
from pooling import bench
from pooling.received import bind, receive, samples_of
from reconciled import assert_reconciled
from results import desk
from sqlalchemy import select, update

from lims import clock
from lims.errors import LimsError, Refused
from lims.extensions import db
from lims.intake.actions.reception import reject_tubes
from lims.intake.actions.second_swabs import note_second_swabs
from lims.intake.models import Declaration, Discrepancy, Tube
from lims.pooling.actions.kit_lots import add_kit_lot
from lims.pooling.models import Run
from lims.results.actions.amendment import amend_result
from lims.results.actions.late_names import settle_discordance
from lims.results.actions.release import hold_results, release_results, release_run, unhold_results
from lims.results.actions.review import review_run
from lims.results.actions.verification import verify_results, verify_run
from lims.results.actions.withdrawal import withdraw_kit_lot, withdraw_run
from lims.results.models import Result
from lims.transaction import writing


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


def withdraw(world, run_code: str, cause: str = "swapped_plates", role: str = "supervisor") -> dict:
    """Withdraw a run as its supervisor does; the books balance afterwards."""
    answer = withdraw_run(
        actor=world.actor(role), run_code=run_code, cause=cause, reason="two plates were swapped"
    )
    assert_reconciled(db.session())
    return answer


def run_pools(world, made, findings=None) -> dict:
    """Plate some pools, read and review them."""
    planned = bench.plan(world, pool_codes=made)
    bench.read(world, planned, findings or {})
    return review_run(actor=world.actor("technician"), run_code=planned["run"])


def waiting_of(tube_code: str) -> list[tuple[str, int]]:
    """Return purpose and tubes of the pools in which a tube waits for a plate."""
    return [
        (pool.purpose, pool.member_count)
        for pool in bench.pools_of(tube_code)
        if pool.status in ("closed", "on_plate")
    ]


def pool_of(tube_code: str) -> str:
    """Return the code of the pool in which a tube waits."""
    return next(pool.code for pool in bench.pools_of(tube_code) if pool.status == "closed")


def open_kinds() -> list[str]:
    """Return the kinds of the discrepancies that are open."""
    db.session.rollback()
    return sorted(db.session.scalars(select(Discrepancy.kind).where(Discrepancy.status == "open")))


def test_an_amended_result_is_withdrawn_in_its_last_version_and_tested_again(lab):
    run, tubes = desk.run_tubes(lab, 3)
    desk.verify_and_release(lab, run)
    amend_result(
        actor=lab.actor("supervisor"),
        result_id=desk.result_of(tubes[0]).id,
        finding="inconclusive",
        reason="a curve without a rise",
    )
    verify_results(actor=lab.actor("supervisor_2"), result_ids=[desk.result_of(tubes[0]).id])
    answer = withdraw(lab, run)
    assert (answer["results"], answer["told"]) == (3, 2)
    assert [row.status for row in desk.results_of(tubes[0])] == ["withdrawn", "superseded"]
    assert waiting_of(tubes[0]) == [("screen", 3)]
    again = desk.run_plate(lab)
    desk.verify_and_release(lab, again["run"])
    assert (desk.result_of(tubes[0]).version, desk.result_of(tubes[0]).status) == (3, "released")
    assert_reconciled(db.session())


def test_an_amended_unclear_result_that_was_released_has_asked_for_a_new_sample_and_is_not_tested_again(lab):
    run, tubes = desk.run_tubes(lab, 2)
    desk.verify_and_release(lab, run)
    result = desk.result_of(tubes[0])
    amend_result(actor=lab.actor("supervisor"), result_id=result.id, finding="invalid", reason="no material")
    desk.verify_and_release_one(lab, tubes[0], role="supervisor_2")
    declaration = db.session.get(Declaration, samples_of(tubes[0])[0].declaration_id)
    assert declaration.status == "open"
    withdraw(lab, run)
    assert samples_of(tubes[0])[0].status == "superseded"
    assert waiting_of(tubes[0]) == []
    assert waiting_of(tubes[1]) == [("screen", 1)]


def test_results_on_hold_are_withdrawn_too_and_cannot_be_let_go_afterwards(lab):
    run, tubes = desk.run_tubes(lab, 2)
    ids = [desk.result_of(tube).id for tube in tubes]
    hold_results(actor=lab.actor("supervisor"), result_ids=ids[:1], note="the label was smeared")
    withdraw(lab, run)
    verdicts = unhold_results(actor=lab.actor("supervisor"), result_ids=ids, note="printed anew")["verdicts"]
    assert {verdict["verdict"] for verdict in verdicts} == {"wrong"}
    assert {desk.result_of(tube).status for tube in tubes} == {"withdrawn"}


@pytest.mark.parametrize("step", [verify_run, release_run])
def test_nothing_of_a_withdrawn_run_is_verified_or_released(lab, step):
    run, tubes = desk.run_tubes(lab, 2)
    if step is release_run:
        verify_run(actor=lab.actor("supervisor"), run_code=run)
    withdraw(lab, run)
    with pytest.raises(LimsError):
        step(actor=lab.actor("supervisor"), run_code=run)
    ids = [desk.result_of(tube).id for tube in tubes]
    verdicts = release_results(actor=lab.actor("supervisor"), result_ids=ids)["verdicts"]
    assert {verdict["verdict"] for verdict in verdicts} == {"wrong"}


def test_a_withdrawn_result_is_not_amended(lab):
    run, tubes = desk.run_tubes(lab, 1)
    withdraw(lab, run)
    with pytest.raises(Refused):
        amend_result(
            actor=lab.actor("supervisor"),
            result_id=desk.result_of(tubes[0]).id,
            finding="detected",
            reason="looked again",
        )


def test_a_negative_mixed_tube_is_tested_again_as_a_whole(lab):
    run, tubes = desk.run_tubes(lab, 1, mode="mixed", people=5, size=1)
    answer = withdraw(lab, run, cause="pool_map")
    assert answer["results"] == 5
    assert {sample.status for sample in samples_of(tubes[0])} == {"bound"}
    assert waiting_of(tubes[0]) == [("screen", 1)]
    again = desk.run_plate(lab)
    assert again["results"] == 5
    assert_reconciled(db.session())


def test_the_people_of_a_positive_mixed_tube_stay_asked_for_new_samples(lab):
    run, tubes = desk.run_tubes(lab, 1, mode="mixed", people=5, size=1, finding="detected")
    assert {sample.status for sample in samples_of(tubes[0])} == {"superseded"}
    answer = withdraw(lab, run)
    assert (answer["results"], answer["pools"]) == (0, [])
    assert {sample.status for sample in samples_of(tubes[0])} == {"superseded"}


def test_nameless_tubes_of_a_withdrawn_run_are_tested_again_and_reported_when_their_names_come(lab):
    named, nameless = receive(lab, 2), receive(lab, 2, named=False)
    made = desk.pool_up(lab, [*named, *nameless])
    first = run_pools(lab, made)
    assert first["results"] == 2
    withdraw(lab, first["run"])
    assert waiting_of(nameless[0]) == [("screen", 4)]
    bind(lab, nameless)
    again = desk.run_plate(lab)
    assert again["results"] == 4
    assert open_kinds() == []
    assert_reconciled(db.session())


def test_a_withdrawn_repeat_is_repeated_and_the_invalid_first_test_changes_nothing(lab):
    tubes = receive(lab, 3)
    made = desk.pool_up(lab, tubes)
    run_pools(lab, made, {made[0]: "invalid"})
    second = desk.run_plate(lab)
    assert second["results"] == 3
    withdraw(lab, second["run"])
    assert waiting_of(tubes[0]) == [("screen", 3)]
    assert bench.pools_of(tubes[0])[-1].attempt == 2
    assert desk.run_plate(lab)["results"] == 3
    assert_reconciled(db.session())


def test_withdrawing_the_invalid_first_test_leaves_what_its_repeat_found(lab):
    tubes = receive(lab, 3)
    made = desk.pool_up(lab, tubes)
    first = run_pools(lab, made, {made[0]: "invalid"})
    desk.run_plate(lab)
    answer = withdraw(lab, first["run"])
    assert (answer["results"], answer["pools"]) == (0, [])
    assert {desk.result_of(tube).status for tube in tubes} == {"preliminary"}


def test_a_found_person_after_a_withdrawn_discordance_is_released_without_it(lab):
    _, tubes = desk.run_tubes(lab, 3, finding="detected", laboratory_id=lab.laboratory_id)
    second = desk.run_plate(lab)
    withdraw(lab, second["run"])
    third = desk.run_plate(lab, {pool_of(tubes[0]): "detected"})
    assert third["results"] == 3
    verdict = desk.verify_and_release_one(lab, tubes[1])
    assert verdict["verdict"] == "good", verdict


def test_a_contradicting_confirmation_is_let_go_when_the_screening_is_withdrawn(lab):
    first, tubes = desk.run_tubes(lab, 1, finding="detected")
    bench.send_on(lab, tubes)
    desk.run_plate(lab, confirming=True)
    withdraw(lab, first)
    assert (desk.result_of(tubes[0]).finding, desk.result_of(tubes[0]).status) == (
        "not_detected",
        "preliminary",
    )
    assert open_kinds() == []
    verdict = desk.verify_and_release_one(lab, tubes[0], role="supervisor_confirming")
    assert verdict["verdict"] == "good", verdict
    assert_reconciled(db.session())


def test_settling_a_discordance_after_its_run_was_withdrawn_tells_nobody_anything(lab):
    desk.run_tubes(lab, 3, finding="detected")
    second = desk.run_plate(lab)
    db.session.rollback()
    (discordance,) = db.session.scalars(select(Discrepancy.id))
    withdraw(lab, second["run"])
    try:
        answer = settle_discordance(
            actor=lab.actor("supervisor"), discrepancy_id=discordance, settlement="accepted", note="looked at"
        )
        assert answer["results"] == 0
    except LimsError:
        pass
    db.session.rollback()
    assert set(db.session.scalars(select(Result.status))) == {"withdrawn"}
    assert_reconciled(db.session())


@pytest.fixture
def halving(app):
    world = make_world(positive_pool_strategy="halves")
    bench.install(world)
    return world


def halve(world):
    """Test a positive pool of ten and its two halves, the first of which is positive; return (tubes, halves' run)."""
    _, tubes = desk.run_tubes(world, 10, finding="detected")
    answer = desk.run_plate(world, {pool_of(tubes[0]): "detected"})
    assert answer["results"] == 5
    return tubes, answer["run"]


def test_a_lost_tube_of_a_withdrawn_half_is_asked_for_and_the_others_are_tested(halving):
    tubes, halves = halve(halving)
    reject_tubes(actor=halving.actor("technician"), tube_codes=[tubes[0], tubes[9]], reason="broken")
    answer = withdraw(halving, halves)
    assert samples_of(tubes[0])[0].status in ("rejected", "superseded")
    assert samples_of(tubes[9])[0].status in ("rejected", "superseded")
    assert [waiting_of(tube) for tube in tubes[1:9]] == [[("retest", 1)]] * 4 + [[("retest", 4)]] * 4
    assert len(answer["pools"]) == 1
    desk.run_plate(halving, {pool_of(tubes[1]): "detected"})
    assert_reconciled(db.session())


def test_a_nameless_tube_in_a_half_is_tested_alone_like_the_others(halving):
    named, nameless = receive(halving, 9), receive(halving, 1, named=False)
    made = desk.pool_up(halving, [*named, *nameless])
    run_pools(halving, made, {made[0]: "detected"})
    half = pool_of(nameless[0])
    desk.run_plate(halving, {half: "detected"})
    single = pool_of(nameless[0])
    desk.run_plate(halving, {single: "detected"})
    bind(halving, nameless)
    assert_reconciled(db.session())
    assert {desk.result_of(tube).finding for tube in named} == {"not_detected"}


@pytest.fixture
def swabbing(app):
    world = make_world(positive_pool_strategy="second_swab")
    bench.install(world)
    return world


def swab_twice(world, count: int):
    """Receive tubes of people with their second swabs."""
    tubes = receive(world, count)
    seconds = receive(world, count, named=False, status="printed")
    note_second_swabs(
        actor=world.actor("collector"),
        place_id=world.site_id,
        pairs=[{"tube": tube, "second": second} for tube, second in zip(tubes, seconds, strict=True)],
    )
    with writing() as session:
        session.execute(update(Tube).where(Tube.code.in_(seconds)).values(status="received"))
    return tubes, seconds


def test_withdrawing_the_pool_leaves_the_second_swabs_to_be_tested_on_their_own(swabbing):
    tubes, seconds = swab_twice(swabbing, 3)
    made = desk.pool_up(swabbing, tubes)
    first = run_pools(swabbing, made, {made[0]: "detected"})
    answer = withdraw(swabbing, first["run"])
    assert answer["pools"] == []
    assert {samples_of(tube)[0].status for tube in tubes} == {"superseded"}
    second = desk.run_plate(swabbing)
    assert (second["results"], second["held"]) == (3, 0)
    assert {desk.result_of(tube).finding for tube in seconds} == {"not_detected"}
    assert_reconciled(db.session())


def test_withdrawn_second_swabs_are_tested_again(swabbing):
    tubes, seconds = swab_twice(swabbing, 2)
    made = desk.pool_up(swabbing, tubes)
    run_pools(swabbing, made, {made[0]: "detected"})
    second = desk.run_plate(swabbing, {pool_of(seconds[0]): "detected"})
    answer = withdraw(swabbing, second["run"])
    assert answer["results"] == 2
    assert [samples_of(tube)[0].status for tube in seconds] == ["bound", "bound"]
    assert waiting_of(seconds[1]) == [("retest", 1)]


def test_a_second_swab_stands_in_though_the_first_tube_broke_on_the_plate(swabbing):
    tubes, seconds = swab_twice(swabbing, 3)
    made = desk.pool_up(swabbing, tubes)
    planned = bench.plan(swabbing, pool_codes=made)
    reject_tubes(actor=swabbing.actor("technician"), tube_codes=tubes[:1], reason="broken")
    bench.read(swabbing, planned, {made[0]: "detected"})
    review_run(actor=swabbing.actor("technician"), run_code=planned["run"])
    assert_reconciled(db.session())
    # the first person was asked for a new sample when the tube broke, or is tested from the second tube: never neither
    sample = samples_of(tubes[0])[0]
    assert waiting_of(seconds[0]) or db.session.get(Declaration, sample.declaration_id).status == "open"
    assert [waiting_of(tube) for tube in seconds[1:]] == [[("retest", 1)]] * 2


def kit_lot(world, number: str) -> uuid.UUID:
    """Add a lot of the usual kit."""
    made = add_kit_lot(
        actor=world.actor("supervisor"),
        laboratory_id=world.laboratory_id,
        assay_name="Screening ORF1ab + N",
        lot=number,
        expires_on=clock.today() + timedelta(days=90),
        reactions=500,
    )
    return uuid.UUID(made["lot_id"])


def test_a_recalled_lot_finds_the_runs_planned_before_it_was_among_the_lots(lab):
    tubes = receive(lab, 3)
    planned = bench.plan(lab, pool_codes=desk.pool_up(lab, tubes), kit_lot=" L-77 ")
    bench.read(lab, planned)
    review_run(actor=lab.actor("technician"), run_code=planned["run"])
    answer = withdraw_kit_lot(
        actor=lab.actor("supervisor"), lot_id=kit_lot(lab, "l-77"), reason="recalled by its maker"
    )
    assert answer["runs"] == [planned["run"]]
    assert {desk.result_of(tube).status for tube in tubes} == {"withdrawn"}


def test_a_recalled_lot_of_the_pool_and_of_its_retests_leaves_everybody_to_be_tested_once_more(lab):
    lot = kit_lot(lab, "L-77")
    tubes = receive(lab, 4)
    made = desk.pool_up(lab, tubes)
    planned = bench.plan(lab, pool_codes=made, kit_lot="L-77")
    bench.read(lab, planned, {made[0]: "detected"})
    review_run(actor=lab.actor("technician"), run_code=planned["run"])
    codes = [pool_of(tube) for tube in tubes]
    for some in (codes[:2], codes[2:]):
        planned = bench.plan(lab, pool_codes=some, kit_lot="L-77")
        bench.read(lab, planned)
        review_run(actor=lab.actor("technician"), run_code=planned["run"])
    assert open_kinds() == ["discordance"]
    withdraw_kit_lot(actor=lab.actor("supervisor"), lot_id=lot, reason="recalled by its maker")
    assert_reconciled(db.session())
    assert open_kinds() == []
    assert [len(waiting_of(tube)) for tube in tubes] == [1] * 4
    assert {samples_of(tube)[0].status for tube in tubes} == {"bound"}
    kit_lot(lab, "L-78")
    planned = bench.plan(lab, kit_lot="L-78")
    bench.read(lab, planned)
    answer = review_run(actor=lab.actor("technician"), run_code=planned["run"])
    assert (answer["results"], answer["held"]) == (4, 0)
    assert_reconciled(db.session())


def test_withdrawn_twice_over_the_third_test_counts(lab):
    run, tubes = desk.run_tubes(lab, 2)
    for version in (1, 2):
        desk.verify_and_release(lab, run)
        assert desk.result_of(tubes[0]).version == version
        withdraw(lab, run, cause=("pool_map", "kit_lot")[version - 1])
        run = desk.run_plate(lab)["run"]
    desk.verify_and_release(lab, run)
    assert [(row.version, row.status) for row in desk.results_of(tubes[0])] == [
        (3, "released"),
        (2, "superseded"),
        (1, "superseded"),
    ]
    assert_reconciled(db.session())


def at_once(app, *steps) -> list[BaseException]:
    """Do things at the same moment; return what failed."""
    barrier, failed = threading.Barrier(len(steps), timeout=20), []

    def one(step) -> None:
        with app.app_context():
            barrier.wait()
            try:
                step()
            except BaseException as error:
                failed.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=one, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    db.session.rollback()
    return failed


def test_two_supervisors_who_withdraw_one_run_at_once_withdraw_it_once(app, lab):
    run, tubes = desk.run_tubes(lab, 20)
    failed = at_once(
        app,
        *[
            lambda: withdraw_run(
                actor=lab.actor("supervisor"), run_code=run, cause="kit_lot", reason="bad lot"
            )
        ]
        * 2,
    )
    assert [type(error).__name__ for error in failed] == ["AlreadyDone"]
    assert [len(waiting_of(tube)) for tube in tubes] == [1] * 20
    assert_reconciled(db.session())


def test_a_pool_and_its_retests_withdrawn_at_once_leave_each_tube_one_test(app, lab):
    first, tubes = desk.run_tubes(lab, 6, finding="detected")
    second = desk.run_plate(lab, {pool_of(tubes[0]): "detected"})["run"]
    failed = at_once(
        app,
        *(
            lambda code=code: withdraw_run(
                actor=lab.actor("supervisor"), run_code=code, cause="kit_lot", reason="bad lot"
            )
            for code in (first, second)
        ),
    )
    assert failed == []
    assert [len(waiting_of(tube)) for tube in tubes] == [1] * 6
    assert {samples_of(tube)[0].status for tube in tubes} == {"bound"}
    assert_reconciled(db.session())


@pytest.mark.parametrize("step", [verify_run, release_run])
def test_a_run_withdrawn_while_it_is_verified_or_released_tells_nobody_anything_that_stands(app, lab, step):
    run, tubes = desk.run_tubes(lab, 30)
    if step is release_run:
        verify_run(actor=lab.actor("supervisor"), run_code=run)
    at_once(
        app,
        lambda: withdraw_run(actor=lab.actor("supervisor"), run_code=run, cause="kit_lot", reason="bad lot"),
        lambda: step(actor=lab.actor("supervisor_2"), run_code=run),
    )
    assert {desk.result_of(tube).status for tube in tubes} == {"withdrawn"}
    assert db.session.scalars(select(Run.status)).one() == "void"
    assert_reconciled(db.session())


def test_withdrawing_the_invalid_first_test_leaves_negative_retests_that_wait_for_their_siblings(lab):
    tubes = receive(lab, 4)
    made = desk.pool_up(lab, tubes)
    first = run_pools(lab, made, {made[0]: "invalid"})
    desk.run_plate(lab, {pool_of(tubes[0]): "detected"})
    run_pools(lab, [pool_of(tubes[0]), pool_of(tubes[1])])
    answer = withdraw(lab, first["run"])
    assert answer["pools"] == []  # each of the four has its own valid test, or waits for it
    assert [waiting_of(tube) for tube in tubes] == [[], [], [("retest", 1)], [("retest", 1)]]


def test_withdrawing_an_invalid_retest_leaves_its_negative_repeat_that_waits_for_the_siblings(lab):
    tubes = receive(lab, 2)
    made = desk.pool_up(lab, tubes)
    run_pools(lab, made, {made[0]: "detected"})
    code = pool_of(tubes[0])
    second = run_pools(lab, [code], {code: "invalid"})
    run_pools(lab, [pool_of(tubes[0])])
    answer = withdraw(lab, second["run"])
    assert answer["pools"] == []
    assert waiting_of(tubes[0]) == []


def test_a_nameless_tube_whose_repeat_was_negative_is_not_tested_a_third_time(lab):
    named, nameless = receive(lab, 1), receive(lab, 1, named=False)
    made = desk.pool_up(lab, [*named, *nameless])
    first = run_pools(lab, made, {made[0]: "invalid"})
    desk.run_plate(lab)
    answer = withdraw(lab, first["run"])
    assert answer["pools"] == []


def test_a_withdrawn_retest_settles_the_discordance_it_has_raised(lab):
    desk.run_tubes(lab, 3, finding="detected")
    second = desk.run_plate(lab)
    assert open_kinds() == ["discordance"]
    withdraw(lab, second["run"])
    assert open_kinds() == []


def test_a_withdrawn_confirmation_that_contradicted_settles_its_discordance(lab):
    _, tubes = desk.run_tubes(lab, 1, finding="detected")
    bench.send_on(lab, tubes)
    second = desk.run_plate(lab, confirming=True)
    assert second["held"] == 1
    assert open_kinds() == ["discordance"]
    withdraw(lab, second["run"], role="supervisor_confirming")
    assert waiting_of(tubes[0]) == [("confirm", 1)]
    assert open_kinds() == []


def test_a_confirmation_of_what_was_withdrawn_contradicts_nothing(lab):
    first, tubes = desk.run_tubes(lab, 1, finding="detected")
    bench.send_on(lab, tubes)
    withdraw(lab, first)
    assert waiting_of(tubes[0]) == [("confirm", 1)]
    answer = desk.run_plate(lab, confirming=True)
    assert (answer["results"], answer["held"]) == (1, 0)
    assert open_kinds() == []
    assert_reconciled(db.session())


def test_singles_of_a_withdrawn_half_still_answer_the_positive_pool(halving):
    tubes, halves = halve(halving)
    withdraw(halving, halves)
    assert [waiting_of(tube) for tube in (tubes[0], tubes[9])] == [[("retest", 1)], [("retest", 5)]]
    answer = desk.run_plate(halving)  # all negative
    assert (answer["results"], answer["held"]) == (10, 10)
    assert open_kinds() == ["discordance"]


def test_a_found_single_of_a_withdrawn_half_lets_the_other_half_go(halving):
    tubes, halves = halve(halving)
    withdraw(halving, halves)
    desk.run_plate(halving, {pool_of(tubes[0]): "detected"})
    assert [desk.result_of(tube).status for tube in tubes[5:]] == ["preliminary"] * 5
    assert open_kinds() == []


def test_halves_of_a_wrong_map_are_tested_alone_and_still_answer_the_positive_pool(halving):
    tubes, halves = halve(halving)
    withdraw(halving, halves, cause="pool_map")
    assert [waiting_of(tube) for tube in tubes] == [[("retest", 1)]] * 10
    answer = desk.run_plate(halving)
    assert (answer["results"], answer["held"]) == (10, 10)
    assert open_kinds() == ["discordance"]


def test_a_positive_pool_withdrawn_while_its_retests_are_reviewed_leaves_nobody_waiting(
    app, lab, monkeypatch
):
    from lims.pooling import resolution

    first, tubes = desk.run_tubes(lab, 4, finding="detected")
    half = bench.plan(lab, pool_codes=[pool_of(tube) for tube in tubes[:2]])
    bench.read(lab, half)
    real, read = resolution.load_groups, threading.Event()

    def slow_groups(session, parent_ids):
        # the review knows the positive pool; now that is withdrawn
        read.set()
        threading.Event().wait(1)
        return real(session, parent_ids)

    monkeypatch.setattr(resolution, "load_groups", slow_groups)

    def withdraw_meanwhile() -> None:
        read.wait(10)
        withdraw_run(actor=lab.actor("supervisor"), run_code=first, cause="kit_lot", reason="bad lot")

    failed = at_once(
        app,
        lambda: review_run(actor=lab.actor("technician"), run_code=half["run"]),
        withdraw_meanwhile,
    )
    assert failed == []
    monkeypatch.undo()
    desk.run_plate(lab)
    assert {samples_of(tube)[0].status for tube in tubes} == {"resulted"}
    assert_reconciled(db.session())
