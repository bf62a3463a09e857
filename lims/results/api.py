"""Review, verification, release and reading for programs."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from apiflask import APIBlueprint
from flask import request
from pydantic import BaseModel, Field

from lims import codes
from lims.auth.queries import map_display_names
from lims.extensions import db
from lims.language import LANGUAGES, choose, say
from lims.results import portal
from lims.results.actions.amendment import amend_result
from lims.results.actions.release import (
    hold_results,
    release_list,
    release_results,
    release_run,
    unhold_results,
)
from lims.results.actions.result_withdrawal import withdraw_result
from lims.results.actions.review import review_run
from lims.results.actions.verification import verify_list, verify_results, verify_run
from lims.results.actions.withdrawal import withdraw_run
from lims.results.models import Result
from lims.results.queries import desk, lists
from lims.results.queries import results as queries
from lims.results.queries.versions import map_certificates
from lims.results.reading import STEPS
from lims.security import current_actor, needs

results_api = APIBlueprint("results_api", __name__, url_prefix="/api/v1", tag="Results")
MOST_RESULTS = 5000


class Once(BaseModel):
    """What is sent once: the id its sender made."""

    client_id: uuid.UUID


class Chosen(Once):
    """Results chosen by their ids."""

    results: list[uuid.UUID] = Field(min_length=1, max_length=MOST_RESULTS)


class ToRelease(Chosen):
    """Results to be released, and whether their curves were seen: asked of a positive."""

    looked: bool = Field(
        default=False,
        description="You have seen the curves of its wells, or its Ct values where the run has no curves. A result "
        "“detected” is not released without it; who, when and what is kept.",
    )


class Held(Chosen):
    """Results to be put on hold, and why; or to be taken off, and what was found out."""

    note: str = Field(max_length=500)


class Amendment(Once):
    """What is to be reported from now on, and why."""

    finding: str = Field(max_length=24)
    reason: str = Field(max_length=500)


class ResultWithdrawal(Once):
    """What follows where one result is withdrawn, and what happened."""

    then: str = Field(
        max_length=24, description="“retest”: the kept tube, alone. “resample”: a new sample of the person."
    )
    reason: str = Field(max_length=500)


class OneList(BaseModel):
    """Which list: a household or a box by its code, a commune by its id."""

    kind: str = Field(max_length=24, description="household, box or commune")
    key: str = Field(max_length=80)


class ListStep(OneList, Once):
    """A step with the negatives of one list."""


class Withdrawal(Once):
    """What was wrong with a run, and what happened."""

    cause: str = Field(max_length=24)
    reason: str = Field(max_length=500)


class ReadResult(BaseModel):
    """A result code and the second fact."""

    result_code: str = Field(max_length=200)
    birth_date: str = Field(max_length=40)


class ResultsAsked(BaseModel):
    """Which results to list; everything left out means all."""

    laboratory_id: uuid.UUID | None = None
    run: str = Field(default="", max_length=40)
    status: str = Field(default="", max_length=24)
    finding: str = Field(default="", max_length=24)
    after: uuid.UUID | None = None
    most: int = Field(default=100, ge=1, le=MOST_RESULTS)


def _spoken(verdicts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return verdicts with their message in the caller's language."""
    return [
        {name: value for name, value in verdict.items() if name != "parameters"}
        | {"message": say(verdict["message"], verdict["parameters"])}
        for verdict in verdicts
    ]


def _plate(run_code: str) -> str:
    return codes.parse(run_code, expect="plate", field="run_code").text


@results_api.post("/runs/<run_code>/review")
@results_api.input(Once)
@results_api.doc(
    summary="Apply the calls of a run: results, retests, or a failed run", responses=[404, 409, 422]
)
@needs("record_readings")
def review(run_code: str, json_data: Once) -> dict[str, Any]:
    """Review a run."""
    answer = review_run(actor=current_actor(), client_id=json_data.client_id, run_code=_plate(run_code))
    run = queries.get_run(db.session(), actor=current_actor(), code=answer["run"])
    pools = [
        {"pool": pool.code, "purpose": pool.purpose, "status": pool.status, "finding": pool.finding}
        for pool in queries.list_pools_of_run(db.session(), run_id=run.id)
    ]
    failure = [
        dict(reason) | {"message": say(str(reason["message"]), dict(reason.get("parameters") or {}))}
        for reason in answer["failure"]
    ]
    return answer | {"failure": failure, "pools": pools}


@results_api.post("/runs/<run_code>/verify")
@results_api.input(Once)
@results_api.doc(summary="Verify a run and its negatives, as a second person", responses=[404, 409, 422])
@needs("verify_results")
def verify_whole_run(run_code: str, json_data: Once) -> dict[str, Any]:
    """Verify a run."""
    answer = verify_run(actor=current_actor(), client_id=json_data.client_id, run_code=_plate(run_code))
    return answer | {"verdicts": _spoken(answer["verdicts"])}


@results_api.post("/runs/<run_code>/release")
@results_api.input(Once)
@results_api.doc(summary="Release the verified negatives of a run", responses=[404, 409, 422])
@needs("release_results")
def release_whole_run(run_code: str, json_data: Once) -> dict[str, Any]:
    """Release a run."""
    answer = release_run(actor=current_actor(), client_id=json_data.client_id, run_code=_plate(run_code))
    return answer | {"verdicts": _spoken(answer["verdicts"])}


def _as_row(result: Result) -> dict[str, Any]:
    return {
        "id": str(result.id),
        "tube": result.sample.tube.code,
        "version": result.version,
        "status": result.status,
        "finding": result.finding,
        "hold_reason": result.hold_reason,
        "run": result.run.code,
        "pool": result.pool.code,
        "laboratory_id": str(result.laboratory_id),
        "created_at": result.created_at.isoformat(),
    }


@results_api.get("/results")
@results_api.input(ResultsAsked, location="query")
@results_api.doc(summary="Current results of the caller's laboratories, keyset-paged", responses=[404, 422])
@needs("see_laboratory")
def list_results(query_data: ResultsAsked) -> dict[str, Any]:
    """List results."""
    run = (
        queries.get_run(db.session(), actor=current_actor(), code=_plate(query_data.run))
        if query_data.run
        else None
    )
    found = queries.list_results(
        db.session(),
        actor=current_actor(),
        laboratory_id=query_data.laboratory_id,
        run_id=run.id if run else None,
        status=query_data.status,
        finding=query_data.finding,
        after=query_data.after,
        most=query_data.most,
    )
    following = str(found[-1].id) if len(found) == query_data.most else None
    return {"results": [_as_row(result) for result in found], "next": following}


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _as_version(result: Result, names: Mapping[Any, str], certificates: Sequence[Any]) -> dict[str, Any]:
    return {
        "id": str(result.id),
        "version": result.version,
        "status": result.status,
        "finding": result.finding,
        "amended_because": result.amendment_reason,
        "entered_at": _moment(result.created_at),
        "entered_by": names.get(result.entered_by_id, ""),
        "verified_at": _moment(result.verified_at),
        "verified_by": names.get(result.verified_by_id, ""),
        "released_at": _moment(result.released_at),
        "released_by": names.get(result.released_by_id, ""),
        "look": result.look,
        "hold_reason": result.hold_reason,
        "held_because": result.hold_note,
        "hold_ended_because": result.hold_end_note,
        "withdrawn_at": _moment(result.withdrawn_at),
        "withdrawn_by": names.get(result.withdrawn_by_id, ""),
        "withdrawn_because": result.withdrawal_reason,
        "certificates": [
            {"issued_at": _moment(one.issued_at), "revoked_at": _moment(one.revoked_at)}
            for one in certificates
        ],
    }


@results_api.get("/results/<uuid:result_id>")
@results_api.doc(
    summary="A result with all its versions, the latest first, and who stands for each", responses=[404]
)
@needs("see_laboratory")
def show_result(result_id: uuid.UUID) -> dict[str, Any]:
    """Show a result's record."""
    session = db.session()
    result = queries.get_result(session, actor=current_actor(), result_id=result_id)
    versions = queries.list_versions(session, sample_id=result.sample_id)
    names = map_display_names(
        session,
        user_ids=[
            key
            for one in versions
            for key in (one.entered_by_id, one.verified_by_id, one.released_by_id, one.withdrawn_by_id)
        ],
    )
    certificates = map_certificates(session, result_ids=[one.id for one in versions])
    return _as_row(result) | {
        "versions": [_as_version(one, names, certificates.get(one.id, ())) for one in versions]
    }


def _waiting(waiting: desk.Waiting) -> dict[str, Any]:
    return {
        "clean_to_verify": waiting.clean_to_verify,
        "clean_to_release": waiting.clean_to_release,
        "is_cut": waiting.is_cut,
        "blocked": [
            {
                "code": row.code,
                "count": row.count,
                "results": [
                    {
                        "result": str(standing.result_id),
                        "tube": standing.tube_code,
                        "message": say(obstacle.message, obstacle.parameters),
                    }
                    for standing, obstacle in row.first
                ],
            }
            for row in waiting.blocked
        ],
    }


@results_api.get("/runs/<run_code>/desk")
@results_api.doc(
    summary="What waits of a run and what blocks it, its controls, and what was marked", responses=[404, 422]
)
@needs("verify_results")
def show_desk(run_code: str) -> dict[str, Any]:
    """Show the release desk of a run."""
    actor, session = current_actor(), db.session()
    run = queries.get_run(session, actor=actor, code=_plate(run_code))
    controls, flagged = desk.read_wells(session, run=run)
    waiting = desk.read_waiting(session, *desk.run_criteria(run), actor=actor)
    return {
        "run": run.code,
        "status": run.status,
        **_waiting(waiting),
        "controls": [
            {
                "well": one.position,
                "control": one.control,
                "is_right": one.is_right,
                "ct": dict(one.values),
                "reason": say(one.reason, dict(one.parameters)),
            }
            for one in controls
        ],
        "flagged": [
            {
                "well": one.position,
                "pool": one.pool,
                "finding": one.finding,
                "marks": {target: list(words) for target, words in one.marks},
                "reason": say(one.reason, dict(one.parameters)),
            }
            for one in flagged
        ],
    }


@results_api.get("/results/lists")
@results_api.input(OneList, location="query")
@results_api.doc(
    summary="What waits of a household, a box or a commune, and what blocks it", responses=[404, 422]
)
@needs("verify_results")
def show_one_list(query_data: OneList) -> dict[str, Any]:
    """Show the release desk of a list."""
    actor, session = current_actor(), db.session()
    found = lists.get_list(session, actor=actor, kind=query_data.kind, key=query_data.key)
    criteria = lists.list_criteria(found, actor=actor)
    waiting = desk.read_waiting(session, *criteria, actor=actor)
    runs = lists.list_runs_of_list(session, *criteria)
    return {
        "kind": found.kind,
        "key": found.key,
        **_waiting(waiting),
        "runs": [run.code for run, _count in runs],
    }


@results_api.post("/results/lists/verify")
@results_api.input(ListStep)
@results_api.doc(summary="Verify the negatives of a list, as a second person", responses=[404, 409, 422])
@needs("verify_results")
def verify_one_list(json_data: ListStep) -> dict[str, Any]:
    """Verify a list."""
    answer = verify_list(
        actor=current_actor(), client_id=json_data.client_id, kind=json_data.kind, key=json_data.key
    )
    return answer | {"verdicts": _spoken(answer["verdicts"])}


@results_api.post("/results/lists/release")
@results_api.input(ListStep)
@results_api.doc(summary="Release the verified negatives of a list", responses=[404, 409, 422])
@needs("release_results")
def release_one_list(json_data: ListStep) -> dict[str, Any]:
    """Release a list."""
    answer = release_list(
        actor=current_actor(), client_id=json_data.client_id, kind=json_data.kind, key=json_data.key
    )
    return answer | {"verdicts": _spoken(answer["verdicts"])}


@results_api.post("/results/verify")
@results_api.input(Chosen)
@results_api.doc(summary="Verify results; one that was detected only alone", responses=[404, 409, 422])
@needs("verify_results")
def verify_chosen(json_data: Chosen) -> dict[str, Any]:
    """Verify some results."""
    answer = verify_results(
        actor=current_actor(), client_id=json_data.client_id, result_ids=json_data.results
    )
    return answer | {"verdicts": _spoken(answer["verdicts"])}


@results_api.post("/results/release")
@results_api.input(ToRelease)
@results_api.doc(
    summary="Release results; one that was detected only alone, and looked at", responses=[404, 409, 422]
)
@needs("release_results")
def release_chosen(json_data: ToRelease) -> dict[str, Any]:
    """Release some results."""
    answer = release_results(
        actor=current_actor(),
        client_id=json_data.client_id,
        result_ids=json_data.results,
        looked=json_data.looked,
    )
    return answer | {"verdicts": _spoken(answer["verdicts"])}


@results_api.post("/results/hold")
@results_api.input(Held)
@results_api.doc(summary="Put results on hold, with a reason", responses=[404, 422])
@needs("release_results")
def hold_chosen(json_data: Held) -> dict[str, Any]:
    """Hold some results."""
    answer = hold_results(
        actor=current_actor(),
        client_id=json_data.client_id,
        result_ids=json_data.results,
        note=json_data.note,
    )
    return answer | {"verdicts": _spoken(answer["verdicts"])}


@results_api.post("/results/unhold")
@results_api.input(Held)
@results_api.doc(summary="Take results off hold; they are verified again", responses=[404, 422])
@needs("release_results")
def unhold_chosen(json_data: Held) -> dict[str, Any]:
    """Take some results off hold."""
    answer = unhold_results(
        actor=current_actor(),
        client_id=json_data.client_id,
        result_ids=json_data.results,
        note=json_data.note,
    )
    return answer | {"verdicts": _spoken(answer["verdicts"])}


@results_api.post("/results/<uuid:result_id>/amend")
@results_api.input(Amendment)
@results_api.doc(summary="Write the next version of a result, with the reason", responses=[404, 409, 422])
@needs("amend_results")
def amend(result_id: uuid.UUID, json_data: Amendment) -> dict[str, Any]:
    """Amend a result."""
    return amend_result(
        actor=current_actor(),
        client_id=json_data.client_id,
        result_id=result_id,
        finding=json_data.finding,
        reason=json_data.reason,
    )


@results_api.post("/results/<uuid:result_id>/withdraw")
@results_api.input(ResultWithdrawal)
@results_api.doc(
    summary="Withdraw one result; its tube is tested again, or a new sample is asked for",
    responses=[404, 409, 422],
)
@needs("amend_results")
def withdraw_one(result_id: uuid.UUID, json_data: ResultWithdrawal) -> dict[str, Any]:
    """Withdraw one result."""
    return withdraw_result(
        actor=current_actor(),
        client_id=json_data.client_id,
        result_id=result_id,
        then=json_data.then,
        reason=json_data.reason,
    )


@results_api.post("/runs/<run_code>/withdraw")
@results_api.input(Withdrawal)
@results_api.doc(summary="Withdraw a run with everybody it concerns", responses=[404, 409, 422])
@needs("amend_results")
def withdraw(run_code: str, json_data: Withdrawal) -> dict[str, Any]:
    """Withdraw a run."""
    return withdraw_run(
        actor=current_actor(),
        client_id=json_data.client_id,
        run_code=_plate(run_code),
        cause=json_data.cause,
        reason=json_data.reason,
    )


@lru_cache(maxsize=len(LANGUAGES))
def _say_steps(language: str) -> Mapping[str, str]:
    """Return the labels of the steps in the reader's language; read so often that they are kept."""
    return {name: say(label) for name, label in STEPS}


@results_api.post("/results/read")
@results_api.input(ReadResult)
@results_api.doc(summary="Read a result with its code and the birth date", responses=[404, 422, 429])
def read_result(json_data: ReadResult) -> dict[str, Any]:
    """Read a result; open to everybody, limited in tries."""
    answer = portal.read_result(
        result_code=json_data.result_code,
        birth_date=json_data.birth_date,
        address=request.remote_addr or "",
    )
    told = answer.told
    labels = _say_steps(choose())
    return {
        "status": told.status,
        "finding": told.finding,
        "why": told.why,
        "reason": told.reason,
        "amended": {"before": told.amended.before, "told_at": told.amended.told_at.isoformat()}
        if told.amended
        else None,
        "sampled_at": told.sampled_at.isoformat() if told.sampled_at else None,
        "valid_until": told.valid_until.isoformat() if told.valid_until else None,
        "laboratory": answer.laboratory,
        "where": list(answer.where),
        "steps": [
            {
                "name": step.name,
                "label": labels[step.name],
                "at": step.at.isoformat() if step.at else None,
                "reached": step.reached,
            }
            for step in told.steps
        ],
    }
