"""Verification and release: two people, nothing held, nothing without a test of its own."""

from __future__ import annotations

import functools
import uuid
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pooling import bench
from pooling.received import receive, samples_of
from reconciled import assert_reconciled
from results import desk
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from statements import count_statements

from lims.audit import Event
from lims.errors import AlreadyDone, InvalidInput, LimsError, NotFound, Refused, WrongState
from lims.extensions import db
from lims.intake.actions.discrepancies import Finding, open_discrepancies, settle_discrepancy
from lims.intake.models import Declaration, Discrepancy, Sample, Tube
from lims.pooling.models import Pool, PoolMember, Run
from lims.results.actions.amendment import amend_result
from lims.results.actions.release import hold_results, release_results, release_run, unhold_results
from lims.results.actions.verification import verify_results, verify_run
from lims.results.models import Result
from lims.transaction import writing


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


def events(verb: str) -> dict[str, int]:
    """Count the lines of a verb by kind of subject."""
    rows = db.session.execute(
        select(Event.subject_kind, func.count()).where(Event.verb == verb).group_by(Event.subject_kind)
    )
    return dict(rows.all())


def detected_and_confirmed(world) -> str:
    """Bring one person's sample to a preliminary "detected" at the laboratory that may confirm; return the tube."""
    tube = desk.run_tubes(world, 1, finding="detected")[1][0]
    bench.send_on(world, [tube])
    waiting = bench.pools_of(tube)[-1]
    desk.run_plate(world, {waiting.code: "detected"}, confirming=True)
    return tube


def test_a_whole_plate_of_negatives_is_verified_and_released_in_two_steps(lab):
    run, tubes = desk.run_tubes(lab, 12)
    assert verify_run(actor=lab.actor("supervisor"), run_code=run)["verified"] == 12
    assert release_run(actor=lab.actor("supervisor"), run_code=run)["released"] == 12
    assert {desk.result_of(tube).status for tube in tubes} == {"released"}
    assert {samples_of(tube)[0].declaration.status for tube in tubes} == {"closed"}
    assert events("verified") == {"run": 1, "result": 12}
    assert events("released") == {"run": 1, "result": 12}
    assert events("closed")["declaration"] == 12
    assert_reconciled(db.session())


def test_who_entered_the_values_does_not_verify_the_run(lab):
    run, tubes = desk.run_tubes(lab, 2)
    with pytest.raises(Refused, match="second person"):
        verify_run(actor=lab.actor("technician"), run_code=run)
    assert {desk.result_of(tube).status for tube in tubes} == {"preliminary"}
    assert events("verified") == {}


def test_who_entered_the_values_does_not_verify_a_single_result(lab):
    _run, tubes = desk.run_tubes(lab, 1)
    ids = [desk.result_of(tubes[0]).id]
    verdict = verify_results(actor=lab.actor("technician"), result_ids=ids)["verdicts"][0]
    assert (verdict["verdict"], verdict["code"]) == ("wrong", "four_eyes")
    assert desk.result_of(tubes[0]).status == "preliminary"


def test_the_database_itself_refuses_a_verifier_who_entered(lab):
    desk.run_tubes(lab, 1)
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(update(Result).values(status="verified", verified_by_id=Result.entered_by_id))
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(update(Run).values(verified_by_id=Run.entered_by_id))


def test_an_unverified_result_is_not_released(lab):
    run, tubes = desk.run_tubes(lab, 2)
    with pytest.raises(AlreadyDone, match="Verify first"):
        release_run(actor=lab.actor("supervisor"), run_code=run)
    ids = [desk.result_of(tubes[0]).id]
    verdict = release_results(actor=lab.actor("supervisor"), result_ids=ids)["verdicts"][0]
    assert verdict["verdict"] == "wrong"
    assert "not_verified" in verdict["obstacles"]
    assert desk.result_of(tubes[0]).status == "preliminary"


def test_positives_are_never_part_of_a_bulk_step(lab):
    first, second = detected_and_confirmed(lab), detected_and_confirmed(lab)
    ids = [desk.result_of(tube).id for tube in (first, second)]
    for step in (verify_results, release_results):
        with pytest.raises(Refused, match="one by one"):
            step(actor=lab.actor("supervisor_confirming"), result_ids=ids)
    assert desk.result_of(first).status == "preliminary"
    assert desk.verify_and_release_one(lab, first, role="supervisor_confirming")["verdict"] == "good"
    assert desk.result_of(second).status == "preliminary"


def test_verifying_a_run_leaves_its_positives_to_be_looked_at(lab):
    tube = detected_and_confirmed(lab)
    run = desk.result_of(tube).run.code
    assert verify_run(actor=lab.actor("supervisor_confirming"), run_code=run)["verified"] == 0
    assert desk.result_of(tube).status == "preliminary"


@pytest.mark.parametrize("about", ["tube", "person"])
def test_an_open_discrepancy_of_tube_or_person_blocks_until_it_is_settled(lab, about):
    run, tubes = desk.run_tubes(lab, 2)
    sample = samples_of(tubes[0])[0]
    kind = "tube_reused" if about == "tube" else "sampled_twice"
    with writing() as session:
        session.info["actor"] = lab.actor("collector")
        found = {"tube_id": sample.tube_id} if about == "tube" else {"declaration_id": sample.declaration_id}
        open_discrepancies(session, findings=[Finding(kind=kind, place_id=lab.laboratory_id, **found)])
    answer = verify_run(actor=lab.actor("supervisor"), run_code=run)
    assert (answer["verified"], [verdict["code"] for verdict in answer["verdicts"]]) == (1, ["discrepancy"])
    assert desk.result_of(tubes[0]).status == "preliminary"
    key = db.session.scalars(select(Discrepancy.id)).one()
    settle_discrepancy(
        actor=lab.actor("supervisor"), discrepancy_id=key, settlement="dismissed", note="a slip"
    )
    assert verify_run(actor=lab.actor("supervisor"), run_code=run)["verified"] == 1


def test_a_discrepancy_opened_after_the_verification_still_stops_the_release(lab):
    run, tubes = desk.run_tubes(lab, 2)
    verify_run(actor=lab.actor("supervisor"), run_code=run)
    with writing() as session:
        session.info["actor"] = lab.actor("collector")
        open_discrepancies(
            session, findings=[Finding(kind="tube_reused", tube_id=samples_of(tubes[0])[0].tube_id)]
        )
    assert release_run(actor=lab.actor("supervisor"), run_code=run)["released"] == 1
    assert desk.result_of(tubes[0]).status == "verified"


def test_a_tube_with_fewer_names_than_it_was_closed_with_releases_nothing(lab):
    run, tubes = desk.run_tubes(lab, 1, mode="mixed", people=3)
    with writing() as session:
        session.execute(update(Tube).where(Tube.code == tubes[0]).values(closed_count=4))
    answer = verify_run(actor=lab.actor("supervisor"), run_code=run)
    assert answer["verified"] == 0
    assert {verdict["code"] for verdict in answer["verdicts"]} == {"names_missing"}


@pytest.mark.parametrize(
    "spoiled", ["another tube's pool", "an uncalled pool", "a positive pool", "a failed run"]
)
def test_a_result_that_hangs_on_no_valid_test_of_its_own_tube_is_not_released(lab, spoiled):
    run, tubes = desk.run_tubes(lab, 1)
    verify_run(actor=lab.actor("supervisor"), run_code=run)
    with writing() as session:
        pool_id = desk.result_of(tubes[0]).pool_id
        if spoiled == "another tube's pool":
            session.execute(update(PoolMember).values(tube_id=_another_tube(session, lab)))
        elif spoiled == "an uncalled pool":
            session.execute(update(Pool).where(Pool.id == pool_id).values(status="closed"))
        elif spoiled == "a positive pool":
            session.execute(update(Pool).where(Pool.id == pool_id).values(finding="detected"))
        else:
            session.execute(update(Run).values(status="failed", verified_by_id=None))
    assert release_run(actor=lab.actor("supervisor"), run_code=run)["released"] == 0
    assert desk.result_of(tubes[0]).status == "verified"


def _another_tube(session, world) -> uuid.UUID:
    lot = session.scalars(select(Tube)).first()
    other = Tube(code="TXXXXXXXX", lot_id=lot.lot_id, campaign_id=lot.campaign_id, mode="single")
    session.add(other)
    session.flush()
    return other.id


def test_nobody_is_told_detected_from_a_pool_of_several(lab):
    _run, tubes = desk.run_tubes(lab, 2, size=2)
    amended = amend_result(
        actor=lab.actor("supervisor"),
        result_id=desk.result_of(tubes[0]).id,
        finding="detected",
        reason="typed wrong",
    )
    verdict = verify_results(actor=lab.actor("supervisor_2"), result_ids=[uuid.UUID(amended["result"])])[
        "verdicts"
    ][0]
    assert (verdict["verdict"], verdict["code"]) == ("wrong", "more_than_one_person")


def test_a_laboratory_that_may_not_confirm_reports_nobody_as_detected_not_even_by_an_amendment(lab):
    _run, tubes = desk.run_tubes(lab, 1)
    amended = amend_result(
        actor=lab.actor("supervisor"),
        result_id=desk.result_of(tubes[0]).id,
        finding="detected",
        reason="seen",
    )
    verdict = verify_results(actor=lab.actor("supervisor_2"), result_ids=[uuid.UUID(amended["result"])])
    assert verdict["verdicts"][0]["code"] == "may_not_confirm"


def test_a_result_on_hold_is_verified_again_after_it(lab):
    run, tubes = desk.run_tubes(lab, 2)
    verify_run(actor=lab.actor("supervisor"), run_code=run)
    ids = [desk.result_of(tubes[0]).id]
    hold_results(actor=lab.actor("supervisor"), result_ids=ids, note="the label looks odd")
    assert release_run(actor=lab.actor("supervisor"), run_code=run)["released"] == 1
    held = desk.result_of(tubes[0])
    assert (held.status, held.hold_reason, held.hold_note) == ("held", "supervisor", "the label looks odd")
    assert unhold_results(actor=lab.actor("supervisor"), result_ids=ids, note="a reprint")["unheld"] == 1
    after = desk.result_of(tubes[0])
    assert (after.status, after.verified_by_id) == ("preliminary", None)
    assert events("held") == {"result": 1}
    assert events("unheld") == {"result": 1}


def test_what_is_held_is_neither_verified_nor_released_and_the_reason_is_said(lab):
    tube = desk.run_tubes(lab, 1, finding="detected")[1][0]
    ids = [desk.result_of(tube).id]
    for step in (verify_results, release_results):
        verdict = step(actor=lab.actor("supervisor"), result_ids=ids)["verdicts"][0]
        assert (verdict["verdict"], verdict["code"]) == ("wrong", "held")
        assert "confirmation" in verdict["message"]
    assert desk.result_of(tube).status == "held"


def test_a_hold_needs_a_reason(lab):
    _run, tubes = desk.run_tubes(lab, 1)
    with pytest.raises(InvalidInput) as refused:
        hold_results(actor=lab.actor("supervisor"), result_ids=[desk.result_of(tubes[0]).id], note="  ")
    assert refused.value.field == "note"
    assert desk.result_of(tubes[0]).status == "preliminary"


def test_a_hold_for_confirmation_is_never_taken_off_by_hand(lab):
    tube = desk.run_tubes(lab, 1, finding="detected")[1][0]
    ids = [desk.result_of(tube).id]
    verdict = unhold_results(actor=lab.actor("supervisor"), result_ids=ids, note="it is late")["verdicts"][0]
    assert verdict["verdict"] == "wrong"
    assert desk.result_of(tube).status == "held"


def test_an_inconclusive_release_asks_for_a_new_sample_and_keeps_the_result(lab):
    tube = desk.run_tubes(lab, 1, finding="inconclusive")[1][0]
    assert desk.results_of(tube) == []
    waiting = bench.pools_of(tube)[-1]
    desk.run_plate(lab, {waiting.code: "inconclusive"})
    assert desk.verify_and_release_one(lab, tube)["verdict"] == "good"
    sample = samples_of(tube)[0]
    assert (sample.status, sample.finding) == ("resulted", "inconclusive")
    assert (sample.declaration.status, sample.declaration.attempt) == ("open", 2)
    assert_reconciled(db.session())


def test_an_amendment_is_a_new_version_with_both_people_and_the_old_one_is_kept(lab):
    run, tubes = desk.run_tubes(lab, 1)
    desk.verify_and_release(lab, run)
    first = desk.result_of(tubes[0])
    answer = amend_result(
        actor=lab.actor("supervisor"),
        result_id=first.id,
        finding="inconclusive",
        reason="curve looked at again",
    )
    second, old = desk.results_of(tubes[0])
    assert answer == {"result": str(second.id), "version": 2, "status": "preliminary"}
    assert (second.finding, second.amendment_reason) == ("inconclusive", "curve looked at again")
    assert (old.status, old.finding, old.released_at) == ("superseded", "not_detected", first.released_at)
    own = verify_results(actor=lab.actor("supervisor"), result_ids=[second.id])["verdicts"][0]
    assert own["code"] == "four_eyes"
    assert desk.verify_and_release_one(lab, tubes[0], role="supervisor_2")["verdict"] == "good"
    released = desk.result_of(tubes[0])
    assert (released.entered_by_id, released.verified_by_id) == (
        lab.actor("supervisor").user_id,
        lab.actor("supervisor_2").user_id,
    )
    assert_reconciled(db.session())


@pytest.mark.parametrize(
    ("finding", "reason", "field"), [("maybe", "because", "finding"), ("detected", " ", "reason")]
)
def test_an_amendment_needs_a_finding_and_a_reason(lab, finding, reason, field):
    _run, tubes = desk.run_tubes(lab, 1)
    with pytest.raises(InvalidInput) as refused:
        amend_result(
            actor=lab.actor("supervisor"),
            result_id=desk.result_of(tubes[0]).id,
            finding=finding,
            reason=reason,
        )
    assert refused.value.field == field
    assert len(desk.results_of(tubes[0])) == 1


def test_only_the_current_version_is_amended(lab):
    _run, tubes = desk.run_tubes(lab, 1)
    first = desk.result_of(tubes[0]).id
    change = {"finding": "invalid", "reason": "seen again"}
    amend_result(actor=lab.actor("supervisor"), result_id=first, **change)
    with pytest.raises(Refused):
        amend_result(actor=lab.actor("supervisor"), result_id=first, **change)
    assert len(desk.results_of(tubes[0])) == 2


@pytest.mark.parametrize(
    "step", [verify_results, release_results, functools.partial(unhold_results, note="a reprint")]
)
def test_another_laboratorys_result_does_not_exist(lab, step):
    _run, tubes = desk.run_tubes(lab, 1)
    ids = [desk.result_of(tubes[0]).id]
    with pytest.raises(NotFound):
        step(actor=lab.actor("supervisor_confirming"), result_ids=ids)
    with pytest.raises(NotFound):
        step(actor=lab.actor("supervisor"), result_ids=[*ids, uuid.uuid4()])


def test_an_unreviewed_run_is_not_verified(lab):
    desk.pool_up(lab, receive(lab, 1))
    planned = bench.plan(lab)
    bench.read(lab, planned)
    with pytest.raises(WrongState):
        verify_run(actor=lab.actor("supervisor"), run_code=planned["run"])


def test_verifying_or_releasing_twice_changes_nothing(lab):
    run, tubes = desk.run_tubes(lab, 1)
    desk.verify_and_release(lab, run)
    ids = [desk.result_of(tubes[0]).id]
    assert release_results(actor=lab.actor("supervisor"), result_ids=ids)["verdicts"][0]["verdict"] == "again"
    with pytest.raises(AlreadyDone):
        verify_run(actor=lab.actor("supervisor"), run_code=run)
    assert events("released") == {"run": 1, "result": 1}


def test_verifying_and_releasing_cost_the_same_for_1_and_for_500(lab):
    spent = []
    for count in (1, 500):
        run, _tubes = desk.run_tubes(lab, count)
        with count_statements() as sent:
            desk.verify_and_release(lab, run)
        spent.append(len(sent))
    assert spent[0] == spent[1]


STEPS = ("verify_run", "release_run", "verify", "release", "hold", "unhold", "amend", "doubt", "settle")


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(STEPS),
            st.sampled_from(("technician", "supervisor", "supervisor_2")),
            st.integers(0, 3),
            st.sampled_from(("not_detected", "inconclusive", "detected")),
        ),
        max_size=14,
    )
)
def test_no_order_of_steps_releases_what_is_unverified_held_in_doubt_or_of_one_person_alone(lab, steps):
    run, tubes = desk.run_tubes(lab, 3, size=2)
    for step, role, which, finding in steps:
        _take(lab, run, tubes[which % len(tubes)], step, lab.actor(role), finding)
        _assert_nothing_wrong_is_released()
    assert_reconciled(db.session())


def _take(world, run, tube, step, actor, finding) -> None:
    """Take one step; whatever is refused is refused."""
    ids = [desk.result_of(tube).id]
    sample = samples_of(tube)[0]
    try:
        if step == "verify_run":
            verify_run(actor=actor, run_code=run)
        elif step == "release_run":
            release_run(actor=actor, run_code=run)
        elif step == "verify":
            verify_results(actor=actor, result_ids=ids)
        elif step == "release":
            release_results(actor=actor, result_ids=ids)
        elif step == "hold":
            hold_results(actor=actor, result_ids=ids, note="wait")
        elif step == "unhold":
            unhold_results(actor=actor, result_ids=ids, note="seen")
        elif step == "amend":
            amend_result(actor=actor, result_id=ids[0], finding=finding, reason="again")
        elif step == "doubt":
            with writing() as session:
                session.info["actor"] = actor
                open_discrepancies(session, findings=[Finding(kind="tube_reused", tube_id=sample.tube_id)])
        else:
            key = db.session.scalars(select(Discrepancy.id).where(Discrepancy.status == "open")).first()
            if key:
                settle_discrepancy(actor=actor, discrepancy_id=key, settlement="accepted", note="looked at")
    except LimsError:
        db.session.rollback()


def _assert_nothing_wrong_is_released() -> None:
    db.session.rollback()
    released = db.session.execute(
        select(Result, Sample.tube_id).join(Sample).where(Result.status == "released")
    ).all()
    for result, tube_id in released:
        assert result.verified_by_id is not None
        assert result.verified_by_id != result.entered_by_id
        assert result.hold_reason is None
        assert (
            result.finding != "detected"
        )  # every pool here holds two people, or one that may not be confirmed
        doubted = db.session.scalars(
            select(Discrepancy.opened_at).where(Discrepancy.tube_id == tube_id, Discrepancy.status == "open")
        ).all()
        assert all(opened >= result.released_at - timedelta(0) for opened in doubted)
    open_ones = db.session.scalar(
        select(func.count())
        .select_from(Declaration)
        .join(Sample, Sample.declaration_id == Declaration.id)
        .join(Result, Result.sample_id == Sample.id)
        .where(Result.status == "released", Declaration.status == "sampled")
    )
    assert open_ones == 0
