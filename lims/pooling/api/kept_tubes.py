"""Kept tubes for programs: which are to be fetched, storages, putting a rack away."""

from __future__ import annotations

import uuid
from typing import Any

from pydantic import BaseModel, Field

from lims.extensions import db
from lims.intake.actions import storing as actions
from lims.intake.queries.storages import list_storages
from lims.pooling.api import pooling_api
from lims.pooling.api.sent import AtLaboratory, Once, Verdict, spoken
from lims.pooling.queries import pools as queries
from lims.security import current_actor, needs


class NewStorage(Once):
    """A refrigerator or a freezer."""

    laboratory_id: uuid.UUID
    name: str = Field(min_length=1, max_length=40)
    temperature_c: float = Field(ge=actions.COLDEST_C, le=actions.WARMEST_C)


class MadeStorage(BaseModel):
    """The storage that was added."""

    storage_id: uuid.UUID
    name: str


class StoredTubes(Once):
    """A rack and its tubes in the order of the places."""

    laboratory_id: uuid.UUID
    storage_id: uuid.UUID
    rack: str = Field(min_length=1, max_length=8)
    tubes: list[str] = Field(min_length=1, max_length=actions.MOST_IN_RACK)


class Stored(BaseModel):
    """How many tubes were put away, and a verdict for each in the order sent."""

    stored: int
    verdicts: list[Verdict]


class StorageOut(BaseModel):
    """A storage and what it is set to, in degrees Celsius."""

    id: uuid.UUID
    name: str
    temperature_c: float


class TubeToFetch(BaseModel):
    """A tube that a retest, a repeat or a confirmation is pipetted from, and where it stands."""

    tube: str
    status: str
    pool: str
    purpose: str
    attempt: int
    parent: str | None
    storage: str | None
    rack_position: str


class KeptTubes(BaseModel):
    """Tubes to fetch, rack by rack, and the laboratory's storages."""

    tubes: list[TubeToFetch]
    storages: list[StorageOut]


@pooling_api.get("/kept-tubes")
@pooling_api.input(AtLaboratory, location="query")
@pooling_api.output(KeptTubes)
@pooling_api.doc(summary="Kept tubes to fetch, and where they stand", responses=[404])
@needs("see_laboratory")
def list_kept_tubes(query_data: AtLaboratory) -> dict[str, Any]:
    """Return tubes to fetch."""
    current_actor().check_place(query_data.laboratory_id)
    session, laboratory_id = db.session(), query_data.laboratory_id
    rows = queries.list_tubes_to_fetch(session, laboratory_id=laboratory_id)
    return {
        "tubes": [
            {name: getattr(row, name) for name in TubeToFetch.model_fields}
            | {"rack_position": row.rack_position or ""}
            for row in rows
        ],
        "storages": [
            {"id": one.id, "name": one.name, "temperature_c": one.temperature_c}
            for one in list_storages(session, laboratory_id=laboratory_id)
        ],
    }


@pooling_api.post("/storages")
@pooling_api.input(NewStorage)
@pooling_api.output(MadeStorage)
@pooling_api.doc(summary="Name a refrigerator or a freezer", responses=[404])
@needs("receive_boxes")
def add_storage(json_data: NewStorage) -> dict[str, Any]:
    """Add a storage."""
    return actions.add_storage(actor=current_actor(), **json_data.model_dump())


@pooling_api.post("/kept-tubes")
@pooling_api.input(StoredTubes)
@pooling_api.output(Stored)
@pooling_api.doc(summary="Note where a rack's tubes stand", responses=[404])
@needs("receive_boxes")
def store_tubes(json_data: StoredTubes) -> dict[str, Any]:
    """Put tubes away."""
    answer = actions.store_tubes(
        actor=current_actor(),
        client_id=json_data.client_id,
        laboratory_id=json_data.laboratory_id,
        storage_id=json_data.storage_id,
        rack=json_data.rack,
        tube_codes=json_data.tubes,
    )
    return answer | {"verdicts": spoken(answer["verdicts"])}
