"""Every state of a result, every step, every role: what the table of states and the permissions allow, and no more."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from outbox.town import give_phones
from pooling import bench
from results import desk
from results.certificates.test_issuing import at_once
from results.test_pages_and_api import send
from results.test_verification import detected_and_confirmed
from sqlalchemy import func, select

from lims.auth.rules import PERMISSIONS, ROLES
from lims.errors import AlreadyDone, Refused, WrongState
from lims.extensions import db
from lims.intake.models import Sample
from lims.outbox.models import Message
from lims.results.actions.amendment import amend_result
from lims.results.actions.release import hold_results, release_results, release_run, unhold_results
from lims.results.actions.result_withdrawal import withdraw_result
from lims.results.actions.verification import verify_results, verify_run
from lims.results.models import Result
from lims.results.rules import RESULT

# step → the state it leads to, the permission, the address under /api/v1, what is sent
STEPS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "verify": ("verified", "verify_results", "/results/verify", {}),
    "release": ("released", "release_results", "/results/release", {}),
    "hold": ("held", "release_results", "/results/hold", {"note": "look again"}),
    "unhold": ("preliminary", "release_results", "/results/unhold", {"note": "looked"}),
    "amend": (
        "superseded",
        "amend_results",
        "/results/{id}/amend",
        {"finding": "inconclusive", "reason": "seen"},
    ),
    "withdraw": (
        "withdrawn",
        "amend_results",
        "/results/{id}/withdraw",
        {"then": "resample", "reason": "seen"},
    ),
}
# what the table allows and a rule forbids: what is on hold is let go first; a withdrawn result has no sample to amend
FORBIDDEN = {("held", "amend"), ("withdrawn", "amend")}


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


def make_states(world) -> dict[str, list[uuid.UUID]]:
    """Return results in every state, one for each step."""
    each = len(STEPS)
    run, tubes = desk.run_tubes(world, len(RESULT.words) * each)
    verify_run(actor=world.actor("supervisor"), run_code=run)
    keys = [desk.result_of(tube).id for tube in tubes]
    made = {word: keys[place * each : (place + 1) * each] for place, word in enumerate(RESULT.words)}
    actor = world.actor("supervisor")
    hold_results(actor=actor, result_ids=made["held"] + made["preliminary"], note="look again")
    unhold_results(actor=actor, result_ids=made["preliminary"], note="looked")
    release_results(actor=actor, result_ids=made["released"])
    for key in made["withdrawn"]:
        withdraw_result(actor=actor, result_id=key, then="resample", reason="labels exchanged")
    for key in made["superseded"]:
        amend_result(actor=actor, result_id=key, finding="inconclusive", reason="seen again")
    for word, some in made.items():
        assert {state_of(key) for key in some} == {word}
    return made


def state_of(key: uuid.UUID) -> str:
    db.session.rollback()
    return db.session.scalar(select(Result.status).where(Result.id == key))


def picture() -> list[tuple[Any, ...]]:
    db.session.rollback()
    return [tuple(row) for row in db.session.execute(select(*Result.__table__.c).order_by(Result.id))]


def ask(client, actor, step: str, key: uuid.UUID) -> tuple[int, str]:
    """Take a step by the API; return the status of the answer, and the verdict where there is one."""
    _after, _permission, address, body = STEPS[step]
    named = {} if "{id}" in address else {"results": [str(key)]}
    answer = send(client, actor, address.format(id=key), **named, **body)
    verdicts = (answer.json or {}).get("verdicts") or [{}]
    return answer.status_code, verdicts[0].get("verdict", "")


def test_every_pair_of_state_and_step_for_every_role(lab, client):
    made = make_states(lab)
    wrong = []
    for state in RESULT.words:
        for place, (step, (after, permission, _address, _body)) in enumerate(STEPS.items()):
            key = made[state][place]
            before = picture()
            for role in ROLES:
                if permission in PERMISSIONS[role]:
                    continue
                status, _verdict = ask(client, lab.actor(role), step, key)
                if status != 403 or picture() != before:
                    wrong.append((state, step, role, status))
            status, _verdict = ask(client, lab.actor("supervisor_confirming"), step, key)
            if status != 404 or picture() != before:
                wrong.append((state, step, "of another laboratory", status))
            allowed = RESULT.can(state, after) and (state, step) not in FORBIDDEN
            status, verdict = ask(client, lab.actor("supervisor"), step, key)
            if allowed and (status, verdict or "good", state_of(key)) != (200, "good", after):
                wrong.append((state, step, "supervisor", status, verdict, state_of(key)))
            if not allowed and ((status == 200 and verdict not in ("wrong", "again")) or picture() != before):
                wrong.append((state, step, "supervisor, not allowed", status, verdict))
    assert wrong == [], "\n".join(map(str, wrong))


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
