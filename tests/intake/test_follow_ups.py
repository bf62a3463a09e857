"""People who are followed up: links, due tests, symptoms first, declarations made beforehand, erasure."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest
from factories import MORNING
from intake.people import collect, print_tubes, scan
from sqlalchemy import func, select, update
from statements import count_statements
from stating import declare, make_form

from lims import clock
from lims.audit import Event
from lims.errors import AlreadyDone, InvalidInput, NotFound, Refused
from lims.extensions import db
from lims.intake.contacts import actions, queries
from lims.intake.contacts.models import DueTest, FollowUp
from lims.intake.contacts.queries import FollowUpFilter
from lims.intake.models import Declaration, Person, Sample, Tube
from lims.personal.actions.erasing import erase_people
from lims.places.models import Campaign
from lims.pooling.actions import pools
from lims.transaction import writing

DAYS = timedelta(days=1)


@pytest.fixture(autouse=True)
def morning():
    with clock.at(MORNING):
        yield


def person(world, name: str = "Trần Văn Bốn", **more) -> str:
    """Declare somebody and return the code; the declaration is closed, as after an older test."""
    code = declare(world, make_form(name=name, **more))[0]["declaration_code"]
    with writing() as session:
        session.execute(update(Declaration).where(Declaration.code == code).values(status="closed"))
    return code


def follow(world, code: str, *, ago: int = 0, role: str = "health_worker", **more) -> uuid.UUID:
    values = {"contact_class": "quarantined", "known_by": "reported", "since": clock.today() - ago * DAYS}
    answer = actions.add_follow_up(actor=world.actor(role), declaration_code=code, **values | more)
    return uuid.UUID(answer["follow_up"])


def case(world) -> uuid.UUID:
    return follow(world, person(world, "Lê Thị Không"), contact_class="f0")


def waiting(world, show: str = "waiting", role: str = "health_worker", **more):
    db.session.rollback()
    wanted = FollowUpFilter(show=show, **more)
    rows, _ = queries.list_due(db.session(), actor=world.actor(role), wanted=wanted, today=clock.today())
    return rows


def names(rows) -> list[str]:
    return [row.test.follow_up.person.name for row in rows]


def sample(world, code: str) -> None:
    (verdict,) = collect(world, [scan(print_tubes(world)[0], code, at=clock.now())])
    assert verdict["verdict"] == "good", verdict


def declarations_for(world, rows, **more):
    values = {"due_test_ids": [row.id for row in rows], "consent": True}
    return actions.declare_due(actor=world.actor("health_worker"), **values | more)


def test_a_contact_gets_the_next_class_the_days_of_the_schedule_and_answers_for_the_case(world):
    of, code = case(world), person(world)
    answer = actions.add_follow_up(
        actor=world.actor("health_worker"),
        client_id=uuid.uuid4(),
        declaration_code=code,
        of_id=of,
        since=clock.today() - 2 * DAYS,
        known_by="named",
    )
    assert answer["contact_class"] == "f1"
    assert answer["due_on"] == ["2021-08-15", "2021-08-21", "2021-08-28"]
    assert db.session.get(FollowUp, of).listed_at is not None
    second = follow(
        world, person(world, "Phạm Văn Hai"), of_id=uuid.UUID(answer["follow_up"]), contact_class=""
    )
    row = db.session.get(FollowUp, second)
    assert (row.contact_class, str(row.of_id)) == ("f2", answer["follow_up"])
    assert queries.list_tests(db.session(), follow_up=row) == []


def test_what_cannot_be_is_refused_by_its_field(world):
    of, code = case(world), person(world)
    for error, field, more in (
        (InvalidInput, "since", {"ago": -1}),
        (InvalidInput, "since", {"ago": 61}),
        (InvalidInput, "contact_class", {"contact_class": "f9"}),
        (InvalidInput, "contact_class", {"of_id": of, "contact_class": "f2"}),
        (InvalidInput, "known_by", {"known_by": "result"}),
        (NotFound, "follow_up", {"of_id": uuid.uuid4(), "contact_class": ""}),
    ):
        with pytest.raises(error) as refused:
            follow(world, code, **more)
        assert refused.value.field == field
    itself = db.session.get(FollowUp, of).person_id
    own = db.session.scalar(select(Declaration.code).where(Declaration.person_id == itself))
    with pytest.raises(InvalidInput, match="same person"):
        follow(world, own, of_id=of, contact_class="")
    follow(world, code, of_id=of, contact_class="")
    with pytest.raises(AlreadyDone):
        follow(world, code, of_id=of, contact_class="")
    elsewhere = person(world, commune_code="06658")
    with pytest.raises(NotFound):
        follow(world, elsewhere)
    assert follow(world, elsewhere, role="coordinator")


def test_the_list_shows_each_person_once_symptoms_first_then_the_oldest_day(world):
    follow(world, person(world, "Hôm Nay"), ago=1)
    late = person(world, "Quá Hạn")
    of = case(world)
    follow(world, late, ago=9, of_id=of, contact_class="")
    follow(world, late, ago=9)
    follow(world, person(world, "Sắp Tới"), ago=0)
    ill = follow(world, person(world, "Có Sốt"), ago=3)
    assert names(waiting(world)) == ["Quá Hạn", "Có Sốt", "Hôm Nay"]
    answer = actions.report_symptoms(
        actor=world.actor("health_worker"), follow_up_id=ill, symptoms=["cough", "fever"]
    )
    assert answer["due_on"] == "2021-08-16"
    rows = waiting(world)
    assert names(rows) == ["Có Sốt", "Quá Hạn", "Hôm Nay"]
    assert [(row.urgent, row.state) for row in rows] == [
        (True, "overdue"),
        (False, "overdue"),
        (False, "due"),
    ]
    assert names(waiting(world, "due")) == ["Hôm Nay"]
    assert names(waiting(world, "overdue")) == ["Có Sốt", "Quá Hạn"]
    assert names(waiting(world, "coming")) == ["Có Sốt", "Sắp Tới", "Quá Hạn", "Hôm Nay"]
    counts = queries.count_by_list(
        db.session(), actor=world.actor("health_worker"), commune_id=None, today=clock.today()
    )
    assert (counts["due"], counts["overdue"]) == (1, 2)
    assert names(waiting(world, text="han")) == ["Quá Hạn"]
    assert names(waiting(world, contact_class="f1")) == ["Quá Hạn"]
    assert waiting(world, commune_id=world.other_commune_id, role="coordinator") == []
    with pytest.raises(NotFound):
        waiting(world, commune_id=world.other_commune_id)


def test_a_declaration_with_symptoms_puts_its_person_first_and_on_the_list_without_sample(world):
    follow(world, person(world, "Một"), ago=2)
    code = declare(world, make_form(name="Hai", symptoms=("fever",)))[0]["declaration_code"]
    follow(world, code, ago=1)
    assert names(waiting(world)) == ["Hai", "Một"]
    wanted = FollowUpFilter(show="symptoms")
    rows, _ = queries.list_with_symptoms(db.session(), actor=world.actor("health_worker"), wanted=wanted)
    assert [row.code for row in rows] == [code]
    sample(world, code)
    db.session.rollback()
    rows, _ = queries.list_with_symptoms(db.session(), actor=world.actor("health_worker"), wanted=wanted)
    assert rows == [] and names(waiting(world)) == ["Một"]


def test_who_is_due_is_declared_once_and_the_sample_makes_the_test_done(world):
    ids = [follow(world, person(world, f"Người {number}"), ago=1) for number in range(3)]
    actions.report_symptoms(actor=world.actor("health_worker"), follow_up_id=ids[0], symptoms=["fever"])
    rows = waiting(world)
    with pytest.raises(InvalidInput, match="agreed"):
        declarations_for(world, rows, consent=False)
    first, again = declarations_for(world, rows), declarations_for(world, rows)
    assert (first["declared"], again["declared"]) == (3, 0)
    assert [one["code"] for one in first["declarations"]] == [one["code"] for one in again["declarations"]]
    made = db.session.scalars(select(Declaration).where(Declaration.status == "open")).unique().all()
    assert {(one.declared_by, one.consent_given) for one in made} == {("health_worker", "asked")}
    assert sorted(one.has_symptoms for one in made) == [False, False, True]
    assert db.session.scalar(select(func.count()).select_from(Person)) == 3, "nobody was made twice"
    sample(world, first["declarations"][0]["code"])
    assert len(waiting(world)) == 2
    with writing() as session:
        session.execute(update(Sample).values(status="rejected"))
    assert len(waiting(world)) == 3, "a rejected sample is none"


def test_one_that_was_taken_back_is_made_anew_and_two_links_of_a_day_share_one(world):
    code, of = person(world), case(world)
    follow(world, code, ago=1, of_id=of, contact_class="")
    follow(world, code, ago=1)
    tests = db.session.scalars(select(DueTest.id).where(DueTest.due_on == clock.today())).all()
    first = declarations_for(world, [], due_test_ids=tests)
    assert (first["declared"], len({one["code"] for one in first["declarations"]})) == (1, 1)
    with writing() as session:
        session.execute(update(Declaration).values(status="withdrawn"))
    second = declarations_for(world, [], due_test_ids=tests)
    assert second["declared"] == 1 and second["declarations"] != first["declarations"]
    assert declarations_for(world, [], due_test_ids=tests[:1])["declared"] == 0


def test_an_open_declaration_is_used_and_says_from_now_on_that_it_is_a_contact_s(world):
    code = declare(world, make_form(name="Đã Khai"))[0]["declaration_code"]
    follow(world, code, ago=1, of_id=case(world), contact_class="")
    answer = declarations_for(world, waiting(world))
    assert answer["declarations"][0]["code"] == code and answer["declared"] == 0
    db.session.rollback()
    assert db.session.scalar(select(Declaration.is_contact).where(Declaration.code == code))


def test_what_is_known_of_a_person_counts_whichever_of_two_follow_ups_is_listed(world):
    follow(world, person(world, "Quá Hạn"), ago=9)
    code, of = person(world, "Hai Lần"), case(world)
    follow(world, code, ago=8)
    as_contact = follow(world, code, ago=1, of_id=of, contact_class="")
    actions.report_symptoms(
        actor=world.actor("health_worker"), follow_up_id=as_contact, symptoms=["cough", "fever"]
    )
    rows = waiting(world)
    assert names(rows) == ["Hai Lần", "Quá Hạn"] and [row.urgent for row in rows] == [True, False]
    assert rows[0].test.follow_up.contact_class == "quarantined" and rows[0].state == "overdue"
    assert waiting(world, "due") == [] and names(waiting(world, "overdue")) == ["Hai Lần", "Quá Hạn"]
    made = declarations_for(world, rows[:1])["declarations"][0]["code"]
    declared = select(Declaration.is_contact, Declaration.has_symptoms, Declaration.symptoms).where(
        Declaration.code == made
    )
    db.session.rollback()
    assert tuple(db.session.execute(declared).one()) == (True, True, ["fever", "cough"])
    with writing() as session:
        session.execute(
            update(Declaration)
            .where(Declaration.code == made)
            .values(is_contact=False, has_symptoms=False, symptoms=[])
        )
    # the one that is kept is marked; the other test of the person meets the one that was made before
    for test in rows[0].id, db.session.scalar(select(DueTest.id).where(DueTest.follow_up_id == as_contact)):
        assert declarations_for(world, [], due_test_ids=[test])["declared"] == 0
        db.session.rollback()
        assert tuple(db.session.execute(declared).one()) == (True, True, ["fever", "cough"])


def test_symptoms_after_a_sample_of_the_same_day_make_the_person_due_first_tomorrow(world):
    key = follow(world, person(world, "Sốt Chiều"), ago=1)
    sample(world, declarations_for(world, waiting(world))["declarations"][0]["code"])
    assert waiting(world) == []
    with clock.at(MORNING + timedelta(hours=6)):
        answer = actions.report_symptoms(
            actor=world.actor("health_worker"), follow_up_id=key, symptoms=["fever"]
        )
        assert answer["due_on"] == "2021-08-17" and waiting(world) == []
        assert [(row.urgent, row.state) for row in waiting(world, "coming")] == [(True, "coming")]
    with clock.at(MORNING + DAYS):
        follow(world, person(world, "Quá Hạn"), ago=9)
        assert names(waiting(world)) == ["Sốt Chiều", "Quá Hạn"]
        code = declarations_for(world, waiting(world)[:1])["declarations"][0]["code"]
        assert db.session.scalar(select(Declaration.has_symptoms).where(Declaration.code == code))
        sample(world, code)
        assert names(waiting(world)) == ["Quá Hạn"]


def test_declaring_costs_the_same_for_2_people_and_for_12(world):
    costs = []
    for count in (2, 12):
        with writing() as session:
            session.execute(update(FollowUp).values(status="ended", end_reason="finished"))
        for number in range(count):
            follow(world, person(world, f"Người {number}"), ago=1)
        rows = waiting(world)
        with count_statements() as counted:
            assert declarations_for(world, rows)["declared"] == count
        costs.append(len(counted))
    assert costs[0] == costs[1]


def test_who_has_become_a_case_is_not_tested_as_a_contact_until_it_is_found_a_mistake(world):
    code = person(world)
    contact = follow(world, code, ago=1)
    as_case = follow(world, code, contact_class="f0")
    assert waiting(world) == []
    actions.end_follow_up(actor=world.actor("health_worker"), follow_up_id=as_case, reason="mistake")
    assert len(waiting(world)) == 1
    as_case = follow(world, code, contact_class="f0")
    answer = actions.end_follow_up(
        actor=world.actor("health_worker"), follow_up_id=as_case, reason="finished"
    )
    assert answer["ended"] == 2 and waiting(world) == []
    with pytest.raises(AlreadyDone):
        actions.end_follow_up(actor=world.actor("health_worker"), follow_up_id=contact, reason="finished")


def test_a_schedule_is_valid_from_its_day_and_plans_anew_who_began_since(world):
    before, since = (follow(world, person(world, name), ago=ago) for name, ago in (("A", 5), ("B", 2)))

    def plan(days, valid_from=clock.today() - 3 * DAYS):
        return actions.set_schedule(
            actor=world.actor("coordinator"),
            campaign_id=world.campaign_id,
            contact_class="quarantined",
            valid_from=valid_from,
            days=days,
        )

    def days_of(key):
        db.session.rollback()
        return list(
            db.session.scalars(select(DueTest.day).where(DueTest.follow_up_id == key).order_by(DueTest.day))
        )

    assert plan([1, 3])["planned_again"] == 1
    assert (days_of(before), days_of(since)) == ([1, 7, 14], [1, 3])
    assert plan([2, 3])["version"] == 2
    assert days_of(since) == [2, 3]
    with pytest.raises(AlreadyDone):
        plan([2, 3])
    with pytest.raises(InvalidInput):
        plan([3, 3])
    assert plan([9], clock.today() + DAYS)["planned_again"] == 0
    assert days_of(follow(world, person(world, "C"), ago=0)) == [2, 3]


def test_a_test_that_is_being_declared_is_not_planned_away_by_a_new_schedule(app, world, monkeypatch):
    follow(world, person(world), ago=1)
    (row,) = waiting(world)
    test, real, held, failures = row.id, actions._find_keys, threading.Event(), []

    def slow(*args):
        held.set()
        # on SQLite the other one waits for its turn, on PostgreSQL for the person
        planner.join(0.5)
        return real(*args)

    def plan() -> None:
        held.wait(10)
        try:
            with app.app_context(), clock.at(MORNING):
                actions.set_schedule(
                    actor=world.actor("coordinator"),
                    campaign_id=world.campaign_id,
                    contact_class="quarantined",
                    valid_from=clock.today() - 3 * DAYS,
                    days=[7, 14],
                )
        except Exception as failure:
            failures.append(failure)

    monkeypatch.setattr(actions, "_find_keys", slow)
    planner = threading.Thread(target=plan)
    planner.start()
    declared = declarations_for(world, [], due_test_ids=[test])
    planner.join()
    assert (failures, declared["declared"]) == ([], 1)
    db.session.rollback()
    tests = db.session.scalars(select(DueTest).order_by(DueTest.day)).all()
    assert [(one.day, one.declaration_id is not None) for one in tests] == [
        (1, True),
        (7, False),
        (14, False),
    ]


@pytest.mark.parametrize("alone", [True, False])
def test_a_contact_s_sample_is_tested_alone_if_the_campaign_says_so(world, alone):
    with writing() as session:
        session.execute(update(Campaign).values(contacts_alone=alone))
    of = case(world)
    for number in range(2):
        follow(world, person(world, f"Người {number}"), ago=1, of_id=of, contact_class="")
    for one in declarations_for(world, waiting(world))["declarations"]:
        sample(world, one["code"])
    with writing() as session:
        tubes = session.scalars(select(Tube.code).where(Tube.status == "used")).all()
        session.execute(
            update(Tube)
            .where(Tube.code.in_(tubes))
            .values(status="received", laboratory_id=world.laboratory_id, received_at=clock.now())
        )
    actor = world.actor("technician")
    pool = pools.open_pool(actor=actor, laboratory_id=world.laboratory_id)["pool"]
    verdicts = pools.add_tubes(actor=actor, pool_code=pool, tube_codes=tubes)["verdicts"]
    assert [one["verdict"] for one in verdicts] == (["good", "wrong"] if alone else ["good", "good"])


def test_an_erased_person_is_on_no_list_and_their_symptoms_are_gone(world):
    key = follow(world, person(world), ago=1)
    actions.report_symptoms(actor=world.actor("health_worker"), follow_up_id=key, symptoms=["fever"])
    with writing() as session:
        ids = session.scalars(select(Person.id)).all()
        erase_people(session, person_ids=ids, reason="request", erased_at=clock.now())
    assert waiting(world) == []
    row = db.session.get(FollowUp, key)
    assert (row.status, row.end_reason, row.symptoms, row.symptoms_on) == ("ended", "erased", [], None)


def test_events_name_nobody_and_no_symptom(world):
    key = follow(world, person(world), ago=1)
    actions.report_symptoms(actor=world.actor("health_worker"), follow_up_id=key, symptoms=["fever"])
    declarations_for(world, waiting(world))
    said = " ".join(str(details) for details in db.session.scalars(select(Event.details)))
    assert "fever" not in said and "Bốn" not in said


def test_a_closed_campaign_declares_nobody(world):
    follow(world, person(world), ago=1)
    with writing() as session:
        session.execute(update(Campaign).values(is_open=False))
    with pytest.raises(Refused, match="closed"):
        declarations_for(world, waiting(world))
