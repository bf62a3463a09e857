"""A mixed tube's count may come after its test: the people whose names were there are then told."""

from __future__ import annotations

import uuid

import pytest
from intake import people, rows
from journeys.next_steps import list_dead_ends
from pooling import bench
from pooling.received import receive, samples_of
from reconciled import assert_reconciled
from results import desk
from sqlalchemy import update

from lims.extensions import db
from lims.intake.actions.collections import close_tubes
from lims.intake.actions.reception import receive_tubes
from lims.intake.collecting import TubeClosing
from lims.intake.models import Tube
from lims.intake.queries.tubes import list_tubes_without_names
from lims.intake.receiving import ReceivedTube
from lims.results.actions.late_names import settle_late_binding
from lims.results.actions.withdrawal import withdraw_run
from lims.transaction import writing


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


def receive_uncounted(lab, declarations, session_id) -> str:
    """Bind people to a mixed tube and receive it before it is counted; return its code."""
    [tube] = people.print_tubes(lab, 1, "mixed")
    people.collect(lab, [people.scan(tube, code) for code in declarations], session_id)
    receive_tubes(
        actor=lab.actor("technician"), laboratory_id=lab.laboratory_id, tubes=[ReceivedTube(tube, "good")]
    )
    return tube


def count(lab, tube, swabs, session_id) -> None:
    """Count a mixed tube's swabs, as the session that filled it does."""
    closing = TubeClosing(uuid.uuid4(), tube, swabs)
    [verdict] = close_tubes(actor=lab.actor("collector"), session_id=session_id, closings=[closing])
    assert verdict["verdict"] == "good"


@pytest.mark.parametrize(("finding", "end"), [("not_detected", "resulted"), ("detected", "superseded")])
def test_a_count_that_comes_after_the_call_reports_the_names_that_were_there(lab, finding, end):
    session_id = uuid.uuid4()
    tube = receive_uncounted(lab, people.declare(lab, 2), session_id)
    [pool] = desk.pool_up(lab, [tube])
    desk.run_plate(lab, {pool: finding})
    assert desk.results_of(tube) == []
    count(lab, tube, 2, session_id)
    assert [sample.status for sample in samples_of(tube)] == [end, end]
    assert len(desk.results_of(tube)) == (2 if end == "resulted" else 0)
    assert bench.status_of(pool)[0] == "resolved"
    assert_reconciled(db.session())


@pytest.mark.parametrize("finding", ["detected", "inconclusive"])
def test_a_tube_that_was_tested_as_one_of_several_and_held_one_person_asks_that_person_again(lab, finding):
    """Nothing else was opened for it: neither a confirmation nor a repeat."""
    session_id = uuid.uuid4()
    [declaration] = people.declare(lab)
    tube = receive_uncounted(lab, [declaration], session_id)
    [pool] = desk.pool_up(lab, [tube])
    desk.run_plate(lab, {pool: finding})
    count(lab, tube, 1, session_id)
    assert [sample.status for sample in samples_of(tube)] == ["superseded"]
    asked = rows.declaration(declaration)
    assert (asked.status, asked.resample_reason, asked.attempt) == ("open", "mixed_positive", 2)
    assert [(one.code, one.status) for one in bench.pools_of(tube)] == [(pool, "resolved")]
    assert list_dead_ends(lab) == []
    assert_reconciled(db.session())


def test_a_repeat_that_is_on_its_way_is_waited_for_when_the_count_comes(lab):
    session_id = uuid.uuid4()
    [declaration] = people.declare(lab)
    tube = receive_uncounted(lab, [declaration], session_id)
    [pool] = desk.pool_up(lab, [tube])
    desk.run_plate(lab, {pool: "invalid"})
    count(lab, tube, 1, session_id)
    assert [sample.status for sample in samples_of(tube)] == ["bound"]
    assert rows.declaration(declaration).status == "sampled"
    assert [(one.attempt, one.status) for one in bench.pools_of(tube)] == [(1, "called"), (2, "closed")]
    assert list_dead_ends(lab) == []


def test_a_confirmation_that_is_on_its_way_is_waited_for_when_the_name_is_accepted(lab):
    """The tube was counted before its second test, so that this one opened a confirmation for its one person."""
    session_id = uuid.uuid4()
    [declaration] = people.declare(lab)
    tube = receive_uncounted(lab, [], session_id)
    [pool] = desk.pool_up(lab, [tube])
    first = desk.run_plate(lab, {pool: "detected"})
    people.collect(lab, [people.scan(tube, declaration)], session_id)
    count(lab, tube, 1, session_id)
    supervisor = lab.actor("supervisor")
    withdrawn = withdraw_run(actor=supervisor, run_code=first["run"], cause="kit_lot", reason="bad lot")
    desk.run_plate(lab, dict.fromkeys(withdrawn["pools"], "detected"))
    [late] = rows.discrepancies(kind="late_binding")
    settle_late_binding(
        actor=supervisor, discrepancy_id=late.id, settlement="accepted", note="the slip was found"
    )
    assert [(one.status, one.hold_reason) for one in desk.results_of(tube)] == [("held", "confirmation")]
    assert rows.declaration(declaration).status == "sampled"
    assert list_dead_ends(lab) == []
    assert_reconciled(db.session())


def test_a_count_higher_than_the_names_reports_nothing(lab):
    [tube] = receive(lab, 1, mode="mixed", people=2)
    session_id = uuid.uuid4()
    with writing() as session:
        session.execute(
            update(Tube).where(Tube.code == tube).values(closed_count=None, session_id=session_id)
        )
    [pool] = desk.pool_up(lab, [tube])
    desk.run_plate(lab)
    count(lab, tube, 3, session_id)
    assert desk.results_of(tube) == []
    assert bench.status_of(pool)[0] == "called"


def test_a_tube_that_lacks_a_name_or_its_count_stands_on_the_list_of_reception(lab):
    complete, lacking, uncounted, nameless = (
        *receive(lab, 2, mode="mixed", people=2),
        *receive(lab, 1, mode="mixed", people=2),
        *receive(lab, 1, named=False),
    )
    with writing() as session:
        session.execute(update(Tube).where(Tube.code == lacking).values(closed_count=3))
        session.execute(update(Tube).where(Tube.code == uncounted).values(closed_count=None))
    listed = list_tubes_without_names(db.session(), actor=lab.actor("technician"))
    assert [tube.code for tube in listed] == [lacking, uncounted, nameless]
    assert complete not in {tube.code for tube in listed}
