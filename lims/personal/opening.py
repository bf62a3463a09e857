"""A person opens what is their own: a result code, a birth date, limited tries, one answer for every failure.

The same limits as on the page of results count the tries, and an unknown code costs the same work as a wrong date.
"""

from __future__ import annotations

import uuid

from lims import clock, codes
from lims.auth.throttles import limited, reading_limits
from lims.errors import NotFound
from lims.extensions import db, vault
from lims.intake.birth_dates import BirthDate, parse_birth_date
from lims.intake.result_codes import hash_result_code
from lims.personal.queries import own as queries
from lims.results.reading import birth_date_fits

# compared where there is no such code, so that both ways do the same work
_NOBODY = BirthDate(1900, 1, 1)


def open_own_data(*, result_code: str, birth_date: str, address: str) -> uuid.UUID:
    """Return the declaration whose person may see what is theirs.

    Args:
        result_code: as typed, or from the slip's QR.
        birth_date: as typed; at least as exact as what is known of the person.
        address: network address, for the limit on tries.

    Raises:
        InvalidInput: the code or the date cannot be one; nothing was looked up.
        NotFound: no such code, or another birth date.
        TooManyTries: too many failures for this code or from this address.
    """
    code = codes.check_result_code(result_code.rpartition("#")[2], field="result_code")
    born = parse_birth_date(birth_date, field="birth_date", today=clock.today())
    code_hash = hash_result_code(vault(), code)
    with limited(reading_limits(code_hash=code_hash, address=address)):
        owner = queries.find_owner(db.session(), code_hash=code_hash)
        fits = birth_date_fits(owner.born if owner else _NOBODY, born)
        if owner is None or not fits:
            raise NotFound(
                "Nothing fits this code and this date of birth. Check both: the code is on the slip, in the part that "
                "you keep. If the code is lost, your health station gives you a new one.",
                field="result_code",
            )
    return owner.declaration_id
