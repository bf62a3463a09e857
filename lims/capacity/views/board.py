"""The board and the reconciliation as pages."""

from __future__ import annotations

from flask import current_app, render_template

from lims.auth.actors import Actor
from lims.capacity.queries import reconciliation as reconciling
from lims.capacity.queries.board import STATIONS, read_board
from lims.capacity.rules import CLASS_WORDS
from lims.capacity.views import capacity
from lims.extensions import db
from lims.security import current_actor, needs

# where the board's numbers lead, for those who may go there
_LINKS = {
    "people": ("intake.list_people", "see_people"),
    "reconciliation": ("capacity.reconciliation", "reconcile"),
    "release": ("results.list_to_verify", "verify_results"),
    "on_the_road": ("intake.receive", "receive_boxes"),
    "received": ("pooling.list_pools", "see_laboratory"),
    "pooled": ("pooling.list_pools", "see_laboratory"),
    "on_plate": ("pooling.list_runs", "see_laboratory"),
    "next_test": ("pooling.list_pools", "see_laboratory"),
    "held": ("results.list_to_verify", "verify_results"),
    "discrepancies": ("intake.list_discrepancies", "settle_discrepancies"),
}


def _open_links(actor: Actor) -> dict[str, str]:
    """Return the pages behind the numbers that exist and that the actor may open: name → endpoint."""
    return {
        name: endpoint
        for name, (endpoint, permission) in _LINKS.items()
        if actor.can(permission) and endpoint in current_app.view_functions
    }


@capacity.get("/board")
@needs("see_board")
def board() -> str:
    """Show what stands where, today's reactions against the capacity, and what waits longest."""
    actor = current_actor()
    return render_template(
        "capacity/board.html",
        board=read_board(db.session(), actor=actor),
        station_words=STATIONS,
        links=_open_links(actor),
    )


@capacity.get("/reconciliation")
@needs("reconcile")
def reconciliation() -> str:
    """Show that everybody and every tube is in exactly one class, or who is not."""
    campaigns = reconciling.list_campaign_ids(db.session(), actor=current_actor())
    return render_template(
        "capacity/reconciliation.html",
        identities=reconciling.reconcile(db.session(), campaign_ids=campaigns),
        class_words=CLASS_WORDS,
        discrepancies=reconciling.count_open_discrepancies(db.session(), campaign_ids=campaigns),
        links=_open_links(current_actor()),
    )
