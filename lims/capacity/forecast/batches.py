"""Tubes that go their way together: a box, the pools made of it, a part of a plate. Pure.

Who is infected is drawn once, when a box is filled, and stays with the batch: whatever is changed in a what-if, the
same people are infected.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Batch:
    """People whose samples go together.

    Args:
        people: how many.
        infected: their places in the batch, 0 to `people` − 1, rising.
        size: people in a pool; the last pool of a batch may be smaller.
        delays: factors of this box for the way, the verification and the release; about 1.
        stood: True for what was there when the simulation began.
        purpose: screen, half, retest or confirm.
    """

    people: int
    infected: list[int]
    size: int = 1
    delays: tuple[float, float, float] = (1.0, 1.0, 1.0)
    stood: bool = False
    purpose: str = "screen"

    @property
    def pools(self) -> int:
        """In how many reactions they are tested."""
        return -(-self.people // self.size)

    def part(self, people: int, infected: list[int], *, size: int = 0, purpose: str = "") -> Batch:
        """Return other people of the same box; size and purpose as they are, if they are left out."""
        return Batch(people, infected, size or self.size, self.delays, self.stood, purpose or self.purpose)

    def pooled(self, size: int, purpose: str = "screen") -> Batch:
        """Return the same people in pools of another size."""
        return self.part(self.people, self.infected, size=size, purpose=purpose)

    def split(self, pools: int) -> tuple[Batch, Batch]:
        """Return the first so many pools, and the rest; there must be more than that."""
        people = pools * self.size
        return (
            self.part(people, [place for place in self.infected if place < people]),
            self.part(self.people - people, [place - people for place in self.infected if place >= people]),
        )

    def tested(self) -> tuple[Batch | None, Batch | None]:
        """Return the people of the negative pools, and the positive pools one behind the other; None for nobody."""
        if not self.infected:
            return self, None
        order: dict[int, int] = {}
        places = []
        for place in self.infected:
            pool, within = divmod(place, self.size)
            places.append(order.setdefault(pool, len(order)) * self.size + within)
        people = len(order) * self.size
        if self.pools - 1 in order:
            people -= self.pools * self.size - self.people
        positive = self.part(people, places)
        if people == self.people:
            return None, positive
        return self.part(self.people - people, []), positive

    def halved(self) -> list[Batch]:
        """Return the larger halves of all pools, and the smaller ones, as two batches of pools."""
        large = (self.size + 1) // 2
        parts: list[Batch] = []
        for begin, end in ((0, large), (large, self.size)):
            width = end - begin
            full, last = divmod(self.people, self.size)
            people = full * width + min(max(0, last - begin), width)
            infected = [
                place // self.size * width + place % self.size - begin
                for place in self.infected
                if begin <= place % self.size < end
            ]
            if people:
                parts.append(self.part(people, infected, size=width, purpose="half"))
        return parts
