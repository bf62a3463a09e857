"""What a person asks for is answered in time, decided, and done at once; what must wait is said."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta

import pytest
from intake.people import collect, print_tubes, scan
from personal.people import BORN, NAME, NUMBER, PHONE, STREET, declare_somebody, person_of
from pooling import bench
from results import desk
from signing import bearer, sign_in
from sqlalchemy import select

from lims import audit, clock
from lims.auth.actors import RESIDENT
from lims.clock import ZONE
from lims.errors import AlreadyDone, InvalidInput, NotFound, Refused
from lims.extensions import db, vault
from lims.intake.models import Declaration, Discrepancy, PersonIdentity, Sample
from lims.personal.actions.corrections import BEFORE, Corrected, correct_person
from lims.personal.actions.requests import (
    answer_request,
    ask_about_data,
    lift_restriction,
    settle_request,
)
from lims.personal.models import DataRequest, PersonCorrection
from lims.personal.own_data import describe_person
from lims.personal.queries.requests import count_overdue, find_held
from lims.personal.rules import calculate_due_dates
from lims.personal.sealing import unseal_text
from lims.places.models import Campaign
from lims.results.models import Result
from lims.transaction import writing


def _ask(somebody, kind: str, note: str = "") -> uuid.UUID:
    asked = ask_about_data(actor=RESIDENT, declaration_id=somebody.declaration_id, kind=kind, note=note)
    return uuid.UUID(asked["request"])


def _settle(world, request_id, decision: str = "granted", role: str = "health_worker", **more):
    return settle_request(
        actor=world.actor(role), request_id=request_id, decision=decision, answer="Đã xong.", **more
    )


@pytest.mark.parametrize(
    ("asked", "kind", "answer", "done"),
    [
        # Monday → Wednesday; Friday → Tuesday; Saturday → Tuesday
        ("2021-08-16 09:00", "correction", "2021-08-18", "2021-08-26"),
        ("2021-08-20 23:30", "objection", "2021-08-24", "2021-09-04"),
        ("2021-08-21 08:00", "restriction", "2021-08-24", "2021-09-05"),
        ("2021-08-16 09:00", "erasure", "2021-08-18", "2021-09-05"),
    ],
)
def test_terms_are_counted_from_the_day_of_asking(asked, kind, answer, done):
    due = calculate_due_dates(kind, datetime.fromisoformat(asked).replace(tzinfo=ZONE))
    assert (due.answer_at.date().isoformat(), due.done_at.date().isoformat()) == (answer, done)
    assert due.answer_at.hour == due.done_at.hour == 23


def test_a_request_is_taken_sealed_and_told_back(world):
    somebody = declare_somebody(world)
    request_id = _ask(somebody, "correction", "Tôi sinh năm 1991")
    kept = db.session.get(DataRequest, request_id)
    assert (kept.status, kept.commune_id) == ("open", world.commune_id)
    assert b"1991" not in kept.note_sealed
    told = describe_person(db.session(), declaration_id=somebody.declaration_id, vault=vault())["requests"]
    assert (told[0]["note"], told[0]["status"]) == ("Tôi sinh năm 1991", "open")
    with pytest.raises(AlreadyDone):
        _ask(somebody, "correction", "một lần nữa")
    with pytest.raises(InvalidInput):
        _ask(somebody, "correction")
    with pytest.raises(InvalidInput):
        _ask(somebody, "money")


def test_what_is_not_answered_or_not_done_in_time_raises_an_alarm(world, client):
    somebody = declare_somebody(world)
    monday = datetime(2021, 8, 16, 9, 0, tzinfo=ZONE)
    with clock.at(monday):
        request_id = _ask(somebody, "erasure")
    assert count_overdue(db.session(), now=monday + timedelta(days=2)) == 0
    assert count_overdue(db.session(), now=monday + timedelta(days=3)) == 1
    worker = world.actor("health_worker")
    with clock.at(monday + timedelta(days=1)):
        answer_request(actor=worker, request_id=request_id, answer="Đã nhận.")
    assert count_overdue(db.session(), now=monday + timedelta(days=3)) == 0
    assert count_overdue(db.session(), now=monday + timedelta(days=21)) == 1
    assert count_overdue(db.session(), now=monday + timedelta(days=21), actor=worker) == 1
    with client.session_transaction() as session:
        session["language"] = "en"
    with clock.at(monday + timedelta(days=21)):
        sign_in(client, worker)
        assert "1 request is past its term" in client.get("/data-requests").text
        assert "This request is past its term" in client.get(f"/data-requests/{request_id}").text
        _settle(world, request_id, "identity_unclear")
        assert count_overdue(db.session(), now=clock.now()) == 0
        assert "past its term" not in client.get("/data-requests").text


def test_a_correction_keeps_what_was_before_and_says_nothing_of_it_in_the_chain(world):
    somebody = declare_somebody(world)
    request_id = _ask(somebody, "correction", "sai tên")
    done = _settle(
        world,
        request_id,
        corrected=Corrected(name="Trịnh Xuân Bạch", birth_date="17/05/1991", phone=PHONE, address=STREET),
    )
    assert (done["fields"], done["version"]) == (["name", "birth_date"], 1)
    person = person_of(somebody)
    assert (person.name, person.name_folded, person.birth_on.year) == (
        "Trịnh Xuân Bạch",
        "trinh xuan bach",
        1991,
    )
    before = db.session.scalars(select(PersonCorrection)).one()
    assert json.loads(unseal_text(vault(), person, before.before_sealed, BEFORE)) == {
        "name": NAME,
        "birth_date": "1990-05-17",
    }
    assert before.request_id == request_id
    events = db.session.scalars(select(audit.Event.details).where(audit.Event.subject_id == person.id)).all()
    assert {"fields": ["name", "birth_date"], "version": 1} in events
    assert "Bạch" not in json.dumps(events, ensure_ascii=False)
    with pytest.raises(AlreadyDone):
        _settle(world, request_id)


def test_a_corrected_person_is_known_by_number_under_the_new_name_only(world):
    somebody = declare_somebody(world)
    new = Corrected(name="Trịnh Xuân Long", birth_date=BORN)
    correct_person(actor=world.actor("health_worker"), declaration_code=somebody.code, corrected=new)
    again = declare_somebody(world, name="Trịnh Xuân Long")
    assert again.person_id == somebody.person_id
    other = declare_somebody(world)
    assert other.person_id != somebody.person_id
    db.session.rollback()
    assert len(db.session.scalars(select(PersonIdentity)).all()) == 2
    with pytest.raises(Refused, match="is there already"):
        correct_person(actor=world.actor("health_worker"), declaration_code=other.code, corrected=new)
    person = person_of(other)
    assert person.name == NAME


def test_a_correction_is_refused_where_it_changes_nothing_or_cannot_be_read(world):
    somebody = declare_somebody(world)
    worker = world.actor("health_worker")
    same = Corrected(NAME, BORN, PHONE, STREET)
    with pytest.raises(Refused, match="Nothing was changed"):
        correct_person(actor=worker, declaration_code=somebody.code, corrected=same)
    for wrong in (Corrected("", BORN), Corrected(NAME, "never"), Corrected(NAME, BORN, "12")):
        with pytest.raises(InvalidInput):
            correct_person(actor=worker, declaration_code=somebody.code, corrected=wrong)
    assert db.session.scalars(select(PersonCorrection)).all() == []


def test_an_objection_ends_the_declaration_and_names_the_person_in_no_file(world):
    somebody = declare_somebody(world)
    assert _settle(world, _ask(somebody, "objection"))["withdrawn"] == 1
    assert person_of(somebody).restricted_at is not None
    assert db.session.get(Declaration, somebody.declaration_id).status == "withdrawn"


def test_a_restriction_ends_when_the_person_wants_it(world, client):
    somebody = declare_somebody(world)
    staff = world.actor("health_worker")
    with pytest.raises(AlreadyDone):
        lift_restriction(actor=staff, declaration_code=somebody.code)
    _settle(world, _ask(somebody, "restriction"))
    with pytest.raises(NotFound):
        lift_restriction(actor=world.actor("technician"), declaration_code=somebody.code)
    sign_in(client, staff)
    client.application.config["WTF_CSRF_ENABLED"] = False
    address = f"/people/{somebody.code}/restriction-end"
    assert address in client.get(f"/people/{somebody.code}/correction").text
    assert client.post(address).status_code == 302
    assert person_of(somebody).restricted_at is None
    assert address not in client.get(f"/people/{somebody.code}/correction").text
    again = client.post(f"/api/v1{address}", headers=bearer(staff))
    assert again.status_code == 409
    verbs = [event.verb for event in db.session.scalars(select(audit.Event))]
    assert verbs.count("restriction_lifted") == 1


def test_a_restriction_only_keeps(world):
    somebody = declare_somebody(world)
    _settle(world, _ask(somebody, "restriction"))
    assert person_of(somebody).restricted_at is not None
    assert db.session.get(Declaration, somebody.declaration_id).status == "open"


def test_an_erasure_waits_for_the_result_the_discrepancy_and_the_law(world):
    bench.install(world)
    somebody = declare_somebody(world)
    tubes = print_tubes(world, 2)
    collect(world, [scan(tubes[0], somebody.code)])
    request_id = _ask(somebody, "erasure")
    with pytest.raises(Refused, match="waits for its result"):
        _settle(world, request_id)
    assert db.session.get(DataRequest, request_id).status == "open"
    with writing() as session:
        session.scalars(select(Sample)).one().status = "lost"
    collect(world, [scan(tubes[1], somebody.code)])
    db.session.rollback()
    assert find_held(db.session(), person_id=somebody.person_id).open_discrepancies == len(
        db.session.scalars(select(Discrepancy)).all()
    )


def test_a_person_who_was_detected_is_erased_only_when_the_campaign_has_ended(world):
    bench.install(world)
    run, (tube,) = desk.run_tubes(world, 1, size=1)
    desk.verify_and_release(world, run)
    result = desk.result_of(tube)
    result_id, person_id, declaration_id = result.id, result.sample.person_id, result.sample.declaration_id
    asked = ask_about_data(actor=RESIDENT, declaration_id=declaration_id, kind="erasure", note="")
    with writing() as session:
        changed = session.get(Result, result_id)
        changed.finding, changed.look = "detected", "curve"
    assert find_held(db.session(), person_id=person_id).detected_in_open_campaign
    with pytest.raises(Refused, match="infectious diseases"):
        _settle(world, uuid.UUID(asked["request"]))
    with writing() as session:
        session.get(Campaign, world.campaign_id).is_open = False
    assert _settle(world, uuid.UUID(asked["request"]))["erased"] == 1


def test_an_erasure_leaves_nothing_of_the_person_and_the_chain_whole(world):
    somebody = declare_somebody(world)
    done = _settle(world, _ask(somebody, "erasure", f"{NAME}, {NUMBER}"))
    assert (done["erased"], done["withdrawn"]) == (1, 1)
    person = person_of(somebody)
    assert (person.name, person.person_key) == ("", None)
    kept = db.session.scalars(select(DataRequest)).one()
    assert (kept.status, kept.note_sealed, kept.answer_sealed) == ("settled", None, None)
    assert audit.verify(db.session(), vault=vault())[1] == []
    with pytest.raises(NotFound):
        describe_person(db.session(), declaration_id=somebody.declaration_id, vault=vault())
    with pytest.raises(NotFound):
        _ask(somebody, "erasure")


def test_what_is_declined_says_why_and_changes_nothing(world):
    somebody = declare_somebody(world)
    request_id = _ask(somebody, "erasure")
    with pytest.raises(InvalidInput):
        settle_request(
            actor=world.actor("health_worker"), request_id=request_id, decision="declined_by_law", answer=""
        )
    with pytest.raises(InvalidInput):
        _settle(world, request_id, "no")
    _settle(world, request_id, "declined_by_law")
    told = describe_person(db.session(), declaration_id=somebody.declaration_id, vault=vault())["requests"]
    assert (told[0]["decision"], told[0]["answer"]) == ("declined_by_law", "Đã xong.")
    assert person_of(somebody).name == NAME


def test_pages_from_asking_to_deciding(world, client):
    somebody = declare_somebody(world)
    client.application.config["WTF_CSRF_ENABLED"] = False
    with client.session_transaction() as session:
        session["language"] = "en"
    fields = {"result_code": somebody.secret, "birth_day": "17", "birth_month": "5", "birth_year": "1990"}
    page = client.post("/my-data", data=fields).text
    ticket = page.split('name="ticket" value="')[1].split('"')[0]
    asked = client.post("/my-data/requests", data={"ticket": ticket, "kind": "correction", "note": "sai tên"})
    assert "Your request was taken" in asked.text
    wrong = client.post("/my-data/requests", data={"ticket": ticket, "kind": "correction", "note": "sai tên"})
    assert (wrong.status_code, "You have asked for this already" in wrong.text) == (409, True)
    sign_in(client, world.actor("health_worker"))
    assert NAME in client.get("/data-requests").text
    request_id = db.session.scalar(select(DataRequest.id))
    page = client.get(f"/data-requests/{request_id}").text
    assert "sai tên" in page
    assert client.post(f"/data-requests/{request_id}/answer", data={"answer": ""}).status_code == 422
    client.post(f"/data-requests/{request_id}/answer", data={"answer": "Đã nhận."})
    sent = {"decision": "granted", "answer": "Đã sửa.", "name": "", "birth_date": BORN}
    assert client.post(f"/data-requests/{request_id}/settlement", data=sent).status_code == 422
    answer = client.post(f"/data-requests/{request_id}/settlement", data=sent | {"name": "Trịnh Bạch"})
    assert answer.location == "/data-requests"
    assert person_of(somebody).name == "Trịnh Bạch"
    assert "granted" in client.get("/data-requests?status=settled").text


def test_a_correction_at_the_desk_and_by_a_program(world, client):
    somebody = declare_somebody(world)
    client.application.config["WTF_CSRF_ENABLED"] = False
    sign_in(client, world.actor("health_worker"))
    page = client.get(f"/people/{somebody.code}/correction").text
    assert NAME in page
    sent = {"name": "Trịnh Bạch", "birth_date": "17/5/1990", "phone": "", "address": ""}
    assert (
        client.post(f"/people/{somebody.code}/correction", data=sent).location == f"/people/{somebody.code}"
    )
    person = person_of(somebody)
    assert (person.name, person.phone_sealed, person.phone_index) == ("Trịnh Bạch", None, None)
    headers = bearer(world.actor("health_worker"))
    answer = client.post(
        f"/api/v1/people/{somebody.code}/correction", json=sent | {"phone": PHONE}, headers=headers
    )
    assert answer.json == {"fields": ["phone"], "version": 2, "revoked": 0}
    request_id = _ask(somebody, "restriction")
    listed = client.get("/api/v1/data-requests", headers=headers).json["requests"]
    assert [one["id"] for one in listed] == [str(request_id)]
    answer = client.post(
        f"/api/v1/data-requests/{request_id}/settlement",
        json={"decision": "granted", "answer": "Đã xong."},
        headers=headers,
    )
    assert (answer.status_code, answer.json["decision"]) == (200, "granted")


def test_another_place_sees_no_request(world):
    somebody = declare_somebody(world)
    request_id = _ask(somebody, "restriction")
    with pytest.raises(NotFound):
        _settle(world, request_id, role="collector")


def test_a_place_in_the_worklist_that_is_none_is_said_in_words(world, client):
    sign_in(client, world.actor("health_worker"))
    key = uuid.uuid4()
    for after in ("nonsense", f"2021-08-16T00:00:00|{key}", f"0001-01-01T00:00:00+07:00|{key}"):
        assert client.get("/data-requests", query_string={"after": after}).status_code == 422, after
    sound = {"after": f"2021-08-16T00:00:00+07:00|{key}"}
    assert client.get("/data-requests", query_string=sound).status_code == 200
