"""Pages and addresses of the commune's rapid-response team."""

from __future__ import annotations

import re
import typing
import uuid

import pytest
from factories import MORNING
from intake.test_follow_ups import DAYS, case, declarations_for, follow, person, sample, waiting
from intake.test_people_pages import hidden
from signing import bearer, sign_in
from sqlalchemy import func, select

from lims import clock
from lims.extensions import db
from lims.intake import rules as intake_rules
from lims.intake.api import contacts as api
from lims.intake.contacts import actions, queries, rules
from lims.intake.contacts.models import FollowUp
from lims.intake.models import Declaration, PersonAccess, ResultCode


@pytest.fixture(autouse=True)
def morning():
    with clock.at(MORNING):
        yield


@pytest.fixture
def team(client, world):
    """A browser signed in as the commune's health worker."""
    return sign_in(client, world.actor("health_worker"))


def test_the_words_of_the_api_are_those_of_the_rules():
    pairs = (
        (api.Class, rules.CLASSES),
        (api.Scheduled, actions.SCHEDULED),
        (api.Known, rules.KNOWN_BY_HAND),
        (api.Symptom, intake_rules.SYMPTOMS),
        (api.EndReason, rules.END_REASONS_BY_HAND),
        (api.Show, queries.SHOWS),
    )
    assert [typing.get_args(literal) for literal, _ in pairs] == [tuple(words) for _, words in pairs]


def test_from_the_case_to_the_printed_slips(world, team):
    of = case(world)
    code = person(world, "Trần Văn Bốn")
    page = team.get("/contacts?show=unlisted").text
    assert f"/contacts/{of}" in page and "Lê Thị Không" in page
    page = team.get(f"/contacts/{of}/contacts?q=bon").text
    assert f'value="{code}"' in page
    form = {**hidden(page), "since": "2021-08-15", "known_by": "named"}
    refused = team.post(f"/contacts/{of}/contacts", data=form)
    assert refused.status_code == 422 and 'href="#declaration"' in refused.text
    late = team.post(f"/contacts/{of}/contacts", data={**form, "chosen": code, "since": "2021-08-17"})
    assert late.status_code == 422 and 'href="#since"' in late.text
    answer = team.post(f"/contacts/{of}/contacts", data={**form, "chosen": code})
    assert answer.location.endswith(f"/contacts/{of}")
    assert "Trần Văn Bốn" in team.get(answer.location).text
    page = team.get("/contacts").text
    (due,) = re.findall(r'name="due_tests" value="([^"]+)"', page)
    form = {**hidden(page), "due_tests": due, "back": "/contacts?show=due"}
    unasked = team.post("/contacts/slips.pdf", data=form)
    assert unasked.location.endswith("/contacts?show=due")
    slips = [team.post("/contacts/slips.pdf", data={**form, "consent": "y"}) for _ in range(2)]
    assert all(one.data.startswith(b"%PDF") for one in slips)
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(ResultCode)) == 3, "the third is the slip's"
    made = db.session.scalars(select(Declaration.code).where(Declaration.status == "open")).one()
    assert made.replace(" ", "") in team.get("/contacts").text.replace("</span><span>", "")
    kinds = set(db.session.scalars(select(PersonAccess.shown_by)))
    assert kinds == {"list", "record", "paper"}


def test_a_record_takes_symptoms_and_its_end_and_a_case_that_there_was_nobody(world, team):
    key, of = follow(world, person(world), ago=0), case(world)
    form = hidden(team.get(f"/contacts/{key}").text)
    team.post(f"/contacts/{key}/symptoms", data={**form, "symptoms": ["fever", "cough"]})
    assert [row.urgent for row in waiting(world)] == [True]
    form = hidden(team.get(f"/contacts/{key}").text)
    team.post(f"/contacts/{key}/end", data={**form, "reason": "moved"})
    form = hidden(team.get(f"/contacts/{of}").text)
    team.post(f"/contacts/{of}/no-contacts", data={**form, "client_id": str(uuid.uuid4())})
    db.session.rollback()
    assert db.session.get(FollowUp, key).end_reason == "moved"
    assert db.session.get(FollowUp, of).listed_at is not None


def test_the_record_promises_no_test_today_to_whom_was_sampled_today(world, team):
    key = follow(world, person(world), ago=1)
    sample(world, declarations_for(world, waiting(world))["declarations"][0]["code"])
    form = hidden(team.get(f"/contacts/{key}").text)
    page = team.post(
        f"/contacts/{key}/symptoms", data={**form, "symptoms": ["fever"]}, follow_redirects=True
    ).text
    assert "17/08/2021" in page
    for promise in ("due today", "đến hạn hôm nay"):
        assert promise not in page


def test_every_list_is_shown_empty_and_full_and_the_home_counts(world, team):
    for show in queries.SHOWS:
        assert 'class="nothing"' in team.get(f"/contacts?show={show}").text, show
    follow(world, person(world), ago=1)
    assert 'class="nothing"' not in team.get("/contacts").text
    assert team.get("/contacts?after=x").status_code == 422
    assert team.get(f"/contacts?commune={world.other_commune_id}").status_code == 404
    home = team.get("/home").text
    assert re.search(r'href="/contacts".*?<span class="figure">1</span>', home, re.DOTALL)


def test_a_coordinator_sets_days_from_a_day_on_and_impossible_ones_are_refused_beside_them(world, client):
    sign_in(client, world.actor("coordinator"))
    url = f"/campaigns/{world.campaign_id}/schedules"
    form = {**hidden(client.get(url).text), "contact_class": "f1", "valid_from": "2021-08-20"}
    for days in ("", "7, 1", "1, 1", "-1", "1, 61", "x"):
        refused = client.post(url, data={**form, "client_id": str(uuid.uuid4()), "days": days})
        assert refused.status_code == 422 and 'href="#days"' in refused.text, days
    assert client.post(url, data={**form, "days": "1, 7"}).status_code == 302
    assert "20/08/2021" in client.get(url).text


def test_programs_do_the_same(world, client):
    head = bearer(world.actor("health_worker"))
    of, code = case(world), person(world)

    def post(path, **body):
        answer = client.post(f"/api/v1{path}", json={"client_id": str(uuid.uuid4()), **body}, headers=head)
        assert answer.status_code == 200, answer.text
        return answer.json

    since = (clock.today() - DAYS).isoformat()
    made = post(f"/contacts/{of}/contacts", declaration=code, since=since, known_by="household")
    assert made["contact_class"] == "f1" and made["due_on"][0] == "2021-08-16"
    listed = client.get("/api/v1/contacts", headers=head).json
    assert listed["counts"] == {"due": 1, "overdue": 0, "symptoms": 0, "unlisted": 0}
    (row,) = listed["contacts"]
    declared = post("/contacts/declarations", due_tests=[row["due_test"]], consent=True)
    assert declared["declared"] == 1
    assert post(f"/contacts/{made['follow_up']}/symptoms", symptoms=["cough"])["due_on"] == "2021-08-16"
    record = client.get(f"/api/v1/contacts/{made['follow_up']}", headers=head).json
    assert (record["of"], record["symptoms"], record["tests"][0]["state"]) == (str(of), ["cough"], "due")
    assert db.session.scalar(
        select(Declaration.has_symptoms).where(Declaration.code == declared["declarations"][0]["code"])
    )
    for show, count in (("symptoms", 1), ("followed", 2), ("unlisted", 0)):
        assert len(client.get(f"/api/v1/contacts?show={show}", headers=head).json["contacts"]) == count
    assert post(f"/contacts/{made['follow_up']}/end", reason="finished")["ended"] == 1
    head = bearer(world.actor("coordinator"))
    post(f"/campaigns/{world.campaign_id}/schedules", contact_class="f2", valid_from=since, days=[3])
    today = client.get(f"/api/v1/campaigns/{world.campaign_id}/schedules", headers=head).json["today"]
    assert today == {"f1": [1, 7, 14], "f2": [3], "f3": [], "quarantined": [1, 7, 14]}
