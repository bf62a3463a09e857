"""What moves between a call and the person who reads it. Pure."""

from __future__ import annotations

from lims.states import States

RESULT = States(
    "result",
    {
        "preliminary": ("verified", "held", "withdrawn", "superseded"),
        "held": ("preliminary", "withdrawn", "superseded"),
        "verified": ("released", "held", "withdrawn", "superseded"),
        "released": ("withdrawn", "superseded"),
        "withdrawn": ("superseded",),
        "superseded": (),
    },
)
STATES = (RESULT,)

HOLD_REASONS = (
    "confirmation",  # detected by a laboratory that may not confirm
    "discordance",  # all members negative after a positive pool
    "discrepancy",  # an open discrepancy of its tube or person
    "supervisor",  # a person put it on hold
)
# Findings after which the person is asked for a new sample.
UNCLEAR = frozenset({"inconclusive", "invalid"})
