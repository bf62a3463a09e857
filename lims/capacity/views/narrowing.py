"""Which part of all samples a page shows: filters that stay in its address."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import request

from lims.capacity.figures import Scope
from lims.errors import InvalidInput

PLACES = ("campaign_id", "province_id", "commune_id", "site_id", "laboratory_id")
LONGEST_TEAM = 60


@dataclass(frozen=True)
class Narrowing:
    """What the reader has chosen.

    Args:
        scope: the same for the figures.
        day: None for today.
        chosen: field → text, as it stands in the address; what is not narrowed is missing.
    """

    scope: Scope
    day: date | None
    chosen: dict[str, str]

    @property
    def places(self) -> dict[str, str]:
        """What an address of other days takes: the same without the day."""
        return {name: text for name, text in self.chosen.items() if name != "day"}

    def also(self, **more: Any) -> dict[str, Any]:
        """Return what an address of the same narrowing takes, with something else."""
        return {**self.chosen, **more}


def read_narrowing() -> Narrowing:
    """Return the filters of this request.

    Raises:
        InvalidInput: a place or a day cannot be understood; it names the field.
    """
    chosen = {
        name: text
        for name in (*PLACES, "team", "day")
        if (text := request.args.get(name, "").strip()[:LONGEST_TEAM])
    }
    places = {name: _read_place(name, chosen[name]) for name in PLACES if name in chosen}
    campaign = places.pop("campaign_id", None)
    scope = Scope(
        campaign_ids=None if campaign is None else frozenset({campaign}), team=chosen.get("team"), **places
    )
    return Narrowing(scope=scope, day=_read_day(chosen.get("day")), chosen=chosen)


def _read_place(name: str, text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise InvalidInput("Choose one from the list.", field=name) from None


def _read_day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidInput("Write the day as 2021-08-16.", field="day") from None
