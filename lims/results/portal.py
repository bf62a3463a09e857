"""A person reads a result: a code, a second fact, limited tries, one answer for every kind of failure.

An unknown code and a wrong birth date are told apart by nothing: the same statements, the same hashing, the same
sentence (SECURITY §1, R1 to R3). A code that cannot be one at all is said to be mistyped before anything is asked.
What was opened once stays open for half an hour by its ticket, so that a household reads on one page.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from lims import clock, codes, tickets
from lims.auth.actors import RESIDENT
from lims.auth.throttles import limited, reading_limits
from lims.errors import InvalidInput, NotFound
from lims.extensions import db, vault
from lims.intake.birth_dates import BirthDate, parse_birth_date
from lims.intake.result_codes import hash_result_code
from lims.results.actions.portal import note_first_reading
from lims.results.queries import portal as queries
from lims.results.reading import Advice, Told, birth_date_fits, tell

# compared where there is no such code, so that both ways do the same work
_NOBODY = BirthDate(1900, 1, 1)
PURPOSE = "result-ticket"
MOST_OPENED = 12
"""Results on one page: a household, or a phone that a few households share."""


@dataclass(frozen=True)
class Answer:
    """What is shown to the person.

    Args:
        told: the finding or where the sample is.
        declaration_code: to be shown where a new sample is taken.
        laboratory: where it was tested; empty before.
        where: names of the collection sites of the commune, only where a new sample may be needed.
        born: the birth date as it is kept; tells the people of a household apart.
        ticket: opens the same again for half an hour.
        detected_advice, second_test_advice: the campaign's own words; empty: the product's.
        result_id: the version that is told, None while nothing is released; for the sheet.
    """

    told: Told
    declaration_code: str
    laboratory: str
    where: tuple[str, ...]
    born: BirthDate
    ticket: str
    detected_advice: Advice
    second_test_advice: Advice
    result_id: uuid.UUID | None = None


def read_result(*, result_code: str, birth_date: str, address: str) -> Answer:
    """Return what the holder of a result code may know.

    Args:
        result_code: as typed, or from the fragment of the slip's QR.
        birth_date: as typed; at least as exact as what is known of the person.
        address: network address of the reader, for the limit on tries.

    Raises:
        InvalidInput: the code or the date cannot be one; nothing was looked up.
        NotFound: no such code, or another birth date.
        TooManyTries: too many failures for this code or from this address.
    """
    code = codes.check_result_code(result_code.rpartition("#")[2], field="result_code")
    born = parse_birth_date(birth_date, field="birth_date", today=clock.today())
    code_hash = hash_result_code(vault(), code)
    with limited(reading_limits(code_hash=code_hash, address=address)):
        reader = queries.find_reader(db.session(), code_hash=code_hash)
        fits = birth_date_fits(reader.born if reader else _NOBODY, born)
        if reader is None or not fits:
            raise NotFound(
                "No result fits this code and this date of birth. Check both: the code is on the slip, in the part "
                "that you keep. If the code is lost, your health station gives you a new one.",
                field="result_code",
            )
    return _answer(reader)


def read_opened(given: Sequence[str]) -> tuple[list[Answer], int]:
    """Return what was opened before, as it is now, in the order given, each person once.

    Args:
        given: tickets of answers.

    Returns:
        The answers, and how many are closed: the half hour is over, or the code was replaced meanwhile.
    """
    keys: dict[uuid.UUID, None] = {}
    closed = 0
    for ticket in given[:MOST_OPENED]:
        try:
            keys[tickets.read_ticket(vault(), ticket, purpose=PURPOSE, now=clock.now())] = None
        except InvalidInput:
            closed += 1
    readers = queries.map_readers(db.session(), code_ids=keys) if keys else {}
    answers = [_answer(readers[key]) for key in keys if key in readers]
    return answers, closed + len(keys) - len(answers)


def _answer(reader: queries.Reader) -> Answer:
    found = queries.get_facts(db.session(), declaration_id=reader.declaration_id)
    told = tell(found.facts)
    where = (
        tuple(queries.list_sites_of_commune(db.session(), commune_id=found.commune_id))
        if told.status in ("new_sample", "second_test")
        else ()
    )
    if found.unread and found.result_id is not None:
        note_first_reading(actor=RESIDENT, result_id=found.result_id)
    return Answer(
        told=told,
        declaration_code=found.declaration_code,
        laboratory=found.laboratory,
        where=where,
        born=reader.born,
        ticket=tickets.make_ticket(vault(), purpose=PURPOSE, key=reader.code_id, now=clock.now()),
        detected_advice=found.detected_advice,
        second_test_advice=found.second_test_advice,
        result_id=found.result_id,
    )


def join_birth_date(*, day: str, month: str, year: str) -> str:
    """Return three small fields as one date to be read.

    Raises:
        InvalidInput: the year is missing, or a day stands without its month.
    """
    parts = [part.strip() for part in (day, month, year)]
    if not parts[2]:
        raise InvalidInput("Enter the year of birth.", field="birth_year")
    if parts[0] and not parts[1]:
        raise InvalidInput("Enter the month of birth, too.", field="birth_month")
    return "/".join(part for part in parts if part)
