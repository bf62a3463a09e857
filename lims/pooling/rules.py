"""What moves in the laboratory, and the guards of a pool (DESIGN §3, rules 2 to 5 and 11). Pure."""

from __future__ import annotations

from lims.states import States

POOL = States(
    "pool",
    {
        "open": ("closed", "void"),
        "closed": ("on_plate", "void"),
        # back to closed: the run failed
        "on_plate": ("called", "closed", "void"),
        "called": ("resolved", "void"),
        # back to called: the run of a test that answered it is withdrawn
        "resolved": ("called", "void"),
        "void": (),
    },
)
RUN = States(
    "run",
    {
        "planned": ("running", "imported", "void"),
        "running": ("imported", "failed", "void"),
        "imported": ("reviewed", "failed", "void"),
        "reviewed": ("verified", "void"),
        "verified": ("void",),
        "failed": (),
        "void": (),
    },
)
FILE = States(
    "file",
    {
        # read and matched, to be looked at and accepted by a person
        "staged": ("accepted", "set_aside"),
        # once its columns are named it is read again
        "refused": ("staged",),
        "set_aside": (),
        "accepted": (),
    },
)
STATES = (POOL, RUN, FILE)

WITHDRAWAL_CAUSES = ("pool_map", "swapped_plates", "kit_lot", "other_mistake")
PURPOSES = ("screen", "retest", "confirm")
FINDINGS = ("detected", "not_detected", "inconclusive", "invalid")
PLATE_SIZES = (96, 384)
# After this many tests of the same tube or pool without a clear finding, something else is done.
MOST_ATTEMPTS = 2
