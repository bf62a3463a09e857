"""One result is withdrawn: nobody goes on believing it, and somebody looks again."""

from __future__ import annotations

import uuid

import pytest
from outbox.town import give_phones
from pooling import bench
from pooling.received import samples_of
from reconciled import assert_reconciled
from results import desk
from results.test_pages_and_api import send
from signing import bearer
from sqlalchemy import select, update
from statements import count_statements

from lims import audit
from lims.errors import AlreadyDone, InvalidInput, NotFound, Refused, WrongState
from lims.extensions import db
from lims.intake.models import Declaration, Tube
from lims.outbox.models import Message
from lims.results.actions.amendment import amend_result
from lims.results.actions.release import hold_results
from lims.results.actions.result_withdrawal import withdraw_result
from lims.transaction import writing


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


def withdraw(world, tube: str, then: str = "retest", role: str = "supervisor", **more) -> dict:
    """Withdraw the latest version of a tube's result."""
    return withdraw_result(
        **{
            "actor": world.actor(role),
            "result_id": desk.result_of(tube).id,
            "then": then,
            "reason": "two labels were exchanged",
        }
        | more
    )


def told(template: str) -> list[str]:
    db.session.rollback()
    rows = db.session.scalars(select(Message).where(Message.template == template))
    return [row.data.get("tube", "") for row in rows]


def test_a_withdrawn_result_says_who_when_and_why_and_its_tube_waits_alone(lab):
    run, tubes = desk.run_tubes(lab, 10)
    desk.verify_and_release(lab, run)
    answer = withdraw(lab, tubes[3], role="supervisor_2")
    result = desk.result_of(tubes[3])
    assert (result.status, result.withdrawal_reason) == ("withdrawn", "two labels were exchanged")
    assert (result.verified_by_id, result.withdrawn_by_id) == (
        lab.actor("supervisor").user_id,
        lab.actor("supervisor_2").user_id,
    )
    assert result.withdrawn_at is not None
    assert (answer["was_released"], answer["asked"]) == (True, False)
    again = bench.pools_of(tubes[3])[-1]
    assert (again.code, again.status, again.member_count) == (answer["pool"], "closed", 1)
    assert samples_of(tubes[3])[0].status == "bound"
    assert {desk.result_of(tube).status for tube in tubes if tube != tubes[3]} == {"released"}
    assert_reconciled(db.session())


def test_tested_again_it_has_a_next_version_that_two_people_stand_for(lab):
    run, tubes = desk.run_tubes(lab, 3)
    desk.verify_and_release(lab, run)
    withdraw(lab, tubes[0])
    again = desk.run_plate(lab)
    assert again["results"] == 1
    desk.verify_and_release(lab, again["run"])
    assert [(row.version, row.status) for row in desk.results_of(tubes[0])] == [
        (2, "released"),
        (1, "superseded"),
    ]
    assert {pool.status for pool in bench.pools_of(tubes[0])} == {"resolved"}
    assert_reconciled(db.session())


def test_tested_again_and_positive_it_goes_the_way_of_a_positive(lab):
    run, tubes = desk.run_tubes(lab, 3)
    desk.verify_and_release(lab, run)
    code = withdraw(lab, tubes[0])["pool"]
    desk.run_plate(lab, {code: "detected"})
    assert (desk.result_of(tubes[0]).status, desk.result_of(tubes[0]).hold_reason) == (
        "held",
        "confirmation",
    )
    assert_reconciled(db.session())


def test_the_person_is_asked_for_a_new_sample(lab):
    run, tubes = desk.run_tubes(lab, 2)
    desk.verify_and_release(lab, run)
    answer = withdraw(lab, tubes[0], "resample")
    assert (answer["asked"], answer["pool"]) == (True, "")
    sample = samples_of(tubes[0])[0]
    assert sample.status == "superseded"
    declaration = db.session.get(Declaration, sample.declaration_id)
    assert (declaration.status, declaration.resample_reason) == ("open", "result_withdrawn")
    assert_reconciled(db.session())


def test_who_was_asked_already_is_not_asked_twice(lab):
    tube = desk.run_tubes(lab, 1, finding="inconclusive")[1][0]
    desk.run_plate(lab, {bench.pools_of(tube)[-1].code: "inconclusive"})
    desk.verify_and_release_one(lab, tube)
    answer = withdraw(lab, tube)
    assert (answer["pool"], answer["asked"]) == ("", False)
    sample = samples_of(tube)[0]
    assert (sample.status, sample.declaration.attempt) == ("superseded", 2)
    assert_reconciled(db.session())


def test_a_confirmed_positive_is_withdrawn_and_confirmed_again(lab):
    tube = desk.run_tubes(lab, 1, finding="detected")[1][0]
    bench.send_on(lab, [tube])
    desk.run_plate(lab, {bench.pools_of(tube)[-1].code: "detected"}, confirming=True)
    desk.verify_and_release_one(lab, tube, role="supervisor_confirming")
    code = withdraw(lab, tube, role="supervisor_confirming")["pool"]
    desk.run_plate(lab, {code: "detected"}, confirming=True)
    latest = desk.result_of(tube)
    assert (latest.version, latest.status, latest.finding) == (3, "preliminary", "detected")
    assert_reconciled(db.session())


def test_the_person_is_told_once_and_only_of_a_result_that_was_released(lab):
    run, tubes = desk.run_tubes(lab, 2)
    give_phones(tubes)
    withdraw(lab, tubes[0])
    assert told("result_checked_again") == []
    desk.verify_and_release(lab, run)
    withdraw(lab, tubes[1])
    assert len(told("result_checked_again")) == 1


def test_what_was_to_be_told_of_it_is_cancelled(lab):
    run, tubes = desk.run_tubes(lab, 1)
    give_phones(tubes)
    desk.verify_and_release(lab, run)
    withdraw(lab, tubes[0])
    rows = db.session.execute(select(Message.template, Message.status).where(Message.kind == "sms")).all()
    assert sorted(map(tuple, rows)) == [("result_checked_again", "queued"), ("result_ready", "cancelled")]


@pytest.mark.parametrize(
    ("more", "field"),
    [({"reason": " "}, "reason"), ({"reason": "x" * 501}, "reason"), ({"then": "burn"}, "then")],
    ids=["no reason", "a long one", "nothing that follows"],
)
def test_what_is_missing_is_named_by_its_field(lab, more, field):
    _run, tubes = desk.run_tubes(lab, 1)
    with pytest.raises(InvalidInput) as refused:
        withdraw(lab, tubes[0], **more)
    assert refused.value.field == field
    assert desk.result_of(tubes[0]).status == "preliminary"


@pytest.mark.parametrize("end", ["discarded", "several people"])
def test_a_tube_that_cannot_be_tested_again_is_not_promised_a_test(lab, end):
    mode = {"mode": "mixed", "people": 2} if end == "several people" else {}
    run, tubes = desk.run_tubes(lab, 1, **mode)
    desk.verify_and_release(lab, run)
    if end == "discarded":
        with writing() as session:
            session.execute(update(Tube).where(Tube.code == tubes[0]).values(status="discarded"))
    with pytest.raises(Refused, match="new sample") as refused:
        withdraw(lab, tubes[0])
    assert refused.value.field == "then"
    assert desk.result_of(tubes[0]).status == "released"
    assert withdraw(lab, tubes[0], "resample")["asked"]
    assert_reconciled(db.session())


def test_only_the_current_version_of_ones_own_laboratory_is_withdrawn_and_once(lab):
    run, tubes = desk.run_tubes(lab, 2)
    desk.verify_and_release(lab, run)
    with pytest.raises(NotFound):
        withdraw(lab, tubes[0], role="supervisor_confirming")
    first = desk.result_of(tubes[0]).id
    amend_result(actor=lab.actor("supervisor"), result_id=first, finding="inconclusive", reason="seen again")
    with pytest.raises(WrongState):
        withdraw(lab, tubes[0], result_id=first)
    withdraw(lab, tubes[0])
    with pytest.raises(AlreadyDone):
        withdraw(lab, tubes[0])


def test_what_waits_for_a_confirmation_is_not_withdrawn_but_what_a_supervisor_holds_is(lab):
    tube = desk.run_tubes(lab, 1, finding="detected")[1][0]
    with pytest.raises(Refused, match="ends by itself"):
        withdraw(lab, tube)
    _run, (other,) = desk.run_tubes(lab, 1)
    hold_results(actor=lab.actor("supervisor"), result_ids=[desk.result_of(other).id], note="label torn")
    assert withdraw(lab, other)["status"] == "withdrawn"
    assert desk.result_of(other).hold_note == "label torn"
    assert_reconciled(db.session())


def test_programs_withdraw_a_result_and_read_all_its_versions(lab, client):
    run, tubes = desk.run_tubes(lab, 1)
    desk.verify_and_release(lab, run)
    key = desk.result_of(tubes[0]).id
    body = {"then": "retest", "reason": "two labels were exchanged"}
    supervisor = lab.actor("supervisor_2")
    answer = send(client, supervisor, f"/results/{key}/withdraw", **body).json
    assert (answer["status"], answer["was_released"]) == ("withdrawn", True)
    assert send(client, supervisor, f"/results/{key}/withdraw", **body).status_code == 409
    shown = client.get(f"/api/v1/results/{key}", headers=bearer(supervisor)).json
    (version,) = shown["versions"]
    assert (version["verified_by"], version["withdrawn_by"]) == ("Supervisor", "Supervisor 2")
    assert version["withdrawn_because"] == "two labels were exchanged"
    other = bearer(lab.actor("supervisor_confirming"))
    assert client.get(f"/api/v1/results/{key}", headers=other).status_code == 404


def test_sent_twice_it_is_done_once(lab):
    run, tubes = desk.run_tubes(lab, 1)
    desk.verify_and_release(lab, run)
    key = uuid.uuid4()
    first = withdraw(lab, tubes[0], client_id=key, result_id=desk.result_of(tubes[0]).id)
    assert withdraw(lab, tubes[0], client_id=key) == first
    verbs = [line.verb for line in audit.list_events(db.session(), subject_ids=[desk.result_of(tubes[0]).id])]
    assert verbs == ["entered", "verified", "released", "withdrawn"]


def test_it_costs_the_same_in_a_pool_of_2_and_of_10(lab):
    spent = []
    for size in (2, 10):
        run, tubes = desk.run_tubes(lab, size)
        desk.verify_and_release(lab, run)
        with count_statements() as sent:
            withdraw(lab, tubes[0], result_id=desk.result_of(tubes[0]).id)
        spent.append(len(sent))
    assert spent[0] == spent[1]
