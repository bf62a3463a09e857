"""What intake tells the laboratory in the same transaction, without knowing it: imports point the other way.

Intake says what has become of tubes and of samples; the results package listens (`lims.results.actions.consequences`):

    from lims.intake import consequences
    consequences.follow("tubes_gone", replace_gone_tubes)    # (session, keys, reason) -> people asked for a new sample

See docs/decisions/intake-asks-the-laboratory.md. Without a laboratory (tests of intake alone) nothing follows.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection

from sqlalchemy.orm import Session

Listener = Callable[[Session, Collection[uuid.UUID], str], int]
_listeners: dict[str, list[Listener]] = {
    # tubes that can never be tested (again): rejected, damaged, missing and written off
    "tubes_gone": [],
    # mixed tubes whose collector's count has come
    "tubes_counted": [],
    # samples closed by name because a new one is asked for
    "samples_closed": [],
}


def follow(what: str, listener: Listener) -> None:
    """Call a function in the transaction in which something happens; following twice changes nothing.

    Args:
        what: "tubes_gone", "tubes_counted" or "samples_closed".
        listener: takes the session, the keys of the tubes or samples and a reason, and returns how many people it
            asked for a new sample.
    """
    if listener not in _listeners[what]:
        _listeners[what].append(listener)


def tell(session: Session, what: str, keys: Collection[uuid.UUID], *, reason: str = "") -> int:
    """Tell everybody who follows; nothing is done where there are no keys.

    Args:
        session: writing session, with all that happened flushed or executed.
        what: as of `follow`.
        keys: of the tubes or of the samples.
        reason: why, a word of `lims.words`.

    Returns:
        How many people were asked for a new sample by those who follow.
    """
    if not keys:
        return 0
    return sum(listener(session, keys, reason) for listener in _listeners[what])
