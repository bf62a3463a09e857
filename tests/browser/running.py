"""The real server in a process of its own, as `make run` starts it: `lims run`, gunicorn with two workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from engines import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS = 240


@contextmanager
def serving(folder: Path, *, people: int = 0) -> Iterator[str]:
    """Serve the demonstration's database of a folder until the block ends; yields the address.

    Args:
        folder: where the SQLite file is, or is made.
        people: how many are invented where the database is still empty.

    Raises:
        RuntimeError: the server ended or did not answer; its last words are in the message.
    """
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "DEMO"}}
    environment |= {"LIMS_INSTANCE": str(folder), "PYTHONPATH": str(ROOT)}
    log = folder / "server.log"
    command = [sys.executable, "-m", "lims.cli", "run", "--port", str(port), "--workers", "2"]
    with log.open("w") as output:
        server = subprocess.Popen(
            [*command, "--people", str(people)], env=environment, stdout=output, stderr=output, cwd=folder
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _await_health(server, address, log)
        yield address
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(timeout=40)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        print(log.read_text()[-20_000:])  # shown by pytest where a test fails


def _await_health(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"The server does not answer at {address}:\n{log.read_text()[-4000:]}")
