"""A mixed tube's count may come after its test: the people whose names were there are then told."""

from __future__ import annotations

import uuid

import pytest
from intake import people
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
from lims.transaction import writing


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


@pytest.mark.parametrize(("finding", "end"), [("not_detected", "resulted"), ("detected", "superseded")])
def test_a_count_that_comes_after_the_call_reports_the_names_that_were_there(lab, finding, end):
    session_id = uuid.uuid4()
    declarations, [tube] = people.declare(lab, 2), people.print_tubes(lab, 1, "mixed")
    people.collect(lab, [people.scan(tube, code) for code in declarations], session_id)
    receive_tubes(
        actor=lab.actor("technician"), laboratory_id=lab.laboratory_id, tubes=[ReceivedTube(tube, "good")]
    )
    [pool] = desk.pool_up(lab, [tube])
    desk.run_plate(lab, {pool: finding})
    assert desk.results_of(tube) == []
    closing = TubeClosing(uuid.uuid4(), tube, 2)
    [verdict] = close_tubes(actor=lab.actor("collector"), session_id=session_id, closings=[closing])
    assert verdict["verdict"] == "good"
    assert [sample.status for sample in samples_of(tube)] == [end, end]
    assert len(desk.results_of(tube)) == (2 if end == "resulted" else 0)
    assert bench.status_of(pool)[0] == "resolved"
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
    closing = TubeClosing(uuid.uuid4(), tube, 3)
    close_tubes(actor=lab.actor("collector"), session_id=session_id, closings=[closing])
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
