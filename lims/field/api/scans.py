"""What phones send: scans, hand-over files, signs of life. docs/field.md describes them."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from lims import clock
from lims.extensions import db
from lims.field import handing_in, settling  # noqa: F401  (settling registers itself)
from lims.field.api import field_api
from lims.field.queries import devices as queries
from lims.field.rules import MOST_AT_ONCE
from lims.field.slips import LONGEST_TEXT
from lims.intake.actions.accesses import record_accesses
from lims.intake.api.collections import PersonToCheck
from lims.intake.api.verdicts import speak
from lims.security import current_actor, needs

LARGEST_UNSENT = 1_000_000
LONGEST_FILE = 15 * 1024 * 1024


class SignedSlip(BaseModel):
    """One scan as its phone wrote and signed it; the id stands in the text too and is here to be echoed."""

    id: str = Field(max_length=64)
    # longer ones are answered one by one, not the whole batch
    text: str = Field(max_length=4 * LONGEST_TEXT)
    signature: str = Field(max_length=200)


class Batch(BaseModel):
    """Scans of a phone, oldest first; none of them is a sign of life."""

    sent_at: AwareDatetime
    unsent: int = Field(default=0, ge=0, le=LARGEST_UNSENT)
    app: str = Field(default="", max_length=40)
    slips: list[SignedSlip] = Field(default_factory=list, max_length=MOST_AT_ONCE)


class ScanVerdict(BaseModel):
    """What became of one scan."""

    id: str
    verdict: Literal["good", "again", "wrong"]
    code: str
    message: str
    discrepancy: uuid.UUID | None = None
    tube: str | None = None
    declaration: str | None = None
    person: PersonToCheck | None = None
    count: int = 0
    limit: int = 0


class DeviceStanding(BaseModel):
    """How the phone that speaks stands: live, ended (its day is over), or other (a desk)."""

    status: Literal["live", "ended", "other"]
    expires_at: datetime | None = None


class BatchAnswer(BaseModel):
    """One verdict for each scan, in the order sent."""

    server_time: datetime
    device: DeviceStanding
    verdicts: list[ScanVerdict]


class HandOverFile(BaseModel):
    """The whole text of a phone's hand-over file."""

    file: str = Field(max_length=LONGEST_FILE)


class FileAnswer(BaseModel):
    """What a hand-over file held, and what became of it."""

    device: dict[str, str] | None
    slips: int
    good: int
    again: int
    wrong: int
    verdicts: list[ScanVerdict]


@field_api.post("/field/scans")
@field_api.input(Batch)
@field_api.output(BatchAnswer)
@field_api.doc(summary="Send a phone's scans", responses=[401, 422])
@needs("hand_in_scans")
def hand_in_scans(json_data: Batch) -> dict[str, Any]:
    """Keep and judge a batch; the same batch again is answered the same."""
    actor = current_actor()
    if actor.device_id is not None:
        # what is in this batch is answered with it
        left = max(0, json_data.unsent - len(json_data.slips))
        handing_in.hear(actor=actor, sent_at=json_data.sent_at, unsent=left, app_version=json_data.app)
    answers = handing_in.hand_in(
        actor=actor,
        slips=[(slip.text, slip.signature) for slip in json_data.slips],
        sent_at=json_data.sent_at if actor.device_id else None,
    )
    return {
        "server_time": clock.now(),
        "device": _standing(),
        "verdicts": speak_answers([slip.id for slip in json_data.slips], answers),
    }


@field_api.post("/field/files")
@field_api.input(HandOverFile)
@field_api.output(FileAnswer)
@field_api.doc(summary="Hand in a phone's hand-over file", responses=[401, 422])
@needs("hand_in_scans")
def hand_in_file(json_data: HandOverFile) -> dict[str, Any]:
    """Keep and judge what a phone without network passed on."""
    return read_file(json_data.file)


def read_file(text: str) -> dict[str, Any]:
    """Hand a file in and return what became of it, in the reader's language.

    Raises:
        InvalidInput: it is no such file.
    """
    handed = handing_in.hand_in_file(actor=current_actor(), text=text)
    counted = Counter(answer["verdict"] for answer in handed["answers"])
    return {
        "device": handing_in.name_device(handed["device"]),
        "slips": len(handed["answers"]),
        **{verdict: counted[verdict] for verdict in ("good", "again", "wrong")},
        "verdicts": speak_answers(handed["ids"], handed["answers"]),
    }


def speak_answers(ids: Sequence[str], answers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return answers as phones get them: in the reader's language, each with the id that was sent.

    Args:
        ids: of the slips, as sent.
        answers: in the same order.
    """
    people = handing_in.map_people(answers, actor=current_actor())
    # whoever was bound has the scan itself as a line of the chain of custody
    shown = {
        people[answer["declaration"]].person_id
        for answer in answers
        if answer["verdict"] != "good" and answer.get("declaration") in people
    }
    record_accesses(actor=current_actor(), person_ids=shown, shown_by="record")
    return [
        speak(dict(answer)) | {"id": slip_id, "person": people.get(str(answer.get("declaration")))}
        for slip_id, answer in zip(ids, answers, strict=True)
    ]


def _standing() -> dict[str, Any]:
    device_id = current_actor().device_id
    if device_id is None:
        return {"status": "other"}
    expires_at = queries.get_device(db.session(), device_id=device_id).enrolment.expires_at
    return {"status": "live" if clock.now() < expires_at else "ended", "expires_at": expires_at}
