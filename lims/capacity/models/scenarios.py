"""Scenarios that somebody has kept: what was assumed, with the laboratories of that day. What follows is computed."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lims.places.models import Place
from lims.tables import Base, Keyed


class KeptScenario(Keyed, Base):
    """A scenario's document, as `scenarios.rules.read_scenario` takes it."""

    __tablename__ = "scenario"
    name: Mapped[str] = mapped_column(String(80))
    province_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("place.id"))
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    kept_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("user_account.id"))
    kept_at: Mapped[datetime]
    province: Mapped[Place] = relationship(lazy="joined", innerjoin=True)
    __table_args__ = (Index(None, "province_id", "kept_at"),)
