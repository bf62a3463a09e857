"""Two supervisors decide at the same moment: what is decided is decided once."""

from __future__ import annotations

import pytest
from outbox.town import give_phones
from pooling import bench
from results import desk
from results.certificates.test_issuing import at_once
from results.test_verification import detected_and_confirmed
from sqlalchemy import func, select

from lims.errors import AlreadyDone, Refused, WrongState
from lims.extensions import db
from lims.intake.models import Sample
from lims.outbox.models import Message
from lims.results.actions.amendment import amend_result
from lims.results.actions.release import hold_results, release_results, release_run
from lims.results.actions.result_withdrawal import withdraw_result
from lims.results.actions.verification import verify_results, verify_run


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


def test_two_supervisors_release_the_same_plate_at_once_and_each_person_is_told_once(app, lab):
    run, tubes = desk.run_tubes(lab, 20)
    give_phones(tubes)
    verify_run(actor=lab.actor("supervisor"), run_code=run)
    answers = at_once(
        app,
        *[
            lambda role=role: release_run(actor=lab.actor(role), run_code=run)
            for role in ("supervisor", "supervisor_2")
        ],
    )
    done = [answer["released"] for answer in answers if isinstance(answer, dict)]
    late = [answer for answer in answers if isinstance(answer, AlreadyDone)]
    assert (sum(done), len(done) + len(late)) == (20, 2)
    db.session.rollback()
    told = db.session.execute(
        select(Message.subject_id, func.count()).where(Message.kind == "sms").group_by(Message.subject_id)
    ).all()
    assert [count for _key, count in told] == [1] * 20


@pytest.mark.parametrize("second", ["release", "amend", "withdraw"])
def test_what_two_supervisors_decide_at_once_is_decided_once(app, lab, second):
    run, (tube,) = desk.run_tubes(lab, 1)
    verify_run(actor=lab.actor("supervisor"), run_code=run)
    key = desk.result_of(tube).id
    works = {
        "release": lambda: release_results(actor=lab.actor("supervisor_2"), result_ids=[key]),
        "amend": lambda: amend_result(
            actor=lab.actor("supervisor_2"), result_id=key, finding="inconclusive", reason="seen"
        ),
        "withdraw": lambda: withdraw_result(
            actor=lab.actor("supervisor_2"), result_id=key, then="retest", reason="seen"
        ),
    }
    hold = at_once(
        app,
        lambda: hold_results(actor=lab.actor("supervisor"), result_ids=[key], note="look again"),
        works[second],
    )
    db.session.rollback()
    versions = desk.results_of(tube)
    assert [row.version for row in versions] == list(range(len(versions), 0, -1))
    assert sum(row.status != "superseded" for row in versions) == 1
    for answer in hold:
        assert isinstance(answer, dict | Refused | WrongState | AlreadyDone), answer
    latest = versions[0]
    assert (latest.status == "held") == (latest.hold_reason is not None)
    assert latest.released_at is None or latest.verified_at is not None


def test_two_supervisors_amend_the_same_result_at_once_and_there_is_one_next_version(app, lab):
    run, (tube,) = desk.run_tubes(lab, 1)
    desk.verify_and_release(lab, run)
    key = desk.result_of(tube).id
    answers = at_once(
        app,
        *[
            lambda role=role: amend_result(
                actor=lab.actor(role), result_id=key, finding="inconclusive", reason=role
            )
            for role in ("supervisor", "supervisor_2")
        ],
    )
    assert sorted(isinstance(answer, dict) for answer in answers) == [False, True], answers
    assert [row.version for row in desk.results_of(tube)] == [2, 1]


def test_a_positive_looked_at_by_two_at_once_is_released_once(app, lab):
    tube = detected_and_confirmed(lab)
    key = desk.result_of(tube).id
    actor = lab.actor("supervisor_confirming")
    verify_results(actor=actor, result_ids=[key])
    answers = at_once(
        app, *[lambda: release_results(actor=actor, result_ids=[key], looked=True) for _ in range(2)]
    )
    assert sorted(answer["verdicts"][0]["verdict"] for answer in answers) == ["again", "good"]
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Sample).where(Sample.status == "resulted")) == 1
