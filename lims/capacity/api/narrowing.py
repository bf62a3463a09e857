"""Which part of all samples a program asks for."""

from __future__ import annotations

import uuid
from datetime import date

from pydantic import BaseModel, Field

from lims.capacity.figures import Scope


class Narrowed(BaseModel):
    """What figures are narrowed to; everything left out means all that the account sees."""

    campaign_id: uuid.UUID | None = None
    province_id: uuid.UUID | None = None
    commune_id: uuid.UUID | None = None
    site_id: uuid.UUID | None = None
    laboratory_id: uuid.UUID | None = None
    team: str | None = Field(default=None, max_length=60, description="name of a team as on its phones")

    def scope(self) -> Scope:
        """Return the same for the figures."""
        return Scope(
            campaign_ids=None if self.campaign_id is None else frozenset({self.campaign_id}),
            province_id=self.province_id,
            commune_id=self.commune_id,
            site_id=self.site_id,
            laboratory_id=self.laboratory_id,
            team=self.team or None,
        )


class OfDay(Narrowed):
    """The same, and a day."""

    day: date | None = Field(default=None, description="local day; today where it is left out")
