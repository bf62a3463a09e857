"""What a gateway says later: only with its signature or the secret, never by an address; repeated, late or odd."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from dataclasses import replace

import pytest
from outbox.test_worker import work
from outbox.town import messages, released_people, wakeful_world

from lims.extensions import db, vault
from lims.outbox.drivers.choosing import receipt_secret
from lims.outbox.drivers.to_file import FileDriver
from lims.outbox.gateway import EXAMPLE

RECEIPTS = "/api/v1/receipts"


@pytest.fixture
def sent(app, tmp_path):
    """A message that left, and a gateway whose receipts are described; returns the message."""
    world = wakeful_world()
    set_gateway(app, tmp_path, EXAMPLE)
    released_people(world, 1)
    work({"sms": FileDriver(tmp_path / "out")})
    (message,) = messages(status="sent")
    return message


def set_gateway(app, folder, described) -> None:
    """Let the application use a gateway's file."""
    file = folder / "gateway.json"
    file.write_text(json.dumps(described))
    app.extensions["lims.settings"] = replace(app.extensions["lims.settings"], sms_gateway=file)


def status() -> str:
    """Return the only message's state."""
    return messages()[0].status


def bearer() -> dict[str, str]:
    """Return the header with this installation's secret."""
    return {"Authorization": f"Bearer {receipt_secret(vault())}"}


def basic() -> dict[str, str]:
    """Return the same secret as a password, as an address https://any:secret@… makes clients send it."""
    return {"Authorization": "Basic " + base64.b64encode(f"any:{receipt_secret(vault())}".encode()).decode()}


@pytest.mark.parametrize(("header", "way"), [(bearer, "json"), (basic, "data"), (bearer, "query_string")])
def test_a_receipt_marks_the_message_by_our_id_or_the_gateway_s(client, sent, header, way):
    said = {"SMSID": sent.provider_id, "SendStatus": "5"}
    assert client.post(RECEIPTS, headers=header(), **{way: said}).json == {"noted": True}
    assert status() == "delivered"
    assert client.post(RECEIPTS, headers=header(), **{way: said}).json == {"noted": False}


def test_a_failure_waits_for_a_decision_and_a_late_success_ends_it(client, sent):
    said = {"RequestId": str(sent.id), "SendStatus": "4"}
    assert client.post(RECEIPTS, headers=bearer(), json=said).json == {"noted": True}
    assert (status(), messages()[0].last_error) == ("given_up", "receipt 4")
    client.post(RECEIPTS, headers=bearer(), json=said | {"SendStatus": "5"})
    assert status() == "delivered"
    client.post(RECEIPTS, headers=bearer(), json=said)
    assert status() == "delivered"


def test_without_the_secret_nothing_is_heard(client, sent):
    said = {"SMSID": sent.provider_id, "SendStatus": "5"}
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic ???"},
        {"X-Signature": "x"},
    ):
        assert client.post(RECEIPTS, headers=headers, json=said).status_code == 401
    assert status() == "sent"


def test_the_secret_is_no_use_in_the_address(client, sent):
    secret = receipt_secret(vault())
    for address in (
        f"{RECEIPTS}/{secret}",
        f"{RECEIPTS}?token={secret}",
        f"{RECEIPTS}?Authorization=Bearer {secret}",
    ):
        assert client.post(address, json={"SMSID": sent.provider_id, "SendStatus": "5"}).status_code in (
            401,
            404,
        )
    assert client.get(RECEIPTS, headers=bearer()).status_code == 405
    assert status() == "sent"


def test_guessing_the_secret_ends_in_waiting(client, sent):
    answers = [client.post(RECEIPTS, headers={"Authorization": f"Bearer {n}"}).status_code for n in range(22)]
    assert answers[:20] == [401] * 20
    assert answers[-1] == 429


def test_receipts_for_nothing_of_ours_change_nothing(client, sent):
    for said in (
        {},
        {"SendStatus": "5"},
        {"SMSID": "somebody-else-s", "SendStatus": "5"},
        {"RequestId": str(uuid.uuid4()), "SendStatus": "5"},
        {"RequestId": "no id", "SendStatus": "5"},
        {"SMSID": ["a"], "SendStatus": {"b": 1}},
        {"SMSID": "x" * 5000, "SendStatus": "4"},
        {"SMSID": sent.provider_id, "SendStatus": "2"},
        ["a", "list"],
    ):
        assert client.post(RECEIPTS, headers=bearer(), json=said).json == {"noted": False}
    assert status() == "sent"


def test_a_form_with_a_character_no_database_holds_is_refused(client, sent):
    answer = client.post(RECEIPTS, headers=bearer(), data={"SMSID": "a\x00b", "SendStatus": "5"})
    assert answer.status_code == 422


@pytest.mark.parametrize(("encoding", "prefix"), [("hex", ""), ("hex", "sha256="), ("base64", "")])
def test_a_gateway_that_signs_is_believed_by_its_signature_alone(
    app, client, sent, tmp_path, encoding, prefix
):
    signature = {"header": "X-Signature", "secret": "hook_key", "encoding": encoding, "prefix": prefix}
    described = EXAMPLE | {
        "secrets": EXAMPLE["secrets"] | {"hook_key": "shared"},
        "receipt": EXAMPLE["receipt"] | {"signature": signature},
    }
    set_gateway(app, tmp_path, described)
    body = json.dumps({"SMSID": sent.provider_id, "SendStatus": "5"}).encode()

    def send(content: bytes, key: str = "shared", address: str = RECEIPTS, **more: str):
        mac = hmac.digest(key.encode(), body, hashlib.sha256)
        said = prefix + (mac.hex() if encoding == "hex" else base64.b64encode(mac).decode())
        headers = {"X-Signature": said, "Content-Type": "application/json"} | more
        return client.post(address, data=content, headers=headers).status_code

    assert send(body.replace(b'"5"', b'"4"')) == 401
    assert send(body, key="another") == 401
    assert client.post(RECEIPTS, data=body, headers=bearer()).status_code == 401
    empty = b"{}"
    assert send(empty, address=f"{RECEIPTS}?SMSID={sent.provider_id}&SendStatus=5") == 401
    assert status() == "sent"
    assert send(body) == 200
    assert status() == "delivered"
    db.session.rollback()


def test_a_household_s_receipt_marks_all_of_its_messages(app, client, tmp_path):
    world = wakeful_world()
    set_gateway(app, tmp_path, EXAMPLE)
    released_people(world, 3, of_household=3)
    work({"sms": FileDriver(tmp_path / "out")})
    letter_id = messages()[0].letter_id
    client.post(RECEIPTS, headers=bearer(), json={"RequestId": str(letter_id), "SendStatus": "5"})
    assert {message.status for message in messages()} == {"delivered"}
