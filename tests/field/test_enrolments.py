"""A coordinator enrols collectors, five hundred at a time, and withdraws what must no longer be used."""

from __future__ import annotations

import io
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from factories import MORNING, make_place, make_user
from field.coordinating import a_list, add_collectors, enrol, send_list
from field.phones import Phone, badge_of, enrolled
from openpyxl import Workbook
from sqlalchemy import func, select
from statements import count_statements

from lims import clock, codes
from lims.audit import Event
from lims.auth import queries as auth_queries
from lims.auth.actions import set_user_active
from lims.auth.actors import Actor
from lims.auth.models import User
from lims.auth.passwords import check_password
from lims.errors import AlreadyDone, InvalidInput, NotFound
from lims.extensions import db, vault
from lims.field.actions.enrolments import (
    check_list,
    enrol_collectors,
    enrol_list,
    withdraw_device,
    withdraw_enrolment,
)
from lims.field.enrolling import SITE_TWICE, UNKNOWN_BADGE, read_collectors
from lims.field.keys import enrolment_code
from lims.field.models import Device, Enrolment
from lims.places.models import Place
from lims.tables import new_id
from lims.transaction import writing


@pytest.fixture(autouse=True)
def morning():
    with clock.at(MORNING):
        yield


def test_an_enrolled_collector_gets_a_code_that_enrols_a_phone(world, client):
    (key,) = enrol(world)["enrolments"]
    phone = Phone(client, badge_of(world))
    assert phone.enrol(enrolment_code(vault(), uuid.UUID(key))).json["team"] == "Tổ 1"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"day": MORNING.date() - timedelta(days=1)}, "day"),
        ({"day": MORNING.date() + timedelta(days=61)}, "day"),
        ({"team": "  "}, "team"),
        ({"team": "x" * 61}, "team"),
        ({"user_ids": []}, "user_ids"),
    ],
)
def test_an_enrolment_that_cannot_be_is_named(world, changed, field):
    with pytest.raises(InvalidInput) as refusal:
        enrol(world, **changed)
    assert refusal.value.field == field


def test_nobody_is_enrolled_who_does_not_collect_there(world):
    with pytest.raises(InvalidInput, match="does not collect") as refusal:
        enrol(world, user_ids=[world.actor("technician").user_id])
    assert refusal.value.field == "user_ids"


def test_whoever_does_not_collect_any_more_is_answered_like_nobody(world):
    gone, other = add_collectors(world, 2)
    set_user_active(actor=world.actor("administrator"), user_id=gone, is_active=False)
    said = set()
    for key in (gone, uuid.uuid4(), world.actor("technician").user_id):
        with pytest.raises(InvalidInput) as refusal:
            enrol(world, user_ids=[other, key])
        said.add((refusal.value.message, refusal.value.field, *refusal.value.parameters))
    assert len(said) == 1
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Enrolment)) == 0


def test_a_collector_named_twice_is_enrolled_once(world):
    me = world.actor("collector").user_id
    assert len(enrol(world, user_ids=[me, me])["enrolments"]) == 1


def test_many_collectors_cost_as_many_statements_as_one(world):
    first, *others = add_collectors(world, 60)
    with count_statements() as one:
        enrol(world, user_ids=[first])
    with count_statements() as many:
        enrol(world, user_ids=others)
    assert len(many) == len(one)


def test_a_site_of_others_is_answered_like_one_that_is_not_there(world):
    stranger = Actor(uuid.uuid4(), "x", frozenset({"coordinator"}), frozenset({world.province_id}))
    wanted = {"actor": stranger, "campaign_id": world.campaign_id, "day": clock.today()}
    said = set()
    for place_id in (world.site_id, uuid.uuid4()):
        for call in (
            lambda key: enrol_collectors(**wanted, place_id=key, team="x", user_ids=[uuid.uuid4()]),
            lambda key: enrol_list(**wanted, place_id=key, rows=[]),
            lambda key: check_list(db.session(), **wanted, place_id=key, rows=[]),
        ):
            with pytest.raises(NotFound) as refusal:
                call(place_id)
            said.add((refusal.value.message, refusal.value.field))
    assert len(said) == 1


def test_a_list_makes_accounts_without_a_password_and_once(world):
    verdicts, refused = send_list(world, a_list(3))
    assert ([one["verdict"] for one in verdicts], refused) == (["good"] * 3, [])
    made = db.session.scalars(select(User).where(User.username.like("c-%"))).all()
    assert len(made) == 3
    assert not any(check_password("!", stored=user.password_hash) for user in made)
    assert [one["verdict"] for one in send_list(world, a_list(4))[0]] == ["again"] * 3 + ["good"]


def test_five_hundred_cost_as_many_statements_as_one(world):
    with count_statements() as one:
        send_list(world, a_list(1))
    with count_statements() as many:
        send_list(world, a_list(500, site="Nhà văn hoá khu 3"))
    assert len(many) == len(one)
    db.session.rollback()
    # the first of them was enrolled before
    assert db.session.scalar(select(func.count()).select_from(Enrolment)) == 500


def test_the_same_list_sent_twice_at_one_moment_is_enrolled_once(app, world):
    rows, _ = read_collectors(a_list(150))
    both = Barrier(2)

    def send() -> list[str]:
        with app.app_context(), clock.at(MORNING):
            both.wait()
            return [one["verdict"] for one in send_list(world, a_list(150))[0]]

    with ThreadPoolExecutor(2) as pool:
        answers = [future.result() for future in [pool.submit(send), pool.submit(send)]]
    assert sorted(answers) == [["again"] * len(rows), ["good"] * len(rows)]
    assert db.session.scalar(select(func.count()).select_from(Enrolment)) == len(rows)


@pytest.mark.parametrize("namesake", ["", "Viết Khác;A;\n"])
def test_somebody_with_a_badge_is_known_by_it_however_the_list_writes_the_name(world, namesake):
    content = f"Họ tên;Tổ;Mã thẻ\nViết Khác;A;{badge_of(world)}\n{namesake}".encode()
    first, again = (send_list(world, content)[0] for _ in range(2))
    assert {one["verdict"] for one in first} == {"good"}
    assert {one["verdict"] for one in again} == {"again"}


@pytest.mark.parametrize("role", ["technician", "other_commune"])
def test_a_badge_of_somebody_who_does_not_collect_there_is_refused(world, role):
    if role == "other_commune":
        user, assignment = make_user("elsewhere", "collector", world.other_commune_id)
        with writing() as session:
            session.add(user)
            session.flush()
            session.add(assignment)
            badge = str(user.badge_code)
    else:
        badge = badge_of(world, role)
    content = f"Họ tên;Tổ;Mã thẻ\nNgười Một;A;{badge}\nNgười Hai;A;{badge_of(world)}\n".encode()
    wrong, good = send_list(world, content)[0]
    assert (wrong["verdict"], wrong["field"], wrong["line"]) == ("wrong", "badge", 2)
    assert wrong["message"] == UNKNOWN_BADGE
    assert good["verdict"] == "good"


def test_a_site_is_known_by_its_name_its_full_name_or_its_code(world):
    site = db.session.get(Place, world.site_id)
    spellings = ("NHA VAN HOA KHU 3", site.full_name, site.code, f"{site.code[:3]} {site.code[3:].lower()}")
    rows = "\n".join(f"Người {number};A;{name}" for number, name in enumerate(spellings))
    verdicts, _ = send_list(world, f"Họ tên;Tổ;Điểm lấy mẫu\n{rows}\n".encode(), place_id=None)
    assert [one["verdict"] for one in verdicts] == ["good"] * 4


def test_two_sites_of_one_name_are_not_guessed_between(world):
    twin = make_place(
        "site", codes.mint("site"), "Nhà văn hoá khu 3", world.other_commune_id, world.province_id
    )
    with writing() as session:
        session.add(twin)
    rows, _ = read_collectors(a_list(1, site="Nhà văn hoá khu 3"))
    (verdict,) = enrol_list(
        actor=auth_queries.get_actor(db.session(), user_id=world.actor("coordinator").user_id),
        campaign_id=world.campaign_id,
        place_id=world.site_id,
        day=clock.today(),
        rows=rows,
    )
    assert (verdict["verdict"], verdict["message"]) == ("wrong", SITE_TWICE)


def test_a_check_answers_as_the_list_would_and_writes_nothing(world):
    send_list(world, a_list(1))
    rows, _ = read_collectors(a_list(3) + "Người Lạ,A,Nơi Không Có\n".encode())
    asked = {
        "actor": world.actor("coordinator"),
        "campaign_id": world.campaign_id,
        "place_id": world.site_id,
        "day": clock.today(),
        "rows": rows,
    }
    checked = check_list(db.session(), **asked)
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Enrolment)) == 1
    assert [one["verdict"] for one in checked] == ["again", "good", "good", "wrong"]
    assert enrol_list(client_id=uuid.uuid4(), **asked) == checked


def test_a_list_names_what_is_to_be_mended_and_takes_the_rest(world):
    badge = badge_of(world)
    content = (
        "Danh sách\nHọ tên;Đội;Điểm;Mã thẻ\n"
        f"Người Một;A;nha van hoa khu 3;\nNgười Hai;;;\n;A;;\nNgười Bốn;A;Nơi Không Có;\nNgười Năm;A;;{badge}\n"
        "Người Sáu;A;;C000001\n"
    ).encode()
    verdicts, refused = send_list(world, content)
    assert {one.line: one.reason.field for one in refused} == {4: "team", 5: "name", 8: "badge"}
    assert [(one["line"], one["verdict"]) for one in verdicts] == [(3, "good"), (6, "wrong"), (7, "good")]
    db.session.rollback()
    assert (
        db.session.scalar(
            select(func.count())
            .select_from(Enrolment)
            .where(Enrolment.user_id == world.actor("collector").user_id)
        )
        == 1
    )


def test_a_list_comes_as_a_workbook_too_and_without_a_header_not_at_all():
    book = Workbook()
    book.active.append(["Họ và tên", "Tổ"])
    book.active.append(["Người Một", "A"])
    content = io.BytesIO()
    book.save(content)
    rows, _ = read_collectors(content.getvalue())
    assert [(row.name, row.team) for row in rows] == [("Người Một", "A")]
    for wrong in (b"", b"xin chao\n1,2\n", b"%PDF-1.4"):
        with pytest.raises(InvalidInput):
            read_collectors(wrong)


def test_a_withdrawn_phone_is_out_at_once_and_only_once(world, client):
    phone = enrolled(world, client)
    device_id = uuid.UUID(phone.device)
    assert phone.post([]).status_code == 200
    with pytest.raises(InvalidInput):
        withdraw_device(actor=world.actor("coordinator"), device_id=device_id, reason="x")
    withdraw_device(actor=world.actor("coordinator"), device_id=device_id, reason="phone_lost")
    db.session.rollback()
    assert phone.post([]).status_code == 401
    with pytest.raises(AlreadyDone):
        withdraw_device(actor=world.actor("coordinator"), device_id=device_id, reason="phone_lost")


def test_withdrawing_an_enrolment_takes_its_phone_with_it(world, client):
    phone = enrolled(world, client)
    enrolment_id = db.session.get(Device, uuid.UUID(phone.device)).enrolment_id
    withdraw_enrolment(actor=world.actor("coordinator"), enrolment_id=enrolment_id)
    db.session.rollback()
    assert phone.post([]).status_code == 401


def test_a_phone_that_comes_while_its_enrolment_is_withdrawn_is_withdrawn_too(app, world):
    (key,) = enrol(world)["enrolments"]
    enrolment_id, phone_id = uuid.UUID(key), new_id()

    def withdraw() -> None:
        with app.app_context():
            withdraw_enrolment(actor=world.actor("coordinator"), enrolment_id=enrolment_id)

    with ThreadPoolExecutor(1) as pool:
        with writing() as session:
            session.execute(select(Enrolment.id).where(Enrolment.id == enrolment_id).with_for_update())
            done = pool.submit(withdraw)
            time.sleep(0.5)  # by then it waits for the phone's transaction
            session.add(
                Device(
                    id=phone_id,
                    enrolment_id=enrolment_id,
                    token_hash=bytes(32),
                    public_key=bytes(65),
                    enrolled_at=MORNING,
                    last_seen_at=MORNING,
                )
            )
        done.result()
    assert db.session.get(Device, phone_id).withdrawn_at is not None


def test_every_enrolment_and_account_of_a_list_leaves_its_event(world):
    before = Counter(db.session.scalars(select(Event.verb)))
    db.session.rollback()
    send_list(world, a_list(3))
    noted = Counter(db.session.scalars(select(Event.verb))) - before
    assert noted == Counter(created=6)
