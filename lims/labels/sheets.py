"""Sheets of adhesive labels: tubes, pools, boxes, and every other work code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from lims import codes
from lims.errors import InvalidInput
from lims.labels import symbols
from lims.labels.paper import LEADING, MONO, REGULAR, Paper, dots, text_width


@dataclass(frozen=True)
class Label:
    """One label to print.

    Args:
        code: a work code, in any grouping.
        lines: what else people read on it (lot, place, date), translated; two or three short ones fit.
    """

    code: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """How the labels of an A4 sheet lie, and how large its symbols are.

    Lengths in millimetres, as the makers of label sheets give them; modules in dots of 1/300 inch.
    """

    columns: int
    rows: int
    width_mm: float
    height_mm: float
    left_mm: float
    top_mm: float
    column_step_mm: float
    row_step_mm: float
    qr_module: int
    bar_module: int
    bar_height_mm: float

    @property
    def places(self) -> int:
        """How many labels a page holds."""
        return self.columns * self.rows


# 40 x 20 mm: QR 0.51 mm and bars 0.254 mm a module, the sizes that read best on a tube of 12.5 or 16 mm.
A4_70 = Sheet(5, 14, 40.0, 20.0, 5.0, 8.5, 40.0, 20.0, qr_module=6, bar_module=3, bar_height_mm=4.5)
# 63.5 x 38.1 mm, sold as L7160.
A4_21 = Sheet(3, 7, 63.5, 38.1, 7.2, 15.1, 66.04, 38.1, qr_module=9, bar_module=4, bar_height_mm=11)
# 99.1 x 67.7 mm, sold as L7165.
A4_8 = Sheet(2, 4, 99.1, 67.7, 4.65, 13.1, 101.6, 67.7, qr_module=15, bar_module=6, bar_height_mm=22)
SHEETS = {"A4_70": A4_70, "A4_21": A4_21, "A4_8": A4_8}

_BOTTOM_MM = 0.6
_RIGHT_MM = 1
_SMALLEST = 17


def tube_sheet_pdf(
    labels: Iterable[Label], *, sheet: Sheet = A4_70, first: int = 1, title: str = ""
) -> bytes:
    """Print tube labels; stick them so that the long side runs along the tube.

    Args:
        labels: in the order they shall lie, row by row.
        sheet: the paper in the tray.
        first: place of the first label, from 1, to use up a sheet that was begun.
        title: title of the document, translated.

    Returns:
        A PDF of as many A4 pages as it takes; one empty page when there are no labels.

    Raises:
        InvalidInput: a label's code is not a sound one, or `first` is not on the sheet.
    """
    return _sheet_pdf(labels, sheet=sheet, first=first, title=title)


def pool_labels_pdf(
    labels: Iterable[Label], *, sheet: Sheet = A4_70, first: int = 1, title: str = ""
) -> bytes:
    """Print pool labels, on the paper of the tubes by default; see `tube_sheet_pdf`."""
    return _sheet_pdf(labels, sheet=sheet, first=first, title=title)


def box_sheet_pdf(labels: Iterable[Label], *, sheet: Sheet = A4_8, first: int = 1, title: str = "") -> bytes:
    """Print box labels, large enough to scan at arm's length; see `tube_sheet_pdf`."""
    return _sheet_pdf(labels, sheet=sheet, first=first, title=title)


def _sheet_pdf(labels: Iterable[Label], *, sheet: Sheet, first: int, title: str) -> bytes:
    if not 1 <= first <= sheet.places:
        raise InvalidInput(
            "The first label must be one of the %(places)s places of the sheet.",
            field="first",
            places=sheet.places,
        )
    paper = Paper(title=title)
    for number, label in enumerate(labels, start=first - 1):
        place = number % sheet.places
        if number and place == 0:
            paper.next_page()
        row, column = divmod(place, sheet.columns)
        # Each label is placed from the millimetres, so that rounding to dots does not add up down the page.
        x = dots(sheet.left_mm + column * sheet.column_step_mm)
        y = dots(sheet.top_mm + row * sheet.row_step_mm)
        _draw_label(paper, label, sheet=sheet, x=x, y=y)
    return paper.finish()


def _draw_label(paper: Paper, label: Label, *, sheet: Sheet, x: int, y: int) -> None:
    code = codes.parse(label.code).text
    quiet = symbols.QR_QUIET * sheet.qr_module
    paper.square(symbols.code_matrix(code), x=x + quiet, y=y + quiet, module=sheet.qr_module)
    modules = symbols.code128_modules(code)
    bar_height = dots(sheet.bar_height_mm)
    paper.bars(
        modules,
        x=x + (dots(sheet.width_mm) - len(modules) * sheet.bar_module) // 2,
        y=y + dots(sheet.height_mm - _BOTTOM_MM) - bar_height,
        module=sheet.bar_module,
        height=bar_height,
    )
    block = symbols.QR_SIDE * sheet.qr_module + 2 * quiet
    _draw_words(paper, label, code=code, sheet=sheet, x=x + block, y=y, block=block)


def _draw_words(paper: Paper, label: Label, *, code: str, sheet: Sheet, x: int, y: int, block: int) -> None:
    """Beside the QR code: the code for people, then the lines, as large as the space allows."""
    width = dots(sheet.width_mm - _RIGHT_MM) - block
    shown = codes.grouped(code)
    top = symbols.QR_QUIET * sheet.qr_module // 2
    size = int(width / text_width(shown, MONO, 1))
    paper.line(shown, x=x, y=y + top, size=size, font=MONO)
    if label.lines:
        top += round(size * LEADING)
        paper.paragraph(
            "\n".join(label.lines),
            x=x,
            y=y + top,
            width=width,
            height=block - top,
            sizes=_line_sizes(label.lines, width=width, largest=size * 3 // 4),
        )


@lru_cache(maxsize=256)
def _line_sizes(lines: tuple[str, ...], *, width: int, largest: int) -> tuple[int, ...]:
    """The sizes to try: rather small letters than a broken line, and rather a broken line than tiny ones."""
    unbroken = min(int(width / max(text_width(line, REGULAR, 1), 1)) for line in lines)
    return tuple(range(min(largest, max(unbroken, largest // 2, _SMALLEST + 3)), _SMALLEST, -1))
