"""Whatever a slip says, it is answered by itself: no batch is refused whole, nothing crashes, nothing odd gets in."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
from factories import MORNING
from field.phones import Phone, Slip, badge_of, enrolled
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake.people import declare, print_boxes, print_tubes
from signing import bearer
from sqlalchemy import select
from statements import count_statements

from lims import clock
from lims.errors import InvalidInput
from lims.extensions import db
from lims.field.models import FieldScan
from lims.field.slips import read_slip
from lims.intake.models import Discrepancy, Sample


@pytest.fixture(autouse=True)
def morning():
    with clock.at(MORNING):
        yield


@pytest.fixture
def phone(world, client) -> Phone:
    return enrolled(world, client)


def odd_texts(phone: Phone) -> list[str]:
    """Return texts that a broken or hostile phone may sign."""
    whole = json.loads(phone.bind("T00000000", "K00000000")["text"])
    return [
        "",
        "null",
        "[]",
        "{",
        "[" * 5000,
        '"\\ud800"',
        "{}",
        json.dumps(whole | {"v": 2}),
        json.dumps(whole | {"kind": "destroy"}),
        json.dumps(whole | {"id": "no id"}),
        json.dumps(whole | {"seq": 0}),
        json.dumps(whole | {"seq": 10**30}),
        json.dumps(whole | {"seq": "1e400"}),
        json.dumps(whole | {"at": "0001-01-01T00:00:00+14:00"}),
        json.dumps(whole | {"at": "9999-12-31T23:59:59Z"}),
        json.dumps(whole | {"at": "2021-08-16T08:00:00"}),
        json.dumps(whole | {"offset_ms": 10**18}),
        json.dumps(whole | {"offset_ms": 1.5}),
        json.dumps(whole | {"tube": "x" * 500}),
        json.dumps(whole | {"tube": "T\u0000"}),
        json.dumps(whole | {"badge": None}),
        json.dumps(whole | {"session": "x"}),
        json.dumps(whole | {"tube": {"deep": [1]}}),
        json.dumps(whole | {"more": "x" * 9000}),
        '{"v": NaN}',
    ]


def test_an_odd_slip_is_named_and_its_neighbours_are_taken(world, phone):
    (tube,), (person,) = print_tubes(world), declare(world)
    odd = [phone.sign(text, f"odd-{number}") for number, text in enumerate(odd_texts(phone))]
    verdicts = phone.send(*odd[:12], phone.bind(tube, person), *odd[12:])
    assert [verdict["verdict"] for verdict in verdicts] == ["wrong"] * 12 + ["good"] + ["wrong"] * (
        len(odd) - 12
    )
    assert {verdict["code"] for verdict in verdicts} == {"unreadable", "bound"}
    assert phone.send(*odd) == [verdict for verdict in verdicts if verdict["code"] == "unreadable"]
    db.session.rollback()
    (found,) = db.session.scalars(select(Discrepancy))
    assert found.details["count"] == len(odd)


@pytest.mark.parametrize("clock_says", ["1970-01-01T00:00:00Z", "2200-12-31T23:59:59Z"])
@pytest.mark.parametrize("offset_ms", [None, 0, 6 * 10**12, -6 * 10**12])
def test_a_clock_far_away_gets_the_time_of_arrival(world, phone, clock_says, offset_ms):
    (tube,), (person,) = print_tubes(world), declare(world)
    slip = (
        phone.bind(tube, person, offset_ms=offset_ms) if offset_ms is not None else phone.bind(tube, person)
    )
    content = json.loads(slip["text"]) | {"at": clock_says}
    (verdict,) = phone.send(phone.sign(json.dumps(content), slip["id"]))
    assert verdict["verdict"] == "good"
    assert db.session.get(FieldScan, uuid.UUID(slip["id"])).occurred_at == MORNING


def test_steps_in_no_sensible_order_are_each_answered_and_kept(world, client, phone):
    other = enrolled(world, client, "collector_2")
    tubes, people, boxes = print_tubes(world, 3), declare(world, 3), print_boxes(world, 2)
    theirs = other.bind(tubes[0], people[0])
    other.send(theirs)
    declared = phone.write(
        "declare", person={"name": "Người Thử", "birth_date": "1980", "symptoms": ["plague"]}
    )
    undo = phone.write("undo", undoes=declared["id"])
    slips = [
        phone.write("close", tube=tubes[1], count=3),
        phone.write("pack", box=boxes[0], tube=tubes[1]),
        phone.write("seal", box=boxes[0]),
        phone.write(
            "hand_over", box=boxes[0], courier=badge_of(world, "courier"), laboratory=str(uuid.uuid4())
        ),
        phone.write("hand_over", box=boxes[1], courier="C00000000", laboratory=str(world.site_id)),
        phone.write("undo", undoes=theirs["id"]),
        declared,
        undo,
        phone.write("undo", undoes=undo["id"]),
        phone.write("bind", tube=tubes[1], declared=theirs["id"]),
        phone.write("bind", tube=tubes[1], declared=declared["id"]),
        phone.write("bind", tube=tubes[1]),
        phone.write("take_out", box=boxes[1], tube=tubes[2]),
        phone.write("declare"),
        phone.write("declare", card="a|b|c"),
        phone.write("declare", person={"name": "Người Khác", "birth_date": "1980", "household": "H00000000"}),
    ]
    verdicts = phone.send(*slips)
    assert all(verdict["message"] for verdict in verdicts)
    wrong = [verdict for verdict in verdicts if verdict["verdict"] == "wrong"]
    assert all(verdict["discrepancy"] for verdict in wrong)
    assert len(wrong) == len(slips) - 1, "only the last one is in order: an unknown household is left out"
    db.session.rollback()
    (sample,) = db.session.scalars(select(Sample).where(Sample.status != "void"))
    assert sample.client_id == uuid.UUID(theirs["id"]), "another phone's scan cannot be taken back"


def test_a_fault_of_ours_in_one_scan_stops_no_other(world, phone, monkeypatch, caplog):
    from lims.field import judging

    pairs = list(zip(print_tubes(world, 3), declare(world, 3), strict=True))
    honest = judging.collections.register_collections

    def faulty(*, scans, **more):
        if any(scan.tube == pairs[1][0] for scan in scans):
            raise ValueError("a fault of ours")
        return honest(scans=scans, **more)

    monkeypatch.setattr(judging.collections, "register_collections", faulty)
    slips = [phone.bind(*pair) for pair in pairs]
    verdicts = phone.send(*slips)
    assert [verdict["code"] for verdict in verdicts] == ["bound", "not_judged", "bound"]
    assert verdicts[1]["discrepancy"]
    assert slips[1]["id"] in caplog.text


def test_the_same_slip_twice_in_one_batch_is_one_scan(world, phone):
    (tube,), (person,) = print_tubes(world), declare(world)
    slip = phone.bind(tube, person)
    first, second = phone.send(slip, slip)
    assert first == second
    assert first["verdict"] == "good"
    # the same id with two contents in one batch: the first counts, the other is named
    one = phone.bind(print_tubes(world)[0], declare(world)[0])
    twin = phone.sign(one["text"].replace('"scanner"', '"camera"'), one["id"])
    assert [verdict["code"] for verdict in phone.send(one, twin)] == ["bound", "id_reused"]


def test_a_mirrored_signature_makes_no_second_scan(world, phone):
    """(r, n - s) is as valid as (r, s): it must not open a discrepancy or bind again."""
    import base64

    from lims.field.keys import ORDER

    (tube,), (person,) = print_tubes(world), declare(world)
    slip = phone.bind(tube, person)
    raw = base64.b64decode(slip["signature"])
    mirrored = raw[:32] + (ORDER - int.from_bytes(raw[32:])).to_bytes(32, "big")
    twin = slip | {"signature": base64.b64encode(mirrored).decode()}
    assert phone.send(slip) == phone.send(twin)
    assert db.session.scalars(select(Discrepancy)).all() == []


@pytest.mark.parametrize("kind", ["declare", "pack", "close", "unreadable"])
def test_every_kind_costs_the_same_for_two_and_for_forty(world, phone, kind):
    def send(count: int) -> int:
        tubes = print_tubes(world, count, "mixed" if kind == "close" else "single")
        people, (box,) = declare(world, count), print_boxes(world)
        binds = [phone.bind(*pair) for pair in zip(tubes, people, strict=True)]
        phone.send(*binds)
        slips: list[Slip] = {
            "declare": lambda: [
                phone.write("declare", person={"name": f"Người {number}", "birth_date": "1990"})
                for number in range(count)
            ],
            "pack": lambda: [phone.write("pack", box=box, tube=tube) for tube in tubes],
            "close": lambda: [phone.write("close", tube=tube, count=1) for tube in tubes],
            "unreadable": lambda: [phone.sign(f"odd {uuid.uuid4()}", str(number)) for number in range(count)],
        }[kind]()
        with count_statements() as counted:
            phone.send(*slips)
        return len(counted)

    assert send(40) == send(2)


def test_names_of_another_province_are_not_told(world, client, phone):
    """A declaration code that a phone guesses tells nothing that its collector may not see."""
    from lims.intake.models import Declaration
    from lims.places.models import Campaign, Place
    from lims.tables import new_id
    from lims.transaction import writing

    (code,), (tube,) = declare(world), print_tubes(world)
    with writing() as session:
        province = Place(
            id=new_id(),
            edition="2021",
            kind="province",
            code="24",
            name="Bắc Giang",
            name_key=b"b",
            name_folded="b",
        )
        session.add(province)
        session.flush()
        campaign = Campaign(
            id=new_id(), name="Khác", province_id=province.id, starts_on=MORNING.date(), created_at=MORNING
        )
        session.add(campaign)
        session.flush()
        session.scalars(select(Declaration).where(Declaration.code == code)).one().campaign_id = campaign.id
    (verdict,) = phone.send(phone.bind(tube, code))
    assert (verdict["code"], verdict["person"]) == ("unknown_code", None)


def test_a_desk_that_hands_in_anothers_scans_learns_no_names(world, client, phone):
    slip = phone.bind(print_tubes(world)[0], declare(world)[0])
    answer = client.post(
        "/api/v1/field/scans",
        json={"sent_at": MORNING.isoformat(), "slips": [slip]},
        headers=bearer(world.actor("courier")),
    )
    assert answer.json["verdicts"][0]["verdict"] == "good"
    assert answer.json["verdicts"][0]["person"] is None
    assert answer.json["device"]["status"] == "other"


def test_scans_of_a_closed_account_are_kept_for_the_coordinator(world, client, phone):
    from lims.auth.actions import set_user_active

    slip = phone.bind(print_tubes(world)[0], declare(world)[0])
    set_user_active(
        actor=world.actor("administrator"), user_id=world.actor("collector").user_id, is_active=False
    )
    db.session.rollback()
    assert phone.post([slip]).status_code == 401
    other = enrolled(world, client, "collector_2")
    with clock.at(MORNING + timedelta(minutes=5)):
        assert other.send(slip)[0]["code"] == "unknown_collector"


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    )
)
def test_reading_any_json_ends_in_a_slip_or_a_refusal(content):
    with pytest.raises(InvalidInput):
        read_slip(json.dumps(content))
