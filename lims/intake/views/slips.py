"""Declarations as slips of paper: what stands on one, in the reader's language."""

from __future__ import annotations

from flask_babel import gettext as _

from lims import labels
from lims.extensions import settings
from lims.intake.models import Declaration
from lims.labels import Slip, SlipWords
from lims.language import say_word


def slips_pdf(slips: list[tuple[Declaration, str]]) -> bytes:
    """Return the slips of some declarations as a PDF.

    Args:
        slips: each declaration with its result code; '' prints the collector's part alone.
    """
    words = SlipWords(
        title=_("Declaration slips"),
        collector_heading=_("For the collector"),
        person_heading=_("Keep this for yourself"),
        born=_("born"),
        result_code=_("Result code:"),
        advice=_(
            "Scan the square or open the address below, and type the result code and the date of birth. Show the"
            " code to nobody. If it is lost, the commune health station gives you a new one."
        ),
    )
    return labels.declaration_slips_pdf(
        (_slip(declaration, secret) for declaration, secret in slips),
        words=words,
        base_url=settings().base_url,
    )


def _slip(declaration: Declaration, secret: str) -> Slip:
    lines = [declaration.commune.name]
    if declaration.household_code:
        lines.append(_("Household %(code)s", code=declaration.household_code))
    if declaration.symptoms:
        lines.append(", ".join(say_word(word) for word in declaration.symptoms))
    return Slip(
        declaration_code=declaration.code,
        result_code=secret,
        name=declaration.person.name,
        birth_year=declaration.person.birth_on.year,
        lines=tuple(lines),
    )
