"""Telling other systems: a signed POST, which their side checks and drops if it has the id already.

    Lims-Event: result.released
    Lims-Event-Id: the message's id, the same for every attempt
    Lims-Signature: t=<seconds since 1970>,v1=<hex HMAC-SHA256 of "t.body" with the webhook's secret>

Where an address may lead is decided when it is used, not when it was entered: the name is resolved once, every address
found must be a public one or lie in the networks that the settings allow, and that very address is connected to. So no
name that changes its mind leads to this machine or into the laboratory's network. Redirects are not followed.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from lims import clock
from lims.outbox.drivers import NotTaken, Unknown
from lims.outbox.drivers.deadline import DEADLINE_SECONDS, Deadline
from lims.outbox.letters import Letter, Receipt

TIMEOUT_SECONDS = 10.0
TOO_MANY = 429
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def sign(body: bytes, *, secret: str, seconds: int) -> str:
    """Return the signature's header: the time, and the HMAC-SHA256 of time and body."""
    mac = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={mac}"


class WebhookDriver:
    """Posts events to other systems.

    Args:
        networks: networks of ours in which receivers may stand; only there plain http is allowed.
        deadline_s: seconds for a whole call.
    """

    name = "webhook"
    drops_repeats = True

    def __init__(self, networks: Sequence[Network] = (), *, deadline_s: float = DEADLINE_SECONDS) -> None:
        self._networks, self._deadline_s = networks, deadline_s
        # a connection for each event: kept ones are known by their address alone, so that a second name at the same
        # address would be told over the first one's, with a certificate that was checked for the first one
        self._client = httpx.Client(
            timeout=TIMEOUT_SECONDS,
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def send(self, letter: Letter) -> str:
        """Post an event; the receiver calls it by our id."""
        url = httpx.URL(letter.address)
        address = self._find_address(url)
        with Deadline(self._deadline_s) as deadline:
            answer = self._post(letter, url.copy_with(host=address), url, deadline)
        if not answer.is_success:
            is_down = answer.is_server_error or answer.status_code == TOO_MANY
            raise NotTaken(f"HTTP {answer.status_code}", is_down=is_down)
        return str(letter.message_id)

    def _post(self, letter: Letter, to: httpx.URL, named: httpx.URL, deadline: Deadline) -> httpx.Response:
        """Return the answer to an event that is posted to an address under the name it was resolved from."""
        body = letter.text.encode()
        request = self._client.build_request(
            "POST",
            to,
            content=body,
            headers={
                "Host": named.netloc.decode(),
                "Content-Type": "application/json",
                "User-Agent": "lims-webhook",
                "Lims-Event": letter.event,
                "Lims-Event-Id": str(letter.message_id),
                "Lims-Signature": sign(body, secret=letter.secret, seconds=int(clock.now().timestamp())),
            },
            extensions={"sni_hostname": named.host, **deadline.extensions},
        )
        try:
            # the status says all; a body is not read, however long it is
            answer = self._client.send(request, stream=True)
            answer.close()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotTaken(type(error).__name__, is_down=True) from None
        except httpx.HTTPError as error:
            raise Unknown("answer too slow" if deadline.is_over else type(error).__name__) from None
        return answer

    def _find_address(self, url: httpx.URL) -> str:
        """Return the one address that is connected to.

        Raises:
            NotTaken: the name has none, or one of them is not allowed.
        """
        try:
            found = socket.getaddrinfo(url.host, url.port or 443, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise NotTaken("name not found", is_down=True) from None
        addresses = [ipaddress.ip_address(str(item[4][0]).partition("%")[0]) for item in found]
        for address in addresses:
            is_ours = any(address in network for network in self._networks)
            if not is_ours and (not address.is_global or address.is_multicast):
                raise NotTaken("address not allowed", is_down=True)
            if not is_ours and url.scheme != "https":
                raise NotTaken("https needed", is_down=True)
        return str(addresses[0])

    def parse_receipt(self, said: Mapping[str, Any]) -> Receipt | None:
        """Return None: an answer of 2xx is the receipt."""
        return None

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()
