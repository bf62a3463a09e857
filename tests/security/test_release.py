"""R8 and R10: in whatever order whoever does whatever, nobody is told anything that a valid test of their own sample,
verified by a second person and released, does not say.
"""

from __future__ import annotations

import uuid
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pooling import bench
from pooling.received import receive, samples_of
from results import desk
from security.stage import BORN, Stage
from sqlalchemy import select

from lims.extensions import db
from lims.intake.actions.declarations import reissue_result_code
from lims.intake.models import Sample, Tube
from lims.intake.result_codes import result_code_for
from lims.pooling.actions import runs
from lims.pooling.models import Pool, Run
from lims.results.models import Result

ROLES = (
    "technician",
    "supervisor",
    "supervisor_2",
    "supervisor_confirming",
    "other_supervisor",
    "coordinator",
)
STEPS = ("review", "verify", "release", "verify_one", "release_one", "hold", "unhold", "amend", "withdraw")
FINDINGS = ("not_detected", "detected", "inconclusive", "invalid")


def _prepare(stage: Stage, people: int, finding: str, reviewed: bool) -> tuple[str, list[str], list[str]]:
    """Bring one pool through its plate; return the run, its tubes and the result codes of their people."""
    world = stage.world
    with stage.app.app_context():
        tubes = receive(world, people)
        (pool,) = desk.pool_up(world, tubes)
        actor = world.actor("technician")
        planned = runs.plan_run(actor=actor, laboratory_id=world.laboratory_id, pool_codes=[pool])
        bench.read(world, planned, {pool: finding})
        if reviewed:
            desk.review_run(actor=actor, run_code=planned["run"])
        secrets = []
        for tube in tubes:
            key = uuid.uuid4()
            reissue_result_code(
                actor=world.actor("health_worker"),
                client_id=key,
                declaration_code=samples_of(tube)[0].declaration.code,
            )
            secrets.append(result_code_for(stage.app.extensions["lims.vault"], client_id=key))
        db.session.remove()
    return planned["run"], tubes, secrets


def _step(stage: Stage, step: str, role: str, run: str, tubes: list[str]) -> None:
    with stage.app.app_context():
        ids = [str(result.id) for tube in tubes for result in desk.results_of(tube)] or [str(uuid.uuid4())]
        db.session.remove()
    body: dict[str, Any] = {"client_id": str(uuid.uuid4())}
    one = body | {"results": ids[:1], "looked": True}
    address, sent = {
        "review": (f"/runs/{run}/review", body),
        "verify": (f"/runs/{run}/verify", body),
        "release": (f"/runs/{run}/release", body),
        "verify_one": ("/results/verify", one),
        "release_one": ("/results/release", one),
        "hold": ("/results/hold", one | {"note": "look again"}),
        "unhold": ("/results/unhold", one | {"note": "looked"}),
        "withdraw": (f"/results/{ids[0]}/withdraw", body | {"then": "resample", "reason": "curve"}),
        "amend": (f"/results/{ids[0]}/amend", body | {"finding": "detected", "reason": "curve"}),
    }[step]
    answer = stage.app.test_client(use_cookies=False).post(
        f"/api/v1{address}", json=sent, headers=stage.bearer(role)
    )
    assert answer.status_code in (200, 403, 404, 409), (step, role, answer.text)


def _check_released(tubes: list[str]) -> dict[str, tuple[str, str] | None]:
    """Check every released version of some tubes; return what each tube's person may be told."""
    told: dict[str, tuple[str, str] | None] = {}
    for tube in tubes:
        rows = db.session.execute(
            select(Result, Pool, Run)
            .join(Sample, Sample.id == Result.sample_id)
            .join(Tube, Tube.id == Sample.tube_id)
            .join(Pool, Pool.id == Result.pool_id)
            .join(Run, Run.id == Result.run_id)
            .where(Tube.code == tube)
        ).all()
        current = [row.Result for row in rows if row.Result.status != "superseded"]
        told[tube] = next(((one.finding, one.status) for one in current if one.status == "released"), None)
        for result, pool, run in rows:
            if result.released_at is None:
                continue
            assert result.verified_at is not None
            assert result.verified_at <= result.released_at
            assert result.verified_by_id is not None
            assert result.verified_by_id != result.entered_by_id
            assert run.status in ("reviewed", "verified")
            assert pool.finding is not None
            if result.finding == "not_detected":
                assert pool.finding == "not_detected", "a positive or invalid pool releases nobody"
            if result.finding == "detected":
                assert pool.member_count == 1, "nobody is told detected from a pool of several"
    return told


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    people=st.sampled_from([1, 1, 3]),
    finding=st.sampled_from(FINDINGS),
    reviewed=st.booleans(),
    steps=st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from(ROLES)), min_size=2, max_size=10),
)
def test_nothing_is_told_that_is_not_tested_verified_and_released(stage, people, finding, reviewed, steps):
    run, tubes, secrets = _prepare(stage, people, finding, reviewed)
    for step, role in [*steps, ("verify", "supervisor"), ("release", "supervisor")]:
        _step(stage, step, role, run, tubes)
    with stage.app.app_context():
        told = _check_released(tubes)
        db.session.remove()
    for tube, secret in zip(tubes, secrets, strict=True):
        answer = (
            stage.app.test_client()
            .post("/api/v1/results/read", json={"result_code": secret, "birth_date": BORN})
            .json
        )
        released = told[tube]
        if answer["status"] == "new_sample":
            continue
        if released is None:
            assert answer["finding"] is None
            assert answer["status"] not in FINDINGS
        else:
            spoken = "inconclusive" if released[0] == "invalid" else released[0]
            assert answer["finding"] == spoken


def test_a_plate_of_negatives_with_one_that_is_not_ready_releases_the_others_only(stage):
    run, tubes, _secrets = _prepare(stage, 3, "not_detected", True)
    with stage.app.app_context():
        held = str(desk.result_of(tubes[0]).id)
        db.session.remove()
    client = stage.app.test_client(use_cookies=False)
    for address, more in (
        (f"/runs/{run}/verify", {}),
        ("/results/hold", {"results": [held], "note": "look again"}),
        (f"/runs/{run}/release", {}),
    ):
        sent = {"client_id": str(uuid.uuid4())} | more
        answer = client.post(f"/api/v1{address}", json=sent, headers=stage.bearer("supervisor"))
        assert answer.status_code == 200, answer.text
    with stage.app.app_context():
        assert [desk.result_of(tube).status for tube in tubes] == ["held", "released", "released"]
        _check_released(tubes)
        db.session.remove()
