"""What a laboratory finds when a tube or a box comes. Pure: facts in, a decision out.

A tube is received whatever the lists say, because it is there (DESIGN §3, rules 7 and 8): before its names, without its
box, in another box. What does not fit is told at once and named when the box is reconciled.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lims import codes
from lims.errors import InvalidInput, Refused
from lims.intake.collecting import Decision, TubeFacts
from lims.intake.rules import REJECTION_REASONS, TUBE
from lims.msgid import N_

GOOD = "good"
# What can be seen when a tube is taken out of its box; the other reasons are found later or for the whole box.
CONDITIONS = (GOOD, "leaked", "broken", "empty", "unlabelled", "wrong_container", "other")
PHYSICAL_DAMAGE = frozenset({"leaked", "broken"})
PER_ROW = 10
COLDEST_POSSIBLE_C, WARMEST_POSSIBLE_C = -90.0, 60.0


@dataclass(frozen=True)
class ReceivedTube:
    """A tube as the reception desk scans it.

    Args:
        code: tube code as scanned.
        condition: a word of `CONDITIONS`.
        rack_position: where it was put, as "3-07"; empty: the next place of its box.
    """

    code: str
    condition: str = GOOD
    rack_position: str = ""


def check_condition(tube: ReceivedTube) -> None:
    """Refuse an unknown condition.

    Raises:
        InvalidInput: it is not a word of `CONDITIONS`.
    """
    if tube.condition not in CONDITIONS:
        raise InvalidInput(
            "%(condition)s is not a condition of a tube.", field="condition", condition=tube.condition
        )


def check_reason(reason: str) -> None:
    """Refuse an unknown reason for a rejection.

    Raises:
        InvalidInput: it is not a word of `rules.REJECTION_REASONS`.
    """
    if reason not in REJECTION_REASONS:
        raise InvalidInput("Choose the reason for the rejection from the list.", field="reason")


def check_temperature(temperature_c: float | None, *, field: str = "temperature_c") -> float | None:
    """Return a box's temperature in °C, or None where nobody measured.

    Raises:
        InvalidInput: no transport box can have it (below −90 °C, dry ice, or above 60 °C), or it is no number.
    """
    if temperature_c is None:
        return None
    if not COLDEST_POSSIBLE_C <= temperature_c <= WARMEST_POSSIBLE_C:
        raise InvalidInput(
            "Read the temperature again: it must lie between −90 and 60 °C.",
            field=field,
            temperature=temperature_c,
        )
    return temperature_c


def is_outside(temperature_c: float | None, *, coldest_c: float, warmest_c: float) -> bool:
    """Tell whether a measured temperature is outside the campaign's limits (2 to 8 °C by WHO's advice)."""
    return temperature_c is not None and not coldest_c <= temperature_c <= warmest_c


def check_fit_to_send(temperature_c: float | None, *, coldest_c: float, warmest_c: float) -> None:
    """Stop a box that is too cold or too warm before it leaves, while something can still be done.

    Args:
        temperature_c: measured inside the box, in °C; None where nobody measured.
        coldest_c, warmest_c: the campaign's limits, in °C (2 to 8 °C by WHO's advice).

    Raises:
        Refused: it is outside the limits.
    """
    if not is_outside(temperature_c, coldest_c=coldest_c, warmest_c=warmest_c):
        return
    if temperature_c is not None and temperature_c > warmest_c:
        raise Refused(
            "%(temperature)s °C is warmer than the %(limit)s °C this campaign allows. Add ice and measure again, "
            "or send the box anyway.",
            field="temperature_c",
            temperature=temperature_c,
            limit=warmest_c,
        )
    raise Refused(
        "%(temperature)s °C is colder than the %(limit)s °C this campaign allows. Take out ice and measure again, "
        "or send the box anyway.",
        field="temperature_c",
        temperature=temperature_c,
        limit=coldest_c,
    )


def is_too_old(collected_at: datetime | None, *, now: datetime, hold_limit_hours: int) -> bool:
    """Tell whether a tube is past the campaign's hold limit; one without a known collection is not."""
    return collected_at is not None and now - collected_at > timedelta(hours=hold_limit_hours)


def state_after(condition: str) -> str:
    """Return the tube state that a condition leads to."""
    if condition == GOOD:
        return "received"
    return "damaged" if condition in PHYSICAL_DAMAGE else "rejected"


def rack_place(number: int) -> str:
    """Return row and place in a rack of ten columns, as "3-07", of the n-th tube of a box (from 1)."""
    row, place = divmod(number - 1, PER_ROW)
    return f"{row + 1}-{place + 1:02d}"


def decide_arrival(
    *,
    tube: TubeFacts,
    box_id: uuid.UUID | None,
    laboratory_id: uuid.UUID,
    condition: str,
    too_old: bool,
) -> Decision:
    """Judge a known tube that was scanned at the reception desk.

    Args:
        tube: the tube, with whoever is bound to it.
        box_id: the box it was taken from, if any.
        laboratory_id: where it is.
        condition: how it looks.
        too_old: past the campaign's hold limit.

    Returns:
        "good" with the code "received", "waits_for_names", "extra", "too_old" or "refused_condition" (it is
        received, but cannot be tested); "again" where it was received here before; "wrong" where it cannot be.
    """
    shown: dict[str, Any] = {"tube": codes.grouped(tube.code), "state": tube.status, "condition": condition}
    here = tube.laboratory_id == laboratory_id
    if tube.status in ("received", "stored"):
        if here:
            return Decision(
                "again", "received_already", N_("Tube %(tube)s was already received here."), shown
            )
        message = N_(
            "Tube %(tube)s is registered at another laboratory, which must send it on in a box first."
        )
        return Decision("wrong", "at_another_laboratory", message, shown, "tube_extra")
    if not TUBE.can(tube.status, "received"):
        message = N_("Tube %(tube)s is %(state)s and cannot be received. Put it aside.")
        return Decision("wrong", "tube_gone", message, shown)
    if condition != GOOD:
        message = N_("Tube %(tube)s cannot be tested: %(condition)s. New samples are asked for.")
        return Decision("good", "refused_condition", message, shown)
    if tube.status == "printed":
        message = N_("Tube %(tube)s is received. Nobody's name has come yet: it waits for its names.")
        return Decision("good", "waits_for_names", message, shown)
    if box_id is not None and tube.box_id != box_id:
        message = N_("Tube %(tube)s is received, though it is not on this box's list.")
        return Decision("good", "extra", message, shown)
    if too_old:
        message = N_("Tube %(tube)s is received, but it was collected too long ago. A supervisor is told.")
        return Decision("good", "too_old", message, shown)
    return Decision("good", "received", N_("Tube %(tube)s is received."), shown)
