"""Exports for programs: which there are, how many rows, the file itself as a stream."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel

from lims.exports.queries import KINDS
from lims.exports.queries.kinds import Filters
from lims.exports.queries.written import list_exports
from lims.exports.rules import FORMATS, KIND_WORDS, MEDIA_TYPES
from lims.exports.taking import count_export, take_export
from lims.exports.views import send
from lims.extensions import db
from lims.language import say
from lims.security import current_actor, needs

FILES: dict[str, dict[str, Any]] = {
    MEDIA_TYPES[name].partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
    for name in FORMATS
}
ANSWERS: dict[int | str, dict[str, str | dict[str, dict[str, Any]]]] = {
    200: {
        "description": "The file; CSV and NDJSON end with the number of rows and the SHA-256 of all bytes before.",
        "content": FILES,
    },
    404: {"description": "There is no such export."},
    409: {"description": "A workbook cannot hold so many rows."},
    422: {"description": "A value cannot be understood."},
}

exports_api = APIBlueprint("exports_api", __name__, url_prefix="/api/v1", tag="Exports")


class Narrowed(BaseModel):
    """What an export is narrowed to; everything left out means all."""

    campaign_id: uuid.UUID | None = None
    since: date | None = None
    until: date | None = None

    def filters(self) -> Filters:
        """Return the same for the queries."""
        return Filters(campaign_id=self.campaign_id, since=self.since, until=self.until)


class ExportAsked(Narrowed):
    """A file: its format, and what it is narrowed to."""

    format: Literal["csv", "xlsx", "ndjson"] = "ndjson"


class ExportKind(BaseModel):
    """One kind of export that the caller may take."""

    kind: str
    title: str
    columns: list[str]


class ExportWritten(BaseModel):
    """A file that was taken away; without `finished_at` it was cut off on its way."""

    id: uuid.UUID
    kind: str
    format: str
    filters: dict[str, str]
    exported_by: str
    asked_at: datetime
    rows_expected: int
    rows_written: int | None
    sha256: str | None
    finished_at: datetime | None


class ExportList(BaseModel):
    """What can be taken, and what was taken before, the newest first."""

    kinds: list[ExportKind]
    exports: list[ExportWritten]


class RowCount(BaseModel):
    """How many rows an export would have now."""

    rows: int


@exports_api.get("/exports")
@exports_api.output(ExportList)
@exports_api.doc(summary="Kinds of exports, and the files taken before")
@needs("export_data")
def list_export_kinds() -> dict[str, Any]:
    """List kinds and files."""
    actor = current_actor()
    return {
        "kinds": [
            {"kind": kind.name, "title": say(KIND_WORDS[kind.name]), "columns": list(kind.columns)}
            for kind in KINDS.values()
            if actor.can(kind.permission)
        ],
        "exports": [
            {
                "id": one.id,
                "kind": one.kind,
                "format": one.format,
                "filters": one.filters,
                "exported_by": one.asked_by.display_name if one.asked_by else "",
                "asked_at": one.asked_at,
                "rows_expected": one.rows_expected,
                "rows_written": one.rows_written,
                "sha256": one.sha256.hex() if one.sha256 else None,
                "finished_at": one.finished_at,
            }
            for one in list_exports(db.session(), actor=actor)
        ],
    }


@exports_api.get("/exports/<export_kind>/count")
@exports_api.input(Narrowed, location="query")
@exports_api.output(RowCount)
@exports_api.doc(summary="How many rows an export would have", responses=[404, 422])
@needs("export_data")
def count_export_rows(export_kind: str, query_data: Narrowed) -> dict[str, int]:
    """Count the rows of an export."""
    return {"rows": count_export(actor=current_actor(), kind=export_kind, filters=query_data.filters())}


@exports_api.post("/exports/<export_kind>")
@exports_api.input(ExportAsked)
@exports_api.doc(
    summary="Take a file: streamed, its number of rows in X-Export-Rows, its end with count and SHA-256",
    responses=ANSWERS,
)
@needs("export_data")
def take_export_file(export_kind: str, json_data: ExportAsked) -> Response:
    """Take a file."""
    taken = take_export(
        actor=current_actor(), kind=export_kind, format=json_data.format, filters=json_data.filters()
    )
    return send(taken)
