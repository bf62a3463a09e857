"""What one sample, pool, run, declaration or discrepancy adds to which figure. Pure: the only place that says it.

First the facts of the tables become a `Counted`: where the thing stands and what has happened to it, each happening
with its own moment and laboratory. Then `contributions` turns that into keys of the summaries. Folding and recounting
use both.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

from lims.capacity.histograms import find_bucket
from lims.capacity.measures import LEGS

NOWHERE = uuid.UUID(int=0)
TOTAL, FINE = 0, 1
LEVEL, HOUR, DAY, LEG = "level", "hour_count", "day_count", "leg_count"
STANDING = "standing"
"""The measure of a day under which the changes of the stations are kept, each on the day on which it became known."""

OF_RESULT = {"preliminary": "to_verify", "verified": "to_release", "held": "held"}
GONE_AT_ARRIVAL = ("rejected", "damaged")


class Key(NamedTuple):
    """One number of the summaries.

    Args:
        table: `level`, `hour_count`, `day_count` or `leg_count`; `standing` for the sum of a station's changes.
        period: the hour's begin in UTC, the local day, or None of a level and of `standing`.
        word: station, measure or leg.
        detail: of a measure, or the bucket's number of a leg.
        grain: `TOTAL` or `FINE`.
        campaign_id, laboratory_id, commune_id, site_id: places, `NOWHERE` where none applies.
        team: name; empty for none.
    """

    table: str
    period: datetime | date | None
    word: str
    detail: str
    grain: int
    campaign_id: uuid.UUID
    laboratory_id: uuid.UUID
    commune_id: uuid.UUID
    site_id: uuid.UUID
    team: str


class Happening(NamedTuple):
    """Something that happened to one thing.

    Args:
        measure: key of `measures.MEASURES`.
        detail: see there.
        at: when, to the second.
        laboratory_id: where; `NOWHERE` before a laboratory.
        number: how many it counts for, as the wells of a run.
    """

    measure: str
    detail: str
    at: datetime
    laboratory_id: uuid.UUID = NOWHERE
    number: int = 1


@dataclass(frozen=True)
class Counted:
    """One thing as it is counted.

    Args:
        id: its key.
        kind: sample, pool, run, declaration or discrepancy.
        campaign_id, commune_id, site_id: places, `NOWHERE` where none applies.
        team: who took a sample; empty where it is not known.
        station: where a sample stands; empty for none.
        laboratory_id: where it lies.
        collected_at: when a sample was taken; of other things when they began.
        happened: what has happened to it, in the order of `count_*`.
    """

    id: uuid.UUID
    kind: str
    campaign_id: uuid.UUID
    commune_id: uuid.UUID
    site_id: uuid.UUID
    team: str
    station: str
    laboratory_id: uuid.UUID
    collected_at: datetime
    happened: tuple[Happening, ...]


@dataclass(frozen=True)
class Membership:
    """A tube's place in a pool.

    Args:
        pool_status, purpose: of the pool.
        laboratory_id: of the pool; None for a confirmation that no laboratory has yet.
        added_at: when the tube was put in.
        in_test: whether the pool is not called yet.
    """

    pool_status: str
    purpose: str
    laboratory_id: uuid.UUID | None
    added_at: datetime
    in_test: bool


@dataclass(frozen=True)
class Version:
    """One version of a sample's result; see `results.models.Result`."""

    version: int
    status: str
    finding: str
    laboratory_id: uuid.UUID
    created_at: datetime
    verified_at: datetime | None
    released_at: datetime | None
    withdrawn_at: datetime | None
    is_amendment: bool


@dataclass(frozen=True)
class SampleFacts:
    """What the tables say of a sample, its tube, box, pools and results.

    Args:
        box_laboratory_id: where its box goes; None without a box.
        rejected_at: when its tube was refused, damaged or rejected; None where it was not.
        memberships: of its tube, in any order.
        versions: of its result, in any order.
    """

    id: uuid.UUID
    campaign_id: uuid.UUID
    commune_id: uuid.UUID
    site_id: uuid.UUID
    team: str
    status: str
    sampled_at: datetime
    tube_status: str
    tube_laboratory_id: uuid.UUID | None
    tube_received_at: datetime | None
    rejection_reason: str
    rejected_at: datetime | None
    box_status: str | None
    box_laboratory_id: uuid.UUID | None
    memberships: Sequence[Membership]
    versions: Sequence[Version]


def find_station(facts: SampleFacts) -> tuple[str, uuid.UUID]:
    """Return where a sample stands and at which laboratory; an empty word where nothing is waited for.

    A sample that waits for a result stands where its tube is; one with a result where its result is.
    """
    current = next((one for one in facts.versions if one.status != "superseded"), None)
    lies_at = facts.tube_laboratory_id or NOWHERE
    if current is not None and current.status in OF_RESULT:
        return OF_RESULT[current.status], current.laboratory_id
    if facts.status != "bound":
        return "", lies_at
    in_test = next((one for one in facts.memberships if one.in_test), None)
    at = (in_test.laboratory_id if in_test else None) or facts.tube_laboratory_id or facts.box_laboratory_id
    if in_test and in_test.pool_status == "on_plate":
        station = "on_plate"
    elif in_test and in_test.pool_status in ("open", "closed"):
        station = "pooled"
    elif any(not one.in_test for one in facts.memberships):
        station = "next_test"
    elif facts.tube_status in ("received", "stored"):
        station = "received"
    elif facts.tube_status == "used" or facts.box_status in ("open", "sealed"):
        station = "at_the_site"
    else:
        station = "on_the_road"
    return station, at or NOWHERE


def count_sample(facts: SampleFacts) -> Counted:
    """Return a sample as it is counted.

    A void sample counts nowhere: its scan was taken back. `pooled` is its first pool that is not void. `tested`,
    `verified` and `released` are counted once, at the moment of the first version that came so far, however often it
    was amended later; `released` with the finding that was released last, so that an amendment corrects the past, and
    not any more once the result is withdrawn and none has followed. Amendments and withdrawals are counted beside.
    """
    station, lies_at = find_station(facts)
    happened: list[Happening] = []
    if facts.status != "void":
        happened = [
            Happening("collected", "", facts.sampled_at),
            *_at_laboratory(facts),
            *_of_results(sorted(facts.versions, key=lambda one: one.version)),
        ]
    return Counted(
        id=facts.id,
        kind="sample",
        campaign_id=facts.campaign_id,
        commune_id=facts.commune_id,
        site_id=facts.site_id,
        team=facts.team,
        station=station,
        laboratory_id=lies_at,
        collected_at=_second(facts.sampled_at),
        happened=tuple(one._replace(at=_second(one.at)) for one in happened),
    )


def _at_laboratory(facts: SampleFacts) -> list[Happening]:
    found = []
    here = facts.tube_laboratory_id or NOWHERE
    if facts.tube_received_at is not None:
        found.append(Happening("received", "", facts.tube_received_at, here))
    if facts.tube_status in GONE_AT_ARRIVAL:
        at = facts.rejected_at or facts.tube_received_at or facts.sampled_at
        found.append(Happening("rejected", facts.rejection_reason or facts.tube_status, at, here))
    pooled = min(
        (one for one in facts.memberships if one.pool_status != "void"),
        key=lambda one: (one.added_at, str(one.laboratory_id)),
        default=None,
    )
    if pooled is not None:
        found.append(Happening("pooled", "", pooled.added_at, pooled.laboratory_id or here))
    return found


def _of_results(versions: Sequence[Version]) -> list[Happening]:
    if not versions:
        return []
    first, last = versions[0], versions[-1]
    found = [Happening("tested", first.finding, first.created_at, first.laboratory_id)]
    verified = [one for one in versions if one.verified_at is not None]
    if verified:
        one = min(verified, key=lambda version: version.verified_at or version.created_at)
        found.append(Happening("verified", "", one.verified_at or one.created_at, one.laboratory_id))
    released = [one for one in versions if one.released_at is not None]
    if released and last.status != "withdrawn":
        at = min(one.released_at for one in released if one.released_at is not None)
        found.append(Happening("released", released[-1].finding, at, released[-1].laboratory_id))
    for one in versions:
        if one.is_amendment:
            found.append(Happening("amended", "", one.created_at, one.laboratory_id))
        if one.withdrawn_at is not None:
            found.append(Happening("withdrawn", "", one.withdrawn_at, one.laboratory_id))
    return found


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def count_declaration(
    *, id: uuid.UUID, campaign_id: uuid.UUID, commune_id: uuid.UUID, created_at: datetime
) -> Counted:
    """Return a declaration as it is counted: once, when it was made."""
    at = _second(created_at)
    return Counted(
        id=id,
        kind="declaration",
        campaign_id=campaign_id,
        commune_id=commune_id,
        site_id=NOWHERE,
        team="",
        station="",
        laboratory_id=NOWHERE,
        collected_at=at,
        happened=(Happening("declared", "", at),),
    )


def count_pool(
    *,
    id: uuid.UUID,
    campaign_id: uuid.UUID,
    laboratory_id: uuid.UUID | None,
    purpose: str,
    status: str,
    finding: str | None,
    member_count: int,
    is_mixed: bool,
    opened_at: datetime,
    called_at: datetime | None,
) -> Counted:
    """Return a pool as it is counted: a screening pool with a clear finding, by its size.

    One with a tube that was mixed at collection is left out, as it holds more people than tubes
    (`pooling.queries.pools.count_pools_by_size`).

    Args:
        id, campaign_id, laboratory_id, purpose, status, finding, member_count, opened_at, called_at: of its row.
        is_mixed: whether one of its tubes was mixed at collection.
    """
    where = laboratory_id or NOWHERE
    happened: list[Happening] = []
    clear = finding in ("detected", "not_detected") and status in ("called", "resolved")
    if purpose == "screen" and clear and not is_mixed and called_at is not None:
        happened.append(Happening("pools_tested", str(member_count), _second(called_at), where))
        if finding == "detected":
            happened.append(Happening("pools_positive", str(member_count), _second(called_at), where))
    return _of_laboratory("pool", id, campaign_id, where, opened_at, happened)


def count_run(
    *,
    id: uuid.UUID,
    campaign_id: uuid.UUID,
    laboratory_id: uuid.UUID,
    planned_at: datetime,
    entered_at: datetime | None,
    wells: dict[str, int],
) -> Counted:
    """Return a run as it is counted: its reactions were used when its readings came, whatever became of it later.

    Args:
        id, campaign_id, laboratory_id, planned_at, entered_at: of its row.
        wells: purpose → wells with a pool.
    """
    happened = []
    if entered_at is not None:
        happened = [
            Happening("reactions", purpose, _second(entered_at), laboratory_id, number)
            for purpose, number in sorted(wells.items())
            if number
        ]
    return _of_laboratory("run", id, campaign_id, laboratory_id, planned_at, happened)


def count_discrepancy(
    *,
    id: uuid.UUID,
    kind: str,
    campaign_id: uuid.UUID | None,
    laboratory_id: uuid.UUID | None,
    commune_id: uuid.UUID | None,
    site_id: uuid.UUID | None,
    opened_at: datetime,
    settled_at: datetime | None,
) -> Counted:
    """Return a discrepancy as it is counted: when it was opened, and when it was settled.

    Args:
        id, kind, campaign_id, opened_at, settled_at: of its row.
        laboratory_id, commune_id, site_id: its place, by the place's kind.
    """
    where = laboratory_id or NOWHERE
    happened = [Happening("discrepancies_opened", kind, _second(opened_at), where)]
    if settled_at is not None:
        happened.append(Happening("discrepancies_settled", kind, _second(settled_at), where))
    return Counted(
        id=id,
        kind="discrepancy",
        campaign_id=campaign_id or NOWHERE,
        commune_id=commune_id or NOWHERE,
        site_id=site_id or NOWHERE,
        team="",
        station="",
        laboratory_id=where,
        collected_at=_second(opened_at),
        happened=tuple(happened),
    )


def _of_laboratory(
    kind: str,
    key: uuid.UUID,
    campaign_id: uuid.UUID,
    laboratory_id: uuid.UUID,
    began_at: datetime,
    happened: Sequence[Happening],
) -> Counted:
    return Counted(
        id=key,
        kind=kind,
        campaign_id=campaign_id,
        commune_id=NOWHERE,
        site_id=NOWHERE,
        team="",
        station="",
        laboratory_id=laboratory_id,
        collected_at=_second(began_at),
        happened=tuple(happened),
    )


def contributions(counted: Counted | None, *, zone: tzinfo) -> Counter[Key]:
    """Return what one thing adds to which number, at both grains.

    Args:
        counted: the thing; None where it was not counted yet, or is not there any more.
        zone: of the local days.
    """
    found: Counter[Key] = Counter()
    if counted is None:
        return found

    def put(
        table: str, period: datetime | date | None, word: str, detail: str, at: uuid.UUID, n: int
    ) -> None:
        places = (counted.commune_id, counted.site_id, counted.team)
        found[Key(table, period, word, detail, FINE, counted.campaign_id, at, *places)] += n
        found[Key(table, period, word, detail, TOTAL, counted.campaign_id, at, NOWHERE, NOWHERE, "")] += n

    if counted.station:
        put(LEVEL, None, counted.station, "", counted.laboratory_id, 1)
        put(STANDING, None, counted.station, "", counted.laboratory_id, 1)
    moments: dict[str, Happening] = {}
    for one in counted.happened:
        moments.setdefault(one.measure, one)
        hour = one.at.replace(minute=0, second=0, microsecond=0)
        put(HOUR, hour, one.measure, one.detail, one.laboratory_id, one.number)
        put(DAY, one.at.astimezone(zone).date(), one.measure, one.detail, one.laboratory_id, one.number)
    if counted.kind == "sample":
        for leg, (begin, end) in LEGS.items():
            if begin in moments and end in moments:
                last = moments[end]
                bucket = find_bucket((last.at - moments[begin].at) / timedelta(minutes=1))
                put(LEG, last.at.astimezone(zone).date(), leg, str(bucket), last.laboratory_id, 1)
    return found


def write(happened: Sequence[Happening]) -> str:
    """Return happenings as the short text that is kept with a counted thing."""
    rows = [
        [
            one.measure,
            one.detail,
            int(one.at.timestamp()),
            "" if one.laboratory_id == NOWHERE else one.laboratory_id.hex,
            one.number,
        ]
        for one in happened
    ]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def read(text: str) -> tuple[Happening, ...]:
    """Return the happenings of a text that `write` made."""
    return tuple(
        Happening(
            measure,
            detail,
            datetime.fromtimestamp(at, UTC),
            uuid.UUID(laboratory) if laboratory else NOWHERE,
            number,
        )
        for measure, detail, at, laboratory, number in json.loads(text)
    )
