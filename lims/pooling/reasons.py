"""Why a pool waits, in words, and how urgent that is. Pure."""

from __future__ import annotations

from typing import NamedTuple

from lims.msgid import N_


class Reason(NamedTuple):
    """A msgid with its parameters, and whether it goes before plain screening."""

    message: str
    parameters: dict[str, object]
    is_urgent: bool


def why_waiting(
    *,
    status: str,
    purpose: str,
    attempt: int,
    parent_finding: str | None,
    parent_is_group: bool,
    may_confirm: bool,
    is_kept: bool,
) -> Reason:
    """Say why a pool that is open or closed waits.

    Args:
        status: open or closed.
        purpose: screen, retest or confirm.
        attempt: 2 for a repeat.
        parent_finding: what the pool it answers was found to be, or None.
        parent_is_group: whether that pool held several tubes.
        may_confirm: whether this laboratory may confirm.
        is_kept: whether all its tubes are still there.
    """
    if status == "open":
        return Reason(N_("being filled: scan its tubes, then close it"), {}, False)
    if not is_kept:
        return Reason(N_("a tube is not here: it is lost, rejected or on the road"), {}, True)
    if purpose == "confirm":
        if not may_confirm:
            return Reason(N_("send its tube on to a laboratory that may confirm"), {}, True)
        return Reason(N_("detected in another laboratory: confirm it first"), {}, True)
    if attempt > 1:
        return Reason(N_("no clear finding: once more from a new extraction"), {}, True)
    if purpose == "retest" and parent_is_group and parent_finding == "detected":
        return Reason(N_("its pool was positive: test this tube alone"), {}, True)
    if purpose == "retest":
        return Reason(N_("its pool had no clear finding: test this tube alone"), {}, True)
    return Reason(N_("waits for a plate"), {}, False)
