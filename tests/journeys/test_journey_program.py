"""`lims journey`: everybody who declares reads a true result, or a named reason why not, on a real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from servers import ServerProcess, running

from lims.demo.province import PASSWORD
from lims.journey.caller import JourneyError
from lims.journey.program import Journey, Plan

STATIONS = {
    "declare",
    "print labels",
    "collect",
    "box",
    "receive",
    "pool",
    "plate",
    "run",
    "review",
    "verify",
    "release",
}


@pytest.fixture
def server(database_url, tmp_path):
    """A demonstration on a fresh database."""
    with running(database_url, tmp_path) as process:
        yield process


def _lims(server: ServerProcess, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    return subprocess.run(
        [sys.executable, "-m", "lims.cli", "journey", "--url", server.url, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )


def test_the_command_accounts_for_everybody_with_several_clients_at_once(server):
    done = _lims(server, "--people", "150", "--prevalence", "0.05", "--clients", "3", "--seed", "5", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["proved"] is True
    assert figures["released"].get("detected", 0) + figures["reasons"].get("new_sample", 0) >= 1
    assert sum(figures["released"].values()) + sum(figures["reasons"].values()) == 150
    assert (figures["unaccounted"], figures["wrong"], figures["reconciliation_holds"]) == ({}, [], True)
    assert {station["station"] for station in figures["stations"]} >= {*STATIONS, "read"}
    assert all(station["people_per_second"] > 0 for station in figures["stations"])


def test_an_address_where_nobody_answers_is_one_sentence_and_exit_1(tmp_path):
    done = _lims(ServerProcess("sqlite://", tmp_path), "--people", "1")
    assert done.returncode == 1
    assert "Nobody answers" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_lie_is_found_out(server, monkeypatch):
    """The proof can fail: a cycler that finds nothing gives infected people a negative result."""
    from lims.journey import laboratory

    simulate = laboratory.simulate_readings
    monkeypatch.setattr(
        laboratory, "simulate_readings", lambda **arguments: simulate(**{**arguments, "infected_by_pool": {}})
    )
    plan = Plan(
        url=server.url, people=20, prevalence=0.5, clients=2, seed=6, password=PASSWORD, patience_s=60
    )
    outcome = Journey(plan).go()
    assert len(outcome.wrong) == 10
    assert outcome.is_proved is False


def test_the_same_people_cannot_go_twice_on_one_day(server):
    plan = Plan(
        url=server.url, people=12, prevalence=0.0, clients=2, seed=8, password=PASSWORD, patience_s=60
    )
    assert Journey(plan).go().is_proved
    with pytest.raises(JourneyError):
        Journey(plan).go()
