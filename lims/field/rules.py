"""What a phone may send and when its clock is believed. Pure.

A phone judges each scan itself, without network; what it has judged is still only a claim until the server has seen
it. Here is what a claim looks like and which moment it gets; what it means is decided where the desk's scans are
(`intake.collecting`, `intake.packing`).
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo

from lims.msgid import N_

SCAN_KINDS = ("declare", "bind", "undo", "close", "pack", "take_out", "seal", "hand_over")
VERDICTS = ("good", "again", "wrong")
WITHDRAWAL_REASONS = ("phone_lost", "phone_stolen", "phone_changed", "other")
# What a coordinator sees of a phone, in this order.
STANDINGS = ("live", "silent", "waiting", "ended", "withdrawn")
MOST_AT_ONCE = 100
# A shift may go on after midnight: the enrolment of a day ends at four the next morning.
ENDS_AT = time(4)
# Scans made in time may come late: a phone that was lost for a week is still listened to.
TOKEN_LASTS = timedelta(days=30)
# A phone's clock may be this far off before its times are doubted, and before anybody is told.
CLOCK_TOLERANCE = timedelta(minutes=2)
CLOCK_TOLD_FROM = timedelta(minutes=2)
# A phone that has not spoken for so long is marked silent.
SILENT_AFTER = timedelta(minutes=30)

# Why a slip was not let in → what is told to whoever sent it.
REFUSALS = {
    "unreadable": N_("This scan cannot be read. It is kept for the coordinator."),
    "unknown_device": N_(
        "This scan comes from a phone that is not known here. It is kept for the coordinator."
    ),
    "wrong_signature": N_(
        "This scan was not signed by the phone that it names. It is kept for the coordinator."
    ),
    "withdrawn_device": N_(
        "This scan comes from a phone that was withdrawn. It is kept for the coordinator, who decides about it."
    ),
    "enrolment_expired": N_(
        "This scan was made outside the day of the phone's enrolment. It is kept for the coordinator, "
        "who decides about it."
    ),
    "id_reused": N_("This scan has the id of another one. It is kept for the coordinator."),
    "unknown_collector": N_(
        "The badge of this scan belongs to nobody who collects at this site. "
        "It is kept for the coordinator, who decides about it."
    ),
}


def calculate_expiry(day: date, *, zone: tzinfo) -> datetime:
    """Return the moment an enrolment of a day ends: four in the morning after it, in the campaign's zone."""
    return datetime.combine(day + timedelta(days=1), ENDS_AT, tzinfo=zone)


def correct_time(
    device_at: datetime,
    *,
    own_offset: timedelta | None,
    batch_offset: timedelta | None,
    not_before: datetime,
    received_at: datetime,
) -> datetime:
    """Return when a scan was made, from what the phone's clock said and how far that clock was measured to be off.

    The offset that the phone had measured when it scanned comes first: it belongs to that clock at that time. A
    phone that was restarted with an empty battery has a clock that nobody measured; then the offset measured when
    the batch was sent counts. A moment is believed when it lies between the phone's enrolment and now; where no
    offset gives such a moment, the scan was made some time before it came, and it is given that time.

    Args:
        device_at: aware moment by the phone's clock.
        own_offset: to be added, as the phone had measured it; None where it had not.
        batch_offset: to be added, as measured when the batch came; None for a hand-over file.
        not_before: when the phone was enrolled.
        received_at: when the scan came; nothing can have been made later.

    Returns:
        The corrected moment, never after `received_at`.
    """
    offsets = [own_offset, batch_offset] if own_offset is not None else [batch_offset, timedelta()]
    for offset in offsets:
        if offset is None:
            continue
        moment = device_at + offset
        if not_before - CLOCK_TOLERANCE <= moment <= received_at + CLOCK_TOLERANCE:
            return min(moment, received_at)
    return received_at


def calculate_standing(
    *,
    withdrawn: bool,
    expires_at: datetime,
    last_seen_at: datetime | None,
    now: datetime,
) -> str:
    """Return how an enrolment and its phone stand, as a word of `STANDINGS`.

    Args:
        withdrawn: the enrolment or its phone.
        expires_at: when its day ends.
        last_seen_at: when its phone last spoke; None while no phone has used it.
        now: present moment.
    """
    if withdrawn:
        return "withdrawn"
    if now >= expires_at:
        return "ended"
    if last_seen_at is None:
        return "waiting"
    return "live" if now - last_seen_at <= SILENT_AFTER else "silent"
