"""Receivers that really listen: a gateway's or another system's web server, and a mail server, told how to behave."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """What a web server does with a request.

    Args:
        status: HTTP status.
        body: of the answer; JSON where it is no text.
        headers: of the answer.
        delay_s: before it answers.
        cut: "before": it hangs up without an answer; "within": in the middle of it.
        drip_s: seconds between the bytes of a header that does not end.
    """

    status: int = 200
    body: Any = ""
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0
    cut: str = ""
    drip_s: float = 0


@dataclass
class Heard:
    """A request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the body as JSON holds it."""
        return json.loads(self.body)


class WebReceiver:
    """A web server that answers as it is told, the last answer for ever, and keeps what it heard."""

    def __init__(self) -> None:
        self.answers = [Answer()]
        self.heard: list[Heard] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                receiver.heard.append(Heard(self.path, dict(self.headers), body))
                answer = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
                time.sleep(answer.delay_s)
                if answer.drip_s:
                    _drip(self, answer.drip_s)
                elif answer.cut != "before":
                    _answer(self, answer)
                self.close_connection = True

            def log_message(self, *_said: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def listening(self) -> Iterator[WebReceiver]:
        """Listen while the code inside runs."""
        with _serving(self._server):
            yield self


def _drip(handler: BaseHTTPRequestHandler, pause_s: float) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    with contextlib.suppress(OSError):
        for _second in range(2000):
            handler.wfile.write(b"x")
            time.sleep(pause_s)


def _answer(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    body = (answer.body if isinstance(answer.body, str) else json.dumps(answer.body)).encode()
    handler.send_response(answer.status)
    for name, value in answer.headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body) + (100 if answer.cut == "within" else 0)))
    handler.end_headers()
    handler.wfile.write(body)


class MailReceiver:
    """A mail server (RFC 5321) that keeps the letters it accepted, and the conversation.

    Args:
        refusals: verb → the line it answers with instead; "" hangs up. "TEXT" is the end of a letter's text.
    """

    def __init__(self, **refusals: str) -> None:
        self.letters: list[tuple[str, bytes]] = []
        self.verbs: list[str] = []
        receiver = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.to = ""
                self.say("220 mail.example ESMTP")
                for line in self.rfile:
                    verb = line.split()[0].decode().upper()
                    receiver.verbs.append(verb)
                    if verb == "RCPT":
                        self.to = line.decode().partition("<")[2].partition(">")[0]
                    if not self.say(
                        refusals.get(verb, {"DATA": "354 go on", "EHLO": "250 mail"}.get(verb, "250 ok"))
                    ):
                        return
                    if verb == "DATA" and verb not in refusals and not self.take_text():
                        return

            def take_text(self) -> bool:
                lines = []
                for line in self.rfile:
                    if line == b".\r\n":
                        break
                    assert line.endswith(b"\r\n"), "RFC 5321, 2.3.8: lines end with CR LF"
                    assert len(line) <= 1000, "RFC 5321, 4.5.3.1.6"
                    lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
                if "TEXT" not in refusals:
                    receiver.letters.append((self.to, b"".join(lines)))
                return self.say(refusals.get("TEXT", "250 taken"))

            def say(self, line: str) -> bool:
                if line:
                    self.wfile.write(f"{line}\r\n".encode())
                return bool(line)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"smtp://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def listening(self) -> Iterator[MailReceiver]:
        """Listen while the code inside runs."""
        with _serving(self._server):
            yield self


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def closed_port() -> int:
    """Return a port of the loopback at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
