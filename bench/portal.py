"""Portal reads per second beside the bare framework answering a constant page through the same server.

Both applications are served by `lims.serving.Server` (gunicorn, one process, the product's threads) on the loopback,
and asked in turn by one client over kept connections, the reads each of another person. Prints medians and ratios:

    python bench/portal.py [people] [rounds]
"""

from __future__ import annotations

import http.client
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from engines import SECRET_KEY, free_port  # noqa: E402
from factories import make_world  # noqa: E402
from flask import Flask  # noqa: E402
from pooling import bench  # noqa: E402
from results import desk  # noqa: E402
from results.test_portal import issue_code  # noqa: E402

from lims import create_app, database  # noqa: E402
from lims.config import Settings  # noqa: E402
from lims.extensions import db  # noqa: E402
from lims.results import portal  # noqa: E402
from lims.serving import Server  # noqa: E402

GOAL = 0.5
CONSTANT = "<!doctype html><title>Constant</title><p>" + "x" * 1000


def settings_in(folder: Path) -> Settings:
    """The settings of the application whose file lies in a folder."""
    return Settings(
        secret_key=SECRET_KEY, database_url=f"sqlite:///{folder / 'lims.sqlite'}", instance_path=folder
    )


class Bare(Server):
    """The same server on the framework alone."""

    def load(self) -> Flask:
        """Make an application of one constant page."""
        app = Flask("bare")
        app.add_url_rule("/results", "read", lambda: CONSTANT, methods=["POST"])
        return app


def serve(kind: str, folder: Path, port: int) -> None:
    """Listen until ended."""
    (Bare if kind == "bare" else Server)(settings_in(folder), host="127.0.0.1", port=port, workers=1).run()


@contextmanager
def served(kind: str, folder: Path) -> Iterator[http.client.HTTPConnection]:
    """Yield a kept connection to a server of its own."""
    port = free_port()
    command = [sys.executable, __file__, "--serve", kind, str(folder), str(port)]
    server = subprocess.Popen(command)
    try:
        for _ in range(300):
            connection = http.client.HTTPConnection("127.0.0.1", port)
            try:
                connection.connect()
                break
            except OSError:
                time.sleep(0.1)
        connection.close()  # it connects again by itself; the server does not wait long for a silent one
        yield connection
        connection.close()
    finally:
        server.terminate()
        server.wait()


def release(folder: Path, count: int) -> list[str]:
    """Fill a database with released negatives; return the people's result codes, each read once."""
    app = create_app(settings_in(folder))
    with app.app_context():
        database.upgrade()
        world = make_world()
        bench.install(world)
        run, tubes = desk.run_tubes(world, count)
        found = [issue_code(tube) for tube in tubes]
        desk.verify_and_release(world, run)
        for code in found:
            portal.read_result(result_code=code, birth_date="1980", address="127.0.0.1")
        db.session.remove()
        db.engine.dispose()
    return found


def ask(connection: http.client.HTTPConnection, path: str, body: str, **headers: str) -> tuple[float, bytes]:
    """Send one request; return its milliseconds and the answer."""
    started = time.perf_counter()
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    took = (time.perf_counter() - started) * 1000
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}: {content[:300]!r}")
    return took, content


def open_page(connection: http.client.HTTPConnection) -> tuple[str, str]:
    """Load the form once, as a browser does; return its cookie and its token."""
    connection.request("GET", "/results")
    answer = connection.getresponse()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', answer.read().decode())
    cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
    return cookie, token[1] if token else ""


def main() -> None:
    """Print medians and ratios."""
    people, rounds = (int(text) for text in (*sys.argv[1:], "300", "5")[:2])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = release(folder, people)
        with served("bare", folder) as bare, served("lims", folder) as lims:
            cookie, token = open_page(lims)
            form = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
            took: dict[str, list[float]] = {"constant": [], "page": [], "program": []}
            for number in range(rounds + 1):
                for code in found:
                    body = urlencode({"result_code": code, "birth_year": "1980", "csrf_token": token})
                    sent = json.dumps({"result_code": code, "birth_date": "1980"})
                    one = {
                        "constant": ask(bare, "/results", body, **form)[0],
                        "page": ask(lims, "/results", body, **form)[0],
                        "program": ask(
                            lims, "/api/v1/results/read", sent, **{"Content-Type": "application/json"}
                        )[0],
                    }
                    if number:  # the first round warms both up
                        for kind, milliseconds in one.items():
                            took[kind].append(milliseconds)
    medians = {kind: statistics.median(values) for kind, values in took.items()}
    words = {
        "constant": "bare framework, a constant page",
        "page": "portal, the page of an answer",
        "program": "portal, the answer for a program",
    }
    print(f"{people} people, {rounds} rounds, one process, one connection each")
    for kind, median in medians.items():
        ratio = medians["constant"] / median
        goal = "" if kind == "constant" else f"  (goal {GOAL})"
        print(f"{words[kind]:34} {median:7.2f} ms  {1000 / median:7.0f} reads/s  ratio {ratio:.2f}{goal}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
