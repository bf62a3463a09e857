"""Which tubes may go into a box. Pure: facts in, a decision out."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from lims import codes
from lims.intake.collecting import Decision, TubeFacts
from lims.msgid import N_


def decide_packing(
    *,
    tube: TubeFacts,
    box_id: uuid.UUID,
    campaign_id: uuid.UUID,
    place_id: uuid.UUID,
    other_box: str,
    in_test: bool,
    sees: Callable[[uuid.UUID | None], bool],
) -> Decision:
    """Judge a known tube that is to be packed.

    Args:
        tube: the tube.
        box_id: the box.
        campaign_id: the box's campaign.
        place_id: where the box is packed: a site, or a laboratory whose tubes go on to another.
        other_box: code of the box the tube lies in now, if it lies in another.
        in_test: a laboratory needs it for a test that is not called.
        sees: tells whether a place is the packer's.

    Returns:
        "good", "again" where it is in this box already, or "wrong".
    """
    shown: dict[str, Any] = {"tube": codes.grouped(tube.code), "state": tube.status}
    if tube.campaign_id != campaign_id:
        message = N_("Tube %(tube)s belongs to another campaign than this box. Take a box of its campaign.")
        return Decision("wrong", "other_campaign", message, shown)
    if tube.status == "boxed":
        if tube.box_id == box_id:
            return Decision("again", "packed_already", N_("Tube %(tube)s is already in this box."), shown)
        shown["box"] = codes.grouped(other_box)
        message = N_("Tube %(tube)s is in box %(box)s. Take it out there first.")
        return Decision("wrong", "in_another_box", message, shown)
    if tube.status == "printed":
        message = N_(
            "No person is bound to tube %(tube)s yet. Send the scans first, or put it aside if unused."
        )
        return Decision("wrong", "no_names", message, shown)
    if tube.status == "used":
        if tube.mode == "mixed" and tube.closed_count is None:
            return Decision("wrong", "not_closed", N_("Close tube %(tube)s with its count first."), shown)
        if sees(tube.place_id):
            return Decision("good", "packed", N_("Tube %(tube)s is in the box."), shown)
    elif tube.status in ("received", "stored") and tube.laboratory_id == place_id and in_test:
        message = N_("Tube %(tube)s is in a pool that waits for its test here. Send it on afterwards.")
        return Decision("wrong", "in_test", message, shown)
    elif tube.status in ("received", "stored") and tube.laboratory_id == place_id:
        return Decision("good", "packed", N_("Tube %(tube)s is in the box."), shown)
    elif tube.status not in ("received", "stored"):
        message = N_("Tube %(tube)s is %(state)s and cannot be packed. Put it aside.")
        return Decision("wrong", "tube_gone", message, shown)
    message = N_("Tube %(tube)s is registered at another place. It cannot be packed here.")
    return Decision("wrong", "at_another_place", message, shown)
