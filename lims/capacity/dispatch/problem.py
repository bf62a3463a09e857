"""What dispatch chooses between: boxes that are ready to go, and laboratories with what waits there. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lims.capacity.dispatch.hours import Numbers


@dataclass(frozen=True, slots=True)
class Bench:
    """What a laboratory does of one kind, screening or confirming.

    Args:
        capacities: samples in each step of `hours.EDGES`.
        waiting: samples that wait there now.
        coming: (minutes from now, samples) of each box that is on its way there.
    """

    capacities: Numbers
    waiting: float = 0.0
    coming: Sequence[tuple[float, float]] = ()

    @property
    def works(self) -> bool:
        """Whether it tests anything until the horizon."""
        return bool(self.capacities.sum() > 0)


@dataclass(frozen=True, slots=True)
class Laboratory:
    """Where boxes may go.

    Args:
        id: the place.
        screening: what it does of samples to be screened.
        confirming: what it does of samples to be confirmed; None: it has no right to.
        is_closed: it has failed; nothing goes there.
    """

    id: uuid.UUID
    screening: Bench
    confirming: Bench | None = None
    is_closed: bool = False

    def bench(self, confirms: bool) -> Bench | None:
        """Return the bench of a kind; None without the right."""
        return self.confirming if confirms else self.screening


@dataclass(frozen=True, slots=True)
class Box:
    """A box that is ready to go, or will be.

    Args:
        id: its key.
        code: printed code, which breaks ties.
        samples: in all its tubes, 1 or more.
        ready: minutes from now until it can leave, 0 for now; how long it waits already where it is negative.
        minutes: of the way to each laboratory it may go to, by the laboratory's key.
        confirms: it carries tubes whose samples are to be confirmed.
        fixed: laboratory that somebody has chosen for it.
    """

    id: uuid.UUID
    code: str
    samples: float
    ready: float
    minutes: Mapping[uuid.UUID, float] = field(default_factory=dict)
    confirms: bool = False
    fixed: uuid.UUID | None = None

    def arrives(self, laboratory_id: uuid.UUID) -> float:
        """Return when it would be there, in minutes from now."""
        return max(self.ready, 0.0) + self.minutes[laboratory_id]


@dataclass(frozen=True, slots=True)
class Left:
    """A box that goes nowhere.

    Args:
        box_id: its key.
        why: key of `explaining.LEFT`.
    """

    box_id: uuid.UUID
    why: str


def find_open(box: Box, laboratories: Sequence[Laboratory]) -> list[Laboratory]:
    """Return where a box may go: open, with the right, with capacity, on a way that is known."""
    return [one for one in laboratories if not _find_obstacle(box, one)]


def find_places(box: Box, laboratories: Sequence[Laboratory]) -> list[Laboratory]:
    """Return where a box may go, only what somebody has chosen for it while that is open and can do it."""
    found = find_open(box, laboratories)
    return [one for one in found if one.id == box.fixed] or found


def explain_left(box: Box, laboratories: Sequence[Laboratory]) -> str:
    """Return why a box may go nowhere, the obstacle that is nearest to being mended."""
    met = {_find_obstacle(box, one) for one in laboratories}
    return next(
        (word for word in ("closed", "no_capacity", "no_right", "no_way") if word in met), "no_laboratory"
    )


def _find_obstacle(box: Box, laboratory: Laboratory) -> str:
    bench = laboratory.bench(box.confirms)
    if laboratory.id not in box.minutes:
        return "no_way"
    if bench is None:
        return "no_right"
    if laboratory.is_closed:
        return "closed"
    return "" if bench.works else "no_capacity"
