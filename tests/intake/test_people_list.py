"""A ward's list: every row is accepted or refused with its line, column and reason, whatever the file."""

from __future__ import annotations

import io
import random
import time
import unicodedata
import zipfile
from datetime import date

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lims.delimited import decode_text, read_records
from lims.errors import InvalidInput
from lims.intake.birth_dates import BirthDate
from lims.intake.people_columns import find_header
from lims.intake.people_list import in_english, read_people, refused_csv, sniff_format

TODAY = date(2021, 8, 16)
HEADER = (
    "STT,Họ và tên,Ngày sinh,Giới tính,CCCD,SĐT,Địa chỉ,Phường/Xã,Quận/Huyện,Tỉnh/Thành"
    ",Triệu chứng,Tiếp xúc,Ghi chú"
)
HOA = "1,Nguyễn Thị Hoà,17/05/1990,Nữ,022190001234,0912345678,Tổ 5,Hồng Gai,Hạ Long,Quảng Ninh,Không,Có,"
BINH = "2,Trần Văn Bình,1985,Nam,,,Tổ 6,Hồng Gai,Hạ Long,Quảng Ninh,sốt,,ghi chú"


def read(text, *, encoding="utf-8"):
    content = text if isinstance(text, bytes) else text.encode(encoding)
    people = read_people(content, file_name="danh-sach.csv", today=TODAY)
    assert people.read == len(people.rows) + len(people.refused)
    return people


def csv_of(*rows, header=HEADER):
    return "\n".join((header, *rows)) + "\n"


def workbook(*rows, sheets=1):
    book = openpyxl.Workbook()
    for _ in range(sheets - 1):
        book.create_sheet()
    for sheet in book.worksheets:
        for row in rows:
            sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def reasons(people):
    return [in_english(reason) for row in people.refused for reason in row.reasons]


def test_a_good_row_gives_every_value():
    (row,) = read(csv_of(HOA)).rows
    assert (row.line, row.name, row.birth, row.sex) == (2, "Nguyễn Thị Hoà", BirthDate(1990, 5, 17), "female")
    assert (row.identity_number, row.phone, row.address) == ("022190001234", "+84912345678", "Tổ 5")
    assert (row.commune, row.district, row.province) == ("Hồng Gai", "Hạ Long", "Quảng Ninh")
    assert (row.symptoms, row.contact, row.note, row.warnings) == ("", "Có", "", ())


def test_a_list_may_have_a_title_another_order_and_other_spellings():
    text = (
        "UBND PHƯỜNG HỒNG GAI;;;\nDANH SÁCH LẤY MẪU;;;\n;;;\n"
        "Điện  thoại (*);NĂM SINH;Giới;Họ tên\n0912 345 678;1990;Nu;Lê Hoa\n"
    )
    people = read(text)
    assert (people.header_line, people.delimiter) == (4, ";")
    assert [(row.line, row.name, row.birth, row.sex) for row in people.rows] == [
        (5, "Lê Hoa", BirthDate(1990), "female")
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_separator_is_found(delimiter):
    assert len(read(csv_of(HOA, BINH).replace(",", delimiter)).rows) == 2


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_read(ending):
    assert [row.line for row in read(csv_of(HOA, BINH).replace("\n", ending)).rows] == [2, 3]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_files_are_read(encoding):
    assert read(csv_of(HOA), encoding=encoding).rows[0].name == "Nguyễn Thị Hoà"


def test_a_decomposed_file_is_composed():
    (row,) = read(unicodedata.normalize("NFD", csv_of(HOA))).rows
    assert row.name == "Nguyễn Thị Hoà"


def windows_1258(text):
    """Write each letter as Windows does: letters it has are kept, tones it lacks follow as marks."""
    pieces = []
    for letter in unicodedata.normalize("NFC", text):
        try:
            pieces.append(letter.encode("cp1258"))
        except UnicodeEncodeError:
            base, *marks = unicodedata.normalize("NFD", letter)
            hats = "".join(mark for mark in marks if mark in "\u0302\u0306\u031b")
            tone = "".join(mark for mark in marks if mark not in hats)
            pieces.append((unicodedata.normalize("NFC", base + hats) + tone).encode("cp1258"))
    return b"".join(pieces)


def test_a_vietnamese_windows_file_is_read():
    people = read(windows_1258(csv_of(HOA, BINH)))
    assert people.encoding == "cp1258"
    assert [row.name for row in people.rows] == ["Nguyễn Thị Hoà", "Trần Văn Bình"]


def test_a_western_windows_file_is_read_where_its_letters_suffice():
    text = "Ho ten,Nam sinh,Dia chi\nLê Hà,1990,Tô Hiêu\nVõ Quý,1991,Hàng Bè\nLý Hùng,1992,Ngõ 5\n"
    assert [row.name for row in read(text.encode("cp1252")).rows] == ["Lê Hà", "Võ Quý", "Lý Hùng"]


@pytest.mark.parametrize(
    "content",
    [
        # TCVN3, a font's own encoding of before Unicode.
        "Hä vµ tªn,N¨m sinh\nNguyÔn V¨n B×nh,1990\n".encode("cp1252"),
        # UTF-8 read as Windows-1252 and saved again.
        csv_of(HOA, BINH).encode().decode("cp1252", errors="ignore").encode(),
        csv_of(HOA).encode("utf-16")[:2] + bytes(range(216, 224)) * 40,
        bytes(range(128, 256)) * 10,
    ],
)
def test_letters_that_cannot_be_read_refuse_the_file(content):
    with pytest.raises(InvalidInput) as refusal:
        read(content)
    assert refusal.value.field == "file"


def test_question_marks_in_place_of_letters_are_named():
    people = read(csv_of(HOA.replace("Nguyễn Thị", "Nguy?n Th?"), BINH))
    assert "letters were lost" in reasons(people)[0]
    assert len(people.rows) == 1


def test_a_file_cut_inside_a_letter_loses_only_that_row():
    whole = csv_of(HOA, BINH.rsplit(",", 3)[0] + ",sốt,,ố").encode()
    people = read(whole[:-2])
    assert [row.line for row in people.rows] == [2]
    assert [row.line for row in people.refused] == [3]


def test_all_reasons_of_a_row_are_given_with_line_and_column():
    bad = '3,,31/02/1990,N,2.2E+11,12,"Tổ\n 7",Hồng Gai,Hạ Long,Quảng Ninh,,,'
    people = read(csv_of(HOA, bad, BINH))
    (row,) = people.refused
    assert row.line == 3
    assert [reason.column for reason in row.reasons] == ["Họ và tên", "Giới tính", "Ngày sinh", "CCCD", "SĐT"]
    assert [row.line for row in people.rows] == [2, 5]


@pytest.mark.parametrize(
    ("column", "value", "word"),
    [
        (1, "", "missing"),
        (1, "12", "letters"),
        (1, "A" * 10_240, "Too long"),
        (1, "An\x00h", "U+0000"),
        (1, "An\x1bh", "U+001B"),
        (2, "", "missing"),
        (2, "17/08/2021", "future"),
        (2, "1899", "1900"),
        (2, "12/25/1990", "month 25"),
        (2, "33000", "not a birth date"),
        (3, "N", "not a sex"),
        (4, "0" * 30, "at most 20"),
        (5, "0912345678/0987654321", "not a telephone"),
        (6, "x" * 5000, "Too long"),
        (12, "\u202e", "U+202E"),
    ],
)
def test_a_bad_cell_refuses_its_row_and_says_why(column, value, word):
    cells = HOA.split(",")
    cells[column] = value
    people = read(csv_of(",".join(cells), BINH))
    assert [row.line for row in people.refused] == [2]
    assert word in reasons(people)[0]
    assert people.refused[0].reasons[0].column == HEADER.split(",")[column]
    assert len(people.rows) == 1


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "Robert'); DROP TABLE people;--", "=HYPERLINK(1)A"]
)
def test_markup_and_sql_in_a_name_are_only_a_name(name):
    (row,) = read(csv_of(HOA.replace("Nguyễn Thị Hoà", name))).rows
    assert row.name == name


def test_an_odd_identity_number_warns_and_never_blocks():
    (row,) = read(csv_of(HOA.replace("022190001234", "999090001234"))).rows
    assert [warning.column for warning in row.warnings] == ["CCCD"]


def test_empty_lines_are_counted_but_are_no_rows():
    people = read(csv_of("", HOA, ",,,,,,,,,,,,", "  ", BINH, ""))
    assert (people.read, people.empty_lines) == (2, 4)
    assert [row.line for row in people.rows] == [3, 6]


def test_a_row_with_more_cells_than_the_header_is_refused():
    people = read(csv_of(HOA.replace("Tổ 5", "Tổ 5, khu 3"), BINH))
    assert "14 cells" in reasons(people)[0]


def test_a_row_cut_off_is_refused():
    people = read(csv_of(HOA, BINH)[:-30])
    assert (len(people.rows), [row.line for row in people.refused]) == (1, [3])
    assert "ends too early" in reasons(people)[0]


def test_an_unclosed_quotation_mark_costs_one_line_not_the_rest_of_the_file():
    broken = BINH.replace("Tổ 6", '"Tổ 6')
    many = [BINH.replace("Bình", f"Bình {letter}") for letter in "ABCDEFGH"]
    people = read(csv_of(HOA, broken, *many))
    assert [row.line for row in people.refused] == [3]
    assert "never closed" in reasons(people)[0]
    assert len(people.rows) == 9


@pytest.mark.parametrize("row", [HOA.replace("Tổ 5", '"Tổ 5'), HOA.replace("Tổ 5", '"Tổ" 5')])
def test_broken_quotation_marks_in_the_last_line_are_named(row):
    people = read(csv_of(BINH, row))
    assert [refused.line for refused in people.refused] == [3]
    assert "quotation mark" in reasons(people)[0]


def test_a_quoted_cell_may_hold_separators_line_breaks_and_quotation_marks():
    people = read(csv_of(HOA.replace("Tổ 5", '"Tổ 5,\nkhu ""ba"""'), BINH))
    assert people.rows[0].address == 'Tổ 5, khu "ba"'
    assert [row.line for row in people.rows] == [2, 4]


def test_one_person_twice_in_a_file_is_accepted_once():
    people = read(csv_of(HOA, BINH, HOA.replace("1,", "3,", 1)))
    assert "repeats line 2" in reasons(people)[0]


def test_two_people_of_one_name_and_birth_year_are_both_kept():
    people = read(csv_of(BINH, BINH))
    assert len({row.key for row in people.rows}) == 2


def test_one_identity_number_for_two_people_is_pointed_out():
    people = read(csv_of(HOA, HOA.replace("Hoà", "Hạnh")))
    assert [in_english(warning) for warning in people.rows[1].warnings] == [
        "CCCD: Line 2 has the same identity number. Check both."
    ]


def test_the_keys_of_a_second_reading_are_the_same_in_any_order():
    rows = [HOA, BINH, BINH.replace("1985", "1986")]
    keys = {row.key for row in read(csv_of(*rows)).rows}
    assert keys == {row.key for row in read(csv_of(*rows[::-1])).rows}
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("  \n\n", "empty"),
        ("a,b\n1,2\n", "No header"),
        ("Ngày sinh,SĐT\n1990,\n", "No header"),
        ("Họ tên,SĐT\nLê Hoa,\n", "no column of birth"),
        ("Họ tên,Họ và tên,Năm sinh\nLê,Hoa,1990\n", "mean the same"),
        ("Họ tên,Năm sinh,SĐT,Điện thoại\nLê,1990,,\n", "mean the same"),
        ("%PDF-1.4\n", "not a table"),
        ("<html><table><tr><td>Họ tên</td></tr></table>", "not a table"),
        ("\n" * 25 + csv_of(HOA), "No header"),
    ],
)
def test_a_file_that_is_no_list_is_refused_as_a_whole(text, word):
    with pytest.raises(InvalidInput) as refusal:
        read(text)
    assert word in str(refusal.value)
    assert refusal.value.field == "file"


def test_columns_that_nothing_is_taken_from_are_reported():
    assert read("Họ tên,Năm sinh,Họ tên chủ hộ\nLê Hoa,1990,Lê A\n").unused_columns == ("Họ tên chủ hộ",)


def test_sex_in_two_columns_is_read():
    people = read("Họ tên,Năm sinh,Nam,Nữ\nLê Hoa,1990,,x\nLê An,1991,X,\nLê Ba,1992,x,x\n")
    assert [row.sex for row in people.rows] == ["female", "male"]
    assert "Both sexes" in reasons(people)[0]


def test_a_birth_year_standing_in_the_column_of_the_sex_is_read():
    people = read("STT,Họ và tên,Năm sinh,,Địa chỉ\n,,Nam,Nữ,\n1,Lê Hoa,,1990,Tổ 5\n2,Lê An,1991,,Tổ 6\n")
    assert [(row.birth.year, row.sex) for row in people.rows] == [(1990, "female"), (1991, "male")]
    assert people.header_line == 2


def test_family_and_given_names_in_two_columns_become_one_name():
    (row,) = read("Họ đệm,Tên,Năm sinh\nNguyễn Thị,Hoà,1990\n").rows
    assert row.name == "Nguyễn Thị Hoà"


def test_a_birth_date_and_a_birth_year_must_agree():
    people = read("Họ tên,Ngày sinh,Năm sinh\nLê Hoa,17/05/1990,1990\nLê An,17/05/1990,1991\nLê Ba,,1992\n")
    assert [row.line for row in people.rows] == [2, 4]
    assert "differ" in reasons(people)[0]


def test_a_workbook_is_read_with_its_numbers_and_dates():
    people = read(
        workbook(
            ["DANH SÁCH"],
            [],
            ["STT", "Họ và tên", "Ngày sinh", "CCCD", "SĐT"],
            [1, "Lê Hoa", date(1990, 5, 17), 22190001234, 912345678],
            [2, "Lê An", 1985, "022085001234", "0912345678"],
            [],
            [3, "", 1985, None, None],
        )
    )
    assert people.format == "xlsx"
    assert [(row.line, row.birth.iso) for row in people.rows] == [(4, "1990-05-17"), (5, "1985")]
    assert [row.identity_number for row in people.rows] == ["022190001234", "022085001234"]
    assert "leading zero" in in_english(people.rows[0].warnings[0])
    assert {row.phone for row in people.rows} == {"+84912345678"}
    assert ([row.line for row in people.refused], people.empty_lines) == ([7], 1)


def test_a_workbook_is_known_by_its_content_not_by_its_name():
    people = read_people(
        workbook(["Họ tên", "Năm sinh"], ["Lê Hoa", 1990]), file_name="list.csv", today=TODAY
    )
    assert people.format == "xlsx"


def test_two_lists_in_one_workbook_are_refused_rather_than_one_forgotten():
    with pytest.raises(InvalidInput, match="Several sheets"):
        read(workbook(["Họ tên", "Năm sinh"], ["Lê Hoa", 1990], sheets=2))


def bomb(member, content):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr(member, content)
    return packed.getvalue()


FAR = (
    b'<sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: bomb("xl/worksheets/sheet1.xml", bytes(201 * 1024 * 1024)), "larger than 200 MB"),
        (lambda: bomb("xl/worksheets/sheet1.xml", FAR), "far away"),
        (lambda: bomb("xl/worksheets/sheet1.xml", b" " * (1 << 20) + FAR), "far away"),
        (lambda: bomb("xl/elsewhere.xml", FAR.replace(b"<c r=", b"<c s='>' r=")), "far away"),
        (
            lambda: bomb("xl/worksheets/sheet1.xml", b'<row r="1048576">' + b"<c><v>1</v></c>" * 200),
            "far away",
        ),
        (lambda: bomb("xl/worksheets/sheet1.xml", b"<sheetData/>"), "cannot be opened"),
        (lambda: b"PK\x03\x04" + bytes(100), "not a table"),
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old XLS"),
        (lambda: workbook(["Họ tên", "Năm sinh"], ["Lê Hoa", 1990])[:-200], "not a table"),
        (lambda: b"a" * (20 * 1024 * 1024 + 1), "too big"),
    ],
    ids=["inflates", "far", "far-later", "hidden", "no-address", "bare", "zeros", "xls", "half", "big"],
)
def test_a_dangerous_or_damaged_file_is_refused_before_it_costs_memory(make, word):
    with pytest.raises(InvalidInput) as refusal:
        read(make())
    assert word in str(refusal.value)
    assert refusal.value.field == "file"


def test_formatted_empty_cells_far_away_do_no_harm():
    book = openpyxl.Workbook()
    book.active.append(["Họ tên", "Năm sinh"])
    book.active.append(["Lê Hoa", 1990])
    book.active.cell(row=1_048_576, column=16_384).number_format = "0"
    content = io.BytesIO()
    book.save(content)
    assert len(read(content.getvalue()).rows) == 1


def test_refused_rows_can_be_mended_and_sent_again():
    bad = [
        HOA.replace("Nguyễn Thị Hoà", ""),
        BINH.replace("1985", "31/02/1985").replace("Tổ 6", '"=1+1, ""x"""'),
    ]
    people = read(csv_of(*bad, HOA))
    sent = refused_csv(people)
    again = read(sent)
    assert again.read == len(again.refused) == 2
    assert again.columns[-2:] == ("line", "reason")
    assert refused_csv(again).count(b"reason") == 1
    mended = (
        sent.decode("utf-8-sig").replace("1,,17/05", "1,Lê Thị Hoà,17/05").replace("31/02/1985", "28/02/1985")
    )
    good = read(mended)
    assert [row.name for row in good.rows] == ["Lê Thị Hoà", "Trần Văn Bình"]
    assert good.rows[1].address == '=1+1, "x"'
    assert not good.refused


@pytest.mark.parametrize("cell", ["=cmd|' /C calc'!A0", "+84912345678", "-1+1", "@SUM(A1)", "\t=1"])
def test_no_cell_of_the_refused_rows_runs_as_a_formula(cell):
    people = read(csv_of(f'1,,{TODAY.year},Nam,,,"{cell}",,,,,,'))
    records = list(read_records(decode_text(refused_csv(people), field="file")[0], delimiter=","))
    assert all(
        not value.startswith(("=", "+", "-", "@", "\t")) for record in records for value in record.cells
    )


def test_the_reason_is_written_in_the_language_of_the_page():
    people = read(csv_of(HOA.replace("Nguyễn Thị Hoà", "")))
    text = refused_csv(people, say=lambda reason: f"Cột {reason.column}: thiếu").decode("utf-8-sig")
    assert text.splitlines()[1].endswith(",2,Cột Họ và tên: thiếu")


def test_a_refused_nul_stays_refused_when_sent_again():
    people = read(csv_of(HOA.replace("Hoà", "Ho\x00à")))
    assert len(read(refused_csv(people)).refused) == 1


@settings(deadline=None)
@given(st.text(alphabet="aÂ\",;\n\r\t\x00 |1'=x", max_size=200), st.integers(0, 400))
def test_whatever_the_damage_every_line_is_accounted_for(noise, cut):
    text = csv_of(HOA, BINH, HOA.replace("Hoà", "Hạnh"))
    content = (text + noise)[: max(len(HEADER) + 1, len(text + noise) - cut)].encode()
    people = read_people(content, file_name="x.csv", today=TODAY)
    body = content.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n", 1)[1]
    records = list(read_records(body, delimiter=","))
    assert people.read + people.empty_lines == len(records)
    again = "\n".join(record.cells[0] if record.problem else "" for record in records if record.problem)
    assert all(line in body for line in again.split("\n"))


@given(st.permutations(HEADER.split(",")))
def test_the_order_of_the_columns_does_not_matter(titles):
    header = find_header([titles], field="file")
    assert header is not None
    assert {column: titles[place] for column, place in header.places.items()}["name"] == "Họ và tên"
    assert header.unused == ("STT",)


def big_list(count):
    chance = random.Random(1)
    family, given_names = ["Nguyễn", "Trần", "Lê", "Phạm", "Vũ"], ["Hoà", "Bình", "An", "Đặng", "Yến", "Ước"]
    rows = []
    for number in range(count):
        name = f"{chance.choice(family)} Văn {chance.choice(given_names)}"
        year = chance.randint(1930, 2015)
        born, number_12 = f"{number % 28 + 1:02}/05/{year}", f"0220{year % 100:02}{number:06}"
        cells = [
            number,
            name,
            born,
            "Nam",
            number_12,
            f"09{number:08}",
            f"Tổ {number}",
            "Hồng Gai",
            "Hạ Long",
        ]
        rows.append(",".join(map(str, [*cells, "Quảng Ninh", "", "", ""])))
    return rows


def test_fifty_thousand_rows_are_read(record_property):
    rows = big_list(50_000)
    for place in range(0, 50_000, 100):
        rows[place] = rows[place].replace("Nam", "?", 1)
    content = csv_of(*rows).encode()
    started = time.perf_counter()
    people = read(content)
    seconds = time.perf_counter() - started
    record_property("seconds", round(seconds, 2))
    print(f"50,000 rows of {len(content) / 1e6:.1f} MB in {seconds:.1f} s")
    assert (len(people.rows), len(people.refused)) == (49_500, 500)


def test_nothing_is_lost_at_the_row_limit_of_old_spreadsheets():
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["Họ tên", "Năm sinh", "SĐT"])
    for number in range(65_537):
        sheet.append(["Lê Hoa", 1990, f"09{number:08}"])
    content = io.BytesIO()
    book.save(content)
    started = time.perf_counter()
    people = read(content.getvalue())
    print(f"65,537 rows of XLSX in {time.perf_counter() - started:.1f} s")
    assert len(people.rows) == 65_537


def test_a_list_beyond_the_limit_is_refused_not_cut(monkeypatch):
    monkeypatch.setattr("lims.intake.people_list.MOST_ROWS", 100)
    assert len(read("Họ tên,Năm sinh\n" + "A,1990\n" * 100).rows) == 100
    with pytest.raises(InvalidInput, match="more than 100 rows"):
        read("Họ tên,Năm sinh\n" + "A,1990\n" * 101)


def test_the_format_is_sniffed():
    assert sniff_format(csv_of(HOA).encode()) == "csv"
    assert sniff_format(workbook(["a"])) == "xlsx"
