"""The same scans come twice at one moment, from their phone and from whoever carries its file; and two phones want one
tube at one moment: each scan is judged once, and one of the two is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from apiflask import APIFlask
from factories import MORNING
from field.phones import Phone, enrolled
from intake.people import declare, print_tubes
from reconciled import assert_reconciled
from sqlalchemy import func, select

from lims import clock
from lims.extensions import db
from lims.field.models import FieldScan
from lims.intake.models import Discrepancy, Sample


@pytest.fixture(autouse=True)
def morning():
    with clock.at(MORNING):
        yield


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run calls in threads with a clock as this test's, outside its application context; return what each answered."""

    def run(call: Callable[[], Any]) -> Any:
        with clock.at(MORNING):
            return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        running = [pool.submit(run, call) for call in calls]
        return [one.result(timeout=120) for one in running]


def apart(app: APIFlask, phone: Phone) -> Phone:
    """Give a phone a connection of its own, outside the test's application context."""
    phone.client = app.test_client()
    return phone


def test_the_same_scans_handed_in_twice_at_one_moment_are_judged_once(app, world, client):
    phone, carrier = (apart(app, enrolled(world, client, role)) for role in ("collector", "collector_2"))
    slips = [phone.bind(*pair) for pair in zip(print_tubes(world, 40), declare(world, 40), strict=True)]
    file = phone.make_file(slips)
    db.session.rollback()

    def carry() -> Any:
        return carrier.client.post("/api/v1/field/files", json={"file": file}, headers=carrier.headers)

    sent, sent_again, carried = at_once(lambda: phone.post(slips), lambda: phone.post(slips), carry)
    assert {answer.status_code for answer in (sent, sent_again, carried)} == {200}
    assert sent.json["verdicts"] == sent_again.json["verdicts"]
    assert Counter(verdict["verdict"] for verdict in sent.json["verdicts"]) == {"good": 40}
    db.session.rollback()
    for table in (FieldScan, Sample):
        assert db.session.scalar(select(func.count()).select_from(table)) == 40
    assert db.session.scalar(select(func.count()).select_from(Discrepancy)) == 0
    assert_reconciled(db.session())


def test_two_phones_that_bind_the_same_tubes_at_one_moment_leave_one_loser_each(app, world, client):
    phones = [apart(app, enrolled(world, client, role)) for role in ("collector", "collector_2")]
    tubes, people = print_tubes(world, 20), declare(world, 40)
    batches = [
        [phone.bind(tube, person) for tube, person in zip(tubes, people[half : half + 20], strict=True)]
        for phone, half in zip(phones, (0, 20), strict=True)
    ]
    db.session.rollback()
    first, second = at_once(
        *(lambda one=one: one[0].send(*one[1]) for one in zip(phones, batches, strict=True))
    )
    for one, other in zip(first, second, strict=True):
        assert sorted((one["verdict"], other["verdict"])) == ["good", "wrong"]
    db.session.rollback()
    found = db.session.execute(
        select(Discrepancy.kind, func.count(Discrepancy.tube_id.distinct())).group_by(Discrepancy.kind)
    )
    assert dict(map(tuple, found)) == {"tube_reused": 20}
    assert_reconciled(db.session())
