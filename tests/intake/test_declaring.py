"""What a declaration must say, and that every mistake names its field."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stating import make_form

from lims import codes
from lims.intake.declaring import Mistakes, check_declaration

TODAY = date(2021, 8, 16)


def check(**changes):
    return check_declaration(make_form(**changes), today=TODAY)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", ""),
        ("name", "   "),
        ("name", "123"),
        ("name", "Nguyễn\x00An"),
        ("name", "A" * 10_000),
        ("birth_date", ""),
        ("birth_date", "31/02/1990"),
        ("birth_date", "17/05/2031"),
        ("sex", "N"),
        ("identity_number", "<script>"),
        ("old_identity_number", "9" * 30),
        ("phone", "12"),
        ("address", "x" * 301),
        ("symptoms", ("bored",)),
        ("declared_by", "nobody"),
        ("household_code", "T00000000"),
        ("consent", False),
    ],
)
def test_a_value_that_cannot_be_taken_is_refused_by_the_name_of_its_field(field, wrong):
    with pytest.raises(Mistakes) as refusal:
        check(**{field: wrong})
    assert [mistake.field for mistake in refusal.value.found] == [field]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_form():
    with pytest.raises(Mistakes) as refusal:
        check(name="", birth_date="never", phone="x", consent=False)
    assert [mistake.field for mistake in refusal.value.found] == ["name", "birth_date", "phone", "consent"]
    assert refusal.value.field == "name"


@pytest.mark.parametrize(
    ("declared_by", "sentence"),
    [("self", "If you agree"), ("relative", "Ask the person"), ("health_worker", "Ask")],
)
def test_who_declares_for_themselves_is_not_told_to_ask_the_person(declared_by, sentence):
    with pytest.raises(Mistakes, match=sentence) as refusal:
        check(consent=False, declared_by=declared_by)
    assert ("Ask" in refusal.value.message) == (declared_by != "self")


def test_an_odd_identity_number_warns_and_never_blocks():
    statement = check(identity_number="022190001234", sex="female", birth_date="1991")
    assert statement.identity_numbers == ("022190001234",)
    assert statement.warnings == (
        "Digits 5 and 6 of the identity number do not fit the birth year. Check both.",
    )
    assert check(identity_number="ABC1").warnings


def test_the_old_number_is_kept_beside_the_new_one_and_never_twice():
    assert check(identity_number="022190001234", old_identity_number="100123456").identity_numbers == (
        "022190001234",
        "100123456",
    )
    assert check(identity_number="100123456", old_identity_number="100 123 456").identity_numbers == (
        "100123456",
    )


def test_symptoms_are_kept_in_one_order_without_repeats():
    statement = check(symptoms=("cough", "fever", "cough"))
    assert statement.symptoms == ("fever", "cough")
    assert statement.has_symptoms and not check().has_symptoms


def test_a_year_alone_is_a_birth_date():
    assert check(birth_date="1958").birth.precision == "year"


def test_a_household_code_is_read_in_any_grouping():
    code = codes.mint("household")
    assert check(household_code=codes.grouped(code).lower()).household_code == code


@given(st.text(max_size=400))
def test_no_text_whatever_as_a_name_does_anything_but_pass_or_be_refused(text):
    try:
        statement = check(name=text)
    except Mistakes as refusal:
        assert refusal.field == "name"
    else:
        assert statement.name and len(statement.name) <= 120
