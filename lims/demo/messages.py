"""The demonstration's messages: who is on call, what was sent until noon, and two that wait for somebody's decision.

They are written by the campaign's own actions; later ones are sent by the worker that runs beside the demonstration's
server, into a file.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lims import clock
from lims.auth.actors import RESIDENT, SYSTEM
from lims.demo.province import HOME_COMMUNE, LABORATORIES, Setting
from lims.extensions import settings, vault
from lims.outbox.actions.receipts import note_receipt
from lims.outbox.actions.receivers import add_on_call
from lims.outbox.actions.sending import find_lost, take_next
from lims.outbox.drivers.to_file import FileDriver
from lims.outbox.letters import Letter, Outcome, Receipt
from lims.outbox.rules import LEASE
from lims.outbox.writing import Paper

WORKER, CHANNEL, MOST = "demonstration", "sms", 200
FAILED = Receipt("demonstration-1", None, is_delivered=False, word="4")


def put_on_call(setting: Setting) -> None:
    """Put a mailbox of each laboratory, and of the home commune, on the on-call list."""
    home = next(place.id for place in setting.communes if place.code == HOME_COMMUNE)
    entries = [(home, "tram-y-te@example.org", "Trực trạm y tế")]
    entries += [
        (setting.laboratory_ids[code], f"truc-{code.lower()}@example.org", f"Trực {code}")
        for code, _name, _screening, _confirmation in LABORATORIES
    ]
    for place_id, address, label in entries:
        add_on_call(actor=SYSTEM, place_id=place_id, channel="email", address=address, label=label)


def send_until_noon() -> None:
    """Let a worker send what was due at a noon: it dies with one message in its hand, one is not delivered, all others
    arrive in the file."""
    noon = clock.local(clock.now()).replace(hour=12, minute=0).astimezone(UTC)
    if noon > clock.now():
        noon -= timedelta(days=1)
    if _take(noon) is None:
        return
    with clock.at(noon + 2 * LEASE):
        find_lost(actor=SYSTEM, channels={CHANNEL: False})
    letter = _take(noon + 2 * LEASE)
    if letter is None:
        return
    sent = Outcome(letter, is_sent=True, provider_id=FAILED.provider_id)
    _take(noon + 3 * LEASE, done=sent, is_ending=True)
    with clock.at(noon + 3 * LEASE):
        note_receipt(actor=RESIDENT, receipt=FAILED)
    _send_some(noon + 3 * LEASE)


def _send_some(moment: datetime) -> None:
    """Send into the file, as the worker does; a large campaign's messages are left to the worker itself."""
    file = settings().outbox_file
    if file is None:
        return
    driver, done = FileDriver(file), None
    for _message in range(MOST):
        letter = _take(moment, done=done)
        if letter is None:
            return
        with clock.at(moment):
            done = Outcome(letter, is_sent=True, provider_id=driver.send(letter))
    _take(moment, done=done, is_ending=True)


def _take(moment: datetime, *, done: Outcome | None = None, is_ending: bool = False) -> Letter | None:
    with clock.at(moment):
        return take_next(
            actor=SYSTEM,
            worker=WORKER,
            paper=Paper(vault(), settings().base_url),
            channels=[CHANNEL],
            lease=LEASE,
            done=done,
            is_ending=is_ending,
        )
