"""Moments as FHIR writes them. Pure."""

from __future__ import annotations

from datetime import datetime

from lims.results.fhir.dialect import Resource


def instant(moment: datetime) -> str:
    """Return a moment in UTC with all its digits: what is asked for "since then" must not come again."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def date_time(moment: datetime | None) -> str | None:
    """Return a moment to the second, None where there is none."""
    return None if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def meta(changed_at: datetime) -> Resource:
    """Return the Meta of a resource; no profile is claimed."""
    return {"lastUpdated": instant(changed_at)}
