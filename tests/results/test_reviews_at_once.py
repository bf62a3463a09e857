"""What two people do at the same moment: neither overlooks what the other does."""

from __future__ import annotations

import threading
import uuid

import pytest
from pooling import bench
from pooling.received import receive
from reconciled import assert_reconciled
from results import desk
from sqlalchemy import select
from stating import declare

from lims import clock
from lims.extensions import db
from lims.intake.actions import collections
from lims.intake.collecting import CollectionScan
from lims.intake.models import Discrepancy
from lims.pooling.models import Pool
from lims.results.actions import review

WAIT_S = 0.5


@pytest.fixture
def two_plates(world):
    """A positive pool of four whose retests stand on two plates with their readings in; one of them is detected."""
    bench.install(world)
    tubes = receive(world, 4)
    desk.run_plate(world, dict.fromkeys(desk.pool_up(world, tubes, size=4), "detected"))
    retests = sorted(bench.pools_of(tube)[-1].code for tube in tubes)
    plates = [bench.plan(world, pool_codes=half) for half in (retests[:2], retests[2:])]
    for plate in plates:
        bench.read(world, plate, {retests[0]: "detected"})
    return tubes, [plate["run"] for plate in plates]


def test_siblings_on_two_plates_reviewed_at_once_all_get_their_results(app, world, two_plates, monkeypatch):
    tubes, runs = two_plates
    both_began = threading.Barrier(2, timeout=10)
    real = review.apply_calls

    def slow_apply_calls(session, **kwargs):
        # the slower one reads while the quicker one has not committed yet
        resolution = real(session, **kwargs)
        threading.Event().wait(WAIT_S)
        return resolution

    monkeypatch.setattr(review, "apply_calls", slow_apply_calls)

    def review_one(code: str) -> None:
        with app.app_context():
            both_began.wait()
            review.review_run(actor=world.actor("technician"), run_code=code)

    threads = [threading.Thread(target=review_one, args=(code,)) for code in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    findings = sorted(desk.result_of(tube).finding for tube in tubes)
    assert findings == ["detected", "not_detected", "not_detected", "not_detected"]
    assert_reconciled(db.session())
    waiting = db.session.scalars(select(Pool.code).where(Pool.status == "closed", Pool.purpose == "retest"))
    assert waiting.all() == []


def test_a_name_bound_while_its_plate_is_reviewed_is_reported_or_known_as_late(app, world, monkeypatch):
    bench.install(world)
    [tube] = receive(world, 1, named=False)
    desk.pool_up(world, [tube])
    plate = bench.plan(world)
    bench.read(world, plate)
    declared = declare(world)[0]["declaration_code"]
    bound = threading.Event()
    real = collections.open_discrepancies

    def slow_end(session, **kwargs):
        bound.set()
        threading.Event().wait(WAIT_S)
        return real(session, **kwargs)

    monkeypatch.setattr(collections, "open_discrepancies", slow_end)

    def collect() -> None:
        with app.app_context():
            scan = CollectionScan(uuid.uuid4(), tube, declared, clock.now())
            collections.register_collections(
                actor=world.actor("collector"), place_id=world.site_id, session_id=uuid.uuid4(), scans=[scan]
            )

    collector = threading.Thread(target=collect)
    collector.start()
    assert bound.wait(10)
    review.review_run(actor=world.actor("technician"), run_code=plate["run"])
    collector.join()
    db.session.rollback()
    late = db.session.scalars(select(Discrepancy.kind).where(Discrepancy.kind == "late_binding")).all()
    assert desk.results_of(tube) or late
