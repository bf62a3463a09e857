"""Names are cleaned, found and sorted the Vietnamese way."""

from __future__ import annotations

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.errors import InvalidInput
from lims.names import clean_name, clean_text, fold, sort_key


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Hòa", "hoa"),
        ("Hoà", "hoa"),
        (unicodedata.normalize("NFD", "Hoà"), "hoa"),
        ("  ĐẶNG   Thị\tƯỚC ", "dang thi uoc"),
        ("Straße", "strasse"),
    ],
)
def test_two_spellings_of_a_name_fold_alike(text, folded):
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet="aăâbcdđeêoôơuưyAĂÂĐÊÔƠƯ áàảãạấầẩẫậ", max_size=30))
def test_a_vietnamese_name_folds_to_ascii_whatever_its_composition(text):
    assert fold(text).isascii()
    assert fold(text) == fold(unicodedata.normalize("NFD", text))


def test_a_list_goes_by_given_name_then_middle_then_family():
    expected = [
        "Trần An",
        "Lê Văn An",
        "Trần Văn An",
        "Lê Văn Bá An",
        "Lê Văn Ánh",
        "Lê Văn Ăn",
        "Lê Văn Ân",
        "Lê Văn Dũng",
        "Lê Văn Đặng",
        "Phạm Hải Dương",
        "Nguyễn Thị Yến",
    ]
    # Dương comes between Dũng and Đặng: d before đ.
    expected.insert(8, expected.pop(9))
    shuffled = expected[:]
    random.Random(7).shuffle(shuffled)
    assert sorted(shuffled, key=sort_key) == expected


def test_capital_letters_do_not_part_a_list():
    assert sorted(["LÊ VĂN BÌNH", "lê văn an", "Lê Văn Cường"], key=sort_key) == [
        "lê văn an",
        "LÊ VĂN BÌNH",
        "Lê Văn Cường",
    ]


def test_names_in_other_alphabets_have_different_keys():
    assert sort_key("王芳") != sort_key("李娜")


def test_an_empty_name_still_has_a_place():
    assert sort_key("") < sort_key("An")


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "Robert'); DROP TABLE samples;--", "O'Brien", "=A1"]
)
def test_markup_and_sql_in_a_name_are_only_text(text):
    assert clean_name(text, field="name") == text


def test_a_name_is_composed_and_its_blanks_are_single():
    name = unicodedata.normalize("NFD", " Nguyễn \u00a0 Thị\u200b Hoà ")
    assert clean_name(name, field="name") == "Nguyễn Thị Hoà"


def test_an_invisible_character_inside_a_letter_does_not_keep_it_apart():
    assert clean_name("Ha\u200b\u0300", field="name") == "Hà"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "\u200b",
        "12345",
        "---",
        "A" * 10_000,
        "A" * 121,
        "ß" * 61,
        "An\x00h",
        "An\x1b[31m",
        "An\u202eh",
        "An\ud800h",
        "Nguy\ufffdn",
    ],
)
def test_what_is_no_name_is_refused_with_its_field(text):
    with pytest.raises(InvalidInput) as refusal:
        clean_name(text, field="full_name")
    assert refusal.value.field == "full_name"
    assert str(refusal.value)


def test_the_longest_name_allowed_is_counted_in_composed_letters():
    assert clean_name(unicodedata.normalize("NFD", "ễ" * 120), field="name") == "ễ" * 120


def test_free_text_may_be_empty_and_becomes_one_line():
    assert clean_text("", field="note", longest=10) == ""
    assert clean_text(" ho,\r\n sốt\t", field="note", longest=10) == "ho, sốt"


@given(st.text(max_size=200))
def test_text_that_was_accepted_can_be_stored_anywhere_and_is_accepted_again(text):
    try:
        cleaned = clean_text(text, field="note", longest=150)
    except InvalidInput:
        return
    assert "\x00" not in cleaned
    assert len(cleaned) <= 150
    cleaned.encode("utf-8")
    assert clean_text(cleaned, field="note", longest=150) == cleaned
