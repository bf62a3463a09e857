"""Folding: what was changed is counted once, whatever becomes of it; the summaries are what a recount gives."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pooling import bench
from pooling.received import receive
from results import desk

from lims import clock
from lims.auth.actors import SYSTEM
from lims.capacity.counting.folding import fold, fold_all
from lims.capacity.counting.parts import TOTAL
from lims.capacity.counting.summaries import read_all
from lims.capacity.figures import Scope
from lims.capacity.queries import figures
from lims.extensions import db
from lims.pooling.prevalence import PoolCounts


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


def numbers(table: str) -> dict[tuple[str, str], int]:
    """Return the numbers of a table by word and detail, over all places and periods."""
    db.session.rollback()
    found: dict[tuple[str, str], int] = {}
    for key, number in read_all(db.session()).items():
        if key.table == table and key.grain == TOTAL:
            found[key.word, key.detail] = found.get((key.word, key.detail), 0) + number
    return {name: number for name, number in found.items() if number}


def test_samples_are_counted_where_they_stand_and_by_what_happened(lab):
    run, _tubes = desk.run_tubes(lab, 2)
    desk.verify_and_release(lab, run)
    desk.run_tubes(lab, 3)
    receive(lab, 4)
    desk.pool_up(lab, receive(lab, 5))
    fold_all()
    assert numbers("level") == {("received", ""): 4, ("pooled", ""): 5, ("to_verify", ""): 3}
    day = numbers("day_count")
    assert day["declared", ""] == day["collected", ""] == day["received", ""] == 14
    assert day["pooled", ""] == 10
    assert day["tested", "not_detected"] == 5
    assert day["released", "not_detected"] == 2
    assert fold(actor=SYSTEM) == {"folded": 0, "things": 0, "numbers": 0}


def test_figures_are_read_from_the_summaries_and_only_of_the_actors_places(lab):
    run, _tubes = desk.run_tubes(lab, 2)
    desk.verify_and_release(lab, run)
    waiting = receive(lab, 4)
    fold_all()
    session, today = db.session(), clock.today()
    for role, collected in (("coordinator", 6), ("administrator", 6), ("supervisor", 0)):
        day = figures.read_day(session, actor=lab.actor(role), scope=Scope(), first_on=today, last_on=today)
        assert (day.total("collected"), day.total("received"), day.total("released")) == (collected, 6, 2)
        assert day.standing["received"] == 4 == sum(day.standing.values())
        assert day.legs["collected_received"].total == 6 if role != "supervisor" else True
    for role, number in (("coordinator", 4), ("supervisor", 4), ("supervisor_confirming", 0)):
        actor = lab.actor(role)
        assert figures.read_standing(session, actor=actor, scope=Scope())["received"] == number
        rows = figures.list_waiting(session, actor=actor, scope=Scope(), station="received")
        assert sorted(row.tube for row in rows) == (sorted(waiting) if number else [])
        oldest = figures.find_oldest(session, actor=actor, scope=Scope())
        assert (oldest and oldest.tube) == (rows[0].tube if rows else None)
    for place, number in (("commune_id", 4), ("other_commune_id", 0)):
        scope = Scope(commune_id=getattr(lab, place))
        assert (
            figures.read_standing(session, actor=lab.actor("coordinator"), scope=scope)["received"] == number
        )
    rows = figures.read_laboratories(session, actor=lab.actor("coordinator"), scope=Scope())
    assert [(row.day.total("received"), row.day.standing["received"]) for row in rows] == [(6, 4), (0, 0)]
    assert sum(hour.counts.get("received", 0) for hour in rows[0].hours) == 6 and len(rows[0].hours) == 24
    assert rows[0].oldest is not None and rows[1].oldest is None
    hours = figures.read_hours(
        session,
        actor=lab.actor("coordinator"),
        scope=Scope(),
        since=clock.now() - timedelta(hours=2),
        until=clock.now() + timedelta(minutes=1),
    )
    assert sum(hour.counts.get("collected", 0) for hour in hours) == 6
    pools = figures.read_pools(
        session, actor=lab.actor("coordinator"), scope=Scope(), first_on=today, last_on=today
    )
    assert pools == [PoolCounts(size=2, tested=1, positive=0)]
