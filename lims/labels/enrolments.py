"""The QR sheet of a day's collectors: eight cards to an A4 page, to be cut apart and handed out in the morning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lims import codes
from lims.labels import symbols
from lims.labels.paper import BOLD, HEIGHT, MONO, WIDTH, Paper, dots

COLUMNS, ROWS = 2, 4
_CARD_WIDTH, _CARD_HEIGHT = WIDTH // COLUMNS, HEIGHT // ROWS
_MARGIN = dots(6)
_ENROL_SIDE = dots(40)
_BADGE_MODULE = 6


@dataclass(frozen=True)
class EnrolmentCard:
    """What one card says.

    Args:
        address: what the large QR holds: the app's address with the enrolment's code behind a `#`.
        badge_code: the collector's badge, in any grouping; '' for none.
        name: the collector's full name.
        lines: team, site, day, translated.
    """

    address: str
    badge_code: str
    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class EnrolmentWords:
    """The words that are the same on every card, translated.

    Args:
        title: title of the document.
        advice: what to do with the large QR; one paragraph.
        badge: what stands beside the small one.
    """

    title: str
    advice: str
    badge: str


def enrolment_sheet_pdf(cards: Iterable[EnrolmentCard], *, words: EnrolmentWords) -> bytes:
    """Print the cards of a day's collectors.

    Args:
        cards: in the order of printing.
        words: the fixed words, translated.

    Returns:
        A PDF of A4 pages, eight cards each.

    Raises:
        InvalidInput: a badge's code is none, or an address is too long to print.
    """
    paper = Paper(title=words.title)
    for number, card in enumerate(cards):
        place = number % (COLUMNS * ROWS)
        if number and place == 0:
            paper.next_page()
        if place == 0:
            _draw_cuts(paper)
        _draw_card(paper, card, words, x=place % COLUMNS * _CARD_WIDTH, y=place // COLUMNS * _CARD_HEIGHT)
    return paper.finish()


def _draw_cuts(paper: Paper) -> None:
    paper.cut(_CARD_WIDTH, dots(4), _CARD_WIDTH, HEIGHT - dots(4))
    for row in range(1, ROWS):
        paper.cut(dots(4), row * _CARD_HEIGHT, WIDTH - dots(4), row * _CARD_HEIGHT)


def _draw_card(paper: Paper, card: EnrolmentCard, words: EnrolmentWords, *, x: int, y: int) -> None:
    rows = symbols.qr_matrix(card.address)
    module = max(_ENROL_SIDE // (len(rows) + 2 * symbols.QR_QUIET), 4)
    quiet, side = symbols.QR_QUIET * module, len(rows) * module
    left, top = x + _MARGIN, y + _MARGIN
    paper.square(rows, x=left + quiet, y=top + quiet, module=module)
    beside = left + side + 2 * quiet + dots(2)
    width = x + _CARD_WIDTH - _MARGIN - beside
    below = paper.paragraph(
        card.name,
        x=beside,
        y=top + quiet,
        width=width,
        height=dots(14),
        sizes=(44, 38, 32, 26, 20),
        font=BOLD,
    )
    paper.paragraph(
        "\n".join(card.lines),
        x=beside,
        y=below + dots(1),
        width=width,
        height=top + side + 2 * quiet - below - dots(2),
        sizes=(36, 32, 28, 24, 20, 16),
    )
    foot = top + side + 2 * quiet
    badge = codes.parse(card.badge_code, expect="badge", field="badge").text if card.badge_code else ""
    badge_side = symbols.QR_SIDE * _BADGE_MODULE if badge else 0
    right = x + _CARD_WIDTH - _MARGIN - badge_side
    paper.paragraph(
        words.advice,
        x=left,
        y=foot,
        width=(right - symbols.QR_QUIET * _BADGE_MODULE if badge else right) - left,
        height=y + _CARD_HEIGHT - _MARGIN - foot - dots(6),
        sizes=(30, 26, 22, 18),
    )
    if badge:
        paper.square(symbols.code_matrix(badge), x=right, y=foot, module=_BADGE_MODULE)
        shown = f"{words.badge} {codes.grouped(badge)}"
        paper.line(shown, x=left, y=y + _CARD_HEIGHT - _MARGIN - dots(5), size=34, font=MONO)
