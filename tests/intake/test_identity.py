"""Identity numbers, card and phone QR codes, birth dates, sex and telephone are read, and odd ones named."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lims.errors import InvalidInput
from lims.intake.identity import (
    PROVINCE_PREFIXES,
    BirthDate,
    IdentityCard,
    PersonalCode,
    clean_identity_number,
    identity_kind,
    identity_warnings,
    normalise_phone,
    parse_birth_date,
    parse_card_qr,
    parse_person_qr,
    parse_personal_qr,
    parse_sex,
)

TODAY = date(2021, 8, 16)
CARD = "022090001234|100987654|Nguyễn Văn Hoà|17051990|Nam|Tổ 5, Hồng Gai, Hạ Long, Quảng Ninh|10052021"
PERSONAL = "022190001234|NGUYEN THI HOA|1990-05-17|0|QID123|<2<GD4220000000000<0912345678<signature"


def test_a_card_fills_every_field():
    assert parse_card_qr(CARD, field="qr") == IdentityCard(
        number="022090001234",
        old_number="100987654",
        name="Nguyễn Văn Hoà",
        birth=BirthDate(1990, 5, 17),
        sex="male",
        address="Tổ 5, Hồng Gai, Hạ Long, Quảng Ninh",
        issued_on=date(2021, 5, 10),
    )


def test_an_empty_old_number_does_not_shift_the_rest():
    card = parse_card_qr(CARD.replace("100987654", ""), field="qr")
    assert (card.old_number, card.name, card.sex) == ("", "Nguyễn Văn Hoà", "male")


def test_relatives_on_the_2024_card_are_not_kept():
    card = parse_card_qr(CARD + "|Trần Thị Mẹ|022160000001|Nguyễn Văn Cha", field="qr")
    assert card == parse_card_qr(CARD, field="qr")


def test_a_card_whose_birthday_was_never_recorded_knows_the_year():
    assert parse_card_qr(CARD.replace("17051990", "00001950"), field="qr").birth == BirthDate(1950)


@pytest.mark.parametrize(
    "text",
    [
        CARD.rsplit("|", 1)[0],
        CARD.replace("022090001234", "02209000123"),
        CARD.replace("17051990", "31021990"),
        CARD.replace("17051990", "5-1990"),
        CARD.replace("Nguyễn Văn Hoà", ""),
        CARD.replace("Nguyễn", "Ngu\x00yễn"),
        CARD.replace("Nam", "N"),
        CARD + "|" + "x" * 3000,
        "",
    ],
)
def test_a_damaged_card_qr_is_refused(text):
    with pytest.raises(InvalidInput) as refusal:
        parse_card_qr(text, field="qr")
    assert refusal.value.field == "qr"


def test_a_personal_qr_is_read_with_its_extension():
    assert parse_personal_qr(PERSONAL, field="qr") == PersonalCode(
        number="022190001234",
        masked_number="",
        name="NGUYEN THI HOA",
        birth=BirthDate(1990, 5, 17),
        qid="QID123",
        by_proxy=False,
        sex="female",
        phone="+84912345678",
    )


def test_a_masked_personal_qr_is_matched_by_its_qid():
    code = parse_person_qr("******001234|NGUYEN THI HOA|1990-**-**|1|QID123|")
    assert isinstance(code, PersonalCode)
    assert (code.number, code.masked_number, code.qid) == ("", "******001234", "QID123")
    assert (code.birth, code.by_proxy, code.sex, code.phone) == (BirthDate(1990), True, "unknown", "")


def test_a_card_and_a_phone_are_told_apart():
    assert isinstance(parse_person_qr(CARD + "\r\n"), IdentityCard)
    assert isinstance(parse_person_qr(PERSONAL), PersonalCode)


@pytest.mark.parametrize("text", ["", "T3K9F2C7H", "https://example.org/a|b", "a|b|c|d|e|f|g", "|" * 1500])
def test_a_foreign_qr_is_refused(text):
    with pytest.raises(InvalidInput):
        parse_person_qr(text)


@given(st.text(max_size=80))
def test_no_scan_whatever_crashes_the_reader(text):
    for scan in (text, f"{text}|||0|{text}", f"022090001234||{text}|17051990|Nam|{text}|{text}"):
        try:
            parse_person_qr(scan)
        except InvalidInput as refusal:
            assert str(refusal)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("022090001234", "cccd"),
        ("100987654", "cmnd"),
        ("B1234567", "passport"),
        ("12345", "other"),
        ("", ""),
        ("٠٢٢٠٩٠٠٠١٢٣٤", "other"),
    ],
)
def test_a_number_shows_its_kind(number, kind):
    assert identity_kind(number) == kind


def test_a_number_that_fits_the_person_raises_no_warning():
    assert identity_warnings("022090001234", sex="male", birth_year=1990) == ()
    assert identity_warnings("022304001234", sex="female", birth_year=2004) == ()
    assert identity_warnings("022304001234", sex="unknown", birth_year=None) == ()
    assert identity_warnings("", sex="male", birth_year=1990) == ()
    assert identity_warnings("100987654", sex="male", birth_year=1990) == ()


@pytest.mark.parametrize(
    ("number", "sex", "year", "word"),
    [
        ("022190001234", "male", 1990, "sex"),
        ("022090001234", "male", 1991, "5 and 6"),
        ("022090001234", "male", 2090, "fourth"),
        ("003090001234", "male", 1990, "province"),
        ("02209000123", "male", 1990, "12 digits"),
    ],
)
def test_a_number_that_does_not_fit_warns_by_name(number, sex, year, word):
    warnings = identity_warnings(number, sex=sex, birth_year=year)
    assert len(warnings) == 1
    assert word in warnings[0]


def test_the_provinces_are_the_63_of_2021():
    assert len(PROVINCE_PREFIXES) == 63
    assert {"022", "024"} <= PROVINCE_PREFIXES


def test_an_identity_number_loses_only_its_separators():
    assert clean_identity_number(" 022 090-001.234 ", field="n") == "022090001234"
    assert clean_identity_number("b1234567", field="n") == "B1234567"
    assert clean_identity_number("", field="n") == ""


@pytest.mark.parametrize("text", ["2.2E+10", "2,20900E+10", "0220\x0090001234", "<b>", "1" * 21])
def test_an_identity_number_that_cannot_be_kept_is_refused(text):
    with pytest.raises(InvalidInput):
        clean_identity_number(text, field="identity_number")


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("0912 345 678", "+84912345678"),
        ("+84 912.345.678", "+84912345678"),
        ("84912345678", "+84912345678"),
        ("+840912345678", "+84912345678"),
        ("912345678", "+84912345678"),
        ("(0203) 3825-123", "+842033825123"),
        ("01234567890", "+84834567890"),
        ("01692345678", "+84392345678"),
        ("01202345678", "+84702345678"),
        ("01992345678", "+84592345678"),
        ("+8613812345678", "+8613812345678"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_a_telephone_becomes_international(text, phone):
    assert normalise_phone(text, field="phone") == phone


@pytest.mark.parametrize(
    "text", ["không có", "091234567", "09123456789", "01102345678", "0912345678/0987654321", "٠٩"]
)
def test_what_is_no_telephone_is_refused(text):
    with pytest.raises(InvalidInput) as refusal:
        normalise_phone(text, field="phone")
    assert refusal.value.field == "phone"


@given(st.from_regex(r"0[35789][0-9]{8}", fullmatch=True))
def test_a_telephone_normalised_twice_stays_itself(number):
    once = normalise_phone(number, field="phone")
    assert normalise_phone(once, field="phone") == once == "+84" + number[1:]


@pytest.mark.parametrize(
    ("text", "birth"),
    [
        ("17/05/1990", BirthDate(1990, 5, 17)),
        ("7-5-1990", BirthDate(1990, 5, 7)),
        ("17.05.1990", BirthDate(1990, 5, 17)),
        (" 17 / 05 / 1990 ", BirthDate(1990, 5, 17)),
        ("1990-05-17", BirthDate(1990, 5, 17)),
        ("1990-05-17 00:00:00", BirthDate(1990, 5, 17)),
        ("05/1990", BirthDate(1990, 5)),
        ("1990-05", BirthDate(1990, 5)),
        ("1990", BirthDate(1990)),
        ("17051990", BirthDate(1990, 5, 17)),
        ("16/08/2021", BirthDate(2021, 8, 16)),
        ("2021", BirthDate(2021)),
        ("29/02/2020", BirthDate(2020, 2, 29)),
    ],
)
def test_a_birth_date_is_read_as_people_write_it(text, birth):
    assert parse_birth_date(text, field="birth_date", today=TODAY) == birth


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "missing"),
        ("17/08/2021", "future"),
        ("2022", "future"),
        ("09/2021", "future"),
        ("31/12/1899", "1900"),
        ("0000", "1900"),
        ("31/02/1990", "no day 31"),
        ("00/05/1990", "no day 0"),
        ("29022021", "no day 29"),
        ("12/25/1990", "no month 25"),
        ("00/1990", "no month 0"),
        ("17/05/90", "not a birth date"),
        ("33000", "not a birth date"),
        ("1/2/3/1990", "not a birth date"),
        ("17/tháng 5/1990", "not a birth date"),
        ("١٧/٠٥/١٩٩٠", "not a birth date"),
        ("199\x000", "not a birth date"),
    ],
)
def test_an_impossible_birth_date_is_refused_with_its_reason(text, word):
    with pytest.raises(InvalidInput) as refusal:
        parse_birth_date(text, field="birth_date", today=TODAY)
    assert word in str(refusal.value)
    assert refusal.value.field == "birth_date"


@given(st.dates(date(1900, 1, 1), TODAY), st.sampled_from(["%d/%m/%Y", "%Y-%m-%d", "%d%m%Y", "%d.%m.%Y"]))
def test_every_day_since_1900_can_be_written_in_every_form(day, form):
    birth = parse_birth_date(day.strftime(form), field="birth_date", today=TODAY)
    assert birth.first_day == day
    assert BirthDate.of(day, birth.precision) == birth


@given(st.dates(date(1900, 1, 1), TODAY))
def test_birth_dates_are_compared_at_the_coarser_precision(day):
    full, month, year = (BirthDate.of(day, precision) for precision in ("day", "month", "year"))
    assert [item.precision for item in (full, month, year)] == ["day", "month", "year"]
    assert all(one.matches(other) for one in (full, month, year) for other in (full, month, year))
    assert not full.matches(BirthDate.of(day + timedelta(days=1), "day"))
    assert not year.matches(BirthDate(day.year + 1))


def test_a_birth_date_writes_itself_as_exactly_as_it_is_known():
    assert [BirthDate(1990, 5, 7).iso, BirthDate(1990, 5).iso, BirthDate(1990).iso] == [
        "1990-05-07",
        "1990-05",
        "1990",
    ]


@pytest.mark.parametrize("parts", [(1990, None, 3), (1990, 2, 30), (0, 1, 1)])
def test_an_impossible_birth_date_cannot_be_made(parts):
    with pytest.raises(ValueError, match=r"\w"):
        BirthDate(*parts)


@pytest.mark.parametrize(
    ("text", "sex"),
    [
        *[(text, "male") for text in ("Nam", "NAM ", "M", "male", "1", "Trai")],
        *[(text, "female") for text in ("Nữ", "NỮ", "nu", "f", "Female.", "2", "Gái")],
        *[(text, "unknown") for text in ("", "0", "Không rõ", "Khác")],
    ],
)
def test_sex_is_read_in_any_spelling(text, sex):
    assert parse_sex(text, field="sex") == sex


@pytest.mark.parametrize("text", ["N", "x", "3", "Nam Nữ", "<b>"])
def test_an_unclear_sex_is_refused(text):
    with pytest.raises(InvalidInput) as refusal:
        parse_sex(text, field="sex")
    assert refusal.value.field == "sex"
