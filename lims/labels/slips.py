"""Declaration slips: four to an A4 page, each in two parts to cut apart.

The left part goes with the collector and carries the declaration's code. The right part stays with the person
and carries the secret result code, which must be nowhere on the left. The person's QR code opens the result
page with the code behind a `#`, which browsers never send to a server, so it stands in no log.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lims import codes
from lims.labels import symbols
from lims.labels.paper import BOLD, HEIGHT, MONO, REGULAR, WIDTH, Paper, dots, text_width

SLIPS_PER_PAGE = 4
_SLIP = HEIGHT // SLIPS_PER_PAGE
CUT = dots(92)
_MARGIN = dots(8)
_PERSON = CUT + dots(6)
_QR_MODULE = 9
_RESULT_QR = dots(36)
_BAR_MODULE = 4
_BARS = dots(9)


@dataclass(frozen=True)
class Slip:
    """What one slip says about one person.

    Args:
        declaration_code: the work code, in any grouping.
        result_code: the secret code, in any grouping; '' prints the collector's part alone.
        name: the person's full name, never shortened while it fits.
        birth_year: four digits.
        lines: what the collector needs besides (household, place, symptoms), translated.
    """

    declaration_code: str
    result_code: str
    name: str
    birth_year: int
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class SlipWords:
    """The words that are the same on every slip, translated.

    Args:
        title: title of the document.
        collector_heading: heading of the part for the collector.
        person_heading: heading of the part the person keeps.
        born: what stands before the birth year.
        result_code: what stands before the secret code.
        advice: how to read the result, and to show the code to nobody; one paragraph.
    """

    title: str
    collector_heading: str
    person_heading: str
    born: str
    result_code: str
    advice: str


def declaration_slips_pdf(slips: Iterable[Slip], *, words: SlipWords, base_url: str) -> bytes:
    """Print the slips of a household, a company or a list.

    Args:
        slips: in the order of printing.
        words: the fixed words, translated.
        base_url: where the result page is, without a slash at the end: `https://example.org`.

    Returns:
        A PDF of A4 pages, four slips each; one empty page when there are none.

    Raises:
        InvalidInput: a code is not a declaration's or not a result code, or the address is too long to print.
    """
    paper = Paper(title=words.title)
    for number, slip in enumerate(slips):
        place = number % SLIPS_PER_PAGE
        if number and place == 0:
            paper.next_page()
        top = place * _SLIP
        _draw_collector_part(paper, slip, words=words, top=top)
        if slip.result_code:
            _draw_person_part(paper, slip, words=words, base_url=base_url, top=top)
        paper.cut(CUT, top + dots(4), CUT, top + _SLIP - dots(4))
        if place < SLIPS_PER_PAGE - 1:
            paper.cut(dots(4), top + _SLIP, WIDTH - dots(4), top + _SLIP)
    return paper.finish()


def declaration_slip_pdf(slip: Slip, *, words: SlipWords, base_url: str) -> bytes:
    """Print one slip; see `declaration_slips_pdf`."""
    return declaration_slips_pdf([slip], words=words, base_url=base_url)


def _draw_collector_part(paper: Paper, slip: Slip, *, words: SlipWords, top: int) -> None:
    code = codes.parse(slip.declaration_code, expect="declaration", field="declaration_code").text
    width = CUT - 2 * _MARGIN
    y = paper.paragraph(
        words.collector_heading,
        x=_MARGIN,
        y=top + dots(5),
        width=width,
        height=dots(6),
        sizes=(44, 36, 28),
        font=BOLD,
    )
    quiet = symbols.QR_QUIET * _QR_MODULE
    y += dots(1)
    paper.square(symbols.code_matrix(code), x=_MARGIN, y=y + quiet, module=_QR_MODULE)
    side = symbols.QR_SIDE * _QR_MODULE
    x = _MARGIN + side + quiet
    _draw_person(
        paper,
        slip,
        words=words,
        x=x,
        y=y + quiet // 2,
        width=CUT - _MARGIN - x,
        height=side + quiet,
    )
    y += side + 2 * quiet
    shown = codes.grouped(code)
    paper.line(shown, x=_MARGIN, y=y, size=62, font=MONO)
    below = y + 82
    modules = symbols.code128_modules(code)
    bars = top + _SLIP - dots(5) - _BARS
    paper.paragraph(
        "\n".join(slip.lines),
        x=_MARGIN,
        y=below,
        width=width,
        height=bars - below - dots(1),
        sizes=(36, 32, 28, 24, 20),
    )
    paper.bars(modules, x=_MARGIN + symbols.BAR_QUIET * _BAR_MODULE, y=bars, module=_BAR_MODULE, height=_BARS)


def _draw_person_part(paper: Paper, slip: Slip, *, words: SlipWords, base_url: str, top: int) -> None:
    secret = codes.check_result_code(slip.result_code)
    rows = symbols.qr_matrix(f"{base_url}/results#{secret}")
    module = max(_RESULT_QR // (len(rows) + 2 * symbols.QR_QUIET), 3)
    side = len(rows) * module
    quiet = symbols.QR_QUIET * module
    right = WIDTH - _MARGIN
    y = paper.paragraph(
        words.person_heading,
        x=_PERSON,
        y=top + dots(5),
        width=right - _PERSON,
        height=dots(6),
        sizes=(44, 36, 28),
        font=BOLD,
    )
    paper.square(rows, x=right - side, y=y + quiet, module=module)
    width = right - side - quiet - _PERSON
    y += dots(2)
    y = _draw_person(paper, slip, words=words, x=_PERSON, y=y, width=width, height=dots(20))
    y += dots(1)
    y = paper.paragraph(words.result_code, x=_PERSON, y=y, width=width, height=dots(5), sizes=(34, 28, 24))
    shown = codes.grouped(secret)
    size = min(int(width / text_width(shown, MONO, 1)), 66)
    paper.line(shown, x=_PERSON, y=y, size=size, font=MONO)
    y = max(y + size + dots(3), top + dots(11) + side + 2 * quiet)
    bottom = top + _SLIP - dots(5)
    y = paper.paragraph(
        words.advice,
        x=_PERSON,
        y=y,
        width=right - _PERSON,
        height=bottom - y - dots(6),
        sizes=(36, 32, 28, 24, 20),
    )
    paper.paragraph(
        f"{base_url}/results",
        x=_PERSON,
        y=y,
        width=right - _PERSON,
        height=bottom - y,
        sizes=(36, 30, 24, 18),
        font=BOLD,
    )


def _draw_person(
    paper: Paper, slip: Slip, *, words: SlipWords, x: int, y: int, width: int, height: int
) -> int:
    year = dots(5)
    y = paper.paragraph(
        slip.name, x=x, y=y, width=width, height=height - year, sizes=(48, 40, 34, 28, 24, 20, 16), font=BOLD
    )
    return paper.paragraph(
        f"{words.born} {slip.birth_year}",
        x=x,
        y=y,
        width=width,
        height=year,
        sizes=(38, 30, 24),
        font=REGULAR,
    )
