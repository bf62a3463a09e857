"""What one sample, pool or run adds to which figure; pure."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from lims.capacity.counting.parts import (
    FINE,
    NOWHERE,
    TOTAL,
    Happening,
    Membership,
    SampleFacts,
    Version,
    contributions,
    count_pool,
    count_run,
    count_sample,
    read,
    write,
)

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
AT = datetime(2021, 8, 16, 16, 30, tzinfo=UTC)  # 23:30 in Vietnam: the next hour is the next day
CAMPAIGN, COMMUNE, SITE, LAB, OTHER = (uuid.UUID(int=number) for number in range(1, 6))


def sample(**changes) -> SampleFacts:
    """Return a sample that stands received in a laboratory, apart from the changes."""
    right = SampleFacts(
        id=uuid.UUID(int=9),
        campaign_id=CAMPAIGN,
        commune_id=COMMUNE,
        site_id=SITE,
        team="Tổ 1",
        status="bound",
        sampled_at=AT,
        tube_status="received",
        tube_laboratory_id=LAB,
        tube_received_at=AT + timedelta(hours=1),
        rejection_reason="",
        rejected_at=None,
        box_status="reconciled",
        box_laboratory_id=LAB,
        memberships=(),
        versions=(),
    )
    return replace(right, **changes)


def version(
    number: int = 1, status: str = "preliminary", finding: str = "not_detected", **changes
) -> Version:
    """Return a version of a result, made so many hours after the sample was taken."""
    right = Version(number, status, finding, LAB, AT + timedelta(hours=number), None, None, None, False)
    return replace(right, **changes)


def pooled(status: str, in_test: bool, **changes) -> Membership:
    """Return a place in a pool."""
    return replace(Membership(status, "screen", LAB, AT + timedelta(hours=2), in_test), **changes)


def measures(facts: SampleFacts) -> dict[str, str]:
    """Return what has happened to a sample: measure → detail."""
    return {one.measure: one.detail for one in count_sample(facts).happened}


@pytest.mark.parametrize(
    ("changes", "station", "place"),
    [
        ({"tube_status": "used", "tube_laboratory_id": None, "box_status": None, "box_laboratory_id": None},
         "at_the_site", NOWHERE),
        ({"tube_status": "boxed", "tube_laboratory_id": None, "box_status": "sealed"}, "at_the_site", LAB),
        ({"tube_status": "boxed", "tube_laboratory_id": None, "box_status": "dispatched"}, "on_the_road", LAB),
        ({}, "received", LAB),
        ({"memberships": (pooled("open", True),)}, "pooled", LAB),
        ({"memberships": (pooled("on_plate", True, laboratory_id=OTHER),)}, "on_plate", OTHER),
        ({"memberships": (pooled("called", False),)}, "next_test", LAB),
        ({"status": "resulted", "versions": (version(),)}, "to_verify", LAB),
        ({"status": "resulted", "versions": (version(status="held"),)}, "held", LAB),
        ({"status": "resulted", "versions": (version(status="verified"),)}, "to_release", LAB),
        ({"status": "resulted", "versions": (version(status="released"),)}, "", LAB),
        ({"status": "bound", "versions": (version(status="withdrawn"),)}, "received", LAB),
        ({"status": "superseded"}, "", LAB),
    ],
)  # fmt: skip
def test_a_sample_stands_at_one_station(changes, station, place):
    counted = count_sample(sample(**changes))
    assert (counted.station, counted.laboratory_id) == (station, place)


def test_a_void_sample_counts_nowhere():
    assert not contributions(count_sample(sample(status="void")), zone=ZONE)
    assert not contributions(None, zone=ZONE)


def test_an_hour_is_in_utc_and_a_day_is_local_and_both_grains_say_the_same():
    found = contributions(count_sample(sample()), zone=ZONE)
    collected = [key for key in found if key.word == "collected"]
    assert {key.period for key in collected if key.table == "hour_count"} == {
        datetime(2021, 8, 16, 16, tzinfo=UTC)
    }
    assert {key.period for key in collected if key.table == "day_count"} == {date(2021, 8, 16)}
    assert {key.period for key in found if key.word == "received" and key.table == "day_count"} == {
        date(2021, 8, 17)
    }
    fine = [key for key in found if key.grain == FINE]
    assert {(key.commune_id, key.site_id, key.team) for key in fine} == {(COMMUNE, SITE, "Tổ 1")}
    total = [key for key in found if key.grain == TOTAL]
    assert {(key.commune_id, key.site_id, key.team) for key in total} == {(NOWHERE, NOWHERE, "")}
    assert len(fine) == len(total) == len(found) / 2


def test_a_leg_counts_on_the_day_on_which_it_ended_also_if_a_clock_was_wrong():
    found = contributions(count_sample(sample()), zone=ZONE)
    assert {(key.period, key.word, key.detail) for key in found if key.table == "leg_count"} == {
        (date(2021, 8, 17), "collected_received", "6")
    }
    found = contributions(count_sample(sample(sampled_at=AT + timedelta(hours=2))), zone=ZONE)
    assert {key.detail for key in found if key.table == "leg_count"} == {"0"}


def test_an_amendment_corrects_what_was_released_and_is_counted_beside():
    first = version(
        status="superseded", released_at=AT + timedelta(hours=3), verified_at=AT + timedelta(hours=2)
    )
    waiting = version(2, finding="detected", is_amendment=True)
    said = measures(sample(status="resulted", versions=(first, waiting)))
    assert (said["released"], said["amended"]) == ("not_detected", "")
    after = replace(waiting, status="released", released_at=AT + timedelta(hours=30))
    counted = count_sample(sample(status="resulted", versions=(after, first)))
    [released] = [one for one in counted.happened if one.measure == "released"]
    assert (released.detail, released.at) == ("detected", first.released_at)


def test_a_withdrawn_result_is_not_released_any_more_until_the_next_one_is():
    gone = version(status="withdrawn", released_at=AT, verified_at=AT, withdrawn_at=AT + timedelta(days=1))
    said = measures(sample(versions=(gone,)))
    assert "released" not in said and "withdrawn" in said and "tested" in said
    again = version(2, status="released", verified_at=AT, released_at=AT + timedelta(days=2))
    both = (replace(gone, status="superseded"), again)
    assert {"released", "withdrawn"} <= set(measures(sample(status="resulted", versions=both)))


def test_what_was_rejected_says_why_and_when():
    refused = sample(tube_status="rejected", rejection_reason="leaked", rejected_at=AT + timedelta(hours=5))
    [rejected] = [one for one in count_sample(refused).happened if one.measure == "rejected"]
    assert rejected == Happening("rejected", "leaked", AT + timedelta(hours=5), LAB)
    assert measures(sample(tube_status="damaged"))["rejected"] == "damaged"


def test_the_pool_that_counts_is_the_first_that_is_not_void():
    wrong = pooled("void", False)
    assert "pooled" not in measures(sample(memberships=(wrong,)))
    right = pooled("open", True, added_at=AT + timedelta(hours=9))
    counted = count_sample(sample(memberships=(right, wrong)))
    assert [one.at for one in counted.happened if one.measure == "pooled"] == [right.added_at]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ["pools_tested", "pools_positive"]),
        ({"finding": "not_detected"}, ["pools_tested"]),
        ({"finding": "invalid"}, []),
        ({"purpose": "retest"}, []),
        ({"status": "void"}, []),
        ({"is_mixed": True}, []),
    ],
)
def test_only_screening_pools_with_a_clear_finding_count(changes, words):
    right = {
        "id": uuid.UUID(int=9),
        "campaign_id": CAMPAIGN,
        "laboratory_id": LAB,
        "purpose": "screen",
        "status": "resolved",
        "finding": "detected",
        "member_count": 10,
        "is_mixed": False,
        "opened_at": AT,
        "called_at": AT,
    }
    happened = count_pool(**right | changes).happened
    assert [(one.measure, one.detail) for one in happened] == [(word, "10") for word in words]


def test_reactions_count_when_readings_came_by_purpose():
    run = {"id": uuid.UUID(int=9), "campaign_id": CAMPAIGN, "laboratory_id": LAB, "planned_at": AT}
    assert count_run(**run, entered_at=None, wells={"screen": 90}).happened == ()
    found = contributions(count_run(**run, entered_at=AT, wells={"screen": 90, "confirm": 3}), zone=ZONE)
    days = {key.detail: n for key, n in found.items() if key.table == "day_count" and key.grain == TOTAL}
    assert days == {"screen": 90, "confirm": 3}


def test_what_is_kept_is_read_as_it_was_written():
    happened = count_sample(sample(versions=(version(),), status="resulted")).happened
    assert read(write(happened)) == happened
