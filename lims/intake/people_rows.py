"""One row of a list of people: its cells become a person's values, or all the reasons why not.

Pure. The row is refused for what must be right (a name, a birth date or year) and for what somebody wrote but
nobody could read; an odd identity number only warns."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from lims.errors import InvalidInput
from lims.intake.birth_dates import BirthDate, parse_birth_date
from lims.intake.identity import (
    LONGEST_ADDRESS,
    clean_identity_number,
    identity_warnings,
    normalise_phone,
    parse_sex,
)
from lims.intake.people_columns import Header
from lims.msgid import N_
from lims.names import clean_name, clean_text, fold
from lims.spreadsheet import NumberText

_LENGTHS = {
    "house": 120,
    "hamlet": 120,
    "address": LONGEST_ADDRESS,
    "commune": 120,
    "district": 120,
    "province": 120,
    "note": 500,
    "household": 60,
}
_NO_WORDS = frozenset(("", "khong", "ko", "k", "khong co", "no", "none", "0", "-", "chua", "n", "false"))


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a row was refused, or what is odd about it.

    Args:
        column: the column's title as written in the file; '' when it is the whole row.
        message: English msgid.
        parameters: the message's parameters.
    """

    column: str
    message: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PersonRow:
    """An accepted row.

    Args:
        line: its line in the file, from 1.
        key: the same for the same person in every reading of the file, so that a second import creates
            nothing twice; derived from personal data, so never shown.
        name: full name.
        birth: birth date with its precision.
        sex: 'male', 'female' or 'unknown'.
        identity_number: CCCD, passport or whatever stood there, cleaned; ''.
        old_identity_number: CMND from a column of its own; ''.
        phone: E.164 or ''.
        house, hamlet, address, commune, district, province: as written; the places are still to be looked up.
        symptoms, contact: as written; '' also for "không".
        note, household: as written.
        warnings: what is odd, without stopping anything.
    """

    line: int
    key: str
    name: str
    birth: BirthDate
    sex: str
    identity_number: str
    old_identity_number: str
    phone: str
    house: str
    hamlet: str
    address: str
    commune: str
    district: str
    province: str
    symptoms: str
    contact: str
    note: str
    household: str
    warnings: tuple[Reason, ...]


class RowReader:
    """Reads the rows of one list, one after the other; it remembers who came before.

    Args:
        header: where the columns are.
        today: the date in the campaign's time zone.
    """

    def __init__(self, header: Header, *, today: date) -> None:
        self._header = header
        self._today = today
        self._line_by_person: dict[str, int] = {}
        self._times_seen: Counter[str] = Counter()
        self._line_by_identity: dict[str, int] = {}
        self._cells: Sequence[str] = ()
        self._reasons: list[Reason] = []
        self._warnings: list[Reason] = []

    def read(self, line: int, cells: Sequence[str]) -> PersonRow | tuple[Reason, ...]:
        """Read one row.

        Args:
            line: its line in the file.
            cells: at least as many as the header's last known column.

        Returns:
            The person, or all the reasons against the row, at least one.
        """
        self._cells, self._reasons, self._warnings = cells, [], []
        name = self._name()
        sex = self._sex()
        birth = self._birth()
        identity_number = self._identity("identity_number") or self._identity("passport")
        old_number = self._identity("old_identity_number")
        phone = self._take("phone", normalise_phone)
        texts = {
            column: self._take(column, _text_reader(longest)) if column in self._header.places else ""
            for column, longest in _LENGTHS.items()
        }
        symptoms, contact = self._yes_text("symptoms"), self._yes_text("contact")
        if self._reasons or birth is None:
            return tuple(self._reasons)
        self._warn_of_identity(identity_number or old_number, sex, birth, line)
        who = "\x1f".join(
            (fold(name), birth.iso, sex, identity_number or old_number, phone, *map(fold, _place_of(texts)))
        )
        first_line = self._line_by_person.setdefault(who, line)
        # Two people of one name and birth year in one street exist; of one number or one birthday they do
        # not.
        if first_line != line and (identity_number or old_number or birth.precision == "day"):
            return (Reason("", N_("The row repeats line %(first_line)s."), {"first_line": first_line}),)
        self._times_seen[who] += 1
        return PersonRow(
            line=line,
            key=hashlib.sha256(f"{who}\x1f{self._times_seen[who]}".encode()).hexdigest(),
            name=name,
            birth=birth,
            sex=sex,
            identity_number=identity_number,
            old_identity_number=old_number,
            phone=phone,
            symptoms=symptoms,
            contact=contact,
            warnings=tuple(self._warnings),
            **texts,
        )

    def _cell(self, column: str) -> str:
        place = self._header.places.get(column)
        if place is None:
            return ""
        cell = self._cells[place] if place < len(self._cells) else ""
        # An apostrophe in front is how spreadsheets, and our own file of refused rows, mark plain text.
        return cell[1:] if re.match(r"'[=+\-@\t\r0-9]", cell) else cell

    def _title(self, column: str) -> str:
        place = self._header.places.get(column)
        return "" if place is None else self._header.titles[place]

    def _take(self, column: str, read: Callable[..., str]) -> str:
        try:
            return read(self._cell(column), field=column)
        except InvalidInput as refusal:
            self._refuse(column, refusal.message, refusal.parameters)
            return ""

    def _refuse(self, column: str, message: str, parameters: Mapping[str, object]) -> None:
        self._reasons.append(Reason(self._title(column), message, parameters))

    def _name(self) -> str:
        # Some lists have the family and middle names ("Họ đệm") in a column of their own.
        given, family = self._cell("name"), self._cell("family_name")
        try:
            return _clean_listed_name(f"{family} {given}" if given.strip() else "", field="name")
        except InvalidInput as refusal:
            self._refuse("name", refusal.message, refusal.parameters)
            return ""

    def _sex(self) -> str:
        sex = self._take("sex", parse_sex)
        marked = [column for column in ("male", "female") if fold(self._cell(column)) not in _NO_WORDS]
        if len(marked) > 1 or (sex != "unknown" and marked and marked[0] != sex):
            self._refuse(marked[0], N_("Both sexes are marked. Mark one."), {})
        return marked[0] if marked else sex

    def _birth(self) -> BirthDate | None:
        # "Năm sinh" with "Nam" and "Nữ" below it: the year stands in the column of the sex.
        columns = [column for column in ("birth", "birth_year") if self._cell(column).strip()]
        columns += [column for column in ("male", "female") if re.search(r"[0-9]{4}", self._cell(column))]
        dates = []
        for column in columns or [
            next(c for c in ("birth", "birth_year", "male", "female") if self._title(c))
        ]:
            written = self._cell(column) if column in columns else ""
            try:
                dates.append(parse_birth_date(written, field=column, today=self._today))
            except InvalidInput as refusal:
                self._refuse(column, refusal.message, refusal.parameters)
        if len(dates) > 1 and not dates[0].matches(dates[1]):
            message = N_("The birth date %(date)s and the birth year %(other)s differ. Correct one.")
            self._refuse(columns[0], message, {"date": dates[0].iso, "other": dates[1].iso})
        return dates[0] if dates else None

    def _identity(self, column: str) -> str:
        number = self._take(column, clean_identity_number)
        place = self._header.places.get(column)
        missing = {8: 1, 10: 2, 11: 1}.get(len(number), 0)
        if (
            missing
            and place is not None
            and number.isdecimal()
            and isinstance(self._cells[place], NumberText)
        ):
            number = "0" * missing + number
            message = N_("The spreadsheet had dropped the leading zero; the number was read as %(number)s.")
            self._warnings.append(Reason(self._title(column), message, {"number": number}))
        return number

    def _yes_text(self, column: str) -> str:
        text = self._take(column, _text_reader(300)) if column in self._header.places else ""
        return "" if fold(text) in _NO_WORDS else text

    def _warn_of_identity(self, number: str, sex: str, birth: BirthDate, line: int) -> None:
        if not number:
            return
        title = next(
            (
                self._title(c)
                for c in ("identity_number", "passport", "old_identity_number")
                if self._cell(c).strip()
            ),
            "",
        )
        for message in identity_warnings(number, sex=sex, birth_year=birth.year):
            self._warnings.append(Reason(title, message, {}))
        first_line = self._line_by_identity.setdefault(number, line)
        if first_line != line:
            message = N_("Line %(first_line)s has the same identity number. Check both.")
            self._warnings.append(Reason(title, message, {"first_line": first_line}))


def _clean_listed_name(text: str, *, field: str) -> str:
    name = clean_name(text, field=field)
    if "?" in name:
        raise InvalidInput(
            "“?” stands where letters were lost when the file was saved. Save it as “CSV UTF-8” or XLSX.",
            field=field,
        )
    return name


def _text_reader(longest: int) -> Callable[..., str]:
    return lambda text, *, field: clean_text(text, field=field, longest=longest)


def _place_of(texts: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(
        texts[column] for column in ("household", "house", "hamlet", "address", "commune", "district")
    )
