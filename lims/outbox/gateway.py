"""What a file says of an SMS gateway: where to post, what, and how its answer and its receipts are read. Pure.

Any gateway that takes JSON can be described so. The file holds its keys: readable for the server's account only. See
docs/guides/notifications.md; `lims outbox example` prints one for a gateway like eSMS.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lims.outbox.letters import Receipt

PLACEHOLDER = re.compile(r"\{(\w+)\}")
GIVEN = frozenset({"phone", "text", "request_id", "sandbox", "receipt_url", "receipt_secret"})
EXAMPLE: Mapping[str, Any] = {
    "name": "esms",
    "url": "https://rest.esms.vn/MainService.svc/json/SendMultipleMessage_V4_post_json/",
    "secrets": {"api_key": "…", "secret_key": "…"},
    "headers": {"Content-Type": "application/json"},
    "body": {
        "ApiKey": "{api_key}",
        "SecretKey": "{secret_key}",
        "Brandname": "YOUR-BRAND",
        "SmsType": "2",
        "IsUnicode": "0",
        "Phone": "{phone}",
        "Content": "{text}",
        "RequestId": "{request_id}",
        "Sandbox": "{sandbox}",
        "CallbackUrl": "{receipt_url}",
    },
    "phone_format": "0",
    "sandbox": True,
    "sandbox_words": ["0", "1"],
    "success": {"path": "CodeResult", "words": ["100"]},
    "repeat": {"path": "CodeResult", "words": ["124"]},
    "provider_id": "SMSID",
    "drops_repeats": False,
    "receipt": {
        "provider_id": "SMSID",
        "request_id": "RequestId",
        "status": "SendStatus",
        "delivered": ["5"],
        "failed": ["4"],
    },
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Test(_Strict):
    """A place in an answer and the words that mean yes.

    Args:
        path: names parted by dots, as "data.code".
        words: what stands there, as text.
    """

    path: str
    words: tuple[str, ...]

    def holds(self, said: object) -> bool:
        """Tell whether an answer says yes."""
        return read_path(said, self.path) in self.words


class Signature(_Strict):
    """How a gateway signs its receipts: an HMAC-SHA256 over the body, as it was sent (RFC 2104).

    Args:
        header: where it stands.
        secret: name of the key among the gateway's secrets.
        encoding: "hex" or "base64".
        prefix: what stands before it, as "sha256=".
    """

    header: str = Field(min_length=1)
    secret: str
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""

    def holds(self, body: bytes, said: str, *, key: str) -> bool:
        """Tell whether a header is the body's signature."""
        mac = hmac.digest(key.encode(), body, hashlib.sha256)
        due = mac.hex() if self.encoding == "hex" else base64.b64encode(mac).decode()
        return hmac.compare_digest(f"{self.prefix}{due}".encode(), said.encode())


class ReceiptMap(_Strict):
    """Where a receipt says what.

    Args:
        provider_id: path of what the gateway calls the message.
        request_id: path of our id, where it repeats it.
        status: path of its word.
        delivered: words for delivered.
        failed: words for never delivered; all others say nothing yet.
        signature: how they are signed; left out: they come with this installation's secret for receipts.
    """

    provider_id: str = ""
    request_id: str = ""
    status: str
    delivered: tuple[str, ...]
    failed: tuple[str, ...] = ()
    signature: Signature | None = None


class Gateway(_Strict):
    """An SMS gateway.

    Args:
        name: shown in lists.
        url: where a message is posted.
        headers: of the request; may hold placeholders.
        secrets: names of placeholders and their values; never logged.
        body: of the request; texts in it may hold placeholders: {phone}, {text}, {request_id}, {sandbox},
            {receipt_url}, {receipt_secret}, and the names of the secrets.
        phone_format: how a telephone begins: "+84", "84" or "0".
        sandbox: True: the gateway takes messages and sends none.
        sandbox_words: what {sandbox} is for off and for on.
        success: how the answer says yes; left out: any 2xx.
        repeat: how it says that it has this request id already; that message was taken the first time.
        provider_id: path of what it calls the message.
        drops_repeats: the same request id twice is sent once; only then an unclear answer is asked again by itself.
        receipt: how its receipts are read.
        timeout_seconds: until no answer counts as an unclear one.
    """

    name: str = Field(min_length=1, max_length=40)
    url: str = Field(pattern=r"^https?://")
    headers: Mapping[str, str] = {}
    secrets: Mapping[str, str] = {}
    body: Mapping[str, Any]
    phone_format: str = Field(default="+84", pattern=r"^(\+84|84|0)$")
    sandbox: bool = False
    sandbox_words: tuple[str, str] = ("0", "1")
    success: Test | None = None
    repeat: Test | None = None
    provider_id: str = ""
    drops_repeats: bool = False
    receipt: ReceiptMap | None = None
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)

    def write_phone(self, phone: str) -> str:
        """Return a telephone as this gateway wants it; a foreign one stays E.164."""
        return self.phone_format + phone.removeprefix("+84") if phone.startswith("+84") else phone

    def fill(self, value: Any, given: Mapping[str, str]) -> Any:
        """Return a value with its placeholders filled, lists and objects included."""
        words = {**self.secrets, **given}
        if isinstance(value, str):
            return PLACEHOLDER.sub(lambda found: words[found[1]], value)
        if isinstance(value, Mapping):
            return {name: self.fill(item, given) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.fill(item, given) for item in value]
        return value

    @property
    def signature(self) -> Signature | None:
        """Return how receipts are signed; one without is then nothing."""
        return self.receipt.signature if self.receipt else None

    def is_signed(self, body: bytes, said: str) -> bool:
        """Tell whether a receipt's body has the signature that its header says."""
        signature = self.signature
        return signature is not None and signature.holds(body, said, key=self.secrets[signature.secret])

    def read_receipt(self, said: Mapping[str, Any]) -> Receipt | None:
        """Return what a receipt says; None where it names no message or receipts are not described."""
        if self.receipt is None:
            return None
        word = read_path(said, self.receipt.status)
        provider_id, named = (
            read_path(said, self.receipt.provider_id),
            read_path(said, self.receipt.request_id),
        )
        try:
            request_id = uuid.UUID(named)
        except ValueError:
            request_id = None
        if not provider_id and request_id is None:
            return None
        is_delivered = True if word in self.receipt.delivered else None
        if word in self.receipt.failed:
            is_delivered = False
        return Receipt(provider_id, request_id, is_delivered, word)


def read_path(said: object, path: str) -> str:
    """Return what stands at a path of a JSON value, as text; '' where there is nothing."""
    value = said
    for name in path.split(".") if path else []:
        value = value.get(name) if isinstance(value, Mapping) else None
    return str(value) if isinstance(value, str | int | float) and path else ""


def read_gateway(text: str) -> Gateway:
    """Return the gateway that a file describes.

    Raises:
        ValueError: says what is wrong, without what stands in the file.
    """
    try:
        gateway = Gateway.model_validate(json.loads(text))
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: line {error.lineno}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    named = set(
        PLACEHOLDER.findall(json.dumps([gateway.body, gateway.headers], ensure_ascii=False, default=dict))
    )
    unknown = named - GIVEN - gateway.secrets.keys()
    if unknown:
        raise ValueError(f"unknown placeholders: {', '.join(sorted(unknown))}")
    signature = gateway.signature
    if signature is not None and not gateway.secrets.get(signature.secret):
        raise ValueError(f"receipt.signature.secret: there is no secret {signature.secret}")
    if gateway.drops_repeats and "request_id" not in named:
        raise ValueError("drops_repeats needs {request_id} in the body or a header")
    return gateway
