"""How a message moves, which goes when, and when it is tried again. Pure.

Toward a person a message is sent at most once: it is `sending`, committed, before the driver is called. What became of
it is unknown after a crash between the call and the mark; it is then `unsure`, and only a person sends it again. A
driver whose receiver drops repeats by the message's id may be asked again by itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from lims.states import States

MESSAGE = States(
    "message",
    {
        # cancelled: what it was to tell no longer holds, or there is nobody to tell it to
        "queued": ("sending", "cancelled"),
        # back to queued: it certainly did not leave, or its receiver drops repeats
        "sending": ("sent", "delivered", "queued", "unsure", "given_up"),
        "sent": ("delivered", "given_up"),
        "unsure": ("sent", "delivered", "given_up", "queued", "cancelled"),
        "given_up": ("queued", "delivered", "cancelled"),
        "delivered": (),
        "cancelled": (),
    },
)
STATES = (MESSAGE,)

# whom it is for: a person tested, staff on call, another system
KINDS = ("sms", "alert", "webhook")
CHANNELS = ("sms", "email", "webhook")
# Alerts overtake everything; other systems wait for people.
URGENCIES = {"alert": 0, "sms": 1, "webhook": 2}
TO_PEOPLE = ("result_ready", "result_amended", "result_checked_again", "second_test")
# Staff on call are told, too, of what may not have arrived; that telling itself is not told of.
STUCK_ALERT = "messages_stuck"
# Texts that the station has written itself, in both languages and for an SMS.
PREPARED = ("capacity_alarm", "report_ready")
ALERTS = ("positive_pools", "positive_result", *PREPARED, STUCK_ALERT)
# What somebody on an on-call list is told of.
HEARS = ("alarms", "reports")
EVENTS = ("result.released", "result.amended", "result.withdrawn")
TEMPLATES = (*TO_PEOPLE, *ALERTS, *EVENTS)
# These wait for a person's decision.
STUCK = ("unsure", "given_up")

FIRST_DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(hours=1)
LONGEST_DELAY_OF_ALERTS = timedelta(minutes=5)
MOST_ATTEMPTS = 16
# After a receiver was found down, a worker leaves it alone for so long, and serves others.
PAUSE = timedelta(seconds=30)
LEASE = timedelta(minutes=2)
# So many people of one telephone are told by one message.
MOST_TOGETHER = 100


def is_quiet(local: datetime, *, quiet_from_hour: int, quiet_until_hour: int) -> bool:
    """Tell whether people are left alone at a moment.

    Args:
        local: in the campaign's time zone.
        quiet_from_hour: first quiet hour, 0 to 23.
        quiet_until_hour: first hour that is not quiet any more; the same as the first: there are none.
    """
    if quiet_from_hour <= quiet_until_hour:
        return quiet_from_hour <= local.hour < quiet_until_hour
    return local.hour >= quiet_from_hour or local.hour < quiet_until_hour


def calculate_run_at(local: datetime, *, kind: str, quiet_from_hour: int, quiet_until_hour: int) -> datetime:
    """Return when a message goes: at once, or for a person at the end of the quiet hours.

    Args:
        local: the present moment in the campaign's time zone.
        kind: a word of `KINDS`; alerts and other systems know no night.
        quiet_from_hour: as of `is_quiet`.
        quiet_until_hour: as of `is_quiet`.
    """
    if kind != "sms" or not is_quiet(
        local, quiet_from_hour=quiet_from_hour, quiet_until_hour=quiet_until_hour
    ):
        return local
    ends = local.replace(hour=quiet_until_hour, minute=0, second=0, microsecond=0)
    return ends if ends > local else ends + timedelta(days=1)


def calculate_delay(attempts: int, *, kind: str) -> timedelta:
    """Return how long to wait after a failed attempt: half a minute, then twice as long each time.

    Args:
        attempts: made so far, 1 or more.
        kind: a word of `KINDS`; alerts are tried again within five minutes, all others within an hour.
    """
    longest = LONGEST_DELAY_OF_ALERTS if kind == "alert" else LONGEST_DELAY
    return min(longest, FIRST_DELAY * 2 ** min(attempts - 1, 12))


def judge_failure(attempts: int, *, is_known: bool, is_idempotent: bool) -> str:
    """Return the state of a message whose sending failed.

    Args:
        attempts: made so far.
        is_known: it certainly did not leave; otherwise it may have arrived.
        is_idempotent: its receiver drops repeats by the message's id.
    """
    if not is_known and not is_idempotent:
        return "unsure"
    return "given_up" if attempts >= MOST_ATTEMPTS else "queued"


def wakes_staff(status: str, *, kind: str, template: str) -> bool:
    """Tell whether staff on call hear that a message came to nothing: whatever is given up, and an unclear alert.

    Args:
        status: the state that the message has now.
        kind: a word of `KINDS`.
        template: a word of `TEMPLATES`.
    """
    return template != STUCK_ALERT and (status == "given_up" or (status == "unsure" and kind == "alert"))
