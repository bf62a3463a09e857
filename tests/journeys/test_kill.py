"""The server is killed in the middle of a journey and started again: nothing is lost, nothing is doubled."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context

import pytest
from engines import make_app
from servers import running
from sqlalchemy import func, select

from lims import audit
from lims.capacity.queries.reconciliation import reconcile
from lims.demo.province import PASSWORD
from lims.extensions import db, vault
from lims.intake.models import Declaration, Sample
from lims.journey.program import Journey, Plan
from lims.results.models import Result

PEOPLE = 120
# killed once while people declare, once on the way, once in the laboratory
KILLED_AT = ("declare", "box", "run")


@pytest.fixture
def server(database_url, tmp_path):
    """A demonstration on a fresh database."""
    with running(database_url, tmp_path, people=0) as process:
        yield process


def test_a_journey_survives_a_server_that_is_killed(server, database_url, tmp_path):
    plan = Plan(
        url=server.url, people=PEOPLE, prevalence=0.05, clients=4, seed=11, password=PASSWORD, patience_s=180
    )
    journey = Journey(plan)
    with ThreadPoolExecutor(1) as threads:
        going = threads.submit(Context().run, journey.go)
        for station in KILLED_AT:
            _wait_until_at_work(journey, station, going)
            server.kill()
            time.sleep(0.5)
            server.start()
        outcome = going.result(timeout=300)
    assert outcome.is_proved, outcome
    assert server.stop() == 0
    _check_nothing_doubled(database_url, tmp_path)


def _wait_until_at_work(journey: Journey, station: str, going) -> None:
    """Wait until a station has begun, then a moment longer, so that its requests are on their way."""
    deadline = time.monotonic() + 180
    while station not in journey.outcome.tally.stations:
        assert not going.done(), going.result()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(0.15)


def _check_nothing_doubled(database_url: str, tmp_path) -> None:
    app = make_app(database_url, tmp_path)
    with app.app_context():
        session = db.session()
        assert session.scalar(select(func.count()).select_from(Declaration)) == PEOPLE
        attempts = Counter(session.execute(select(Sample.declaration_id, Sample.attempt)).all())
        assert set(attempts.values()) == {1}
        current = session.scalars(select(Result.sample_id).where(Result.status != "superseded")).all()
        assert len(current) == len(set(current))
        assert [identity.name for identity in reconcile(session) if not identity.holds] == []
        _, faults = audit.verify(session, vault=vault())
        assert faults == []
        db.session.remove()
        db.engine.dispose()
