"""The release desk of one list: a household, a box, or what a commune declared."""

from __future__ import annotations

import uuid

from flask import render_template, request, url_for
from flask_babel import ngettext
from werkzeug.wrappers import Response

from lims.extensions import db
from lims.results.actions.release import release_list
from lims.results.actions.verification import verify_list
from lims.results.queries import desk, lists
from lims.results.queries import results as queries
from lims.results.views import results
from lims.results.views.desk import describe_run, may_settle, speak_blocked
from lims.results.views.steps import do, read_sent_id, say_blocked
from lims.security import current_actor, needs

MOST_RUNS = 10


@results.get("/release/list")
@needs("verify_results")
def show_list() -> str:
    """Show what waits of one list: its negatives as numbers, its runs with their controls, all else one by one."""
    actor, session = current_actor(), db.session()
    found = lists.get_list(
        session, actor=actor, kind=request.args.get("kind", ""), key=request.args.get("key", "").strip()
    )
    criteria = lists.list_criteria(found, actor=actor)
    singles = queries.list_results(
        session,
        actor=actor,
        criteria=[*criteria, *lists.waiting_criteria()],
        not_finding="not_detected",
        after=request.args.get("after", type=uuid.UUID),
    )
    runs = lists.list_runs_of_list(session, *criteria, most=MOST_RUNS)
    return render_template(
        "results/release_list.html",
        found=found,
        counts=lists.count_findings_of_list(session, *criteria),
        waiting=(waiting := desk.read_waiting(session, *criteria, actor=actor)),
        blocked=speak_blocked(waiting.blocked),
        runs=[describe_run(run) | {"waiting": count} for run, count in runs],
        singles=singles,
        more_url=url_for("results.show_list", kind=found.kind, key=found.key, after=singles[-1].id)
        if len(singles) == queries.PAGE
        else None,
        can_settle=may_settle(),
    )


def _back() -> str:
    form = request.form
    return url_for("results.show_list", kind=form.get("kind", ""), key=form.get("key", ""))


@results.post("/release/list/verify", endpoint="verify_list")
@needs("verify_results")
def verify_list_form() -> Response:
    """Verify the negatives of a list."""

    def step() -> str:
        answer = verify_list(
            actor=current_actor(),
            client_id=read_sent_id(),
            kind=request.form.get("kind", ""),
            key=request.form.get("key", ""),
        )
        say_blocked(answer["verdicts"])
        return ngettext("%(num)s result was verified.", "%(num)s results were verified.", answer["verified"])

    return do(step, back=_back())


@results.post("/release/list/release", endpoint="release_list")
@needs("release_results")
def release_list_form() -> Response:
    """Release the verified negatives of a list."""

    def step() -> str:
        answer = release_list(
            actor=current_actor(),
            client_id=read_sent_id(),
            kind=request.form.get("kind", ""),
            key=request.form.get("key", ""),
        )
        say_blocked(answer["verdicts"])
        return ngettext("%(num)s result was released.", "%(num)s results were released.", answer["released"])

    return do(step, back=_back())
