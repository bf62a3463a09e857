"""What people may ask of their own data, by when they are answered, and when an erasure has to wait. Pure.

Terms: Law 91/2025/QH15 and Decree 356/2025/ND-CP (answer within 2 working days; correction done within 10 days,
objection and restriction within 15, erasure within 20, from the day of asking). SECURITY.md §2 has the sources and
what of them is still to be checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from lims.errors import Refused
from lims.msgid import N_
from lims.states import States

REQUEST = States(
    "data_request",
    {
        "open": ("answered", "settled"),
        "answered": ("settled",),
        "settled": (),
    },
)
# Where a person's data were shown, as the person is told; words of `intake.rules.ACCESSES`.
ACCESS_WORDS: Mapping[str, str] = {
    "record": N_("looked at your record"),
    "list": N_("saw your name in a list"),
    "export": N_("took a file with your data"),
    "program": N_("another system read your data"),
    "paper": N_("printed a paper with your name"),
    "own": N_("opened with your result code"),
}
FIELD_WORDS: Mapping[str, str] = {
    "name": N_("name"),
    "birth_date": N_("date of birth"),
    "phone": N_("telephone"),
    "address": N_("address"),
}
REQUEST_KINDS = ("correction", "objection", "restriction", "erasure")
DECISIONS = ("granted", "declined_by_law", "identity_unclear", "taken_back")
ANSWER_WORKING_DAYS = 2
DONE_DAYS: Mapping[str, int] = {"correction": 10, "objection": 15, "restriction": 15, "erasure": 20}
LONGEST_NOTE = 1000
# Rows of lists that were refused belong to nobody who is known here: kept to be mended, not to be kept.
REFUSED_ROWS_DAYS = 30
SATURDAY = 5


@dataclass(frozen=True)
class DueDates:
    """By when a request is answered, and by when it is done: the end of that day, local time."""

    answer_at: datetime
    done_at: datetime


def calculate_due_dates(kind: str, asked_at: datetime) -> DueDates:
    """Return the two terms of a request.

    Working days are Monday to Friday: public holidays are not known here, so the term may end too early, never late.

    Args:
        kind: a word of `REQUEST_KINDS`.
        asked_at: aware, in the zone in which days are counted.
    """
    day, left = asked_at, ANSWER_WORKING_DAYS
    while left:
        day += timedelta(days=1)
        if day.weekday() < SATURDAY:
            left -= 1
    return DueDates(_end_of(day), _end_of(asked_at + timedelta(days=DONE_DAYS[kind])))


def _end_of(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time(23, 59, 59), tzinfo=moment.tzinfo)


@dataclass(frozen=True)
class Held:
    """What of a person cannot be erased yet.

    Args:
        samples_waiting: samples whose result is not out.
        detected_in_open_campaign: something was found, and the campaign goes on.
        open_discrepancies: what did not fit and is not settled.
    """

    samples_waiting: int
    detected_in_open_campaign: bool
    open_discrepancies: int


def check_can_erase(held: Held) -> None:
    """Refuse to erase whoever must still be found: law and epidemic control come before the wish.

    Raises:
        Refused: says what must end first.
    """
    if held.samples_waiting:
        raise Refused(
            "A sample of this person still waits for its result. Erase when the result is out.",
            field="decision",
        )
    if held.open_discrepancies:
        raise Refused(
            "A discrepancy about this person is not settled. Settle it first: it may be about somebody else's result.",
            field="decision",
        )
    if held.detected_in_open_campaign:
        raise Refused(
            "Something was found in this person's sample, and the campaign goes on: the law on infectious "
            "diseases asks to keep it until the campaign has ended. Restrict the data instead.",
            field="decision",
        )
