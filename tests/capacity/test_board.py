"""The board: every waiting sample stands at one station, reactions stand against capacity, the oldest is named."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from factories import MORNING
from pooling import bench
from pooling.received import receive
from results import desk
from signing import bearer, sign_in
from sqlalchemy import update
from statements import count_statements

from lims import clock
from lims.capacity.counting.folding import fold_all
from lims.capacity.figures import Scope
from lims.capacity.measures import STATIONS
from lims.capacity.queries.board import read_board
from lims.capacity.queries.happened import list_happened
from lims.capacity.rules import Load
from lims.extensions import db
from lims.intake.models import Sample, Tube
from lims.transaction import writing


@pytest.fixture
def lab(world):
    bench.install(world)
    return world


def board(world, role: str = "coordinator"):
    """Read the board as a role sees it now."""
    db.session.rollback()
    fold_all()
    return read_board(db.session(), actor=world.actor(role))


def test_every_sample_without_a_released_result_stands_at_one_station(lab):
    run, _tubes = desk.run_tubes(lab, 2)
    desk.verify_and_release(lab, run)
    desk.run_tubes(lab, 3)
    desk.run_tubes(lab, 1, finding="detected")
    receive(lab, 4)
    desk.pool_up(lab, receive(lab, 5))
    figures = board(lab)
    assert {name: count for name, count in figures.stations.items() if count} == {
        "received": 4,
        "pooled": 5,
        "to_verify": 3,
        "held": 1,
    }
    assert (figures.declared, figures.sampled, figures.released) == (15, 15, 2)
    assert sum(figures.stations.values()) == figures.sampled - figures.released


def test_a_tube_at_the_site_is_seen_by_the_coordinator_and_not_counted_at_a_laboratory(lab):
    tubes = receive(lab, 1)
    with writing() as session:
        session.execute(
            update(Tube)
            .where(Tube.code.in_(tubes))
            .values(status="used", laboratory_id=None, received_at=None)
        )
    assert board(lab).stations["at_the_site"] == 1
    assert board(lab, "supervisor").stations["at_the_site"] == 0
    assert all(row.standing == 0 for row in board(lab).laboratories)


def test_the_list_behind_received_has_what_was_received(lab):
    tubes = receive(lab, 3)
    with writing() as session:
        session.execute(
            update(Tube)
            .where(Tube.code == tubes[0])
            .values(status="used", laboratory_id=None, received_at=None)
        )
    rows = list_happened(
        db.session(), actor=lab.actor("coordinator"), scope=Scope(), measure="received", day=clock.today()
    )
    assert sorted(row.tube for row in rows) == sorted(tubes[1:])


def test_reactions_of_today_stand_against_the_days_capacity(lab):
    with clock.at(MORNING - timedelta(days=1)):
        desk.run_tubes(lab, 20)
    with clock.at(MORNING):
        desk.run_tubes(lab, 30)
        desk.pool_up(lab, receive(lab, 10))
        bench.plan(lab)
        row = next(row for row in board(lab).laboratories if row.id == lab.laboratory_id)
    assert (row.screening.used, row.screening.planned, row.screening.capacity) == (3, 1, 800)
    assert row.screening.free == 796


def test_confirmations_are_counted_against_the_capacity_to_confirm(lab):
    from results.test_verification import detected_and_confirmed

    detected_and_confirmed(lab)
    rows = {row.id: row for row in board(lab).laboratories}
    assert (rows[lab.confirming_id].confirmation.used, rows[lab.confirming_id].screening.used) == (1, 0)
    assert rows[lab.laboratory_id].screening.used == 1


def test_the_oldest_waiting_is_named_for_each_laboratory(lab):
    first, second = receive(lab, 2)
    with writing() as session:
        tube_id = db.session.query(Tube.id).filter_by(code=second).scalar()
        session.execute(
            update(Sample)
            .where(Sample.tube_id == tube_id)
            .values(sampled_at=clock.now() - timedelta(hours=9))
        )
    db.session.rollback()
    oldest = board(lab).oldest
    assert (oldest.tube, oldest.laboratory) == (second, "Phòng xét nghiệm A")
    assert first != second


def test_a_supervisor_sees_the_own_laboratory_only(lab):
    assert [row.id for row in board(lab, "supervisor").laboratories] == [lab.laboratory_id]
    assert len(board(lab).laboratories) == 2


def test_free_capacity_is_never_negative():
    assert Load(used=90, planned=20, capacity=100).free == 0
    assert Load(used=0, planned=0, capacity=0).percent == 0


def test_the_board_costs_the_same_for_1_and_for_300_samples(lab):
    spent = []
    for count in (1, 300):
        desk.run_tubes(lab, count)
        fold_all()
        db.session.rollback()
        with count_statements() as sent:
            read_board(db.session(), actor=lab.actor("coordinator"))
        spent.append(len(sent))
    assert spent[0] == spent[1] <= 30


@pytest.mark.parametrize("role", ["coordinator", "supervisor", "administrator"])
def test_the_page_shows_six_numbers_that_are_links_and_a_table_under_the_charts(lab, client, role):
    run, _tubes = desk.run_tubes(lab, 2)
    desk.verify_and_release(lab, run)
    fold_all()
    page = sign_in(client, lab.actor(role)).get("/board")
    assert page.status_code == 200
    assert page.text.count('<a class="tile') == 6
    charts = re.findall(r'<figure class="chart.*?</figure>', page.text, re.DOTALL)
    assert len(charts) == 4
    assert all("<table" in chart and "<canvas" in chart for chart in charts)


@pytest.mark.parametrize("role", ["coordinator", "supervisor", "administrator"])
def test_the_longest_waiting_tube_and_the_numbers_lead_where_the_role_may_go(lab, client, role):
    receive(lab, 2)
    oldest = board(lab).oldest.tube
    sign_in(client, lab.actor(role))
    page = client.get("/board").text
    main = page.split("<main")[1]
    assert main.count(f'href="/tubes/{oldest}"') == 2
    steps = page.split('<ol class="flow flow-of-board">')[1].split("</ol>")[0]
    ways = set(re.findall(r'href="(/[^"]*)"', steps))
    assert ways >= {f"/board/waiting?station={name}" for name in STATIONS}
    assert {way: client.get(way).status_code for way in ways} == dict.fromkeys(ways, 200)


def test_programs_get_the_same_figures(lab, client):
    receive(lab, 2)
    fold_all()
    answer = client.get("/api/v1/board", headers=bearer(lab.actor("coordinator"))).json
    assert answer["stations"]["received"] == 2
    assert set(answer["stations"]) == set(STATIONS)
