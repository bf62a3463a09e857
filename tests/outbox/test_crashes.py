"""`lims worker` killed at every step of sending 1,000 messages: each left once or is flagged, none is forgotten."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from engines import SECRET_KEY
from outbox.dying_worker import STEPS
from outbox.town import messages, queue_copies, released_people, wakeful_world

DYING = Path(__file__).with_name("dying_worker.py")
PEOPLE, COPIES = 50, 19
MESSAGES = PEOPLE * (1 + COPIES)


def run_workers(rounds: list[list[dict[str, object]]], **environment: str) -> list[list[int]]:
    """Let workers run, round by round, and return how each process ended."""
    done = subprocess.run(
        [sys.executable, str(DYING), json.dumps(rounds)],
        env={**os.environ, "SECRET_KEY": SECRET_KEY, "PYTHONWARNINGS": "ignore", **environment},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    print(done.stderr)  # what a worker says that ends otherwise than it should
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_thousand_messages_with_a_death_at_every_step(app, database_url, tmp_path):
    world = wakeful_world()
    released_people(world, PEOPLE)
    queue_copies(COPIES)
    waiting = {str(message.id) for message in messages(kind="sms", status="queued")}
    assert len(waiting) == MESSAGES == 1000
    file = tmp_path / "out.jsonl"
    # two workers at once in every round, one of which dies at its first letter
    rounds: list[list[dict[str, object]]] = [
        [{"at": step, "of": 1}, {"at": step, "of": 40}] for step in STEPS
    ]
    healthy: list[dict[str, object]] = [{"at": "", "of": 0}] * 3
    ended = run_workers(
        [*rounds, healthy], DATABASE_URL=database_url, LIMS_INSTANCE=str(tmp_path), OUTBOX_FILE=str(file)
    )
    assert ended == [[-signal.SIGKILL] * 2] * len(STEPS) + [[0] * 3]

    left = Counter(key for line in file.read_text().splitlines() for key in json.loads(line)["ids"])
    after = messages(kind="sms")
    by_state = {state: {str(m.id) for m in after if m.status == state} for state in ("sent", "unsure")}
    assert by_state["sent"] | by_state["unsure"] == waiting, "none forgotten"
    assert set(left.values()) == {1}, "none twice"
    assert by_state["sent"] <= left.keys(), "nothing is said to be sent that was not"
    assert waiting - left.keys() <= by_state["unsure"], "what did not leave is flagged"
    # every death but the one before anything was taken leaves exactly one message in doubt
    assert len(by_state["unsure"]) == 2 * len(STEPS) - 1
    assert {m.attempts for m in after} == {1}
    assert {m.last_error for m in after if m.status == "unsure"} == {"worker_died"}
