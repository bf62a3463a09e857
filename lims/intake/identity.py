"""Who a person says to be: identity numbers, the QR codes of cards and phones, sex and telephone.

Pure text in, values out. Nothing here blocks a person because of an odd identity number: in one ward's check
only 3,000 of 11,000 forms had it right, and a person without a number must be tested all the same.

Sources: CCCD structure, Decree 137/2015 Art. 13 and Circular 59/2021/TT-BCA Art. 4; card QR as described by
the press and several independent readers (2021 card, and the first seven fields of the 2024 one); personal
QR, Decision 1405/QĐ-BTTTT (v1.1); telephone prefixes, the change of numbers of 2018.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from lims.errors import InvalidInput
from lims.intake.birth_dates import BirthDate, parse_birth_date
from lims.msgid import N_
from lims.names import clean_name, clean_text, fold

__all__ = [
    "BirthDate",
    "IdentityCard",
    "PersonalCode",
    "clean_identity_number",
    "identity_kind",
    "identity_warnings",
    "normalise_phone",
    "parse_birth_date",
    "parse_card_qr",
    "parse_person_qr",
    "parse_personal_qr",
    "parse_sex",
]

LONGEST_QR = 2000
"""Characters. The 2024 card also names relatives; anything longer is not a card."""

LONGEST_ADDRESS = 300

_PROVINCES_2021 = (
    "001 002 004 006 008 010 011 012 014 015 017 019 020 022 024 025 026 027 030 031 033 034 035 036 037 038"
    " 040 042 044 045 046 048 049 051 052 054 056 058 060 062 064 066 067 068 070 072 074 075 077 079 080 082"
    " 083 084 086 087 089 091 092 093 094 095 096"
)
PROVINCE_PREFIXES = frozenset(_PROVINCES_2021.split())
"""First three digits of a CCCD: the provinces of the 2021 edition. 1xx and above are countries of birth."""

_SEXES = {
    "male": "nam male m 1 trai ong anh man boy",
    "female": "nu female f 2 gai ba chi woman girl",
    "unknown": "0 unknown khac other -",
}
_SEX_BY_WORD = {word: sex for sex, words in _SEXES.items() for word in words.split()} | {
    "": "unknown",
    "khong ro": "unknown",
}

_MOVED_PREFIXES = (
    "0120:070 0121:079 0122:077 0126:076 0128:078 0123:083 0124:084 0125:085 0127:081 0129:082 0186:056"
    " 0188:058 0199:059 0162:032 0163:033 0164:034 0165:035 0166:036 0167:037 0168:038 0169:039"
)
_OLD_MOBILE_PREFIXES = dict(pair.split(":") for pair in _MOVED_PREFIXES.split())
"""Eleven-digit mobile numbers died in November 2018, but live on in the lists of wards and companies."""


@dataclass(frozen=True, slots=True)
class IdentityCard:
    """What the QR of a chip identity card says of its holder (relatives on the 2024 card are not kept).

    Args:
        number: the 12 digits of the CCCD.
        old_number: the 9 digits of the former CMND, or ''.
        name: full name with its marks.
        birth: the birth date; a card may know only the year.
        sex: 'male' or 'female'.
        address: permanent address, one line.
        issued_on: date of issue, or None where it cannot be read.
    """

    number: str
    old_number: str
    name: str
    birth: BirthDate
    sex: str
    address: str
    issued_on: date | None


@dataclass(frozen=True, slots=True)
class PersonalCode:
    """What a personal QR (PC-Covid) says; by default the phone masks the number and the birthday.

    Args:
        number: the identity number, or '' when it is masked.
        masked_number: the number as shown when masked (`******000123`), else ''.
        name: upper case without marks; match it folded.
        birth: as exactly as it is shown, or None.
        qid: the key by which a masked code can be matched.
        by_proxy: declared by somebody else.
        sex: 'male', 'female' or 'unknown'.
        phone: E.164, or ''.
    """

    number: str
    masked_number: str
    name: str
    birth: BirthDate | None
    qid: str
    by_proxy: bool
    sex: str
    phone: str


def parse_person_qr(text: str, *, field: str = "qr") -> IdentityCard | PersonalCode:
    """Read the QR of an identity card or of a phone, telling the two apart by their fields.

    Args:
        text: what the scanner read.
        field: name of the input, for the error.

    Raises:
        InvalidInput: it is neither.
    """
    fields = _qr_fields(text, field=field)
    if len(fields) >= 7 and fold(fields[4]) in ("nam", "nu"):
        return parse_card_qr(text, field=field)
    if len(fields) >= 5 and fields[3] in ("0", "1"):
        return parse_personal_qr(text, field=field)
    raise InvalidInput(
        "This is not the QR of an identity card or a personal QR. Scan the card again, or type the details.",
        field=field,
    )


def read_person_qr(text: str, *, field: str) -> dict[str, str]:
    """Return what a card's or a phone's QR says, as the fields of a declaration; empty where it says nothing.

    Args:
        text: what the scanner read.
        field: name of the input, for the error.

    Raises:
        InvalidInput: it is neither.
    """
    card = parse_person_qr(text, field=field)
    only_card = {"old_identity_number": "", "address": ""}
    phone = ""
    if isinstance(card, IdentityCard):
        only_card = {"old_identity_number": card.old_number, "address": card.address}
    else:
        phone = card.phone
    return {
        "name": card.name,
        # as people write it: 1990-05-17 is 17/05/1990
        "birth_date": "/".join(reversed(card.birth.iso.split("-"))) if card.birth else "",
        "sex": card.sex,
        "identity_number": card.number,
        "phone": phone,
        **only_card,
    }


def parse_card_qr(text: str, *, field: str) -> IdentityCard:
    """Read the QR of a chip identity card: `id|old id or empty|name|ddMMyyyy|Nam/Nữ|address|ddMMyyyy`.

    An empty second field keeps its place. More than seven fields (the 2024 card names relatives): the first
    seven are taken, the rest is dropped at once, it concerns other people.

    Args:
        text: what the scanner read.
        field: name of the input, for the error.

    Raises:
        InvalidInput: fewer than seven fields, or one that cannot be what its place says.
    """
    fields = _qr_fields(text, field=field)[:7]
    if len(fields) < 7:
        raise InvalidInput(
            "The QR of the card was not read completely. Scan it again, or type the details.", field=field
        )
    number, old_number, name, birth, sex, address, issued = fields
    if identity_kind(number) != "cccd" or (old_number and identity_kind(old_number) not in ("cmnd", "cccd")):
        raise InvalidInput(
            "The QR holds no identity number of 12 digits. Scan it again, or type the details.", field=field
        )
    return IdentityCard(
        number=number,
        old_number=old_number,
        name=clean_name(name, field=field),
        birth=_card_birth(birth, field=field),
        sex=parse_sex(sex, field=field),
        address=clean_text(address, field=field, longest=LONGEST_ADDRESS),
        issued_on=_card_date(issued),
    )


def parse_personal_qr(text: str, *, field: str) -> PersonalCode:
    """Read a personal QR: `number|NAME|yyyy-mm-dd|0 or 1|QID|extension`, masked fields included.

    The extension is separated by `<`: the proxy's QID, sex (0, 1, 2), insurance number, telephone, signature.
    The insurance number and the proxy's QID are not kept.

    Args:
        text: what the scanner read.
        field: name of the input, for the error.

    Raises:
        InvalidInput: fewer than five fields, or one that cannot be what its place says.
    """
    fields = _qr_fields(text, field=field)
    if len(fields) < 5 or fields[3] not in ("0", "1"):
        raise InvalidInput(
            "The personal QR was not read completely. Scan it again, or type the details.", field=field
        )
    number, name, birth, by_proxy, qid = fields[:5]
    extension = (fields[5].split("<") if len(fields) > 5 else []) + [""] * 4
    masked = "*" in number
    return PersonalCode(
        number="" if masked else clean_identity_number(number, field=field),
        masked_number=clean_text(number, field=field, longest=20) if masked else "",
        name=clean_name(name, field=field),
        birth=_personal_birth(birth),
        qid=clean_text(qid, field=field, longest=64),
        by_proxy=by_proxy == "1",
        sex=parse_sex(extension[1], field=field),
        phone=_phone_or_nothing(extension[3]),
    )


def identity_kind(number: str) -> str:
    """Return 'cccd' (12 digits), 'cmnd' (9 digits), 'passport' (letters, then digits), 'other', or '' for
    none."""
    if not number:
        return ""
    if re.fullmatch(r"[0-9]{12}|[0-9]{9}", number):
        return "cccd" if len(number) == 12 else "cmnd"
    return "passport" if re.fullmatch(r"[A-Z]{1,2}[0-9]{6,8}", number) else "other"


def clean_identity_number(text: str, *, field: str) -> str:
    """Return an identity number in capitals without blanks, dots and dashes; '' for none. Never judges it.

    Args:
        text: the number as typed, scanned or imported.
        field: name of the input, for the error.

    Raises:
        InvalidInput: it cannot be stored (too long, other signs), or a spreadsheet has destroyed its last
            digits.
    """
    number = re.sub(r"[\s.\-]", "", clean_text(text, field=field, longest=40)).upper()
    if re.fullmatch(r"[0-9],?[0-9]*E\+?[0-9]+", number):
        raise InvalidInput(
            "The spreadsheet has shortened the identity number to %(text)s. Format the column as text and"
            " write the number again.",
            field=field,
            text=number,
        )
    if len(number) > 20 or not re.fullmatch(r"[0-9A-Z]*", number):
        raise InvalidInput(
            "An identity number has only digits and letters, at most 20. Write it again.", field=field
        )
    return number


def identity_warnings(number: str, *, sex: str, birth_year: int | None) -> tuple[str, ...]:
    """Say what is odd about an identity number. These are warnings: none of them may stop a person.

    Args:
        number: cleaned number, or ''.
        sex: 'male', 'female' or 'unknown'.
        birth_year: four digits, or None if not known.

    Returns:
        Message ids without parameters, in reading order; empty when nothing is odd.
    """
    kind = identity_kind(number)
    if kind == "other":
        return (N_("An identity number usually has 12 digits, or 9 on an old card. Check it."),)
    if kind != "cccd":
        return ()
    warnings = []
    if number[0] == "0" and number[:3] not in PROVINCE_PREFIXES:
        warnings.append(N_("The first three digits of the identity number name no province. Check it."))
    century, number_sex = 19 + int(number[3]) // 2, "female" if int(number[3]) % 2 else "male"
    if sex in ("male", "female") and sex != number_sex:
        warnings.append(N_("The fourth digit of the identity number does not fit the sex. Check both."))
    if birth_year is not None and birth_year // 100 != century:
        warnings.append(
            N_("The fourth digit of the identity number does not fit the birth year. Check both.")
        )
    if birth_year is not None and birth_year % 100 != int(number[4:6]):
        warnings.append(N_("Digits 5 and 6 of the identity number do not fit the birth year. Check both."))
    return tuple(warnings)


def normalise_phone(text: str, *, field: str) -> str:
    """Return a telephone number as E.164 (`+84912345678`), or '' for none.

    Accepts Vietnamese mobile and fixed numbers, with 0, 84 or +84 in front, or with the 0 a spreadsheet ate;
    the eleven-digit mobile numbers of before 2018 are translated; other countries need their +.

    Args:
        text: the number as typed or imported.
        field: name of the input, for the error.

    Raises:
        InvalidInput: it cannot be a telephone number.
    """
    written = clean_text(text, field=field, longest=60)
    digits = re.sub(r"[\s.\-()]", "", written)
    if not digits:
        return ""
    if re.fullmatch(r"\+(?!84)[1-9][0-9]{7,14}", digits):
        return digits
    national = re.sub(r"^(\+?84|0084)0?(?=[0-9]{9,10}$)", "0", digits)
    if re.fullmatch(r"[35789][0-9]{8}", national):
        national = "0" + national
    if re.fullmatch(r"01[0-9]{9}", national):
        national = _OLD_MOBILE_PREFIXES.get(national[:4], "") + national[4:]
    if re.fullmatch(r"0[35789][0-9]{8}|02[0-9]{9}", national):
        return "+84" + national[1:]
    raise InvalidInput(
        "“%(text)s” is not a telephone number. Write 10 digits, for example 0912 345 678.",
        field=field,
        text=written[:40],
    )


def parse_sex(text: str, *, field: str) -> str:
    """Return 'male', 'female', or 'unknown' where nothing is written or neither is meant.

    Args:
        text: Nam, Nữ, male, female, M, F, 1, 2 and the like, in any case, with or without marks.
        field: name of the input, for the error.

    Raises:
        InvalidInput: it is none of these; a lone N could be either.
    """
    written = clean_text(text, field=field, longest=40)
    sex = _SEX_BY_WORD.get(fold(written).rstrip("."))
    if sex is None:
        raise InvalidInput("“%(text)s” is not a sex. Write Nam or Nữ.", field=field, text=written)
    return sex


def _qr_fields(text: str, *, field: str) -> list[str]:
    if len(text) > LONGEST_QR:
        raise InvalidInput("Too long: at most %(longest)s characters.", field=field, longest=LONGEST_QR)
    return [part.strip() for part in text.strip().split("|")]


def _card_birth(digits: str, *, field: str) -> BirthDate:
    try:
        if not re.fullmatch(r"[0-9]{8}", digits):
            raise ValueError(digits)
        # A card of somebody whose birthday was never recorded has zeros in its place.
        return BirthDate(int(digits[4:]), int(digits[2:4]) or None, int(digits[:2]) or None)
    except ValueError:
        raise InvalidInput(
            "The birth date in the QR cannot be read. Scan it again, or type the details.", field=field
        ) from None


def _card_date(digits: str) -> date | None:
    try:
        return date(int(digits[4:8]), int(digits[2:4]), int(digits[:2]))
    except ValueError:
        return None


def _personal_birth(text: str) -> BirthDate | None:
    shown = re.match(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?", text)
    if not shown:
        return None
    year, month, day = (int(part) if part else None for part in shown.groups())
    try:
        return BirthDate(year or 0, month, day)
    except ValueError:
        return None


def written_phone(phone: str) -> str:
    """Write a telephone number as people here read it: `+84912345678` becomes `0912 345 678`.

    Args:
        phone: E.164, or '' for none; a foreign number stays as it is.
    """
    if not phone.startswith("+84"):
        return phone
    national = "0" + phone.removeprefix("+84")
    return f"{national[:4]} {national[4:7]} {national[7:]}"


def _phone_or_nothing(text: str) -> str:
    # The telephone is a by-product of the scan: a masked or odd one must not spoil the rest.
    try:
        return normalise_phone(text, field="phone")
    except InvalidInput:
        return ""
