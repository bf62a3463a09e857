"""Thermocyclers' files for programs: handed in, looked at, read by named columns, accepted or left."""

from __future__ import annotations

import base64
import uuid
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from lims.errors import InvalidInput
from lims.extensions import db
from lims.pooling import handing_in
from lims.pooling.actions import files as actions
from lims.pooling.api import pooling_api
from lims.pooling.api.readings import Recorded
from lims.pooling.api.sent import Once, spoken, spoken_failure
from lims.pooling.instruments.column_map import FIELDS, ColumnMap
from lims.pooling.queries import files as queries
from lims.security import current_actor, needs

# Rows of a workbook, and columns that are read.
MOST_ROWS, MOST_COLUMNS = 1_048_576, 1000
Column = Annotated[int, Field(ge=1, le=MOST_COLUMNS)]


class InstrumentFile(Once):
    """A thermocycler's file, its bytes in base64."""

    file_name: str = Field(default="", max_length=200)
    # 15 MB of bytes; with the rest of the body it stays under `Settings.upload_bytes`
    content_base64: str = Field(max_length=20 * 1000 * 1000)


class NamedColumns(Once):
    """Which column holds what, counted from 1, where nobody knows the instrument."""

    sheet: str = Field(default="", max_length=80, description="empty: a text file, or the first sheet")
    header_row: int = Field(default=0, ge=0, le=MOST_ROWS, description="0: a table without titles")
    well: Column
    ct: Column
    sample: Column | None = None
    target: Column | None = None
    dye: Column | None = None
    task: Column | None = None


class FileProblem(BaseModel):
    """Why a file does not fit, and where."""

    code: str
    message: str
    sheet: str
    row: int
    column: str


class StagedFile(BaseModel):
    """A file after reading: staged or refused."""

    file: uuid.UUID
    run: str
    status: str
    format: str
    matched_by: str
    problems: list[FileProblem]


class KeptFile(BaseModel):
    """A file that was kept, and its plate."""

    file: uuid.UUID
    run: str


class FileRecord(StagedFile):
    """A file, when it came, and its name."""

    file_name: str
    received_at: datetime


@pooling_api.post("/runs/<run_code>/files")
@pooling_api.input(InstrumentFile)
@pooling_api.output(StagedFile)
@pooling_api.doc(
    summary="Hand in a thermocycler's file: kept, read, matched to the plate, and staged or refused",
    responses=[404, 409, 422],
)
@needs("record_readings")
def hand_in_file(run_code: str, json_data: InstrumentFile) -> dict[str, Any]:
    """Hand in a file."""
    try:
        content = base64.b64decode(json_data.content_base64, validate=True)
    except ValueError:
        raise InvalidInput(
            "This is no base64. Encode the bytes of the file.", field="content_base64"
        ) from None
    answer = handing_in.hand_in(
        actor=current_actor(),
        client_id=json_data.client_id,
        run_code=run_code,
        file_name=json_data.file_name,
        content=content,
    )
    return answer | {"problems": spoken(answer["problems"])}


@pooling_api.post("/result-files/<uuid:file_id>/accept")
@pooling_api.input(Once)
@pooling_api.output(Recorded)
@pooling_api.doc(summary="Use a staged file's readings", responses=[404, 409, 422])
@needs("record_readings")
def accept_file(file_id: uuid.UUID, json_data: Once) -> dict[str, Any]:
    """Accept a file; sent twice, the second is told that it is accepted already."""
    answer = handing_in.accept(actor=current_actor(), file_id=file_id)
    return answer | {"failure": spoken_failure(answer["failure"])}


@pooling_api.get("/result-files/<uuid:file_id>")
@pooling_api.output(FileRecord)
@pooling_api.doc(summary="A thermocycler's file: what became of it", responses=[404])
@needs("record_readings")
def show_file(file_id: uuid.UUID) -> dict[str, Any]:
    """Return a file's record; one that was kept and never read has no format."""
    session = db.session()
    file = queries.get_file(session, actor=current_actor(), file_id=file_id)
    known = queries.find_import(session, file_id=file_id)
    read: dict[str, Any] = {
        "file": file.id,
        "run": file.run.code,
        "status": "kept",
        "format": "",
        "matched_by": "",
        "problems": [],
    }
    if known is not None:
        read = actions.describe_import(known, file.run)
    return {
        **read,
        "problems": spoken(read["problems"]),
        "file_name": file.file_name,
        "received_at": file.received_at,
    }


@pooling_api.post("/result-files/<uuid:file_id>/columns")
@pooling_api.input(NamedColumns)
@pooling_api.output(StagedFile)
@pooling_api.doc(
    summary="Read a file by named columns, which are kept for the instrument", responses=[404, 409]
)
@needs("record_readings")
def name_columns(file_id: uuid.UUID, json_data: NamedColumns) -> dict[str, Any]:
    """Read a file by columns; sent twice, it is read twice and stands as before."""
    named = {field: getattr(json_data, field) for field in FIELDS}
    column_map = ColumnMap(sheet=json_data.sheet, header_row=json_data.header_row, columns=named)
    answer = handing_in.read_kept(actor=current_actor(), file_id=file_id, column_map=column_map.to_json())
    return answer | {"problems": spoken(answer["problems"])}


@pooling_api.post("/result-files/<uuid:file_id>/decline")
@pooling_api.input(Once)
@pooling_api.output(KeptFile)
@pooling_api.doc(summary="Leave a staged file unused", responses=[404, 409])
@needs("record_readings")
def decline_file(file_id: uuid.UUID, json_data: Once) -> dict[str, Any]:
    """Decline a file."""
    return actions.decline_file(actor=current_actor(), client_id=json_data.client_id, file_id=file_id)
