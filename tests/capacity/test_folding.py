"""Folding: what was changed is counted once, whatever becomes of it; the summaries are what a recount gives."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from factories import MORNING
from field.phones import make_enrolment
from intake.people import collect, collect_people, declare, print_tubes, scan, send_box
from pooling import bench
from pooling.received import receive
from results import desk
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from lims import clock, uncounted
from lims.auth.actors import SYSTEM
from lims.capacity.counting import summaries
from lims.capacity.counting.commands import rebuild_command
from lims.capacity.counting.folding import fold, fold_all, take_turn
from lims.capacity.counting.parts import TOTAL
from lims.capacity.counting.recounting import recount
from lims.capacity.counting.summaries import read_all
from lims.capacity.counting.work import fold_due
from lims.capacity.figures import Scope
from lims.capacity.models.counts import DayCount
from lims.capacity.queries import figures
from lims.errors import InvalidInput
from lims.extensions import db
from lims.field.models import Enrolment
from lims.intake.models import Tube
from lims.pooling.prevalence import PoolCounts
from lims.transaction import open_snapshot, writing
from lims.uncounted import Uncounted


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


def test_a_fold_that_dies_in_the_middle_changes_nothing(lab, monkeypatch):
    receive(lab, 3)
    db.session.rollback()
    queued = db.session.scalar(select(func.count()).select_from(Uncounted))
    real = summaries.add_differences

    def die(session, differences, **more):
        real(session, differences, **more)
        raise RuntimeError("killed")

    monkeypatch.setattr(summaries, "add_differences", die)
    with pytest.raises(RuntimeError):
        fold(actor=SYSTEM)
    monkeypatch.setattr(summaries, "add_differences", real)
    assert numbers("level") == {} == numbers("day_count")
    assert db.session.scalar(select(func.count()).select_from(Uncounted)) == queued > 0
    fold_all()
    assert numbers("level") == {("received", ""): 3}


def test_two_folders_at_once_count_once(app, lab):
    receive(lab, 12)
    db.session.rollback()

    def run(_number: int) -> int:
        with app.app_context():
            return int(fold(actor=SYSTEM, most=5)["folded"])

    with ThreadPoolExecutor(4) as pool:
        folded = list(pool.map(run, range(8)))
    assert sum(folded) == 24 and max(folded) == 5
    assert numbers("level") == {("received", ""): 12}
    assert holds()


def test_a_worker_leaves_the_folding_to_the_one_that_is_at_it(app, lab):
    receive(lab, 2)
    with writing() as session:
        assert take_turn(session)
        if session.get_bind().dialect.name == "postgresql":
            with Session(db.engine) as other:
                assert not take_turn(other, waits=False)
    assert fold_due() == 4
    assert fold_due() == 0
    assert figures.counted_until(db.session()) <= clock.now()


def test_a_late_scan_changes_yesterday_as_known_now_and_not_as_known_then(world):
    yesterday, today = MORNING, MORNING + timedelta(days=1)
    with clock.at(yesterday):
        collect_people(world, 2)
        fold_all()
    with clock.at(today):
        [code], [tube] = declare(world, 1), print_tubes(world, 1)
        collect(world, [scan(tube, code, yesterday + timedelta(hours=3))])
        fold_all()
        known = {
            on: read_yesterday(world, yesterday.date(), on).total("collected")
            for on in (yesterday.date(), today.date(), None)
        }
        assert known == {yesterday.date(): 2, today.date(): 3, None: 3}
        assert read_yesterday(world, yesterday.date(), None).standing["at_the_site"] == 2
        now = figures.read_standing(db.session(), actor=world.actor("coordinator"), scope=Scope())
        assert now["at_the_site"] == 3
        days = figures.read_days(
            db.session(),
            actor=world.actor("coordinator"),
            scope=Scope(),
            first_on=yesterday.date(),
            last_on=today.date(),
        )
        assert [counts.get(("collected", ""), 0) for _, counts in days] == [3, 0]


def test_a_team_is_that_of_the_collectors_enrolment(world):
    with clock.at(MORNING):
        collect_people(world, 2)
        fold_all()
        make_enrolment(world, team="Tổ 7")
        with writing() as session:
            uncounted.touch(session, "enrolment", session.scalars(select(Enrolment.id)))
        fold_all()
        for team, number in (("Tổ 7", 2), ("Tổ 1", 0)):
            standing = figures.read_standing(
                db.session(), actor=world.actor("coordinator"), scope=Scope(team=team)
            )
            assert standing["at_the_site"] == number
        assert holds()


def test_rebuild_finds_what_was_written_past_the_actions_and_corrects_it_today(lab, app):
    receive(lab, 3)
    fold_all()
    with writing() as session:
        session.execute(update(Tube).values(status="used", laboratory_id=None, received_at=None))
        session.execute(update(DayCount).where(DayCount.measure == "declared").values(number=99))
    assert not holds()
    runner = app.test_cli_runner()
    answer = runner.invoke(rebuild_command, ["--check"])
    assert answer.exit_code == 1 and "differ from a recount" in answer.output
    assert "3 of kind sample stand otherwise" in answer.output
    assert runner.invoke(rebuild_command, []).exit_code == 0
    assert runner.invoke(rebuild_command, ["--check", "--json"]).exit_code == 0
    assert numbers("level") == {("at_the_site", ""): 3}
    assert numbers("day_count")["declared", ""] == 3


def test_bad_days_and_stations_are_a_sentence(world):
    actor, today = world.actor("coordinator"), clock.today()
    with pytest.raises(InvalidInput):
        figures.read_day(
            db.session(), actor=actor, scope=Scope(), first_on=today, last_on=today - timedelta(days=1)
        )
    with pytest.raises(InvalidInput):
        figures.list_waiting(db.session(), actor=actor, scope=Scope(), station="elsewhere")
    now = clock.now()
    with pytest.raises(InvalidInput):
        figures.read_hours(db.session(), actor=actor, scope=Scope(), since=now, until=now)
    assert figures.find_oldest(db.session(), actor=actor, scope=Scope()) is None
    assert figures.read_pools(db.session(), actor=actor, scope=Scope(), first_on=today, last_on=today) == []


def read_yesterday(world, day, known_on):
    """Return a day's figures as they were known at the end of a day."""
    db.session.rollback()
    return figures.read_day(
        db.session(),
        actor=world.actor("coordinator"),
        scope=Scope(),
        first_on=day,
        last_on=day,
        known_on=known_on,
    )


def holds() -> bool:
    """Tell whether the summaries equal a recount."""
    with open_snapshot() as session:
        return recount(session).holds


def test_what_is_sent_is_on_the_road_to_its_laboratory(world):
    _codes, tubes = collect_people(world, 3)
    fold_all()
    assert numbers("level") == {("at_the_site", ""): 3}
    send_box(world, tubes)
    with writing() as session:
        # what the packing has noted of the tubes themselves is left out: the box alone says that they left
        session.execute(delete(Uncounted).where(Uncounted.subject_kind != "box"))
    fold_all()
    assert numbers("level") == {("on_the_road", ""): 3}
    on_its_way = figures.read_standing(db.session(), actor=world.actor("supervisor"), scope=Scope())
    assert on_its_way["on_the_road"] == 3
    assert holds()
