"""Extractions for programs."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from lims.extensions import db
from lims.pooling.actions import extractions as actions
from lims.pooling.api import pooling_api
from lims.pooling.api.sent import Once, Reason
from lims.pooling.queries import extractions as queries
from lims.security import current_actor, needs


class NewExtraction(Once):
    """What is extracted together; without pools: what waits, most urgent first."""

    laboratory_id: uuid.UUID
    pools: list[str] | None = Field(default=None, max_length=384)
    most: int = 95
    kit_lot: str = Field(default="", max_length=40)
    instrument: str = Field(default="", max_length=80)


class ExtractionOut(BaseModel):
    """An extraction and its pools in the order of the deck; after a failure those that wait for another."""

    extraction: str
    pools: list[str]


class ExtractionRecord(ExtractionOut):
    """An extraction, what was used for it, and whether it was given up."""

    laboratory_id: uuid.UUID
    kit_lot: str
    instrument: str
    made_at: datetime
    failed_at: datetime | None


@pooling_api.post("/extractions")
@pooling_api.input(NewExtraction)
@pooling_api.output(ExtractionOut)
@pooling_api.doc(summary="Note that pools are extracted together", responses=[404, 409, 422])
@needs("fill_plates")
def make_extraction(json_data: NewExtraction) -> dict[str, Any]:
    """Note an extraction."""
    return actions.make_extraction(
        actor=current_actor(),
        client_id=json_data.client_id,
        laboratory_id=json_data.laboratory_id,
        pool_codes=json_data.pools,
        most=json_data.most,
        kit_lot=json_data.kit_lot,
        instrument=json_data.instrument,
    )


@pooling_api.get("/extractions/<extraction_code>")
@pooling_api.output(ExtractionRecord)
@pooling_api.doc(summary="An extraction's record", responses=[404, 422])
@needs("see_laboratory")
def show_extraction(extraction_code: str) -> dict[str, Any]:
    """Return an extraction."""
    extraction = queries.get_extraction(db.session(), code=extraction_code)
    current_actor().check_place(extraction.laboratory_id, missing=queries.no_such_extraction(extraction.code))
    pools = queries.list_extracted(db.session(), extraction_id=extraction.id)
    return {
        "extraction": extraction.code,
        "pools": [one.pool.code for one in pools],
        "laboratory_id": extraction.laboratory_id,
        "kit_lot": extraction.kit_lot,
        "instrument": extraction.instrument,
        "made_at": extraction.made_at,
        "failed_at": extraction.failed_at,
    }


@pooling_api.post("/extractions/<extraction_code>/fail")
@pooling_api.input(Reason)
@pooling_api.output(ExtractionOut)
@pooling_api.doc(summary="Give an extraction up; its pools wait for another", responses=[404, 409, 422])
@needs("fill_plates")
def fail_extraction(extraction_code: str, json_data: Reason) -> dict[str, Any]:
    """Fail an extraction."""
    return actions.fail_extraction(
        actor=current_actor(),
        client_id=json_data.client_id,
        extraction_code=extraction_code,
        reason=json_data.reason,
    )
