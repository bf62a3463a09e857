"""Lists of people for programs: sent as a file, or only checked; what became of every row."""

from __future__ import annotations

import base64
import uuid
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from lims.errors import InvalidInput
from lims.extensions import db, vault
from lims.intake import refused_rows
from lims.intake.actions import lists as actions
from lims.intake.api import intake_api
from lims.intake.models import PeopleImport
from lims.intake.queries import lists as queries
from lims.intake.rules import CONSENT_WAYS_OF_LISTS
from lims.language import say
from lims.security import current_actor, needs

MOST_PROBLEMS = 500


class SentList(BaseModel):
    """A list of people, CSV or XLSX, its bytes in base64; `dry_run` only checks it.

    `consent_given` states how the people have agreed: nobody is tested without.
    """

    client_id: uuid.UUID
    campaign_id: uuid.UUID
    commune_id: uuid.UUID | None = Field(default=None, description="of rows that name none")
    file_name: str = Field(max_length=200)
    # 15 MB of bytes; with the rest of the body it stays under `Settings.upload_bytes`
    content_base64: str = Field(max_length=20 * 1000 * 1000)
    consent_given: Literal[CONSENT_WAYS_OF_LISTS]  # type: ignore[valid-type]
    dry_run: bool = False


class RowProblem(BaseModel):
    """Why a row was refused."""

    line: int
    column: str
    message: str


class ListAnswer(BaseModel):
    """What became of a list; `id` is empty where it was only checked, and then the first problems stand here."""

    id: uuid.UUID | None
    file_name: str
    rows_read: int
    accepted: int
    repeated: int
    refused: int
    warnings: int
    unused_columns: list[str]
    problems: list[RowProblem]


class ListOut(BaseModel):
    """A list that was sent."""

    id: uuid.UUID
    campaign_id: uuid.UUID
    file_name: str
    rows_read: int
    accepted: int
    repeated: int
    refused: int
    imported_at: datetime


class ListsOut(BaseModel):
    """The caller's last 50 lists, the newest first."""

    lists: list[ListOut]


class ListRecord(ListOut):
    """A list with the first 500 problems of its refused rows."""

    problems: list[RowProblem]


def _describe(found: PeopleImport) -> dict[str, Any]:
    return {name: getattr(found, name) for name in ListOut.model_fields}


def _spoken(problems: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "line": one["line"],
            "column": one["column"] or "",
            "message": say(one["message"], one["parameters"]),
        }
        for one in problems[:MOST_PROBLEMS]
    ]


@intake_api.get("/lists")
@intake_api.output(ListsOut)
@intake_api.doc(summary="Lists of people that were sent")
@needs("import_people")
def list_lists() -> dict[str, Any]:
    """Return lists."""
    found = queries.list_imports(db.session(), actor=current_actor())
    return {"lists": [_describe(one) for one in found]}


@intake_api.post("/lists")
@intake_api.input(SentList)
@intake_api.output(ListAnswer)
@intake_api.doc(summary="Declare the people of a list, or only check it", responses=[404])
@needs("import_people")
def import_people(json_data: SentList) -> dict[str, Any]:
    """Import a list."""
    try:
        content = base64.b64decode(json_data.content_base64, validate=True)
    except ValueError:
        raise InvalidInput(
            "This is no base64. Encode the bytes of the file.", field="content_base64"
        ) from None
    answer = actions.import_people(
        actor=current_actor(),
        client_id=json_data.client_id,
        campaign_id=json_data.campaign_id,
        commune_id=json_data.commune_id,
        file_name=json_data.file_name,
        content=content,
        dry_run=json_data.dry_run,
        consent_given=json_data.consent_given,
    )
    return answer | {"id": answer["import_id"], "problems": _spoken(answer.get("problems") or [])}


@intake_api.get("/lists/<uuid:import_id>")
@intake_api.output(ListRecord)
@intake_api.doc(summary="What became of a list, and why rows were refused", responses=[404])
@needs("import_people")
def show_list(import_id: uuid.UUID) -> dict[str, Any]:
    """Return a list."""
    found = queries.get_import(db.session(), actor=current_actor(), import_id=import_id)
    problems: list[dict[str, Any]] = []
    if found.refused_sealed:
        plain = vault().unseal_record(found.refused_sealed, record_id=found.id, column=actions.REFUSED_COLUMN)
        problems = actions.list_problems(refused_rows.unpack(plain))
    return _describe(found) | {"problems": _spoken(problems)}
