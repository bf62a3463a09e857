"""Collection for stations and programs: scans in batches, closings, an own scan taken back."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from lims import codes
from lims.extensions import db
from lims.intake.actions import collections as actions
from lims.intake.actions.accesses import record_accesses
from lims.intake.api import intake_api
from lims.intake.api.verdicts import LONGEST_SCAN, MOST_AT_ONCE, speak
from lims.intake.collecting import CollectionScan, TubeClosing
from lims.intake.queries import samples as sample_queries
from lims.intake.queries import tubes as tube_queries
from lims.places import queries as place_queries
from lims.security import current_actor, needs


class Scanned(BaseModel):
    """One scan: this person's swab is in this tube."""

    client_id: uuid.UUID
    tube: str = Field(max_length=LONGEST_SCAN)
    declaration: str = Field(max_length=LONGEST_SCAN)
    occurred_at: AwareDatetime


class Collections(BaseModel):
    """Scans of one collection session, in the order of scanning."""

    session_id: uuid.UUID
    place_id: uuid.UUID
    scans: list[Scanned] = Field(min_length=1, max_length=MOST_AT_ONCE)


class PersonToCheck(BaseModel):
    """What a collector may see of the person in front."""

    model_config = ConfigDict(from_attributes=True)
    name: str
    birth_year: int


class CollectionVerdict(BaseModel):
    """What became of one scan or closing."""

    client_id: uuid.UUID
    verdict: Literal["good", "again", "wrong"]
    code: str
    message: str
    discrepancy: uuid.UUID | None = None
    tube: str | None = None
    declaration: str | None = None
    mode: str | None = None
    count: int = 0
    limit: int = 1
    person: PersonToCheck | None = None


class CollectionVerdicts(BaseModel):
    """One verdict for each item, in the order sent."""

    verdicts: list[CollectionVerdict]


class Closing(BaseModel):
    """A mixed tube closed with the swabs counted in it."""

    client_id: uuid.UUID
    tube: str = Field(max_length=LONGEST_SCAN)
    count: int


class Closings(BaseModel):
    """Closings of one collection session."""

    session_id: uuid.UUID
    closings: list[Closing] = Field(min_length=1, max_length=MOST_AT_ONCE)


class Undoing(BaseModel):
    """An own scan to be taken back."""

    client_id: uuid.UUID
    scan_client_id: uuid.UUID


class Undone(BaseModel):
    """What is free again, and how many people the tube still holds."""

    tube: str
    declaration: str
    count: int


class LookUp(BaseModel):
    """A code just scanned, to see what it is before the second one comes."""

    place_id: uuid.UUID
    code: str = Field(max_length=LONGEST_SCAN)


class LookedUp(BaseModel):
    """What a tube or a declaration is; nothing is kept of the asking."""

    kind: str
    known: bool
    status: str = ""
    mode: str = ""
    count: int = 0
    limit: int = 0
    person: PersonToCheck | None = None


@intake_api.post("/collections")
@intake_api.input(Collections)
@intake_api.output(CollectionVerdicts)
@intake_api.doc(summary="Bind people to tubes", responses=[404, 422])
@needs("collect")
def register_collections(json_data: Collections) -> dict[str, Any]:
    """Register a batch of scans; the same batch again is answered the same."""
    verdicts = actions.register_collections(
        actor=current_actor(),
        place_id=json_data.place_id,
        session_id=json_data.session_id,
        scans=[CollectionScan(**scan.model_dump()) for scan in json_data.scans],
    )
    session = db.session()
    people = sample_queries.map_people_shown(
        session,
        declaration_codes={verdict["declaration"] for verdict in verdicts if verdict.get("declaration")},
        province_id=place_queries.get_place(session, place_id=json_data.place_id).province_id,
    )
    # whoever was bound has the scan itself as a line of the chain of custody
    shown = {
        people[verdict["declaration"]].person_id
        for verdict in verdicts
        if verdict["verdict"] != "good" and verdict.get("declaration") in people
    }
    record_accesses(actor=current_actor(), person_ids=shown, shown_by="record")
    return {
        "verdicts": [
            speak(verdict) | {"person": people.get(str(verdict.get("declaration")))} for verdict in verdicts
        ]
    }


@intake_api.post("/tube-closings")
@intake_api.input(Closings)
@intake_api.output(CollectionVerdicts)
@intake_api.doc(summary="Close mixed tubes with their counts", responses=[422])
@needs("collect")
def close_tubes(json_data: Closings) -> dict[str, Any]:
    """Close mixed tubes."""
    verdicts = actions.close_tubes(
        actor=current_actor(),
        session_id=json_data.session_id,
        closings=[TubeClosing(**closing.model_dump()) for closing in json_data.closings],
    )
    return {"verdicts": [speak(verdict) for verdict in verdicts]}


@intake_api.post("/collection-undoings")
@intake_api.input(Undoing)
@intake_api.output(Undone)
@intake_api.doc(summary="Take an own scan back", responses=[404, 409, 422])
@needs("collect")
def undo_collection(json_data: Undoing) -> dict[str, Any]:
    """Free the tube and the person of one's own scan."""
    return actions.undo_collection(
        actor=current_actor(), client_id=json_data.client_id, scan_client_id=json_data.scan_client_id
    )


@intake_api.post("/collection-look-ups")
@intake_api.input(LookUp)
@intake_api.output(LookedUp)
@intake_api.doc(summary="See what a scanned tube or declaration is", responses=[404, 422])
@needs("collect")
def look_up(json_data: LookUp) -> dict[str, Any]:
    """Say whose declaration, or what kind of tube, was scanned first."""
    session = db.session()
    place = place_queries.get_place(session, place_id=json_data.place_id)
    current_actor().check_place(place.id)
    kind, code = codes.parse(json_data.code, expect=("tube", "declaration"))
    if kind == "tube":
        found = tube_queries.find_tube_at_collection(session, code=code, province_id=place.province_id)
        return {"kind": kind, "known": found is not None} | (found or {})
    people = sample_queries.map_people_shown(session, declaration_codes=[code], province_id=place.province_id)
    person = people.get(code)
    if person is not None:
        record_accesses(actor=current_actor(), person_ids=[person.person_id], shown_by="record")
    return {
        "kind": kind,
        "known": person is not None,
        "status": person.status if person else "",
        "person": person,
    }
