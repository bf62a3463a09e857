"""A worker with a real gateway and a real mail server: backoff, giving up with an alert, several workers, its end."""

from __future__ import annotations

import ipaddress
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from engines import SECRET_KEY
from factories import MORNING, World
from outbox.receivers import Answer, MailReceiver, WebReceiver
from outbox.test_drivers import TAKEN, gateway_driver
from outbox.town import messages, queue_copies, released_people, wakeful_world
from pooling.received import receive
from results import desk
from sqlalchemy import select, update

from lims import clock
from lims.extensions import db, vault
from lims.outbox.actions.receivers import add_on_call, add_webhook, end_on_call
from lims.outbox.actions.settling import send_again
from lims.outbox.drivers import Driver
from lims.outbox.drivers.smtp import SmtpDriver
from lims.outbox.drivers.to_file import FileDriver
from lims.outbox.drivers.webhook import WebhookDriver
from lims.outbox.models import Message, Webhook
from lims.outbox.rules import MOST_ATTEMPTS
from lims.outbox.worker import Worker
from lims.outbox.writing import Paper
from lims.transaction import writing


@pytest.fixture
def lab(app) -> World:
    return wakeful_world()


def work(drivers: dict[str, Driver], *, at=None) -> int:
    """Let a new worker, which has met nobody yet, send what is due; return how many it sent."""
    worker = Worker(drivers, paper=Paper(vault(), "https://portal.example.vn"))
    if at is None:
        return worker.run(once=True)
    with clock.at(at):
        return worker.run(once=True)


def test_after_a_refusal_it_waits_longer_each_time_and_then_arrives_once(lab):
    with WebReceiver().listening() as web, clock.at(MORNING):
        released_people(lab, 1)
        web.answers = [Answer(status=503), Answer(status=429), Answer(body=TAKEN)]
        drivers = {"sms": gateway_driver(web.url)}
        assert work(drivers, at=MORNING) == 0
        assert work(drivers, at=MORNING + timedelta(seconds=29)) == 0
        assert len(web.heard) == 1
        assert work(drivers, at=MORNING + timedelta(seconds=30)) == 0
        assert work(drivers, at=MORNING + timedelta(seconds=89)) == 0
        assert len(web.heard) == 2
        assert work(drivers, at=MORNING + timedelta(seconds=90)) == 1
    (sent,) = messages()
    assert (sent.status, sent.attempts, sent.provider_id, sent.last_error) == ("sent", 3, "esms-1", "")
    assert len({heard.json["RequestId"] for heard in web.heard}) == 1


def test_what_is_given_up_wakes_the_staff_once_an_hour_however_many(lab):
    add_on_call(
        actor=lab.actor("administrator"),
        place_id=lab.laboratory_id,
        channel="email",
        address="truc@example.vn",
        label="Trực",
    )
    with WebReceiver().listening() as web, MailReceiver().listening() as mail, clock.at(MORNING):
        released_people(lab, 3)
        web.answers = [Answer(status=400)]
        drivers = {"sms": gateway_driver(web.url), "email": SmtpDriver(mail.url, sender="lims@example.vn")}
        for attempt in range(MOST_ATTEMPTS + 2):
            work(drivers, at=MORNING + attempt * timedelta(hours=1, minutes=1))
    assert len(web.heard) == 3 * MOST_ATTEMPTS
    assert Counter(f"{m.template} {m.status}" for m in messages()) == {
        "result_ready given_up": 3,
        "messages_stuck sent": 1,
    }
    ((to, _letter),) = mail.letters
    assert to == "truc@example.vn"


def test_an_unclear_answer_leaves_one_in_doubt_and_not_thousands(lab):
    with WebReceiver().listening() as web:
        released_people(lab, 5)
        web.answers = [Answer(status=502)]
        assert work({"sms": gateway_driver(web.url)}) == 0
    assert Counter(message.status for message in messages()) == {"unsure": 1, "queued": 4}
    assert len(web.heard) == 1


def test_a_gateway_that_drops_repeats_is_asked_again_by_itself(lab):
    with WebReceiver().listening() as web, clock.at(MORNING):
        released_people(lab, 1)
        web.answers = [Answer(cut="before"), Answer(body={"CodeResult": "124", "SMSID": "esms-9"})]
        drivers = {"sms": gateway_driver(web.url, drops_repeats=True)}
        work(drivers, at=MORNING)
        assert work(drivers, at=MORNING + timedelta(minutes=1)) == 1
    (sent,) = messages()
    assert (sent.status, sent.provider_id) == ("sent", "esms-9")


def test_a_dead_webhook_holds_up_neither_people_nor_the_others(lab, tmp_path):
    with WebReceiver().listening() as web:
        for name, url in (("alive", web.url), ("dead", "http://127.0.0.1:1/")):
            add_webhook(
                actor=lab.actor("administrator"),
                name=name,
                url=url,
                events=["result.released"],
                place_id=None,
            )
        released_people(lab, 3)
        work(
            {
                "sms": FileDriver(tmp_path / "out"),
                "webhook": WebhookDriver([ipaddress.ip_network("127.0.0.0/8")]),
            }
        )
    after = Counter(f"{m.webhook.name if m.webhook_id else 'sms'} {m.status}" for m in with_webhooks())
    assert after == {"sms sent": 3, "alive sent": 3, "dead queued": 3}
    assert sum(m.attempts for m in messages(kind="webhook", status="queued")) == 1, (
        "asked once, then left alone"
    )


def test_what_no_driver_can_address_ends_no_worker(lab, tmp_path):
    add_webhook(
        actor=lab.actor("administrator"),
        name="typed wrongly",
        url="https://example.org/",
        events=["result.released"],
        place_id=None,
    )
    with writing() as session:  # as an older version let it in
        session.execute(update(Webhook).values(url="https://xn--/"))
    released_people(lab, 2)
    assert work({"sms": FileDriver(tmp_path / "out"), "webhook": WebhookDriver()}) == 2
    assert {m.status for m in messages(kind="webhook")} == {"queued"}
    assert sum(m.attempts for m in messages(kind="webhook")) == 1


def test_an_alert_that_is_sent_again_is_no_repeat_to_its_gateway(lab):
    add_on_call(
        actor=lab.actor("administrator"),
        place_id=lab.laboratory_id,
        channel="sms",
        address="0912345678",
        label="Trực",
    )
    (pool,) = desk.pool_up(lab, receive(lab, 2))
    desk.run_plate(lab, {pool: "detected"})
    with WebReceiver().listening() as web:
        web.answers = [Answer(status=502), Answer(body=TAKEN)]
        work({"sms": gateway_driver(web.url)})
        (alert,) = messages(template="positive_pools")
        assert alert.status == "unsure"
        send_again(actor=lab.actor("supervisor"), message_id=alert.id)
        work({"sms": gateway_driver(web.url)})
    sent = [heard.json["RequestId"] for heard in web.heard if "duong tinh" in heard.json["Content"]]
    assert len(sent) == len(set(sent)) == 2


def with_webhooks():
    """Return all messages with their webhooks still to be read."""
    db.session.rollback()
    return list(db.session.scalars(select(Message)))


def test_who_is_taken_off_the_list_gets_nothing_that_still_waits(lab, tmp_path):
    entry = add_on_call(
        actor=lab.actor("administrator"),
        place_id=lab.laboratory_id,
        channel="sms",
        address="0912345678",
        label="Trực",
    )
    tubes = receive(lab, 2)
    (pool,) = desk.pool_up(lab, tubes)
    desk.run_plate(lab, {pool: "detected"})
    end_on_call(actor=lab.actor("administrator"), on_call_id=uuid.UUID(entry["id"]))
    assert work({"sms": FileDriver(tmp_path / "out")}) == 0
    assert [message.status for message in messages()] == ["cancelled"]


def test_several_workers_share_households_and_none_gets_two(app, lab, tmp_path):
    released_people(lab, 40, of_household=4)
    queue_copies(4)
    start = threading.Barrier(4)

    def be_one() -> None:
        with app.app_context():
            start.wait()
            work({"sms": FileDriver(tmp_path / "out")})
            db.session.remove()

    threads = [threading.Thread(target=be_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    left = Counter(key for line in lines for key in line["ids"])
    assert set(left.values()) == {1}
    assert len(left) == len(messages(status="sent")) == 200
    assert Counter(len(line["ids"]) for line in lines) == {4: 10, 1: 160}


def test_a_worker_told_to_stop_ends_the_letter_in_hand_and_leaves_no_doubt(app, lab, database_url, tmp_path):
    released_people(lab, 20)
    queue_copies(19)
    file = tmp_path / "out"
    worker = subprocess.Popen(
        [sys.executable, "-m", "lims.cli", "worker"],
        env={
            **os.environ,
            "SECRET_KEY": SECRET_KEY,
            "DATABASE_URL": database_url,
            "LIMS_INSTANCE": str(tmp_path),
            "OUTBOX_FILE": str(file),
            "PYTHONWARNINGS": "ignore",
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 90
        while not file.exists() and worker.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        worker.send_signal(signal.SIGTERM)
        _out, said = worker.communicate(timeout=60)
    finally:
        worker.kill()
    assert worker.returncode == 0, said
    left = len(file.read_text().splitlines())
    assert Counter(message.status for message in messages()) == {"sent": left, "queued": 400 - left}
    assert f"{left} messages sent." in said
