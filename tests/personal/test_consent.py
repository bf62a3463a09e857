"""Nobody is declared without a consent, and each way in keeps which text was agreed to, and how."""

from __future__ import annotations

import re
import uuid

import pytest
from field.phones import enrolled
from intake.test_declare_pages import HEALTH, PLACE, WHO, post
from results.fhir.sent import make_bundle
from signing import bearer, sign_in
from sqlalchemy import select

from lims.extensions import db
from lims.intake.actions.lists import import_people
from lims.intake.consent import get_current_text
from lims.intake.models import Declaration
from lims.intake.rules import CONSENT_VERSION


def _by_page(world, client) -> None:
    _declare(client, "/declare", CONSENT_VERSION)


def _by_health_worker(world, client) -> None:
    sign_in(client, world.actor("health_worker"))
    _declare(client, "/declare/for-others", CONSENT_VERSION, declared_by="health_worker")


def _declare(client, url: str, version: str, **who: str):
    for step, values in (("who", WHO | who), ("place", PLACE), ("health", HEALTH)):
        post(client, step, values, url)
    return post(client, "check", {"consent": "y", "consent_version": version}, url)


def _body(world, **more: object) -> dict[str, object]:
    person = {
        "client_id": str(uuid.uuid4()),
        "name": "Nguyễn Thử",
        "birth_date": "1990",
        "commune_code": world.commune_code,
    }
    return {"campaign_id": str(world.campaign_id), "declarations": [person | more]}


def _by_program(world, client) -> None:
    text = client.get("/api/v1/consent-text").json
    assert text["en"] == list(get_current_text().en)
    client.post("/api/v1/declarations", json=_body(world, consent=True, consent_version=text["version"]))


def _by_list(world, client) -> None:
    import_people(
        actor=world.actor("health_worker"),
        client_id=uuid.uuid4(),
        campaign_id=world.campaign_id,
        commune_id=world.commune_id,
        file_name="to-12.csv",
        content="Họ và tên,Năm sinh\nTrần Thị Sáu,1975\n".encode(),
        consent_given="signed_list",
    )


def _by_order(world, client) -> None:
    client.post("/fhir", json=make_bundle(world), headers=bearer(world.actor("coordinator")))


def _by_phone(world, client) -> None:
    phone = enrolled(world, client)
    phone.send(phone.write("declare", person={"name": "Nguyễn Thử", "birth_date": "1990"}))


@pytest.mark.parametrize(
    ("way", "given"),
    [
        (_by_page, "ticked"),
        (_by_health_worker, "asked"),
        (_by_program, "ticked"),
        (_by_list, "signed_list"),
        (_by_order, "asked_by_sender"),
        (_by_phone, "asked"),
    ],
)
def test_every_way_in_keeps_the_text_and_how_it_was_agreed_to(world, client, way, given):
    way(world, client)
    db.session.rollback()
    kept = db.session.scalars(select(Declaration)).unique().one()
    assert (kept.consent_version, kept.consent_given) == (CONSENT_VERSION, given)
    assert kept.consented_at is not None


def test_who_has_read_an_older_text_has_not_agreed_to_the_newer_one(world, client):
    answer = _declare(client, "/declare", "2021-07")
    assert answer.status_code == 422
    assert 'href="#consent"' in answer.text
    shown = re.search(r'name="consent_version" value="([^"]+)"', answer.text)[1]
    assert shown == CONSENT_VERSION
    said = client.post(
        "/api/v1/declarations", json=_body(world, consent=True, consent_version="2021-07")
    ).json
    assert [one["field"] for one in said["verdicts"][0]["mistakes"]] == ["consent"]
    db.session.rollback()
    assert db.session.scalars(select(Declaration.id)).all() == []


def test_silence_is_no_consent(world, client):
    said = client.post("/api/v1/declarations", json=_body(world)).json
    assert [one["field"] for one in said["verdicts"][0]["mistakes"]] == ["consent"]
    assert post(client, "who", WHO).status_code == 302
    for step, values in (("place", PLACE), ("health", HEALTH)):
        post(client, step, values)
    assert post(client, "check", {"consent_version": CONSENT_VERSION}).status_code == 422
    db.session.rollback()
    assert db.session.scalars(select(Declaration.id)).all() == []
