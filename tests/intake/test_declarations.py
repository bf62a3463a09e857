"""Declaring people: once each, however often it is sent; codes that die; nothing personal in the chain."""

from __future__ import annotations

import json
import uuid

import pytest
from sqlalchemy import func, select, update
from statements import count_statements
from stating import declare, make_form

from lims.audit import Event
from lims.auth.actors import RESIDENT
from lims.errors import AlreadyDone, InvalidInput, NotFound, Refused
from lims.extensions import db, vault
from lims.inbox import Inbound
from lims.intake.actions.declarations import (
    declare_people,
    issue_slips,
    reissue_result_code,
    withdraw_declaration,
)
from lims.intake.models import Declaration, Person, PersonIdentity, ResultCode
from lims.intake.people import open_contact
from lims.intake.queries import people as people_queries
from lims.intake.queries.declarations import get_declaration
from lims.intake.result_codes import hash_result_code, result_code_for
from lims.places.models import Campaign
from lims.transaction import writing

CARD = {"identity_number": "022190001234", "name": "Nguyễn Thị Ánh", "birth_date": "17/05/1990"}


def count(model) -> int:
    return db.session.scalar(select(func.count()).select_from(model))


def events(subject_id) -> list[str]:
    return list(
        db.session.scalars(select(Event.verb).where(Event.subject_id == subject_id).order_by(Event.seq))
    )


def find(code) -> Declaration:
    return db.session.scalars(select(Declaration).where(Declaration.code == code)).unique().one()


def test_a_resident_declares_and_gets_a_code_to_show_and_a_secret_one(world):
    (verdict,) = declare(world)
    assert verdict["verdict"] == "good"
    assert verdict["declaration_code"].startswith("K")
    declaration = find(verdict["declaration_code"])
    assert (declaration.status, declaration.attempt, declaration.declared_by) == ("open", 1, "self")
    kept = db.session.scalars(select(ResultCode)).one()
    assert kept.code_hash == hash_result_code(vault(), verdict["result_code"])


def test_a_declaration_leaves_one_event_for_the_person_and_one_for_itself(world):
    (verdict,) = declare(world)
    declaration = find(verdict["declaration_code"])
    assert events(declaration.id) == ["declared"]
    assert events(declaration.person_id) == ["registered"]
    assert count(Event) == 2


def test_no_personal_value_and_no_result_code_stands_readable_outside_the_name_and_the_birth_date(world):
    form = make_form(**CARD, phone="0912345678", address="Số 7 ngõ 12 Lê Lợi")
    (verdict,) = declare(world, form)
    kept = json.dumps(
        [
            list(map(str, row))
            for model in (Event, Inbound)
            for row in db.session.execute(select(model.__table__))
        ]
    )
    sealed = b"".join(
        bytes(value)
        for model in (Person, PersonIdentity, ResultCode)
        for row in db.session.execute(select(model.__table__))
        for value in row
        if isinstance(value, bytes)
    )
    for secret in ("022190001234", "912345678", "Lê Lợi", "Ánh", verdict["result_code"]):
        assert secret not in kept
        assert secret == "Ánh" or secret.encode() not in sealed


def test_what_was_sealed_is_opened_again_for_who_may_see_it(world):
    (verdict,) = declare(world, make_form(**CARD, phone="0912 345 678", address="Số 7"))
    contact = open_contact(vault(), find(verdict["declaration_code"]).person)
    assert contact.identity_numbers == ("022190001234",)
    assert (contact.phone, contact.address) == ("+84912345678", "Số 7")


def test_the_same_request_again_is_answered_the_same_and_changes_nothing(world):
    form = make_form()
    first, second = declare(world, form), declare(world, form)
    assert first == second
    assert first[0]["result_code"]
    assert (count(Declaration), count(Event)) == (1, 2)


def test_the_same_request_twice_in_one_batch_is_one_declaration(world):
    form = make_form()
    first, second = declare(world, form, form)
    assert first == second
    assert count(Declaration) == 1


def test_an_id_that_comes_back_with_other_content_is_refused_and_the_rest_of_the_batch_goes_on(world):
    form = make_form()
    declare(world, form)
    wrong, good = declare(world, make_form(client_id=form.client_id, name="Trần Văn Bình"), make_form())
    assert (wrong["verdict"], wrong["code"], wrong["field"]) == ("wrong", "client_id_reused", "client_id")
    assert good["verdict"] == "good"
    assert count(Declaration) == 2


def test_a_person_is_one_by_identity_number_name_and_birth_date(world):
    declare(world, make_form(**CARD))
    code = find(declare(world, make_form(**CARD))[0]["declaration_code"]).code
    withdraw_declaration(actor=world.actor("health_worker"), declaration_code=code)
    (verdict,) = declare(world, make_form(**{**CARD, "name": "NGUYEN THI ANH", "birth_date": "1990"}))
    assert verdict["verdict"] == "good"
    assert (count(Person), count(Declaration)) == (1, 2)


def test_the_same_number_with_another_name_is_another_person(world):
    declare(world, make_form(**CARD))
    (verdict,) = declare(world, make_form(**{**CARD, "name": "Trần Văn Bình"}))
    assert verdict["verdict"] == "good"
    assert count(Person) == 2


def test_who_has_an_open_declaration_is_told_its_code_and_never_its_result_code(world):
    (first,) = declare(world, make_form(**CARD))
    (second,) = declare(world, make_form(**CARD))
    assert (second["verdict"], second["declaration_code"]) == ("again", first["declaration_code"])
    assert second["result_code"] == ""
    assert (count(Declaration), count(ResultCode), count(Event)) == (1, 1, 2)


def test_the_same_person_twice_in_one_batch_gets_one_declaration(world):
    first, second = declare(world, make_form(**CARD), make_form(**CARD))
    assert (first["verdict"], second["verdict"]) == ("good", "again")
    assert first["declaration_code"] == second["declaration_code"]
    assert (count(Person), count(Declaration)) == (1, 1)


def test_a_household_shares_a_telephone(world):
    verdicts = declare(world, *(make_form(phone="0912345678", name=f"Trần Văn {name}") for name in "ABC"))
    assert {verdict["verdict"] for verdict in verdicts} == {"good"}


def test_a_wrong_form_is_told_with_its_fields_and_changes_nothing(world):
    (verdict,) = declare(world, make_form(name="", phone="1", commune_code="99999"))
    assert verdict["verdict"] == "wrong"
    assert [mistake["field"] for mistake in verdict["mistakes"]] == ["name", "phone", "commune_code"]
    assert (count(Person), count(Declaration), count(Event), count(Inbound)) == (0, 0, 0, 0)


def test_a_mended_form_may_come_back_with_its_id(world):
    wrong = make_form(name="")
    declare(world, wrong)
    (verdict,) = declare(world, make_form(client_id=wrong.client_id))
    assert verdict["verdict"] == "good"


def test_a_resident_cannot_pass_for_a_health_worker(world):
    (verdict,) = declare(world, make_form(declared_by="health_worker"))
    assert (verdict["verdict"], verdict["field"]) == ("wrong", "declared_by")
    (verdict,) = declare(world, make_form(declared_by="health_worker"), actor=world.actor("health_worker"))
    assert verdict["verdict"] == "good"


def test_a_closed_campaign_takes_nobody(world):
    with writing() as session:
        session.execute(update(Campaign).values(is_open=False))
    with pytest.raises(Refused) as refusal:
        declare(world)
    assert refusal.value.field == "campaign_id"
    assert (count(Person), count(Event)) == (0, 0)


def test_more_than_a_thousand_at_once_are_refused(world):
    forms = [make_form()] * 1001
    with pytest.raises(InvalidInput):
        declare_people(actor=RESIDENT, campaign_id=world.campaign_id, declarations=forms)


def test_500_people_cost_as_many_statements_as_one(world):
    def form(number):
        return make_form(identity_number=f"0221{number:08}", phone="0912345678", name=f"Trần Văn {number} A")

    with count_statements() as one:
        declare(world, form(0))
    with count_statements() as many:
        declare(world, *(form(number) for number in range(1, 501)))
    assert len(one) == len(many)


def test_a_withdrawn_declaration_is_gone_for_good(world):
    (verdict,) = declare(world)
    code = verdict["declaration_code"]
    withdraw_declaration(actor=world.actor("health_worker"), declaration_code=code, reason="mistake")
    declaration = find(code)
    assert (declaration.status, declaration.closed_at is not None) == ("withdrawn", True)
    assert events(declaration.id) == ["declared", "withdrawn"]
    with pytest.raises(AlreadyDone):
        withdraw_declaration(actor=world.actor("health_worker"), declaration_code=code)
    assert events(declaration.id) == ["declared", "withdrawn"]


def test_a_declaration_of_other_places_is_as_if_it_were_not_there(world):
    (verdict,) = declare(world, make_form(commune_code="06658"))
    for act in (
        lambda: withdraw_declaration(
            actor=world.actor("health_worker"), declaration_code=verdict["declaration_code"]
        ),
        lambda: reissue_result_code(
            actor=world.actor("health_worker"),
            client_id=uuid.uuid4(),
            declaration_code=verdict["declaration_code"],
        ),
        lambda: get_declaration(
            db.session(), actor=world.actor("health_worker"), code=verdict["declaration_code"]
        ),
    ):
        with pytest.raises(NotFound):
            act()
    assert find(verdict["declaration_code"]).status == "open"


def test_a_lost_result_code_is_issued_anew_and_the_old_one_dies(world):
    (verdict,) = declare(world)
    client_id = uuid.uuid4()
    for _ in range(2):  # sent twice, done once
        reissue_result_code(
            actor=world.actor("health_worker"),
            client_id=client_id,
            declaration_code=verdict["declaration_code"],
        )
    live = db.session.scalars(select(ResultCode).where(ResultCode.revoked_at.is_(None))).one()
    dead = db.session.scalars(select(ResultCode).where(ResultCode.revoked_at.is_not(None))).one()
    assert live.code_hash == hash_result_code(vault(), result_code_for(vault(), client_id=client_id))
    assert dead.code_hash == hash_result_code(vault(), verdict["result_code"])
    assert events(live.declaration_id) == ["declared", "result_code_reissued"]


def test_no_result_code_is_issued_to_who_was_not_identified(world):
    (verdict,) = declare(world)
    with pytest.raises(InvalidInput) as refusal:
        reissue_result_code(
            actor=world.actor("health_worker"),
            client_id=uuid.uuid4(),
            declaration_code=verdict["declaration_code"],
            identity_checked=False,
        )
    assert refusal.value.field == "identity_checked"
    assert (count(ResultCode), count(Event)) == (1, 2)


def test_slips_are_issued_once_to_listed_people_alone(world):
    declare(world)  # has its code already
    declare(
        world,
        *(make_form(declared_by="list", name=f"Vũ Thị {name}") for name in "AB"),
        actor=world.actor("coordinator"),
    )
    with writing() as session:  # as an import leaves them: without a code
        listed = select(Declaration.id).where(Declaration.declared_by == "list")
        session.execute(ResultCode.__table__.delete().where(ResultCode.declaration_id.in_(listed)))
    asked = {"campaign_id": world.campaign_id, "commune_id": world.commune_id, "most": 10}
    client_id = uuid.uuid4()
    first = issue_slips(actor=world.actor("health_worker"), client_id=client_id, **asked)
    assert len(first["declarations"]) == 2
    assert issue_slips(actor=world.actor("health_worker"), client_id=client_id, **asked) == first
    assert (
        issue_slips(actor=world.actor("health_worker"), client_id=uuid.uuid4(), **asked)["declarations"] == []
    )
    with pytest.raises(NotFound):
        issue_slips(
            actor=world.actor("health_worker"),
            client_id=uuid.uuid4(),
            **{**asked, "commune_id": world.other_commune_id},
        )


def names(world, actor="health_worker", **wanted):
    page, cursor = people_queries.list_people(
        db.session(),
        actor=world.actor(actor),
        vault=vault(),
        wanted=people_queries.PeopleFilter(**wanted),
    )
    return [declaration.person.name for declaration in page], cursor


def test_people_are_listed_by_given_name_the_vietnamese_way_and_only_of_ones_places(world):
    people = ["Trần Văn Bình", "Đỗ Thị Ánh", "Lê Ấn", "Nguyễn Văn An", "Đặng Thị Ân"]
    declare(world, *(make_form(name=name) for name in people), make_form(name="Hồ Xa", commune_code="06658"))
    assert names(world)[0] == ["Nguyễn Văn An", "Đỗ Thị Ánh", "Đặng Thị Ân", "Lê Ấn", "Trần Văn Bình"]
    assert "Hồ Xa" in names(world, "coordinator")[0]
    assert names(world, "coordinator", commune_id=world.other_commune_id)[0] == ["Hồ Xa"]
    assert names(world, "coordinator", status="withdrawn")[0] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("nguyen anh", True),
        ("NGUYỄN", True),
        ("ánh", True),
        ("bình", False),
        ("022190001234", True),
        ("022 190 001 234", True),
        ("022190001235", False),
        ("0912345678", True),
        ("+84912345678", True),
        ("0912345679", False),
        ("%", False),
    ],
)
def test_people_are_found_by_folded_name_identity_number_or_telephone(world, text, found):
    declare(world, make_form(**CARD, phone="0912345678"))
    assert bool(names(world, text=text)[0]) is found


def test_pages_of_people_follow_one_another_without_gap_or_repeat(world):
    people = [f"Trần Văn {chr(65 + number % 26)}{number}" for number in range(120)]
    declare(world, *(make_form(name=name) for name in people))
    seen, cursor = names(world)
    while cursor:
        page, cursor = names(world, after=cursor)
        seen += page
    assert sorted(seen) == sorted(people)
    with pytest.raises(InvalidInput):
        names(world, after="nonsense")
