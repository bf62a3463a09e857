"""A person's own page: opened like a result, complete, and every look at it and at their record is on it."""

from __future__ import annotations

import io
import json
import re
import uuid
from datetime import timedelta

import pytest
from field.phones import enrolled
from intake.people import collect, print_boxes, print_tubes, scan
from personal.people import BORN, NAME, NUMBER, PHONE, STREET, Somebody, declare_somebody
from pooling import bench
from results import desk
from signing import bearer, sign_in
from sqlalchemy import select
from stating import declare, make_form

from lims import clock, codes
from lims.auth.throttles import READ_CODE
from lims.errors import InvalidInput
from lims.extensions import db, vault
from lims.intake.actions.accesses import record_accesses
from lims.intake.actions.boxes import pack_tubes
from lims.intake.consent import TEXTS, get_current_text
from lims.intake.contacts.actions import add_follow_up
from lims.intake.models import Declaration, PersonAccess, Sample
from lims.intake.rules import CONSENT_VERSION
from lims.personal.own_data import describe_person
from lims.personal.tickets import LASTS, make_ticket, read_ticket
from lims.transaction import writing


@pytest.fixture
def pages(client):
    """A browser in English whose forms need no token."""
    client.application.config["WTF_CSRF_ENABLED"] = False
    with client.session_transaction() as session:
        session["language"] = "en"
    return client


def _open(pages, somebody: Somebody, born: str = BORN, code: str = ""):
    day, month, year = born.split("/")
    fields = {
        "result_code": code or somebody.secret,
        "birth_day": day,
        "birth_month": month,
        "birth_year": year,
    }
    return pages.post("/my-data", data=fields)


def _ticket(page: str) -> str:
    return re.search(r'name="ticket"[^>]*value="([^"]+)"', page)[1]


def _accesses(somebody: Somebody) -> list[tuple[str, uuid.UUID | None]]:
    db.session.rollback()
    rows = db.session.execute(
        select(PersonAccess.shown_by, PersonAccess.user_id)
        .where(PersonAccess.person_id == somebody.person_id)
        .order_by(PersonAccess.id)
    )
    return [tuple(row) for row in rows]


def test_a_person_sees_everything_that_is_kept(world, pages):
    somebody = declare_somebody(world)
    (tube,) = print_tubes(world)
    collect(world, [scan(tube, somebody.code)])
    page = _open(pages, somebody).text
    for word in (NAME, BORN, NUMBER, STREET, f"<span>{tube[:3]}</span>", "Đợt thử", "Nhà văn hoá khu 3"):
        assert word in page, word
    assert PHONE in page.replace(" ", "")
    assert get_current_text().en[0] in page
    assert "ticked by themselves" in page
    assert somebody.secret not in page.replace(" ", "")


def test_the_file_holds_the_same_and_no_secret(world, pages):
    somebody = declare_somebody(world)
    ticket = _ticket(_open(pages, somebody).text)
    answer = pages.post("/my-data/file", data={"ticket": ticket})
    assert answer.headers["Content-Disposition"].endswith('"my-data.json"')
    told = answer.json
    assert told["person"]["identity_numbers"] == [NUMBER]
    assert told["declarations"][0]["consent"]["version"] == CONSENT_VERSION
    assert set(told) == set(
        describe_person(db.session(), declaration_id=somebody.declaration_id, vault=vault())
    )
    assert somebody.secret not in json.dumps(told)


def test_what_one_was_followed_up_for_is_told_and_of_whom_is_not(world, pages):
    case, somebody = declare(world, make_form(name="Vũ Thị Khác"))[0], declare_somebody(world)
    actor, since = world.actor("health_worker"), clock.today()
    of = add_follow_up(
        actor=actor,
        declaration_code=case["declaration_code"],
        contact_class="f0",
        since=since,
        known_by="reported",
    )
    add_follow_up(
        actor=actor,
        declaration_code=somebody.code,
        of_id=uuid.UUID(of["follow_up"]),
        since=since,
        known_by="named",
    )
    page = _open(pages, somebody).text
    assert "F1" in page and (since + timedelta(days=7)).strftime("%d/%m/%Y") in page
    (told,) = describe_person(db.session(), declaration_id=somebody.declaration_id, vault=vault())[
        "follow_ups"
    ]
    assert (told["class"], told["known_by"], len(told["test_days"])) == ("f1", "named", 3)
    assert "Vũ Thị Khác" not in page and of["follow_up"] not in page + str(told)


@pytest.mark.parametrize(("born", "code"), [("18/05/1990", ""), (BORN, "unknown")])
def test_an_unknown_code_and_a_wrong_date_are_told_apart_by_nothing(world, pages, born, code):
    somebody = declare_somebody(world)
    code = codes.result_code_from(vault().digest("other", purpose="test")) if code else ""
    answer = _open(pages, somebody, born, code)
    assert answer.status_code == 404
    assert "Nothing fits this code and this date of birth" in answer.text
    assert _accesses(somebody) == []


def test_tries_are_limited_as_for_a_result(world, pages):
    somebody = declare_somebody(world)
    for _ in range(READ_CODE.failures):
        assert _open(pages, somebody, "18/05/1990").status_code == 404
    assert _open(pages, somebody).status_code == 429


def test_a_ticket_lasts_half_an_hour_and_cannot_be_made(world, pages):
    somebody = declare_somebody(world)
    now = clock.now()
    ticket = make_ticket(vault(), declaration_id=somebody.declaration_id, now=now)
    assert read_ticket(vault(), ticket, now=now) == somebody.declaration_id
    other = f"{uuid.uuid4().hex}.{ticket.split('.', 1)[1]}"
    for wrong, moment in (
        (ticket, now + LASTS * 2),
        (other, now),
        ("", now),
        ("a.b", now),
        (ticket + "0", now),
    ):
        with pytest.raises(InvalidInput):
            read_ticket(vault(), wrong, now=moment)
    assert pages.post("/my-data/file", data={"ticket": other}).status_code == 422
    assert pages.post("/my-data/requests", data={"ticket": "", "kind": "erasure"}).status_code == 422


def test_programs_open_it_in_the_same_way(world, client):
    somebody = declare_somebody(world)
    sent = {"result_code": somebody.secret, "birth_date": BORN}
    assert client.post("/api/v1/my-data", json=sent).json["person"]["name"] == NAME
    assert client.post("/api/v1/my-data", json=sent | {"birth_date": "1/1/1990"}).status_code == 404


def test_whoever_looks_is_told_by_role_and_place_and_not_by_name(world, pages):
    somebody = declare_somebody(world)
    worker = world.actor("health_worker")
    sign_in(pages, worker)
    pages.get("/people?q=Trinh")
    pages.get(f"/people/{somebody.code}")
    pages.get(f"/people/{somebody.code}/slip.pdf")
    seen = [("list", worker.user_id), ("record", worker.user_id), ("paper", worker.user_id)]
    assert _accesses(somebody) == seen
    pages.delete_cookie("lims-sign-in")
    page = _open(pages, somebody).text
    assert "Commune health worker, Phường Hà Khánh: looked at your record" in page
    assert "printed a paper with your name" in page
    assert worker.display_name not in page
    assert _accesses(somebody)[-1] == ("own", None)


def test_a_tube_s_record_counts_only_for_those_who_see_the_name(world, pages):
    somebody = declare_somebody(world)
    (tube,) = print_tubes(world)
    collect(world, [scan(tube, somebody.code)])
    (box,) = print_boxes(world, 1)
    pack_tubes(actor=world.actor("collector"), box_code=box, place_id=world.site_id, tube_codes=[tube])
    sign_in(pages, world.actor("collector"))
    assert NAME not in pages.get(f"/tubes/{tube}").text
    assert _accesses(somebody) == []
    sign_in(pages, world.actor("coordinator"))
    assert NAME in pages.get(f"/tubes/{tube}").text
    assert _accesses(somebody) == [("record", world.actor("coordinator").user_id)]


def test_a_collector_s_look_up_counts_and_the_phones_of_the_teams_are_told(world, pages):
    somebody = declare_somebody(world)
    collector = world.actor("collector")
    sent = {"place_id": str(world.site_id), "code": somebody.code}
    answer = pages.post("/api/v1/collection-look-ups", json=sent, headers=bearer(collector))
    assert answer.json["person"]["name"] == NAME
    assert _accesses(somebody) == [("record", collector.user_id)]
    enrolled(world, pages)
    page = _open(pages, somebody).text
    assert "Sampling team Tổ 1, Nhà văn hoá khu 3: name and year of birth on their phone" in page


def test_only_what_was_released_is_told(world, pages):
    bench.install(world)
    run, _tubes = desk.run_tubes(world, 1, size=1)
    declaration_id = db.session.scalar(select(Sample.declaration_id))
    told = describe_person(db.session(), declaration_id=declaration_id, vault=vault())
    assert told["results"] == []
    desk.verify_and_release(world, run)
    told = describe_person(db.session(), declaration_id=declaration_id, vault=vault())
    assert [(one["finding"], one["stands"]) for one in told["results"]] == [("not_detected", True)]


def test_every_text_of_the_consent_stays(world, pages):
    assert CONSENT_VERSION in TEXTS
    assert [text.version for text in TEXTS.values()] == sorted(TEXTS)
    assert all(text.vi and len(text.vi) == len(text.en) for text in TEXTS.values())
    somebody = declare_somebody(world)
    with writing() as session:
        session.get(Declaration, somebody.declaration_id).consent_version = "2021-07"
    page = _open(pages, somebody).text
    assert TEXTS["2021-07"].en[0] in page
    assert get_current_text().en[0] not in page


def test_the_consent_is_never_ticked_beforehand_and_its_text_stands_beside_it(world, pages):
    steps = (
        ("who", {"declared_by": "self", "name": NAME, "birth_year": "1990", "sex": "male"}),
        ("place", {"commune_code": world.commune_code}),
        ("health", {"is_contact": "no"}),
    )
    for step, fields in steps:
        pages.post(f"/declare?step={step}", data=fields | {"campaign_id": str(world.campaign_id)})
    page = pages.get("/declare?step=check").text
    tick = re.search(r'<input[^>]*name="consent"[^>]*>', page)[0]
    assert "checked" not in tick
    assert get_current_text().en[0] in page
    sign_in(pages, world.actor("health_worker"))
    tick = re.search(r'<input[^>]*name="consent"[^>]*>', pages.get("/lists").text)[0]
    assert "checked" not in tick


def test_how_somebody_agreed_is_kept(world, pages):
    somebody = declare_somebody(world, declared_by="self")
    db.session.rollback()
    kept = db.session.get(Declaration, somebody.declaration_id)
    assert (kept.consent_given, kept.consent_version) == ("ticked", CONSENT_VERSION)
    sign_in(pages, world.actor("health_worker"))
    page = pages.get("/lists").text
    key = re.search(r'name="client_id"[^>]*value="([^"]+)"', page)[1]
    pages.post(
        "/lists",
        data={
            "client_id": key,
            "campaign_id": str(world.campaign_id),
            "commune_id": str(world.commune_id),
            "consent": "y",
            "consent_given": "signed_list",
            "file": (io.BytesIO("Họ và tên,Năm sinh\nTrần Thị Sáu,1975\n".encode()), "to-12.csv"),
        },
    )
    db.session.rollback()
    listed = db.session.scalars(select(Declaration).where(Declaration.declared_by == "list")).one()
    assert listed.consent_given == "signed_list"


def test_what_was_seen_long_ago_is_folded_away_and_still_there(world, pages):
    somebody = declare_somebody(world)
    for _ in range(25):
        record_accesses(actor=world.actor("coordinator"), person_ids=[somebody.person_id], shown_by="record")
    page = _open(pages, somebody).text
    assert page.count("looked at your record") == 25
    assert "5 times before" in page
