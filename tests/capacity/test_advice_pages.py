"""The advice on the pool size as page and for programs: from the pools that the reader may see, and of one area."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from factories import MORNING, make_user
from pooling import bench
from results import desk
from signing import bearer, sign_in

from lims import clock
from lims.auth.queries import get_actor
from lims.capacity.counting.folding import fold_all
from lims.capacity.queries.advice import count_area_pools, list_areas
from lims.cli import main
from lims.extensions import db
from lims.pooling.prevalence import PoolCounts
from lims.transaction import writing


def read_english(client, actor) -> None:
    """Sign a browser in that reads English."""
    sign_in(client, actor)
    with client.session_transaction() as session:
        session["language"] = "en"


@pytest.fixture
def lab(world):
    bench.install(world)
    with clock.at(MORNING):
        desk.run_tubes(world, 30)
        desk.run_tubes(world, 10, finding="detected")
        fold_all()
        yield world


def test_the_page_tells_what_each_size_costs_and_says_where_there_is_nothing(client, world):
    read_english(client, world.actor("coordinator"))
    empty = client.get("/advice?days=1")
    assert empty.status_code == 200
    assert "No pool was called in these days" in empty.text
    wrong = client.get("/advice?sensitivity=140")
    assert wrong.status_code == 422
    assert "Enter a percentage from 0 to 100, such as 95." in wrong.text
    blind = client.get("/advice?sensitivity=0")
    assert blind.status_code == 422
    assert "A test that finds nobody cannot be advised on." in blind.text


def test_without_a_campaign_the_page_says_so(client, app):
    with writing() as session:
        user, assignment = make_user("chief", "administrator", None)
        session.add(user)
        session.flush()
        session.add(assignment)
        key = user.id
    read_english(client, get_actor(db.session(), user_id=key))
    page = client.get("/advice")
    assert page.status_code == 200
    assert "Your places have no campaign yet" in page.text
    assert client.get("/scenarios").status_code == 200, "nor has it a province"
    assert client.get("/scenarios/plan").status_code == 200


def test_page_and_api_answer_from_the_same_pools(client, lab):
    read_english(client, lab.actor("coordinator"))
    page = client.get("/advice?sensitivity=95&specificity=99,9")
    assert page.status_code == 200
    assert "4 pools with 40 people" in page.text
    assert "it is not sure yet" in page.text
    headers = bearer(lab.actor("coordinator"))
    read = client.get("/api/v1/advice", headers=headers).get_json()
    assert read["pools"] == [{"size": 10, "tested": 4, "positive": 1}]
    assert read["reactions"] == 1_200
    assert [one["size"] for one in read["advice"]["sizes"]] == [1, 5, 10, 20]
    assert [round(one["prevalence"], 4) for one in read["advice"]["break_even"]] == [0.2752, 0.0236, 0.0054]
    assert client.get("/api/v1/advice?sensitivity=2", headers=headers).status_code == 422
    assert client.get("/api/v1/advice?days=0", headers=headers).status_code == 422


def test_an_area_has_the_pools_whose_tubes_were_all_taken_there(client, lab):
    actor = lab.actor("coordinator")
    areas = list_areas(db.session(), actor=actor, province_id=lab.province_id)
    assert [place.kind for place in areas] == ["district", "commune", "commune"]
    found = {
        place.id: count_area_pools(db.session(), actor=actor, campaign_id=lab.campaign_id, area=place, days=2)
        for place in areas
    }
    assert found[areas[0].id].pools == found[lab.commune_id].pools == [PoolCounts(10, 4, 1)]
    assert found[lab.other_commune_id].pools == []
    read = client.get(f"/api/v1/advice?area_id={lab.other_commune_id}", headers=bearer(actor)).get_json()
    assert (read["advice"], read["prevalence"]) == (None, None)
    assert client.get(f"/api/v1/advice?area_id={lab.site_id}", headers=bearer(actor)).status_code == 404


def test_another_laboratory_sees_none_of_these_pools(client, lab):
    read = client.get("/api/v1/advice", headers=bearer(lab.actor("supervisor_confirming"))).get_json()
    assert (read["pools"], read["reactions"]) == ([], 400)
    assert client.get("/api/v1/advice", headers=bearer(lab.actor("technician"))).status_code == 403


def test_the_command_prints_one_document_and_refuses_in_one_sentence():
    asked = ["capacity", "advise", "--prevalence", "0.01", "--sizes", "1,5,10,20", "--reactions", "6186"]
    done = CliRunner().invoke(main, [*asked, "--json"])
    figures = json.loads(done.output)
    assert figures["best_size"] == 10
    assert figures["sizes"][2]["people_per_day"] == 31_623
    said = CliRunner().invoke(main, [*asked, "--low", "0.004", "--high", "0.02", "--dilution"]).output
    assert "Pools of 20 need more than pools of 10 above 0.54% infected." in said
    assert "90.1% of the infected are found" in said
    assert "It is not sure" not in said, "pools of 20 find too few to be advised"
    for wrong, sentence in (
        (["--reactions", "0"], "No reactions a day test nobody"),
        (["--prevalence", "1.5"], "Enter a share from 0 to 1"),
        (["--sizes", "5,x"], "is no list of sizes"),
    ):
        refused = CliRunner().invoke(main, [*asked, *wrong])
        assert refused.exit_code != 0
        assert sentence in refused.output
