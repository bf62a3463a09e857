"""Calling the API as a client on a bad line would: the same request again until it is answered.

Every request that writes carries an id made here, once; so a repeat after a lost answer, a server that was killed, or a
proxy's error is answered as the first time, and nothing is done twice.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

import httpx

UNAVAILABLE = frozenset({502, 503, 504})
# a fault that stays is a defect to be told soon; one that passes (a database that was restarted) is not
MOST_FAULTS = 8
FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 2.0


class JourneyError(Exception):
    """The journey cannot go on; the message says at which request and why."""


class Refusal(JourneyError):
    """The server understood and said no.

    Args:
        status: HTTP status.
        code: the word a program can tell the refusal by.
        message: the sentence.
        path: what was asked.
    """

    def __init__(self, *, status: int, code: str, message: str, path: str) -> None:
        super().__init__(f"{path} answered {status} ({code}): {message}")
        self.status = status
        self.code = code


class Caller:
    """One account's way to the server.

    Args:
        http: shared by all callers; its base URL is the server.
        token: of a program's session; "" for a resident.
        patience_s: how long one request is tried before the journey gives up.
    """

    def __init__(self, http: httpx.Client, *, token: str = "", patience_s: float) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._headers["Accept-Language"] = "en"
        self._patience_s = patience_s

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """Return the answer to a GET.

        Raises:
            Refusal: the server said no.
            JourneyError: nobody answered for too long.
        """
        return self._send("GET", path, params=parameters)

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Return the answer to a POST of a JSON body, to which a client id is added.

        Raises:
            Refusal: the server said no.
            JourneyError: nobody answered for too long.
        """
        return self._send("POST", path, json={"client_id": new_client_id(), **body})

    def post_items(self, path: str, **body: Any) -> dict[str, Any]:
        """Return the answer to a POST whose items carry their own client ids; see `post`."""
        return self._send("POST", path, json=body)

    def _send(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        deadline = time.monotonic() + self._patience_s
        wait = FIRST_WAIT_S
        faults = 0
        while True:
            failure = ""
            try:
                answer = self._http.request(method, f"/api/v1{path}", headers=self._headers, **content)
            except httpx.TransportError as error:
                failure = f"no answer ({type(error).__name__})"
            else:
                if answer.is_success:
                    found: dict[str, Any] = answer.json()
                    return found
                if answer.status_code == 429:
                    failure, wait = "too many tries", float(answer.headers.get("Retry-After", 1))
                elif answer.status_code in UNAVAILABLE or (
                    answer.status_code == 500 and faults < MOST_FAULTS
                ):
                    failure = f"status {answer.status_code}"
                    faults += 1
                else:
                    raise _refusal(path, answer)
            if time.monotonic() + wait > deadline:
                raise JourneyError(f"{path}: {failure} for {self._patience_s:.0f} s; the journey stops here.")
            time.sleep(wait)
            wait = min(LONGEST_WAIT_S, wait * 2)


def _refusal(path: str, answer: httpx.Response) -> Refusal:
    try:
        said = answer.json()
    except ValueError:
        said = {}
    return Refusal(
        status=answer.status_code,
        code=str(said.get("code", "")),
        message=str(said.get("message") or answer.text[:200]),
        path=path,
    )


def new_client_id() -> str:
    """Return an id for one request."""
    return str(uuid.uuid4())


def sign_in(http: httpx.Client, *, username: str, password: str, patience_s: float) -> Caller:
    """Sign an account in.

    Raises:
        Refusal: the name or the password is wrong.
    """
    resident = Caller(http, patience_s=patience_s)
    token = resident.post_items("/sign-in", username=username, password=password)["token"]
    return Caller(http, token=token, patience_s=patience_s)
