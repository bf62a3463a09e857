"""Who is told of what: messages are written with the change they tell of, and not without it."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from factories import MORNING, World
from outbox.town import give_phones, messages, released_people, wakeful_world
from pooling import bench
from pooling.received import receive, samples_of
from results import desk
from results.test_verification import detected_and_confirmed
from sqlalchemy import update
from statements import count_statements

from lims import clock
from lims.extensions import db, vault
from lims.intake.models import Person
from lims.outbox.actions.receivers import add_on_call, add_webhook
from lims.outbox.drivers.to_file import FileDriver
from lims.outbox.models import Message
from lims.outbox.worker import Worker
from lims.outbox.writing import Paper
from lims.personal.actions.erasing import erase_people
from lims.places.models import Campaign
from lims.results.actions import release as release_actions
from lims.results.actions.amendment import amend_result
from lims.results.actions.verification import verify_results, verify_run
from lims.results.actions.withdrawal import withdraw_run
from lims.transaction import writing

PORTAL = "https://xetnghiem.example.vn"


@pytest.fixture
def lab(app) -> World:
    return wakeful_world()


def on_call(world: World, place_id: object, address: str, *, channel: str = "sms") -> str:
    """Put somebody on call and return the entry's key."""
    return add_on_call(
        actor=world.actor("administrator"), place_id=place_id, channel=channel, address=address, label="Trực"
    )["id"]


def send(folder: Path) -> list[dict[str, object]]:
    """Let a worker send all that is due into a file, and return what it holds."""
    kept = FileDriver(folder / "out.jsonl")
    Worker({"sms": kept, "email": kept}, paper=Paper(vault(), PORTAL)).run(once=True)
    path = folder / "out.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def counted() -> Counter[str]:
    """Return how many messages there are, by template and state."""
    return Counter(f"{message.template} {message.status}" for message in messages())


def change_people(tubes: list[str], **values: object) -> None:
    """Change the people of some tubes as no action here does."""
    ids = [samples_of(tube)[0].person_id for tube in tubes]
    with writing() as session:
        session.execute(update(Person).where(Person.id.in_(ids)).values(**values))


def test_people_with_a_telephone_are_told_once_that_a_result_is_ready(lab, tmp_path):
    run, tubes = desk.run_tubes(lab, 4)
    phones = give_phones(tubes[:3])
    desk.verify_and_release(lab, run)
    assert counted() == {"result_ready queued": 3}
    sent = send(tmp_path)
    assert {line["to"] for line in sent} == set(phones.values())
    assert all(f"{PORTAL}/results" in str(line["text"]) for line in sent)
    assert send(tmp_path) == sent
    assert counted() == {"result_ready sent": 3}


def test_a_release_that_fails_after_all_leaves_no_message(lab, monkeypatch):
    run, tubes = desk.run_tubes(lab, 2)
    give_phones(tubes)
    real = release_actions.announce_released

    def announce_then_fail(*given):
        assert real(*given) == 2
        raise RuntimeError("the power went")

    monkeypatch.setattr(release_actions, "announce_released", announce_then_fail)
    with pytest.raises(RuntimeError, match="power"):
        desk.verify_and_release(lab, run)
    assert messages() == []
    assert {desk.result_of(tube).status for tube in tubes} == {"verified"}
    monkeypatch.undo()
    release_actions.release_run(actor=lab.actor("supervisor"), run_code=run)
    assert counted() == {"result_ready queued": 2}


def test_an_amendment_is_told_of_twice_and_the_old_news_not_at_all(lab, tmp_path):
    _run, tubes = released_people(lab, 1)
    first = desk.result_of(tubes[0])
    amend_result(
        actor=lab.actor("supervisor"), result_id=first.id, finding="not_detected", reason="wrong kit"
    )
    assert counted() == {"result_ready cancelled": 1, "result_checked_again queued": 1}
    assert "dang duoc kiem tra lai" in str(send(tmp_path)[0]["text"])
    desk.verify_and_release_one(lab, tubes[0], role="supervisor_2")
    assert counted()["result_amended queued"] == 1
    assert "da co ban moi" in str(send(tmp_path)[1]["text"])


def test_a_withdrawn_run_is_told_of_to_everybody_who_could_read_it(lab, tmp_path):
    run, _tubes = released_people(lab, 3)
    assert len(send(tmp_path)) == 3
    withdraw_run(actor=lab.actor("supervisor"), run_code=run, cause="swapped_plates", reason="swapped")
    assert counted() == {"result_ready sent": 3, "result_checked_again queued": 3}
    assert len(send(tmp_path)) == 6


def test_members_of_a_positive_pool_hear_that_there_is_news_and_staff_hear_what_it_is(lab, tmp_path):
    on_call(lab, lab.laboratory_id, "0912 345 678")
    on_call(lab, lab.commune_id, "tram@example.vn", channel="email")
    on_call(lab, lab.other_commune_id, "0987 654 321")
    tubes = receive(lab, 13)
    give_phones(tubes)
    first, _second = desk.pool_up(lab, tubes)
    desk.run_plate(lab, {first: "detected"})
    assert counted() == {"positive_pools queued": 2, "second_test queued": 10}
    alerts = [line for line in send(tmp_path) if "KHAN" in str(line["text"]) or line["channel"] == "email"]
    assert {line["to"] for line in alerts} == {"+84912345678", "tram@example.vn"}
    told = [line for line in send(tmp_path) if line not in alerts]
    assert len(told) == 10
    assert all("thong bao moi" in str(line["text"]) for line in told)
    assert alerts == send(tmp_path)[:2], "alerts overtake"


def test_a_second_test_that_is_over_before_the_message_left_is_told_of_as_a_result_alone(lab, tmp_path):
    tubes = receive(lab, 3)
    give_phones(tubes)
    (pool,) = desk.pool_up(lab, tubes)
    desk.run_plate(lab, {pool: "detected"})
    again = desk.run_plate(lab, {bench.pools_of(tubes[0])[-1].code: "detected"})
    desk.verify_and_release(lab, again["run"])
    assert counted() == {"second_test queued": 3, "result_ready queued": 2}
    assert len(send(tmp_path)) == 3
    assert counted() == {"second_test sent": 1, "second_test cancelled": 2, "result_ready sent": 2}


def test_a_positive_result_wakes_the_staff_of_laboratory_and_commune_once_each(lab, tmp_path):
    on_call(lab, lab.confirming_id, "0912 345 678")
    on_call(lab, lab.province_id, "0987 654 321")
    tube = detected_and_confirmed(lab)
    give_phones([tube])
    night = clock.local(clock.now()).replace(hour=3)
    with writing() as session:
        session.execute(update(Campaign).values(quiet_from_hour=21, quiet_until_hour=7))
    with clock.at(night + timedelta(days=1)):
        ids = [desk.result_of(tube).id]
        verify_results(actor=lab.actor("supervisor_confirming"), result_ids=ids)
        release_actions.release_results(actor=lab.actor("supervisor_confirming"), result_ids=ids, looked=True)
        assert counted() == {"result_ready queued": 1, "positive_result queued": 2}
        sent = send(tmp_path)
        assert {line["to"] for line in sent} == {"+84912345678", "+84987654321"}
    with clock.at(night + timedelta(days=1, hours=4)):
        (person,) = send(tmp_path)[2:]
    assert "Da co ket qua" in str(person["text"])
    assert "duong" not in str(person["text"])


def test_quiet_hours_that_come_while_a_message_waits_hold_it_too(lab, tmp_path):
    evening = clock.local(MORNING).replace(hour=20, minute=59)
    with writing() as session:
        session.execute(update(Campaign).values(quiet_from_hour=21, quiet_until_hour=7))
    with clock.at(evening):
        released_people(lab, 2, of_household=2)
    with clock.at(evening + timedelta(minutes=2)):
        assert send(tmp_path) == []
    with clock.at(evening + timedelta(hours=10)):
        assert send(tmp_path) == []
    with clock.at(evening + timedelta(hours=10, minutes=2)):
        assert len(send(tmp_path)) == 1


def test_a_household_with_one_telephone_gets_one_message(lab, tmp_path):
    _run, tubes = released_people(lab, 12, of_household=10)
    big, small = send(tmp_path)
    assert sorted(len(line["ids"]) for line in (big, small)) == [2, 10]  # type: ignore[arg-type]
    text = str(next(line["text"] for line in (big, small) if len(line["ids"]) == 10))  # type: ignore[arg-type]
    assert "10 to khai" in text
    assert counted() == {"result_ready sent": 12}
    assert len(tubes) == 12


def test_whose_result_was_taken_back_or_whose_number_changed_is_left_out_of_the_household(lab, tmp_path):
    _run, tubes = released_people(lab, 4, of_household=4)
    amend_result(
        actor=lab.actor("supervisor"),
        result_id=desk.result_of(tubes[0]).id,
        finding="invalid",
        reason="curve",
    )
    other = give_phones(tubes[1:2])[tubes[1]]
    change_people(tubes[2:3], restricted_at=clock.now())
    sent = {line["to"]: line for line in send(tmp_path) if "Da co" in str(line["text"])}
    assert other in sent or len(sent) == 2
    assert sum(len(line["ids"]) for line in sent.values()) == 2  # type: ignore[misc]
    assert counted() == {
        "result_ready cancelled": 2,
        "result_ready sent": 2,
        "result_checked_again sent": 1,
    }


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_erased_or_restricted_person_is_told_nothing(lab, tmp_path, when):
    run, tubes = desk.run_tubes(lab, 3)
    give_phones(tubes)
    ids = [samples_of(tube)[0].person_id for tube in tubes]

    def keep_away():
        change_people(tubes[:1], restricted_at=clock.now())
        with writing() as session:
            erase_people(session, person_ids=ids[1:2], reason="request", erased_at=clock.now())

    if when == "before":
        keep_away()
    desk.verify_and_release(lab, run)
    if when == "after":
        keep_away()
    sent = send(tmp_path)
    assert len(sent) == 1
    assert [message.person_id for message in messages(status="sent")] == [ids[2]]


def test_a_campaign_that_tells_nobody_tells_nobody_but_staff_and_systems(app, tmp_path):
    world = wakeful_world(tells_people=False)
    on_call(world, world.laboratory_id, "0912 345 678")
    add_webhook(
        actor=world.actor("administrator"),
        name="HIS",
        url="https://his.example.vn/hook",
        events=["result.released"],
        place_id=None,
    )
    released_people(world, 2)
    tubes = receive(world, 2)
    give_phones(tubes)
    (pool,) = desk.pool_up(world, tubes)
    desk.run_plate(world, {pool: "detected"})
    assert counted() == {"result.released queued": 2, "positive_pools queued": 1}


def test_other_systems_hear_of_their_places_and_never_a_name_or_a_finding(lab):
    for name, place in (("here", lab.laboratory_id), ("elsewhere", lab.other_commune_id)):
        add_webhook(
            actor=lab.actor("administrator"),
            name=name,
            url="https://his.example.vn/hook",
            events=["result.released", "result.withdrawn"],
            place_id=place,
        )
    run, tubes = released_people(lab, 2)
    withdraw_run(actor=lab.actor("supervisor"), run_code=run, cause="swapped_plates", reason="swapped")
    heard = messages(kind="webhook")
    assert Counter(one.template for one in heard) == {"result.released": 2, "result.withdrawn": 2}
    for one in heard:
        assert set(one.data) == {"result", "version", "tube", "declaration", "laboratory", "commune"}
    assert {one.data["tube"] for one in heard} == set(tubes)


def test_no_table_of_messages_holds_a_telephone_a_name_or_a_finding(lab):
    _run, tubes = released_people(lab, 2)
    names = {samples_of(tube)[0].person.name for tube in tubes}
    kept = repr([{c.name: getattr(one, c.name) for c in Message.__table__.columns} for one in messages()])
    assert "+84" not in kept
    assert "detected" not in kept
    assert not [name for name in names if name in kept]
    db.session.rollback()


def test_sixty_are_announced_in_as_many_statements_as_five(lab):
    counts = []
    for people in (5, 60):
        run, tubes = desk.run_tubes(lab, people)
        give_phones(tubes)
        verify_run(actor=lab.actor("supervisor"), run_code=run)
        with count_statements() as seen:
            release_actions.release_run(actor=lab.actor("supervisor"), run_code=run)
        counts.append(len(seen))
    assert counts[0] == counts[1]
