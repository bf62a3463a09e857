"""Campaigns, laboratories and sites: by action, by page, by API."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from signing import bearer, sign_in
from sqlalchemy import select

from lims.audit import Event
from lims.errors import InvalidInput, NotFound
from lims.extensions import db
from lims.places import actions, queries
from lims.places.models import Campaign, Laboratory, Place


def _events(subject: uuid.UUID) -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Event.verb).where(Event.subject_id == subject).order_by(Event.seq)))


def _count(table) -> int:
    db.session.rollback()
    return len(db.session.scalars(select(table)).unique().all())


def test_a_campaign_is_opened_once_for_one_id(world):
    form = {
        "actor": world.actor("coordinator"),
        "client_id": uuid.uuid4(),
        "name": "Đợt 2",
        "province_id": world.province_id,
        "starts_on": date(2021, 8, 20),
    }
    first = actions.create_campaign(**form)
    assert actions.create_campaign(**form) == first
    assert _count(Campaign) == 2
    assert _events(uuid.UUID(first["id"])) == ["created"]


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        ({"pool_size": 21}, "pool_size"),
        ({"mixed_tube_size": 0}, "mixed_tube_size"),
        ({"ends_on": date(2021, 8, 1)}, "ends_on"),
        ({"validity_hours": 0}, "validity_hours"),
        ({"name": "Đợt\x00"}, "name"),
    ],
)
def test_an_impossible_policy_is_refused_by_its_field_and_nothing_is_saved(world, policy, field):
    form = {"name": "Đợt 2", "province_id": world.province_id, "starts_on": date(2021, 8, 20)} | policy
    with pytest.raises(InvalidInput) as refused:
        actions.create_campaign(actor=world.actor("coordinator"), **form)
    assert refused.value.field == field
    assert _count(Campaign) == 1


def test_only_a_laboratory_with_the_right_has_a_capacity_to_confirm(world):
    with pytest.raises(InvalidInput) as refused:
        actions.set_capacity(
            actor=world.actor("coordinator"),
            laboratory_id=world.laboratory_id,
            screening_per_day=900,
            confirmation_per_day=10,
            can_confirm=False,
        )
    assert refused.value.field == "confirmation_per_day"
    assert db.session.get(Laboratory, world.laboratory_id).screening_per_day == 800


def test_a_capacity_is_changed_with_one_event(world):
    actions.set_capacity(
        actor=world.actor("coordinator"),
        laboratory_id=world.laboratory_id,
        screening_per_day=900,
        confirmation_per_day=10,
        can_confirm=True,
    )
    assert db.session.get(Laboratory, world.laboratory_id).confirmation_per_day == 10
    assert _events(world.laboratory_id) == ["capacity_set"]


def test_a_capacity_is_changed_by_page(world, client):
    sign_in(client, world.actor("coordinator"))
    address = f"/laboratories/{world.laboratory_id}/capacity"
    form = {"csrf_token": _token(client.get(address).text), "client_id": str(uuid.uuid4())}
    form |= {"screening_per_day": "900", "confirmation_per_day": "0"}
    for _ in range(2):
        assert client.post(address, data=form).status_code == 302
    assert db.session.get(Laboratory, world.laboratory_id).screening_per_day == 900


def test_another_province_is_as_if_it_were_not_there(world):
    actions.load_provinces(actor=world.actor("administrator"), province_codes=["24"])
    elsewhere = queries.find_place(db.session(), kind="province", code="24")
    with pytest.raises(NotFound):
        actions.create_campaign(
            actor=world.actor("coordinator"),
            name="Đợt",
            province_id=elsewhere.id,
            starts_on=date(2021, 8, 20),
        )


def test_places_are_in_the_vietnamese_order_of_their_names_not_of_their_types(world):
    actions.load_provinces(actor=world.actor("administrator"), province_codes=["24"])
    province = queries.find_place(db.session(), kind="province", code="24")
    found = [place.name for place in queries.list_communes(db.session(), province_id=province.id)]
    assert len(found) == 209
    assert found.index("Xã An Bá") < found.index("Thị trấn An Châu") < found.index("Xã Bảo Đài")
    assert found.index("Xã Dương Hưu") < found.index("Xã Đa Mai" if "Xã Đa Mai" in found else "Phường Đa Mai")


def test_the_pages_save_what_they_are_sent_and_show_refusals_at_their_field(world, client):
    sign_in(client, world.actor("coordinator"))
    page = client.get("/campaigns/new")
    assert page.status_code == 200
    form = {"csrf_token": _token(page.text), "client_id": str(uuid.uuid4()), "name": "Đợt 3"}
    form |= {"province_id": str(world.province_id), "starts_on": "2021-09-01", "pool_size": "30"}
    form |= {"mixed_tube_size": "10", "validity_hours": "72", "hold_limit_hours": "48"}
    form["positive_pool_strategy"] = "halves"
    refused = client.post("/campaigns/new", data=form)
    assert refused.status_code == 422
    assert 'id="pool_size-error"' in refused.text
    assert client.post("/campaigns/new", data=form | {"pool_size": "5"}).status_code == 302
    assert "Đợt 3" in client.get("/campaigns").text


TELLING = {
    "detected_advice_vi": "Ở yên tại nhà.\r\nĐội lưu động sẽ đến.",
    "second_test_advice_vi": "Đến trạm y tế trước 16 giờ.",
    "tells_people": "y",
    "quiet_from_hour": "22",
    "quiet_until_hour": "5",
    "certificate_hours": "48",
    "retention_days": "30",
}


def test_what_people_are_told_is_changed_by_page_with_one_event(world, client):
    sign_in(client, world.actor("coordinator"))
    address = f"/campaigns/{world.campaign_id}/telling"
    assert address in client.get("/campaigns").text
    form = TELLING | {"csrf_token": _token(client.get(address).text), "client_id": str(uuid.uuid4())}
    for _ in range(2):
        assert client.post(address, data=form).status_code == 302
    campaign = db.session.get(Campaign, world.campaign_id)
    assert campaign.detected_advice_vi == "Ở yên tại nhà.\nĐội lưu động sẽ đến."
    assert (campaign.quiet_from_hour, campaign.certificate_hours, campaign.retention_days) == (22, 48, 30)
    assert _events(world.campaign_id) == ["telling_set"]
    page = client.get(address)
    assert "Đội lưu động sẽ đến." in page.text


def test_a_retention_that_is_left_empty_erases_nobody_by_itself(world, client):
    sign_in(client, world.actor("coordinator"))
    address = f"/campaigns/{world.campaign_id}/telling"
    form = TELLING | {"csrf_token": _token(client.get(address).text), "client_id": str(uuid.uuid4())}
    assert client.post(address, data=form | {"retention_days": ""}).status_code == 302
    assert db.session.get(Campaign, world.campaign_id).retention_days is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("quiet_from_hour", "24"),
        ("quiet_until_hour", "-1"),
        ("quiet_until_hour", "six"),
        ("certificate_hours", "0"),
        ("certificate_hours", "8761"),
        ("certificate_hours", ""),
        ("retention_days", "-1"),
        ("retention_days", "9999999"),
        ("detected_advice_en", "x" * 1001),
        ("second_test_advice_vi", "x" * 1001),
    ],
)
def test_an_impossible_telling_is_refused_by_its_field_and_nothing_is_saved(world, client, field, value):
    sign_in(client, world.actor("coordinator"))
    address = f"/campaigns/{world.campaign_id}/telling"
    form = TELLING | {"csrf_token": _token(client.get(address).text), "client_id": str(uuid.uuid4())}
    page = client.post(address, data=form | {field: value})
    assert page.status_code == 422
    assert f'id="{field}-error"' in page.text
    assert db.session.get(Campaign, world.campaign_id).quiet_from_hour == 21


def test_a_site_opened_by_page_is_offered_to_programs(world, client):
    sign_in(client, world.actor("coordinator"))
    page = client.get("/sites/new")
    form = {
        "csrf_token": _token(page.text),
        "client_id": str(uuid.uuid4()),
        "name": "Trường tiểu học Hà Khánh",
    }
    for _ in range(2):
        assert client.post("/sites/new", data=form | {"commune_id": str(world.commune_id)}).status_code == 302
    client.delete_cookie("lims-sign-in")
    answer = client.get("/api/v1/sites", headers=bearer(world.actor("coordinator")))
    names = [site["name"] for site in answer.json["sites"]]
    assert sorted(names) == ["Nhà văn hoá khu 3", "Trường tiểu học Hà Khánh"]


def test_programs_find_communes_without_marks(world, client):
    answer = client.get("/api/v1/communes?q=ha kh", headers=bearer(world.actor("collector")))
    assert [place["full_name"] for place in answer.json["communes"]] == [
        "Phường Hà Khánh, Thành phố Hạ Long, Quảng Ninh"
    ]


def test_programs_are_told_what_a_laboratory_can_do(world, client):
    found = client.get("/api/v1/laboratories", headers=bearer(world.actor("collector"))).json["laboratories"]
    assert {(item["code"], item["screening_per_day"], item["can_confirm"]) for item in found} == {
        ("QN01", 800, False),
        ("QN02", 400, True),
    }


def test_an_account_is_created_and_closed_by_page(world, client):
    sign_in(client, world.actor("administrator"))
    page = client.get("/accounts/new")
    form = {
        "csrf_token": _token(page.text),
        "display_name": "Trần Thị Lan",
        "username": "lan",
        "role": "technician",
    }
    form |= {"password": "một câu đủ dài", "place_id": ""}
    refused = client.post("/accounts/new", data=form)
    assert (refused.status_code, 'id="place_id-error"' in refused.text) == (422, True)
    assert client.post("/accounts/new", data=form | {"place_id": str(world.laboratory_id)}).status_code == 302
    listed = client.get("/accounts?role=technician")
    assert "Trần Thị Lan" in listed.text
    technician = world.actor("technician").user_id
    closed = client.post(
        f"/accounts/{technician}/active", data={"csrf_token": _token(listed.text), "active": "no"}
    )
    assert closed.status_code == 302
    assert _events(technician) == ["closed"]


def test_only_administrators_see_accounts(world, client):
    sign_in(client, world.actor("coordinator"))
    assert client.get("/accounts").status_code == 403


def test_twice_the_same_province_adds_nothing(world):
    actions.load_provinces(actor=world.actor("administrator"), province_codes=["24"])
    before = _count(Place)
    added = actions.load_provinces(actor=world.actor("administrator"), province_codes=["24"])
    assert (added, _count(Place)) == ({"province": 0, "district": 0, "commune": 0}, before)


def _token(page: str) -> str:
    return page.split('name="csrf-token" content="')[1].split('"')[0]
