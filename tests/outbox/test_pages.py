"""Pages, API and commands of messages: who sees what, what staff decide, and what odd input is told."""

from __future__ import annotations

import json
import re
import uuid
from contextvars import Context

import pytest
from click.testing import CliRunner, Result
from engines import SECRET_KEY
from factories import World
from outbox.receivers import Answer, WebReceiver
from outbox.test_drivers import TAKEN, gateway_driver
from outbox.test_worker import work
from outbox.town import messages, released_people, wakeful_world
from signing import bearer, sign_in
from sqlalchemy import select

from lims.cli import main
from lims.extensions import db
from lims.outbox.models import OnCall, Webhook


@pytest.fixture
def lab(app) -> World:
    app.config["WTF_CSRF_ENABLED"] = False
    return wakeful_world()


@pytest.fixture
def stuck(lab):
    """A household of two of whom nobody knows whether they were told."""
    with WebReceiver().listening() as web:
        released_people(lab, 2, of_household=2)
        web.answers = [Answer(status=502)]
        work({"sms": gateway_driver(web.url)})
    return messages(status="unsure")


def press(client, path: str, /, **more: str):
    """Press a page's button and follow to the page that says what happened."""
    return client.post(path, data={"client_id": str(uuid.uuid4()), **more}, follow_redirects=True)


def entries() -> list[OnCall]:
    """Return who is on call."""
    db.session.rollback()
    return list(db.session.scalars(select(OnCall).where(OnCall.is_active)))


def test_the_page_shows_what_waits_and_never_a_number_or_a_name(lab, client, stuck):
    page = sign_in(client, lab.actor("supervisor")).get("/messages").text
    assert page.count("/again") == 2
    assert "+84" not in page
    assert "91000" not in page
    assert "Người Thử" not in page


def test_a_household_is_sent_again_as_one(lab, client, stuck):
    sign_in(client, lab.actor("supervisor"))
    assert press(client, f"/messages/{stuck[0].id}/again").status_code == 200
    assert {message.status for message in messages()} == {"queued"}
    with WebReceiver().listening() as web:
        web.answers = [Answer(body=TAKEN)]
        work({"sms": gateway_driver(web.url)})
    assert len(web.heard) == 1
    assert web.heard[0].json["RequestId"] not in {str(stuck[0].id), str(stuck[0].letter_id)}
    assert {message.status for message in messages()} == {"sent"}


def test_it_arrived_ends_it_and_pressing_twice_is_refused_in_words(lab, client, stuck):
    sign_in(client, lab.actor("supervisor"))
    press(client, f"/messages/{stuck[1].id}/settle")
    assert {message.status for message in messages()} == {"delivered"}
    again = press(client, f"/messages/{stuck[1].id}/again")
    assert again.status_code == 409
    assert {message.status for message in messages()} == {"delivered"}


def test_another_laboratory_and_another_role_see_nothing(lab, client, stuck):
    sign_in(client, lab.actor("supervisor_confirming"))
    assert "/again" not in client.get("/messages").text
    assert press(client, f"/messages/{stuck[0].id}/again").status_code == 404
    sign_in(client, lab.actor("courier"))
    assert client.get("/messages").status_code == 403
    assert {message.status for message in messages()} == {"unsure"}


def test_odd_filters_are_ignored(lab, client, stuck):
    sign_in(client, lab.actor("supervisor"))
    for query in ("status=nonsense", "after=nonsense", f"after={uuid.uuid4()}", "status=sent&after=%00"):
        assert client.get(f"/messages?{query}").status_code in (200, 400, 422)
    api = client.get("/api/v1/messages?status=nonsense", headers=bearer(lab.actor("supervisor")))
    assert api.status_code == 422


def test_the_list_is_paged_by_key(lab, client, stuck):
    headers = bearer(lab.actor("supervisor"))
    first = client.get("/api/v1/messages?most=1", headers=headers).json
    second = client.get(f"/api/v1/messages?most=1&after={first['next']}", headers=headers).json
    assert {first["messages"][0]["id"], second["messages"][0]["id"]} == {str(one.id) for one in stuck}
    assert first["untold"][0] == {"hours": 0, "people": 2}


@pytest.mark.parametrize(
    ("typed", "channel", "hint"),
    [
        ("0912 345 678", "sms", "…678"),
        ("+84 912.345.678", "sms", "…678"),
        ("0203 3825 499", "sms", "…499"),
        ("truc@example.vn", "email", "t…@example.vn"),
    ],
)
def test_staff_are_put_on_call_and_only_the_end_of_the_number_is_shown(lab, client, typed, channel, hint):
    sign_in(client, lab.actor("supervisor"))
    form = {"place_id": str(lab.laboratory_id), "label": "Trực đêm", "channel": channel, "address": typed}
    page = press(client, "/on-call", **form).text
    assert "Trực đêm" in page
    assert hint in page
    assert typed not in page
    assert [entry.hint for entry in entries()] == [hint]
    press(client, f"/on-call/{entries()[0].id}/end")
    assert entries() == []


def test_a_wrong_entry_is_refused_at_its_field(lab, client):
    sign_in(client, lab.actor("supervisor"))
    form = {
        "place_id": str(lab.laboratory_id),
        "label": "Trực đêm",
        "channel": "sms",
        "address": "0912345678",
    }
    for wrong in (
        {"address": "12"},
        {"address": "truc@"},
        {"address": "truc@example.vn", "channel": "sms"},
        {"address": "0912345678", "channel": "email"},
        {"address": "a@b.vn\nBcc: all@example.vn", "channel": "email"},
        {"address": "trực@example.vn", "channel": "email"},
        {"address": ""},
        {"label": ""},
        {"label": "x" * 81},
        {"channel": "pigeon"},
        {"place_id": "nonsense"},
        {"place_id": str(uuid.uuid4())},
    ):
        page = press(client, "/on-call", **(form | wrong))
        assert page.status_code == 422, wrong
        (field,) = set(wrong) - ({"channel"} if "address" in wrong else set())
        assert re.search(f'href="#{field}', page.text), "the summary leads to the field"
    assert entries() == []


def test_nobody_puts_staff_on_call_elsewhere(lab, client):
    sign_in(client, lab.actor("supervisor"))
    form = {"place_id": str(lab.confirming_id), "label": "Trực", "channel": "sms", "address": "0912345678"}
    assert press(client, "/on-call", **form).status_code == 422
    body = form | {"client_id": str(uuid.uuid4())}
    answer = client.post("/api/v1/on-call", json=body, headers=bearer(lab.actor("supervisor")))
    assert answer.status_code == 404
    assert entries() == []


def test_the_secret_of_a_webhook_is_shown_once_and_kept_sealed(lab, client):
    sign_in(client, lab.actor("administrator"))
    form = {"name": "HIS", "url": "https://his.example.vn/hook", "place_id": "", "events": "result.released"}
    page = client.post("/webhooks", data=form).text
    assert "whsec_" in page
    assert "whsec_" not in client.get("/webhooks").text
    kept = db.session.scalars(select(Webhook)).one()
    assert b"whsec_" not in kept.secret_sealed
    assert kept.events == ["result.released"]


def test_a_wrong_webhook_is_refused_at_its_field(lab, client):
    sign_in(client, lab.actor("administrator"))
    form = {
        "name": "HIS",
        "url": "https://his.example.vn/hook",
        "place_id": "",
        "events": ["result.released"],
    }
    for wrong in (
        {"url": "his.example.vn"},
        {"url": "ftp://his.example.vn"},
        {"url": "https://user:secret@his.example.vn/"},
        {"url": "https://his.example.vn/#part"},
        {"url": "https://his.example.vn:port/"},
        {"url": "https://xn--/"},
        {"url": "https://his\t.example.vn/"},
        {"url": "https://his\x7f.example.vn/"},
        {"url": "https://his.example.vn/\x01"},
        {"url": "https://" + "x" * 500},
        {"name": ""},
        {"events": ["nonsense"]},
        {"events": []},
        {"place_id": "nonsense"},
    ):
        assert client.post("/webhooks", data=form | wrong).status_code == 422, wrong
    assert db.session.scalars(select(Webhook)).all() == []


def test_the_command_line_lists_and_fails_while_something_waits(app, lab, stuck, database_url, tmp_path):
    given = {
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": database_url,
        "LIMS_INSTANCE": str(tmp_path),
        "DEMO": "",
    }

    def lims(*words: str) -> Result:
        # in a context of its own, as the application of the test is not that of the command
        return Context().run(CliRunner().invoke, main, ["outbox", *words], env=given)

    listed = lims("list", "--json")
    assert listed.exit_code == 1
    assert {line["status"] for line in json.loads(listed.stdout)} == {"unsure"}
    assert lims("again", str(stuck[0].id)).exit_code == 0
    assert lims("list").exit_code == 0
    described = lims("receipts").output
    assert described.startswith("POST http://127.0.0.1:8000/api/v1/receipts\nAuthorization: Bearer ")
    assert json.loads(lims("example").output)["name"] == "esms"
