"""Who is on the journey: people with their codes, teams that collect, and what is true of whom. Plain values."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lims.demo.people import Invented

RELEASED = frozenset({"not_detected", "detected", "inconclusive"})
ASKED_AGAIN = "new_sample"
# nobody can do more for these: the reason is named
CLOSED = frozenset({"withdrawn", "closed"})


@dataclass
class Traveller:
    """One person of the journey.

    Args:
        person: who, and whether infected.
        declaration: declaration code.
        result_code: the secret.
        status: what the person last read.
    """

    person: Invented
    declaration: str = ""
    result_code: str = ""
    status: str = "not_declared"


@dataclass
class Team:
    """A collection team's morning: some people, their tubes, one box, one laboratory.

    Args:
        site_id: where.
        laboratory: where the box goes.
        people: in the order of the queue.
        mode: "single" or "mixed".
        tubes: code → whose swabs are in it.
        box: code of the box.
    """

    site_id: str
    laboratory: Laboratory
    people: list[Traveller]
    mode: str
    tubes: dict[str, list[Traveller]] = field(default_factory=dict)
    box: str = ""
    session_id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True)
class Laboratory:
    """A laboratory as the server describes it."""

    id: str
    code: str
    can_confirm: bool


@dataclass(frozen=True)
class Plate:
    """A run at work.

    Args:
        laboratory: where.
        pools: pool code → tube codes.
        answer: what planning it answered: `run`, `wells`, `targets`.
        people: how many are tested on it.
    """

    laboratory: Laboratory
    pools: Mapping[str, list[str]]
    answer: Mapping[str, Any]
    people: int

    @property
    def run(self) -> str:
        """The plate's code."""
        return str(self.answer["run"])
