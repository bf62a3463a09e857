"""What is counted, by its words: where samples stand, what happens in an hour, and the legs of the way. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from lims.msgid import N_

STATIONS: Mapping[str, str] = {
    "at_the_site": N_("At the collection site"),
    "on_the_road": N_("On the road"),
    "received": N_("Received"),
    "pooled": N_("In a pool"),
    "on_plate": N_("On a plate"),
    "next_test": N_("Waits for its next test or for names"),
    "to_verify": N_("To be verified"),
    "held": N_("On hold"),
    "to_release": N_("To be released"),
}
"""Where a sample without a released result stands, in the order of its way."""

MEASURES: Mapping[str, str] = {
    "declared": N_("Declared"),
    "collected": N_("Collected"),
    "received": N_("Received"),
    "rejected": N_("Rejected"),
    "pooled": N_("Pooled"),
    "reactions": N_("Reactions"),
    "pools_tested": N_("Pools tested"),
    "pools_positive": N_("Positive pools"),
    "tested": N_("Tested"),
    "verified": N_("Verified"),
    "released": N_("Released"),
    "amended": N_("Amended"),
    "withdrawn": N_("Withdrawn"),
    "discrepancies_opened": N_("Discrepancies opened"),
    "discrepancies_settled": N_("Discrepancies settled"),
}
"""What happened, counted at its own hour, however late it was recorded.

Each has a detail beside it: of `rejected` the reason; of `reactions` the purpose (screen, retest, confirm); of
`pools_tested` and `pools_positive` the size as a number, screening pools with a valid finding only; of `released` and
`tested` the finding; of the discrepancies the kind; of all others ''. All count samples (people), but for `declared`
(declarations), `reactions` (wells with a pool), the pools and the discrepancies.
"""

LEGS: Mapping[str, tuple[str, str]] = {
    "collected_received": ("collected", "received"),
    "received_pooled": ("received", "pooled"),
    "pooled_tested": ("pooled", "tested"),
    "tested_verified": ("tested", "verified"),
    "verified_released": ("verified", "released"),
    "collected_released": ("collected", "released"),
}
"""The legs of a sample's way and the whole of it; each is counted on the day on which it ended."""
