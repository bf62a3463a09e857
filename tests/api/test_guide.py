"""The examples of docs/guides/api.md, run as they stand: each prints what the guide says."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from factories import MORNING, World
from pooling import bench
from security.stage import NOON
from security.stage import tested as bring_to_results
from werkzeug.serving import make_server

from lims import clock
from lims.auth.actions import create_user
from lims.auth.clients.actions import add_client

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "api.md"
EXAMPLE = re.compile(r"```sh\n(?P<script>.*?)```\n(?:```text\n(?P<printed>.*?)```\n)?", re.DOTALL)
END = "--- end of an example"


def make_token(world: World) -> str:
    """Return the token that the guide speaks of."""
    account = create_user(
        actor=world.actor("administrator"),
        username="hospital",
        display_name="Hospital system",
        password_hash="",
        roles=[("coordinator", world.province_id), ("supervisor", world.laboratory_id)],
        is_service=True,
    )
    made = add_client(
        actor=world.actor("administrator"),
        name="Hospital system",
        user_id=uuid.UUID(account["id"]),
        scopes=["home", "declare_others", "see_people", "see_laboratory"],
        days=30,
    )
    return str(made["token"])


@pytest.fixture
def served(app, world) -> Iterator[dict[str, str]]:
    """The application on the loopback at noon of its day, with three results; what the examples are told."""
    with clock.at(MORNING):
        bench.install(world)
    with clock.at(NOON):
        bring_to_results(world, 3)
        token = make_token(world)

    def at_noon(environ: dict[str, Any], start_response: Any) -> Any:
        with clock.at(NOON):
            return app.wsgi_app(environ, start_response)

    server = make_server("127.0.0.1", 0, at_noon, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield {"LIMS": f"http://127.0.0.1:{server.server_port}", "TOKEN": token}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_examples_of_the_guide_print_what_it_says(served, tmp_path):
    examples = [(found["script"], found["printed"] or "") for found in EXAMPLE.finditer(GUIDE.read_text())]
    assert len(examples) > 5
    script = f"echo '{END}'\n".join(script for script, _printed in examples)
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "NO_PROXY": "127.0.0.1"} | served,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    printed = done.stdout.split(f"{END}\n")
    wrong = [(example, came) for (example, said), came in zip(examples, printed, strict=True) if came != said]
    assert wrong == []
