"""The health station's list: its commune alone, who was told and when, noted once."""

from __future__ import annotations

import uuid

import pytest
from pooling.received import samples_of
from results import desk
from results.test_portal import issue_code, lab, read  # noqa: F401  (a fixture)
from signing import sign_in
from sqlalchemy import func, select, update

from lims.audit import Event
from lims.errors import InvalidInput, NotFound, WrongState
from lims.extensions import db
from lims.intake.models import Person, PersonAccess, Sample
from lims.results.actions.amendment import amend_result
from lims.results.actions.telling import note_told
from lims.results.queries.commune import CommuneFilter, list_commune_results
from lims.transaction import writing


def listed(world, role: str = "health_worker", **wanted) -> list[str]:
    """Return the tubes' codes on the list of the world's commune."""
    db.session.rollback()
    rows, _cursor = list_commune_results(
        db.session(),
        actor=world.actor(role),
        wanted=CommuneFilter(commune_id=wanted.pop("commune_id", world.commune_id), **wanted),
    )
    return [row.sample.tube.code for row in rows]


@pytest.fixture
def told(lab):  # noqa: F811
    """Three released negatives and one result that is not released."""
    run, tubes = desk.run_tubes(lab, 3)
    desk.verify_and_release(lab, run)
    desk.run_tubes(lab, 1)
    return lab, tubes


def test_only_released_results_of_the_commune_are_listed(told):
    world, tubes = told
    assert sorted(listed(world)) == sorted(tubes)
    assert listed(world, finding="detected") == []
    with pytest.raises(NotFound):
        listed(world, commune_id=world.other_commune_id)
    with pytest.raises(NotFound):
        listed(world, commune_id=None)


def test_who_has_read_or_was_told_is_no_longer_waited_for(told):
    world, tubes = told
    read(issue_code(tubes[0]))
    note_told(actor=world.actor("health_worker"), result_ids=[desk.result_of(tubes[1]).id])
    assert listed(world) == [tubes[2]]
    assert sorted(listed(world, untold=False)) == sorted(tubes)


def test_telling_is_noted_once_with_its_event_and_whoever_was_first(told):
    world, tubes = told
    ids = [desk.result_of(tube).id for tube in tubes]
    client_id = uuid.uuid4()
    for _ in range(2):
        answer = note_told(actor=world.actor("health_worker"), client_id=client_id, result_ids=ids[:2])
        assert answer == {"told": 2, "before": 0}
    assert note_told(actor=world.actor("coordinator"), result_ids=ids) == {"told": 1, "before": 2}
    first = desk.result_of(tubes[0])
    assert first.told_by_id == world.actor("health_worker").user_id
    assert db.session.scalar(select(func.count()).where(Event.verb == "told")) == 3


def test_a_new_version_has_to_be_told_again(told):
    world, tubes = told
    note_told(actor=world.actor("health_worker"), result_ids=[desk.result_of(tubes[0]).id])
    amend_result(
        actor=world.actor("supervisor"),
        result_id=desk.result_of(tubes[0]).id,
        finding="inconclusive",
        reason="curve",
    )
    assert tubes[0] not in listed(world, untold=False), "it is not released yet"
    desk.verify_and_release_one(world, tubes[0], role="supervisor_2")
    assert tubes[0] in listed(world)


def test_nothing_is_noted_of_what_is_not_released_not_there_or_not_chosen(told):
    world, tubes = told
    health_worker = world.actor("health_worker")
    waiting = db.session.scalars(select(desk.Result.id).where(desk.Result.status == "preliminary")).one()
    with pytest.raises(WrongState):
        note_told(actor=health_worker, result_ids=[desk.result_of(tubes[0]).id, waiting])
    for unknown in ([uuid.uuid4()], [desk.result_of(tubes[0]).id, uuid.uuid4()]):
        with pytest.raises(NotFound):
            note_told(actor=health_worker, result_ids=unknown)
    with pytest.raises(InvalidInput):
        note_told(actor=health_worker, result_ids=[])
    assert desk.result_of(tubes[0]).told_at is None


def test_another_communes_results_are_as_if_they_were_not_there(told):
    world, tubes = told
    with writing() as session:
        session.execute(update(Sample).values(commune_id=world.other_commune_id))
    with pytest.raises(NotFound):
        note_told(actor=world.actor("health_worker"), result_ids=[desk.result_of(tubes[0]).id])
    assert listed(world, "coordinator", commune_id=world.other_commune_id)


def test_people_who_restricted_their_data_are_on_no_list(told):
    world, tubes = told
    with writing() as session:
        person = session.get(Person, samples_of(tubes[0])[0].person_id)
        person.restricted_at = person.created_at
    assert tubes[0] not in listed(world, untold=False)


def test_the_page_lists_notes_and_writes_down_who_saw_whom(told, client):
    world, tubes = told
    client.application.config["WTF_CSRF_ENABLED"] = False
    sign_in(client, world.actor("health_worker"))
    page = client.get("/results/commune")
    names = [samples_of(tube)[0].person.name for tube in tubes]
    assert all(name in page.text for name in names)
    assert db.session.scalar(select(func.count()).select_from(PersonAccess)) == 3
    form = {
        "client_id": str(uuid.uuid4()),
        "commune": str(world.commune_id),
        "results": [str(desk.result_of(tube).id) for tube in tubes],
    }
    assert client.post("/results/told", data=form).status_code == 302
    assert not any(name in client.get("/results/commune").text for name in names)
    assert world.actor("health_worker").display_name in client.get("/results/commune?told=all").text


def test_only_what_was_released_before_is_called_amended(told, client):
    world, tubes = told
    sign_in(client, world.actor("health_worker"))
    with client.session_transaction() as session:
        session["language"] = "en"
    assert "amended" not in client.get("/results/commune").text
    amend_result(
        actor=world.actor("supervisor"),
        result_id=desk.result_of(tubes[0]).id,
        finding="inconclusive",
        reason="curve",
    )
    desk.verify_and_release_one(world, tubes[0], role="supervisor_2")
    assert client.get("/results/commune").text.count("amended</span>") == 1


def test_a_list_of_many_communes_asks_for_one_and_pages_go_on_where_they_ended(told, client, monkeypatch):
    world, tubes = told
    sign_in(client, world.actor("coordinator"))
    assert samples_of(tubes[0])[0].person.name not in client.get("/results/commune").text
    monkeypatch.setattr("lims.results.queries.commune.PAGE", 2)
    first = client.get(f"/results/commune?commune={world.commune_id}")
    more = first.text.split('<nav class="more"')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    second = client.get(more)
    shown = [
        name in page.text
        for page in (first, second)
        for name in [samples_of(t)[0].person.name for t in tubes]
    ]
    assert sum(shown) == 3
    assert client.get(f"/results/commune?commune={world.commune_id}&after=x").status_code == 422
