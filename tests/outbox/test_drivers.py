"""Each driver against a receiver that really listens: what it sends, and whether it knows what became of it."""

from __future__ import annotations

import email
import email.policy
import hashlib
import hmac
import ipaddress
import json
import time
import uuid
from collections.abc import Iterator

import pytest
from outbox.receivers import Answer, MailReceiver, WebReceiver, closed_port

from lims import clock
from lims.outbox.drivers import NotTaken, Unknown
from lims.outbox.drivers.deadline import DEADLINE_SECONDS
from lims.outbox.drivers.http import HttpDriver
from lims.outbox.drivers.smtp import SmtpDriver
from lims.outbox.drivers.webhook import WebhookDriver
from lims.outbox.gateway import EXAMPLE, read_gateway
from lims.outbox.letters import Letter

PHONE, TEXT = "+84912345678", "Da co ket qua xet nghiem."
LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]
SECRET = "whsec_of-the-other-system"


def letter(**more: object) -> Letter:
    """Return a letter to a telephone."""
    given = {"message_id": uuid.uuid4(), "channel": "sms", "attempt": 1, "address": PHONE, "text": TEXT}
    return Letter(**(given | more))


@pytest.fixture
def web() -> Iterator[WebReceiver]:
    with WebReceiver().listening() as receiver:
        yield receiver


def gateway_driver(url: str, *, deadline_s: float = DEADLINE_SECONDS, **more: object) -> HttpDriver:
    """Return a driver for the gateway of the example file, at another address."""
    described = {**EXAMPLE, "url": url, "timeout_seconds": 0.4} | more
    return HttpDriver(
        read_gateway(json.dumps(described)),
        receipt_url="https://us/receipts",
        receipt_secret="hush",
        deadline_s=deadline_s,
    )


TAKEN = {"CodeResult": "100", "SMSID": "esms-1"}


def test_a_gateway_gets_what_its_file_says(web):
    web.answers = [Answer(body=TAKEN)]
    sent = letter()
    assert gateway_driver(web.url, sandbox=False).send(sent) == "esms-1"
    assert web.heard[0].json == {
        "ApiKey": "…",
        "SecretKey": "…",
        "Brandname": "YOUR-BRAND",
        "SmsType": "2",
        "IsUnicode": "0",
        "Phone": "0912345678",
        "Content": TEXT,
        "RequestId": str(sent.message_id),
        "Sandbox": "0",
        "CallbackUrl": "https://us/receipts",
    }


def test_in_the_sandbox_the_gateway_is_told_so(web):
    web.answers = [Answer(body=TAKEN)]
    gateway_driver(web.url, sandbox=True).send(letter())
    assert web.heard[0].json["Sandbox"] == "1"


def test_a_second_attempt_has_the_same_request_id_and_a_repeat_counts_as_taken(web):
    web.answers = [Answer(status=503), Answer(body={"CodeResult": "124", "SMSID": "esms-1"})]
    driver, sent = gateway_driver(web.url), letter()
    with pytest.raises(NotTaken):
        driver.send(sent)
    assert driver.send(sent) == "esms-1"
    first, second = (heard.json["RequestId"] for heard in web.heard)
    assert first == second == str(sent.message_id)


def test_a_household_s_letter_has_one_request_id_of_its_own(web):
    web.answers = [Answer(body=TAKEN)]
    letter_id = uuid.uuid4()
    gateway_driver(web.url).send(letter(letter_id=letter_id, with_ids=(uuid.uuid4(),)))
    assert web.heard[0].json["RequestId"] == str(letter_id)


@pytest.mark.parametrize(
    ("answer", "is_down"),
    [
        (Answer(status=400), False),
        (Answer(status=401), False),
        (Answer(status=302, headers={"Location": "http://127.0.0.1/"}), False),
        (Answer(status=429), True),
        (Answer(status=503), True),
        (Answer(body={"CodeResult": "103"}), False),
        (Answer(body={"CodeResult": {"odd": 1}}), False),
    ],
)
def test_a_refusal_is_known_to_be_one(web, answer, is_down):
    web.answers = [answer]
    with pytest.raises(NotTaken) as refused:
        gateway_driver(web.url).send(letter())
    assert refused.value.is_down == is_down
    assert PHONE[-9:] not in refused.value.error


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=500),
        Answer(status=502),
        Answer(status=504),
        Answer(body="<html>busy</html>"),
        Answer(body=TAKEN, cut="before"),
        Answer(body=TAKEN, cut="within"),
        Answer(body=TAKEN, delay_s=1.0),
    ],
)
def test_where_the_gateway_may_have_taken_it_nobody_says_otherwise(web, answer):
    web.answers = [answer]
    with pytest.raises(Unknown):
        gateway_driver(web.url).send(letter())
    assert len(web.heard) == 1


def test_nobody_there_is_known():
    with pytest.raises(NotTaken) as refused:
        gateway_driver(f"http://127.0.0.1:{closed_port()}").send(letter())
    assert refused.value.is_down


def test_a_gateway_s_file_says_what_is_wrong_without_what_stands_in_it():
    for wrong, said in (
        ({**EXAMPLE, "body": {"x": "{api_kye}"}}, "api_kye"),
        ({**EXAMPLE, "url": "ftp://x"}, "url"),
        ({**EXAMPLE, "body": {}, "drops_repeats": True}, "request_id"),
        (
            {
                **EXAMPLE,
                "receipt": {"status": "s", "delivered": ["1"], "signature": {"header": "X", "secret": "no"}},
            },
            "no",
        ),
    ):
        with pytest.raises(ValueError, match=said) as refused:
            read_gateway(json.dumps(wrong))
        assert "…" not in str(refused.value)
    with pytest.raises(ValueError, match="line 1"):
        read_gateway('{"secrets": "hush')


def mail(**more: object) -> Letter:
    """Return an alert by e-mail."""
    text = "3 mẫu gộp dương tính\n.một dòng bắt đầu bằng dấu chấm\n" + "ngoằn ngoèo " * 200 + "\n"
    return letter(
        channel="email", address="truc@example.org", text=text, subject="Mẫu gộp dương tính", **more
    )


def test_an_e_mail_arrives_as_it_was_written():
    with MailReceiver().listening() as server:
        sent = mail()
        called = SmtpDriver(server.url, sender="lims@example.org").send(sent)
    ((to, content),) = server.letters
    got = email.message_from_bytes(content, policy=email.policy.default)
    assert to == "truc@example.org"
    assert got["Subject"] == "Mẫu gộp dương tính"
    assert got.get_content().replace("\r\n", "\n") == sent.text
    assert got["Message-ID"] == called == f"<{sent.message_id}@example.org>"
    assert content.isascii()


@pytest.mark.parametrize(
    ("refusals", "raises", "is_down"),
    [
        ({"MAIL": "451 later"}, NotTaken, False),
        ({"RCPT": "550 nobody"}, NotTaken, False),
        ({"RCPT": ""}, NotTaken, True),
        ({"DATA": "554 no"}, NotTaken, False),
        ({"TEXT": "552 too long"}, NotTaken, False),
        ({"TEXT": ""}, Unknown, None),
    ],
)
def test_what_a_mail_server_refuses_is_known_unless_it_hangs_up_after_the_text(refusals, raises, is_down):
    with MailReceiver(**refusals).listening() as server, pytest.raises(raises) as refused:
        SmtpDriver(server.url, sender="lims@example.org").send(mail())
    assert server.letters == []
    if is_down is not None:
        assert refused.value.is_down == is_down


def test_no_mail_server_there_is_known():
    with pytest.raises(NotTaken) as refused:
        SmtpDriver(f"smtp://127.0.0.1:{closed_port()}", sender="lims@example.org").send(mail())
    assert refused.value.is_down


def test_a_password_is_never_sent_in_clear():
    with MailReceiver().listening() as server, pytest.raises(NotTaken):
        SmtpDriver(server.url.replace("//", "//user:hush@"), sender="lims@example.org").send(mail())
    assert "AUTH" not in server.verbs


def event(url: str, **more: object) -> Letter:
    """Return an event for another system."""
    body = json.dumps({"id": "1", "data": {"tube": "T12345678"}})
    given = {"channel": "webhook", "address": url, "text": body, "event": "result.released", "secret": SECRET}
    return letter(**(given | more))


class Listener:
    """The other system's side, written from docs/guides/notifications.md alone."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def accept(self, headers: dict[str, str], body: bytes, *, now: float) -> str:
        """Return "taken", "repeat", or why it is refused."""
        parts = dict(part.split("=", 1) for part in headers["Lims-Signature"].split(","))
        expected = hmac.new(SECRET.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, parts["v1"]):
            return "forged"
        if abs(now - int(parts["t"])) > 300:
            return "old"
        if headers["Lims-Event-Id"] in self.seen:
            return "repeat"
        self.seen.add(headers["Lims-Event-Id"])
        return "taken"


def test_the_other_system_checks_what_it_hears(web):
    driver, sent, listener = WebhookDriver(LOOPBACK), event(web.url), Listener()
    assert driver.send(sent) == str(sent.message_id)
    heard, now = web.heard[0], clock.now().timestamp()
    assert heard.headers["Lims-Event"] == "result.released"
    assert listener.accept(heard.headers, heard.body, now=now) == "taken"
    assert listener.accept(heard.headers, heard.body, now=now) == "repeat"
    assert listener.accept(heard.headers, heard.body, now=now + 301) == "old"
    assert listener.accept(heard.headers, heard.body.replace(b"T1", b"T2"), now=now) == "forged"
    later = heard.headers | {"Lims-Signature": heard.headers["Lims-Signature"].replace("t=1", "t=2")}
    assert listener.accept(later, heard.body, now=now) == "forged"


def test_a_second_attempt_has_the_same_event_id_and_a_fresh_time(web):
    web.answers = [Answer(status=500), Answer()]
    driver, sent, listener = WebhookDriver(LOOPBACK), event(web.url), Listener()
    with pytest.raises(NotTaken):
        driver.send(sent)
    driver.send(sent)
    said = [listener.accept(heard.headers, heard.body, now=clock.now().timestamp()) for heard in web.heard]
    assert said == ["taken", "repeat"]


@pytest.mark.parametrize(
    ("answer", "raises"),
    [
        (Answer(status=302, headers={"Location": "http://127.0.0.1:1/"}), NotTaken),
        (Answer(status=410), NotTaken),
        (Answer(status=429), NotTaken),
        (Answer(cut="before"), Unknown),
    ],
)
def test_a_webhook_is_taken_by_an_answer_of_2xx_alone_and_follows_nobody(web, answer, raises):
    web.answers = [answer]
    with pytest.raises(raises):
        WebhookDriver(LOOPBACK).send(event(web.url))
    assert len(web.heard) == 1


def test_the_status_of_an_answer_is_enough_and_its_body_is_never_read(web):
    web.answers = [Answer(body="x" * 1000, cut="within")]
    sent = event(web.url)
    assert WebhookDriver(LOOPBACK).send(sent) == str(sent.message_id)


def test_an_answer_that_only_drips_is_not_waited_for(web):
    web.answers = [Answer(drip_s=0.02)]
    for driver, sent in (
        (WebhookDriver(LOOPBACK, deadline_s=0.5), event(web.url)),
        (gateway_driver(web.url, deadline_s=0.5), letter()),
    ):
        begun = time.monotonic()
        with pytest.raises(Unknown, match="too slow"):
            driver.send(sent)
        assert 0.4 < time.monotonic() - begun < 5
    assert len(web.heard) == 2


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "169.254.169.254",
        "10.1.2.3",
        "0.0.0.0",
        "224.0.0.1",
        "[::ffff:127.0.0.1]",
    ],
)
def test_no_webhook_leads_into_our_own_network(web, host):
    port = web.url.rpartition(":")[2]
    for scheme in ("http", "https"):
        with pytest.raises(NotTaken, match="address not allowed"):
            WebhookDriver().send(event(f"{scheme}://{host}:{port}/x"))
    assert web.heard == []


def test_only_within_our_networks_plain_http_is_allowed():
    with pytest.raises(NotTaken, match="https needed"):
        WebhookDriver(LOOPBACK).send(event("http://93.184.216.34/x"))
