"""Runs `lims worker` in processes that die at a named step, as by a power cut.

    python dying_worker.py '[[{"at": "after_commit", "of": 60}, {"at": "", "of": 0}], …]'

Each list is a round: its workers run at once, each in a process of its own, forked after the imports to save their
time; the next round begins when all of one have ended. One that is told no step works until nothing is left. Nothing of
this is in the product: the steps are found by wrapping what the worker calls.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from lims import cli
from lims.outbox import worker
from lims.outbox.drivers import to_file
from lims.registry import ADDING, APIS, PAGES, STANDARDS

STEPS = ("before_commit", "after_commit", "before_write", "after_write", "after_send")


def die() -> None:
    """End this process without a last word."""
    os.kill(os.getpid(), signal.SIGKILL)


class Dying:
    """Counts the letters of this process and ends it at one step of one of them."""

    def __init__(self, at: str, of: int) -> None:
        self.at, self.of, self.taken, self.sent = at, of, 0, 0

    def install(self) -> None:
        """Wrap what the worker calls."""
        take, send, write = worker.take_next, to_file.FileDriver.send, os.write

        def taking(**given: Any) -> Any:
            self.taken += 1
            letter = take(**given)
            if self.is_now("after_commit", self.taken):
                die()
            return letter

        def sending(driver: Any, letter: Any) -> str:
            self.sent += 1
            answer = send(driver, letter)
            if self.is_now("after_send", self.sent):
                die()
            return answer

        def writing(handle: int, content: bytes) -> int:
            if self.is_now("before_write", self.sent):
                die()
            written = write(handle, content)
            if self.is_now("after_write", self.sent):
                die()
            return written

        def committing(_connection: Any) -> None:
            if self.is_now("before_commit", self.taken):
                die()

        worker.take_next, to_file.FileDriver.send, to_file.os.write = taking, sending, writing
        event.listen(Engine, "commit", committing)

    def is_now(self, step: str, count: int) -> bool:
        """Tell whether this is the moment."""
        return self.at == step and count == self.of


def run(plan: dict[str, Any]) -> None:
    """Be one worker."""
    if plan["at"]:
        Dying(plan["at"], plan["of"]).install()
    cli.main(["worker", "--until-empty", "--lease", "3"])


def fork(work: Callable[[dict[str, Any]], None], plan: dict[str, Any]) -> int:
    """Start a process that does some work and ends."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work(plan)
    except SystemExit as ended:
        os._exit(int(ended.code or 0))
    os._exit(1)


if __name__ == "__main__":
    for name in (*ADDING, *PAGES, *APIS, *STANDARDS):
        import_module(name.partition(":")[0])
    for plans in json.loads(sys.argv[1]):
        ended = [os.waitpid(pid, 0)[1] for pid in [fork(run, plan) for plan in plans]]
        print(json.dumps([os.waitstatus_to_exitcode(status) for status in ended]), flush=True)
