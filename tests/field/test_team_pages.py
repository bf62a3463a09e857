"""The coordinator's pages: teams live, enrolment with its QR, a list, a phone's record; and who sees nothing of it."""

from __future__ import annotations

import html
import io
import re
import subprocess
import uuid
from datetime import timedelta

import pytest
from factories import MORNING, make_place, make_user
from field.coordinating import Desk, a_list, enrol, send_list
from field.phones import Phone, badge_of, enrolled, make_enrolment
from intake.people import declare, print_tubes
from signing import bearer, sign_in
from statements import count_statements

from lims import clock
from lims.auth import queries as auth_queries
from lims.auth.actors import Actor
from lims.errors import NotFound
from lims.extensions import db, vault
from lims.field.actions.enrolments import enrol_collectors, withdraw_device, withdraw_enrolment
from lims.field.keys import enrolment_code
from lims.field.models import Device
from lims.field.queries import enrolments as queries
from lims.field.queries.teams import count_missing
from lims.transaction import writing


@pytest.fixture(autouse=True)
def morning():
    with clock.at(MORNING):
        yield


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
    totals = answer["totals"]
    assert (totals["enrolments"], totals["waiting"], totals["phones"], totals["live"]) == (2, 1, 1, 1)
    assert (totals["bound"], totals["unsent"]) == (1, 12)
    assert [site["left"] for site in answer["left"]] == [1]
    with clock.at(MORNING + timedelta(minutes=31)):
        later = client.get("/api/v1/teams", headers=bearer(world.actor("coordinator"))).json
    assert (later["phones"][1]["standing"], later["totals"]["live"]) == ("silent", 0)


def test_a_scan_counts_for_the_last_hour_only_for_an_hour_and_not_once_taken_back(world, client):
    phone = enrolled(world, client)
    phone.send(phone.bind(print_tubes(world)[0], declare(world)[0]))
    with clock.at(MORNING + timedelta(minutes=61)):
        second = phone.bind(print_tubes(world)[0], declare(world)[0])
        phone.send(second)
        assert _figures(client, world) == (2, 1)
        phone.send(phone.write("undo", undoes=second["id"]))
        assert _figures(client, world) == (1, 0)


def _figures(client, world) -> tuple[int, int]:
    (row,) = client.get("/api/v1/teams", headers=bearer(world.actor("coordinator"))).json["phones"]
    return row["bound"], row["last_hour"]


def test_the_list_is_narrowed_in_the_address_and_goes_on_where_it_ended(world, client, coordinator):
    send_list(world, a_list(230))
    seen, address = [], "/teams"
    while address:
        page = coordinator.get(address).text
        seen += re.findall(r"/teams/enrolments/([0-9a-f-]{36})", page)
        more = re.search(r'href="([^"]+)" rel="next"', page)
        address = html.unescape(more[1]) if more else ""
    assert len(seen) == len(set(seen)) == 230
    one_team = coordinator.get("/teams?team=Đội 3").text
    assert len(re.findall(r"/teams/enrolments/[0-9a-f-]{36}", one_team)) == 46
    for nothing in (f"day={clock.today() + timedelta(days=1)}", f"place_id={uuid.uuid4()}"):
        assert not re.findall(r"/teams/enrolments/[0-9a-f-]{36}", coordinator.get(f"/teams?{nothing}").text)
    assert coordinator.get("/teams?day=x&place_id=x&after=x").status_code == 200


def test_the_api_goes_on_where_it_ended(world, client):
    send_list(world, a_list(101))
    headers = bearer(world.actor("coordinator"))
    first = client.get("/api/v1/teams", headers=headers).json
    rest = client.get("/api/v1/teams", query_string={"after": first["next"]}, headers=headers).json
    assert (len(first["phones"]), len(rest["phones"]), rest["next"]) == (100, 1, "")
    assert rest["phones"][0] not in first["phones"]


@pytest.mark.parametrize(
    ("off", "said"), [(timedelta(minutes=-7), "7"), (timedelta(minutes=7), "7"), (timedelta(minutes=1), "")]
)
def test_a_clock_is_told_to_be_off_from_two_minutes_whichever_way(world, client, coordinator, off, said):
    phone = Phone(client, badge_of(world), clock_off=off)
    phone.enrol(make_enrolment(world))
    phone.post([])
    for address in ("/teams", f"/teams/devices/{phone.device}"):
        page = coordinator.get(address).text
        assert re.findall(r"lệch (\S+) phút", page) == ([said] if said else [])


def test_the_home_counts_the_phones_in_contact(world, client, coordinator):
    station = re.compile(r'class="station-link" href="/teams".*?<span class="figure">(\d+)</span>', re.DOTALL)
    enrol(world)
    phone = enrolled(world, client)
    assert station.search(coordinator.get("/home").text)[1] == "1"
    withdraw_device(
        actor=world.actor("coordinator"), device_id=uuid.UUID(phone.device), reason="phone_changed"
    )
    assert station.search(coordinator.get("/home").text)[1] == "0"


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
    for wrong in ({"team": ""}, {"user_ids": "x"}, {"place_id": "x"}, {"day": "x"}, {"campaign_id": ""}):
        assert coordinator.post("/teams/enrolments/new", data=form | wrong).status_code == 422
    record = f"/teams/enrolments/{key}"
    done = coordinator.post(f"{record}/withdrawal", data={}, shown_at=record)
    assert "#enrol=" not in done.text


def test_a_list_is_checked_then_enrolled_and_printed(world, coordinator):
    form = {
        "campaign_id": str(world.campaign_id),
        "place_id": str(world.site_id),
        "day": clock.today().isoformat(),
        "pasted": "Họ và tên\tTổ\tĐiểm\nNgười Một\tA\t\n\tA\t\nNgười Ba\tA\tNơi Không Có\n",
    }
    checked = coordinator.post("/teams/list", data=form | {"dry_run": "yes"}).text
    assert coordinator.get("/teams/sheet.pdf").status_code == 422
    assert _lines(checked) == ["3", "4"], "one without a name, one at a site that is not there"
    page = coordinator.post("/teams/list", data=form)
    assert page.status_code == 200
    assert _lines(page.text) == ["3", "4"]
    assert "/teams/sheet.pdf" in page.text
    assert coordinator.get("/teams/sheet.pdf").data.startswith(b"%PDF")
    assert _lines(coordinator.post("/teams/list", data=form).text) == ["3", "4", "2"], "enrolled before"


def _lines(page: str) -> list[str]:
    return re.findall(r'<th scope="row">(\d+)</th>', page)


def test_the_sheet_has_who_still_needs_a_phone_and_the_page_says_how_many(app, world, client, coordinator):
    send_list(world, a_list(3))
    enrolled(world, client, team="Tổ có máy")
    (key,) = enrol(world, team="Tổ thu hồi")["enrolments"]
    withdraw_enrolment(actor=world.actor("coordinator"), enrolment_id=uuid.UUID(key))
    figures = re.search(r"<p[^>]* data-sheet>([^<]*)</p>", coordinator.get("/teams").text)[1]
    assert re.findall(r"\d+", figures) == ["3", "2"]
    printed = _words_in(coordinator.get("/teams/sheet.pdf").data)
    assert [printed.count(f"Người Mượn {number}") for number in range(3)] == [1, 1, 1]
    assert "Tổ có máy" not in printed
    assert "Tổ thu hồi" not in printed
    with clock.at(MORNING + timedelta(days=1)):
        next_day = sign_in(app.test_client(), world.actor("coordinator"))
        over = next_day.get(f"/teams/sheet.pdf?day={MORNING.date()}")
    assert over.status_code == 422, "a day that is over opens no phone any more"


def _words_in(pdf: bytes) -> str:
    text = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    return " ".join(text.split())


def test_more_cards_than_a_sheet_takes_are_refused_and_not_cut(world, coordinator, monkeypatch):
    monkeypatch.setattr(queries, "MOST_ON_SHEET", 4)
    send_list(world, a_list(5))
    assert coordinator.get("/teams/sheet.pdf").status_code == 422
    assert coordinator.get("/teams/sheet.pdf?team=Đội 0").status_code == 200


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_page_is_there_in_both_languages(app, world, client, coordinator, language):
    coordinator.post("/language", data={"language": language}, shown_at="/teams")
    phone = enrolled(world, client)
    phone.send(phone.bind(print_tubes(world)[0], "K00000000"))
    (key,) = enrol(world)["enrolments"]
    title = {"vi": "Tổ và máy", "en": "Teams and phones"}[language]
    for address in (
        "/teams",
        "/teams/list",
        f"/teams/enrolments/{key}",
        f"/teams/devices/{phone.device}",
    ):
        with app.app_context():  # a request's language is kept in the context
            page = coordinator.get(address)
        assert page.status_code == 200, address
        assert f'<html lang="{language}"' in page.text
        assert title in page.text, address


def test_a_phones_record_shows_its_scans_and_withdraws_it(world, client, coordinator):
    phone = enrolled(world, client)
    phone.bind(print_tubes(world)[0], "K00000000")  # the first one stays on the phone
    phone.send(phone.bind(print_tubes(world)[0], "K00000000"))
    address = f"/teams/devices/{phone.device}"
    page = coordinator.get(address).text
    assert re.search(r'class="state good">.*?(in contact|đang liên lạc)</span>', page, re.DOTALL), (
        "how it stands"
    )
    assert f'action="{address}/withdrawal"' in page
    assert count_missing(db.session(), device_id=uuid.UUID(phone.device)) == 1
    shown = coordinator.post(f"{address}/withdrawal", data={"reason": "phone_stolen"}, shown_at=address).text
    assert f'action="{address}/withdrawal"' not in shown
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


def test_a_coordinator_of_another_province_is_answered_as_if_nothing_were_there(app, world, client):
    phone = enrolled(world, client)
    (key,) = enrol(world)["enrolments"]
    with writing() as session:
        province = make_place("province", "99", "Tỉnh Khác", None, None)
        province.province_id = province.id
        session.add(province)
        session.flush()
        user, assignment = make_user("other_coordinator", "coordinator", province.id)
        session.add(user)
        session.flush()
        session.add(assignment)
        user_id = user.id
    db.session.rollback()
    other = Desk(sign_in(app.test_client(), auth_queries.get_actor(db.session(), user_id=user_id)))
    for theirs in (f"/teams/enrolments/{key}", f"/teams/devices/{phone.device}"):
        nobodys = f"{theirs.rpartition('/')[0]}/{uuid.uuid4()}"
        answers = [other.get(address) for address in (theirs, nobodys)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert len({_without_tokens(answer.text, theirs, nobodys) for answer in answers}) == 1
        for address in (theirs, nobodys):
            sent = {"reason": "other"}
            assert other.post(f"{address}/withdrawal", data=sent, shown_at="/teams/list").status_code == 404
    page = other.get("/teams").text
    assert key not in page
    assert "Collector" not in page
    assert other.get("/teams/sheet.pdf").status_code == 422


def _without_tokens(page: str, *addresses: str) -> str:
    for address in addresses:
        page = page.replace(address, "")
    return re.sub(r'(content|value)="[^"]*"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', "", page)
