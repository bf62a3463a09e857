"""A network that breaks where it is told to: a proxy on the loopback between a phone and the real server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

MARK = b"POST /api/v1/field/scans"


class Cutter:
    """Passes connections on, and cuts the next ones that carry a batch of scans.

    Args:
        port: of the server.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.plan: list[str] = []
        self.done: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._open = True

    def run(self) -> None:
        """Accept connections until `stop`."""
        while self._open:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def stop(self) -> None:
        """Take no more connections."""
        self._open = False
        self._listener.close()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        except OSError:
            client.close()
            return
        fate = {"cut": ""}
        threads = [
            threading.Thread(target=self._pass, args=(client, server, fate, True), daemon=True),
            threading.Thread(target=self._pass, args=(server, client, fate, False), daemon=True),
        ]
        for thread in threads:
            thread.start()

    def _pass(
        self, source: socket.socket, target: socket.socket, fate: dict[str, str], is_request: bool
    ) -> None:
        try:
            while data := source.recv(65536):
                if is_request and MARK in data:
                    with self._lock:
                        fate["cut"] = self.plan.pop(0) if self.plan else ""
                if is_request and fate["cut"] == "request":
                    target.sendall(data[: len(data) // 2])
                    self._end(source, target, "request")
                    return
                if not is_request and fate["cut"] == "answer":
                    # the server has answered, so it has committed; nobody hears it
                    self._end(source, target, "answer")
                    return
                if not is_request and fate["cut"] == "half":
                    target.sendall(data[: len(data) // 2])
                    self._end(source, target, "half")
                    return
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            close_quietly(end)

    def _end(self, source: socket.socket, target: socket.socket, what: str) -> None:
        self.done.append(what)
        for end in (source, target):
            close_quietly(end)


def close_quietly(end: socket.socket) -> None:
    """Close a connection that may be closed already."""
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextmanager
def cutting(port: int) -> Iterator[Cutter]:
    """Yield a proxy in front of a server."""
    cutter = Cutter(port)
    thread = threading.Thread(target=cutter.run, daemon=True)
    thread.start()
    try:
        yield cutter
    finally:
        cutter.stop()
        thread.join(timeout=5)
