"""Alarms: raised once, told to who is on call, ended when they are over; thresholds belong to a province."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from factories import MORNING
from pooling import bench
from pooling.received import receive
from signing import bearer, sign_in
from sqlalchemy import select, update

from lims import clock
from lims.auth.actors import SYSTEM
from lims.capacity.alarms import actions
from lims.capacity.alarms.rules import KINDS
from lims.capacity.counting.folding import fold_all
from lims.capacity.counting.parts import NOWHERE, TOTAL
from lims.capacity.models.alarms import Alarm
from lims.capacity.models.counts import DayCount
from lims.capacity.queries import alarms as queries
from lims.errors import AlreadyDone, InvalidInput, NotFound
from lims.extensions import db, vault
from lims.intake.models import Box, Tube
from lims.outbox.actions.receivers import add_on_call
from lims.outbox.models import Message
from lims.outbox.stations import is_due
from lims.outbox.writing import Paper, write_letter
from lims.places.models import Campaign
from lims.tables import new_id
from lims.transaction import writing


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


def send_box(world, *, dispatched_at, temperature_c: float | None = 4.0) -> str:
    """Save a box on its way to the laboratory."""
    with writing() as session:
        box = Box(
            id=new_id(),
            code="B23456789",
            campaign_id=world.campaign_id,
            status="dispatched",
            origin_id=world.site_id,
            laboratory_id=world.laboratory_id,
            temperature_out_c=temperature_c,
            minted_at=dispatched_at,
            dispatched_at=dispatched_at,
        )
        session.add(box)
        return box.code


def post(client, path: str, *, page: str, **fields: str):
    """Send a page's form."""
    token = client.get(page).text.split('name="csrf_token" value="')[1].split('"')[0]
    return client.post(path, data={"csrf_token": token, "client_id": str(uuid.uuid4())} | fields)


def alarms() -> list[Alarm]:
    db.session.rollback()
    return list(db.session.scalars(select(Alarm).order_by(Alarm.raised_at)))


def watch_at(moment) -> dict[str, int]:
    with clock.at(moment):
        return actions.watch(actor=SYSTEM)


def test_a_late_box_is_told_of_once_and_is_over_when_it_has_come(world):
    entry = add_on_call(
        actor=world.actor("coordinator"),
        client_id=uuid.uuid4(),
        place_id=world.province_id,
        channel="email",
        address="truc@lims.example",
        label="Trực tỉnh",
    )
    assert entry
    code = send_box(world, dispatched_at=MORNING)
    assert watch_at(MORNING + timedelta(hours=4)) == {"raised": 0, "lasting": 0, "ended": 0}
    late = MORNING + timedelta(hours=5)
    assert watch_at(late) == {"raised": 1, "lasting": 0, "ended": 0}
    assert watch_at(late + timedelta(hours=1)) == {"raised": 0, "lasting": 1, "ended": 0}
    (alarm,) = alarms()
    assert (alarm.kind, alarm.subject, alarm.numbers) == ("box_late", code, {"hours": 6})
    message = db.session.scalars(select(Message)).one()
    assert (message.kind, message.template, message.channel) == ("alert", "capacity_alarm", "email")
    assert is_due(db.session(), message.template, message.subject_id)
    letter = write_letter(
        db.session(), message=message, paper=Paper(vault=vault(), base_url="https://lims.example")
    )
    assert letter is not None
    assert "B23 456 789" in letter.text
    assert "has been on the road for 5 hours" in letter.text
    assert "https://lims.example/alarms" in letter.text
    with writing() as session:
        session.execute(update(Box).values(status="received", received_at=late))
    assert watch_at(late + timedelta(hours=1, minutes=5))["ended"] == 0
    assert watch_at(late + timedelta(hours=1, minutes=20))["ended"] == 1
    assert not is_due(db.session(), message.template, message.subject_id)
    db.session.rollback()


def test_a_warm_box_an_old_backlog_and_nameless_tubes_are_alarms(lab):
    with clock.at(MORNING):
        receive(lab, 2)
        receive(lab, 7, named=False)
        fold_all()
    send_box(lab, dispatched_at=MORNING + timedelta(hours=25), temperature_c=14.5)
    watch_at(MORNING + timedelta(hours=26))
    found = {row.kind: row for row in alarms()}
    assert set(found) == {"backlog_old", "box_warm", "tubes_without_names"}
    assert found["box_warm"].numbers == {"temperature": 14.5}
    assert found["tubes_without_names"].numbers == {"number": 7, "hours": 2}
    assert found["backlog_old"].place_id == lab.laboratory_id
    oldest = db.session.scalar(select(Tube.code).where(Tube.code == found["backlog_old"].numbers["tube"]))
    assert oldest is not None
    db.session.rollback()


def test_what_a_laboratory_does_not_have_and_what_is_over_is_no_alarm(lab):
    with clock.at(MORNING):
        tubes = receive(lab, 2)
        receive(lab, 7, named=False)
        with writing() as session:
            # a box came without them
            session.execute(
                update(Tube).where(Tube.code.in_(tubes)).values(status="missing", received_at=None)
            )
        fold_all()
    watch_at(MORNING + timedelta(hours=26))
    assert {row.kind for row in alarms()} == {"tubes_without_names"}
    with writing() as session:
        session.execute(update(Campaign).values(is_open=False))
    assert watch_at(MORNING + timedelta(hours=27))["raised"] == 0
    watch_at(MORNING + timedelta(hours=28))
    assert [row.kind for row in alarms() if row.ended_at is None] == []
    db.session.rollback()


def count_pools(world, laboratory_id, day, *, tested: int, positive: int) -> None:
    """Write what the folding would count of so many pools of ten."""
    key = {
        "day": day,
        "known_on": day,
        "detail": "10",
        "grain": TOTAL,
        "campaign_id": world.campaign_id,
        "laboratory_id": laboratory_id,
        "commune_id": NOWHERE,
        "site_id": NOWHERE,
        "team": "",
    }
    with writing() as session:
        session.add(DayCount(**key, measure="pools_tested", number=tested))
        session.add(DayCount(**key, measure="pools_positive", number=positive))


def test_a_shift_of_positivity_is_found_in_what_was_counted(world):
    today = clock.local(MORNING).date()
    for days in (3, 2, 1):
        for laboratory_id in (world.laboratory_id, world.confirming_id):
            count_pools(world, laboratory_id, today - timedelta(days=days), tested=60, positive=2)
    count_pools(world, world.laboratory_id, today, tested=40, positive=21)
    count_pools(world, world.confirming_id, today, tested=40, positive=2)
    watch_at(MORNING + timedelta(hours=1))
    (shift,) = alarms()
    assert (shift.kind, shift.place_id) == ("positivity_shift", world.laboratory_id)
    assert (shift.numbers["positive"], shift.numbers["tested"]) == (21, 40)
    assert shift.numbers["own"] == pytest.approx(40 * 6 / 180, abs=0.2)


def test_somebody_sees_it_once_and_others_places_are_nobodys_business(world):
    send_box(world, dispatched_at=MORNING)
    watch_at(MORNING + timedelta(hours=9))
    (alarm,) = alarms()
    with pytest.raises(NotFound):
        actions.mark_seen(actor=world.actor("supervisor_confirming"), alarm_id=alarm.id)
    actions.mark_seen(actor=world.actor("supervisor"), alarm_id=alarm.id, note="Đã gọi tài xế")
    with pytest.raises(AlreadyDone):
        actions.mark_seen(actor=world.actor("coordinator"), alarm_id=alarm.id)
    with pytest.raises(InvalidInput):
        actions.mark_seen(actor=world.actor("coordinator"), alarm_id=alarm.id, note="x" * 501)
    assert queries.count_open(db.session(), actor=world.actor("supervisor")) == (1, 0)
    assert queries.count_open(db.session(), actor=world.actor("supervisor_confirming")) == (0, 0)


def test_a_province_changes_a_threshold_or_wants_no_such_alarm(world, client):
    send_box(world, dispatched_at=MORNING)
    sign_in(client, world.actor("coordinator"))
    page = client.get("/alarms/thresholds").get_data(as_text=True)
    assert page.count('name="kind"') == len(KINDS)
    sent = {"province_id": str(world.province_id), "kind": "box_late"}
    address = "/alarms/thresholds"
    refused = post(client, address, page=address, **sent, is_active="1", hours="nhiều")
    assert refused.status_code == 422
    assert "“Trên đường, giờ” phải từ 0,5 đến 72." in refused.get_data(as_text=True), (
        "the field by its own name"
    )
    elsewhere = sent | {"province_id": "x"}
    assert post(client, address, page=address, **elsewhere, is_active="1", hours="12,5").status_code == 422
    assert post(client, address, page=address, **sent, is_active="1", hours="12,5").status_code == 302
    watch_at(MORNING + timedelta(hours=12))
    assert alarms() == []
    watch_at(MORNING + timedelta(hours=13))
    assert [row.kind for row in alarms()] == ["box_late"]
    assert post(client, address, page=address, **sent, hours="12.5").status_code == 302
    assert watch_at(MORNING + timedelta(hours=14))["ended"] == 1


def test_the_pages_and_the_api_show_the_sentence_and_take_the_note(world, client):
    send_box(world, dispatched_at=MORNING)
    watch_at(MORNING + timedelta(hours=9))
    (alarm,) = alarms()
    sign_in(client, world.actor("coordinator"))
    assert "B23 456 789" in client.get("/alarms").get_data(as_text=True)
    seen = post(client, f"/alarms/{alarm.id}/seen", page="/alarms", note="Đã gọi")
    assert seen.status_code == 302
    assert "Đã gọi" in client.get("/alarms?kind=box_late").get_data(as_text=True)
    token = bearer(world.actor("supervisor"))
    found = client.get("/api/v1/alarms", headers=token).json["alarms"]
    assert [row["kind"] for row in found] == ["box_late"]
    assert client.get("/api/v1/alarms?ended=true", headers=token).json == {"alarms": []}
    again = client.post(
        f"/api/v1/alarms/{alarm.id}/seen", json={"client_id": str(uuid.uuid4())}, headers=token
    )
    assert again.status_code == 409
