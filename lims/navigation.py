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
    """

    label: str
    endpoint: str
    permission: str
    icon: str


# In the order of a sample's way.
ENTRIES = (
    Entry(N_("Declare"), "intake.declare_for_others", "declare_others", "person-plus"),
    Entry(N_("People"), "intake.list_people", "see_people", "people"),
    Entry(N_("Labels"), "intake.list_lots", "print_labels", "tags"),
    Entry(N_("Collection"), "intake.collect", "collect", "droplet"),
    Entry(N_("Boxes"), "intake.list_boxes", "pack_boxes", "box-seam"),
    Entry(N_("Reception"), "intake.receive", "receive_boxes", "inbox"),
    Entry(N_("Pooling"), "pooling.pool_station", "pool_tubes", "collection"),
    Entry(N_("Runs"), "pooling.list_runs", "see_laboratory", "grid-3x3"),
    Entry(N_("Release"), "results.list_to_verify", "verify_results", "clipboard-check"),
    Entry(N_("Discrepancies"), "intake.list_discrepancies", "settle_discrepancies", "exclamation-triangle"),
    Entry(N_("Board"), "capacity.board", "see_board", "speedometer2"),
    Entry(N_("Accounts"), "auth.list_accounts", "manage_accounts", "person-badge"),
)
MOST = 7


def entries_for(actor: Actor) -> list[Entry]:
    """Return the entries an actor may see, in the order of a sample's way."""
    known = current_app.view_functions
    return [entry for entry in ENTRIES if entry.endpoint in known and actor.can(entry.permission)]


def navigation_for(actor: Actor, endpoint: str) -> list[dict[str, object]]:
    """Return the menu of an actor, at most seven entries, the current one marked."""
    return [
        {
            "label": gettext(entry.label),
            "url": url_for(entry.endpoint),
            "active": entry.endpoint == endpoint,
            "icon": entry.icon,
        }
        for entry in entries_for(actor)[:MOST]
    ]
