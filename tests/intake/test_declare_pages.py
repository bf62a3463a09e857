"""The declaration as people meet it: step by step, without scripts, never losing a word; and the API behind it."""

from __future__ import annotations

import re
import uuid

import pytest
from signing import bearer, sign_in
from sqlalchemy import func, select, update

from lims.extensions import db
from lims.intake.models import Declaration
from lims.places.models import Campaign
from lims.transaction import writing

CARD = "022190001234|100123456|Nguyễn Thị Ánh|17051990|Nữ|Tổ 3, Hà Khánh, Hạ Long, Quảng Ninh|01032021"
WHO = {"declared_by": "self", "name": "Nguyễn Thị Ánh", "birth_year": "1990", "sex": "female"}
PLACE = {"commune_code": "06655", "address": "Số 7 ngõ 12", "phone": "0912 345 678"}
HEALTH = {"symptoms": ["fever", "cough"], "is_contact": "yes"}


def token(page: str) -> str:
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]


def post(client, step, values, url="/declare"):
    page = client.get(f"{url}?step={step}", follow_redirects=True).text
    return client.post(f"{url}?step={step}", data={"csrf_token": token(page), **values})


def walk(client, url="/declare", **who):
    post(client, "who", {**WHO, **who}, url)
    post(client, "place", PLACE, url)
    post(client, "health", HEALTH, url)
    return post(client, "check", {"consent": "y"}, url)


def count() -> int:
    return db.session.scalar(select(func.count()).select_from(Declaration))


def test_a_resident_declares_step_by_step_and_sees_both_codes(world, client):
    answer = walk(client)
    assert answer.status_code == 302
    page = client.get(answer.location).text
    declaration = db.session.scalars(select(Declaration)).unique().one()
    assert declaration.code in page.replace("</span><span>", "")
    assert declaration.symptoms == ["fever", "cough"] and declaration.is_contact
    assert declaration.household_code
    assert "data:image/png;base64," in page
    assert 'id="to-keep"' in page


def test_looking_again_at_the_last_page_shows_the_same_codes_and_declares_nobody(world, client):
    first = client.get(walk(client).location).text
    again = client.get("/declare", follow_redirects=True).text
    plain = re.compile(r'value="[^"]+"|content="[^"]+"')
    assert plain.sub("", first) == plain.sub("", again)
    assert count() == 1


def test_going_back_finds_every_word(world, client):
    post(client, "who", WHO)
    post(client, "place", PLACE)
    assert "Nguyễn Thị Ánh" in client.get("/declare?step=who").text
    page = client.get("/declare?step=place").text
    assert "Số 7 ngõ 12" in page and 'selected value="06655"' in page


def test_a_mistake_is_named_beside_its_field_and_what_was_typed_stays(world, client):
    answer = post(client, "who", {**WHO, "name": "", "birth_day": "31", "birth_month": "2"})
    assert answer.status_code == 422
    assert 'href="#name"' in answer.text and 'href="#birth_year"' in answer.text
    assert 'value="1990"' in answer.text
    answer = post(client, "place", {**PLACE, "phone": "12", "commune_code": "00000"})
    assert 'href="#phone"' in answer.text and 'href="#commune_code"' in answer.text


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "'; DROP TABLE person; --a"])
def test_a_name_that_looks_like_a_program_is_only_text(world, client, name):
    walk(client, name=name)
    page = client.get("/declare?step=done").text
    assert "<script>alert" not in page
    assert db.session.scalars(select(Declaration)).unique().one().person.name == name


def test_a_name_of_ten_kilobytes_is_refused(world, client):
    assert post(client, "who", {**WHO, "name": "A" * 10_000}).status_code == 422


def test_nobody_is_declared_without_consent(world, client):
    post(client, "who", WHO)
    post(client, "place", PLACE)
    post(client, "health", HEALTH)
    answer = post(client, "check", {})
    assert answer.status_code == 422 and 'href="#consent"' in answer.text
    assert count() == 0


def test_who_comes_straight_to_the_end_is_led_to_what_is_missing(world, client):
    answer = post(client, "check", {"consent": "y"})
    assert answer.location.endswith("step=who")
    post(client, "who", WHO)
    assert post(client, "check", {"consent": "y"}).location.endswith("step=place")


def test_the_qr_of_an_identity_card_fills_in_the_form(world, client):
    answer = post(client, "who", {"doing": "card", "card": CARD})
    page = client.get(answer.location).text
    for said in ("Nguyễn Thị Ánh", 'value="17"', 'value="05"', 'value="1990"', "022190001234"):
        assert said in page
    assert 'checked id="sex-0"' in page
    assert "Tổ 3, Hà Khánh" in client.get("/declare?step=place").text


def test_what_is_no_card_is_told_beside_the_card_s_field(world, client):
    answer = post(client, "who", {"doing": "card", "card": "https://example.org/"})
    assert answer.status_code == 422 and 'href="#card"' in answer.text


def test_the_next_member_of_a_household_shares_place_telephone_and_household(world, client):
    walk(client)
    post(client, "done", {"doing": "next_member"})
    page = client.get("/declare?step=place").text
    assert "Số 7 ngõ 12" in page
    assert "Nguyễn Thị Ánh" not in client.get("/declare?step=who").text
    walk(client, name="Trần Văn Bình")
    first, second = db.session.scalars(select(Declaration)).unique().all()
    assert first.household_code == second.household_code
    assert first.person_id != second.person_id


def test_a_health_worker_declares_for_others_and_a_technician_does_not(world, client):
    sign_in(client, world.actor("health_worker"))
    walk(client, "/declare/for-others")
    declaration = db.session.scalars(select(Declaration)).unique().one()
    assert declaration.declared_by == "health_worker"
    assert declaration.declared_by_id == world.actor("health_worker").user_id
    assert "result_code" in client.get("/declare/for-others?step=done").text
    sign_in(client, world.actor("technician"))
    assert client.get("/declare/for-others").status_code == 403


def test_for_others_needs_an_account(world, client):
    assert "/sign-in" in client.get("/declare/for-others").location


def test_a_form_without_its_token_changes_nothing(app, world, client):
    app.config["WTF_CSRF_ENABLED"] = True
    assert client.post("/declare?step=check", data={"consent": "y"}).status_code in (302, 400)
    assert count() == 0


def test_without_an_open_campaign_the_page_says_so(world, client):
    with writing() as session:
        session.execute(update(Campaign).values(is_open=False))
    assert client.get("/declare").status_code == 200
    assert '<form method="post" action="/declare' not in client.get("/declare").text


def declared(**changes):
    right = {
        "client_id": str(uuid.uuid4()),
        "name": "Nguyễn Thị Ánh",
        "birth_date": "17/05/1990",
        "sex": "female",
        "commune_code": "06655",
        "consent": True,
    }
    return {**right, **changes}


def send(client, world, *people, **kwargs):
    body = {"campaign_id": str(world.campaign_id), "declarations": list(people)}
    return client.post("/api/v1/declarations", json=body, **kwargs)


def test_the_api_declares_many_with_a_verdict_each_and_repeats_change_nothing(world, client):
    people = [declared(), declared(name="")]
    answer = send(client, world, *people)
    assert answer.status_code == 200
    good, wrong = answer.json["verdicts"]
    assert good["verdict"] == "good" and good["result_code"] and good["declaration_code"].startswith("K")
    assert (wrong["verdict"], wrong["field"], wrong["mistakes"][0]["field"]) == ("wrong", "name", "name")
    assert send(client, world, *people).json == answer.json
    assert count() == 1


@pytest.mark.parametrize(
    "broken",
    [{"client_id": "x"}, {"client_id": None}, {"name": 5}, {"symptoms": "fever"}, {"birth_date": None}],
)
def test_the_api_refuses_what_is_not_of_its_form(world, client, broken):
    assert send(client, world, declared(**broken)).status_code == 422
    assert send(client, world).status_code == 422
    assert count() == 0


def test_the_api_takes_no_control_characters(world, client):
    answer = send(client, world, declared(name="Nguyễn\x00Ánh"))
    assert answer.status_code == 422
    assert count() == 0


def test_the_api_reads_a_card_for_staff_alone(world, client):
    staff = bearer(world.actor("collector"))
    answer = client.post("/api/v1/card-readings", json={"text": CARD}, headers=staff)
    assert answer.json["name"] == "Nguyễn Thị Ánh"
    assert (answer.json["birth_date"], answer.json["sex"]) == ("17/05/1990", "female")
    assert client.post("/api/v1/card-readings", json={"text": "x|y"}, headers=staff).json["field"] == "card"
    assert client.post("/api/v1/card-readings", json={"text": CARD}).status_code == 401


def test_the_api_lists_what_stations_choose_from(world, client):
    staff = bearer(world.actor("collector"))
    assert [one["id"] for one in client.get("/api/v1/campaigns", headers=staff).json["campaigns"]] == [
        str(world.campaign_id)
    ]
    found = client.get("/api/v1/communes?q=ha+khanh", headers=staff).json["communes"]
    assert [one["code"] for one in found] == ["06655"]
    assert len(client.get("/api/v1/laboratories", headers=staff).json["laboratories"]) == 2
    assert [one["id"] for one in client.get("/api/v1/sites", headers=staff).json["sites"]] == [
        str(world.site_id)
    ]


def test_the_api_mints_tubes_and_boxes_for_who_may_print(world, client):
    staff = bearer(world.actor("coordinator"))
    order = {"client_id": str(uuid.uuid4()), "campaign_id": str(world.campaign_id), "count": 3}
    lot = client.post("/api/v1/tube-lots", json={**order, "mode": "single"}, headers=staff)
    assert len(lot.json["tubes"]) == 3
    assert client.post("/api/v1/tube-lots", json={**order, "mode": "single"}, headers=staff).json == lot.json
    boxes = {**order, "client_id": str(uuid.uuid4())}
    assert len(client.post("/api/v1/box-labels", json=boxes, headers=staff).json["boxes"]) == 3
    refused = client.post("/api/v1/box-labels", json=boxes, headers=bearer(world.actor("courier")))
    assert refused.status_code == 403
