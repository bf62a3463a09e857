"""How fast each station was: people, and the time from its first request to its last, all clients together."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Station:
    """What one station did in all.

    Args:
        name: as printed.
        people: who passed it; whoever is tested twice counts twice.
        seconds: while it was at work.
    """

    name: str
    people: int = 0
    seconds: float = 0.0

    @property
    def people_per_second(self) -> float:
        """Its speed."""
        return round(self.people / self.seconds, 1) if self.seconds else 0.0


@dataclass
class Tally:
    """All stations, in the order in which they were first reached."""

    stations: dict[str, Station] = field(default_factory=dict)

    @contextmanager
    def at(self, name: str, people: int) -> Iterator[None]:
        """Count people and time for the code inside."""
        station = self.stations.setdefault(name, Station(name))
        began = time.monotonic()
        try:
            yield
        finally:
            station.people += people
            station.seconds += time.monotonic() - began
