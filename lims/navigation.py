"""The menu: which stations a role sees, at most seven. Labels are message ids, translated where they are shown."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, url_for
from flask_babel import gettext

from lims.auth.actors import Actor
from lims.msgid import N_


@dataclass(frozen=True)
class Entry:
    """One entry of the menu.

    Args:
        label: message id.
        endpoint: the page; an entry whose endpoint does not exist is not shown.
        permission: what a role must have to see it.
        icon: name in the icon sprite.
        note: message id; what waits there, beside its number on the home page.
    """

    label: str
    endpoint: str
    permission: str
    icon: str
    note: str


# In the order of a sample's way.
ENTRIES = (
    Entry(
        N_("Declare"),
        "intake.declare_for_others",
        "declare_others",
        "person-plus",
        N_("For people without a phone"),
    ),
    Entry(N_("People"), "intake.list_people", "see_people", "people", N_("Still to be sampled")),
    Entry(N_("Lists"), "intake.list_lists", "import_people", "file-earmark-spreadsheet", N_("Import people")),
    Entry(
        N_("Results"),
        "results.list_commune",
        "see_commune_results",
        "clipboard-data",
        N_("Whom to tell, who was told"),
    ),
    Entry(N_("Collection"), "intake.collect", "collect", "droplet", N_("Your samples today")),
    Entry(N_("Teams"), "field.list_teams", "manage_teams", "phone", N_("Phones that collect")),
    Entry(N_("Boxes"), "intake.list_boxes", "pack_boxes", "box-seam", N_("To be sent")),
    Entry(N_("Reception"), "intake.receive", "receive_boxes", "inbox", N_("Boxes arriving")),
    Entry(N_("Pooling"), "pooling.pool_station", "pool_tubes", "collection", N_("Tubes to pool")),
    Entry(N_("Pools"), "pooling.list_pools", "pool_tubes", "list-check", N_("Pools to plate")),
    Entry(N_("Runs"), "pooling.list_runs", "see_laboratory", "grid-3x3", N_("Runs in work")),
    Entry(
        N_("Release"), "results.list_to_verify", "verify_results", "clipboard-check", N_("Results to release")
    ),
    Entry(
        N_("Discrepancies"),
        "intake.list_discrepancies",
        "settle_discrepancies",
        "exclamation-triangle",
        N_("To be settled"),
    ),
    Entry(N_("Board"), "capacity.board", "see_board", "speedometer2", N_("All laboratories today")),
    Entry(N_("Alarms"), "capacity.list_alarms", "see_board", "bell", N_("Not seen by anybody yet")),
    Entry(
        N_("Follow-up"),
        "intake.list_follow_ups",
        "see_people",
        "card-checklist",
        N_("Tests due today or overdue"),
    ),
    Entry(
        N_("Reports"),
        "capacity.list_reports",
        "see_board",
        "clipboard-data",
        N_("Of any day, for the committee"),
    ),
    Entry(N_("Dispatch"), "capacity.dispatch", "see_board", "truck", N_("Which laboratory for each box")),
    Entry(N_("Labels"), "intake.list_lots", "print_labels", "tags", N_("Tube lots, boxes, slips")),
    Entry(
        N_("Messages"),
        "outbox.list_messages",
        "see_messages",
        "envelope",
        N_("Given up, or may have arrived"),
    ),
    Entry(
        N_("Reconciliation"),
        "capacity.reconciliation",
        "reconcile",
        "list-check",
        N_("Is everybody accounted for?"),
    ),
    Entry(
        N_("Campaigns"),
        "places.list_campaigns",
        "manage_campaign",
        "geo-alt",
        N_("Policy, laboratories, sites"),
    ),
    Entry(
        N_("Scenarios"),
        "capacity.list_scenarios",
        "see_board",
        "clipboard-data",
        N_("What so many cases would ask for"),
    ),
    Entry(
        N_("Pool size: advice"),
        "capacity.advise_size",
        "see_board",
        "pie-chart",
        N_("Which needs the fewest reactions"),
    ),
    Entry(
        N_("Accounts"), "auth.list_accounts", "manage_accounts", "person-badge", N_("Staff and their roles")
    ),
    Entry(N_("Programs"), "clients.list_clients", "manage_clients", "key", N_("Tokens that end soon")),
    Entry(
        N_("Requests about data"),
        "personal.list_requests",
        "handle_data_requests",
        "inbox",
        N_("Corrections, objections, erasures"),
    ),
    Entry(
        N_("Result sheets"),
        "results.print_sheets",
        "see_commune_results",
        "printer",
        N_("On paper, of a commune or a run"),
    ),
    Entry(
        N_("Exports"), "exports.show_exports", "export_data", "box-arrow-in-down", N_("Files to take away")
    ),
    Entry(
        N_("Hand-over file"),
        "field.hand_in_file",
        "hand_in_scans",
        "upload",
        N_("From a phone without network"),
    ),
)
MOST = 7
# Whoever leads the day sees nearly everything; in their menu is what is asked for at every hour.
LEADING = {
    "capacity.board",
    "capacity.list_alarms",
    "capacity.dispatch",
    "capacity.list_reports",
    "field.list_teams",
    "intake.list_discrepancies",
    "results.list_commune",
}


def entries_for(actor: Actor) -> list[Entry]:
    """Return the entries an actor may see, in the order of a sample's way."""
    known = current_app.view_functions
    return [entry for entry in ENTRIES if entry.endpoint in known and actor.can(entry.permission)]


def navigation_for(actor: Actor, endpoint: str) -> list[dict[str, object]]:
    """Return the menu of an actor, at most seven entries, the current one marked."""
    entries = entries_for(actor)
    if actor.can("manage_teams"):
        entries = [entry for entry in entries if entry.endpoint in LEADING]
    return [
        {
            "label": gettext(entry.label),
            "url": url_for(entry.endpoint),
            "active": entry.endpoint == endpoint,
            "icon": entry.icon,
        }
        for entry in entries[:MOST]
    ]
