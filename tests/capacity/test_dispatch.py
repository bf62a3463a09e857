"""Dispatch: boxes are planned, chosen for by hand, and planned again when a laboratory fails; nothing is lost."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from factories import MORNING
from flask_babel import force_locale
from intake.people import collect_people, print_boxes, send_box
from pooling import bench
from pooling.received import receive
from results import desk
from signing import bearer, sign_in
from sqlalchemy import select, update

from lims import clock
from lims.audit import Event
from lims.capacity.counting.folding import fold_all
from lims.capacity.dispatch import actions, board
from lims.capacity.dispatch.planning import plan_dispatch
from lims.capacity.dispatch.telling import say_line
from lims.capacity.models.dispatch import DispatchPlan, LaboratoryHours
from lims.capacity.queries import dispatch as queries
from lims.errors import AlreadyDone, InvalidInput, NotFound, Refused
from lims.extensions import db
from lims.intake.actions.boxes import dispatch_box, pack_tubes, seal_box
from lims.places.models import Laboratory
from lims.transaction import writing


@pytest.fixture(autouse=True)
def morning():
    with clock.at(MORNING):
        yield


def make_ready(world, count: int = 1, tubes: int = 2) -> list[str]:
    """Pack and seal boxes at the site; return their codes."""
    made = print_boxes(world, count)
    actor = world.actor("collector")
    _declarations, codes = collect_people(world, count * tubes)
    for number, box in enumerate(made):
        mine = codes[number * tubes : (number + 1) * tubes]
        pack_tubes(actor=actor, box_code=box, place_id=world.site_id, tube_codes=mine)
        seal_box(actor=actor, box_code=box)
    return made


def plan(world, role: str = "coordinator", client_id: uuid.UUID | None = None):
    return plan_dispatch(
        actor=world.actor(role), client_id=client_id or uuid.uuid4(), province_id=world.province_id
    )


def look(world, role: str = "coordinator") -> board.Board:
    db.session.rollback()
    return board.read_board(db.session(), actor=world.actor(role), province_id=world.province_id)


def places(world) -> dict[str, uuid.UUID | None]:
    return {row.box.code: row.laboratory_id for row in look(world).rows}


def post(client, path: str, *, page: str = "/dispatch", **fields):
    """Send a page's form."""
    token = client.get(page).text.split('name="csrf_token" value="')[1].split('"')[0]
    return client.post(path, data={"csrf_token": token, "client_id": str(uuid.uuid4())} | fields)


def test_planned_chosen_by_hand_closed_and_planned_again_with_the_choice_kept(world, app):
    first, second = make_ready(world, 2)
    coordinator = world.actor("coordinator")
    actions.set_travel_time(
        actor=coordinator, origin_id=world.site_id, laboratory_id=world.laboratory_id, minutes=15
    )
    assert look(world).is_stale
    made = plan(world)
    assert (made["boxes"], made["left"]) == (2, 0)
    assert places(world) == dict.fromkeys((first, second), world.laboratory_id)
    with app.test_request_context(), force_locale("en"):
        shown = look(world)
        assert "Phòng xét nghiệm B would be 1 h 15 min later" in say_line(shown.rows[0].line, shown.names)
    # the choice by hand is kept with who, when and why, and the next plan keeps to it
    chosen_at = MORNING + timedelta(seconds=30)
    with clock.at(chosen_at):
        actions.overrule_box(
            actor=coordinator, box_code=first, laboratory_id=world.confirming_id, reason="Xe đi ngang đó"
        )
        assert look(world).is_stale
    with clock.at(MORNING + timedelta(minutes=1)):
        plan(world)
        assert places(world) == {first: world.confirming_id, second: world.laboratory_id}
        held = {row.box.code: row for row in look(world).rows}[first]
        assert (held.box.overruled.reason, held.box.overruled.by, held.box.overruled.at) == (
            "Xe đi ngang đó",
            "Coordinator",
            chosen_at,
        )
        assert held.line.by_hand
        assert not look(world).is_stale
    # the other laboratory fails: its waiting box goes elsewhere, the choice stays
    with clock.at(MORNING + timedelta(minutes=2)):
        actions.close_laboratory(actor=coordinator, laboratory_id=world.laboratory_id, reason="Mất điện")
        assert places(world)[second] is None
        plan(world)
        assert places(world) == {first: world.confirming_id, second: world.confirming_id}
    # the chosen one fails instead: the box is planned elsewhere until that opens again
    with clock.at(MORNING + timedelta(minutes=3)):
        actions.open_laboratory(actor=coordinator, laboratory_id=world.laboratory_id)
        actions.close_laboratory(actor=coordinator, laboratory_id=world.confirming_id, reason="Hỏng máy")
        plan(world)
        assert places(world) == dict.fromkeys((first, second), world.laboratory_id)
    with clock.at(MORNING + timedelta(minutes=4)):
        actions.open_laboratory(actor=coordinator, laboratory_id=world.confirming_id)
        plan(world)
        assert places(world)[first] == world.confirming_id
    with clock.at(MORNING + timedelta(minutes=5)):
        actions.end_overrule(actor=coordinator, box_code=first)
        plan(world)
        assert places(world)[first] == world.laboratory_id
    verbs = set(db.session.scalars(select(Event.verb)))
    assert {"boxes_planned", "overruled", "overrule_ended", "closed", "reopened", "way_set"} <= verbs
    db.session.rollback()


def test_a_box_on_the_road_to_a_closed_laboratory_is_listed_to_be_redirected(world):
    _declarations, tubes = collect_people(world, 1)
    sent = send_box(world, tubes)
    assert look(world).rows == []
    assert [box.code for box in look(world).coming] == [sent]
    actions.close_laboratory(
        actor=world.actor("coordinator"), laboratory_id=world.laboratory_id, reason="Cháy"
    )
    plan(world)
    (row,) = look(world).rows
    assert (row.box.code, row.urgent, row.laboratory_id) == (sent, True, world.confirming_id)
    assert look(world).coming == []


def test_with_no_laboratory_that_works_every_box_is_kept_and_says_why(world):
    made = make_ready(world, 2)
    with writing() as session:
        session.execute(update(Laboratory).values(screening_per_day=0, confirmation_per_day=0))
    answer = plan(world)
    assert (answer["boxes"], answer["left"]) == (2, 2)
    rows = look(world).rows
    assert {row.box.code for row in rows} == set(made)
    assert {row.line.word for row in rows} == {"no_capacity"}
    assert all(row.urgent for row in rows)


def test_a_tube_to_be_confirmed_goes_only_where_it_may_be(world):
    bench.install(world)
    _run, (tube,) = desk.run_tubes(world, 1, finding="detected")
    (box,) = print_boxes(world)
    actor = world.actor("technician")
    pack_tubes(actor=actor, box_code=box, place_id=world.laboratory_id, tube_codes=[tube])
    seal_box(actor=actor, box_code=box)
    plan(world)
    (row,) = look(world).rows
    assert (row.box.confirms, row.laboratory_id) == (True, world.confirming_id)
    with writing() as session:
        session.execute(update(Laboratory).values(can_confirm=False, confirmation_per_day=0))
    with clock.at(MORNING + timedelta(minutes=1)):
        plan(world)
        (row,) = look(world).rows
    assert (row.laboratory_id, row.line.word) == (None, "no_right")
    with pytest.raises(Refused):
        actions.overrule_box(
            actor=world.actor("coordinator"), box_code=box, laboratory_id=world.confirming_id, reason="x"
        )


def test_what_waits_at_a_laboratory_comes_from_the_figures(world):
    bench.install(world)
    receive(world, 5)
    desk.pool_up(world, receive(world, 3))
    fold_all()
    rows = {one.id: one for one in look(world).laboratories}
    assert rows[world.laboratory_id].waiting == 8
    assert rows[world.laboratory_id].screening.is_assumed
    # 800 reactions a day in pools of ten, 1 % infected: 0.1956 reactions for each person
    assert rows[world.laboratory_id].screening.per_hour == pytest.approx(800 / 0.1956 / 24, rel=1e-3)


def test_what_cannot_be_chosen_closed_or_entered_is_refused(world):
    (box,) = make_ready(world)
    coordinator, closing = world.actor("coordinator"), {"laboratory_id": world.laboratory_id}
    with pytest.raises(InvalidInput):
        actions.close_laboratory(actor=coordinator, reason=" ", **closing)
    actions.close_laboratory(actor=coordinator, reason="Mất nước", **closing)
    with pytest.raises(AlreadyDone):
        actions.close_laboratory(actor=coordinator, reason="Mất nước", **closing)
    with pytest.raises(Refused):
        actions.overrule_box(actor=coordinator, box_code=box, reason="gần", **closing)
    actions.open_laboratory(actor=coordinator, **closing)
    with pytest.raises(AlreadyDone):
        actions.open_laboratory(actor=coordinator, **closing)
    with pytest.raises(NotFound):
        actions.overrule_box(actor=coordinator, box_code=box, laboratory_id=world.site_id, reason="gần")
    with pytest.raises(AlreadyDone):
        actions.end_overrule(actor=coordinator, box_code=box)
    with pytest.raises(InvalidInput):
        actions.set_hours(actor=coordinator, opens_hour=7, closes_hour=25, days="12345", **closing)
    actions.set_hours(actor=coordinator, opens_hour=7, closes_hour=19, days="12345", **closing)
    actions.set_hours(actor=coordinator, opens_hour=7, closes_hour=17, days="12345", **closing)
    row = db.session.scalars(select(LaboratoryHours)).one()
    assert (row.opens_hour, row.closes_hour, row.days) == (7, 17, "12345")
    db.session.rollback()
    with pytest.raises(InvalidInput):
        actions.set_travel_time(actor=coordinator, origin_id=world.site_id, minutes=0, **closing)
    with pytest.raises(InvalidInput):
        actions.set_travel_time(actor=coordinator, origin_id=world.laboratory_id, minutes=9, **closing)


def test_a_plan_sent_twice_is_made_once_and_only_by_who_leads_the_province(world):
    make_ready(world)
    key = uuid.uuid4()
    assert plan(world, client_id=key) == plan(world, client_id=key)
    assert len(db.session.scalars(select(DispatchPlan.id)).all()) == 1
    for role in ("supervisor", "collector"):
        with pytest.raises(NotFound):
            plan(world, role)
        with pytest.raises(NotFound):
            actions.close_laboratory(
                actor=world.actor("supervisor_confirming"), laboratory_id=world.laboratory_id, reason="x"
            )
    # a supervisor sees what comes to their laboratory, and no other
    (row,) = look(world).rows
    for role, laboratory_id in (
        ("supervisor", world.laboratory_id),
        ("supervisor_confirming", world.confirming_id),
    ):
        seen = look(world, role)
        assert [one.id for one in seen.laboratories] == [laboratory_id]
        assert len(seen.rows) == (row.laboratory_id == laboratory_id)


def test_the_pages_and_the_api_plan_choose_and_close(world, client):
    (box,) = make_ready(world)
    sign_in(client, world.actor("coordinator"))
    where = {"province_id": str(world.province_id)}
    assert post(client, "/dispatch/plan", **where).status_code == 302
    page = client.get(f"/dispatch?box={box}").text
    assert 'name="reason"' in page
    refused = post(client, "/dispatch/overrule", box=box, laboratory_id="", reason="gần", **where)
    assert refused.status_code == 422
    gone = post(client, "/dispatch/overrule", box="X00000000", laboratory_id="", reason="gần", **where)
    assert 'role="alert"' in gone.text, "said on top where its row is not there any more"
    chosen = {"box": box, "laboratory_id": str(world.confirming_id), "reason": "gần hơn"}
    assert post(client, "/dispatch/overrule", **chosen, **where).status_code == 302
    assert "gần hơn" in client.get("/dispatch").text
    closing = {"laboratory_id": str(world.confirming_id), "reason": "Mất điện"}
    assert post(client, "/dispatch/close", **closing, **where).status_code == 302
    assert "Mất điện" in client.get("/dispatch").text
    assert post(client, "/dispatch/open", **closing, **where).status_code == 302
    assert post(client, "/dispatch/overrule/end", box=box, **where).status_code == 302
    settings = "/dispatch/settings"
    hours = {"what": "hours", "laboratory_id": str(world.laboratory_id), "opens_hour": "7", "days": "1"}
    assert post(client, settings, page=settings, **hours, closes_hour="25", **where).status_code == 422
    assert post(client, settings, page=settings, **hours, closes_hour="19", **where).status_code == 302
    way = {"what": "way", "origin_id": str(world.site_id), "laboratory_id": str(world.laboratory_id)}
    assert post(client, settings, page=settings, **way, minutes="40", **where).status_code == 302
    assert "40" in client.get(settings).text


def test_programs_plan_choose_and_close(world, client):
    (box,) = make_ready(world)
    token, api = bearer(world.actor("coordinator")), "/api/v1/dispatch"
    asked = {"client_id": str(uuid.uuid4()), "province_id": str(world.province_id)}
    assert client.post(f"{api}/plans", json=asked, headers=token).json["boxes"] == 1
    found = client.get(api, headers=token).json
    assert [one["box"] for one in found["boxes"]] == [box]
    sent = {"box": box, "laboratory_id": str(world.confirming_id), "reason": "gần hơn"}
    sent["client_id"] = str(uuid.uuid4())
    with clock.at(MORNING + timedelta(minutes=1)):
        first = client.post(f"{api}/overrules", json=sent, headers=token)
        assert first.status_code == 200
        assert client.post(f"{api}/overrules", json=sent, headers=token).json == first.json
        found = client.get(api, headers=token).json
    assert (found["boxes"][0]["by_hand"], found["is_stale"]) == (True, False)
    assert client.get(api, headers=bearer(world.actor("collector"))).status_code == 403
    closing = sent | {"client_id": str(uuid.uuid4())}
    closed = client.post(f"{api}/closures", json=closing, headers=bearer(world.actor("supervisor")))
    assert closed.status_code == 403


def test_the_packing_site_is_told_the_advised_laboratory(world, client):
    (box,) = make_ready(world)
    sign_in(client, world.actor("collector"))
    assert (
        "selected" not in client.get(f"/boxes/{box}").text.split('id="laboratory"')[1].split("</select>")[0]
    )
    plan(world)
    page = client.get(f"/boxes/{box}").text
    chosen = places(world)[box]
    assert f'value="{chosen}" selected' in page
    assert queries.find_plan(db.session(), province_id=world.province_id) is not None
    db.session.rollback()
    dispatch_box(actor=world.actor("collector"), box_code=box, laboratory_id=chosen, temperature_c=4.0)
    assert look(world).rows == []
