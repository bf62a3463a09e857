"""The forecast of the live state: page, API and command from the same start, within the reader's places."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from click.testing import CliRunner
from factories import MORNING
from pooling import bench
from pooling.received import receive
from results import desk
from signing import bearer, sign_in

from lims import clock
from lims.capacity.counting.folding import fold_all
from lims.capacity.queries.forecast import read_start
from lims.cli import main
from lims.extensions import db


@pytest.fixture
def lab(world):
    bench.install(world)
    with clock.at(MORNING):
        desk.run_tubes(world, 20)
        desk.run_tubes(world, 1, finding="detected")
        receive(world, 7)
        desk.pool_up(world, receive(world, 5))
        fold_all()
    with clock.at(MORNING + timedelta(hours=2)):
        yield world


def test_where_nothing_was_collected_a_sentence_says_so(client, world):
    sign_in(client, world.actor("coordinator"))
    with client.session_transaction() as session:
        session["language"] = "en"
    page = client.get("/forecast")
    assert page.status_code == 200
    assert "The forecast appears here once samples are collected." in page.text
    headers = bearer(world.actor("coordinator")) | {"Accept-Language": "en"}
    refused = client.get("/api/v1/forecast", headers=headers)
    assert refused.status_code == 422
    assert refused.get_json()["message"].startswith("Nothing waits and nothing was collected")


def test_the_start_holds_every_sample_once(lab):
    db.session.rollback()
    start = read_start(db.session(), actor=lab.actor("coordinator"))
    assert start.state.standing == 33
    one = next(one for one in start.state.laboratories if one.key == str(lab.laboratory_id))
    assert (one.received, one.pooled, one.to_verify) == (7, 5, 20)
    assert one.to_confirm + start.state.held == 1
    assert start.state.collected_per_day == 33
    assert start.state.minute == 60 * clock.local(clock.now()).hour
    assert start.estimate is not None


def test_of_a_young_campaign_an_hour_that_came_once_is_not_halved(lab):
    with clock.at(MORNING + timedelta(hours=5)):
        receive(lab, 10)
        fold_all()
    with clock.at(MORNING + timedelta(hours=26)):
        db.session.rollback()
        state = read_start(db.session(), actor=lab.actor("coordinator")).state
    begin = clock.local(MORNING).hour
    assert state.collected_by_hour[(begin + 5) % 24] == 10, "came once"
    assert state.collected_by_hour[begin] == 16.5, "33 of an hour that came twice"


def test_page_api_and_command_tell_the_same(client, lab):
    actor = lab.actor("coordinator")
    sign_in(client, actor)
    page = client.get("/forecast?days=3")
    assert page.status_code == 200
    shown = json.loads(re.search(r'id="forecast-figures">(.*?)</script>', page.text, re.DOTALL)[1])
    read = client.get("/api/v1/forecast?days=3", headers=bearer(actor)).get_json()
    assert {name: read[name] for name in shown} == shown
    assert read["checks"]["in_is_out_and_inside"] is True
    assert read["standing"] == 33
    told = CliRunner().invoke(main, ["capacity", "forecast", "--days", "3", "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.output)["standing"] == 33
    words = CliRunner().invoke(main, ["capacity", "forecast", "--days", "1", "--replications", "2"])
    assert "What a change would do:" in words.output


def test_a_supervisor_sees_their_laboratory_only(client, lab):
    read = client.get("/api/v1/forecast?days=1", headers=bearer(lab.actor("supervisor"))).get_json()
    places = {one["laboratory_id"] for one in read["stations"]} - {""}
    assert places == {str(lab.laboratory_id)}


def test_odd_input_is_told_at_its_field_and_certainties_can_be_asked(client, lab):
    actor = lab.actor("coordinator")
    sign_in(client, actor)
    odd = (
        ("prevalence", "140"),
        ("prevalence", "nan"),
        ("prevalence", "many"),
        ("pool_size", "0"),
        ("more_shifts", "9"),
        ("days", "99"),
        ("arrivals_percent", "-5"),
        ("seed", "-1"),
    )
    for field, value in odd:
        page = client.get(f"/forecast?{field}={value}")
        assert page.status_code == 422, field
        assert f'<li><a href="#{field}">' in page.text, field
    headers = bearer(actor)
    for query in (
        "prevalence=0",
        "prevalence=1&days=14",
        "arrivals_percent=0",
        "more_laboratories=5&more_shifts=2",
    ):
        assert client.get(f"/api/v1/forecast?{query}", headers=headers).status_code == 200, query
