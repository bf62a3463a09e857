"""What the resources are made of: plain values, read by the queries and told by the mappers. Pure."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime

Numbers = tuple[tuple[str, str], ...]
"""Pairs of (system or its name, value)."""


@dataclass(frozen=True)
class PersonFacts:
    """Who is tested.

    Args:
        id: key.
        name: full name; empty once the identity was erased.
        born: ISO 8601 as exactly as it is known; "" once erased.
        sex: female, male or unknown.
        papers: identity papers, by the names of `dialect.PAPERS` or "identity".
        foreign: numbers of other systems, by their own system.
        commune: where the person lives, with what it lies in.
        is_erased: the identity was erased.
        is_restricted: the person asked that their data be only kept.
        changed_at: the last event.
    """

    id: uuid.UUID
    name: str
    born: str
    sex: str
    papers: Numbers
    foreign: Numbers
    commune: str
    is_erased: bool
    is_restricted: bool
    changed_at: datetime


@dataclass(frozen=True)
class OrderFacts:
    """A declaration, which other systems call an order."""

    id: uuid.UUID
    code: str
    foreign: Numbers
    person_id: uuid.UUID
    campaign_id: uuid.UUID
    campaign: str
    commune_id: uuid.UUID
    commune_code: str
    commune: str
    household_code: str | None
    status: str
    symptoms: tuple[str, ...]
    is_contact: bool
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True)
class SampleFacts:
    """One person's specimen."""

    id: uuid.UUID
    status: str
    person_id: uuid.UUID
    declaration_id: uuid.UUID
    tube_code: str
    tube_status: str
    rejection_reason: str
    place_id: uuid.UUID
    place: str
    sampled_at: datetime
    received_at: datetime | None
    changed_at: datetime


@dataclass(frozen=True)
class PoolFacts:
    """Specimens mixed into one; `sample_ids` are those of all its tubes."""

    id: uuid.UUID
    code: str
    status: str
    sample_ids: tuple[uuid.UUID, ...]
    closed_at: datetime | None
    laboratory_id: uuid.UUID
    changed_at: datetime


@dataclass(frozen=True)
class Threshold:
    """The Ct of one target of an individual test."""

    target: str
    ct: float


@dataclass(frozen=True)
class ReportFacts:
    """What is reported of a sample at this moment: its current version, or that it waits.

    Args:
        id: key of the sample; the report keeps it through all its versions.
        sample_status: word of `intake.rules.SAMPLE`.
        result_status: word of `results.rules.RESULT`; None while there is no result.
        finding: of the current version, told only when it is released.
        told_before: what an earlier version had told, None where nothing was released before.
        was_released: the current version was released, and may have been withdrawn since.
        pool_id: key of the pool that the result hangs on, where several people's specimens were mixed in it.
        pool_size: how many specimens that were.
        thresholds: of an individual test.
    """

    id: uuid.UUID
    sample_status: str
    person_id: uuid.UUID
    declaration_id: uuid.UUID
    sampled_at: datetime
    result_status: str | None = None
    finding: str | None = None
    told_before: str | None = None
    was_released: bool = False
    released_at: datetime | None = None
    laboratory_id: uuid.UUID | None = None
    laboratory: str = ""
    pool_id: uuid.UUID | None = None
    pool_size: int = 1
    assay: str = ""
    thresholds: tuple[Threshold, ...] = ()
    changed_at: datetime = field(kw_only=True)


@dataclass(frozen=True)
class ReleaseFacts:
    """Who stands behind a released version."""

    id: uuid.UUID
    sample_id: uuid.UUID
    person_id: uuid.UUID
    version: int
    entered_by: str
    verified_by: str
    released_by: str
    created_at: datetime
    released_at: datetime
    reason: str
    laboratory_id: uuid.UUID
    laboratory: str
    changed_at: datetime


@dataclass(frozen=True)
class PlaceFacts:
    """A place: a laboratory is an Organization, every other a Location."""

    id: uuid.UUID
    kind: str
    code: str
    name: str
    parent_id: uuid.UUID | None
    is_open: bool
