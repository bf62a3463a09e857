"""How a letter leaves: one small protocol, and a module for each way.

A driver returns what the receiver calls the letter, or raises one of two things: `NotTaken`, where it certainly was not
taken, or `Unknown`, where it may have been. Errors say a word and a number; never a key, an address or a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from lims.outbox.letters import Letter, Receipt


class NotTaken(Exception):
    """The letter certainly was not taken: refused, or nobody there.

    Args:
        error: why, as "HTTP 503".
        is_down: the receiver does not answer at all; others of its letters may wait a little.
    """

    def __init__(self, error: str, *, is_down: bool = False) -> None:
        super().__init__(error)
        self.error = error
        self.is_down = is_down


class Unknown(Exception):
    """The letter was handed over and nobody said that it was taken."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class Driver(Protocol):
    """One way for letters to leave.

    `name` is said in lists; `drops_repeats` is True where the same letter, sent twice, arrives once.
    """

    name: str
    drops_repeats: bool

    def send(self, letter: Letter) -> str:
        """Send a letter and return what the receiver calls it.

        Raises:
            NotTaken: it was not taken.
            Unknown: it may have been.
        """

    def parse_receipt(self, said: Mapping[str, Any]) -> Receipt | None:
        """Return what a gateway says later of a letter; None where it says nothing of one."""

    def close(self) -> None:
        """Let connections go."""
