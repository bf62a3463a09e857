"""A coordinator enrols collectors, five hundred at a time, and withdraws what must no longer be used."""

from __future__ import annotations

import io
import re
import uuid
from datetime import timedelta

import pytest
from factories import MORNING, make_user
from field.phones import Phone, badge_of, enrolled
from flask.testing import FlaskClient
from intake.people import declare, print_tubes
from openpyxl import Workbook
from signing import bearer, sign_in
from sqlalchemy import func, select
from statements import count_statements

from lims import clock
from lims.auth import queries as auth_queries
from lims.auth.actors import Actor
from lims.auth.models import User
from lims.auth.passwords import check_password
from lims.errors import AlreadyDone, InvalidInput, NotFound
from lims.extensions import db, vault
from lims.field.actions.enrolments import enrol_collectors, enrol_list, withdraw_device, withdraw_enrolment
from lims.field.enrolling import read_collectors
from lims.field.keys import enrolment_code
from lims.field.models import Device, Enrolment
from lims.field.queries.teams import count_missing
from lims.transaction import writing


@pytest.fixture(autouse=True)
def morning():
    with clock.at(MORNING):
        yield


def enrol(world, role: str = "coordinator", **changed):
    words = {
        "campaign_id": world.campaign_id,
        "place_id": world.site_id,
        "day": clock.today(),
        "team": "Tổ 1",
        "user_ids": [world.actor("collector").user_id],
    }
    return enrol_collectors(actor=world.actor(role), client_id=uuid.uuid4(), **words | changed)


def a_list(count: int, *, site: str = "") -> bytes:
    rows = "\n".join(f"Người Mượn {number},Đội {number % 5},{site}" for number in range(count))
    return f"Họ và tên,Tổ,Điểm lấy mẫu\n{rows}\n".encode()


def send_list(world, content: bytes, **changed):
    rows, refused = read_collectors(content)
    words = {"campaign_id": world.campaign_id, "place_id": world.site_id, "day": clock.today(), "rows": rows}
    return enrol_list(actor=world.actor("coordinator"), client_id=uuid.uuid4(), **words | changed), refused


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
    with pytest.raises(InvalidInput, match="does not collect"):
        enrol(world, user_ids=[world.actor("technician").user_id])


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


# ---- Pages ----


class Desk:
    """A browser at a desk that sends forms with their token."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, address: str):
        return self.client.get(address)

    def post(self, address: str, *, data: dict[str, object], shown_at: str = ""):
        page = self.client.get(shown_at or address).text
        token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', page)[-1]
        sent = {"csrf_token": token, "client_id": str(uuid.uuid4())} | data
        return self.client.post(address, data=sent, follow_redirects=True)


@pytest.fixture
def coordinator(app, world) -> Desk:
    return Desk(sign_in(app.test_client(), world.actor("coordinator")))


def test_the_page_of_teams_shows_phones_with_their_figures(world, client, coordinator):
    phone = enrolled(world, client, team="Tổ hoa sen")
    phone.send(phone.bind(print_tubes(world)[0], declare(world, 2)[0]))
    phone.client.post(
        "/api/v1/field/scans",
        json={
            "sent_at": phone.now.isoformat(),
            "unsent": 13,
            "slips": [phone.bind(print_tubes(world)[0], "K00000000")],
        },
        headers=phone.headers,
    )
    enrol(world, team="Tổ chưa có máy")
    page = coordinator.get("/teams").text
    assert "Tổ hoa sen" in page
    assert "Tổ chưa có máy" in page
    answer = client.get("/api/v1/teams", headers=bearer(world.actor("coordinator"))).json
    waiting, row = answer["phones"]
    assert (waiting["standing"], waiting["device_id"]) == ("waiting", None)
    assert (row["bound"], row["last_hour"], row["unsent"], row["standing"]) == (1, 1, 12, "live")
    assert answer["totals"]["unsent"] == 12
    assert [site["left"] for site in answer["left"]] == [1]
    with clock.at(MORNING + timedelta(minutes=31)):
        later = client.get("/api/v1/teams", headers=bearer(world.actor("coordinator"))).json
    assert later["phones"][1]["standing"] == "silent"


def test_the_page_costs_the_same_for_one_phone_and_for_many(world, client, coordinator):
    enrolled(world, client)
    with count_statements() as one:
        coordinator.get("/teams")
    send_list(world, a_list(30))
    enrolled(world, client, "collector_2")
    with count_statements() as many:
        coordinator.get("/teams")
    assert len(many) == len(one)


def test_collectors_are_enrolled_on_the_page_and_the_qr_is_shown(world, coordinator):
    assert "Collector" in coordinator.get("/teams/enrolments/new").text
    form = {
        "campaign_id": str(world.campaign_id),
        "place_id": str(world.site_id),
        "day": clock.today().isoformat(),
        "team": "Tổ 1",
        "user_ids": [str(world.actor("collector").user_id)],
    }
    shown = coordinator.post("/teams/enrolments/new", data=form)
    key = shown.request.path.rpartition("/")[2]
    assert f"#enrol={enrolment_code(vault(), uuid.UUID(key))}" in shown.text
    assert coordinator.post("/teams/enrolments/new", data=form | {"team": ""}).status_code == 422
    record = f"/teams/enrolments/{key}"
    done = coordinator.post(f"{record}/withdrawal", data={}, shown_at=record)
    assert "#enrol=" not in done.text


def test_a_list_is_checked_then_enrolled_and_printed(world, coordinator):
    form = {
        "campaign_id": str(world.campaign_id),
        "place_id": str(world.site_id),
        "day": clock.today().isoformat(),
        "pasted": "Họ và tên\tTổ\nNgười Một\tA\n\tA\n",
    }
    coordinator.post("/teams/list", data=form | {"dry_run": "yes"})
    assert coordinator.get("/teams/sheet.pdf").status_code == 422
    page = coordinator.post("/teams/list", data=form)
    assert page.status_code == 200
    assert "/teams/sheet.pdf" in page.text
    assert coordinator.get("/teams/sheet.pdf").data.startswith(b"%PDF")


def test_a_phones_record_shows_its_scans_and_withdraws_it(world, client, coordinator):
    phone = enrolled(world, client)
    phone.bind(print_tubes(world)[0], "K00000000")  # the first one stays on the phone
    phone.send(phone.bind(print_tubes(world)[0], "K00000000"))
    address = f"/teams/devices/{phone.device}"
    assert coordinator.get(address).status_code == 200
    assert count_missing(db.session(), device_id=uuid.UUID(phone.device)) == 1
    coordinator.post(f"{address}/withdrawal", data={"reason": "phone_stolen"}, shown_at=address)
    assert db.session.get(Device, uuid.UUID(phone.device), populate_existing=True).withdrawn_at == MORNING


def test_whoever_settles_sees_the_scan_as_it_came_and_names_only_with_the_right_to(app, world, client):
    phone = enrolled(world, client)
    said = {"name": "Người Chưa Khai", "birth_date": "32/13/1980"}
    (verdict,) = phone.send(phone.write("declare", person=said))
    address = f"/discrepancies/{verdict['discrepancy']}"
    user, assignment = make_user("provincial", "supervisor", world.province_id)
    with writing() as session:
        session.add(user)
        session.flush()
        session.add(assignment)
        user_id = user.id
    db.session.rollback()
    supervisor = auth_queries.get_actor(db.session(), user_id=user_id)
    seen = {
        role: sign_in(app.test_client(), actor).get(address)
        for role, actor in (("coordinator", world.actor("coordinator")), ("supervisor", supervisor))
    }
    assert {answer.status_code for answer in seen.values()} == {200}
    assert "Người Chưa Khai · 32/13/1980" in seen["coordinator"].text
    assert "Người Chưa Khai" not in seen["supervisor"].text


def test_a_hand_over_file_is_taken_in_at_a_desk(app, world, client):
    phone = enrolled(world, client)
    text = phone.make_file([phone.bind(print_tubes(world)[0], declare(world)[0])])
    desk = Desk(sign_in(app.test_client(), world.actor("health_worker")))
    page = desk.post("/teams/files", data={"file": (io.BytesIO(text.encode()), "tep.json")})
    assert page.status_code == 200
    assert "Tổ 1" in page.text
    assert desk.post("/teams/files", data={}).status_code == 422
    assert desk.post("/teams/files", data={"file": (io.BytesIO(b"{}"), "x.json")}).status_code == 422


def test_other_provinces_see_nothing_of_it(world, client, coordinator):
    phone = enrolled(world, client)
    (key,) = enrol(world)["enrolments"]
    assert sign_in(client, world.actor("collector")).get("/teams").status_code == 403
    stranger = Actor(uuid.uuid4(), "x", frozenset({"coordinator"}))
    for call in (
        lambda: withdraw_enrolment(actor=stranger, enrolment_id=uuid.UUID(key)),
        lambda: withdraw_device(actor=stranger, device_id=uuid.UUID(phone.device), reason="other"),
        lambda: enrol_collectors(
            actor=stranger,
            campaign_id=world.campaign_id,
            place_id=world.site_id,
            day=clock.today(),
            team="x",
            user_ids=[uuid.uuid4()],
        ),
    ):
        with pytest.raises(NotFound):
            call()
