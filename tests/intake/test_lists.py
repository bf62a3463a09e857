"""Lists of people: every row accepted, repeated or refused; nothing twice; what is refused is kept sealed."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import func, select, update
from statements import count_statements
from stating import declare, make_form

from lims.audit import Event
from lims.errors import ClientIdReused, InvalidInput, NotFound
from lims.extensions import db, vault
from lims.intake import refused_rows
from lims.intake.actions.lists import REFUSED_COLUMN, import_people
from lims.intake.commune_names import CommuneFinder, CommuneName, bare_name
from lims.intake.models import Declaration, PeopleImport, Person, ResultCode
from lims.intake.people import open_contact
from lims.intake.people_list import refused_csv
from lims.intake.queries import lists as queries
from lims.intake.symptom_words import read_symptoms
from lims.transaction import writing

HEADER = "STT,Họ và tên,Năm sinh,Giới tính,CCCD,Điện thoại,Phường/Xã,Triệu chứng,Mã hộ"
GOOD_ROWS = [
    "1,Nguyễn Văn An,1980,Nam,022080001234,0912345678,Phường Hà Khánh,,5",
    "2,Trần Thị Bình,1991,Nữ,,0912345678,P. Hà Khánh,sốt và ho,5",
    "3,Lê Cường,2001,,,,,x,",
]
BAD_ROWS = [
    "4,,1980,Nam,,,,,",
    "5,Vũ Dung,1890,Nữ,,,,,",
    "6,Hồ Yên,1980,Nam,,,Xã Không Có,,",
]


def make_list(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows]).encode()


def send(world, *rows: str, actor="coordinator", **changes):
    asked = {
        "client_id": uuid.uuid4(),
        "campaign_id": world.campaign_id,
        "commune_id": world.commune_id,
        "file_name": "tổ 3.csv",
        "content": make_list(*rows),
    }
    return import_people(actor=world.actor(actor), **{**asked, **changes})


def count(model) -> int:
    return db.session.scalar(select(func.count()).select_from(model))


def test_good_rows_become_people_and_bad_ones_are_kept_with_line_column_and_reason(world):
    answer = send(world, *GOOD_ROWS, *BAD_ROWS)
    assert (answer["rows_read"], answer["accepted"], answer["repeated"], answer["refused"]) == (6, 3, 0, 3)
    assert (count(Person), count(Declaration), count(ResultCode)) == (3, 3, 0)
    kept = db.session.get(PeopleImport, uuid.UUID(answer["import_id"]))
    opened = refused_rows.unpack(
        vault().unseal_record(kept.refused_sealed, record_id=kept.id, column=REFUSED_COLUMN)
    )
    assert [(row.line, row.reasons[0].column) for row in opened.refused] == [
        (5, "Họ và tên"),
        (6, "Năm sinh"),
        (7, "Phường/Xã"),
    ]
    assert "Hồ Yên".encode() not in kept.refused_sealed


def test_the_refused_rows_mended_and_sent_again_are_accepted(world):
    answer = send(world, *GOOD_ROWS, *BAD_ROWS)
    kept = db.session.get(PeopleImport, uuid.UUID(answer["import_id"]))
    opened = refused_rows.unpack(
        vault().unseal_record(kept.refused_sealed, record_id=kept.id, column=REFUSED_COLUMN)
    )
    mended = (
        refused_csv(opened)
        .decode("utf-8-sig")
        .replace("4,,1980", "4,Đỗ Em,1980")
        .replace("1890", "1990")
        .replace("Xã Không Có", "Hà Phong")
    )
    answer = send(world, content=mended.encode())
    assert (answer["accepted"], answer["refused"]) == (3, 0)
    assert count(Person) == 6


def test_rows_carry_what_the_list_says(world):
    send(world, *GOOD_ROWS)
    found = {one.person.name: one for one in db.session.scalars(select(Declaration)).unique()}
    an, binh, cuong = found["Nguyễn Văn An"], found["Trần Thị Bình"], found["Lê Cường"]
    assert open_contact(vault(), an.person).identity_numbers == ("022080001234",)
    assert (an.declared_by, an.household_code, an.person.birth_precision) == (
        "list",
        binh.household_code,
        "year",
    )
    assert binh.symptoms == ["fever", "cough"]
    assert (cuong.symptoms, cuong.has_symptoms, cuong.household_code) == ([], True, None)
    assert {one.commune_id for one in found.values()} == {world.commune_id}


def test_the_same_file_a_second_time_creates_nothing(world):
    send(world, *GOOD_ROWS)
    answer = send(world, *GOOD_ROWS)
    assert (answer["accepted"], answer["repeated"], answer["refused"]) == (0, 3, 0)
    assert (count(Person), count(Declaration)) == (3, 3)


def test_the_same_request_a_second_time_is_answered_the_same(world):
    client_id = uuid.uuid4()
    assert send(world, *GOOD_ROWS, client_id=client_id) == send(world, *GOOD_ROWS, client_id=client_id)
    assert count(PeopleImport) == 1
    with pytest.raises(ClientIdReused):
        send(world, GOOD_ROWS[0], client_id=client_id)


def test_who_has_declared_already_is_counted_as_repeated(world):
    declare(
        world, make_form(identity_number="022080001234", name="Nguyễn Văn An", birth_date="1980", sex="male")
    )
    answer = send(world, *GOOD_ROWS)
    assert (answer["accepted"], answer["repeated"]) == (2, 1)
    assert count(Person) == 3


def test_a_dry_run_says_what_would_happen_and_changes_nothing(world):
    send(world, GOOD_ROWS[0])
    before = [count(model) for model in (Person, Declaration, PeopleImport, Event)]
    answer = send(world, *GOOD_ROWS, *BAD_ROWS, dry_run=True)
    assert (answer["accepted"], answer["repeated"], answer["refused"]) == (2, 1, 3)
    assert [problem["line"] for problem in answer["problems"]] == [5, 6, 7]
    assert [count(model) for model in (Person, Declaration, PeopleImport, Event)] == before


def test_a_list_leaves_one_event_for_itself_and_one_for_each_person_and_declaration(world):
    send(world, *GOOD_ROWS, *BAD_ROWS)
    kinds = db.session.execute(select(Event.subject_kind, func.count()).group_by(Event.subject_kind)).all()
    assert dict(map(tuple, kinds)) == {"person": 3, "declaration": 3, "people_import": 1}


def test_a_row_for_a_commune_of_others_is_refused(world):
    answer = send(world, "1,Hồ Xa,1980,,,,Hà Phong,,", actor="health_worker")
    assert (answer["accepted"], answer["refused"]) == (0, 1)
    with pytest.raises(NotFound):
        send(world, *GOOD_ROWS, actor="health_worker", commune_id=world.other_commune_id)


def test_a_row_without_a_commune_needs_one_for_the_whole_list(world):
    answer = send(world, *GOOD_ROWS, commune_id=None)
    assert (answer["accepted"], answer["refused"]) == (2, 1)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4", b"a,b,c\n1,2,3", "Họ và tên\nAn".encode()])
def test_a_file_that_is_no_list_is_refused_as_a_whole(world, content):
    with pytest.raises(InvalidInput) as refusal:
        send(world, content=content)
    assert refusal.value.field == "file"
    assert count(PeopleImport) == count(Event) == 0


def test_500_rows_cost_as_many_statements_as_one(world):
    def rows(first, many):
        return [f"1,Trần Văn {n} A,1980,Nam,0220{n:08},0912345678,,," for n in range(first, first + many)]

    with count_statements() as one:
        send(world, *rows(0, 1))
    with count_statements() as many:
        send(world, *rows(1, 500))
    assert len(one) == len(many)


def test_lists_are_seen_by_their_sender_and_by_their_commune(world):
    answer = send(world, *GOOD_ROWS)
    import_id = uuid.UUID(answer["import_id"])
    for role in ("coordinator", "health_worker"):
        assert queries.get_import(db.session(), actor=world.actor(role), import_id=import_id)
        assert len(queries.list_imports(db.session(), actor=world.actor(role))) == 1
    with pytest.raises(NotFound):
        queries.get_import(db.session(), actor=world.actor("technician"), import_id=import_id)
    assert queries.list_imports(db.session(), actor=world.actor("technician")) == []


KHANH, PHONG, XA_THAI, PHUONG_THAI, FAR_THAI = (uuid.uuid4() for _ in range(5))
FINDER = CommuneFinder(
    [
        CommuneName(KHANH, "06655", "Phường Hà Khánh", "Thành phố Hạ Long"),
        CommuneName(PHONG, "06658", "Phường Hà Phong", "Thành phố Hạ Long"),
        CommuneName(XA_THAI, "07001", "Xã Hồng Thái", "Thị xã Đông Triều"),
        CommuneName(PHUONG_THAI, "07002", "Phường Hồng Thái", "Thành phố Uông Bí"),
    ]
)


@pytest.mark.parametrize(
    ("commune", "district", "found"),
    [
        ("Phường Hà Khánh", "", KHANH),
        ("P. Hà Khánh", "", KHANH),
        ("P.Hà Khánh", "", KHANH),
        ("hà khánh", "", KHANH),
        ("HA KHANH", "TP Hạ Long", KHANH),
        ("06658", "", PHONG),
        ("Xã Hồng Thái", "", XA_THAI),
        ("Hồng Thái", "Uông Bí", PHUONG_THAI),
        ("Hồng Thái", "TX. Đông Triều", XA_THAI),
    ],
)
def test_a_commune_is_found_as_people_write_it(commune, district, found):
    assert FINDER.find(commune=commune, district=district) == found


@pytest.mark.parametrize(
    ("commune", "district"), [("Hồng Thái", ""), ("Hồng Thái", "Hạ Long"), ("Nowhere", "")]
)
def test_a_commune_that_nobody_or_two_are_called_is_refused(commune, district):
    with pytest.raises(InvalidInput) as refusal:
        FINDER.find(commune=commune, district=district)
    assert refusal.value.field == "commune"


def test_a_name_that_begins_like_a_kind_is_left_whole():
    assert bare_name("Quảng La") == "quang la"
    assert bare_name("Phường 1") == "1"


def test_symptoms_are_read_from_free_text():
    assert read_symptoms("Sốt 38 độ, ho khan") == ("fever", "cough")
    assert read_symptoms("đau họng") == ("sore_throat",)
    assert read_symptoms("x") == ()


def test_a_row_that_met_an_open_declaration_is_not_declared_again_when_that_has_closed(world):
    """The same list sent again after the person's result declares nobody, though the person declared alone first."""
    card = {"identity_number": "022080001234", "name": "Nguyễn Văn An", "birth_date": "1980"}
    [own] = declare(world, make_form(**card))
    met = send(world, GOOD_ROWS[0])
    assert (met["accepted"], met["repeated"]) == (0, 1)
    with writing() as session:
        session.execute(update(Declaration).values(status="closed"))
    again = send(world, GOOD_ROWS[0])
    assert (again["accepted"], again["repeated"], count(Declaration)) == (0, 1, 1)
    kept = db.session.scalars(select(Declaration)).unique().one()
    assert kept.code == own["declaration_code"]
    verbs = db.session.scalars(select(Event.verb).where(Event.subject_id == kept.id).order_by(Event.seq))
    assert list(verbs) == ["declared", "listed"]


def test_a_declaration_keeps_the_first_key_it_was_given(world):
    send(world, GOOD_ROWS[0])
    before = db.session.scalars(select(Declaration.natural_key)).one()
    met = send(world, GOOD_ROWS[0].replace("0912345678", "0987654321"))
    assert met["repeated"] == 1
    assert db.session.scalars(select(Declaration.natural_key)).one() == before
