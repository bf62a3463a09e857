"""What a person states before sampling: as it was sent, and as it is once checked.

Pure: values in, values out; today's date is handed in. Pages, the API, the demonstration and lists of people all
come through here, so that one rule has one place. An odd identity number only warns; what blocks is a name or a
birth date that cannot be understood, a telephone number that cannot be one, and a missing consent.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from lims import codes
from lims.errors import InvalidInput
from lims.intake.birth_dates import BirthDate, parse_birth_date
from lims.intake.identity import (
    LONGEST_ADDRESS,
    clean_identity_number,
    identity_warnings,
    normalise_phone,
    parse_sex,
)
from lims.intake.rules import CONSENT_VERSION, DECLARED_BY, SYMPTOMS
from lims.names import clean_name, clean_text

T = TypeVar("T")

WITHDRAWAL_REASONS = ("mistake", "declined", "moved")
"""Why a declaration is taken back; fixed words, so that no names get into the chain of custody."""


@dataclass(frozen=True, slots=True)
class DeclarationForm:
    """A declaration as it was typed, scanned or sent; nothing in it is trusted yet.

    Args:
        client_id: id made by the sender; the same again is answered the same.
        name: full name.
        birth_date: day/month/year, month/year or only the year, in any form `parse_birth_date` reads.
        sex: "female", "male", Nam, Nữ, and the like; '' for unknown.
        commune_code: five-digit code of the commune the person lives in.
        identity_number: number of the identity paper, or ''.
        old_identity_number: number of an older paper, or ''.
        phone: telephone number, or ''; may be shared.
        address: one line, or ''.
        symptoms: words of `rules.SYMPTOMS`; empty for none.
        is_contact: was near somebody infected.
        consent: agreed to be tested and to what is kept.
        declared_by: a word of `rules.DECLARED_BY`.
        household_code: code shared by the members of a household, or ''.
        consent_version: of the text that was shown; '' for whoever asked in person.
    """

    client_id: uuid.UUID
    name: str
    birth_date: str
    sex: str
    commune_code: str
    identity_number: str = ""
    old_identity_number: str = ""
    phone: str = ""
    address: str = ""
    symptoms: tuple[str, ...] = ()
    is_contact: bool = False
    consent: bool = False
    declared_by: str = "self"
    household_code: str = ""
    consent_version: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """A declaration whose every value was checked.

    Args:
        name: cleaned full name.
        birth: birth date with its precision.
        sex: "female", "male" or "unknown".
        identity_numbers: cleaned numbers, the newest paper first; may be empty.
        phone: E.164 or ''.
        address: one line or ''.
        symptoms: words of `rules.SYMPTOMS`.
        has_symptoms: also True where a symptom was named that has no word.
        is_contact: was near somebody infected.
        declared_by: a word of `rules.DECLARED_BY`.
        household_code: nine characters or ''.
        warnings: message ids of what is odd, without stopping anything.
    """

    name: str
    birth: BirthDate
    sex: str
    identity_numbers: tuple[str, ...]
    phone: str
    address: str
    symptoms: tuple[str, ...]
    has_symptoms: bool
    is_contact: bool
    declared_by: str
    household_code: str
    warnings: tuple[str, ...]


class Mistakes(InvalidInput):
    """A declaration with one or more values that cannot be taken; `found` holds all of them, each with its field.

    The message, field and parameters are those of the first, so that it can be shown like any refusal.
    """

    def __init__(self, found: tuple[InvalidInput, ...]) -> None:
        first = found[0]
        super().__init__(first.message, field=first.field, **first.parameters)
        self.found = found


def check_declaration(form: DeclarationForm, *, today: date) -> Statement:
    """Check and clean a declaration.

    Args:
        form: as it was sent.
        today: the date in the campaign's time zone.

    Returns:
        The checked values with their warnings.

    Raises:
        Mistakes: everything that cannot be taken, in the order of the form.
    """
    reader = _Reader()
    name = reader.read(lambda: clean_name(form.name, field="name"))
    birth = reader.read(lambda: parse_birth_date(form.birth_date, field="birth_date", today=today))
    sex = reader.read(lambda: parse_sex(form.sex, field="sex"))
    number = reader.read(lambda: clean_identity_number(form.identity_number, field="identity_number"))
    old = reader.read(lambda: clean_identity_number(form.old_identity_number, field="old_identity_number"))
    phone = reader.read(lambda: normalise_phone(form.phone, field="phone"))
    address = reader.read(lambda: clean_text(form.address, field="address", longest=LONGEST_ADDRESS))
    symptoms = reader.read(lambda: _check_symptoms(form.symptoms))
    declared_by = reader.read(lambda: _check_declared_by(form.declared_by))
    household = reader.read(lambda: _check_household(form.household_code))
    reader.read(lambda: _check_consent(form))
    if reader.mistakes or birth is None:
        raise Mistakes(tuple(reader.mistakes))
    numbers = tuple(dict.fromkeys(part for part in (number, old) if part))
    return Statement(
        name=name or "",
        birth=birth,
        sex=sex or "unknown",
        identity_numbers=numbers,
        phone=phone or "",
        address=address or "",
        symptoms=symptoms or (),
        has_symptoms=bool(symptoms),
        is_contact=form.is_contact,
        declared_by=declared_by or "self",
        household_code=household or "",
        warnings=identity_warnings(numbers[0], sex=sex or "unknown", birth_year=birth.year)
        if numbers
        else (),
    )


class _Reader:
    """Tries one value after the other and remembers what was wrong, so that all of it can be said at once."""

    def __init__(self) -> None:
        self.mistakes: list[InvalidInput] = []

    def read(self, take: Callable[[], T]) -> T | None:
        try:
            return take()
        except InvalidInput as mistake:
            self.mistakes.append(mistake)
            return None


def _check_symptoms(symptoms: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [word for word in symptoms if word not in SYMPTOMS]
    if unknown:
        raise InvalidInput(
            "“%(text)s” is not on the list of symptoms. Choose from the list.",
            field="symptoms",
            text=unknown[0][:40],
        )
    return tuple(word for word in SYMPTOMS if word in symptoms)


def _check_declared_by(declared_by: str) -> str:
    if declared_by not in DECLARED_BY:
        raise InvalidInput("Choose who fills in this declaration.", field="declared_by")
    return declared_by


def _check_household(code: str) -> str:
    return codes.parse(code, expect="household", field="household_code").text if code.strip() else ""


def _check_consent(form: DeclarationForm) -> None:
    if form.consent and form.consent_version in ("", CONSENT_VERSION):
        return
    if form.consent:
        raise InvalidInput(
            "The text that is agreed to was changed meanwhile. Read it once more, then agree.",
            field="consent",
        )
    if form.declared_by == "self":
        raise InvalidInput(
            "Nobody is tested without having agreed. If you agree, tick the consent.", field="consent"
        )
    raise InvalidInput(
        "Nobody is tested without having agreed. Ask the person, then tick the consent.", field="consent"
    )
