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
# What whoever releases a result "detected" says to have seen before.
LOOKS = (
    "curve",  # the amplification curves of its wells
    "ct",  # its Ct values, where the run has no curves
    "unrecorded",  # released before this was asked
)
# What follows where one result is withdrawn.
AFTER_WITHDRAWAL = (
    "retest",  # the kept tube is tested again, alone
    "resample",  # the person is asked for a new sample
)
# What results are looked at and released together, beside a run.
LISTS = ("household", "box", "commune")
# Results that one step takes at most; what is more is taken by the next.
MOST_AT_ONCE = 5000
# Findings after which the person is asked for a new sample.
UNCLEAR = frozenset({"inconclusive", "invalid"})
