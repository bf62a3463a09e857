"""The board and the reconciliation for programs."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from lims.capacity.api import capacity_api
from lims.capacity.commands import as_figures
from lims.capacity.queries.board import AtLaboratory, Waiting, read_board
from lims.capacity.queries.reconciliation import list_campaign_ids, reconcile
from lims.capacity.rules import Load
from lims.extensions import db
from lims.security import current_actor, needs


class LoadOut(BaseModel):
    """Reactions of today against those that can be done in a day."""

    used: int
    planned: int
    capacity: int
    free: int


class WaitingOut(BaseModel):
    """The tube that waits longest."""

    tube: str
    since: datetime
    laboratory: str


class LaboratoryLoad(BaseModel):
    """What stands in a laboratory, by station, and its load."""

    id: str
    name: str
    stations: dict[str, int]
    screening: LoadOut
    confirmation: LoadOut
    released_today: int
    oldest: WaitingOut | None


class BoardOut(BaseModel):
    """The board's figures."""

    at: datetime
    declared: int
    sampled: int
    released: int
    released_today: int
    stations: dict[str, int]
    oldest: WaitingOut | None
    laboratories: list[LaboratoryLoad]


class FaultOut(BaseModel):
    """A row in none or in two classes."""

    key: str
    classes: list[str]


class IdentityOut(BaseModel):
    """A whole and its classes; at most the first 100 faults are named."""

    name: str
    total: int
    classes: dict[str, int]
    fault_count: int
    faults: list[FaultOut]


class ReconciliationOut(BaseModel):
    """Whether all identities hold, and each of them."""

    holds: bool
    identities: list[IdentityOut]


def _load(load: Load) -> dict[str, int]:
    return asdict(load) | {"free": load.free}


def _waiting(waiting: Waiting | None) -> dict[str, str] | None:
    if waiting is None:
        return None
    return {"tube": waiting.tube, "since": waiting.since.isoformat(), "laboratory": waiting.laboratory}


def _laboratory(row: AtLaboratory) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "stations": row.stations,
        "screening": _load(row.screening),
        "confirmation": _load(row.confirmation),
        "released_today": row.released_today,
        "oldest": _waiting(row.oldest),
    }


@capacity_api.get("/board")
@capacity_api.output(BoardOut)
@capacity_api.doc(summary="What stands where, today's reactions against capacity, what waits longest")
@needs("see_board")
def board() -> dict[str, Any]:
    """Return the board's figures."""
    figures = read_board(db.session(), actor=current_actor())
    return {
        "at": figures.at.isoformat(),
        "declared": figures.declared,
        "sampled": figures.sampled,
        "released": figures.released,
        "released_today": figures.released_today,
        "stations": figures.stations,
        "oldest": _waiting(figures.oldest),
        "laboratories": [_laboratory(row) for row in figures.laboratories],
    }


@capacity_api.get("/reconciliation")
@capacity_api.output(ReconciliationOut)
@capacity_api.doc(summary="People and tubes by class; rows in none or in two classes are named")
@needs("reconcile")
def reconciliation() -> dict[str, object]:
    """Return the identities."""
    campaigns = list_campaign_ids(db.session(), actor=current_actor())
    return as_figures(reconcile(db.session(), campaign_ids=campaigns))
