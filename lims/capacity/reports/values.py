"""The figures of a report before it is written. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from lims.capacity.figures import DayFigures

Counts = Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class LaboratoryOfReport:
    """A laboratory, what it can do in a day, and its figures of the report's days."""

    name: str
    screening_per_day: int
    confirmation_per_day: int
    figures: DayFigures


@dataclass(frozen=True)
class ReportFigures:
    """Everything a report says, before it is written.

    Args:
        province: its name.
        campaigns: names of those that are counted.
        whole: the report's days together.
        days: each of the last days up to the report's last one, oldest first.
        laboratories: by name.
        communes: name → what happened there on the report's days, by name.
    """

    province: str
    campaigns: Sequence[str]
    whole: DayFigures
    days: Sequence[tuple[date, Counts]]
    laboratories: Sequence[LaboratoryOfReport]
    communes: Sequence[tuple[str, Counts]]
