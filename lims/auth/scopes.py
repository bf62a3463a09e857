"""Scopes: the permissions that a program's token may be given, each in words; and how a token stands. Pure.

A scope is a word of `auth.rules.PERMISSIONS`. What makes accounts or tokens is never given to a program: whoever had
such a token could make itself a wider one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from lims.auth.rules import PERMISSIONS
from lims.errors import InvalidInput
from lims.msgid import N_

WITHHELD = frozenset({"manage_accounts", "manage_clients", "use_field_app"})
LONGEST_DAYS = 365
# From so many days before its end a token is said to end soon: time enough to make the next and to hand it over.
SOON = timedelta(days=14)

# In the order of a sample's way. A house test fails on a permission that is neither here nor withheld.
SCOPES: Mapping[str, str] = {
    "home": N_("Lists to choose from: campaigns, communes, laboratories, sites"),
    "search": N_("Records of tubes by their code"),
    "declare_others": N_("Declare people"),
    "see_people": N_("See people and their declarations"),
    "import_people": N_("Import lists of people"),
    "reissue_result_code": N_("Issue new result codes"),
    "print_labels": N_("Mint codes of tubes and boxes"),
    "print_slips": N_("Slips with result codes"),
    "see_commune_results": N_("See results of the commune"),
    "handle_data_requests": N_("Handle people's requests about their data"),
    "manage_teams": N_("Teams and their phones"),
    "collect": N_("Take samples"),
    "hand_in_scans": N_("Hand in scans of phones"),
    "pack_boxes": N_("Pack and send boxes"),
    "carry_boxes": N_("Carry boxes"),
    "receive_boxes": N_("Receive boxes and tubes"),
    "see_laboratory": N_("See the laboratory's work and its results"),
    "pool_tubes": N_("Make pools"),
    "fill_plates": N_("Plan plates and extractions"),
    "record_readings": N_("Record readings and review runs"),
    "verify_results": N_("Verify results, agree assays and limits"),
    "release_results": N_("Release results"),
    "amend_results": N_("Amend and withdraw results"),
    "settle_discrepancies": N_("Settle discrepancies"),
    "see_board": N_("The board and its figures"),
    "reconcile": N_("The reconciliation"),
    "manage_campaign": N_("Campaigns, laboratories, sites"),
    "export_data": N_("Export data"),
    "see_messages": N_("See the messages sent"),
    "manage_on_call": N_("Who is on call"),
    "manage_webhooks": N_("Webhooks"),
    "exchange": N_("Exchange with other systems (FHIR)"),
}
# How a token stands, in words.
STANDINGS: Mapping[str, str] = {
    "live": N_("works"),
    "ending": N_("ends soon"),
    "ended": N_("has ended"),
    "revoked": N_("revoked"),
}


def check_scopes(scopes: Collection[str], *, roles: Collection[str]) -> list[str]:
    """Return scopes without repeats, in alphabetical order.

    Args:
        scopes: as asked for.
        roles: of the account that the token speaks for.

    Raises:
        InvalidInput: none, one that does not exist, is never given to a program, or that no role of the account has.
    """
    if not scopes:
        raise InvalidInput("Choose at least one scope.", field="scopes")
    allowed = frozenset().union(*(PERMISSIONS[role] for role in roles))
    for scope in scopes:
        if scope not in SCOPES:
            raise InvalidInput(
                "There is no scope %(scope)s for programs. Choose one from the list.",
                field="scopes",
                scope=scope,
            )
        if scope not in allowed:
            raise InvalidInput(
                "The account's roles do not include %(scope)s. Leave it out, or choose another account.",
                field="scopes",
                scope=scope,
            )
    return sorted(set(scopes))


def check_days(days: int) -> timedelta:
    """Return for how long a token lasts.

    Raises:
        InvalidInput: less than a day or more than a year.
    """
    if not 1 <= days <= LONGEST_DAYS:
        raise InvalidInput(
            "A token lasts from 1 to %(most)s days. Make the next one in time.",
            field="days",
            most=LONGEST_DAYS,
        )
    return timedelta(days=days)


def standing(*, now: datetime, expires_at: datetime, revoked_at: datetime | None) -> str:
    """Return how a token stands: a word of `STANDINGS`."""
    if revoked_at is not None:
        return "revoked"
    if expires_at <= now:
        return "ended"
    return "ending" if expires_at - now <= SOON else "live"
