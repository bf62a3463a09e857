"""Scenarios as pages, for programs and on the command line; kept ones belong to a province."""

from __future__ import annotations

import json
import re
import uuid

from click.testing import CliRunner
from signing import bearer, sign_in

from lims.capacity.scenarios import queries
from lims.cli import main
from lims.extensions import db

FORM = {"shown": "1", "cases": "1000", "days": "1", "contacts_per_case": "0", "schedule": "1, 7, 14"}
LABORATORIES = [{"name": "A", "screening_per_day": 6_186, "confirmation_per_day": 550}]


def read_english(client, actor) -> None:
    """Sign a browser in that reads English."""
    sign_in(client, actor)
    with client.session_transaction() as session:
        session["language"] = "en"


def ask(client, **changes):
    values = FORM | {"screening_per_day": "6186", "confirmation_per_day": "550"} | changes
    return client.get("/scenarios/plan", query_string=values)


def kept(world):
    db.session.rollback()
    return queries.list_scenarios(db.session(), actor=world.actor("coordinator"))


def test_a_scenario_is_planned_kept_compared_and_dropped(client, world):
    read_english(client, world.actor("coordinator"))
    usual = client.get("/scenarios")
    assert usual.status_code == 200
    assert "Cases: 10,000" in usual.text
    empty = client.get("/scenarios/plan")
    assert re.search(r'name="screening_per_day" inputmode="decimal" value="1200"', empty.text)
    page = ask(client)
    assert page.status_code == 200
    assert "Confirmation breaks first, on day 1" in page.text
    fields = dict(
        re.findall(r'name="(client_id|csrf_token|document|province_id)" value="([^"]*)"', page.text)
    )
    fields["document"] = fields["document"].replace("&#34;", '"')
    nameless = client.post("/scenarios/keep", data=fields | {"name": " "}, follow_redirects=True)
    assert "Give the scenario a name" in nameless.text
    for odd in ("{", "[]", '{"schedules": [5]}', '{"rounds": [5], "name": ""}'):
        odd_form = fields | {"document": odd, "client_id": str(uuid.uuid4())}
        assert client.post("/scenarios/keep", data=odd_form).status_code == 422, "never calculated"
    for name in ("Một nghìn ca", "Như trên"):
        fields["client_id"] = str(uuid.uuid4())
        done = client.post("/scenarios/keep", data=fields | {"name": name}, follow_redirects=True)
        assert name in done.text
    rows = kept(world)
    assert len(rows) == 2
    both = client.get("/scenarios", query_string={"scenario_id": [str(row.id) for row in rows]})
    assert both.text.count("Confirmation breaks first") == 2
    again = client.get(f"/scenarios/plan?scenario_id={rows[0].id}")
    assert "Confirmation breaks first, on day 1" in again.text
    client.post(
        f"/scenarios/{rows[0].id}/drop",
        data={"csrf_token": fields["csrf_token"], "client_id": str(uuid.uuid4())},
    )
    assert len(kept(world)) == 1


WRONG = [
    ({"hours_per_day": "25"}, "Hours of sampling a day: enter"),
    ({"screening_per_day": "0"}, "Screening capacity is 0"),
    ({"confirmation_per_day": ""}, "Confirmation capacity is 0"),
    ({"contact_prevalence": "0"}, "“Infected among contacts”: enter a percentage"),
    ({"contact_prevalence": "100"}, "“Infected among contacts”: enter a percentage"),
    ({"schedule": "0, 7"}, "day 0 is impossible"),
    ({"schedule": "7, 1"}, "Write the days in their order"),
    ({"schedule": "7, 7"}, "is there twice"),
    ({"schedule": "seven"}, "list them as whole numbers"),
    ({"cases": "many"}, "Cases in all: enter"),
    ({"round_people_0": "5", "round_days_0": "900"}, "Rounds: each has"),
    ({"starts_on": "x"}, "Write the day as 2021-08-16"),
    ({"cases": "10.5"}, "Cases in all: enter"),
    ({"contact_prevalence": "101"}, "enter a percentage above 0 and below 100, such as 2."),
    ({"sensitivity": "-1"}, "enter a percentage from 0 to 100, such as 95."),
]


def test_what_cannot_be_is_one_sentence_and_the_form_keeps_what_was_written(client, world):
    read_english(client, world.actor("coordinator"))
    for changes, sentence in WRONG:
        page = ask(client, **changes)
        assert page.status_code == 422
        assert sentence in page.text
        assert "plan-chart" not in page.text
        for name, written in changes.items():
            assert f'name="{name}"' in page.text
            assert f'value="{written}"' in page.text


def test_thousands_are_read_as_the_pages_write_them(client, world):
    read_english(client, world.actor("coordinator"))
    plain = ask(client, cases="5000", screening_per_day="6186", round_people_0="50000").text
    for thousand in (".", ",", " "):
        written = {
            "cases": f"5{thousand}000",
            "screening_per_day": f"6{thousand}186",
            "round_people_0": f"50{thousand}000",
        }
        page = ask(client, **written)
        assert page.status_code == 200
        assert (
            page.text.split('id="result"')[1].split("</h2>")[0]
            == plain.split('id="result"')[1].split("</h2>")[0]
        )
        people = re.search(r"([\d,]+) people to sample", page.text)
        assert people is not None
        assert people[1] == re.search(r"([\d,]+) people to sample", plain)[1]


def test_a_kept_scenario_of_a_program_is_shown_as_it_was_kept(client, world):
    read_english(client, world.actor("coordinator"))
    document = {
        "name": "four rounds",
        "cases": 1000,
        "strategy": "halves",
        "rounds": [{"first_day": 1, "days": 5, "people": 10_000}] * 4,
        "laboratories": LABORATORIES,
    }
    headers = bearer(world.actor("coordinator"))
    sent = {"client_id": str(uuid.uuid4()), "province_id": str(world.province_id), "document": document}
    key = client.post("/api/v1/scenarios", json=sent, headers=headers).get_json()["scenario"]
    plan = client.post("/api/v1/scenarios/calculate", json={"document": document}, headers=headers).get_json()
    page = client.get(f"/scenarios/plan?scenario_id={key}")
    assert f"{plan['totals']['people']:,} people to sample" in page.text
    fields = dict(re.findall(r'name="([\w-]+)"[^>]*? value="([^"]*)"', page.text.split('name="shown"')[1]))
    again = client.get("/scenarios/plan", query_string=fields | {"shown": "1"})
    assert f"{plan['totals']['people']:,} people to sample" in again.text, "and so it is sent again"
    assert 'name="strategy" value="halves"' in again.text


def test_programs_calculate_keep_list_and_drop(client, world):
    headers = bearer(world.actor("coordinator")) | {"Accept-Language": "en"}
    document = {"name": "x", "cases": 10_000, "days": 1, "contacts_per_case": 0, "laboratories": LABORATORIES}
    plan = client.post("/api/v1/scenarios/calculate", json={"document": document}, headers=headers).get_json()
    assert (round(plan["case_days"], 1), len(plan["days"])) == (18.2, 19)
    live = client.post("/api/v1/scenarios/calculate", json={"document": {"cases": 5}}, headers=headers)
    assert live.get_json()["screening_per_day"] == 1_200
    refused = client.post(
        "/api/v1/scenarios/calculate", json={"document": {"laboratories": []}}, headers=headers
    )
    assert refused.status_code == 422
    sent = {"client_id": str(uuid.uuid4()), "province_id": str(world.province_id), "document": document}
    first, second = (
        client.post("/api/v1/scenarios", json=sent, headers=headers).get_json() for _ in range(2)
    )
    assert first == second, "sent twice, kept once"
    listed = client.get("/api/v1/scenarios", headers=headers).get_json()["scenarios"]
    assert [one["document"] for one in listed] == [
        document | {"starts_on": listed[0]["document"]["starts_on"]}
    ]
    assert (
        client.post("/api/v1/scenarios", json=sent, headers=bearer(world.actor("supervisor"))).status_code
        == 403
    )
    elsewhere = sent | {"client_id": str(uuid.uuid4()), "province_id": str(uuid.uuid4())}
    assert client.post("/api/v1/scenarios", json=elsewhere, headers=headers).status_code == 404
    dropped = client.post(
        f"/api/v1/scenarios/{first['scenario']}/drop", json={"client_id": str(uuid.uuid4())}, headers=headers
    )
    assert dropped.get_json() == first


def test_the_command_reads_the_sample_of_the_guide(tmp_path):
    with open("docs/guides/planning.md", encoding="utf-8") as guide:
        sample = re.search(r"```json\n(.*?)```", guide.read(), re.DOTALL)
    assert sample
    file = tmp_path / "scenario.json"
    file.write_text(sample[1], encoding="utf-8")
    done = CliRunner().invoke(main, ["capacity", "scenario", str(file), "--json"])
    assert done.exit_code == 0, done.output
    figures = json.loads(done.output)
    assert figures["breaks"]
    assert figures["first_break"].startswith(figures["breaks"][0]["what"].capitalize())
    assert "breaks first" in CliRunner().invoke(main, ["capacity", "scenario", str(file)]).output
    for text, sentence in (
        ("{", "no JSON"),
        ("[]", "one JSON object"),
        ('{"laboratories": []}', "there is none"),
    ):
        file.write_text(text)
        refused = CliRunner().invoke(main, ["capacity", "scenario", str(file), "--json"])
        assert refused.exit_code != 0
        assert sentence in refused.output
