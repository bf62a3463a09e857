"""Retention of what came from other systems and went to them: orders, certificates, messages, webhooks, exports."""

from __future__ import annotations

import threading
import uuid

import pytest
from exports.files import take
from factories import MORNING, World
from outbox.town import wakeful_world
from personal.people import (
    NAME,
    NUMBER,
    PHONE,
    STREET,
    Somebody,
    end_campaign,
    found_in,
    person_of,
    whole_database,
)
from reconciled import assert_reconciled
from results import desk
from results.fhir.campaign import Walk
from results.fhir.sent import CCCD, HOSPITAL, make_bundle
from results.sheets.signer import give_keys, install_signer
from signing import bearer
from sqlalchemy import func, select

from lims import audit, clock
from lims.auth.actors import RESIDENT
from lims.extensions import db, settings, vault
from lims.intake.models import Declaration
from lims.nights import Nights, night_of
from lims.outbox.actions.receivers import add_webhook
from lims.outbox.models import Message
from lims.outbox.worker import Worker
from lims.outbox.writing import Paper
from lims.personal import retention
from lims.personal.actions.corrections import Corrected, correct_person
from lims.personal.actions.requests import ask_about_data, settle_request
from lims.results.certificates.actions.certificates import issue_certificates
from lims.results.certificates.models import Certificate
from lims.results.fhir.models import ForeignIdentifier
from lims.transaction import writing

OTHER_PHONE = "0977123452"
CHART = "BN-BACH-1"
WORDS = (NAME, PHONE, OTHER_PHONE, NUMBER, STREET, CHART)


@pytest.fixture
def told(app, client):
    """Somebody ordered by a hospital, tested, told, certified, exported, corrected; everything was told elsewhere."""
    with clock.at(MORNING):
        return _tell(client)


def _tell(client) -> tuple[World, Somebody]:
    world = wakeful_world()
    install_signer(world)
    add_webhook(
        actor=world.actor("administrator"),
        name="Hệ thống khác",
        url="https://example.org/lims",
        events=["result.released"],
        place_id=None,
    )
    walk = Walk(world, client, bearer(world.actor("coordinator")))
    bundle = make_bundle(world)
    bundle["entry"][0]["request"].pop("ifNoneExist")
    bundle["entry"][0]["resource"] |= {
        "name": [{"text": NAME}],
        "identifier": [
            {"system": CCCD, "value": NUMBER},
            {"system": f"{HOSPITAL}/patients", "value": CHART},
        ],
        "telecom": [{"system": "phone", "value": PHONE}],
        "address": [{"text": STREET}],
    }
    assert client.post("/fhir", json=bundle, headers=walk.headers).status_code == 200
    db.session.rollback()
    row = db.session.execute(select(Declaration.id, Declaration.person_id, Declaration.code)).one()
    db.session.rollback()
    somebody = Somebody(row.person_id, row.id, row.code, "")
    walk.waiting = [row.code]
    (tube,) = walk.bring(walk.collect(1))
    desk.verify_and_release(world, walk.test([tube], size=1))
    give_keys()
    issue_certificates(actor=RESIDENT, result_ids=[desk.result_of(tube).id])
    db.session.rollback()
    _ask_and_correct(world, somebody)
    for kind in ("people", "declarations", "commune_results"):
        take(world.actor("health_worker"), kind, "csv")
    with writing() as session:
        for message in session.scalars(select(Message).where(Message.kind == "sms")):
            message.last_error = f"no such number {PHONE}"
    return world, somebody


def _ask_and_correct(world, somebody: Somebody) -> None:
    staff = world.actor("health_worker")
    correct_person(
        actor=staff,
        declaration_code=somebody.code,
        corrected=Corrected(NAME, "17/03/1941", OTHER_PHONE, STREET),
    )
    asked = ask_about_data(
        actor=RESIDENT, declaration_id=somebody.declaration_id, kind="objection", note=f"gọi {PHONE}"
    )
    settle_request(
        actor=staff, request_id=uuid.UUID(asked["request"]), decision="declined_by_law", answer=f"Chào {NAME}"
    )


def test_nothing_of_somebody_is_left_of_orders_messages_certificates_and_exports(told, tmp_path):
    world, somebody = told
    counts = _counts()
    assert min(counts.values()) >= 1, "or this proves nothing"
    assert found_in(whole_database(tmp_path), PHONE) == [PHONE], "the gateway's own words, in clear"
    assert_reconciled(db.session())
    end_campaign(world)
    assert retention.erase_due().people == 1
    retention.write_anew()
    assert found_in(whole_database(tmp_path), *WORDS) == []
    assert _counts() == counts
    assert_reconciled(db.session())
    assert audit.verify(db.session(), vault=vault())[1] == []
    assert person_of(somebody).name == ""
    for kind in ("people", "declarations", "commune_results"):
        _taken, content = take(world.actor("health_worker"), kind, "ndjson")
        assert found_in(content, *WORDS) == [], kind


def _counts() -> dict[str, int]:
    db.session.rollback()
    return {
        table.__tablename__: db.session.scalar(select(func.count()).select_from(table))
        for table in (Message, Certificate, ForeignIdentifier)
    }


class OneRound(threading.Event):
    """Stops a worker the first time it has nothing to do."""

    def wait(self, timeout: float | None = None) -> bool:
        """End instead of waiting."""
        self.set()
        return True


def test_an_idle_worker_erases_what_is_due_and_one_that_ends_when_empty_does_not(told):
    world, somebody = told
    end_campaign(world)
    paper = Paper(vault(), settings().base_url)
    Worker({}, paper=paper, stop=OneRound()).run(until_empty=True)
    assert person_of(somebody).name == NAME
    Worker({}, paper=paper, stop=OneRound()).run()
    assert person_of(somebody).name == ""


def test_a_night_is_one_night_until_two_in_the_morning(world):
    moment = clock.local(clock.now()).replace(hour=1, minute=59)
    assert night_of(moment) != night_of(moment.replace(hour=2, minute=0))
    nights = Nights()
    with clock.at(moment):
        assert nights.do_what_is_due()
        assert not nights.do_what_is_due()
    with clock.at(moment.replace(hour=2, minute=0)):
        assert nights.do_what_is_due()
