"""SMS by an HTTP gateway that a file describes (`lims.outbox.gateway`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from lims.outbox.drivers import NotTaken, Unknown
from lims.outbox.drivers.deadline import DEADLINE_SECONDS, Deadline
from lims.outbox.gateway import Gateway, read_path
from lims.outbox.letters import Letter, Receipt

# It broke after it had read the message, or a proxy heard nothing from behind: the message may have been taken.
UNCLEAR = frozenset({500, 502, 504})
TOO_MANY = 429


class HttpDriver:
    """Posts messages to a gateway.

    Args:
        gateway: what the file says.
        receipt_url: where the gateway is to say later what became of a message.
        receipt_secret: what it is to send with that.
        deadline_s: seconds for a whole call; at least the file's own limit for each read counts.
    """

    def __init__(
        self, gateway: Gateway, *, receipt_url: str, receipt_secret: str, deadline_s: float = DEADLINE_SECONDS
    ) -> None:
        self.name = gateway.name
        self.drops_repeats = gateway.drops_repeats
        self._gateway = gateway
        self._deadline_s = max(deadline_s, gateway.timeout_seconds)
        self._receipts = {"receipt_url": receipt_url, "receipt_secret": receipt_secret}
        self._client = httpx.Client(timeout=gateway.timeout_seconds, follow_redirects=False, trust_env=False)

    def send(self, letter: Letter) -> str:
        """Post a message and return what the gateway calls it."""
        with Deadline(self._deadline_s) as deadline:
            answer = self._post(letter, deadline)
        try:
            said = answer.json()
        except ValueError:
            if self._gateway.success is None:
                return ""
            raise Unknown("answer cannot be read") from None
        provider_id = read_path(said, self._gateway.provider_id)
        if self._gateway.repeat is not None and self._gateway.repeat.holds(said):
            return provider_id
        if self._gateway.success is not None and not self._gateway.success.holds(said):
            word = read_path(said, self._gateway.success.path)[:40]
            raise NotTaken(f"{self._gateway.success.path} {word}")
        return provider_id

    def _post(self, letter: Letter, deadline: Deadline) -> httpx.Response:
        given = {
            "phone": self._gateway.write_phone(letter.address),
            "text": letter.text,
            "request_id": str(letter.request_id),
            "sandbox": self._gateway.sandbox_words[self._gateway.sandbox],
            **self._receipts,
        }
        try:
            answer = self._client.post(
                self._gateway.url,
                json=self._gateway.fill(self._gateway.body, given),
                headers=self._gateway.fill(self._gateway.headers, given),
                extensions=deadline.extensions,
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotTaken(type(error).__name__, is_down=True) from None
        except httpx.HTTPError as error:
            raise Unknown("answer too slow" if deadline.is_over else type(error).__name__) from None
        if answer.status_code in UNCLEAR:
            raise Unknown(f"HTTP {answer.status_code}")
        if not answer.is_success:
            is_down = answer.is_server_error or answer.status_code == TOO_MANY
            raise NotTaken(f"HTTP {answer.status_code}", is_down=is_down)
        return answer

    def parse_receipt(self, said: Mapping[str, Any]) -> Receipt | None:
        """Return what the gateway says later of a message."""
        return self._gateway.read_receipt(said)

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()
