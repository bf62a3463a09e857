"""Real server processes for tests: started on a free port of the loopback, ended by their own process group."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from engines import free_port
from flask import Flask

from lims.web import sprite_url

STARTS_WITHIN_S = 90


class ServerProcess:
    """`lims run` on a database, with its workers in a process group of its own.

    Args:
        database_url: filled with the demonstration if it is empty.
        folder: for the log, the lock file and the control socket.
        people: of the demonstration.
    """

    def __init__(self, database_url: str, folder: Path, *, people: int = 5) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self._people = people
        self._environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "LIMS_INSTANCE": str(folder),
            "DEMO": "1",
            "SECRET_KEY": "",
            "PYTHONWARNINGS": "ignore",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [
            sys.executable,
            "-m",
            "lims.cli",
            "run",
            "--port",
            str(self.port),
            "--people",
            str(self._people),
        ]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/health", timeout=5).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(f"the server did not start:\n{self.log.read_text()}")

    def kill(self) -> None:
        """End master and workers at once with SIGKILL, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to end and return its exit status."""
        return self._end(signal.SIGTERM)

    def kill_if_alive(self) -> None:
        """End whatever is left of it."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def _end(self, how: signal.Signals) -> int:
        assert self._process is not None
        if how == signal.SIGKILL:
            os.killpg(self._process.pid, how)
        else:
            self._process.send_signal(how)
        return self._process.wait(timeout=40)


@contextmanager
def running(database_url: str, folder: Path, *, people: int = 5) -> Iterator[ServerProcess]:
    """Yield a server that answers; it is ended afterwards, however it went."""
    server = ServerProcess(database_url, folder, people=people)
    try:
        server.start()
        yield server
    finally:
        server.kill_if_alive()


def frame_pages(app: Flask) -> None:
    """Give a site of a few pages what the frame of every page asks for, without the product's other pages."""
    app.jinja_env.globals["sprite_url"] = sprite_url
    app.add_url_rule("/own-data", "personal.show_own_data", lambda: "")
