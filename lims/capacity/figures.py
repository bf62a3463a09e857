"""The figures of board, alarms, forecasts and reports as values; they are read in one place, `queries.figures`."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from lims.capacity.histograms import Histogram


@dataclass(frozen=True)
class Scope:
    """Which part of all samples figures are of; nothing given: all that the actor sees.

    Args:
        campaign_ids: of these campaigns; None for all.
        province_id, commune_id, site_id, laboratory_id: of one place.
        team: what a team of that name took.
    """

    campaign_ids: frozenset[uuid.UUID] | None = None
    province_id: uuid.UUID | None = None
    commune_id: uuid.UUID | None = None
    site_id: uuid.UUID | None = None
    laboratory_id: uuid.UUID | None = None
    team: str | None = None


@dataclass(frozen=True)
class HourFigures:
    """What happened in one hour.

    Args:
        begins_at: the hour, in UTC.
        counts: measure → number.
    """

    begins_at: datetime
    counts: Mapping[str, int]


@dataclass(frozen=True)
class DayFigures:
    """What happened on the days asked for, and where everything stood at their end.

    Args:
        first_on, last_on: local days, both included.
        known_on: as it was known at the end of that local day; None: as it is known now.
        counts: (measure, detail) → number; see `measures.MEASURES`.
        legs: leg → how long it took those that ended it on these days.
        standing: station → samples at the end of `last_on` (now, if that is today).
    """

    first_on: date
    last_on: date
    known_on: date | None
    counts: Mapping[tuple[str, str], int]
    legs: Mapping[str, Histogram]
    standing: Mapping[str, int]

    def total(self, measure: str, detail: str | None = None) -> int:
        """Return a measure's number, of one detail or of all."""
        return sum(
            number
            for (name, word), number in self.counts.items()
            if name == measure and (detail is None or word == detail)
        )


@dataclass(frozen=True)
class Oldest:
    """The sample that waits longest.

    Args:
        tube: printed code.
        station: where it stands.
        laboratory_id: where it lies; None before a laboratory.
        collected_at: when it was taken.
    """

    tube: str
    station: str
    laboratory_id: uuid.UUID | None
    collected_at: datetime


@dataclass(frozen=True)
class LaboratoryFigures:
    """A laboratory now.

    Args:
        id, name: the place.
        day: its figures of today.
        hours: the last 24 hours, oldest first.
        oldest: what waits longest there.
    """

    id: uuid.UUID
    name: str
    day: DayFigures
    hours: Sequence[HourFigures]
    oldest: Oldest | None
