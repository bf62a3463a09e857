"""Reading a slip: one scan as a phone wrote and signed it (docs/field.md). Pure.

What a slip says is a claim and nothing more: who signed it is checked by `field.keys`, what it means is decided where
the desk's scans are. Fields that a newer app adds are passed over, so that old and new phones work side by side.
"""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from lims import codes
from lims.errors import InvalidInput
from lims.texts import check_text, walk_texts

LONGEST_TEXT = 8_000
LONGEST_CODE = 200
LARGEST = 2**31 - 1
# A phone that lost its clock says 1970; what is outside these years no clock says and no engine adds to.
YEARS = range(1970, 2201)
LARGEST_OFFSET_MS = 200 * 366 * 24 * 3600 * 1000

Scanned = Annotated[str, Field(max_length=LONGEST_CODE)]
UNREADABLE = "a slip of another form"


class _Said(BaseModel):
    """What every slip says."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    v: Literal[1]
    id: uuid.UUID
    device: uuid.UUID
    seq: int = Field(ge=1, le=LARGEST)
    at: AwareDatetime
    offset_ms: int | None = Field(default=None, ge=-LARGEST_OFFSET_MS, le=LARGEST_OFFSET_MS)
    badge: Scanned
    session: uuid.UUID | None = None
    how: Annotated[str, Field(max_length=24)] = ""

    @field_validator("at")
    @classmethod
    def _of_a_clock(cls, at: datetime) -> datetime:
        if at.year not in YEARS:
            raise ValueError("no clock says so")
        return at


class PersonSaid(BaseModel):
    """Somebody declared on the spot, as typed."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    name: str
    birth_date: str
    sex: str = ""
    phone: str = ""
    household: str = ""
    symptoms: list[str] = Field(default_factory=list, max_length=20)
    is_contact: bool = False


class DeclareSlip(_Said):
    """A person declared on the spot, typed or by the QR of a card."""

    kind: Literal["declare"]
    person: PersonSaid | None = None
    card: str = ""
    # the roster's namesake, if there is just one; the server looks whether it is the same person
    likely: Scanned | None = None


class BindSlip(_Said):
    """A person's swab is in a tube; the person by declaration code or by the slip that declared them."""

    kind: Literal["bind"]
    tube: Scanned
    declaration: Scanned = ""
    declared: uuid.UUID | None = None
    session: uuid.UUID


class UndoSlip(_Said):
    """A bind slip taken back."""

    kind: Literal["undo"]
    undoes: uuid.UUID


class CloseSlip(_Said):
    """A mixed tube closed with so many swabs."""

    kind: Literal["close"]
    tube: Scanned
    count: int = Field(ge=0, le=1000)
    session: uuid.UUID


class PackSlip(_Said):
    """A tube into a box, or out of it."""

    kind: Literal["pack", "take_out"]
    box: Scanned
    tube: Scanned


class SealSlip(_Said):
    """A box sealed."""

    kind: Literal["seal"]
    box: Scanned


class HandOverSlip(_Said):
    """A sealed box handed to a courier, for a laboratory if one was chosen."""

    kind: Literal["hand_over"]
    box: Scanned
    courier: Scanned
    laboratory: uuid.UUID | None = None


Slip = DeclareSlip | BindSlip | UndoSlip | CloseSlip | PackSlip | SealSlip | HandOverSlip
_READER: TypeAdapter[Slip] = TypeAdapter(Annotated[Slip, Field(discriminator="kind")])


def read_slip(text: str) -> Slip:
    """Read what a phone wrote.

    Args:
        text: the slip's text as signed.

    Raises:
        InvalidInput: it is longer than a slip can be, of another form, or holds characters nobody can print.
    """
    if len(text) > LONGEST_TEXT:
        raise InvalidInput(UNREADABLE, field="text")
    try:
        plain = json.loads(text)
        for name, inner in walk_texts(plain):
            check_text(inner, field=name)
        return _READER.validate_python(plain, strict=False)
    except (ValidationError, ValueError, RecursionError):
        raise InvalidInput(UNREADABLE, field="text") from None


def sound_code(text: str, kind: str) -> str | None:
    """Return a code as it is kept, or None for a misread one: such a scan is kept by its raw text alone."""
    try:
        return codes.parse(text, expect=kind).text
    except InvalidInput:
        return None
