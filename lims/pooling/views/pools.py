"""Pages of pools: what waits, the pooling station, a pool's record, labels."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from flask import Response as FlaskResponse
from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from lims import codes
from lims.errors import LimsError
from lims.extensions import db
from lims.labels.sheets import Label, pool_labels_pdf
from lims.language import say, say_error, say_word
from lims.pooling.actions import pools as actions
from lims.pooling.guards import KEPT
from lims.pooling.models import Pool
from lims.pooling.queries import pools as queries
from lims.pooling.reasons import why_waiting
from lims.pooling.views import pooling
from lims.pooling.views.benches import choose_laboratory, do_and_go, sent_id
from lims.security import current_actor, needs
from lims.timeline import read_timeline

PAGE = 100
MOST_LABELS = 700


@pooling.get("/pools")
@needs("see_laboratory")
def list_pools() -> str:
    """Show what waits at a laboratory's bench, most urgent and oldest first, with the reason in words."""
    laboratory, choices = choose_laboratory()
    session, purpose = db.session(), request.args.get("purpose", "")
    after = max(0, request.args.get("after", 0, type=int))
    pools = queries.list_waiting_pools(
        session, laboratory_id=laboratory.place_id, purpose=purpose, after=after, most=PAGE + 1
    )
    more = url_for(
        "pooling.list_pools", laboratory_id=laboratory.place_id, purpose=purpose, after=after + PAGE
    )
    return render_template(
        "pooling/pools.html",
        laboratory=laboratory,
        laboratories=choices,
        purpose=purpose,
        waiting=queries.count_waiting(
            session, laboratory_id=laboratory.place_id, can_confirm=laboratory.can_confirm
        ),
        rows=[_row(pool, may_confirm=laboratory.can_confirm) for pool in pools[:PAGE]],
        more_url=more if len(pools) > PAGE else None,
    )


def _row(pool: Pool, *, may_confirm: bool) -> SimpleNamespace:
    parent = pool.parent
    reason = why_waiting(
        status=pool.status,
        purpose=pool.purpose,
        attempt=pool.attempt,
        parent_finding=parent.finding if parent else None,
        parent_is_group=parent is not None and parent.member_count > 1,
        may_confirm=may_confirm,
        is_kept=all(member.tube.status in KEPT for member in pool.members),
    )
    return SimpleNamespace(
        pool=pool,
        reason=say(reason.message, reason.parameters),
        urgent=reason.is_urgent,
        since=pool.closed_at or pool.opened_at,
        tubes=[member.tube.code for member in pool.members],
    )


@pooling.get("/pools/station")
@needs("pool_tubes")
def pool_station() -> str:
    """Show the pooling station: scan tubes into a pool, close it, go on; or make the pools of a whole rack."""
    laboratory, choices = choose_laboratory()
    session, pool = db.session(), None
    if request.args.get("pool"):
        pool = queries.get_pool(session, code=request.args["pool"])
        current_actor().check_place(pool.laboratory_id, missing=queries.no_such_pool(pool.code))
    return render_template(
        "pooling/station.html",
        laboratory=laboratory,
        laboratories=choices,
        pool=pool if pool is not None and pool.status == "open" else None,
        members=_slots(pool) if pool is not None else [],
        open_pools=queries.find_open_pools(session, laboratory_id=laboratory.place_id),
        waiting=queries.count_waiting(
            session, laboratory_id=laboratory.place_id, can_confirm=laboratory.can_confirm
        ),
    )


def _slots(pool: Pool) -> list[dict[str, str]]:
    return [
        {"label": codes.grouped(member.tube.code)}
        for member in queries.list_members(db.session(), pool_id=pool.id)
    ]


@pooling.post("/pools/proposals")
@needs("pool_tubes")
def propose_pools() -> Response:
    """Make the pools of a rack that was scanned into the form, or of all that waits."""
    laboratory, _choices = choose_laboratory()
    rack = request.form.get("tubes", "").split("\n") if request.form.get("tubes", "").strip() else None
    try:
        answer = actions.propose_pools(
            actor=current_actor(),
            client_id=sent_id(),
            laboratory_id=laboratory.place_id,
            tube_codes=[line for line in rack if line.strip()] if rack else None,
        )
    except LimsError as error:
        flash(say_error(error), "error")
        return redirect(url_for("pooling.pool_station", laboratory_id=laboratory.place_id))
    made = len(answer["pools"])
    flash(ngettext("%(num)s pool was made.", "%(num)s pools were made.", made), "success")
    for verdict in answer["verdicts"][:20]:
        flash(say(verdict["message"], verdict["parameters"]), "warning")
    return redirect(url_for("pooling.list_pools", laboratory_id=laboratory.place_id))


@pooling.get("/pools/labels.pdf")
@needs("pool_tubes")
def print_pool_labels() -> FlaskResponse:
    """Print the labels of a laboratory's pools that are open or wait for a plate."""
    laboratory, _choices = choose_laboratory()
    pools = queries.list_waiting_pools(db.session(), laboratory_id=laboratory.place_id, most=MOST_LABELS)
    return _labels(pools)


@pooling.get("/pools/<pool_code>/label.pdf")
@needs("pool_tubes")
def print_pool_label(pool_code: str) -> FlaskResponse:
    """Print one pool's label."""
    pool = _get_pool(pool_code)
    return _labels([pool])


def _labels(pools: Sequence[Pool]) -> FlaskResponse:
    labels = [
        Label(
            pool.code,
            (
                say_word(pool.purpose) + (f" {pool.attempt}" if pool.attempt > 1 else ""),
                ngettext("%(num)s tube", "%(num)s tubes", pool.member_count),
            ),
        )
        for pool in pools
    ]
    return FlaskResponse(
        pool_labels_pdf(labels, title=_("Pool labels")),
        mimetype="application/pdf",
        headers={"Content-Disposition": 'inline; filename="pools.pdf"'},
    )


def _get_pool(pool_code: str) -> Pool:
    pool = queries.get_pool(db.session(), code=pool_code)
    places = queries.list_places_of_pool(db.session(), pool=pool)
    current_actor().check_place(*places, missing=queries.no_such_pool(pool.code))
    return pool


@pooling.get("/pools/<pool_code>")
@needs("see_laboratory")
def show_pool(pool_code: str) -> str:
    """Show a pool's record: its tubes, what it answers and what answers it, where it was tested, its journey."""
    session = db.session()
    pool = _get_pool(pool_code)
    members = queries.list_members(session, pool_id=pool.id)
    return render_template(
        "pooling/show_pool.html",
        pool=pool,
        members=members,
        slots=[
            {"label": codes.grouped(member.tube.code), "state": "", "href": _tube_page(member.tube.code)}
            for member in members
        ],
        links=_links(pool),
        events=read_timeline(session, subject_ids=[pool.id]),
        can_void=pool.status in ("open", "closed") and pool.parent_id is None,
    )


def _tube_page(code: str) -> str:
    known = "intake.show_tube" in current_app.view_functions
    return url_for("intake.show_tube", code=code) if known else ""


def _links(pool: Pool) -> list[dict[str, str]]:
    """Return what a pool answers, where it was tested, and what answers it."""
    session, links = db.session(), []
    if pool.parent:
        links.append(_link(pool.parent, _("retest of")))
    for run_code, run_status, position, _planned_at in queries.list_pool_wells(session, pool_id=pool.id):
        links.append(
            {
                "label": _("Run %(code)s, well %(well)s", code=codes.grouped(run_code), well=position),
                "url": url_for("pooling.show_run", run_code=run_code),
                "note": say_word(run_status),
            }
        )
    return links + [
        _link(child, _("retested in")) for child in queries.list_children(session, pool_id=pool.id)
    ]


def _link(pool: Pool, how: str) -> dict[str, str]:
    return {
        "label": f"{how} {codes.grouped(pool.code)} ({say_word(pool.purpose)})",
        "url": url_for("pooling.show_pool", pool_code=pool.code),
        "note": say_word(pool.finding or pool.status),
    }


@pooling.post("/pools/<pool_code>/close")
@needs("pool_tubes")
def close_pool(pool_code: str) -> Response:
    """Close a pool from its record."""
    return do_and_go(
        lambda: actions.close_pool(actor=current_actor(), client_id=sent_id(), pool_code=pool_code),
        said=_("The pool is closed and waits for a plate."),
        to=url_for("pooling.show_pool", pool_code=pool_code),
    )


@pooling.post("/pools/<pool_code>/void")
@needs("pool_tubes")
def void_pool(pool_code: str) -> Response:
    """Void a pool from its record."""
    reason: Any = request.form.get("reason", "")
    return do_and_go(
        lambda: actions.void_pool(
            actor=current_actor(), client_id=sent_id(), pool_code=pool_code, reason=reason
        ),
        said=_("The pool is void. Its tubes wait for a pool again."),
        to=url_for("pooling.show_pool", pool_code=pool_code),
    )
