"""A worker: takes one message after the other and hands each to its driver. Several may run, on one machine or many.

It holds nothing in memory that matters: what it is doing stands in the table before it is done. While a receiver is
down, or gives unclear answers, this worker leaves it alone for half a minute and serves others. When nothing is due it
does the night's work.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from datetime import timedelta

from lims import clock
from lims.auth.actors import SYSTEM
from lims.extensions import db
from lims.nights import Nights
from lims.outbox.actions.sending import find_lost, take_next
from lims.outbox.drivers import Driver, NotTaken, Unknown
from lims.outbox.letters import Letter, Outcome
from lims.outbox.queries.messages import count_in_hand, has_due, has_lost
from lims.outbox.rules import LEASE, PAUSE
from lims.outbox.writing import Paper

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
LOOKS_FOR_LOST_SECONDS = 5.0


class Worker:
    """One worker.

    Args:
        drivers: by channel.
        paper: what letters are written on.
        lease: how long a message may be in hand before others take it for lost; longer than any driver waits.
        stop: set it to end after the message in hand.
    """

    def __init__(
        self,
        drivers: Mapping[str, Driver],
        *,
        paper: Paper,
        lease: timedelta = LEASE,
        stop: threading.Event | None = None,
    ) -> None:
        self.name = f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.sent = 0
        self._drivers = drivers
        self._repeats = {channel: driver.drops_repeats for channel, driver in drivers.items()}
        self._paper = paper
        self._lease = lease
        self._stop = stop or threading.Event()
        self._down: dict[str | uuid.UUID, float] = {}
        self._looked = 0.0
        self._nights = Nights()

    def run(self, *, once: bool = False, until_empty: bool = False) -> int:
        """Send until told to stop.

        Args:
            once: end when nothing more is due.
            until_empty: end when nothing more is due and nothing is in anybody's hand, waiting for what a worker that
                died has left.

        Returns:
            How many messages were sent.
        """
        while not self._stop.is_set():
            self._look_for_lost()
            took = has_due(db.session(), now=clock.now(), channels=self._up()) and self._send_what_is_due()
            in_hand = count_in_hand(db.session()) if until_empty else 0
            db.session.remove()
            if took:
                continue
            if once or (until_empty and not in_hand):
                break
            if not until_empty:
                self._nights.do_what_is_due()
            self._stop.wait(POLL_SECONDS if not until_empty else POLL_SECONDS / 4)
        return self.sent

    def _look_for_lost(self) -> None:
        if time.monotonic() - self._looked < min(LOOKS_FOR_LOST_SECONDS, self._lease.total_seconds() / 4):
            return
        self._looked = time.monotonic()
        if has_lost(db.session(), now=clock.now()):
            lost = find_lost(actor=SYSTEM, channels=self._repeats)
            log.warning("%s messages were in the hand of a worker that died", lost)

    def _send_what_is_due(self) -> bool:
        """Send one message after the other until nothing is due; tell whether there was any."""
        letter = self._take(None)
        took = letter is not None
        while letter is not None:
            done = self._hand_over(letter)
            self._look_for_lost()
            letter = self._take(done)
        return took

    def _take(self, done: Outcome | None) -> Letter | None:
        return take_next(
            actor=SYSTEM,
            worker=self.name,
            paper=self._paper,
            channels=self._up(),
            left_alone=[key for key in self._down if isinstance(key, uuid.UUID)],
            lease=self._lease,
            done=done,
            is_ending=self._stop.is_set(),
        )

    def _up(self) -> list[str]:
        """Return the channels that answer, having forgotten who was down long enough ago."""
        now = time.monotonic()
        self._down = {key: until for key, until in self._down.items() if until > now}
        return [channel for channel in self._repeats if channel not in self._down]

    def _hand_over(self, letter: Letter) -> Outcome:
        """Hand a letter to its driver and say what became of it."""
        repeats = self._repeats[letter.channel]
        try:
            provider_id = self._drivers[letter.channel].send(letter)
        except NotTaken as error:
            if error.is_down:
                self._leave_alone(letter)
            log.warning("message %s was not taken: %s", letter.message_id, error.error)
            return Outcome(letter, is_sent=False, error=error.error, drops_repeats=repeats)
        except Unknown as error:
            self._leave_alone(letter)
            log.warning("message %s: nobody knows whether it was taken: %s", letter.message_id, error.error)
            return Outcome(letter, is_sent=False, is_known=False, error=error.error, drops_repeats=repeats)
        except Exception as error:
            # an address that no library takes, say: the worker must not end, or it would meet the same letter again
            self._leave_alone(letter)
            log.exception("message %s could not be handed over", letter.message_id)
            return Outcome(
                letter, is_sent=False, is_known=False, error=type(error).__name__, drops_repeats=repeats
            )
        self.sent += 1
        return Outcome(letter, is_sent=True, provider_id=provider_id)

    def _leave_alone(self, letter: Letter) -> None:
        """Send nothing more to a receiver for a while: a broken one would leave thousands of messages in doubt."""
        self._down[letter.webhook_id or letter.channel] = time.monotonic() + PAUSE.total_seconds()
