"""Working hours that come again each day, and when work begun now is done. Pure."""

from __future__ import annotations

from dataclasses import dataclass

DAY = 1440
"""Minutes of a day."""


@dataclass(frozen=True, slots=True)
class Shifts:
    """When people work, in minutes of the simulation.

    Args:
        opens_at: minute of the simulation at which some day's work begins; any of them, before or after now.
        minutes: worked each day, above 0 and at most `DAY`.
    """

    opens_at: float = 0.0
    minutes: float = DAY

    def worked_until(self, moment: float) -> float:
        """Return the minutes worked from `opens_at` to a moment; negative before it."""
        days, since = divmod(moment - self.opens_at, DAY)
        return days * self.minutes + min(since, self.minutes)

    def worked(self, begin: float, end: float) -> float:
        """Return the minutes worked between two moments."""
        return self.worked_until(end) - self.worked_until(begin)

    def end_of(self, begin: float, minutes: float) -> float:
        """Return when work of so many minutes is done that is begun at a moment and lies over night."""
        if self.minutes >= DAY:
            return begin + minutes
        if minutes <= 0:
            return self.next_open(begin)
        days, left = divmod(self.worked_until(begin) + minutes, self.minutes)
        if left == 0:
            days, left = days - 1, self.minutes
        # what is added and taken off again must not end before it began, by a rounding
        return max(begin, self.opens_at + days * DAY + left)

    def next_open(self, moment: float) -> float:
        """Return the moment itself in working hours, else when they begin again."""
        days, since = divmod(moment - self.opens_at, DAY)
        return moment if since < self.minutes else self.opens_at + (days + 1) * DAY


ALWAYS = Shifts()
