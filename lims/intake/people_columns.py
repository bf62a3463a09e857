"""The header of a list of people: which column holds what, however the ward or the company spells it.

Pure. Spellings are compared folded, without brackets and punctuation, so "Họ và tên (*)" and "HO VA TEN" are
one. They were collected from Vietnamese hospital sheets, declaration forms and company lists; a header that
is not here is left alone and reported as unused, never guessed at: "Họ tên chủ hộ" is not the person.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lims.errors import InvalidInput
from lims.names import fold

HEADER_LINES = 20
"""A title, the name of the ward and a date stand above the header of most lists."""

_SPELLINGS = {
    "name": "ho va ten/ho ten/ten/ho va ten nguoi dan/ho ten nguoi dan/ho va ten nguoi duoc lay mau/ten"
    " nguoi dan"
    "/ho va ten nguoi duoc xet nghiem/ho ten nguoi duoc xet nghiem/ho va ten nguoi lao dong/ho ten nhan vien"
    "/ho va ten nhan vien/ho va ten hoc sinh/ho ten benh nhan/ho va ten benh nhan/ten benh nhan/ho ten day du"
    "/ho va ten day du/full name/name/fullname/person",
    "family_name": "ho/ho dem/ho va dem/ho lot/ho va ten dem/ho ten dem/ho va chu lot/last name/family name",
    "birth": "ngay sinh/ngay thang nam sinh/ngay thang sinh/ngay nam sinh/sinh ngay/nam sinh ngay sinh/ntns"
    "/ngay sinh nam sinh/date of birth/birth date/birthdate/dob/ngay sinh dd mm yyyy/birthday",
    "birth_year": "nam sinh/sinh nam/ns/year of birth/birth year/yob",
    "sex": "gioi tinh/gioi/gt/phai/nam nu/sex/gender/gioi tinh nam nu",
    "male": "nam/male",
    "female": "nu/female",
    "identity_number": "cccd/so cccd/cccd cmnd/cmnd cccd/so cccd cmnd/so cmnd cccd/can cuoc/so can cuoc/so"
    " dinh danh"
    "/can cuoc cong dan/so can cuoc cong dan/so dinh danh ca nhan/ma dinh danh/cmnd cccd ho chieu/cccd cmnd"
    " ho chieu"
    "/cmnd cccd hc/cccd cmnd hc/so giay to/giay to tuy than/so giay to tuy than/so cmnd cccd ho chieu/cmt"
    " cccd"
    "/so cccd cmnd ho chieu/identity number/id number/cmtnd cccd/so cmt cccd/cccd cmt",
    "old_identity_number": "cmnd/so cmnd/cmt/so cmt/cmtnd/so cmtnd/chung minh nhan dan/so chung minh nhan dan"
    "/so chung minh thu/cmnd cu",
    "passport": "ho chieu/so ho chieu/passport/passport number",
    "phone": "sdt/so dien thoai/dien thoai/dt/so dt/dien thoai lien he/so dien thoai lien he/sdt lien he"
    "/dtdd/mobile"
    "/dien thoai di dong/so dien thoai di dong/phone/phone number/tel/telephone/sdt lien lac",
    "house": "so nha/so nha duong/so nha ten duong/so nha duong pho/dia chi so nha/house/house number",
    "hamlet": "thon/to/to dan pho/thon to/to thon/thon xom/xom/khu/khu pho/ap/thon ap/ban/thon ban/tdp/thon"
    " to dan pho"
    "/thon to khu/khu dan cu/to khu/to khu pho/khu pho ap/thon khu pho/hamlet",
    "address": "dia chi/dia chi lien he/noi o/cho o/dia chi cu tru/noi cu tru/dia chi noi o/cho o hien nay"
    "/noi o hien nay"
    "/dia chi hien tai/dia chi hien nay/noi o hien tai/noi cu tru hien nay/dia chi nha/address",
    "commune": "phuong xa/xa phuong/xa/phuong/phuong xa thi tran/xa phuong thi tran/commune/ward/xa phuong tt"
    "/phuong xa tt",
    "district": "quan huyen/huyen quan/huyen/quan/quan huyen thi xa/huyen thi xa thanh pho/district"
    "/quan huyen thi xa thanh pho/huyen tp/quan huyen tp/quan huyen tx tp/huyen thanh pho/huyen tx tp",
    "province": "tinh thanh/tinh/tinh tp/tinh thanh pho/thanh pho tinh/tp tinh/province/thanh pho/city",
    "symptoms": "trieu chung/bieu hien/trieu chung neu co/dau hieu/bieu hien lam sang/trieu chung lam sang"
    "/symptoms"
    "/sot ho/ho sot",
    "contact": "tiep xuc/tiep xuc voi ca benh/tiep xuc f0/dich te/yeu to dich te/tien su tiep xuc/lich su"
    " tiep xuc"
    "/tien su dich te/contact/exposure",
    "note": "ghi chu/note/notes/remark/chu thich",
    "household": "ma ho/so ho/ma ho gia dinh/ho gia dinh/ma ho dan/so ho khau/so ho gia dinh/household",
}
COLUMN_BY_SPELLING = {
    spelling: column for column, spellings in _SPELLINGS.items() for spelling in spellings.split("/")
}

REPORT_COLUMNS = ("line", "reason")
"""What the file of refused rows adds, and its next reading leaves alone."""


@dataclass(frozen=True, slots=True)
class Header:
    """Where the columns of a list are.

    Args:
        lines: how many rows, from the first of the sheet, end with the header.
        titles: the header's cells as written, '' for a column without one.
        places: position of each recognised column, from 0.
    """

    lines: int
    titles: tuple[str, ...]
    places: dict[str, int]

    @property
    def unused(self) -> tuple[str, ...]:
        """The titles of columns that nothing is taken from."""
        used = set(self.places.values())
        return tuple(title for place, title in enumerate(self.titles) if title and place not in used)


def find_header(rows: Sequence[Sequence[str]], *, field: str) -> Header | None:
    """Find the header among the first rows of a list.

    It is the first row with a column of names and one other known column. Where a second row stands below it
    ("Năm sinh" over "Nam" and "Nữ"), the two are read together.

    Args:
        rows: the first rows (at most 21 are looked at).
        field: name of the input, for the error.

    Returns:
        The header, or None if there is none.

    Raises:
        InvalidInput: two columns mean the same.
    """
    for index, row in enumerate(rows[:HEADER_LINES]):
        columns = [_column(title) for title in row]
        if "name" not in columns or len(set(columns) - {""}) < 2:
            continue
        titles = [" ".join(title.split()) for title in row]
        lines = index + 1
        below = rows[lines] if lines < len(rows) else ()
        if _is_second_header(below, columns):
            lines += 1
            for place, title in enumerate(below[: len(titles)]):
                if title.strip():
                    titles[place], columns[place] = " ".join(title.split()), _column(title)
        return Header(lines, tuple(titles), _places(titles, columns, field=field))
    return None


def count_columns(rows: Sequence[Sequence[str]]) -> int:
    """Say how many known columns the best of the first rows has; used to choose a separator."""
    return max((len({_column(title) for title in row} - {""}) for row in rows[:HEADER_LINES]), default=0)


def _column(title: str) -> str:
    if len(title) > 200:
        return ""
    bare = re.sub(r"[^a-z0-9]+", " ", re.sub(r"\(.*?\)|\[.*?\]", " ", fold(title))).strip()
    # Brackets may hold the only words ("(Nam)"), or belong to the meaning.
    whole = re.sub(r"[^a-z0-9]+", " ", fold(title)).strip()
    return COLUMN_BY_SPELLING.get(whole) or COLUMN_BY_SPELLING.get(bare, "")


def _is_second_header(row: Sequence[str], columns: Sequence[str]) -> bool:
    known = [_column(cell) for cell in row if cell.strip()]
    name = columns.index("name")
    return bool(known) and all(known) and not (name < len(row) and row[name].strip())


def _places(titles: Sequence[str], columns: Sequence[str], *, field: str) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, column in enumerate(columns[: len(titles)]):
        if column in places:
            raise InvalidInput(
                "The columns “%(first)s” and “%(second)s” mean the same. Keep one of them.",
                field=field,
                first=titles[places[column]],
                second=titles[place],
            )
        if column:
            places[column] = place
    return places
